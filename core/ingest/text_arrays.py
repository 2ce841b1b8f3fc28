"""A JSON array of texts, each a value: how many services hand out their lists."""

import re
from collections.abc import Iterator

from core.ingest.json_stream import objects
from core.ingest.lines import MAX_LINE_CHARS, excerpt
from core.ingest.reader import InputFile
from core.schemas.claim import Refusal
from core.values.detect import detect

SAMPLE = 200
_begins = re.compile(r'\s*\[\s*"').match
_string = re.compile(r'"((?:[^"\\]|\\.)*+)"').finditer


def begins(file: InputFile) -> bool:
    """Tell whether *file* begins as an array of texts does."""
    return _begins(file.text_head) is not None


def sample(file: InputFile) -> list[str]:
    """Return the first texts of the array, escapes as they stand."""
    return [found[1] for found, _ in zip(_string(file.text_head), range(SAMPLE), strict=False)]


def are_values(file: InputFile) -> bool:
    """Tell whether most of the first texts are values: an array of words may be anything."""
    texts = sample(file)
    return 2 * sum(detect(text) is not None for text in texts) >= len(texts) > 0


def texts(file: InputFile) -> Iterator[str | Refusal]:
    """Yield the texts of the array; what is none in it is refused.

    Raises:
        UnreadableFile: Nothing of it is JSON.
    """
    for found in objects(file, {"item"}):
        if isinstance(found, Refusal):
            yield found
        elif not isinstance(found[1], str):
            yield Refusal(0, "an entry that is no text", excerpt(str(found[1])))
        elif len(found[1]) > MAX_LINE_CHARS:
            yield Refusal(0, "an entry of more than a million characters")
        else:
            yield found[1]

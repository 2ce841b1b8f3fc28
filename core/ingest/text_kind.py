"""What sort of list a text is, by its first lines: that decides what a doubtful line means."""

from dataclasses import dataclass

from core.ingest import text_filter_rules
from core.values import types
from core.values.detect import detect

MANY = 0.8
FEW = 0.1
ENOUGH = 20


@dataclass(frozen=True, slots=True)
class ListKind:
    """What the first lines show.

    Attributes:
        is_of_names: Nearly all are host names: so is a name there whose top level is not known.
        is_of_words: Nearly none is a value: a word with a dot among them is no host name.
        is_adblock: Rules for browsers: what is no plain value or domain rule there is a pattern.
    """

    is_of_names: bool
    is_of_words: bool
    is_adblock: bool


def look_at(entries: list[str]) -> ListKind:
    """Return the kind of list that begins with *entries*."""
    texts = [entry.strip() for entry in entries]
    is_adblock = any(text.startswith(("||", "@@||")) or "##" in text[1:] for text in texts) and any(
        text.startswith(("!", "||")) or text_filter_rules.is_header(text) for text in texts
    )
    texts = [text for text in texts if text and not text.startswith(("#", ";", "!", "//"))]
    found = [detect(text.split(None, 1)[0]) for text in texts]
    values = sum(one is not None for one in found)
    names = sum(one is not None and one[0] == types.HOSTNAME for one in found)
    return ListKind(
        is_of_names=len(texts) >= ENOUGH and names >= MANY * len(texts),
        is_of_words=len(texts) >= ENOUGH and values < FEW * len(texts) and not is_adblock,
        is_adblock=is_adblock,
    )

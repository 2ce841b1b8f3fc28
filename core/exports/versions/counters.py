"""Numbers that rise with every publication, for formats whose consumers look at one: the serial of a zone.

Such a format writes a mark where the number belongs.  Content is compared, and kept, with the mark in it; the
number takes its place when a version is published, so that a run that changes nothing changes no number.
"""

from pathlib import Path

from core.errors import RenderError
from core.exports.formats import COUNTER_MARK, get_format
from core.exports.spool import RenderedFile, SpoolFile
from core.schemas.instant import Instant

_MARK = COUNTER_MARK.encode()
_CHUNK_BYTES = 1 << 20


def has_counter(format: str) -> bool:
    """Say whether the files of a format carry a publish counter."""
    return bool(format) and hasattr(get_format(format), "next_counter")


def next_counter(format: str, last: int | None, instant: Instant) -> int:
    """Return the counter of the next version; *last* is that of the latest, ``None`` before the first.

    Raises:
        RenderError: The format failed.
    """
    choose = getattr(get_format(format), "next_counter", None)
    try:
        return int(choose(last, instant)) if choose else (last or 0) + 1
    except Exception as error:  # a format may be anybody's code
        raise RenderError(f"the format {format} failed: {type(error).__name__}: {error}") from error


def stamped(content: RenderedFile, counter: int, folder: Path) -> RenderedFile:
    """Return a copy of *content* in *folder* with the number in the place of each mark."""
    file = SpoolFile(folder / f"{content.path.name}.stamped", content.name, content.media_type)
    number = str(counter).encode()
    with content.path.open("rb") as source:
        rest = b""
        while chunk := source.read(_CHUNK_BYTES):
            text = (rest + chunk).replace(_MARK, number)
            # A mark may be cut in two by the end of a chunk; the number itself never begins one.
            cut = _begun_mark(text)
            file.write_bytes(text[: len(text) - cut])
            rest = text[len(text) - cut :]
        file.write_bytes(rest)
    file.entries = content.entries
    return file.finish()


def _begun_mark(text: bytes) -> int:
    """Return how many bytes at the end of *text* may be the beginning of a mark."""
    return next((size for size in range(len(_MARK) - 1, 0, -1) if text.endswith(_MARK[:size])), 0)

"""Read the lines of a log or a list of any size: from a file, compressed or not, or from standard input."""

import bz2
import codecs
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO

from core.errors import TooLarge, UnreadableFile

LONGEST_LINE_CHARACTERS = 1 << 20
_CHUNK_CHARACTERS = 1 << 18
_COST_OF_A_LINE = 16  # so that nothing but line ends is not the longest work
_COMPRESSED: tuple[tuple[bytes, Callable[[IO[bytes]], io.RawIOBase | io.BufferedIOBase]], ...] = (
    (b"\x1f\x8b", lambda raw: gzip.GzipFile(fileobj=raw)),
    (b"BZh", lambda raw: bz2.BZ2File(raw)),
    (b"\xfd7zXZ\x00", lambda raw: lzma.LZMAFile(raw)),  # noqa: SIM115 - closes with the file under it
)
_DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError)


def size_bytes(path: Path | None) -> int | None:
    """Return how long a file is, as far as that can be known; of standard input nothing is."""
    with suppress(OSError):
        if path is not None and path.is_file():
            return path.stat().st_size
    return None


def read(
    path: Path | None,
    on_bytes: Callable[[int], None] = lambda _: None,
    *,
    name: str = "",
    most_characters: int | None = None,
) -> Iterator[str | None]:
    """Yield every line, without its end; ``None`` for one of more than a million characters.

    What is compressed with gzip, bzip2 or xz is read as if it were not.  What is no UTF-8 is marked in the text.
    Memory is bounded whatever the file.

    Args:
        path: The file; ``None`` is standard input.
        on_bytes: Called with the number of bytes just read from the disk.
        name: What errors call it, if not by its path.
        most_characters: How much is looked at, whatever it was packed into, a line counting for sixteen more; ``None`` is
            all.

    Raises:
        UnreadableFile: It is missing, may not be read, or is damaged; lines before the damage were yielded.
        TooLarge: It is longer than *most_characters*.
    """
    name = name or ("standard input" if path is None else str(path))
    try:
        with ExitStack() as closing:
            raw = _standard_input() if path is None else closing.enter_context(path.open("rb"))
            text = closing.enter_context(_plain(raw))
            yield from _lines(text, _Progress(raw, on_bytes), most_characters, name)
    except _DAMAGED:
        raise UnreadableFile(f"{name} is damaged, or not whole") from None
    except OSError as error:
        if error.strerror is None:  # bz2 has no error of its own
            raise UnreadableFile(f"{name} is damaged, or not whole") from None
        raise UnreadableFile(f"{name}: {error.strerror}") from None


def _standard_input() -> io.BufferedReader:
    return io.BufferedReader(io.FileIO(sys.stdin.fileno(), closefd=False))


def _plain(raw: io.BufferedReader) -> io.TextIOWrapper:
    stream = raw
    for magic, opened in _COMPRESSED:
        if raw.peek(8).startswith(magic):
            stream = io.BufferedReader(opened(raw), _CHUNK_CHARACTERS)
    head = stream.peek(8)
    is_utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return io.TextIOWrapper(stream, "utf-16" if is_utf16 else "utf-8-sig", errors="replace", newline="")


def _lines(stream: io.TextIOWrapper, progress: "_Progress", most: int | None, name: str) -> Iterator[str | None]:
    rest, is_too_long, taken = "", False, 0
    while chunk := stream.read(_CHUNK_CHARACTERS):
        progress.tell()
        pieces = chunk.split("\n")
        taken += len(chunk) + _COST_OF_A_LINE * len(pieces)
        if most is not None and taken > most:
            raise TooLarge(f"{name} is more than {most:,} characters; send it in parts")
        pieces[0] = rest + pieces[0]
        rest = pieces.pop()
        for piece in pieces:
            yield None if is_too_long or len(piece) > LONGEST_LINE_CHARACTERS else piece
            is_too_long = False
        if len(rest) > LONGEST_LINE_CHARACTERS:
            is_too_long, rest = True, ""
    if rest or is_too_long:
        yield None if is_too_long else rest


class _Progress:
    """Say how far a file was read; of a pipe nothing is said."""

    def __init__(self, raw: io.BufferedReader, on_bytes: Callable[[int], None]) -> None:
        self._raw, self._on_bytes, self._told = raw, on_bytes, 0

    def tell(self) -> None:
        with suppress(OSError):
            place = self._raw.tell()
            self._on_bytes(place - self._told)
            self._told = place

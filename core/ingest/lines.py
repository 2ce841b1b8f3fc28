"""Lines of text of any size, one after the other."""

from collections.abc import Iterator

from core.ingest.reader import InputFile

MAX_LINE_CHARS = 1 << 20
_CHUNK = 1 << 18


def lines(file: InputFile) -> Iterator[tuple[int, str | None]]:
    """Yield number (from 1) and text of every line, without its end; ``None`` for one beyond a million characters.

    LF, CRLF and, in a file that has no LF in its head, CR end a line.  Memory is bounded whatever the file.
    """
    end = "\r" if b"\r" in file.head and b"\n" not in file.head else "\n"
    number, rest, is_too_long = 0, "", False
    with file.open_text() as stream:
        while chunk := stream.read(_CHUNK):
            pieces = chunk.split(end)
            pieces[0] = rest + pieces[0]
            rest = pieces.pop()
            for piece in pieces:
                number += 1
                if is_too_long or len(piece) > MAX_LINE_CHARS:
                    is_too_long = False
                    yield number, None
                else:
                    yield number, piece.removesuffix("\r")
            if len(rest) > MAX_LINE_CHARS:
                is_too_long, rest = True, ""
    if is_too_long:
        yield number + 1, None
    elif rest:
        yield number + 1, rest.removesuffix("\r")


def excerpt(text: str) -> str:
    """Return the start of *text* for a message: printable, at most 80 characters."""
    start = text[:200].strip()
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in start)
    return shown if len(shown) <= 80 else shown[:79] + "…"

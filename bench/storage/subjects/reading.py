"""What subjects read in, and a file made of chunks for those that want one."""

from collections.abc import Iterator
from contextlib import suppress

CHUNK_BYTES = 1 << 20
PART_BYTES = 8 << 20


class Reading:
    """Chunks of text as a file of bytes, which copies nothing more often than it must."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self.chunks, self.rest = chunks, b""

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, or what is left."""
        pieces, wanted = [self.rest], (1 << 62) if size is None or size < 0 else size
        have = len(self.rest)
        self.rest = b""
        with suppress(StopIteration):
            while have < wanted:
                pieces.append(next(self.chunks).encode())
                have += len(pieces[-1])
        if have > wanted:
            last = pieces.pop()
            cut = len(last) - (have - wanted)
            pieces.append(last[:cut])
            self.rest = last[cut:]
        return b"".join(pieces)

"""Bytes on their way to the server: handed over without a copy, sent in pieces."""

import zlib
from base64 import b64encode

_SENT_AT_ONCE_BYTES = 1 << 16


class Octets:
    """A buffer as a file to read from; botocore signs, sends and rewinds it.

    Sent as one, a part would have to be gone within the time-out of one write, which is that for connecting: a
    line of less than 13 Mbit/s could never store one.
    """

    def __init__(self, octets: memoryview) -> None:
        self._view, self._position = octets, 0

    def __len__(self) -> int:
        return len(self._view)

    def read(self, size: int = -1) -> memoryview | bytes:
        """Return the next bytes: all that are left, or a view of so many."""
        start = self._position
        self._position = len(self._view) if size < 0 else min(start + size, len(self._view))
        piece = self._view[start : self._position]
        return piece if piece and size >= 0 else bytes(piece)

    def tell(self) -> int:
        """Return how much was read."""
        return self._position

    def seek(self, position: int) -> None:
        """Go on reading from there."""
        self._position = position


def body(octets: memoryview) -> Octets | bytes:
    """Return *octets* as boto3 takes them for a body; a small one is sent at once, see `connection`."""
    return bytes(octets) if len(octets) <= _SENT_AT_ONCE_BYTES else Octets(octets)


def sha256_field(sha256: str) -> str:
    """Return a SHA-256 in hexadecimal as S3 wants it in a header."""
    return b64encode(bytes.fromhex(sha256)).decode()


def crc32_field(crc32: int) -> str:
    """Return a CRC-32 as S3 wants it in a header."""
    return b64encode(crc32.to_bytes(4, "big")).decode()


def crc32(octets: memoryview, before: int = 0) -> int:
    """Return the CRC-32 of *octets*, or of what came *before* and them."""
    return zlib.crc32(octets, before)

"""What is sent and fetched: bytes and text that are made the same in every process, so that each can check them."""

import random
from collections.abc import Iterator
from functools import cache
from hashlib import sha256

PERIOD_BYTES = 100_003
"""A prime: two parts of an object that change places are noticed."""

_LOOK_BYTES = 64
_CHUNK_BYTES = 1 << 20
_TEXT_CHUNK_BYTES = 1 << 16
_TEXT_BLOCKS = 8


@cache
def pattern() -> bytes:
    """Return one period, and so much of the next that any place of it can be looked at."""
    period = random.Random(7).randbytes(PERIOD_BYTES)
    return period + period[:_LOOK_BYTES]


def content(size_bytes: int) -> Iterator[bytes]:
    """Yield *size_bytes* of bytes in chunks of at most 1 MiB."""
    repeated = pattern()[:PERIOD_BYTES] * (_CHUNK_BYTES // PERIOD_BYTES + 2)
    for start in range(0, size_bytes, _CHUNK_BYTES):
        offset = start % PERIOD_BYTES
        yield repeated[offset : offset + min(_CHUNK_BYTES, size_bytes - start)]


def check(chunks: Iterator[bytes], size_bytes: int) -> None:
    """Read *chunks* and look at both ends of each: hashing all of it would take longer than fetching it.

    Raises:
        ValueError: They are not what `content` gave.
    """
    done = 0
    for chunk in chunks:
        view = memoryview(chunk)
        for at in (0, max(0, len(view) - _LOOK_BYTES)):
            offset, seen = (done + at) % PERIOD_BYTES, bytes(view[at : at + _LOOK_BYTES])
            if not pattern().startswith(seen, offset):
                raise ValueError(f"other bytes than were stored at {done + at}")
        done += len(view)
    if done != size_bytes:
        raise ValueError(f"{done} bytes came back, {size_bytes} were stored")


def text(size_bytes: int) -> Iterator[str]:
    """Yield chunks of about 64 KiB that are together just over *size_bytes* as UTF-8; nobody knows by how much."""
    blocks = _text_blocks()
    done = number = 0
    while done < size_bytes:
        block, block_bytes = blocks[number % _TEXT_BLOCKS]
        chunk = f"# {number}\n{block}"
        yield chunk
        done += len(chunk) - len(block) + block_bytes
        number += 1


@cache
def _text_blocks() -> list[tuple[str, int]]:
    source = random.Random(11)
    blocks = []
    for number in range(_TEXT_BLOCKS):
        lines: list[str] = ["Zürich\n"] if number == 0 else []  # so that characters and bytes are not the same
        length = 0
        while length < _TEXT_CHUNK_BYTES:
            address = ".".join(str(source.randrange(256)) for _ in range(4))
            lines.append(f"{address},ipv4,botnet;c2,feed {number},2026-01-0{number + 1}T00:00:00Z\n")
            length += len(lines[-1])
        block = "".join(lines)
        blocks.append((block, len(block.encode())))
    return blocks


def digest_of(chunks: Iterator[bytes]) -> tuple[int, str]:
    """Return the size and the SHA-256 of all *chunks* together."""
    digest, size = sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()

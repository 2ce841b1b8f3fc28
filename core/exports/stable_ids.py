"""Ids that are made from what they stand for: the same everywhere and for ever."""

from collections.abc import Iterable
from hashlib import blake2b, sha1
from uuid import UUID

NAMESPACE = UUID("7c2b4f3e-0d59-5c57-9f0e-4d1f6a3c8b21")
"""Of all of them: indicators, collections, events, attributes; never to be changed."""

_SHAPE = b"xxxxxxxx-xxxx-5xxx-xxxx-xxxxxxxxxxxx\n"
_PLACES = [place for place, character in enumerate(_SHAPE) if character == ord("x")]
_VERSION_DIGIT, _VARIANT_DIGIT, _DIGITS = 12, 16, 32
_TAKEN_DIGITS = [digit for digit in range(_DIGITS) if digit != _VERSION_DIGIT]
_VARIANT = bytes.maketrans(b"0123456789abcdef", b"89ab" * 4)


def stable_uuid(name: str) -> str:
    """Return ``uuid5`` of *name* in our namespace, as text."""
    return stable_uuids("", [name.encode()])[0]


def stable_uuids(before: str, names: Iterable[bytes]) -> list[str]:
    """Return ``uuid5`` of *before* and each of *names*, as texts: ten times as fast, and there are millions.

    A column of digits is set at a time, in all of the texts.
    """
    start = NAMESPACE.bytes + before.encode()
    digests = [sha1(start + name).digest()[: _DIGITS // 2] for name in names]  # noqa: S324 (what version 5 is made of)
    digits = b"".join(digests).hex().encode()
    lines = bytearray(_SHAPE * len(digests))
    for place, digit in zip(_PLACES, _TAKEN_DIGITS, strict=True):
        column = digits[digit::_DIGITS]
        lines[place :: len(_SHAPE)] = column.translate(_VARIANT) if digit == _VARIANT_DIGIT else column
    return lines.decode().split()


def stable_digests(before: str, names: Iterable[bytes], size: int) -> list[str]:
    """Return a digest of *size* bytes of *before* and each of *names*, as hexadecimal digits."""
    start = blake2b(before.encode(), digest_size=size)
    found = []
    for name in names:
        digest = start.copy()  # half as dear as a new one
        digest.update(name)
        found.append(digest.hexdigest())
    return found

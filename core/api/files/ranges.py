"""Read which part of a file is asked for (RFC 9110 §14)."""

import re
from typing import NamedTuple

_RANGE = re.compile(r"bytes\s*=\s*([0-9]*)\s*-\s*([0-9]*)\s*", re.IGNORECASE | re.ASCII)
_MOST_DIGITS = 18
_BEHIND_ANY_END = 10**_MOST_DIGITS


class Part(NamedTuple):
    """So many bytes from a place on."""

    start: int
    size_bytes: int

    def content_range(self, of_bytes: int) -> str:
        """Return the header that says which part it is."""
        return f"bytes {self.start}-{self.start + self.size_bytes - 1}/{of_bytes}"


class Unsatisfiable(Exception):
    """Nothing of the file is in the range."""


def part(header: str | None, size_bytes: int) -> Part | None:
    """Return the part that is asked for; ``None`` for the whole file.

    Several ranges, and what is no range of bytes, are answered with the whole file, as is allowed.

    Raises:
        Unsatisfiable: It begins behind the end.
    """
    match = _RANGE.fullmatch(header) if header else None
    if match is None:
        return None
    first, last = match[1], match[2]
    if not (first or last):
        return None
    if not first:  # the last so many
        size = min(_number(last), size_bytes)
        if size == 0:
            raise Unsatisfiable
        return Part(size_bytes - size, size)
    start = _number(first)
    end = min(_number(last), size_bytes - 1) if last else size_bytes - 1
    if last and _number(last) < start:
        return None  # not a range at all
    if start >= size_bytes:
        raise Unsatisfiable
    return Part(start, end - start + 1)


def _number(digits: str) -> int:
    digits = digits.lstrip("0")
    return int(digits or "0") if len(digits) <= _MOST_DIGITS else _BEHIND_ANY_END

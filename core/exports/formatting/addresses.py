"""Addresses and networks put together to the fewest networks that are exactly the same addresses.

A format that wants the fewest lines gives all batches to `Addresses`; one that writes a line for each observable
needs only `accepted`, which says what is canonical.  Figures: ``ipaddress.collapse_addresses`` takes ten seconds for
200,000 addresses, this one for a million.
"""

import struct
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv6Address
from itertools import repeat
from operator import add, lshift
from posixpath import splitext
from socket import AF_INET6, inet_aton, inet_ntop
from sys import byteorder
from typing import NamedTuple

from core.exports.formatting.address_check import Accepted, Found, accepted
from core.exports.formatting.contract import Output, Values
from core.values.networks import BITS, Span, text_of

__all__ = ["MEMORY_BYTES_PER_ENTRY", "Accepted", "Addresses", "accepted", "counted", "name_of_version"]

MEMORY_BYTES_PER_ENTRY = 72
"""What `Addresses` keeps of each observable at most, while it sorts them."""

BATCH = 2_048
_SHIFT = 8
"""A network is kept as one integer, its key: the first address, and in the lowest eight bits the length of its prefix.

Sorted, a network comes before all that lie in it.
"""
_LENGTH = (1 << _SHIFT) - 1
_STEPS = {
    version: [(1 << bits - length << _SHIFT) + _LENGTH - length for length in range(bits + 1)]
    for version, bits in BITS.items()
}
"""By the length of a prefix, what lies between a network's key and the last one that a network right behind it has."""
_ENDS = {version: [*(f"/{length}" for length in range(bits)), ""] for version, bits in BITS.items()}
"""By the length of a prefix, what stands behind the address."""
_OCTETS = [str(octet) for octet in range(256)]


class _Spans(NamedTuple):
    """Spans of addresses in order, none of which overlaps or touches another.

    Attributes:
        keys: The first network of each, which most of them are.
        reaches: Of those that are more, by their place: the last key that a network right behind the span has.
    """

    keys: list[int]
    reaches: dict[int, int]


class Addresses:
    """Collects addresses and networks, and gives the fewest networks that are exactly these addresses.

    Attributes:
        entries: How many observables were taken, by version.
    """

    def __init__(self, refused: Mapping[int, str] | None = None) -> None:
        """Begin with none.

        Args:
            refused: Reasons to refuse all of a version (4 or 6).
        """
        self.entries = dict.fromkeys(BITS, 0)
        self._refused = refused or {}
        self._ipv4 = array("Q")
        self._ipv6: list[int] = []

    def add(self, values: Values, out: Output) -> None:
        """Take in a batch of type ``ipv4``, ``ipv6`` or ``cidr``; what is not canonical is refused."""
        found = accepted(values, out, self._refused)
        self.entries[4] += len(found.ipv4.texts)
        self.entries[6] += len(found.ipv6.texts)
        self._ipv4.extend(_keys(4, found.ipv4) if found.ipv4.lengths else _address_keys(found.ipv4.texts))
        self._ipv6.extend(_keys(6, found.ipv6))

    def networks(self, version: int) -> Iterator[list[str]]:
        """Yield the fewest networks of a version, in the order of their addresses, in lists of some thousand texts.

        One address is written without a length.  All addresses there are come as two networks: no consumer is ever
        told ``/0``.
        """
        for spans in self._spans(version):
            yield _texts(version, _split(BITS[version], spans) if spans.reaches else spans.keys)

    def ranges(self, version: int) -> Iterator[list[str]]:
        """Yield the same addresses in the fewest lines where ranges are understood: what is no network is ``a-b``."""
        for spans in self._spans(version):
            texts = _texts(version, spans.keys)
            for place, reach in spans.reaches.items():
                texts[place] = _range_text(version, spans.keys[place] >> _SHIFT, (reach >> _SHIFT) - 1)
            yield texts

    def _spans(self, version: int) -> Iterator[_Spans]:
        steps, keys = _STEPS[version], self._sorted(version)
        found, reach = _Spans([], {}), -1
        for place in range(0, len(keys), BATCH):
            # A loop takes half as long as functions of C that each go over all keys.
            for key in keys[place : place + BATCH]:
                if key > reach:
                    found.keys.append(key)
                    reach = key + steps[key & _LENGTH]
                elif (further := key + steps[key & _LENGTH]) > reach:
                    found.reaches[len(found.keys) - 1] = reach = further
            # What comes next may belong to the last span.
            last = found.keys.pop()
            is_more = found.reaches.pop(len(found.keys), None)
            if found.keys:
                yield found
            found = _Spans([last], {} if is_more is None else {0: reach})
        if found.keys:
            yield found

    def _sorted(self, version: int) -> Sequence[int]:
        if version == 4:
            # In a list they would lie in memory in the order in which they came, and each be waited for.
            self._ipv4 = array("Q", sorted(self._ipv4))
            return self._ipv4
        self._ipv6.sort()
        return self._ipv6


def counted(observables: int, lines: int) -> str:
    """Return a note of how many observables became how many lines."""
    return f"{observables:,} addresses and networks were put together to {lines:,} lines"


def name_of_version(file_name: str, version: int) -> str:
    """Return the name of the file with the addresses of one version: ``lists/c2-ipv4.txt`` for ``lists/c2.txt``."""
    root, suffix = splitext(file_name)
    return f"{root}-ipv{version}{suffix}"


def _keys(version: int, found: Found) -> Iterable[int]:
    lengths = map(int, found.lengths) if found.lengths else repeat(BITS[version])
    return map(add, map(lshift, found.integers(), repeat(_SHIFT)), lengths)


def _address_keys(texts: Sequence[str]) -> "array[int]":
    """Return what `_keys` does of IPv4 addresses, twice as fast: as bytes, each is put between the same others."""
    keys = array("Q", b"\0\0\0" + b" \0\0\0".join(map(inet_aton, texts)) + b" " if texts else b"")
    if byteorder == "little":
        keys.byteswap()
    return keys


def _split(bits: int, spans: _Spans) -> list[int]:
    """Return the keys of the fewest networks that are exactly some spans."""
    keys: list[int] = []
    largest, done = 1 << bits - 1, 0
    for place, reach in spans.reaches.items():
        keys += spans.keys[done:place]
        first, end, done = spans.keys[place] >> _SHIFT, reach >> _SHIFT, place + 1
        while first < end:
            # As large as where it begins allows, and as fits; never all.
            size = min(first & -first or largest, 1 << (end - first).bit_length() - 1, largest)
            keys.append((first << _SHIFT) + bits - size.bit_length() + 1)
            first += size
    return keys + spans.keys[done:]


def _texts(version: int, keys: Sequence[int]) -> list[str]:
    ends = _ENDS[version]
    if version == 4:
        octets, packed = _OCTETS, struct.pack(f">{len(keys)}Q", *keys)
        return [
            f"{octets[a]}.{octets[b]}.{octets[c]}.{octets[d]}{ends[length]}"
            for a, b, c, d, length in struct.iter_unpack("3x5B", packed)
        ]
    texts = [inet_ntop(AF_INET6, (key >> _SHIFT).to_bytes(16)) + ends[key & _LENGTH] for key in keys]
    # The C library writes what begins with twelve zero bytes with a dotted end.
    return [_in_groups(text) if "." in text else text for text in texts]


def _in_groups(text: str) -> str:
    address, slash, length = text.partition("/")
    return f"{IPv6Address(address)}{slash}{length}"


def _range_text(version: int, first: int, last: int) -> str:
    span = Span(version, first, last)
    size = span.size
    if size & size - 1 == 0 and first % size == 0 and size < 1 << BITS[version]:
        return text_of(span)
    return "-".join(text_of(Span(version, end, end)) for end in (first, last))

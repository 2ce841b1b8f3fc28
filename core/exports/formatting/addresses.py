"""Addresses and networks put together to the fewest networks that are exactly the same addresses.

A format that wants the fewest lines gives all batches to `Addresses`; one that writes a line for each observable
needs only `accepted`, which says what is canonical.  Figures: ``ipaddress.collapse_addresses`` takes ten seconds for
200,000 addresses, this three for a million.
"""

import struct
from array import array
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv6Address
from itertools import islice, repeat
from operator import add, lshift
from posixpath import splitext
from socket import AF_INET6, inet_ntoa, inet_ntop

from core.exports.formatting.address_check import Accepted, Found, accepted, integers
from core.exports.formatting.contract import Output, Values
from core.values.networks import BITS, Span, text_of

__all__ = ["MEMORY_BYTES_PER_ENTRY", "Accepted", "Addresses", "accepted", "counted", "name_of_version"]

MEMORY_BYTES_PER_ENTRY = 72
"""What `Addresses` keeps of each observable at most, while it sorts them."""

BATCH = 2_048
_SHIFT = 8
"""A network is kept as one integer: the first address, and in the lowest eight bits the length of its prefix."""


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
        self._ipv4.extend(self._keys(4, found.ipv4))
        self._ipv6.extend(self._keys(6, found.ipv6))

    def networks(self, version: int) -> Iterator[list[str]]:
        """Yield the fewest networks of a version, in the order of their addresses, in lists of some thousand texts.

        One address is written without a length.  All addresses there are come as two networks: no consumer is ever
        told ``/0``.
        """
        found = self._networks(version)
        while part := list(islice(found, BATCH)):
            yield _texts(version, part)

    def ranges(self, version: int) -> Iterator[list[str]]:
        """Yield the same addresses in the fewest lines where ranges are understood: what is no network is ``a-b``."""
        spans = self._spans(version)
        while part := list(islice(spans, BATCH)):
            yield [_range_text(version, first, last) for first, last in part]

    def count(self, version: int) -> int:
        """Return how many networks `networks` yields."""
        return sum(1 for _ in self._networks(version))

    def _keys(self, version: int, found: Found) -> Iterator[int]:
        self.entries[version] += len(found.texts)
        lengths = map(int, found.lengths) if found.lengths else repeat(BITS[version])
        return map(add, map(lshift, integers(version, found.heads), repeat(_SHIFT)), lengths)

    def _networks(self, version: int) -> Iterator[tuple[int, int]]:
        """Yield the first address and the prefix length of each network."""
        bits = BITS[version]
        for first, last in self._spans(version):
            if first == last:
                yield first, bits
                continue
            while first <= last:
                # As large as where it begins allows, and as fits; never all.
                size = min(
                    first & -first or 1 << bits - 1, 1 << (last - first + 1).bit_length() - 1, 1 << bits - 1
                )
                yield first, bits - size.bit_length() + 1
                first += size

    def _spans(self, version: int) -> Iterator[tuple[int, int]]:
        """Yield the first and last address of all that neither overlap nor touch, in order."""
        bits = BITS[version]
        start, end = 0, -2
        for key in self._sorted(version):
            first, length = key >> _SHIFT, key & 255
            last = first if length == bits else first + (1 << bits - length) - 1
            if first > end + 1:
                if end >= 0:
                    yield start, end
                start, end = first, last
            elif last > end:
                end = last
        if end >= 0:
            yield start, end

    def _sorted(self, version: int) -> Sequence[int]:
        if version == 4:
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


def _texts(version: int, networks: Sequence[tuple[int, int]]) -> list[str]:
    """Return the texts of networks, each the first address and the length of its prefix."""
    bits = BITS[version]
    texts = _address_texts(version, [first for first, _ in networks])
    return [
        text if length == bits else f"{text}/{length}" for text, (_, length) in zip(texts, networks, strict=True)
    ]


def _address_texts(version: int, addresses: Sequence[int]) -> list[str]:
    if version == 4:
        packed = struct.pack(f">{len(addresses)}I", *addresses)
        return [inet_ntoa(packed[place : place + 4]) for place in range(0, len(packed), 4)]
    texts = [inet_ntop(AF_INET6, address.to_bytes(16)) for address in addresses]
    # The C library writes what begins with twelve zero bytes with a dotted end.
    return [text if "." not in text else str(IPv6Address(text)) for text in texts]


def _range_text(version: int, first: int, last: int) -> str:
    span = Span(version, first, last)
    size = span.size
    if size & size - 1 == 0 and first % size == 0 and size < 1 << BITS[version]:
        return text_of(span)
    return "-".join(text_of(Span(version, end, end)) for end in (first, last))

"""Addresses and networks as intervals of integers: which covers which, what is left of one, how many they are.

``ipaddress`` makes an object of each address, and its ``collapse_addresses`` takes ten seconds for what takes half
of one here.  Texts are canonical (``core.values.canonical``); an IPv4 address in IPv6 form is IPv4 by then.
"""

import socket
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from core.errors import RefusedValue

BITS = {4: 32, 6: 128}
MOST_PIECES = 1_024
"""The most networks that one is split into.  A /32 of IPv6 without one address is 96; without ten, 900 or so."""


class Span(NamedTuple):
    """All addresses from the first to the last, of one version."""

    version: int
    first: int
    last: int

    @property
    def size(self) -> int:
        """How many addresses it has."""
        return self.last - self.first + 1


def span_of(text: str) -> Span:
    """Return the addresses of a canonical address or network.

    Raises:
        RefusedValue: It is neither.
    """
    address, slash, length = text.partition("/")
    try:
        if ":" in address:
            version, first = 6, int.from_bytes(socket.inet_pton(socket.AF_INET6, address))
        else:
            version, first = 4, int.from_bytes(socket.inet_pton(socket.AF_INET, address))
    except OSError as error:
        raise RefusedValue("neither an address nor a network") from error
    if not slash:
        return Span(version, first, first)
    bits = BITS[version]
    if not (length.isascii() and length.isdigit() and int(length) <= bits):
        raise RefusedValue("not a prefix length of such an address")
    size = 1 << bits - int(length)
    first -= first % size
    return Span(version, first, first + size - 1)


def text_of(span: Span) -> str:
    """Return the canonical text of a span that is one address or one network."""
    address = _ipv4_text(span.first) if span.version == 4 else _ipv6_text(span.first)
    return address if span.size == 1 else f"{address}/{BITS[span.version] - span.size.bit_length() + 1}"


def networks_of(span: Span) -> Iterator[Span]:
    """Yield the fewest networks that are exactly the addresses of *span*, in order."""
    version, first, last = span
    while first <= last:
        # As large as where it begins allows, and as fits.
        size = min(first & -first or 1 << BITS[version], 1 << (last - first + 1).bit_length() - 1)
        yield Span(version, first, first + size - 1)
        first += size


def united(spans: Iterable[Span]) -> list[Span]:
    """Return the same addresses as spans that neither overlap nor touch, in order."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and found[-1].version == span.version and span.first <= found[-1].last + 1:
            if span.last > found[-1].last:
                found[-1] = found[-1]._replace(last=span.last)
        else:
            found.append(span)
    return found


def without(span: Span, holes: Iterable[Span]) -> list[Span]:
    """Return what is left of *span* without the addresses of *holes*, as the fewest networks."""
    left: list[Span] = []
    first = span.first
    for hole in united(hole for hole in holes if hole.version == span.version):
        if hole.last < first:
            continue
        if hole.first > span.last:
            break
        if hole.first > first:
            left += networks_of(Span(span.version, first, hole.first - 1))
        first = hole.last + 1
    if first <= span.last:
        left += networks_of(Span(span.version, first, span.last))
    return left


def split(network: str, holes: Iterable[str]) -> list[str] | None:
    """Return what is left of a network without some of its addresses, as the fewest networks and addresses.

    Args:
        network: In canonical form.
        holes: Canonical addresses and networks, in any order; they may overlap, or lie outside.

    Returns:
        Canonical values in the order of their addresses, none if nothing is left; ``None`` if it would be more
        than ``MOST_PIECES``: such a network is better not listed at all.

    Raises:
        RefusedValue: One of them is no network and no address.
    """
    whole = span_of(network)
    spans = united(hole for hole in map(span_of, holes) if hole.first <= whole.last and whole.first <= hole.last)
    # Between any two that are left lies at least one piece.
    if len(spans) > MOST_PIECES + 1:
        return None
    left = without(whole, spans)
    return [text_of(span) for span in left] if len(left) <= MOST_PIECES else None


class NetworkIndex:
    """Networks, each with a label, to be asked which of them covers an address, or lies inside a network.

    Networks lie inside each other or apart, so that the outermost ones and one search tell.
    """

    def __init__(self, entries: Iterable[tuple[Span, int]]) -> None:
        """Take the networks in; of two that are alike the first counts."""
        self._all = {version: _Sorted() for version in BITS}
        self._outermost = {version: _Sorted() for version in BITS}
        ordered = sorted(entries, key=lambda entry: (entry[0].version, entry[0].first, -entry[0].last))
        for span, label in ordered:
            if self._all[span.version].has(span):
                continue
            self._all[span.version].add(span, label)
            if not self._outermost[span.version].covers_end_of(span):
                self._outermost[span.version].add(span, label)

    def covering(self, span: Span) -> int | None:
        """Return the label of the outermost network that *span* lies in, itself included."""
        known = self._outermost[span.version]
        place = bisect_right(known.firsts, span.first) - 1
        return known.labels[place] if place >= 0 and known.lasts[place] >= span.last else None

    def inside(self, span: Span) -> Iterator[tuple[Span, int]]:
        """Yield the networks that lie in *span*, itself included, in order, with their labels."""
        known = self._all[span.version]
        place = bisect_left(known.firsts, span.first)
        while place < len(known.firsts) and known.firsts[place] <= span.last:
            if known.lasts[place] <= span.last:
                yield Span(span.version, known.firsts[place], known.lasts[place]), known.labels[place]
            place += 1


class NestedNetworks:
    """Networks that lie inside each other or apart, to be asked a million times which is the innermost around one.

    They are known by their place in ``spans``, -1 is none.  ``parents`` has for each the next one around it.
    """

    def __init__(self, networks: Iterable[Span]) -> None:
        """Take the networks in, each once."""
        self.spans = sorted(set(networks), key=_outer_first)
        self.parents: list[int] = []
        self._lasts = [span.last for span in self.spans]
        self._firsts: dict[int, list[int]] = {version: [] for version in BITS}
        for span in self.spans:
            self._firsts[span.version].append(span.first)
        self._offsets = {4: 0, 6: len(self._firsts[4])}
        self._link()

    def _link(self) -> None:
        around: list[Span] = []
        places: list[int] = []
        for place, span in enumerate(self.spans):
            while around and (around[-1].last < span.last or around[-1].version != span.version):
                around.pop()
                places.pop()
            self.parents.append(places[-1] if places else -1)
            around.append(span)
            places.append(place)

    def innermost(self, span: Span) -> int:
        """Return the place of the smallest network that *span* lies in, itself included."""
        return self.finder(span.version)(span.first, span.last)

    def finder(self, version: int) -> Callable[[int, int], int]:
        """Return the function that does what `innermost` does for the first and the last address, and quickly."""
        firsts, lasts, parents, offset = self._firsts[version], self._lasts, self.parents, self._offsets[version]

        def find(first: int, last: int) -> int:
            place = bisect_right(firsts, first) - 1
            if place < 0:
                return -1
            place += offset
            while place >= 0 and lasts[place] < last:
                place = parents[place]
            return place

        return find

    def inside(self, span: Span) -> Iterator[int]:
        """Yield the places of the networks that lie in *span* and are smaller, in order."""
        firsts, offset = self._firsts[span.version], self._offsets[span.version]
        place = bisect_left(firsts, span.first)
        while place < len(firsts) and firsts[place] <= span.last:
            if self._lasts[place + offset] <= span.last and self.spans[place + offset] != span:
                yield place + offset
            place += 1


def _outer_first(span: Span) -> tuple[int, int, int]:
    return span.version, span.first, -span.last


class _Sorted:
    """Networks of one version, by where they begin, the larger first."""

    def __init__(self) -> None:
        self.firsts: list[int] = []
        self.lasts: list[int] = []
        self.labels: list[int] = []

    def add(self, span: Span, label: int) -> None:
        self.firsts.append(span.first)
        self.lasts.append(span.last)
        self.labels.append(label)

    def has(self, span: Span) -> bool:
        """Say whether *span* is the last one that was added."""
        return bool(self.firsts) and (self.firsts[-1], self.lasts[-1]) == (span.first, span.last)

    def covers_end_of(self, span: Span) -> bool:
        return bool(self.lasts) and span.last <= self.lasts[-1]


def _ipv4_text(first: int) -> str:
    return socket.inet_ntop(socket.AF_INET, first.to_bytes(4))


def _ipv6_text(first: int) -> str:
    from ipaddress import IPv6Address

    # The C library writes some addresses with a dotted end, which is not the canonical form.
    return str(IPv6Address(first))

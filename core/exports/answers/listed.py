"""What an export lists, to be asked about single values: is it there, inside a network, below a name?"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Set
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

from core.errors import RefusedValue
from core.schemas.export import Selection
from core.schemas.instant import Instant
from core.values import types
from core.values.networks import NetworkIndex, Span, span_of, text_of
from core.values.urls import host_of

if TYPE_CHECKING:
    from core.store.snapshot import Snapshot

Relation = Literal["equal", "inside", "below", "contains"]


class Match(NamedTuple):
    """A value, and the entry of the list that stands for it.

    Attributes:
        value: What was asked for, or the host of a URL that was.
        entry: The entry; the first of several.
        relation: The value is the entry (``equal``), lies ``inside`` that network, is a name ``below`` that name,
            or is a network that ``contains`` the entry.
        in_url: The value is the host of a URL.
        entries: How many entries it contains; else 1.
    """

    value: str
    entry: str
    relation: Relation
    in_url: bool = False
    entries: int = 1


class Listed:
    """The entries of one export, in memory: about 100 bytes each, of a network about 400."""

    def __init__(self, entries: Iterable[tuple[str, str]]) -> None:
        """Take entries in, as type and canonical value."""
        self._addresses: set[str] = set()
        self._names: set[str] = set()
        self._others: set[str] = set()
        self._networks: list[str] = []
        sets = {types.IPV4: self._addresses, types.IPV6: self._addresses, types.HOSTNAME: self._names}
        for type_, value in entries:
            if type_ == types.CIDR:
                self._networks.append(value)
            else:
                sets.get(type_, self._others).add(value)
        self._index = NetworkIndex((span_of(value), place) for place, value in enumerate(self._networks))

    @classmethod
    def of(cls, snapshot: "Snapshot", selection: Selection, instant: Instant) -> "Listed":
        """Return what *selection* takes at *instant* and is not kept off, with the parts of split networks."""

        def entries() -> Iterator[tuple[str, str]]:
            for batch in snapshot.values(selection, instant, types.TYPES):
                yield from ((type_, value) for _, type_, value in batch)
            yield from ((type_, value) for _, type_, value in snapshot.pieces)

        return cls(entries())

    def __len__(self) -> int:
        return len(self._addresses) + len(self._names) + len(self._others) + len(self._networks)

    @property
    def texts(self) -> Set[str]:
        """The entries that are neither addresses, networks nor names."""
        return self._others

    def matches(self, type_: str, value: str) -> list[Match]:
        """Return the entries that stand for a canonical value."""
        if type_ in (types.IPV4, types.IPV6):
            return self._of_address(value)
        if type_ == types.CIDR:
            return self._of_network(value)
        if type_ == types.HOSTNAME:
            return self._of_name(value)
        found = [Match(value, value, "equal")] if value in self._others else []
        if type_ == types.URL:
            found += (match._replace(in_url=True) for match in self._of_host(host_of(value).strip("[]")))
        return found

    def _of_address(self, value: str) -> list[Match]:
        if value in self._addresses:
            return [Match(value, value, "equal")]
        return self._around(value)

    def _around(self, value: str) -> list[Match]:
        place = self._index.covering(span_of(value)) if self._networks else None
        if place is None:
            return []
        entry = self._networks[place]
        return [Match(value, entry, "equal" if entry == value else "inside")]

    def _of_network(self, value: str) -> list[Match]:
        if found := self._around(value):
            return found
        span = span_of(value)
        inside = [self._networks[place] for _, place in self._index.inside(span)]
        first, count = self._addresses_in(span)
        if not inside and not count:
            return []
        entry = inside[0] if inside else text_of(Span(span.version, first, first))
        return [Match(value, entry, "contains", entries=len(inside) + count)]

    def _of_name(self, name: str) -> list[Match]:
        if name in self._names:
            return [Match(name, name, "equal")]
        parent = name.partition(".")[2]
        while parent:
            if parent in self._names:
                return [Match(name, parent, "below")]
            parent = parent.partition(".")[2]
        return []

    def _of_host(self, host: str) -> list[Match]:
        if found := self._of_name(host):
            return found
        try:
            span_of(host)
        except RefusedValue:
            return []
        return self._of_address(host)

    def _addresses_in(self, span: Span) -> tuple[int, int]:
        """Return the first listed address of a network, as a number, and how many there are."""
        if span.version == 4:
            first, last = (bisect_left(self._ipv4, span.first), bisect_right(self._ipv4, span.last))
            return (self._ipv4[first] if first < last else 0), last - first
        first, last = (bisect_left(self._ipv6, span.first), bisect_right(self._ipv6, span.last))
        return (self._ipv6[first] if first < last else 0), last - first

    # Only a list of networks asks for these.

    @cached_property
    def _ipv4(self) -> "array[int]":
        return array("L", sorted(span_of(value).first for value in self._addresses if ":" not in value))

    @cached_property
    def _ipv6(self) -> list[int]:
        return sorted(span_of(value).first for value in self._addresses if ":" in value)

"""Find what of allow-lists an observable meets: by containment, not by equality alone.

============  =====================================================================================
``equal``     it is an entry
``inside``    it lies in a network, is below a name, is on such a host, or has in it what is looked for
``contains``  it is a network that an entry lies in
``above``     it is a name that an entry is below: whoever blocks by suffix blocks that, too
============  =====================================================================================

A list counts only for the types that its ``matching_attributes`` are about: for URLs, by their host, only if it is
about URLs.  Of blocks of special-purpose addresses the innermost one says what an address is.
"""

import socket
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from core.errors import RefusedValue
from core.store.allow_lists.entries import ADDRESSES, ListEntries, Parsed, parsed
from core.store.allow_lists.kinds import PUBLIC_SUFFIX, SPECIAL_PURPOSE
from core.values import patterns, types
from core.values.misp_types import types_of
from core.values.networks import MOST_PIECES, NestedNetworks, Span, span_of
from core.values.special_purpose import BLOCKS
from core.values.urls import host_of

RULES_VERSION = "1"
"""To be raised with every change by which an observable meets other entries: all is looked at again then."""

EQUAL, INSIDE, CONTAINS, ABOVE = "equal", "inside", "contains", "above"

MOST_CONTAINED = MOST_PIECES + 2
"""So many entries of one list in one network are told at most: more than it can be split around."""


class Hit(NamedTuple):
    """An observable meets an entry of a list.

    ``special_class`` is that of a special-purpose address, where the list is one of those.
    """

    list_id: int
    position: int
    relation: str
    special_class: str = ""


Label = tuple[int, int]
"""Row id of a list and the place of an entry in it."""


class Matcher:
    """Lists, to be asked about many observables; what a type of observables needs is made when it is met."""

    def __init__(self, lists: Iterable[ListEntries]) -> None:
        """Take the lists in; an entry that nothing can be on is passed over."""
        self._lists = [(types_of(one.matching_attributes), parsed(one)) for one in lists]
        self._types: dict[str, Callable[[str], list[Hit]]] = {}

    def hits(self, type_: str, value: str) -> list[Hit]:
        """Return what an observable meets.

        Of each list there is one hit that is *equal* or *inside*, by the narrowest entry; or else one *above*, and
        as many that *contain* as there are entries in the network, outermost ones and ``MOST_CONTAINED`` at most.
        """
        return self.of_type(type_)(value)

    def of_type(self, type_: str) -> Callable[[str], list[Hit]]:
        """Return the function that does what `hits` does for observables of one type."""
        known = self._types.get(type_)
        if known is None:
            wanted = [one for about, one in self._lists if about is None or type_ in about]
            known = self._types[type_] = _OfType(type_, wanted).hits
        return known


class _OfType:
    """What lists have for observables of one type."""

    def __init__(self, type_: str, lists: list[Parsed]) -> None:
        self._networks = _Networks(lists) if type_ in ADDRESSES or type_ == types.URL else None
        self._names = _Names(lists, type_) if type_ in (types.HOSTNAME, types.URL, types.EMAIL) else None
        self._texts: dict[str, list[Label]] = {}
        texts: list[tuple[str, int]] = []
        self._labels: list[Label] = []
        self._regexes: list[tuple[Callable[[str], object], Label]] = []
        for one in lists:
            key = one.source.id
            if type_ not in ADDRESSES and type_ != types.HOSTNAME:
                for text, position in one.texts.items():
                    self._texts.setdefault(text, []).append((key, position))
            for text, position in one.substrings:
                texts.append((text, len(self._labels)))
                self._labels.append((key, position))
            self._regexes += [(search, (key, position)) for search, position in one.regexes]
        self._substrings = patterns.Substrings(texts) if texts else None
        self.hits = self._way(type_)

    def _way(self, type_: str) -> Callable[[str], list[Hit]]:
        ways = {types.HOSTNAME: self._of_name, types.URL: self._of_url, types.EMAIL: self._of_address}
        way: Callable[[str], list[Hit]] = ways.get(type_) or self._of_text
        if type_ in ADDRESSES and self._networks is not None:
            way = self._of_network if type_ == types.CIDR else self._networks.way(type_)
        return self._searched(way) if self._substrings or self._regexes else way

    def _of_network(self, value: str) -> list[Hit]:
        assert self._networks is not None  # noqa: S101 - for the type checker
        try:
            return self._networks.hits(span_of(value))
        except RefusedValue:
            return []

    def _of_name(self, value: str) -> list[Hit]:
        assert self._names is not None  # noqa: S101
        return self._names.hits(value)

    def _of_text(self, value: str) -> list[Hit]:
        return [Hit(*label, EQUAL) for label in self._texts.get(value, ())]

    def _of_url(self, value: str) -> list[Hit]:
        host = host_of(value).strip("[]")
        return self._with_host(value, [*self._of_name(host), *self._of_network(host)])

    def _of_address(self, value: str) -> list[Hit]:
        return self._with_host(value, self._of_name(value.rpartition("@")[2]))

    def _with_host(self, value: str, hits: list[Hit]) -> list[Hit]:
        """Return the hits of a value on a host that has *hits*: it is on the host, and not what the host is."""
        found = {hit.list_id: hit for hit in self._of_text(value)}
        for hit in hits:
            if hit.relation in (EQUAL, INSIDE):
                found.setdefault(hit.list_id, hit._replace(relation=INSIDE))
        return list(found.values())

    def _searched(self, way: Callable[[str], list[Hit]]) -> Callable[[str], list[Hit]]:
        def hits(value: str) -> list[Hit]:
            # A list of texts to look for has nothing else, so that these are further lists.
            found: dict[int, Hit] = {}
            for list_id, position in self._search(value[: patterns.MAX_SEARCHED_CHARS]):
                found.setdefault(list_id, Hit(list_id, position, INSIDE))
            return [*way(value), *found.values()] if found else way(value)

        return hits

    def _search(self, value: str) -> Iterator[Label]:
        if self._substrings is not None:
            yield from sorted(self._labels[label] for label in self._substrings.found_in(value))
        for search, label in self._regexes:
            if search(value):
                yield label


class _Networks:
    """The addresses and networks of several lists, as one index."""

    def __init__(self, lists: list[Parsed]) -> None:
        kinds = {one.source.id: one.source.kind for one in lists}
        self._classes = {key: kind.special_class for key, kind in kinds.items() if kind.family == SPECIAL_PURPOSE}
        labels: dict[Span, dict[int, int]] = {}
        for one in lists:
            for span, position in one.networks:
                labels.setdefault(span, {}).setdefault(one.source.id, position)
        self._index = NestedNetworks(labels)
        self._own = [labels[span] for span in self._index.spans]
        self._around: dict[tuple[int, bool], list[Hit]] = {}

    def way(self, type_: str) -> Callable[[str], list[Hit]]:
        """Return the function for single addresses of one version, of which there are many."""
        family, version = (socket.AF_INET, 4) if type_ == types.IPV4 else (socket.AF_INET6, 6)
        find, spans, hits_at = self._index.finder(version), self._index.spans, self._hits_at
        parse, number = socket.inet_pton, int.from_bytes
        nothing: list[Hit] = []

        def hits(value: str) -> list[Hit]:
            try:
                address = number(parse(family, value))
            except OSError:
                return nothing
            place = find(address, address)
            return nothing if place < 0 else hits_at(place, spans[place].first == spans[place].last)

        return hits

    def hits(self, span: Span) -> list[Hit]:
        index = self._index
        place = index.innermost(span)
        is_it = place >= 0 and index.spans[place] == span
        around = self._hits_at(place, is_it) if place >= 0 else []
        if span.first == span.last:
            return around
        return [*around, *self._contained(span, {hit.list_id for hit in around})]

    def _hits_at(self, place: int, is_it: bool) -> list[Hit]:
        known = self._around.get((place, is_it))
        if known is None:
            known = self._around[place, is_it] = [
                Hit(list_id, position, EQUAL if is_it and where == place else INSIDE, self._class(list_id, place))
                for list_id, (position, where) in self._labels_at(place).items()
            ]
        return known

    def _labels_at(self, place: int) -> dict[int, tuple[int, int]]:
        """Return for each list around *place* the narrowest entry: its position, and where it is in the index."""
        found: dict[int, tuple[int, int]] = {}
        innermost = ""
        while place >= 0:
            classes = [self._classes.get(list_id, "") for list_id in self._own[place]]
            for special, (list_id, position) in zip(classes, self._own[place].items(), strict=True):
                if not (special and innermost):
                    found.setdefault(list_id, (position, place))
            innermost = innermost or max(classes)
            place = self._index.parents[place]
        return found

    def _class(self, list_id: int, place: int) -> str:
        """Return the class of the addresses at *place*, where a list is one of special-purpose addresses."""
        if list_id not in self._classes:
            return ""
        return self._classes[list_id] or class_of(self._index.spans[place])

    def _contained(self, span: Span, around: set[int]) -> Iterator[Hit]:
        ends: dict[int, int] = {}
        counts: dict[int, int] = {}
        for place in self._index.inside(span):
            last = self._index.spans[place].last
            for list_id, position in self._own[place].items():
                if list_id in around or ends.get(list_id, -1) >= last or counts.get(list_id, 0) >= MOST_CONTAINED:
                    continue
                ends[list_id] = last
                counts[list_id] = counts.get(list_id, 0) + 1
                yield Hit(list_id, position, CONTAINS, self._class(list_id, place))


class _Names:
    """The names of several lists, as one index.

    What is on a host (a URL, a mail address) is below a name that stands for all below it, and nothing else.
    """

    def __init__(self, lists: list[Parsed], type_: str) -> None:
        self._stems: dict[str, list[Label]] = {}
        self._singles: dict[str, list[Label]] = {}
        self._wildcards: dict[str, list[Label]] = {}
        self._exceptions = frozenset().union(*(one.exceptions for one in lists))
        self._parents: dict[str, dict[int, int]] = {}
        for one in lists:
            key = one.source.id
            _note(self._stems, key, one.names)
            if type_ != types.HOSTNAME:
                continue
            _note(self._singles, key, one.single_names)
            _note(self._wildcards, key, one.wildcards)
            # A name above a public suffix is no more than that; it is one itself, or nobody's.
            if one.source.kind.family != PUBLIC_SUFFIX:
                self._note_parents(key, one.names)
                self._note_parents(key, one.single_names)

    def _note_parents(self, key: int, entries: dict[str, int]) -> None:
        for name, position in entries.items():
            parent = name.partition(".")[2]
            while "." in parent:
                self._parents.setdefault(parent, {}).setdefault(key, position)
                parent = parent.partition(".")[2]

    def hits(self, name: str) -> list[Hit]:
        found: dict[int, Hit] = {}
        for list_id, position in self._singles.get(name, ()):
            found[list_id] = Hit(list_id, position, EQUAL)
        if self._wildcards and name not in self._exceptions:
            for list_id, position in self._wildcards.get(name.partition(".")[2], ()):
                found.setdefault(list_id, Hit(list_id, position, EQUAL))
        stem, relation = name, EQUAL
        while stem:
            for list_id, position in self._stems.get(stem, ()):
                found.setdefault(list_id, Hit(list_id, position, relation))
            stem, relation = stem.partition(".")[2], INSIDE
        for list_id, position in self._parents.get(name, {}).items():
            found.setdefault(list_id, Hit(list_id, position, ABOVE))
        return list(found.values())


def _note(known: dict[str, list[Label]], key: int, entries: dict[str, int]) -> None:
    for name, position in entries.items():
        known.setdefault(name, []).append((key, position))


_BLOCKS = NestedNetworks(span_of(block.network) for block in BLOCKS)
_CLASSES = {span_of(block.network): block.special_class for block in BLOCKS}


def class_of(span: Span) -> str:
    """Return the class of special-purpose addresses that all of *span* are; empty if they are of none."""
    place = _BLOCKS.innermost(span)
    return "" if place < 0 else _CLASSES[_BLOCKS.spans[place]]

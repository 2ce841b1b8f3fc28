"""Find what of allow-lists an observable meets: by containment, not by equality alone.

============  =====================================================================================
``equal``     it is an entry
``inside``    it lies in a network, is below a name, holds a text, or fits a pattern of the list
``contains``  it is a network that an entry lies in
``above``     it is a name that an entry is below: whoever blocks by suffix blocks that, too
============  =====================================================================================

A list counts only for the types that its ``matching_attributes`` are about.  URLs are looked at by their host.
"""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from core.errors import RefusedValue
from core.store import allow_kinds
from core.store.allow_kinds import Kind
from core.values import types
from core.values.detect import detect
from core.values.misp_types import types_of
from core.values.networks import Span, span_of
from core.values.public_suffixes import rule_name
from core.values.special_purpose import BLOCKS
from core.values.urls import host_of

EQUAL, INSIDE, CONTAINS, ABOVE = "equal", "inside", "contains", "above"
ADDRESSES = frozenset({types.IPV4, types.IPV6, types.CIDR})
MOST_CONTAINED = 4_096
"""So many entries of one list inside one network are told; splitting around more makes no sense."""

_GRAM = 4
_LONGEST_VALUE = 4_096
_LONGEST_PATTERN = 1_000


class Hit(NamedTuple):
    """An observable meets an entry of a list."""

    observable_id: int
    allow_list_id: int
    position: int
    relation: str
    special_class: str = ""


@dataclass(frozen=True, slots=True)
class ListEntries:
    """A list with its entries, as the matcher takes it."""

    id: int
    list_type: str
    kind: Kind
    matching_attributes: tuple[str, ...]
    entries: Sequence[tuple[int, str]]


class Matcher:
    """All lists, ready to be asked."""

    def __init__(self, lists: Iterable[ListEntries]) -> None:
        """Take the lists in; an entry that cannot mean anything is passed over."""
        self._networks = _Networks()
        self._names = _Names()
        self._texts = _Texts()
        for item in lists:
            wanted = types_of(item.matching_attributes) if item.matching_attributes else None
            for position, entry in item.entries:
                self._take(item, position, entry, wanted)
        self._networks.close()
        self._special = _Networks()
        for number, block in enumerate(BLOCKS):
            self._special.add(span_of(block.network), (number, 0, None, ""))
        self._special.close()

    def hits(self, key: int, type_: str, value: str) -> Iterator[Hit]:
        """Yield what an observable meets; of one entry once."""
        if type_ in ADDRESSES:
            yield from self._address_hits(key, type_, value)
        elif type_ in (types.HOSTNAME, types.URL):
            yield from self._host_hits(key, type_, value)
        for list_id, position, relation in self._texts.found(type_, value):
            yield Hit(key, list_id, position, relation)

    def _take(self, item: ListEntries, position: int, entry: str, wanted: frozenset[str] | None) -> None:
        mark = (item.id, position, wanted, item.kind.special_class)
        if item.list_type == "suffix":
            self._names.add_suffix(entry, mark)
        elif item.list_type == "cidr":
            if (span := _span(entry)) is not None:
                self._networks.add(span, mark, is_special=item.kind.family == allow_kinds.SPECIAL_PURPOSE)
        elif item.list_type == "hostname":
            self._names.add(entry.lower().strip(".").removeprefix("*."), mark, below=True)
        elif item.list_type == "string":
            self._take_text(item, entry, mark)
        elif item.list_type in ("substring", "regex"):
            self._texts.add(item.list_type, entry, mark)

    def _take_text(self, item: ListEntries, entry: str, mark: "Mark") -> None:
        text = entry.strip()
        if (span := _span(text)) is not None:
            self._networks.add(span, mark)
            return
        found = detect(text)
        if found is None:
            self._names.add(text.lower().strip("."), mark, below=False)
            self._texts.add_exact("", text, mark)
        elif found[0] == types.HOSTNAME:
            self._names.add(found[1], mark, below=False)
        else:
            self._texts.add_exact(found[0], found[1], mark)

    def _address_hits(self, key: int, type_: str, value: str) -> Iterator[Hit]:
        span = span_of(value)
        for entry, mark, is_special in self._networks.around(span):
            if _is_about(mark, type_):
                special = self._class_of(span) if is_special else ""
                # Blocks lie in each other: the innermost one says what an address is.
                if mark[3] and mark[3] != special:
                    continue
                yield Hit(key, mark[0], mark[1], EQUAL if entry == span else INSIDE, special)
        if type_ == types.CIDR:
            counts: defaultdict[int, int] = defaultdict(int)
            for entry, mark, is_special in self._networks.within(span):
                counts[mark[0]] += 1
                if counts[mark[0]] <= MOST_CONTAINED and _is_about(mark, type_):
                    special = self._class_of(entry) if is_special else ""
                    yield Hit(key, mark[0], mark[1], CONTAINS, special)

    def _class_of(self, span: Span) -> str:
        """Return the class of the innermost special-purpose block around *span*."""
        number = next((mark[0] for _, mark, _ in self._special.around(span)), None)
        return "" if number is None else BLOCKS[number].special_class

    def _host_hits(self, key: int, type_: str, value: str) -> Iterator[Hit]:
        name = value if type_ == types.HOSTNAME else host_of(value).strip("[]")
        if type_ == types.URL and (span := _span(name)) is not None:
            for _, mark, _ in self._networks.around(span):
                if _is_about(mark, type_):
                    yield Hit(key, mark[0], mark[1], INSIDE)
            return
        for mark, relation in self._names.found(name, with_above=type_ == types.HOSTNAME):
            if _is_about(mark, type_):
                yield Hit(key, mark[0], mark[1], INSIDE if type_ == types.URL else relation)


Mark = tuple[int, int, frozenset[str] | None, str]
"""List, position in it, the types it is about (``None`` is all), and its class of special-purpose addresses."""


class _Networks:
    """Networks that lie in each other or apart, to be asked for all around or within a span."""

    def __init__(self) -> None:
        self._entries: list[tuple[Span, Mark, bool]] = []
        self._firsts: dict[int, list[int]] = {4: [], 6: []}
        self._sorted: dict[int, list[tuple[Span, Mark, bool]]] = {4: [], 6: []}
        self._parents: dict[int, list[int]] = {4: [], 6: []}

    def add(self, span: Span, mark: Mark, *, is_special: bool = False) -> None:
        self._entries.append((span, mark, is_special))

    def close(self) -> None:
        """Sort them; each knows the one around it."""
        self._entries.sort(key=lambda entry: (entry[0].version, entry[0].first, -entry[0].last))
        open_: dict[int, list[int]] = {4: [], 6: []}
        for entry in self._entries:
            version = entry[0].version
            known, stack = self._sorted[version], open_[version]
            while stack and known[stack[-1]][0].last < entry[0].last:
                stack.pop()
            self._parents[version].append(stack[-1] if stack else -1)
            stack.append(len(known))
            known.append(entry)
            self._firsts[version].append(entry[0].first)
        self._entries.clear()

    def around(self, span: Span) -> Iterator[tuple[Span, Mark, bool]]:
        """Yield the networks that *span* lies in, itself included, the innermost first."""
        known, parents = self._sorted[span.version], self._parents[span.version]
        place = bisect_right(self._firsts[span.version], span.first) - 1
        while place >= 0:
            if known[place][0].last >= span.last:
                yield known[place]
            place = parents[place]

    def within(self, span: Span) -> Iterator[tuple[Span, Mark, bool]]:
        """Yield the networks that lie in *span* and are smaller, in order."""
        known, firsts = self._sorted[span.version], self._firsts[span.version]
        for place in range(bisect_left(firsts, span.first), bisect_right(firsts, span.last)):
            if known[place][0].last <= span.last and known[place][0] != span:
                yield known[place]


class _Names:
    """Names, to be asked which of them a name is, is below, or is above."""

    def __init__(self) -> None:
        self._exact: defaultdict[str, list[Mark]] = defaultdict(list)
        self._below: defaultdict[str, list[Mark]] = defaultdict(list)
        self._parents: dict[str, Mark] = {}
        self._any_below: dict[str, Mark] = {}
        self._never: set[str] = set()

    def add(self, name: str, mark: Mark, *, below: bool) -> None:
        (self._below if below else self._exact)[name].append(mark)
        while name := name.partition(".")[2]:
            if name in self._parents:
                break
            self._parents[name] = mark

    def add_suffix(self, rule: str, mark: Mark) -> None:
        """Add a rule of the Public Suffix List."""
        sign, name = rule_name(rule)
        if sign == "*.":
            self._any_below[name] = mark
        elif sign == "!":
            self._never.add(name)
        else:
            self._exact[name].append(mark)

    def found(self, name: str, *, with_above: bool) -> Iterator[tuple[Mark, str]]:
        for mark in (*self._exact.get(name, ()), *self._below.get(name, ())):
            yield mark, EQUAL
        parent = name.partition(".")[2]
        if parent in self._any_below and name not in self._never:
            yield self._any_below[parent], EQUAL
        while parent:
            for mark in self._below.get(parent, ()):
                yield mark, INSIDE
            parent = parent.partition(".")[2]
        if with_above and name in self._parents:
            yield self._parents[name], ABOVE


class _Texts:
    """Values, parts of values, and patterns."""

    def __init__(self) -> None:
        self._exact: defaultdict[tuple[str, str], list[Mark]] = defaultdict(list)
        self._grams: defaultdict[str, list[tuple[str, Mark]]] = defaultdict(list)
        self._short: list[tuple[str, Mark]] = []
        self._patterns: list[tuple[re.Pattern[str], Mark]] = []

    def add(self, list_type: str, entry: str, mark: Mark) -> None:
        if list_type == "regex":
            if (pattern := safe_pattern(entry)) is not None:
                self._patterns.append((pattern, mark))
            return
        text = entry.strip().lower()
        if len(text) >= _GRAM:
            self._grams[text[:_GRAM]].append((text, mark))
        elif text:
            self._short.append((text, mark))

    def add_exact(self, type_: str, value: str, mark: Mark) -> None:
        self._exact[type_, value].append(mark)

    def found(self, type_: str, value: str) -> Iterator[tuple[int, int, str]]:
        for mark in (*self._exact.get((type_, value), ()), *self._exact.get(("", value), ())):
            if _is_about(mark, type_):
                yield mark[0], mark[1], EQUAL
        if not (self._grams or self._short or self._patterns):
            return
        seen = set()
        for mark in self._parts(value[:_LONGEST_VALUE].lower()):
            if mark[:2] not in seen and _is_about(mark, type_):
                seen.add(mark[:2])
                yield mark[0], mark[1], INSIDE
        for pattern, mark in self._patterns:
            if _is_about(mark, type_) and pattern.search(value[:_LONGEST_VALUE]):
                yield mark[0], mark[1], INSIDE

    def _parts(self, value: str) -> Iterator[Mark]:
        for text, mark in self._short:
            if text in value:
                yield mark
        for start in range(len(value) - _GRAM + 1):
            for text, mark in self._grams.get(value[start : start + _GRAM], ()):
                if value.startswith(text, start):
                    yield mark


def safe_pattern(text: str) -> re.Pattern[str] | None:
    """Return a pattern of a list, or nothing if it is none, or might take for ever.

    A repetition of something that repeats, and a reference to what was found before, are what takes for ever.
    """
    body = text.strip()
    if len(body) > 2 and body[0] == "/" and (end := body.rfind("/")) > 0:
        body = body[1:end]
    if not body or len(body) > _LONGEST_PATTERN or re.search(r"\\[1-9]|\(\?P=", body) or _repeats_twice(body):
        return None
    try:
        return re.compile(body, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError):
        return None


def _repeats_twice(pattern: str) -> bool:
    plain = re.sub(r"\\.", "x", pattern)
    plain = re.sub(r"\[\^?\]?[^\]]*\]", "x", plain)
    repeats = [0]
    unbounded = 0
    place = 0
    while place < len(plain):
        character = plain[place]
        if character == "(":
            repeats.append(0)
        elif character == ")" and len(repeats) > 1:
            inner = repeats.pop()
            repeated = re.match(r"[*+]|\{\d*,\d*\}|\{\d+\}", plain[place + 1 :])
            if inner and repeated:
                return True
            repeats[-1] += inner
        elif character in "*+" or re.match(r"\{\d*,\}", plain[place:]):
            repeats[-1] += 1
            unbounded += 1
        place += 1
    # So many repetitions beside each other take time by the power of their number.
    return unbounded > 3


def _is_about(mark: Mark, type_: str) -> bool:
    return mark[2] is None or type_ in mark[2]


def _span(text: str) -> Span | None:
    try:
        return span_of(text.strip())
    except RefusedValue:
        return None

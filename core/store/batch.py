"""One batch of claims into the tables, inside a write transaction.

New observables are written in the order of the index, so that a store of many batches is as many sorted runs,
and an ordered read of it finds its rows in pages that it just had (decision 0012).
"""

from collections import Counter
from collections.abc import Iterable
from operator import itemgetter
from typing import Any

import msgspec

from core.schemas.claim import Claim
from core.schemas.instant import Instant
from core.store import dialect
from core.store.changes import COLUMNS, OBSERVABLE_COLUMNS, Changes
from core.store.databases.interface import Connection
from core.store.merge import (
    BY_ITS_SOURCE,
    Held,
    Life,
    Pair,
    Stated,
    begun,
    end,
    marking,
    merged,
    stated,
    sure_until,
)
from core.store.names import Names
from core.store.rendering import alike_text, assertions_text, context_object, context_text, rest_text, with_context
from core.store.touched import UNCHANGED, UPDATED, Touched

Key = tuple[str, str]
"""Type and value."""

_SHAPES = 20_000


class Shape(msgspec.Struct, frozen=True, gc=False):
    """What all new observables with a claim of the same tags and statements have in common."""

    rows: list[tuple[Any, ...]]
    text: str
    sure_until: Instant
    stale: int


class Statement(msgspec.Struct, frozen=True, gc=False):
    """What all claims of one source with the same statements have in common; shapes are by tags and type."""

    source: int
    stated: Stated
    held: Held
    rest: str
    shapes: dict[tuple[tuple[str, ...], str], Shape]


class BatchWriter:
    """Merges batches of one session; counts what it did."""

    def __init__(self, connection: Connection, instant: Instant, lifetime_s: int) -> None:
        """Keep the connection and the instant of the session."""
        self._connection = connection
        self._instant = instant
        self._names = Names(connection, lifetime_s)
        self._statements: dict[tuple[Any, ...], Statement] = {}
        self._shapes = 0
        self.touched = Touched()
        self.withdrawn = 0
        self.stale = 0

    def write(self, claims: list[Claim]) -> None:
        """Merge *claims* into the tables."""
        try:
            self._write(claims)
        except BaseException:
            # The transaction is rolled back, and with it maybe names that were added in it.
            self._names.forget()
            raise

    def _write(self, claims: list[Claim]) -> None:
        if self._names.refresh() or self._shapes + len(self._statements) > _SHAPES:
            self._statements.clear()
            self._shapes = 0
        self._add_names(claims)
        groups = grouped(claims)
        known = self._known(groups)
        self._add([(key, group) for key, group in groups if key not in known])
        self._update([(known[key], key[0], group) for key, group in groups if key in known])

    # --- names and what is known --------------------------------------------------------------------------

    def _add_names(self, claims: list[Claim]) -> None:
        said = [claim for claim in claims if not claim.withdrawn]
        sources = {claim.source for claim in said}
        self._names.add_sources(sources)
        tags: set[str] = set()
        for several in {claim.tags for claim in said}:
            tags.update(several)
        tags.update({claim.source for claim in said if not claim.tags})
        self._names.add_tags(tags)
        rows = [(self._instant, self._names.source_ids[name]) for name in sorted(sources)]
        self._connection.change("source", ("last_import_at",), ("id",), rows)

    def _known(self, groups: list[tuple[Key, list[Claim]]]) -> dict[Key, tuple[int, Instant]]:
        if self._next_id() == 1:
            return {}
        by_type: dict[str, list[str]] = {}
        for (type_, value), _ in groups:
            by_type.setdefault(type_, []).append(value)
        return {
            (type_, value): (key, sure)
            for type_, values in by_type.items()
            for value, key, sure in dialect.find_observables(self._connection, type_, values)
        }

    def _next_id(self) -> int:
        return int(self._connection.execute("SELECT COALESCE(max(id), 0) + 1 FROM observable").fetchone()[0])

    # --- new observables ----------------------------------------------------------------------------------

    def _add(self, groups: list[tuple[Key, list[Claim]]]) -> None:
        first = key = self._next_id()
        now = self._instant
        observables: list[tuple[Any, ...]] = []
        assertions: list[tuple[Any, ...]] = []
        types: Counter[str] = Counter()
        for (type_, value), group in groups:
            if len(group) == 1:
                claim = group[0]
                if claim.withdrawn:
                    continue
                shape = self._shape(claim)
                context = (
                    "[]" if claim.context is None else context_text([context_object(claim.source, claim.context)])
                )
            else:
                merging = self._merged_anew(group, type_)
                if merging is None:
                    continue
                shape, context = merging
            observables.append((key, type_, value, now, now, shape.sure_until, shape.text, context))
            assertions += [(key, *row) for row in shape.rows]
            types[type_] += 1
            self.stale += shape.stale
            key += 1
        self._connection.put("observable", OBSERVABLE_COLUMNS, observables)
        self._connection.put("assertion", COLUMNS, assertions)
        self.touched.mark_new(first, key - first, types)

    def _statement(self, claim: Claim) -> Statement:
        sign = (
            claim.source,
            claim.kind,
            claim.first_seen,
            claim.last_seen,
            claim.valid_from,
            claim.valid_until,
            claim.confidence,
            marking(claim),
        )
        known = self._statements.get(sign)
        if known is None:
            new = stated(claim)
            held = begun(new, self._instant)
            rest = rest_text(claim.source, held)
            known = Statement(self._names.source_ids[claim.source], new, held, rest, {})
            self._statements[sign] = known
        return known

    def _shape(self, claim: Claim) -> Shape:
        said = self._statement(claim)
        # Only where types have lifetimes does the type make a difference.
        sign = (claim.tags, claim.type if self._names.lifetimes.types else "")
        shape = said.shapes.get(sign)
        if shape is None:
            names = tuple(dict.fromkeys(claim.tags)) or (claim.source,)
            ids = sorted([self._names.tag_ids[name] for name in names])
            lives = [self._life((said.source, tag), claim.type) for tag in ids]
            shape = Shape(
                rows=[(said.source, tag, *said.held) for tag in ids],
                text=alike_text(names, said.rest),
                sure_until=max([sure_until(said.held, each, self._instant) for each in set(lives)]),
                stale=sum([lives.count(each) for each in set(lives) if end(said.held, each) <= self._instant]),
            )
            said.shapes[sign] = shape
            self._shapes += 1
        return shape

    def _merged_anew(self, group: list[Claim], type_: str) -> tuple[Shape, str] | None:
        held: dict[Pair, Held] = {}
        context: list[dict[str, Any]] = []
        for claim in group:
            self._merge(claim, held)
            if claim.context is not None and not claim.withdrawn:
                with_context(context, context_object(claim.source, claim.context))
        return (self._shape_of(held, type_), context_text(context)) if held else None

    def _shape_of(self, held: dict[Pair, Held], type_: str) -> Shape:
        return Shape(
            rows=sorted([(*pair, *item) for pair, item in held.items()], key=itemgetter(0, 1)),
            text=self._text(held),
            sure_until=self._sure_until(held, type_),
            stale=sum(self._is_stale(pair, type_, item) for pair, item in held.items()),
        )

    # --- known observables --------------------------------------------------------------------------------

    def _update(self, groups: list[tuple[tuple[int, Instant], str, list[Claim]]]) -> None:
        if not groups:
            return
        ids = sorted(key for (key, _), _, _ in groups)
        held = self._held(ids)
        contexts = self._contexts(groups)
        changes = Changes(self._instant)
        for (key, sure), type_, group in sorted(groups, key=lambda item: item[0][0]):
            before = held.get(key, {})
            if (
                len(group) == 1
                and key not in contexts
                and self._is_heard_again(group[0], key, sure, before, changes)
            ):
                self.touched.mark(key, type_, UNCHANGED)
                continue
            after = dict(before)
            for claim in group:
                self._merge(claim, after)
            has_changed = changes.compare(key, before, after)
            if has_changed:
                changes.put_observable(key, self._sure_until(after, type_), self._text(after))
            elif after:
                changes.put_sure(key, sure, self._sure_until(after, type_))
            if key in contexts and self._add_context(contexts[key], group):
                changes.contexts.append((self._instant, context_text(contexts[key]), key))
                has_changed = True
            self.touched.mark(key, type_, UPDATED if has_changed else UNCHANGED)
            self._count_stale(before, after, type_)
        changes.write(self._connection)

    def _is_heard_again(
        self, claim: Claim, key: int, sure: Instant, before: dict[Pair, Held], changes: Changes
    ) -> bool:
        """Take *claim* in if it says what its source said in the session before, which is the usual case."""
        if claim.withdrawn:
            return False
        said = self._statement(claim)
        shape = self._shape(claim)
        for row in shape.rows:
            old = before.get(row[:2])
            if old is None or old[:7] != said.stated or old.withdrawn_at is not None or old[9] >= self._instant:
                return False
        changes.receive([(self._instant, key, *row[:2]) for row in shape.rows])
        changes.put_sure(key, sure, shape.sure_until)
        self.stale += shape.stale
        return True

    def _held(self, ids: list[int]) -> dict[int, dict[Pair, Held]]:
        held: dict[int, dict[Pair, Held]] = {}
        for key, source, tag, *fields in dialect.find_by_ids(
            self._connection, ", ".join(f"t.{name}" for name in COLUMNS), "assertion", ids
        ):
            held.setdefault(key, {})[source, tag] = Held(*fields)
        return held

    def _contexts(
        self, groups: list[tuple[tuple[int, Instant], str, list[Claim]]]
    ) -> dict[int, list[dict[str, Any]]]:
        wanted = [
            key
            for (key, _), _, group in groups
            if any(claim.context is not None and not claim.withdrawn for claim in group)
        ]
        rows = dialect.find_by_ids(self._connection, "t.id, t.context", "observable", wanted, key="id")
        return {key: msgspec.json.decode(text) for key, text in rows}

    def _add_context(self, known: list[dict[str, Any]], group: Iterable[Claim]) -> bool:
        has_added = False
        for claim in group:
            if claim.context is not None and not claim.withdrawn:
                # Through JSON and back, so that it compares with what was read.
                new = msgspec.json.decode(msgspec.json.encode(context_object(claim.source, claim.context)))
                has_added |= with_context(known, new)
        return has_added

    def _count_stale(self, before: dict[Pair, Held], after: dict[Pair, Held], type_: str) -> None:
        for pair, item in after.items():
            if item.received_at == self._instant:
                old = before.get(pair)
                was_counted = old is not None and old.received_at == self._instant
                counted = old is not None and was_counted and self._is_stale(pair, type_, old)
                self.stale += self._is_stale(pair, type_, item) - counted

    # --- merging ------------------------------------------------------------------------------------------

    def _merge(self, claim: Claim, held: dict[Pair, Held]) -> None:
        if claim.withdrawn:
            self._withdraw(claim, held)
            return
        new = stated(claim)
        for pair in self._pairs(claim):
            old = held.get(pair)
            held[pair] = begun(new, self._instant) if old is None else merged(old, new, self._instant)

    def _withdraw(self, claim: Claim, held: dict[Pair, Held]) -> None:
        source = self._names.source_ids.get(claim.source)
        is_whole = not claim.tags or claim.tags == (claim.source,)
        tags = {self._names.tag_ids.get(name) for name in claim.tags}
        for pair, item in held.items():
            if pair[0] != source or not (is_whole or pair[1] in tags) or item.withdrawn_reason == BY_ITS_SOURCE:
                continue
            # Also what a person withdrew before: to undo that must not bring back what its source has revoked.
            at = self._instant if item.withdrawn_at is None else item.withdrawn_at
            held[pair] = item._replace(withdrawn_at=at, withdrawn_reason=BY_ITS_SOURCE)
            self.withdrawn += item.withdrawn_at is None

    def _pairs(self, claim: Claim) -> list[Pair]:
        source = self._names.source_ids[claim.source]
        ids = self._names.tag_ids
        return [(source, ids[name]) for name in claim.tags or (claim.source,)]

    # --- what is derived ----------------------------------------------------------------------------------

    def _text(self, held: dict[Pair, Held]) -> str:
        names = self._names
        return assertions_text(
            (names.tags[tag], names.sources[source], item) for (source, tag), item in held.items()
        )

    def _sure_until(self, held: dict[Pair, Held], type_: str) -> Instant:
        bounds = (sure_until(item, self._life(pair, type_), self._instant) for pair, item in held.items())
        return max(bounds, default=0)

    def _is_stale(self, pair: Pair, type_: str, held: Held) -> bool:
        return end(held, self._life(pair, type_)) <= self._instant

    def _life(self, pair: Pair, type_: str) -> Life:
        source, tag = pair
        return self._names.lifetimes.of(tag, source, type_)


def grouped(claims: Iterable[Claim]) -> list[tuple[Key, list[Claim]]]:
    """Return *claims* by type and value, in that order; claims of one value stay in theirs."""
    groups: dict[Key, list[Claim]] = {}
    for claim in claims:
        key = (claim.type, claim.value)
        if key in groups:
            groups[key].append(claim)
        else:
            groups[key] = [claim]
    return sorted(groups.items(), key=itemgetter(0))

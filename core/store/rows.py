"""Rows with their assertions judged at one instant: for formats and templates that look at each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from functools import lru_cache, partial
from itertools import repeat
from typing import Any

import msgspec

from core.errors import StoreError
from core.schemas.instant import LATEST, Instant, from_datetime
from core.store import dialect
from core.store.databases.interface import Connection
from core.store.letting_in import LettingIn
from core.store.lifetimes import Lifetimes
from core.store.merge import ends_at, lives_until
from core.store.plan import Plan

_encode = msgspec.json.Encoder().encode
BATCH = 1_000
_SHARED = 20_000
"""Lists of assertions that are kept for the next row that has the same: some 20 MiB."""

_Found = tuple[Any, ...]
"""What the columns below have of a row, then its type if rows of several are read, and `_LISTED_AT` if that is asked."""

_COLUMNS = (
    "o.id, o.value, o.created_at, o.modified_at, o.context, o.assertions,"
    # When all of them were received, if that was at once.
    " (SELECT CASE WHEN min(a.received_at) = max(a.received_at) THEN min(a.received_at) END"
    " FROM assertion a WHERE a.observable_id = o.id)"
)
_Sign = tuple[str, Instant | None, str]
"""What assertions are judged by: their text, when all of them were received, and the type where lifetimes ask for it."""

_LISTED_AT = (
    "(SELECT v.instant FROM ledger l JOIN version v ON v.export_id = l.export_id AND v.number = l.first_version"
    " WHERE l.export_id = {:d} AND l.observable_id = o.id AND l.last_version IS NULL AND l.is_listed"
    " AND l.modified_at = o.modified_at)"
)


class RowAssertion(msgspec.Struct, gc=False):
    """One assertion of a row; dates as RFC 3339 text, as every format prints them.

    Rows share these: do not change one.

    Attributes:
        fresh: Not withdrawn, and within its window at the instant of the snapshot's question.
        expires_at: The end of its window, stated or by the lifetime of its tag; ``None`` is never.
        received_at: When its source last said it.
        counts: It lets its observable onto the list that the rows are for.
        counts_until: Until when it can, with what the list grants beyond its end; ``None`` is for ever.  Of a list that
            asks for no end, it is the one that its source states.
    """

    tag: str
    source: str
    kind: str
    first_seen: str | None = None
    last_seen: str | None = None
    valid_from: str | None = None
    valid_until: str | None = None
    confidence: int | None = None
    tlp: str | None = None
    withdrawn_at: str | None = None
    fresh: bool = False
    expires_at: Instant | None = None
    received_at: Instant | None = None
    counts: bool = False
    counts_until: Instant | None = None


class Row(msgspec.Struct, gc=False):
    """One observable; ``context`` is JSON text, an array of objects that each name their source.

    ``listed_at`` is the instant of the version that first lists it as it is, for readers that ask for it; ``None`` if
    none does yet.
    """

    type: str
    value: str
    created_at: Instant
    modified_at: Instant
    tags: list[RowAssertion]
    context: str
    listed_at: Instant | None = None


class Visible(msgspec.Struct, frozen=True, gc=False):
    """Which assertions of a row may be shown to whom the rows are for.

    Attributes:
        tlps: The words of markings that may; what has none may.
        sources: Whose may; ``None`` is everybody's.
    """

    tlps: frozenset[str]
    sources: frozenset[str] | None = None

    def has(self, item: RowAssertion) -> bool:
        """Say whether *item* may be shown."""
        is_known = self.sources is None or item.source in self.sources
        return is_known and (item.tlp is None or item.tlp in self.tlps)


class RowReader:
    """Turns rows of the tables into ``Row``."""

    def __init__(
        self,
        connection: Connection,
        instant: Instant,
        lifetimes: Lifetimes,
        visible: Visible | None = None,
        letting_in: LettingIn | None = None,
        listed_by: int = 0,
    ) -> None:
        """Prepare to judge assertions at *instant*, and to leave out what is not *visible*.

        With *letting_in* they are told which of them count for a list, with *listed_by*, the row id of an export, when
        that first listed each row as it is.
        """
        self._connection = connection
        self._visible, self._letting_in = visible, letting_in
        self._listed_at = f", {_LISTED_AT.format(listed_by)}" if listed_by else ""
        self._instant = instant
        self._lifetimes = lifetimes
        self._is_plain = lifetimes.is_plain
        # Many rows were received together.
        self._end = lru_cache(maxsize=_SHARED)(partial(_end, lifetimes, instant))
        self._tags: dict[str, int] = {}
        self._sources: dict[str, int] = {}
        if not lifetimes.is_plain:
            self._tags = {name: key for key, name in connection.execute("SELECT id, name FROM tag")}
            self._sources = {name: key for key, name in connection.execute("SELECT id, name FROM source")}
        self._decode = msgspec.json.Decoder(list[RowAssertion]).decode
        self._shared: dict[_Sign, list[RowAssertion]] = {}

    def read(self, plan: Plan, types: Sequence[str]) -> Iterator[list[Row]]:
        """Yield the rows of *plan* in batches, in order."""
        if plan.picked:
            source = f"temp.{plan.picked} p CROSS JOIN observable o ON o.id = p.id ORDER BY p.n"
            yield from self._batches(self._query(source))
            return
        source = f"observable o WHERE o.type = ?{plan.where} ORDER BY o.type, o.value"
        for type_ in types:
            yield from self._batches(self._query(source, has_type=False), type_, type_=type_)

    def matching(self, condition: str, values: Sequence[str | int], limit: int | None = None) -> list[Row]:
        """Return the rows of ``observable o`` that meet *condition*, in order, at most *limit*."""
        source = f"observable o WHERE {condition} ORDER BY o.type, o.value"
        query = f"{self._query(source)}{'' if limit is None else f' LIMIT {limit:d}'}"
        return [row for batch in self._batches(query, *values) for row in batch]

    def of_ids(self, ids: Sequence[int]) -> dict[int, Row]:
        """Return the rows of these observables by their row ids; what is no more is not among them."""
        elements, parameter = self._connection.words.elements(ids)
        query = self._query(f"{elements} CROSS JOIN observable o ON o.id = j.value")
        found = self._connection.execute(query, (parameter,)).fetchall()
        with _damage():
            return dict(zip([row[0] for row in found], self._rows(found), strict=True))

    def _query(self, source: str, *, has_type: bool = True) -> str:
        # Each column costs each row; the type is left out where it is known.
        return f"SELECT {_COLUMNS}{', o.type' if has_type else ''}{self._listed_at} FROM {source}"  # noqa: S608

    def _batches(self, query: str, *values: str | int, type_: str = "") -> Iterator[list[Row]]:
        with closing(self._connection.scan(query, values)) as rows:
            while batch := rows.fetchmany(BATCH):
                with _damage():
                    found = self._rows(batch, type_)
                yield found

    def _rows(self, batch: Sequence[_Found], type_: str = "") -> list[Row]:
        """Return rows of what was found, all of *type_* if that is no column."""
        if not batch:
            return []
        # By columns: what is done for each row is done by C.
        ids, values, created, modified, contexts, texts, received, *others = zip(*batch, strict=True)
        types = repeat(type_) if type_ else others.pop(0)
        listed = others[0] if others else repeat(None)
        judged = self._judged(ids, texts, received, types)
        found = list(map(Row, types, values, created, modified, judged, contexts, listed))
        if self._visible is not None:
            for row in found:
                self._hide(row, self._visible)
        return found

    def _hide(self, row: Row, visible: Visible) -> None:
        shown = [item for item in row.tags if visible.has(item)]
        if row.context != "[]":
            # A remark has no marking of its own: it goes by the strictest of what its source claims here.
            hidden = {item.source for item in row.tags if not visible.has(item)}
            sources = {item.source for item in shown} - hidden
            remarks = msgspec.json.decode(row.context)
            row.context = _encode([remark for remark in remarks if remark["source"] in sources]).decode()
        if len(shown) != len(row.tags):
            row.tags = shown

    def _judged(
        self, ids: Sequence[int], texts: Sequence[str], received: Sequence[Instant | None], types: Iterable[str]
    ) -> list[list[RowAssertion]]:
        """Return the assertions of some rows, judged; those that many rows have in common are one list."""
        of_types = types if self._lifetimes.types else repeat("")
        signs: list[_Sign] = list(zip(texts, received, of_types, strict=False))
        found: list[Any] = list(map(self._shared.get, signs))
        if None not in found:
            return found
        mixed = [key for key, at in zip(ids, received, strict=True) if at is None]
        each = self._received(mixed) if mixed else {}
        for place, (known, key, sign, type_) in enumerate(zip(found, ids, signs, types, strict=False)):
            text, at, _ = sign
            if at is None:
                found[place] = self._judged_apart(text, each.get(key, {}), type_)
            elif known is None:
                found[place] = self._judged_once(sign, text, at, type_)
        return found

    def _judged_apart(
        self, text: str, received: Mapping[tuple[str, str], Instant], type_: str
    ) -> list[RowAssertion]:
        """Return assertions that were not received together."""
        found = self._decode(text)
        for item in found:
            self._judge(item, received[item.tag, item.source], type_)
        if self._letting_in is not None:
            self._letting_in.bound(found)
        return found

    def _judged_once(self, sign: _Sign, text: str, at: Instant, type_: str) -> list[RowAssertion]:
        """Return assertions that were received together, for all rows that have the same *sign*."""
        known = self._shared.get(sign)
        if known is None:
            if len(self._shared) >= _SHARED:
                self._shared.clear()
            known = self._shared[sign] = self._decode(text)
            if not self._is_plain or '"withdrawn_at":' in text or '"valid_' in text:
                for item in known:
                    self._judge(item, at, type_)
            else:
                self._judge_alike(known, at)
            if self._letting_in is not None:
                self._letting_in.bound(known)
        return known

    def _judge_alike(self, items: list[RowAssertion], at: Instant) -> None:
        """Judge assertions of which nothing but the time of receipt counts, and that is one for all."""
        expires_at, fresh = self._end(at)
        for item in items:
            item.fresh = fresh
            item.expires_at = expires_at
            item.received_at = at
        if self._letting_in is not None:
            self._letting_in.judge_alike(items, expires_at, self._instant)

    def _judge(self, item: RowAssertion, received_at: Instant, type_: str) -> None:
        life = self._lifetimes.of(self._tags.get(item.tag, 0), self._sources.get(item.source, 0), type_)
        valid_until = None if item.valid_until is None else instant_of(item.valid_until)
        since = received_at
        if life.from_last_seen and item.last_seen is not None:
            since = instant_of(item.last_seen)
        end = ends_at(valid_until, since, life)
        item.expires_at = None if end == LATEST else end
        has_begun = item.valid_from is None or instant_of(item.valid_from) <= self._instant
        item.fresh = item.withdrawn_at is None and has_begun and self._instant < end
        item.received_at = received_at
        if self._letting_in is not None:
            has_begun = has_begun and item.withdrawn_at is None
            self._letting_in.judge(item, valid_until, has_begun=has_begun, instant=self._instant)

    def _received(self, ids: list[int]) -> dict[int, dict[tuple[str, str], Instant]]:
        tags = dict(self._connection.execute("SELECT id, name FROM tag"))
        sources = dict(self._connection.execute("SELECT id, name FROM source"))
        found: dict[int, dict[tuple[str, str], Instant]] = {}
        columns = "t.observable_id, t.tag_id, t.source_id, t.received_at"
        for key, tag, source, at in dialect.find_by_ids(self._connection, columns, "assertion", ids):
            found.setdefault(key, {})[tags[tag], sources[source]] = at
        return found


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except (msgspec.MsgspecError, LookupError, ValueError) as error:
        raise StoreError(
            "what is kept of an observable cannot be read; yetictl db verify says which, and --repair what can be mended"
        ) from error


def _end(lifetimes: Lifetimes, instant: Instant, at: Instant) -> tuple[Instant | None, bool]:
    """Return when what was received at *at* and says nothing of its end does end, and whether it is fresh."""
    end = lives_until(at, lifetimes.default_s)
    return None if end == LATEST else end, instant < end


@lru_cache(maxsize=65_536)
def instant_of(text: str) -> Instant:
    """Return the instant that our own text of a date says."""
    return from_datetime(datetime.fromisoformat(text))

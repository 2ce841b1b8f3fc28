"""Observables by row id, and in pages of a search: what the API shows."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Literal

from core.schemas.instant import Instant
from core.store import dialect
from core.store.databases.interface import Connection, Words
from core.store.lifetimes import read_lifetimes
from core.store.rows import Row, RowReader
from core.store.store import Store
from core.values.tags import tag_key

Sorting = Sequence[tuple[Literal["type", "value", "created_at", "modified_at"], bool]]
"""Columns, the most important first, each with whether it rises."""

MOST = (1 << 63) - 1
"""More than there can be."""

MOST_VALUES = 10_000
"""So many values may be looked for at once: each is a parameter of one query."""


@dataclass(frozen=True, slots=True)
class TagOn:
    """A tag of an observable, whoever claims it; what was withdrawn is none.

    Attributes:
        id: Row id of the tag.
        received_at: When somebody last said so.
        expires_at: When it goes stale; ``None`` is never.
    """

    id: int
    name: str
    received_at: Instant
    expires_at: Instant | None
    is_fresh: bool


@dataclass(frozen=True, slots=True)
class Observable:
    """One observable; ``context`` is JSON text, an array of objects that each name their source."""

    id: int
    type: str
    value: str
    created_at: Instant
    modified_at: Instant
    tags: tuple[TagOn, ...]
    context: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which observables are looked for; all that is given must hold.

    Attributes:
        text: In the value, in upper or lower case.
        values: One of these; ``None`` is any.
        types: One of these; none means all.
        tags: All of these, whoever claims them.
        created, modified: Comparisons (``<``, ``<=``, ``>``, ``>=``) with an instant.
    """

    text: str = ""
    values: tuple[str, ...] | None = None
    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    created: tuple[tuple[str, Instant], ...] = ()
    modified: tuple[tuple[str, Instant], ...] = ()


def ids(
    store: Store, wanted: Filter, *, sorting: Sorting = (), limit: int | None = None, offset: int = 0
) -> tuple[list[int], int]:
    """Return the row ids of a page of what is looked for, and how many there are in all.

    In the order of *sorting*, then of type and value.
    """
    where, values = _conditions(wanted, store.database.words)
    order = ", ".join(
        [f"o.{column} {'ASC' if rises else 'DESC'}" for column, rises in sorting] + ["o.type", "o.value"]
    )
    page = "" if limit is None and not offset else f"LIMIT {MOST if limit is None else limit:d} OFFSET {offset:d}"
    with _reading(store) as connection:
        total = int(connection.execute(f"SELECT count(*) FROM observable o WHERE {where}", values).fetchone()[0])  # noqa: S608
        query = f"SELECT o.id FROM observable o WHERE {where} ORDER BY {order} {page}"  # noqa: S608
        return [key for (key,) in connection.execute(query, values)], total


def by_ids(store: Store, wanted: Sequence[int], now: Instant) -> list[Observable]:
    """Return the observables of these row ids, in their order, some thousands at most; unknown ids are left out."""
    with _reading(store) as connection:
        names = {
            (type_, value): key
            for key, type_, value in dialect.find_by_ids(
                connection, "t.id, t.type, t.value", "observable", wanted, key="id"
            )
        }
        tags = _tags(connection, wanted)
        found = {}
        for row in _matching(store, connection, wanted, now):
            key = names[row.type, row.value]
            found[key] = _observable(key, row, tags.get(key, {}))
    return [found[key] for key in wanted if key in found]


def rows(store: Store, wanted: Sequence[int], now: Instant) -> list[Row]:
    """Return what templates are given of these row ids, in their order; see `by_ids`."""
    with _reading(store) as connection:
        keys = {
            key: (type_, value)
            for key, type_, value in dialect.find_by_ids(
                connection, "t.id, t.type, t.value", "observable", wanted, key="id"
            )
        }
        found = {(row.type, row.value): row for row in _matching(store, connection, wanted, now)}
    return [found[keys[key]] for key in wanted if key in keys]


def keys_of(store: Store, named: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Return the row ids of those of *named* (type, value) that are known."""
    by_type: dict[str, list[str]] = {}
    for type_, value in named:
        by_type.setdefault(type_, []).append(value)
    with _reading(store) as connection:
        return {
            (type_, value): key
            for type_, values in by_type.items()
            for value, key, _ in dialect.find_observables(connection, type_, values)
        }


def _conditions(wanted: Filter, words: Words) -> tuple[str, list[str | int]]:
    conditions, values = ["1 = 1"], list[str | int]()
    if wanted.types:
        conditions.append(f"o.type IN ({dialect.marks(wanted.types)})")
        values += wanted.types
    if wanted.values is not None:
        # By type, so that the index on (type, value) serves.
        types = "" if wanted.types else "o.type IN (SELECT DISTINCT type FROM observable) AND "
        conditions.append(f"{types}o.value IN ({dialect.marks(wanted.values)})")
        values += wanted.values
    if wanted.text:
        conditions.append(words.contains("lower(o.value)"))
        values.append(wanted.text.lower())
    for name in wanted.tags:
        conditions.append(
            "EXISTS (SELECT 1 FROM assertion a JOIN tag n ON n.id = a.tag_id"
            " WHERE a.observable_id = o.id AND a.withdrawn_at IS NULL AND n.key = ?)"
        )
        values.append(tag_key(name))
    for column, comparisons in (("created_at", wanted.created), ("modified_at", wanted.modified)):
        for sign, instant in comparisons:
            conditions.append(f"o.{column} {sign} ?")
            values.append(instant)
    return " AND ".join(conditions), values


def _matching(store: Store, connection: Connection, wanted: Sequence[int], now: Instant) -> list[Row]:
    reader = RowReader(connection, now, read_lifetimes(connection, store.lifetime_s))
    return reader.matching(f"o.id IN ({_numbers(wanted)})", ())


def _tags(connection: Connection, wanted: Sequence[int]) -> dict[int, dict[str, tuple[int, Instant]]]:
    """Return, of each observable, row id and last time of receipt of every tag that stands."""
    query = (
        "SELECT a.observable_id, n.id, n.name, max(a.received_at) FROM assertion a JOIN tag n ON n.id = a.tag_id"  # noqa: S608
        f" WHERE a.observable_id IN ({_numbers(wanted)}) AND a.withdrawn_at IS NULL GROUP BY 1, 2, 3"
    )
    found: dict[int, dict[str, tuple[int, Instant]]] = {}
    for observable, tag, name, at in connection.execute(query):
        found.setdefault(observable, {})[name] = (tag, at)
    return found


def _observable(key: int, row: Row, known: dict[str, tuple[int, Instant]]) -> Observable:
    ends: dict[str, list[tuple[bool, Instant | None]]] = {}
    for item in row.tags:
        if item.withdrawn_at is None and item.tag in known:
            ends.setdefault(item.tag, []).append((item.fresh, item.expires_at))
    tags = []
    for name, several in ends.items():
        is_fresh = any(fresh for fresh, _ in several)
        # What is stale says nothing about a tag that another source keeps fresh.
        counted = [end for fresh, end in several if fresh == is_fresh]
        expires_at = None if None in counted else max(end for end in counted if end is not None)
        tags.append(TagOn(known[name][0], name, known[name][1], expires_at, is_fresh))
    return Observable(key, row.type, row.value, row.created_at, row.modified_at, tuple(tags), row.context)


@contextmanager
def _reading(store: Store) -> Iterator[Connection]:
    with closing(store.connect()) as connection, store.database.errors():
        connection.begin_reading()
        yield connection


def _numbers(ids_: Sequence[int]) -> str:
    return ", ".join(f"{key:d}" for key in ids_) or "NULL"

"""Observables one at a time: count, find, list, add, tag.

What is found is a ``Row``, with each assertion judged at the instant of the question.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager

from core.errors import NotFound, RefusedValue
from core.schemas.claim import Claim, Kind
from core.schemas.instant import Instant
from core.store import dialect
from core.store.databases.interface import Connection
from core.store.imports import ImportSession, MergeReport, Told
from core.store.lifetimes import read_lifetimes
from core.store.rows import Row, RowReader
from core.store.store import Store
from core.store.tags import sticky_among
from core.values.markings import tlp_of
from core.values.tags import tag_key

_BATCH = 10_000


def count(store: Store) -> dict[str, int]:
    """Return how many observables there are of each type, by type."""
    with _reading(store) as connection:
        return dict(connection.execute("SELECT type, count(*) FROM observable GROUP BY type ORDER BY type"))


def find(store: Store, value: str, now: Instant, *, type: str = "") -> list[Row]:
    """Return the observables of that canonical value, of every type or of one, by type."""
    conditions, values = ["o.value = ?"], [value]
    if type:
        conditions.append("o.type = ?")
        values.append(type)
    else:
        # By type, so that the index on (type, value) serves.
        conditions.append("o.type IN (SELECT DISTINCT type FROM observable)")
    return _rows(store, " AND ".join(conditions), values, now)


def list_(
    store: Store,
    now: Instant,
    *,
    types: Collection[str] = (),
    tags: Collection[str] = (),
    sources: Collection[str] = (),
    text: str = "",
    limit: int = 100,
    after: tuple[str, str] | None = None,
) -> list[Row]:
    """Return up to *limit* observables in order, those after the (type, value) *after*.

    Args:
        store: Where to look.
        now: When assertions have to be valid to be called fresh.
        types: Of these types; none means all.
        tags: With an assertion by one of these tags, whatever became of it.
        sources: With an assertion by one of these sources, whatever became of it.
        text: With this in the value.
        limit: How many at most.
        after: Where the page before ended.
    """
    conditions: list[str] = ["1 = 1"]
    values: list[str | int] = []
    if types:
        conditions.append(f"o.type IN ({dialect.marks(types)})")
        values += sorted(types)
    if after:
        conditions.append("(o.type > ? OR (o.type = ? AND o.value > ?))")
        values += [after[0], *after]
    if text:
        conditions.append(store.database.words.contains("o.value"))
        values.append(text)
    for table, column, names in (
        ("tag", "key", [tag_key(name) for name in tags]),
        ("source", "name", list(sources)),
    ):
        if names:
            conditions.append(
                f"EXISTS (SELECT 1 FROM assertion a JOIN {table} n ON n.id = a.{table}_id"  # noqa: S608
                f" WHERE a.observable_id = o.id AND n.{column} IN ({dialect.marks(names)}))"
            )
            values += names
    return _rows(store, " AND ".join(conditions), values, now, limit)


def add(store: Store, claims: Collection[Claim], now: Instant, told: Told | None = None) -> MergeReport:
    """Take *claims* in as an import does, and say what became of them; *told* is put down of it.

    Raises:
        RefusedValue: One cannot be kept; the others were.
    """
    refused: list[str] = []
    told = told or told_of(claims)
    with ImportSession(store, now, lambda refusal: refused.append(refusal.reason), told) as session:
        session.add(claims)
    if refused:
        raise RefusedValue(refused[0])
    return session.report


def tag(store: Store, type: str, value: str, tags: Sequence[str], source: str, now: Instant) -> MergeReport:
    """Let *source* claim that the known observable has *tags*.

    Under a sticky tag (benign, false positive, …) the claim is that it is good.

    Raises:
        NotFound: There is no such observable.
        RefusedValue: A tag is a marking, which a claim has, and no observable.
    """
    for name in tags:
        refuse_marking(name)
    with _reading(store) as connection:
        _known(connection, value, type)
    claims = [
        Claim(type=type, value=value, source=source, tags=names, kind=kind) for kind, names in by_kind(store, tags)
    ]
    return add(store, claims, now, Told("observable tagged", value, {"tags": [*tags], "source": source}))


def refuse_marking(name: str) -> None:
    """Refuse a tag that is a marking.

    Raises:
        RefusedValue: It is one.
    """
    if (fault := fault_of_tags([name])) is not None:
        raise RefusedValue(fault)


def fault_of_tags(names: Sequence[str]) -> str | None:
    """Return why a value cannot have those tags alone, ``None`` if it can: markings, and nothing that they mark."""
    if not names or any(tlp_of(name) is None for name in names):
        return None
    return f"{names[0]} is a marking: it belongs to what somebody claims, and is no tag of the value"


def by_kind(store: Store, tags: Sequence[str]) -> list[tuple[Kind, tuple[str, ...]]]:
    """Return what is claimed by hand under *tags*, where nobody says: under sticky ones that the value is good.

    At least one group, without tags if there are none.  Markings are in every group: they say how far a claim may
    go, and not what it is.
    """
    with _reading(store) as connection:
        return split_by_kind(tags, sticky_among(connection, tags))


def split_by_kind(tags: Sequence[str], sticky: Collection[str]) -> list[tuple[Kind, tuple[str, ...]]]:
    """Return what `by_kind` does, with the sticky ones among *tags* known."""
    markings = [name for name in tags if tlp_of(name) is not None]
    good = [name for name in tags if name in sticky and name not in markings]
    rest = [name for name in tags if name not in sticky and name not in markings]
    groups = [(Kind.BENIGN, good)] if good else []
    if rest or not good:
        groups.append((Kind.MALICIOUS, rest))
    return [(kind, tuple(dict.fromkeys((*names, *markings)))) for kind, names in groups]


def id_of(store: Store, type: str, value: str) -> int | None:
    """Return the row id of an observable, ``None`` if nobody knows it."""
    with _reading(store) as connection:
        return next(iter(_ids(connection, value, type)), None)


def values_of(store: Store, type: str) -> Iterator[list[str]]:
    """Yield the values of all observables of a type, in batches."""
    with _reading(store) as connection:
        query = "SELECT value FROM observable WHERE type = ? ORDER BY value"
        with closing(connection.scan(query, (type,))) as rows:
            while batch := rows.fetchmany(_BATCH):
                yield [value for (value,) in batch]


def told_of(claims: Collection[Claim]) -> Told:
    """Return what is put down of claims that somebody makes by hand."""
    values = dict.fromkeys(claim.value for claim in claims)
    tags = dict.fromkeys(name for claim in claims for name in claim.tags)
    subject = next(iter(values)) if len(values) == 1 else f"{len(values):,} values"
    detail = {"tags": [*tags]} if tags else {}
    return Told("observable added", subject, detail, of_known="observable tagged" if tags else "")


def _known(connection: Connection, value: str, type: str) -> list[int]:
    ids = _ids(connection, value, type)
    if not ids:
        raise NotFound(f"there is no observable {value!r}" + (f" of type {type}" if type else ""))
    return ids


def _ids(connection: Connection, value: str, type: str) -> list[int]:
    types = "(SELECT DISTINCT type FROM observable)" if not type else "(?)"
    query = f"SELECT id FROM observable WHERE type IN {types} AND value = ? ORDER BY id"  # noqa: S608
    return [key for (key,) in connection.execute(query, (type, value) if type else (value,))]


def _rows(
    store: Store, condition: str, values: Sequence[str | int], now: Instant, limit: int | None = None
) -> list[Row]:
    with _reading(store) as connection:
        reader = RowReader(connection, now, read_lifetimes(connection, store.lifetime_s))
        return reader.matching(condition, values, limit)


@contextmanager
def _reading(store: Store) -> Iterator[Connection]:
    connection = store.connect()
    try:
        with store.database.errors():
            connection.begin_reading()
            yield connection
    finally:
        connection.close()

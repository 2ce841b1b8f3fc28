"""What the ledger tells of single observables: when each came, when it left and why, and what stands around it."""
# ruff: noqa: S608 - the parts of the queries are our own words

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from core.errors import RefusedValue
from core.schemas.instant import Instant
from core.store import dialect
from core.store.databases.interface import Connection
from core.values import types
from core.values.networks import BITS, Span, span_of, text_of

_ADDRESSES = frozenset({types.IPV4, types.IPV6, types.CIDR})


class Period(NamedTuple):
    """Versions in a row for which one thing held of an observable.

    Attributes:
        first: Number of the first version.
        last: Number of the last one; ``None`` if it still holds.
        is_listed: It was listed; else it was selected and kept off.
        why: Of what was kept off the reason, as JSON; else nothing.
        ended_by: Why it left, as JSON; nothing if that is not known, or it did not.
    """

    first: int
    last: int | None
    is_listed: bool
    why: str = ""
    ended_by: str = ""

    def holds_for(self, number: int) -> bool:
        """Say whether version *number* is one of them."""
        return self.first <= number and (self.last is None or number <= self.last)


class PiecePeriod(NamedTuple):
    """Versions in a row that list a part of a network."""

    value: str
    first: int
    last: int | None

    def holds_for(self, number: int) -> bool:
        """Say whether version *number* is one of them."""
        return self.first <= number and (self.last is None or number <= self.last)


class Made(NamedTuple):
    """A version: when it was made, the instant at which assertions were judged, and the definition, as JSON."""

    number: int
    created_at: Instant
    instant: Instant
    definition: str


class Known(NamedTuple):
    """An observable by its row id."""

    id: int
    type: str
    value: str


def periods(connection: Connection, export_id: int, key: int) -> list[Period]:
    """Return what held of the observable with row id *key* on an export, oldest first.

    Rows of the ledger that differ in nothing but what was known of it are one period.
    """
    rows = connection.execute(
        "SELECT l.first_version, l.last_version, l.is_listed, w.text, e.text FROM ledger l"
        " LEFT JOIN ledger_text w ON w.id = l.why LEFT JOIN ledger_text e ON e.id = l.ended_by"
        " WHERE l.export_id = ? AND l.observable_id = ? ORDER BY l.first_version",
        (export_id, key),
    )
    found: list[Period] = []
    for first, last, is_listed, why, ended_by in rows:
        made = Period(first, last, bool(is_listed), "" if is_listed else why or "", ended_by or "")
        before = found[-1] if found else None
        if before is not None and before.last == first - 1 and before[2:4] == made[2:4] and not before.ended_by:
            found[-1] = before._replace(last=last, ended_by=made.ended_by)
        else:
            found.append(made)
    return found


def let_in_by(connection: Connection, export_id: int, key: int, number: int) -> str:
    """Return what let an observable in that version *number* lists, as `texts.Named.why` reads it."""
    row = connection.execute(
        "SELECT w.text FROM ledger l JOIN ledger_text w ON w.id = l.why"
        " WHERE l.export_id = ? AND l.observable_id = ? AND l.is_listed"
        " AND l.first_version <= ? AND (l.last_version IS NULL OR l.last_version >= ?)",
        (export_id, key, number, number),
    ).fetchone()
    return "" if row is None else str(row[0])


def piece_periods(connection: Connection, export_id: int, key: int) -> list[PiecePeriod]:
    """Return which parts of the network with row id *key* were listed when, by value, oldest first."""
    rows = connection.execute(
        "SELECT value, first_version, last_version FROM ledger_piece"
        " WHERE export_id = ? AND observable_id = ? ORDER BY value, first_version",
        (export_id, key),
    )
    return [PiecePeriod(*row) for row in rows]


def is_left_of_another(connection: Connection, export_id: int, key: int, value: str) -> bool:
    """Say whether *value* is listed now as what is left of another network than that with row id *key*."""
    query = "SELECT 1 FROM ledger_piece WHERE export_id = ? AND value = ? AND observable_id <> ? AND last_version IS NULL"
    return connection.execute(query, (export_id, value, key)).fetchone() is not None


def is_listed_now(connection: Connection, export_id: int, key: int) -> bool:
    """Say whether an observable is listed by the current version, whole or in parts."""
    mine = "WHERE export_id = ? AND observable_id = ? AND last_version IS NULL"
    return any(
        connection.execute(f"SELECT 1 FROM {table} {mine}{more} LIMIT 1", (export_id, key)).fetchone()
        for table, more in (("ledger", " AND is_listed"), ("ledger_piece", ""))
    )


def is_listed_at(connection: Connection, export_id: int, key: int, number: int) -> bool:
    """Say whether version *number* lists the observable with row id *key*, whole."""
    query = (
        "SELECT 1 FROM ledger WHERE export_id = ? AND observable_id = ? AND is_listed"
        " AND first_version <= ? AND (last_version IS NULL OR last_version >= ?)"
    )
    return connection.execute(query, (export_id, key, number, number)).fetchone() is not None


def is_kept(connection: Connection, export_id: int) -> bool:
    """Say whether the ledger knows anything of an export."""
    query = "SELECT 1 FROM {} WHERE export_id = ? LIMIT 1"
    return any(
        connection.execute(query.format(table), (export_id,)).fetchone() for table in ("ledger", "ledger_piece")
    )


def known_as(connection: Connection, value: str) -> list[Known]:
    """Return the observables of that value, of whatever type."""
    # By type, so that the index on (type, value) serves.
    marks = dialect.marks(types.TYPES)
    query = f"SELECT id, type, value FROM observable WHERE type IN ({marks}) AND value = ? ORDER BY type"
    return [Known(*row) for row in connection.execute(query, (*sorted(types.TYPES), value))]


def wider(connection: Connection, type_: str, value: str) -> list[Known]:
    """Return the known networks that an address or a network lies in, or the names that a name is below; widest last.

    A network of each length can be around an address: they are looked up, not searched for.
    """
    if type_ in _ADDRESSES:
        try:
            texts: Iterable[str] = _networks_around(span_of(value))
        except RefusedValue:
            return []
        return _found(connection, types.CIDR, list(texts))
    return _found(connection, types.HOSTNAME, list(_parents(value))) if type_ == types.HOSTNAME else []


def lies_in(value: str, network: str) -> bool:
    """Say whether an address or a network lies in *network*, which it may be itself."""
    inner, outer = span_of(value), span_of(network)
    return outer.version == inner.version and outer.first <= inner.first and inner.last <= outer.last


def version_made(connection: Connection, export_id: int, number: int) -> Made | None:
    """Return version *number* of an export, ``None`` if there is none."""
    row = connection.execute(
        "SELECT number, created_at, instant, definition FROM version WHERE export_id = ? AND number = ?",
        (export_id, number),
    ).fetchone()
    return None if row is None else Made(*row)


def made_at(connection: Connection, export_id: int, numbers: Iterable[int]) -> dict[int, Instant]:
    """Return when versions were made, by number."""
    wanted = sorted(set(numbers))
    query = f"SELECT number, created_at FROM version WHERE export_id = ? AND number IN ({dialect.marks(wanted)})"
    return dict(connection.execute(query, (export_id, *wanted)))


def _found(connection: Connection, type_: str, values: Sequence[str]) -> list[Known]:
    ids = {value: key for value, key, _ in dialect.find_observables(connection, type_, values)}
    return [Known(ids[value], type_, value) for value in values if value in ids]


def _networks_around(span: Span) -> Iterator[str]:
    bits = BITS[span.version]
    length = bits - span.size.bit_length() + 1
    for shorter in range(length - 1, -1, -1):
        size = 1 << bits - shorter
        first = span.first - span.first % size
        yield text_of(Span(span.version, first, first + size - 1))


def _parents(name: str) -> Iterator[str]:
    parent = name.partition(".")[2]
    while "." in parent:
        yield parent
        parent = parent.partition(".")[2]

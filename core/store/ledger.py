"""The ledger: which observables were on which versions of an export, why, and why they left.

A row holds for as long as nothing changes: from ``first_version`` to ``last_version``, or still.  Every version has
a file of changes (`ledger_lines`), and applying that brings the ledger from the version before to it; so a run, the
release of a candidate and the end of a publication that was cut off take the same way.  Decision 0075 says why.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice

from core.errors import NotFound
from core.store.ledger_compare import Comparison, compare
from core.store.ledger_lines import ADDED, CHANGED, OPENS, REMOVED, Change, decode, line_of, reason
from core.store.ledger_states import changes_between, state_at
from core.store.ledger_withdrawn import withdrawn_among, withdrawn_since
from core.store.snapshot import Piece, Snapshot
from core.values import types

__all__ = [
    "Comparison",
    "apply",
    "changes_between",
    "compare",
    "export_key",
    "listed_ids",
    "pieces",
    "prune",
    "removal_lines",
    "state_at",
    "withdrawn_among",
    "withdrawn_since",
]

_BATCH = 5_000

_CLOSE = (
    "UPDATE ledger SET last_version = ?, ended_by = ?"
    " WHERE export_id = ? AND observable_id = ? AND last_version IS NULL"
)
_OPEN = (
    "INSERT INTO ledger (export_id, observable_id, first_version, is_listed, modified_at, why)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
_CLOSE_PIECE = (
    "UPDATE ledger_piece SET last_version = ?"
    " WHERE export_id = ? AND observable_id = ? AND value = ? AND last_version IS NULL"
)
_OPEN_PIECE = "INSERT INTO ledger_piece (export_id, observable_id, value, first_version) VALUES (?, ?, ?, ?)"


def apply(connection: sqlite3.Connection, export_id: int, number: int, lines: Iterable[str | bytes]) -> None:
    """Bring the ledger of an export from the version before to version *number*.

    Args:
        connection: In a write transaction of the caller's.
        export_id: Row id of the export.
        number: Of the version.
        lines: Of its changes.
    """
    texts = _Texts(connection)
    query = "SELECT 1 FROM ledger WHERE export_id = ? LIMIT 1"
    is_first = connection.execute(query, (export_id,)).fetchone() is None
    rest = iter(lines)
    while batch := list(islice(rest, _BATCH)):
        changes = [decode(line) for line in batch]
        whys = texts.ids([bytes(change.why).decode() for change in changes])
        closed: list[tuple[object, ...]] = []
        opened: list[tuple[object, ...]] = []
        for change, why in zip(changes, whys, strict=True):
            if change.piece:
                _apply_piece(connection, export_id, number, change)
                continue
            if not is_first:
                ended_by = why if change.change == REMOVED else None
                closed.append((number - 1, ended_by, export_id, change.id))
            if change.change in OPENS or (change.change == REMOVED and change.modified_at is not None):
                is_listed = change.change in (ADDED, CHANGED)
                opened.append((export_id, change.id, number, is_listed, change.modified_at or 0, why))
        connection.executemany(_CLOSE, closed)
        connection.executemany(_OPEN, opened)


def export_key(connection: sqlite3.Connection, name: str) -> int:
    """Return the row id of the export *name*.

    Raises:
        NotFound: There is none.
    """
    row = connection.execute("SELECT id FROM export WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise NotFound(f"there is no export {name!r}")
    return int(row[0])


def listed_ids(snapshot: Snapshot, name: str, number: int) -> Iterator[int]:
    """Yield the row ids of the observables that version *number* of the export *name* lists, in order."""
    key = export_key(snapshot.connection, name)
    query = f"SELECT observable_id FROM ({state_at(key, number)}) WHERE is_listed ORDER BY observable_id"  # noqa: S608
    for (found,) in snapshot.connection.execute(query):
        yield found


def pieces(snapshot: Snapshot, name: str, number: int) -> list[Piece]:
    """Return what version *number* of the export *name* lists of networks that were split."""
    rows = snapshot.connection.execute(
        "SELECT observable_id, value FROM ledger_piece"
        " WHERE export_id = ? AND first_version <= ? AND (last_version IS NULL OR last_version >= ?)",
        (export_key(snapshot.connection, name), number, number),
    )
    return [(key, type_of_piece(value), value) for key, value in rows]


def type_of_piece(value: str) -> str:
    """Return the type of a part of a network."""
    return types.CIDR if "/" in value else types.IPV6 if ":" in value else types.IPV4


def removal_lines(snapshot: Snapshot, name: str, ids: Iterable[int], word: str) -> Iterator[str]:
    """Yield the lines of changes that remove observables from the current version, for one reason."""
    connection = snapshot.connection
    connection.execute("DROP TABLE IF EXISTS temp.ledger_gone")
    connection.execute("CREATE TEMP TABLE ledger_gone (id INTEGER PRIMARY KEY)")
    connection.executemany("INSERT OR IGNORE INTO temp.ledger_gone VALUES (?)", ((key,) for key in ids))
    why = reason(word)
    found = [
        (type_, value, line_of(REMOVED, key, type_, quoted, why))
        for key, type_, value, quoted in connection.execute(
            "SELECT o.id, o.type, o.value, json_quote(o.value)"
            " FROM temp.ledger_gone g CROSS JOIN observable o ON o.id = g.id"
        )
    ]
    gone_pieces = connection.execute(
        "SELECT p.observable_id, p.value, json_quote(p.value) FROM ledger_piece p"
        " JOIN temp.ledger_gone g ON g.id = p.observable_id WHERE p.export_id = ? AND p.last_version IS NULL",
        (export_key(connection, name),),
    )
    for key, value, quoted in gone_pieces:
        type_ = type_of_piece(value)
        found.append((type_, value, line_of(REMOVED, key, type_, quoted, why, piece=True)))
    yield from (line for _, _, line in sorted(found))


def prune(connection: sqlite3.Connection, export_id: int, oldest: int) -> None:
    """Forget what no version from *oldest* on can be asked for, but for when a value was last on a list.

    Args:
        connection: In a write transaction of the caller's.
        export_id: Row id of the export.
        oldest: Number of the oldest version that is kept.
    """
    connection.execute(
        "DELETE FROM ledger WHERE export_id = ? AND last_version < ? AND (NOT is_listed OR EXISTS ("
        "SELECT 1 FROM ledger later WHERE later.export_id = ledger.export_id"
        " AND later.observable_id = ledger.observable_id AND later.first_version > ledger.first_version"
        " AND later.is_listed))",
        (export_id, oldest),
    )
    connection.execute("DELETE FROM ledger_piece WHERE export_id = ? AND last_version < ?", (export_id, oldest))


def _apply_piece(connection: sqlite3.Connection, export_id: int, number: int, change: Change) -> None:
    connection.execute(_CLOSE_PIECE, (number - 1, export_id, change.id, change.value))
    if change.change == ADDED:
        connection.execute(_OPEN_PIECE, (export_id, change.id, change.value, number))


class _Texts:
    """Row ids of reasons, each kept once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[str, int] = {}

    def ids(self, texts: list[str]) -> list[int]:
        new = {text for text in texts if text not in self._known}
        self._connection.executemany(
            "INSERT OR IGNORE INTO ledger_text (text) VALUES (?)", ((text,) for text in new)
        )
        for text in new:
            row = self._connection.execute("SELECT id FROM ledger_text WHERE text = ?", (text,)).fetchone()
            self._known[text] = int(row[0])
        return [self._known[text] for text in texts]

"""What an export listed at a version, and how two of its versions differ, from the intervals of the ledger."""
# ruff: noqa: S608 - the parts of the queries are our own words and whole numbers

from collections.abc import Iterable, Iterator
from contextlib import closing
from heapq import merge
from operator import itemgetter

from core.store.databases.interface import Connection
from core.store.ledger.lines import (
    ADDED,
    CHANGED,
    FREED,
    KEPT_OFF,
    REMOVED,
    ROLLED_BACK,
    WITHDRAWN,
    encode,
    line_of,
    reason,
)
from core.store.ledger.pieces import pieces_at
from core.store.ledger.texts import as_json

_BATCH = 1_000
_MANY = 50_000
_DIFFERENCE = "temp.ledger_difference"
_GONE = "temp.ledger_gone"


def state_at(export_id: int, number: int) -> str:
    """Return SQL for the rows of the ledger that hold for version *number*; 0 is before the first."""
    return f"SELECT observable_id, is_listed, modified_at, why FROM ledger WHERE {_holds(export_id, number)}"


def changes_between(
    connection: Connection, export_id: int, before: int, after: int, gone: Iterable[int] = ()
) -> Iterator[str]:
    """Yield the lines of changes from version *before* to version *after*, which may be the older one.

    Args:
        connection: Its temporary tables are used.
        export_id: Row id of the export.
        before: Number of a version; 0 is before the first.
        after: As *before*; the same one is of use with *gone*.
        gone: Row ids of observables that shall not be listed after: they were withdrawn.
    """
    try:
        yield from _Between(connection, export_id, before, after).lines(gone)
    finally:
        for table in (_DIFFERENCE, _GONE):
            connection.drop(table)


class _Between:
    """Functions that share their arguments."""

    def __init__(self, connection: Connection, export_id: int, before: int, after: int) -> None:
        self._connection, self._execute = connection, connection.execute
        self._export_id, self._before, self._after = export_id, before, after
        self._texts: dict[int, str] = {}

    def lines(self, gone: Iterable[int]) -> Iterator[str]:
        """Yield the lines."""
        self._find(gone)
        lines: Iterator[tuple[str, str, str]] = self._lines()
        if pieces := sorted(self._pieces()):
            lines = merge(lines, pieces, key=itemgetter(0, 1))
        for _, _, line in lines:
            yield line

    def _find(self, gone: Iterable[int]) -> None:
        """Put down which observables have another row of the ledger before than after."""
        execute = self._execute
        for table in (_DIFFERENCE, _GONE):
            self._connection.drop(table)
        execute("CREATE TEMP TABLE ledger_gone (id INTEGER PRIMARY KEY)")
        self._connection.put(_GONE, ("id",), ((key,) for key in gone), ignore=True)
        execute(
            "CREATE TEMP TABLE ledger_difference (id INTEGER PRIMARY KEY, was_listed BOOLEAN, was_modified_at INTEGER,"
            " was_why INTEGER, is_listed BOOLEAN, modified_at INTEGER, why INTEGER)"
        )
        first, last = sorted((self._before, self._after))
        # Of most entries one row holds for both.
        other = f"NOT (first_version <= {first:d} AND (last_version IS NULL OR last_version >= {last:d}))"
        columns = "observable_id, is_listed, modified_at, why"
        known = f"SELECT {columns} FROM ledger WHERE {_holds(self._export_id, self._before)}"
        then = f"SELECT {columns} FROM ledger WHERE {_holds(self._export_id, self._after)}"
        into = f"INSERT INTO {_DIFFERENCE} (id, was_listed, was_modified_at, was_why) {known}"
        execute(f"{into} AND {other}")
        execute(
            f"{into} AND observable_id IN (SELECT id FROM {_GONE})"
            f" AND observable_id NOT IN (SELECT id FROM {_DIFFERENCE})"
        )
        execute(
            f"INSERT INTO {_DIFFERENCE} (id, is_listed, modified_at, why) {then} AND {other}"
            f" AND observable_id NOT IN (SELECT id FROM {_GONE}) ON CONFLICT (id) DO UPDATE"
            " SET is_listed = excluded.is_listed, modified_at = excluded.modified_at, why = excluded.why"
        )

    def _lines(self) -> Iterator[tuple[str, str, str]]:
        change = (
            f"CASE WHEN d.is_listed AND d.was_listed IS NOT TRUE THEN '{ADDED}'"
            f" WHEN d.is_listed AND d.was_modified_at <> d.modified_at THEN '{CHANGED}'"
            f" WHEN d.is_listed THEN NULL WHEN d.was_listed THEN '{REMOVED}'"
            f" WHEN d.is_listed IS NULL THEN '{FREED}' WHEN d.why IS NOT d.was_why THEN '{KEPT_OFF}' END"
        )
        ended_by = (
            f"(SELECT l.ended_by FROM ledger l WHERE l.export_id = {self._export_id:d} AND l.observable_id = d.id"
            f" AND l.is_listed IS d.was_listed AND l.last_version >= {self._before:d}"
            f" AND l.last_version < {self._after:d} ORDER BY l.last_version DESC LIMIT 1)"
        )
        columns = (
            f"o.type, o.value, {self._connection.words.json_string('o.value')}, d.id, {change}, d.modified_at,"
            f" COALESCE(d.why, {ended_by}), d.id IN (SELECT id FROM {_GONE})"
        )
        query = (
            f"SELECT {columns} FROM {_DIFFERENCE} d CROSS JOIN observable o ON o.id = d.id"
            " ORDER BY o.type, o.value"
        )
        otherwise = reason(ROLLED_BACK, to=str(self._after)) if self._after < self._before else reason(FREED)
        with closing(self._connection.scan(query)) as rows:
            while batch := rows.fetchmany(_BATCH):
                for type_, value, quoted, key, word, modified_at, why, is_gone in batch:
                    if word is None:
                        continue
                    text = reason(WITHDRAWN) if is_gone else otherwise if why is None else self._text(why)
                    yield type_, value, line_of(word, key, type_, quoted, text, modified_at)

    def _pieces(self) -> Iterator[tuple[str, str, str]]:
        gone = {key for (key,) in self._execute(f"SELECT id FROM {_GONE}")}
        before = set(pieces_at(self._connection, self._export_id, self._before))
        after = {
            piece for piece in pieces_at(self._connection, self._export_id, self._after) if piece[0] not in gone
        }
        for change, found in ((ADDED, after - before), (REMOVED, before - after)):
            for key, type_, value in found:
                word = WITHDRAWN if key in gone else ROLLED_BACK if self._after < self._before else "split"
                why = '{"by":""}' if change == ADDED else reason(word)
                yield type_, value, line_of(change, key, type_, encode(value).decode(), why, piece=True)

    def _text(self, key: int) -> str:
        known = self._texts.get(key)
        if known is None:
            if len(self._texts) >= _MANY:
                self._texts.clear()
            row = self._execute("SELECT text FROM ledger_text WHERE id = ?", (key,)).fetchone()
            known = self._texts[key] = as_json(row[0])
        return known


def _holds(export_id: int, number: int) -> str:
    return (
        f"export_id = {export_id:d} AND first_version <= {number:d}"
        f" AND (last_version IS NULL OR last_version >= {number:d})"
    )

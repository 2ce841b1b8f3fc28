"""What an export listed at a version, and how two of its versions differ, from the intervals of the ledger."""

import sqlite3
from collections.abc import Iterable, Iterator

import msgspec

from core.store.ledger_lines import (
    ADDED,
    CHANGED,
    FREED,
    KEPT_OFF,
    REMOVED,
    ROLLED_BACK,
    WITHDRAWN,
    line_of,
    reason,
)
from core.values import types

_BATCH = 1_000
_encode = msgspec.json.Encoder().encode


def state_at(export_id: int, number: int) -> str:
    """Return SQL for the rows of the ledger that hold for version *number*; 0 is before the first."""
    return (
        f"SELECT observable_id, is_listed, modified_at, why FROM ledger WHERE export_id = {export_id:d}"  # noqa: S608
        f" AND first_version <= {number:d} AND (last_version IS NULL OR last_version >= {number:d})"
    )


def changes_between(
    connection: sqlite3.Connection, export_id: int, before: int, after: int, gone: Iterable[int] = ()
) -> Iterator[str]:
    """Yield the lines of changes from version *before* to version *after*, which may be the older one.

    Args:
        connection: Its temporary tables are used.
        export_id: Row id of the export.
        before: Number of a version; 0 is before the first.
        after: As *before*.
        gone: Row ids of observables that shall not be listed after; they were withdrawn.
    """
    execute = connection.execute
    execute("DROP TABLE IF EXISTS temp.ledger_less")
    execute("CREATE TEMP TABLE ledger_less (id INTEGER PRIMARY KEY)")
    connection.executemany("INSERT OR IGNORE INTO temp.ledger_less VALUES (?)", ((key,) for key in gone))
    pieces = sorted(_pieces(connection, export_id, before, after))
    rows = execute(_between(export_id, before, after))
    texts: dict[int, str] = {}

    def text_of(key: int | None) -> str | None:
        if key is None:
            return None
        if key not in texts:
            texts[key] = execute("SELECT text FROM ledger_text WHERE id = ?", (key,)).fetchone()[0]
        return texts[key]

    otherwise = reason(ROLLED_BACK) if after < before else reason("expired")
    waiting = iter(pieces)
    piece = next(waiting, None)
    while batch := rows.fetchmany(_BATCH):
        for change, key, type_, value, quoted, modified_at, why, ended_by, is_gone in batch:
            while piece is not None and piece[:2] < (type_, value):
                yield piece[2]
                piece = next(waiting, None)
            told = text_of(why)
            if change == REMOVED:
                if is_gone:
                    told = reason(WITHDRAWN)
                elif told is None:
                    told = text_of(ended_by) or otherwise
            yield line_of(change, key, type_, quoted, told or reason(FREED), modified_at)
    while piece is not None:
        yield piece[2]
        piece = next(waiting, None)


def _between(export_id: int, before: int, after: int) -> str:
    ended_by = (
        f"(SELECT x.ended_by FROM ledger x WHERE x.export_id = {export_id:d} AND x.observable_id = k.observable_id"  # noqa: S608
        f" AND x.is_listed AND x.ended_by IS NOT NULL AND x.last_version >= {before:d} AND x.last_version < {after:d}"
        " ORDER BY x.first_version DESC LIMIT 1)"
    )
    return (
        f"WITH a AS ({state_at(export_id, before)}), b AS ({state_at(export_id, after)}"  # noqa: S608 (whole numbers)
        " AND observable_id NOT IN (SELECT id FROM temp.ledger_less)),"
        " k AS (SELECT observable_id FROM a UNION SELECT observable_id FROM b)"
        " SELECT change, id, o.type, o.value, json_quote(o.value), modified_at, why, ended_by, is_gone FROM (SELECT CASE"
        f" WHEN b.is_listed AND a.is_listed IS NOT 1 THEN '{ADDED}'"
        f" WHEN b.is_listed AND a.modified_at <> b.modified_at THEN '{CHANGED}'"
        " WHEN b.is_listed THEN NULL"
        f" WHEN a.is_listed THEN '{REMOVED}'"
        f" WHEN b.is_listed IS NOT NULL AND b.why IS NOT a.why THEN '{KEPT_OFF}'"
        f" WHEN b.is_listed IS NULL THEN '{FREED}' END AS change,"
        f" k.observable_id AS id, b.modified_at AS modified_at, b.why AS why, {ended_by} AS ended_by,"
        " k.observable_id IN (SELECT id FROM temp.ledger_less) AS is_gone"
        " FROM k LEFT JOIN a ON a.observable_id = k.observable_id LEFT JOIN b ON b.observable_id = k.observable_id)"
        " CROSS JOIN observable o ON o.id = id WHERE change IS NOT NULL ORDER BY o.type, o.value"
    )


def _pieces(
    connection: sqlite3.Connection, export_id: int, before: int, after: int
) -> Iterator[tuple[str, str, str]]:
    def at(number: int, less: str) -> set[tuple[int, str]]:
        return set(
            connection.execute(
                "SELECT observable_id, value FROM ledger_piece WHERE export_id = ? AND first_version <= ?"  # noqa: S608
                f" AND (last_version IS NULL OR last_version >= ?){less}",
                (export_id, number, number),
            )
        )

    there, then = at(before, ""), at(after, " AND observable_id NOT IN (SELECT id FROM temp.ledger_less)")
    for change, found, why in ((ADDED, then - there, '{"by":[]}'), (REMOVED, there - then, reason("split"))):
        for key, value in found:
            type_ = types.CIDR if "/" in value else types.IPV6 if ":" in value else types.IPV4
            yield type_, value, line_of(change, key, type_, _encode(value).decode(), why, piece=True)

"""Bring the ledger from one version to the next, and forget what nobody can ask for any more."""
# ruff: noqa: S608 - the parts of the queries are our own words and whole numbers

from collections.abc import Iterable
from itertools import islice

from core.store.collector import collector_off
from core.store.databases.interface import Connection
from core.store.ledger.lines import ADDED, CHANGED, FREED, REMOVED, Change, decode
from core.store.ledger.texts import Texts, packed, was_withdrawn

_BATCH = 10_000
_STAGE, _FORGOTTEN = "temp.ledger_stage", "temp.ledger_forgotten"
_STAGED = ("id", "modified_at", "is_listed", "why", "text", "ends")
_WHY = "COALESCE(s.why, (SELECT t.id FROM ledger_text t WHERE t.text = s.text))"
_LISTS, _ENDS = frozenset({ADDED, CHANGED}), frozenset({REMOVED, FREED})
LEAST_DEPARTED = 100_000
"""At least so many values that left are remembered for when and why, and as many as are listed."""


def apply(connection: Connection, export_id: int, number: int, lines: Iterable[str | bytes]) -> None:
    """Bring the ledger of an export from the version before to version *number*; again makes no difference.

    Args:
        connection: In a write transaction of the caller's.
        export_id: Row id of the export.
        number: Of the version.
        lines: Of its changes.
    """
    # ``is_listed`` is null where nothing begins; ``text`` is a reason that is not kept yet.
    connection.execute(
        "CREATE TEMP TABLE ledger_stage (id INTEGER NOT NULL, modified_at INTEGER, is_listed BOOLEAN, why INTEGER,"
        " text TEXT, ends BOOLEAN)"
    )
    try:
        with collector_off():
            _stage(connection, export_id, number, lines)
        connection.execute(
            "INSERT INTO ledger_text (text)"
            f" SELECT DISTINCT text FROM {_STAGE} WHERE text IS NOT NULL ORDER BY text ON CONFLICT DO NOTHING"
        )
        _close(connection, export_id, number)
        # In the order of the table, which fills its pages and jumps nowhere.
        connection.execute(
            "INSERT INTO ledger (export_id, observable_id, first_version, is_listed, modified_at, why)"
            f" SELECT ?, id, ?, is_listed, modified_at, {_WHY} FROM {_STAGE} s WHERE is_listed IS NOT NULL ORDER BY id"
            " ON CONFLICT DO NOTHING",
            (export_id, number),
        )
    finally:
        connection.drop(_STAGE)


def prune(connection: Connection, export_id: int, oldest: int) -> None:
    """Forget what no version from *oldest* on can be asked for, but for when values left that are not listed now.

    That something was withdrawn is remembered of what is listed again, too: whoever was told that an indicator is
    revoked must never see it come back.

    Args:
        connection: In a write transaction of the caller's.
        export_id: Row id of the export.
        oldest: Number of the oldest version that is kept.
    """
    execute = connection.execute
    execute("CREATE TEMP TABLE ledger_forgotten (why INTEGER PRIMARY KEY)")
    try:
        _forget(
            connection,
            "last_version < ? AND (NOT is_listed OR (EXISTS (SELECT 1 FROM ledger later"
            " WHERE later.export_id = ledger.export_id AND later.observable_id = ledger.observable_id"
            " AND later.first_version > ledger.first_version AND later.is_listed)"
            f" AND NOT EXISTS (SELECT 1 FROM ledger_text t WHERE t.id = ended_by AND {was_withdrawn('t')})))",
            (export_id, oldest),
        )
        _forget(connection, "last_version < ?", (export_id, _departed_before(connection, export_id, oldest)))
        execute("DELETE FROM ledger_piece WHERE export_id = ? AND last_version < ?", (export_id, oldest))
        if execute(f"SELECT 1 FROM {_FORGOTTEN} LIMIT 1").fetchone():
            # Whole tables are read for these: what they still have is not asked of each reason.
            for column in ("why", "ended_by"):
                execute(
                    f"DELETE FROM {_FORGOTTEN} WHERE why IN"
                    f" (SELECT {column} FROM ledger WHERE {column} IN (SELECT why FROM {_FORGOTTEN}))"
                )
            execute(f"DELETE FROM ledger_text WHERE id IN (SELECT why FROM {_FORGOTTEN})")
    finally:
        connection.drop(_FORGOTTEN)


def _forget(connection: Connection, condition: str, values: tuple[int, int]) -> None:
    """Delete rows of an export, and put down the reasons they had."""
    for column in ("why", "ended_by"):
        connection.execute(
            f"INSERT INTO {_FORGOTTEN} SELECT DISTINCT {column} FROM ledger"
            f" WHERE export_id = ? AND {condition} AND {column} IS NOT NULL ON CONFLICT DO NOTHING",
            values,
        )
    connection.execute(f"DELETE FROM ledger WHERE export_id = ? AND {condition}", values)


def _stage(connection: Connection, export_id: int, number: int, lines: Iterable[str | bytes]) -> None:
    """Put the rows to be written into the table for that; pieces are few and written at once."""
    texts = Texts(connection)
    rest = iter(lines)
    while batch := [decode(line) for line in islice(rest, _BATCH)]:
        whole = [change for change in batch if not change.piece]
        whys = [bytes(change.why) for change in whole]
        known = texts.learn(whys)
        # Not a function for each: there may be millions.
        rows = [
            (
                each.id,
                each.modified_at or 0,
                True if each.change in _LISTS else None if each.modified_at is None else False,
                known.get(why),
                None if why in known else packed(why),
                each.change in _ENDS,
            )
            for each, why in zip(whole, whys, strict=True)
        ]
        connection.put(_STAGE, _STAGED, rows)
        if len(whole) < len(batch):
            for change in batch:
                if change.piece:
                    _apply_piece(connection, export_id, number, change)


def _close(connection: Connection, export_id: int, number: int) -> None:
    before = connection.execute(
        "SELECT 1 FROM ledger WHERE export_id = ? AND last_version IS NULL LIMIT 1", (export_id,)
    ).fetchone()
    if before is not None:
        connection.execute(
            "UPDATE ledger SET last_version = ?, ended_by = s.ended_by"
            f" FROM (SELECT id, CASE WHEN ends THEN {_WHY} END AS ended_by FROM {_STAGE} s ORDER BY id) s"
            " WHERE ledger.export_id = ? AND ledger.observable_id = s.id"
            " AND ledger.last_version IS NULL AND ledger.first_version < ?",
            (number - 1, export_id, number),
        )


def _apply_piece(connection: Connection, export_id: int, number: int, change: Change) -> None:
    connection.execute(
        "UPDATE ledger_piece SET last_version = ? WHERE export_id = ? AND observable_id = ? AND value = ?"
        " AND last_version IS NULL AND first_version < ?",
        (number - 1, export_id, change.id, change.value, number),
    )
    if change.change == ADDED:
        connection.execute(
            "INSERT INTO ledger_piece (export_id, observable_id, value, first_version)"
            " VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (export_id, change.id, change.value, number),
        )


def _departed_before(connection: Connection, export_id: int, oldest: int) -> int:
    """Return the version before which departures are forgotten, so that not more than the bound are remembered."""
    execute = connection.execute
    listed = execute(
        "SELECT count(*) FROM ledger WHERE export_id = ? AND last_version IS NULL AND is_listed", (export_id,)
    ).fetchone()[0]
    most = max(LEAST_DEPARTED, listed)
    by_version = execute(
        "SELECT last_version, count(*) FROM ledger WHERE export_id = ? AND last_version < ?"
        " GROUP BY last_version ORDER BY last_version DESC",
        (export_id, oldest),
    )
    for version, departed in by_version.fetchall():
        most -= departed
        if most < 0:
            return int(version) + 1
    return 0

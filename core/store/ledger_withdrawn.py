"""What is listed and was withdrawn: by the false-positive button, or by every source that let it in."""

from collections.abc import Iterable

from core.schemas.instant import LATEST, Instant
from core.store.ledger_reasons import Reasons
from core.store.ledger_states import state_at
from core.store.snapshot import Snapshot

_TABLE = "ledger_asked"


def withdrawn_since(
    snapshot: Snapshot, export_id: int, number: int, *, instant: Instant, after: Instant | None = None
) -> list[int]:
    """Return the row ids of what version *number* lists and is withdrawn by now, in order.

    Args:
        snapshot: The state of the store.
        export_id: Row id of the export.
        number: Of the version.
        instant: Assertions that have ended by then do not count for staying.
        after: Only what was withdrawn later than that.
    """
    state = f"SELECT observable_id, why FROM ({state_at(export_id, number)}) WHERE is_listed"  # noqa: S608
    return _found(snapshot, state, (), instant, after)


def withdrawn_among(snapshot: Snapshot, ids: Iterable[int], *, instant: Instant) -> list[int]:
    """Return those of some observables that are withdrawn by now: cleared, or with nothing left but withdrawn."""
    return _found(snapshot, "SELECT NULL, NULL WHERE 0", ids, instant, None)


def _found(
    snapshot: Snapshot, query: str, ids: Iterable[int], instant: Instant, after: Instant | None
) -> list[int]:
    connection = snapshot.connection
    connection.execute(f"DROP TABLE IF EXISTS temp.{_TABLE}")
    connection.execute(f"CREATE TEMP TABLE {_TABLE} (id INTEGER PRIMARY KEY, was INTEGER)")
    connection.execute(f"INSERT OR IGNORE INTO temp.{_TABLE} {query}")  # noqa: S608
    connection.executemany(f"INSERT OR IGNORE INTO temp.{_TABLE} VALUES (?, NULL)", ((key,) for key in ids))  # noqa: S608
    reasons = Reasons(connection, snapshot.known)
    condition = reasons.withdrawn(_TABLE, instant)
    later = -LATEST if after is None else after
    since = (
        f"EXISTS (SELECT 1 FROM assertion a WHERE a.observable_id = {_TABLE}.id"  # noqa: S608
        f" AND (a.withdrawn_at > {later:d} OR a.received_at > {later:d}))"
    )
    try:
        rows = connection.execute(f"SELECT id FROM temp.{_TABLE} WHERE {condition} AND {since} ORDER BY id")  # noqa: S608
        return [key for (key,) in rows]
    finally:
        reasons.forget_pairs()
        connection.execute(f"DROP TABLE IF EXISTS temp.{_TABLE}")

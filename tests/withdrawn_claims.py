"""Claims that are withdrawn one by one; whoever uses the program withdraws a value whole, or what it says itself."""

from collections.abc import Collection
from contextlib import closing

from core.errors import NotFound
from core.schemas.instant import Instant
from core.store import Store, dialect
from core.store.clock import tick
from core.store.derive import derive
from core.values.tags import tag_key


def withdraw(
    store: Store,
    value: str,
    reason: str,
    now: Instant,
    *,
    type: str = "",
    source: str = "",
    tags: Collection[str] = (),
) -> int:
    """Withdraw what is claimed of *value*, by one source only or under some tags; return how many assertions."""
    change = "UPDATE assertion SET withdrawn_at = ?, withdrawn_reason = ? WHERE withdrawn_at IS NULL"
    return _changed(store, change, reason, value, now, type, source, tags)


def reinstate(store: Store, value: str, now: Instant) -> int:
    """Let what was withdrawn of *value* count again, and return how many assertions."""
    change = "UPDATE assertion SET withdrawn_at = NULL, withdrawn_reason = NULL WHERE withdrawn_at IS NOT NULL"
    return _changed(store, change, None, value, now, "", "", ())


def _changed(
    store: Store,
    change: str,
    reason: str | None,
    value: str,
    now: Instant,
    type: str,
    source: str,
    tags: Collection[str],
) -> int:
    keys = sorted(tag_key(name) for name in tags)
    with closing(store.connect()) as connection, store.database.writing(connection):
        instant = tick(connection, now, store.lifetime_s)
        there = connection.execute("SELECT id, type FROM observable WHERE value = ?", (value,)).fetchall()
        ids = [key for key, own in there if not type or own == type]
        if not ids:
            raise NotFound(f"there is no observable {value!r}")
        change += f" AND observable_id IN ({dialect.marks(ids)})"
        given: list[int | str] = [*ids] if reason is None else [instant, reason, *ids]
        if source:
            change += " AND source_id IN (SELECT id FROM source WHERE name = ?)"
            given.append(source)
        if keys:
            change += f" AND tag_id IN (SELECT id FROM tag WHERE key IN ({dialect.marks(keys)}))"
            given += keys
        changed = connection.execute(change, given).rowcount
        if changed:
            derive(connection, ids, instant, store.lifetime_s, modified=True)
        return changed

"""Except a false positive from the networks around it: what is carved out is on a list that blocks.

An export that would list such a network lists what is left of it, or, by its limits, nothing of it.
"""

from sqlalchemy import Connection, Delete, delete, insert, select

from core.errors import RefusedValue
from core.schemas.claim import AllowListEntries
from core.schemas.instant import Instant
from core.store.allow_lists.entries import ADDRESSES
from core.store.allow_lists.kinds import CARVED_OUT, CARVED_OUT_NAME, Kind
from core.store.allow_lists.lists import put
from core.store.audit import note
from core.store.schema import allow_list, allow_list_entry, allow_list_remark
from core.store.soundness import fault_of_text
from core.store.store import Store

_DESCRIPTION = "false positives that networks around them are split for"


def carve_out(store: Store, type: str, value: str, reason: str, now: Instant) -> None:
    """Except an address or a network from whatever networks lie around it, on every export.

    Args:
        store: Where.
        type: Of the value.
        value: In canonical form.
        reason: Kept with it.
        now: When.

    Raises:
        RefusedValue: It is no address and no network: no list can except a name from one above it.
    """
    if type not in ADDRESSES:
        raise RefusedValue(
            "only addresses and networks can be carved out of networks; a name is listed by its parents"
        )
    if fault := fault_of_text(reason):
        raise RefusedValue(f"the reason {fault}")
    with store.writing() as connection:
        key, entries = _known(connection)
        key = _put(connection, [*(entry for entry in entries if entry != value), value], now)
        connection.execute(_remark(key, value))
        connection.execute(
            insert(allow_list_remark).values(allow_list_id=key, entry=value, made_at=now, reason=reason)
        )
        note(connection, "value carved out", value, {"reason": reason})


def undo(store: Store, value: str, now: Instant) -> bool:
    """Undo `carve_out`, and say whether there was anything to undo."""
    with store.writing() as connection:
        key, entries = _known(connection)
        if value not in entries:
            return False
        _put(connection, [entry for entry in entries if entry != value], now)
        connection.execute(_remark(key, value))
        note(connection, "value carved out no more", value)
        return True


def reasons(store: Store) -> dict[str, str]:
    """Return what is carved out, and why."""
    query = (
        select(allow_list_remark.c.entry, allow_list_remark.c.reason)
        .join(allow_list, allow_list.c.id == allow_list_remark.c.allow_list_id)
        .where(allow_list.c.name == CARVED_OUT_NAME)
        .order_by(allow_list_remark.c.entry)
    )
    with store.reading() as connection:
        return {row.entry: row.reason for row in connection.execute(query)}


def _known(connection: Connection) -> tuple[int, list[str]]:
    key = connection.scalar(select(allow_list.c.id).where(allow_list.c.name == CARVED_OUT_NAME))
    rows = connection.scalars(
        select(allow_list_entry.c.entry)
        .where(allow_list_entry.c.allow_list_id == (key or 0))
        .order_by(allow_list_entry.c.position)
    )
    return key or 0, [*rows]


def _put(connection: Connection, entries: list[str], now: Instant) -> int:
    given = AllowListEntries(
        name=CARVED_OUT_NAME, list_type="cidr", description=_DESCRIPTION, entries=tuple(entries)
    )
    return put(connection, given, now, Kind(CARVED_OUT))


def _remark(key: int, value: str) -> Delete:
    return delete(allow_list_remark).where(
        allow_list_remark.c.allow_list_id == key, allow_list_remark.c.entry == value
    )

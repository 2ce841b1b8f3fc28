"""Except a false positive from the networks around it: what is carved out is on a list that blocks.

An export that would list such a network lists what is left of it, or, by its limits, nothing of it.
"""

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, Delete, delete, insert, select

from core.errors import RefusedValue
from core.schemas.claim import AllowListEntries
from core.schemas.instant import Instant
from core.store.allow_lists import hits
from core.store.allow_lists.entries import ADDRESSES
from core.store.allow_lists.kinds import CARVED_OUT, CARVED_OUT_NAME, Kind
from core.store.allow_lists.lists import put
from core.store.allow_lists.matching import ABOVE
from core.store.schema import allow_list, allow_list_entry, allow_list_remark
from core.store.soundness import fault_of_text
from core.store.store import Store

_DESCRIPTION = "false positives that networks around them are split for"


NAME = CARVED_OUT_NAME


class Met(NamedTuple):
    """An observable that meets an entry which is carved out.

    Attributes:
        id, type, value, modified_at: Of the observable.
        entry: An address or a network, in canonical form.
        relation: ``contains``: the observable is around it; else it is the entry, or lies inside.
    """

    id: int
    type: str
    value: str
    modified_at: Instant
    entry: str
    relation: str


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


def undo(store: Store, value: str, now: Instant) -> bool:
    """Undo `carve_out`, and say whether there was anything to undo."""
    with store.writing() as connection:
        key, entries = _known(connection)
        if value not in entries:
            return False
        _put(connection, [entry for entry in entries if entry != value], now)
        connection.execute(_remark(key, value))
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


def met(connection: sqlite3.Connection, after: Instant | None = None) -> Iterator[Met]:
    """Yield which observables meet what is carved out (later than *after*), by row id; nothing while it only informs.

    What came in since the lists were compared with the observables is not among it; see `allow_lists.hits.refresh`.
    """
    mine = next((item for item in hits.told(connection) if item.name == NAME and item.action == "block"), None)
    if mine is None:
        return
    later = (
        "SELECT 1 FROM allow_list_remark r"
        " WHERE r.allow_list_id = e.allow_list_id AND r.entry = e.entry AND r.made_at > :after"
    )
    query = (
        "SELECT o.id, o.type, o.value, o.modified_at, e.entry, h.relation FROM allow_hit h"  # noqa: S608 (our own words)
        " JOIN allow_list_entry e ON e.allow_list_id = h.allow_list_id AND e.position = h.position"
        " JOIN observable o ON o.id = h.observable_id"
        f" WHERE h.allow_list_id = :list AND h.relation <> '{ABOVE}' AND (:after IS NULL OR EXISTS ({later}))"
        " ORDER BY o.id, e.position"
    )
    yield from map(Met._make, connection.execute(query, {"list": mine.id, "after": after}).fetchall())


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

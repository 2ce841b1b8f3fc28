"""What allow-lists say of one observable; `allow_hits` asks that of all at once."""

from typing import NamedTuple

from core.store.allow_lists.hits import told
from core.store.allow_lists.kinds import Action
from core.store.databases.interface import Connection


class Hit(NamedTuple):
    """An observable met an entry of an allow-list.

    Attributes:
        list, entry: Name of the list; the entry as the list has it.
        relation: See ``allow_matching``.
        special_class: Of special-purpose addresses; empty: of none.
        action: What the list does.
        is_own: It is the list of the user's own assets.
    """

    list: str
    entry: str
    relation: str
    special_class: str
    action: Action
    is_own: bool


def hits_of(connection: Connection, key: int) -> list[Hit]:
    """Return the hits of the observable with row id *key*: a user's own lists first, as their reasons count first."""
    lists = {item.id: item for item in told(connection)}
    rows = connection.execute(
        "SELECT h.allow_list_id, h.position, e.entry, h.relation, h.special_class FROM allow_hit h"
        " JOIN allow_list_entry e ON e.allow_list_id = h.allow_list_id AND e.position = h.position"
        " WHERE h.observable_id = ?",
        (key,),
    ).fetchall()
    rows.sort(key=lambda row: (lists[row[0]].kind.is_carried, lists[row[0]].name, row[1]))
    return [
        Hit(lists[list_].name, entry, relation, special, lists[list_].action, lists[list_].kind.is_own)
        for list_, _, entry, relation, special in rows
    ]


def is_looked_at(connection: Connection, key: int) -> bool:
    """Say whether the observable with row id *key* was compared with every list."""
    behind = "SELECT 1 FROM allow_list_setting WHERE checked_until < ? LIMIT 1"
    checked = connection.execute("SELECT 1 FROM allow_check WHERE id = 1").fetchone()
    return checked is not None and connection.execute(behind, (key,)).fetchone() is None

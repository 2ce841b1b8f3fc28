"""Look one value up in all allow-lists, whether an observable of it is known or not."""

from collections.abc import Iterator
from dataclasses import dataclass

from core.store.allow_lists import hits as allow_hits
from core.store.allow_lists.kinds import does
from core.store.allow_lists.matching import Matcher
from core.store.store import Store


@dataclass(frozen=True, slots=True)
class Met:
    """A list that a value meets.

    Attributes:
        name: Of the list.
        does: What becomes of a run by it: ``hold``, ``block``, ``inform`` or ``off``.
        relation: How: ``equal``, ``inside``, ``contains`` or ``above``; see ``allow_matching``.
        entry: What of the list, as the list spells it.
        special_class: Of special-purpose addresses; empty if it is of none.
    """

    name: str
    does: str
    relation: str
    entry: str
    special_class: str = ""


def look_up(store: Store, type_: str, value: str) -> list[Met]:
    """Return what an observable of a canonical value meets, what does most first."""
    connection = store.connect()
    try:
        with store.database.errors():
            connection.begin_reading()
            lists = {item.id: item for item in allow_hits.told(connection)}
            found = []
            for hit in Matcher(allow_hits.entries(connection, lists)).hits(type_, value):
                item = lists[hit.list_id]
                (entry,) = connection.execute(
                    "SELECT entry FROM allow_list_entry WHERE allow_list_id = ? AND position = ?", hit[:2]
                ).fetchone()
                found.append(Met(item.name, does(item.kind, item.action), hit.relation, entry, hit.special_class))
    finally:
        connection.close()
    order = ("hold", "block", "inform", "off")
    return sorted(found, key=lambda met: (order.index(met.does), met.name, met.entry))


def met_by(store: Store, name: str) -> Iterator[tuple[str, int]]:
    """Yield in which relations observables meet a list, and how many in each, as far as they were looked at."""
    connection = store.connect()
    try:
        with store.database.errors():
            yield from connection.execute(
                "SELECT h.relation, count(DISTINCT h.observable_id) FROM allow_hit h JOIN allow_list l"
                " ON l.id = h.allow_list_id WHERE l.name = ? GROUP BY h.relation ORDER BY h.relation",
                (name,),
            ).fetchall()
    finally:
        connection.close()

"""Which observables meet the entries of lists that are a user's word: own assets, and what was carved out."""

from collections.abc import Iterator
from typing import NamedTuple

from core.schemas.instant import Instant
from core.store.allow_lists.hits import Told, told
from core.store.allow_lists.kinds import CARVED_OUT_NAME
from core.store.allow_lists.matching import ABOVE
from core.store.databases.interface import Connection


class Met(NamedTuple):
    """An observable that meets an entry.

    Attributes:
        id, type, value, modified_at: Of the observable.
        list: The name of the list.
        entry: As the list has it.
        relation: ``contains``: the observable is a network around it; else it is the entry, or lies inside.
    """

    id: int
    type: str
    value: str
    modified_at: Instant
    list: str
    entry: str
    relation: str


def carved_out(connection: Connection, after: Instant | None = None) -> Iterator[Met]:
    """Yield what meets something that was carved out (later than *after*); nothing while that list only informs.

    As of `own_assets`: what came in since the lists were last looked at is not among it; see `hits.refresh`.
    """
    for item in told(connection):
        if item.name == CARVED_OUT_NAME and item.action == "block":
            yield from _met(connection, item, after)


def own_assets(connection: Connection) -> Iterator[Met]:
    """Yield what is the user's own, lies in it, or around it."""
    for item in told(connection):
        if item.kind.is_own and item.action != "off":
            yield from _met(connection, item, None)


def _met(connection: Connection, item: Told, after: Instant | None) -> Iterator[Met]:
    later = ""
    if after is not None:
        later = (
            " AND EXISTS (SELECT 1 FROM allow_list_remark r WHERE r.allow_list_id = e.allow_list_id"  # noqa: S608
            f" AND r.entry = e.entry AND r.made_at > {after:d})"
        )
    query = (
        "SELECT o.id, o.type, o.value, o.modified_at, e.entry, h.relation FROM allow_hit h"  # noqa: S608 (our own words)
        " JOIN allow_list_entry e ON e.allow_list_id = h.allow_list_id AND e.position = h.position"
        " JOIN observable o ON o.id = h.observable_id"
        f" WHERE h.allow_list_id = ? AND h.relation <> '{ABOVE}'{later} ORDER BY o.id, e.position"
    )
    for *known, entry, relation in connection.execute(query, (item.id,)).fetchall():
        yield Met._make((*known, item.name, entry, relation))

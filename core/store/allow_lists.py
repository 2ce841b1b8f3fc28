"""Lists of what must not be blocked, as they were imported."""

import json
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import delete, func, insert, select, update

from core.errors import NotFound
from core.schemas.claim import AllowListEntries
from core.schemas.instant import Instant
from core.store.schema import allow_list, allow_list_entry
from core.store.soundness import fault_of_text
from core.store.store import Store

_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class AllowList:
    """What is known of a list, without its entries."""

    name: str
    list_type: str
    version: str
    description: str
    matching_attributes: tuple[str, ...]
    entries: int
    received_at: Instant


def put_allow_list(store: Store, given: AllowListEntries, now: Instant) -> None:
    """Keep a list; one of that name is replaced whole.  Entries that no database can keep are left out."""
    columns = {
        "list_type": given.list_type,
        "version": given.version,
        "description": given.description,
        "matching_attributes": json.dumps(given.matching_attributes),
        "received_at": now,
    }
    with store.writing() as connection:
        known = connection.scalar(select(allow_list.c.id).where(allow_list.c.name == given.name))
        if known is None:
            connection.execute(insert(allow_list).values(name=given.name, **columns))
            known = connection.scalar(select(allow_list.c.id).where(allow_list.c.name == given.name))
        else:
            connection.execute(update(allow_list).where(allow_list.c.id == known).values(columns))
            connection.execute(delete(allow_list_entry).where(allow_list_entry.c.allow_list_id == known))
        rows = (
            {"allow_list_id": known, "position": position, "entry": entry}
            for position, entry in enumerate(given.entries)
            if fault_of_text(entry) is None
        )
        while batch := list(islice(rows, _BATCH)):
            connection.execute(insert(allow_list_entry), batch)


def allow_lists(store: Store) -> list[AllowList]:
    """Return all lists, by name."""
    counts = (
        select(allow_list_entry.c.allow_list_id, func.count().label("entries"))
        .group_by(allow_list_entry.c.allow_list_id)
        .subquery()
    )
    query = (
        select(allow_list, func.coalesce(counts.c.entries, 0).label("entries"))
        .join(counts, counts.c.allow_list_id == allow_list.c.id, isouter=True)
        .order_by(allow_list.c.name)
    )
    with store.reading() as connection:
        return [
            AllowList(
                row.name,
                row.list_type,
                row.version,
                row.description,
                tuple(json.loads(row.matching_attributes)),
                row.entries,
                row.received_at,
            )
            for row in connection.execute(query)
        ]


def get_allow_list(store: Store, name: str) -> AllowListEntries:
    """Return the list *name* with its entries.

    Raises:
        NotFound: There is none.
    """
    with store.reading() as connection:
        row = connection.execute(select(allow_list).where(allow_list.c.name == name)).first()
        if row is None:
            raise NotFound(f"there is no allow-list {name!r}")
        entries = connection.scalars(
            select(allow_list_entry.c.entry)
            .where(allow_list_entry.c.allow_list_id == row.id)
            .order_by(allow_list_entry.c.position)
        )
        return AllowListEntries(
            name=row.name,
            list_type=row.list_type,
            version=row.version,
            description=row.description,
            matching_attributes=tuple(json.loads(row.matching_attributes)),
            entries=tuple(entries),
        )


def remove_allow_list(store: Store, name: str) -> None:
    """Forget the list *name*.

    Raises:
        NotFound: There is none.
    """
    with store.writing() as connection:
        if not connection.execute(delete(allow_list).where(allow_list.c.name == name)).rowcount:
            raise NotFound(f"there is no allow-list {name!r}")

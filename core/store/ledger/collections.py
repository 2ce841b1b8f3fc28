"""What a version lists, in the order in which it came onto the list, a page at a time."""

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, func, literal, or_, select, tuple_, union_all

from core.schemas.instant import Instant
from core.store.ledger.pieces import type_of_piece
from core.store.schema import ledger, ledger_piece, observable, version
from core.store.store import Store


class Place(NamedTuple):
    """Where an entry stands: by the version that first lists it as it is, its observable, and what part of that."""

    version: int = 0
    observable: int = 0
    part: str = ""


START = Place()
"""Before the first."""


class Entry(NamedTuple):
    """An entry.

    ``added_at`` is when the version that first lists it as it is was published; ``modified_at`` when what is known
    of it changed.
    """

    place: Place
    type: str
    value: str
    created_at: Instant
    modified_at: Instant
    added_at: Instant


def page(
    store: Store,
    export_id: int,
    number: int,
    *,
    after: Place = START,
    added_after: Instant | None = None,
    types: Collection[str],
    limit: int,
) -> list[Entry]:
    """Return entries that version *number* lists, oldest first.

    Args:
        store: Where.
        export_id: Row id of the export.
        number: Of the version.
        after: Only what stands behind this.
        added_after: Only what was added later than then.
        types: Only these.
        limit: How many at most.
    """
    with store.reading() as connection:
        found: list[Entry] = []
        if after.version:
            # The rest of a version that many came with is read by its key; only what follows has to be sorted.
            found = _read(connection, _entries(export_id, number, types, added_after, after, same=True), limit)
        if len(found) < limit:
            rest = limit - len(found)
            found += _read(connection, _entries(export_id, number, types, added_after, after, same=False), rest)
    return found


def _read(connection: Any, query: Select[Any], limit: int) -> list[Entry]:
    rows = connection.execute(query.limit(limit))
    return [
        Entry(
            Place(row.first_version, row.observable_id, row.part),
            type_of_piece(row.part) if row.part else row.type,
            row.part or row.value,
            row.created_at,
            row.modified_at,
            row.added_at,
        )
        for row in rows
    ]


def _entries(
    export_id: int,
    number: int,
    types: Collection[str],
    added_after: Instant | None,
    after: Place,
    *,
    same: bool,
) -> Select[Any]:
    """Return the query for what stands behind a place: of the same version, or of later ones."""
    selects = []
    for table in (ledger, ledger_piece):
        is_main = table is ledger
        part: Any = literal("") if is_main else table.c.value
        added_at = func.coalesce(version.c.created_at, observable.c.created_at)
        query = (
            select(
                table.c.first_version,
                table.c.observable_id,
                part.label("part"),
                observable.c.type,
                observable.c.value,
                observable.c.created_at,
                (table.c.modified_at if is_main else added_at).label("modified_at"),
                added_at.label("added_at"),
            )
            .join(observable, observable.c.id == table.c.observable_id)
            .join(
                version,
                and_(version.c.export_id == table.c.export_id, version.c.number == table.c.first_version),
                isouter=True,
            )
            .where(
                table.c.export_id == export_id,
                table.c.first_version <= number,
                or_(table.c.last_version.is_(None), table.c.last_version >= number),
                observable.c.type.in_(sorted(types)),
            )
        )
        if is_main:
            query = query.where(table.c.is_listed)
        if same:
            query = query.where(
                table.c.first_version == after.version,
                tuple_(table.c.observable_id, part) > tuple_(literal(after.observable), literal(after.part)),
                table.c.observable_id >= after.observable,
            )
        else:
            query = query.where(table.c.first_version > after.version)
        if added_after is not None:
            query = query.where(added_at > added_after)
        selects.append(query)
    both = union_all(*selects).subquery()
    return select(both).order_by(both.c.first_version, both.c.observable_id, both.c.part)

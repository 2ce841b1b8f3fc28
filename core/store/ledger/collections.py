"""What a version lists, in the order in which it came onto the list, a page at a time."""

from collections.abc import Collection
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, and_, func, literal, or_, select

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
    many = _Many(export_id, number, types, added_after, after, limit)
    with store.reading() as connection:
        # The rest of a version that many came with is read in the order of the key; what follows has to be sorted.
        found = many.read(connection, same=True) if after.version else []
        return found if len(found) == limit else (found + many.read(connection, same=False))[:limit]


class _Many:
    """Functions that share their arguments."""

    def __init__(
        self,
        export_id: int,
        number: int,
        types: Collection[str],
        added_after: Instant | None,
        after: Place,
        limit: int,
    ) -> None:
        self._export_id, self._number, self._types = export_id, number, sorted(types)
        self._added_after, self._after, self._limit = added_after, after, limit

    def read(self, connection: Connection, *, same: bool) -> list[Entry]:
        """Return entries behind a place: of the same version, or of later ones."""
        several = (
            map(_entry, connection.execute(self._query(table, same=same))) for table in (ledger, ledger_piece)
        )
        return list(islice(merge(*several, key=_order), self._limit))

    def _query(self, table: Table, *, same: bool) -> Select[Any]:
        is_main = table is ledger
        part: ColumnElement[str] = literal("") if is_main else table.c.value
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
                table.c.export_id == self._export_id,
                table.c.first_version <= self._number,
                or_(table.c.last_version.is_(None), table.c.last_version >= self._number),
                observable.c.type.in_(self._types),
                *([table.c.is_listed] if is_main else []),
                *([] if self._added_after is None else [added_at > self._added_after]),
            )
            .limit(self._limit)
        )
        key, after = table.c.observable_id, self._after
        if not same:
            return query.where(table.c.first_version > after.version).order_by(table.c.first_version, key, part)
        query = query.where(table.c.first_version == after.version)
        if is_main:
            return query.where(key > after.observable).order_by(key)
        behind = or_(key > after.observable, and_(key == after.observable, part > after.part))
        return query.where(behind).order_by(key, part)


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        Place(row.first_version, row.observable_id, row.part),
        type_of_piece(row.part) if row.part else row.type,
        row.part or row.value,
        row.created_at,
        row.modified_at,
        row.added_at,
    )


def _order(entry: Entry) -> tuple[int, int, bool]:
    return entry.place.version, entry.place.observable, entry.place.part != ""

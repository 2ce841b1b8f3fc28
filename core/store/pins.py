"""Exports that are pinned to a version: their runs are computed, not published."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from core.errors import NotFound
from core.schemas.instant import Instant
from core.store.audit import note
from core.store.definitions import export_id
from core.store.leases import Lease, lease_held
from core.store.schema import export, export_pin
from core.store.store import Store


@dataclass(frozen=True, slots=True)
class Pin:
    """What an export is pinned to, since when, by whom and why.

    ``exact`` says that what had been withdrawn by then stays on it.
    """

    number: int
    pinned_at: Instant
    by: str
    reason: str
    exact: bool = False


def pin(store: Store, lease: Lease, given: Pin) -> None:
    """Pin the export that *lease* is for, instead of what it was pinned to.

    Raises:
        ExportBusy: The claim is another's by now.
    """
    with store.writing() as connection:
        put(connection, lease_held(connection, lease), given)
        note(
            connection,
            "export pinned",
            lease.export,
            {"version": given.number, "reason": given.reason},
            by=given.by,
        )


def put(connection: Connection, export_id: int, given: Pin) -> None:
    """Do what `pin` does, in a write transaction of the caller's."""
    connection.execute(delete(export_pin).where(export_pin.c.export_id == export_id))
    connection.execute(
        insert(export_pin).values(
            export_id=export_id,
            number=given.number,
            pinned_at=given.pinned_at,
            by=given.by,
            reason=given.reason,
            exact=given.exact,
        )
    )


def unpin(store: Store, name: str) -> Pin:
    """Unpin the export *name*, and return what it was pinned to.

    Raises:
        NotFound: There is no such export, or it is not pinned.
    """
    with store.writing() as connection:
        found = export_id(connection, name)
        row = connection.execute(select(export_pin).where(export_pin.c.export_id == found)).first()
        if row is None:
            raise NotFound(f"{name!r} is not pinned to a version")
        connection.execute(delete(export_pin).where(export_pin.c.export_id == found))
        note(connection, "export unpinned", name, {"version": row.number})
    return Pin(row.number, row.pinned_at, row.by, row.reason, bool(row.exact))


def pinned(store: Store, name: str) -> Pin | None:
    """Return what the export *name* is pinned to, ``None`` if it is not."""
    with store.reading() as connection:
        row = connection.execute(
            select(export_pin).join(export, export.c.id == export_pin.c.export_id).where(export.c.name == name)
        ).first()
    return None if row is None else Pin(row.number, row.pinned_at, row.by, row.reason, bool(row.exact))

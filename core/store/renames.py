"""Give an export another name; everything else of it stays, what is published among it."""

from sqlalchemy import Connection, select, update

from core.errors import AlreadyExists, ExportBusy
from core.schemas.export import ExportDefinition
from core.schemas.instant import Instant
from core.schemas.notice import FAILED, HELD, OVERDUE, STALE_CONSUMER
from core.store.audit import note
from core.store.definitions import put_in_place
from core.store.jobs import RUNNING
from core.store.leases import Lease, lease_held
from core.store.schema import condition, consumer, export, export_lease, job
from core.store.store import Store


def rename_export(store: Store, lease: Lease, definition: ExportDefinition, *, seen: ExportDefinition) -> None:
    """Replace the export that *lease* is for by *definition*, which has another name; the lease ends with that.

    Its id, history, versions and their key, consumers, pin and file name stay.

    Args:
        store: Where.
        lease: The right to run it, so that nobody else does meanwhile.
        definition: What it is to be.
        seen: What it was when that was decided.

    Raises:
        ExportBusy: A worker is about to run it; the claim is another's by now.
        AlreadyExists: The name is taken; another export of that destination writes that file.
        ChangedMeanwhile: It is not what was *seen* any more.
    """
    with store.writing() as connection:
        found = lease_held(connection, lease)
        _refuse_running(connection, found, lease.export, definition.modified_at)
        if connection.execute(select(export.c.id).where(export.c.name == definition.name)).first() is not None:
            raise AlreadyExists(f"there is an export {definition.name!r} already")
        put_in_place(connection, lease.export, definition, seen=seen)
        connection.execute(
            update(export_lease).where(export_lease.c.export_id == found).values(owner=None)
        )  # by its old name nobody can give it back
        _rename_conditions(connection, lease.export, definition.name)
        note(connection, "export renamed", lease.export, {"to": definition.name})


def _refuse_running(connection: Connection, found: int, name: str, now: Instant) -> None:
    going_on = select(job.c.id).where(job.c.export_id == found, job.c.state == RUNNING, job.c.lease_until > now)
    if connection.execute(going_on).first() is not None:
        raise ExportBusy(f"{name} is being run; give it another name when that is done")


def _rename_conditions(connection: Connection, old: str, new: str) -> None:
    """Let what is wrong with it be wrong still, so that nobody is told of an end and a new beginning."""
    consumers = connection.scalars(select(consumer.c.name)).all()
    subjects = {(kind, old): new for kind in (HELD, FAILED, OVERDUE)}
    subjects |= {(STALE_CONSUMER, f"{name}: {old}"): f"{name}: {new}" for name in consumers}
    for row in connection.execute(select(condition.c.kind, condition.c.subject)).all():
        if (subject := subjects.get((row.kind, row.subject))) is not None:
            mine = (condition.c.kind == row.kind) & (condition.c.subject == row.subject)
            connection.execute(update(condition).where(mine).values(subject=subject))

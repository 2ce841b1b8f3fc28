"""Say quickly whether the store can be used, and what waits in it."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from sqlalchemy import Connection, func, select

from core.errors import StoreError, StoreSchemaError
from core.schemas.instant import Instant
from core.store import migrate
from core.store.databases.interface import Connection as DriverConnection
from core.store.jobs import RUNNING, WAITING
from core.store.schema import export, export_schedule, job
from core.store.store import Store


@dataclass(frozen=True, slots=True)
class Queue:
    """Jobs by their state; ``due`` runs should have begun, the first of them at ``due_since``, made a job or not yet."""

    waiting: int
    running: int
    due: int
    due_since: Instant | None


def check_there(url: str) -> None:
    """Do nothing unless the database that *url* names is a file that is gone: opening it would make another one.

    Raises:
        StoreError: It is gone.
    """
    scheme, _, path = url.partition("://")
    if scheme == "sqlite" and not Path(unquote(path)).exists():
        raise StoreError(f"{unquote(path)}: the database is gone")


def check_schema(store: Store) -> str:
    """Return the revision of a newer program whose tables this one may use; an empty text if they are its own.

    Raises:
        StoreSchemaError: Another version of the program wrote it, and this one may not use it.
        StoreError: It cannot be read.
    """
    with store.reading() as connection:
        return check_schema_under(store.database.under(connection))


def check_schema_under(connection: DriverConnection) -> str:
    """Do as `check_schema`, in a transaction of the caller's."""
    found = migrate.read(connection)
    if not found.is_usable:
        raise StoreSchemaError(
            f"the schema of the database is {found.revision}, this program's is {migrate.REVISIONS[-1]}: another version "
            "upgraded it, which has to be installed here, too"
        )
    return found.revision if found.is_newer else ""


def queue(store: Store, now: Instant) -> Queue:
    """Return what waits and what runs."""
    with store.reading() as connection:
        states = select(job.c.state, func.count()).where(job.c.state.in_((WAITING, RUNNING))).group_by(job.c.state)
        numbers = {str(row[0]): int(row[1]) for row in connection.execute(states)}
        late = [
            *connection.scalars(select(job.c.due_at).where(job.c.state == WAITING, job.c.due_at <= now)),
            *_late_schedules(connection, now),
        ]
    return Queue(numbers.get(WAITING, 0), numbers.get(RUNNING, 0), len(late), min(late, default=None))


def next_by_schedule(connection: Connection) -> dict[int, Instant]:
    """Return when each export is due that has a schedule, by its row id: one that no worker has seen yet, at once."""
    rows = connection.execute(
        select(export.c.id, func.coalesce(export_schedule.c.due_at, export.c.modified_at))
        .join(export_schedule, export_schedule.c.export_id == export.c.id, isouter=True)
        .where(export.c.enabled, export.c.schedule != "")
    )
    return {int(row[0]): int(row[1]) for row in rows}


def _late_schedules(connection: Connection, now: Instant) -> list[Instant]:
    """Return since when schedules have been due for which there is no job: workers make them."""
    waiting = set(connection.scalars(select(job.c.export_id).where(job.c.state.in_((WAITING, RUNNING)))))
    found = next_by_schedule(connection)
    return [due_at for key, due_at in found.items() if due_at <= now and key not in waiting]

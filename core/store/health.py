"""Say quickly whether the store can be used, and what waits in it."""

from dataclasses import dataclass

from sqlalchemy import func, select, text

from core.errors import StoreSchemaError
from core.schemas.instant import Instant
from core.store import migrate
from core.store.jobs import RUNNING, WAITING
from core.store.schema import job
from core.store.store import Store


@dataclass(frozen=True, slots=True)
class Queue:
    """Jobs by their state; ``due`` are those that wait and should have begun, the first of them at ``due_since``."""

    waiting: int
    running: int
    due: int
    due_since: Instant | None


def check_schema(store: Store) -> None:
    """Do nothing if the database can be read and is of this program's schema.

    Raises:
        StoreSchemaError: Another version of the program wrote it.
        StoreError: It cannot be read.
    """
    with store.reading() as connection:
        found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    if found != migrate.REVISIONS[-1]:
        raise StoreSchemaError(f"the schema of the database is {found}, this program's is {migrate.REVISIONS[-1]}")


def queue(store: Store, now: Instant) -> Queue:
    """Return what waits and what runs."""
    with store.reading() as connection:
        states = select(job.c.state, func.count()).where(job.c.state.in_((WAITING, RUNNING))).group_by(job.c.state)
        numbers = {str(row[0]): int(row[1]) for row in connection.execute(states)}
        due, since = connection.execute(
            select(func.count(), func.min(job.c.due_at)).where(job.c.state == WAITING, job.c.due_at <= now)
        ).one()
    return Queue(numbers.get(WAITING, 0), numbers.get(RUNNING, 0), due, since)

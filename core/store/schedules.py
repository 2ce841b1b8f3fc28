"""When exports are due next, as the store knows it; what a schedule means is `core.exports.definitions.schedule`."""

from collections.abc import Callable

from sqlalchemy import Connection, delete, insert, select

from core.schemas.instant import Instant
from core.store.databases.interface import Lock
from core.store.jobs import add
from core.store.schema import export, export_schedule
from core.store.store import Store

Next = Callable[[str, Instant | None], tuple[Instant, Instant]]
"""Of a schedule, and when it was due last, without jitter: when it is due next, without and with jitter."""

IsTooFar = Callable[[str, Instant], bool]
"""Of a schedule, and when it is due next, without jitter: whether it never can be, since the clock was set back."""

SCHEDULE = "schedule"
"""Who asks for a job that a schedule makes, and its cause."""


def _never(_: str, __: Instant) -> bool:
    return False


def plan(store: Store, next_of: Next, now: Instant, is_too_far: IsTooFar = _never) -> int:
    """Make a job for each enabled export that is due, once however often that was missed; return how many are new.

    A schedule that is new or was changed is reckoned from now on; one that is gone, or of an export that is switched
    off, is forgotten.

    Args:
        store: Where.
        next_of: What a schedule means; an error of it is the caller's.
        now: The present instant.
        is_too_far: What is so is reckoned anew.
    """
    made = 0
    with store.writing(Lock.BOOKKEEPING) as connection:
        wanted = _wanted(connection)
        known = {row.export_id: row for row in connection.execute(select(export_schedule))}
        for key in known.keys() - wanted.keys():
            connection.execute(delete(export_schedule).where(export_schedule.c.export_id == key))
        for key, text in wanted.items():
            row = known.get(key)
            is_known = row is not None and row.schedule == text
            grid, due = (row.grid_at, row.due_at) if row is not None and is_known else next_of(text, None)
            if is_known and is_too_far(text, grid):
                is_known, (grid, due) = False, next_of(text, grid)
            is_due = due <= now
            if is_due:
                made += add(connection, key, cause=SCHEDULE, by=SCHEDULE, due_at=now, now=now)[1]
                grid, due = next_of(text, grid)
            if is_due or not is_known:
                connection.execute(delete(export_schedule).where(export_schedule.c.export_id == key))
                connection.execute(
                    insert(export_schedule).values(export_id=key, schedule=text, grid_at=grid, due_at=due)
                )
    return made


def due_at(store: Store, name: str) -> Instant | None:
    """Return when the export *name* is due next, ``None`` if no schedule says so (yet)."""
    with store.reading() as connection:
        return connection.scalar(
            select(export_schedule.c.due_at)
            .join(export, export.c.id == export_schedule.c.export_id)
            .where(export.c.name == name)
        )


def is_anything_due(store: Store, now: Instant, is_too_far: IsTooFar = _never) -> bool:
    """Say whether `plan` has something to do: asked often, and without a write."""
    with store.reading() as connection:
        known = {
            row.export_id: None if row.due_at <= now or is_too_far(row.schedule, row.grid_at) else row.schedule
            for row in connection.execute(select(export_schedule))
        }
        return known != _wanted(connection)


def _wanted(connection: Connection) -> dict[int, str]:
    rows = connection.execute(
        select(export.c.id, export.c.schedule).where(export.c.enabled, export.c.schedule != "")
    )
    return {row.id: row.schedule for row in rows}

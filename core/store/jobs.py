"""The queue of runs: what is wanted, who asked for it, how it went.

How workers take jobs from it is `core.store.job_claims`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    func,
    insert,
    or_,
    select,
    update,
)

from core.errors import NotFound
from core.schemas.instant import Instant
from core.store import wake_ups
from core.store.audit import note
from core.store.databases.interface import Lock
from core.store.definitions import export_id
from core.store.old_rows import forget_before
from core.store.schema import export, job, job_death
from core.store.store import Store

WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"

REQUEST = "request"
"""The cause of a job that somebody asked for."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job; instants are ``None`` where that has not happened (yet)."""

    id: int
    export: str
    state: str
    cause: str
    by: str
    created_at: Instant
    due_at: Instant
    attempt: int
    owner: str | None
    started_at: Instant | None
    finished_at: Instant | None
    run_id: int | None
    entries: int | None
    is_cancelled: bool
    message: str
    deaths: int
    """How often its worker died; ``attempt`` counts these, too."""


def request(store: Store, name: str, *, by: str, now: Instant, due_at: Instant | None = None) -> tuple[Job, bool]:
    """Ask for a run of the export *name*; one that waits already is brought forward.

    Returns:
        The job, and whether it is new.

    Raises:
        NotFound: There is no such export.
    """
    with store.writing(Lock.BOOKKEEPING) as connection:
        key, is_new = add(
            connection, export_id(connection, name), cause=REQUEST, by=by, due_at=due_at or now, now=now
        )
        note(connection, "run requested", name, {"job": key}, by=by)
        return read(connection, key), is_new


def add(
    connection: Connection, export_key: int, *, cause: str, by: str, due_at: Instant, now: Instant
) -> tuple[int, bool]:
    """Do as `request` does, in a write transaction of the caller's; return the id, and whether the job is new.

    A retry that waits for the end of its pause is brought forward by people only, whose cause is `REQUEST`.
    """
    waiting = connection.execute(
        select(job.c.id, job.c.due_at, job.c.attempt).where(job.c.export_id == export_key, job.c.state == WAITING)
    ).first()
    if waiting is not None:
        if waiting.due_at > due_at and (waiting.attempt == 1 or cause == REQUEST):
            connection.execute(update(job).where(job.c.id == waiting.id).values(due_at=due_at))
            wake_ups.put(connection, waiting.id, export_key, None if due_at <= now else due_at)
        return int(waiting.id), False
    made = connection.execute(
        insert(job).values(
            export_id=export_key,
            state=WAITING,
            cause=cause,
            by=by,
            created_at=now,
            due_at=due_at,
            attempt=1,
            is_cancelled=False,
            message="",
        )
    )
    key = made.inserted_primary_key
    number = int(key[0]) if key else 0
    wake_ups.put(connection, number, export_key, None if due_at <= now else due_at)
    return number, True


def refuse(store: Store, name: str, message: str, *, by: str, now: Instant) -> Job:
    """Put down that a run of the export *name* was asked for and does not take place, and why.

    Raises:
        NotFound: There is no such export.
    """
    with store.writing(Lock.BOOKKEEPING) as connection:
        made = connection.execute(
            insert(job).values(
                export_id=export_id(connection, name),
                state=FAILED,
                cause=REQUEST,
                by=by,
                created_at=now,
                due_at=now,
                finished_at=now,
                attempt=1,
                is_cancelled=False,
                message=message,
            )
        )
        key = made.inserted_primary_key
        note(connection, "run refused", name, {"message": message}, by=by)
        return read(connection, int(key[0]) if key else 0)


def cancel(store: Store, name: str, now: Instant, *, by: str) -> list[Job]:
    """Let what waits of the export *name* not run, and ask what runs to stop; return those jobs.

    Raises:
        NotFound: There is no such export, or nothing of it waits or runs.
    """
    message = f"cancelled by {by}"
    with store.writing(Lock.BOOKKEEPING) as connection:
        mine = and_(job.c.export_id == export_id(connection, name), is_open())
        ids = list(connection.scalars(select(job.c.id).where(mine).order_by(job.c.id)))
        if not ids:
            raise NotFound(f"nothing of {name!r} waits or runs")
        connection.execute(
            update(job).where(mine, job.c.state == RUNNING).values(is_cancelled=True, message=message)
        )
        connection.execute(
            update(job)
            .where(mine, job.c.state == WAITING)
            .values(state=CANCELLED, finished_at=now, message=message, is_cancelled=True)
        )
        for key in ids:
            wake_ups.drop(connection, key)
        note(connection, "run cancelled", name, {"jobs": ids}, by=by)
        return [read(connection, key) for key in ids]


def get(store: Store, key: int) -> Job:
    """Return the job with that id.

    Raises:
        NotFound: There is none (any more).
    """
    with store.reading() as connection:
        row = connection.execute(_jobs().where(job.c.id == key)).first()
    if row is None:
        raise NotFound(
            f"there is no job {key}; those that ended long ago are forgotten, and those of exports that were removed"
        )
    return _of(row)


def find(
    store: Store, name: str | None = None, *, states: Sequence[str] = (), limit: int = 100, offset: int = 0
) -> list[Job]:
    """Return jobs, of one export or of all, newest first; *offset* is how many of the newest to leave out.

    Raises:
        NotFound: There is no such export.
    """
    with store.reading() as connection:
        query = _jobs().where(*_wanted(connection, name, states)).order_by(job.c.id.desc())
        return [_of(row) for row in connection.execute(query.limit(limit).offset(offset))]


def count(store: Store, name: str | None = None, *, states: Sequence[str] = ()) -> int:
    """Return how many jobs `find` would return without a limit.

    Raises:
        NotFound: There is no such export.
    """
    with store.reading() as connection:
        query = select(func.count()).select_from(job).where(*_wanted(connection, name, states))
        return connection.scalar(query) or 0


def forget(store: Store, before: Instant, most: int) -> int:
    """Delete up to *most* jobs that ended before an instant, and return how many."""
    return forget_before(store, job, job.c.finished_at, before, most)


def read(connection: Connection, key: int) -> Job:
    """Return the job with that id, which is there, in a transaction of the caller's."""
    return _of(connection.execute(_jobs().where(job.c.id == key)).one())


def is_open() -> ColumnElement[bool]:
    """Return the condition that a job waits or runs."""
    return or_(job.c.state == WAITING, job.c.state == RUNNING)


def _wanted(connection: Connection, name: str | None, states: Sequence[str]) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if name is not None:
        found.append(job.c.export_id == export_id(connection, name))
    if states:
        found.append(job.c.state.in_(states))
    return found


def _jobs() -> Select[Any]:
    deaths = func.coalesce(job_death.c.number, 0).label("deaths")
    found = select(job, export.c.name.label("export"), deaths).join(export, export.c.id == job.c.export_id)
    return found.outerjoin(job_death, job_death.c.job_id == job.c.id)


def _of(row: Row[Any]) -> Job:
    return Job(
        row.id,
        row.export,
        row.state,
        row.cause,
        row.by,
        row.created_at,
        row.due_at,
        row.attempt,
        row.owner,
        row.started_at,
        row.finished_at,
        row.run_id,
        row.entries,
        bool(row.is_cancelled),
        row.message,
        row.deaths,
    )

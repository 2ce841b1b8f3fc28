"""The queue of runs: what is wanted, who does it, how it went.

A job is claimed for a limited time and renewed by its worker; when that is gone, the next look finds the job and lets
another worker begin anew.  That a run is not done twice is the claim on the export, see `core.store.runs`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from core.errors import ExportBusy, NotFound
from core.schemas.instant import SECOND, Instant
from core.store import wake_ups
from core.store.audit import note
from core.store.databases.interface import Lock
from core.store.definitions import export_id
from core.store.schema import export, export_lease, job, job_death
from core.store.store import Store

WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"
LEASE_S = 30
"""So long a worker may say nothing before its job is another's; a killed one is found sooner, by its process."""

MOST_TAKEN_OVER = 5
"""A job whose workers died so often is given up: it may be what kills them."""


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
            connection, export_id(connection, name), cause="request", by=by, due_at=due_at or now, now=now
        )
        note(connection, "run requested", name, {"job": key}, by=by)
        return _job(connection, key), is_new


def add(
    connection: Connection, export_key: int, *, cause: str, by: str, due_at: Instant, now: Instant
) -> tuple[int, bool]:
    """Do as `request` does, in a write transaction of the caller's; return the id, and whether the job is new."""
    waiting = connection.execute(
        select(job.c.id, job.c.due_at).where(job.c.export_id == export_key, job.c.state == WAITING)
    ).first()
    if waiting is not None:
        if waiting.due_at > due_at:
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
                cause="request",
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
        return _job(connection, int(key[0]) if key else 0)


def claim(
    store: Store,
    owner: str,
    now: Instant,
    *,
    is_dead: Callable[[str], bool] = lambda _: False,
    only: int | None = None,
) -> Job | None:
    """Take the job that has been due longest, of an export that nobody runs; ``None`` if there is none.

    Args:
        store: Where.
        owner: Name of the worker.
        now: The present instant.
        is_dead: Whether the process of that name surely is gone: its job is not waited for.
        only: Id of the job to take, and no other.
    """
    with store.writing(Lock.BOOKKEEPING) as connection:
        _sweep(connection, now, is_dead)
        other = job.alias()
        taken = exists().where(other.c.export_id == job.c.export_id, other.c.state == RUNNING)
        busy = [
            row.export_id
            for row in connection.execute(select(export_lease).where(export_lease.c.lease_until > now))
            if row.owner is not None and not is_dead(row.owner)
        ]
        found = connection.scalar(
            select(job.c.id)
            .where(job.c.state == WAITING, job.c.due_at <= now, ~taken, job.c.export_id.not_in(busy))
            .where(*([] if only is None else [job.c.id == only]))
            .order_by(job.c.due_at, job.c.id)
            .limit(1)
        )
        if found is None:
            return None
        connection.execute(
            update(job)
            .where(job.c.id == found)
            .values(state=RUNNING, owner=owner, lease_until=now + LEASE_S * SECOND, started_at=now, entries=None)
        )
        wake_ups.drop(connection, found)
        return _job(connection, found)


def has_work(store: Store, now: Instant, *, is_dead: Callable[[str], bool] = lambda _: False) -> bool:
    """Say whether `claim` might find something: asked often, and without a write."""
    with store.reading() as connection:
        rows = connection.execute(select(job.c.state, job.c.owner, job.c.lease_until, job.c.due_at).where(_open()))
        return any(row.due_at <= now if row.state == WAITING else _is_gone(row, now, is_dead) for row in rows)


def needs_mending(store: Store, now: Instant, *, is_dead: Callable[[str], bool] = lambda _: False) -> bool:
    """Say whether `mend` has something to do: asked often, and without a write."""
    with store.reading() as connection:
        rows = connection.execute(
            select(job.c.id, job.c.state, job.c.owner, job.c.lease_until).where(_open())
        ).all()
        if any(row.state == RUNNING and _is_gone(row, now, is_dead) for row in rows):
            return True
        return bool(wake_ups.missing(connection, {row.id for row in rows if row.state == WAITING}))


def mend(store: Store, now: Instant, *, is_dead: Callable[[str], bool] = lambda _: False) -> None:
    """Let jobs wait again whose workers are gone, and have workers woken for all that wait."""
    with store.writing(Lock.BOOKKEEPING) as connection:
        _sweep(connection, now, is_dead)
        waiting = {row.id: row for row in connection.execute(select(job).where(job.c.state == WAITING))}
        for key in wake_ups.missing(connection, set(waiting)):
            row = waiting[key]
            wake_ups.put(connection, key, row.export_id, None if row.due_at <= now else row.due_at)


def wake_again(store: Store, key: int, at: Instant) -> None:
    """Have a worker woken again for a job that could not be claimed and waits still, at an instant or when it is due."""
    with store.writing(Lock.BOOKKEEPING) as connection:
        row = connection.execute(select(job).where(job.c.id == key, job.c.state == WAITING)).first()
        if row is not None:
            wake_ups.put(connection, key, row.export_id, max(at, row.due_at))


def renew(store: Store, item: Job, now: Instant, entries: int | None) -> bool:
    """Hold a job a while longer, put down its progress, and say whether it is to stop.

    Raises:
        ExportBusy: It is another's by now.
    """
    with store.writing(Lock.BOOKKEEPING) as connection:
        row = _held(connection, item)
        values: dict[str, Any] = {"lease_until": now + LEASE_S * SECOND, "entries": entries}
        connection.execute(update(job).where(job.c.id == item.id).values(**values))
        return bool(row.is_cancelled)


def finish(
    store: Store, item: Job, state: str, now: Instant, *, message: str | None = "", run_id: int | None = None
) -> None:
    """Record how a job ended: *done*, *failed* or *cancelled*; without a message the one it has stays.

    Raises:
        ExportBusy: It is another's by now.
    """
    with store.writing(Lock.BOOKKEEPING) as connection:
        row = _held(connection, item)
        values: dict[str, Any] = {"state": state, "finished_at": now, "run_id": run_id}
        values |= {"message": row.message if message is None else message, "owner": None, "lease_until": None}
        connection.execute(update(job).where(job.c.id == item.id).values(**values))


def put_back(
    store: Store,
    item: Job,
    due_at: Instant,
    *,
    message: str,
    counts: bool,
    run_id: int | None = None,
) -> None:
    """Let a job wait until *due_at*, to be tried again; *counts* says whether this was an attempt.

    One that somebody asked for meanwhile is the same job.

    Raises:
        ExportBusy: It is another's by now.
    """
    with store.writing(Lock.BOOKKEEPING) as connection:
        row = _held(connection, item)
        waiting = connection.execute(
            delete(job)
            .where(job.c.export_id == row.export_id, job.c.state == WAITING)
            .returning(job.c.id, job.c.due_at)
        ).first()
        if waiting is not None:
            due_at = min(due_at, waiting.due_at)
            wake_ups.drop(connection, waiting.id)
        connection.execute(
            update(job)
            .where(job.c.id == item.id)
            .values(
                state=WAITING,
                due_at=due_at,
                attempt=row.attempt + counts,
                message=message,
                run_id=run_id,
                owner=None,
                lease_until=None,
            )
        )
        wake_ups.put(connection, item.id, row.export_id, due_at)


def cancel(store: Store, name: str, now: Instant, *, by: str) -> list[Job]:
    """Let what waits of the export *name* not run, and ask what runs to stop; return those jobs.

    Raises:
        NotFound: There is no such export, or nothing of it waits or runs.
    """
    message = f"cancelled by {by}"
    with store.writing(Lock.BOOKKEEPING) as connection:
        mine = and_(job.c.export_id == export_id(connection, name), _open())
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
        return [_job(connection, key) for key in ids]


def get(store: Store, key: int) -> Job:
    """Return the job with that id.

    Raises:
        NotFound: There is none (any more).
    """
    with store.reading() as connection:
        row = connection.execute(_jobs().where(job.c.id == key)).first()
    if row is None:
        raise NotFound(f"there is no job {key}; jobs that ended long ago are forgotten")
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
    old = select(job.c.id).where(job.c.finished_at < before).order_by(job.c.id).limit(most)
    with store.writing(Lock.BOOKKEEPING) as connection:
        return connection.execute(delete(job).where(job.c.id.in_(old))).rowcount


def _sweep(connection: Connection, now: Instant, is_dead: Callable[[str], bool]) -> None:
    """Let jobs wait again whose workers are gone."""
    for row in connection.execute(select(job).where(job.c.state == RUNNING)).all():
        if not _is_gone(row, now, is_dead):
            continue
        values: dict[str, Any] = {"owner": None, "lease_until": None}
        deaths = _count_death(connection, row.id)
        if row.is_cancelled:
            values |= {"state": CANCELLED, "finished_at": now}
        elif deaths >= MOST_TAKEN_OVER:
            values |= {"state": FAILED, "finished_at": now}
            values["message"] = f"given up: {deaths} workers died while they ran it"
        else:
            values |= {
                "state": WAITING,
                "attempt": row.attempt + 1,
                "message": f"{row.owner} died while it ran it",
            }
            same = delete(job).where(job.c.export_id == row.export_id, job.c.state == WAITING)
            for key in connection.scalars(same.returning(job.c.id)).all():
                wake_ups.drop(connection, key)
            wake_ups.put(connection, row.id, row.export_id, None)
        connection.execute(update(job).where(job.c.id == row.id).values(**values))


def _count_death(connection: Connection, key: int) -> int:
    """Count that a worker of a job died, and return how many did."""
    mine = job_death.c.job_id == key
    before: int | None = connection.scalar(select(job_death.c.number).where(mine))
    if before is None:
        connection.execute(insert(job_death).values(job_id=key, number=1))
        return 1
    connection.execute(update(job_death).where(mine).values(number=before + 1))
    return before + 1


def _is_gone(row: Any, now: Instant, is_dead: Callable[[str], bool]) -> bool:
    return (row.lease_until or 0) <= now or (row.owner is not None and is_dead(row.owner))


def _held(connection: Connection, item: Job) -> Row[Any]:
    row = connection.execute(select(job).where(job.c.id == item.id)).first()
    if row is None or row.state != RUNNING or row.owner != item.owner or row.attempt != item.attempt:
        raise ExportBusy(f"the job {item.id} of {item.export} is another worker's by now")
    return row


def _wanted(connection: Connection, name: str | None, states: Sequence[str]) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if name is not None:
        found.append(job.c.export_id == export_id(connection, name))
    if states:
        found.append(job.c.state.in_(states))
    return found


def _open() -> Any:
    return or_(job.c.state == WAITING, job.c.state == RUNNING)


def _job(connection: Connection, key: int) -> Job:
    return _of(connection.execute(_jobs().where(job.c.id == key)).one())


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

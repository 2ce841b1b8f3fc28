"""How workers take jobs from the queue, hold them, and give them back.

A job is claimed for a limited time and renewed by its worker; when that is gone, the next look finds the job and lets
another worker begin anew.  That a run is not done twice is the claim on the export, see `core.store.leases`.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, insert, select, update

from core.errors import ExportBusy
from core.schemas.instant import SECOND, Instant
from core.store import wake_ups
from core.store.databases.interface import Lock
from core.store.jobs import CANCELLED, FAILED, REQUEST, RUNNING, WAITING, Job, is_open, read
from core.store.leases import IsDead, lasts, never_dead
from core.store.schema import export_lease, job, job_death
from core.store.store import Store

LEASE_S = 30
"""So long a worker may say nothing before its job is another's; a killed one is found sooner, by its process."""

MOST_TAKEN_OVER = 5
"""A job whose workers died so often is given up: it may be what kills them."""

IsOver = Callable[[int, str, Instant], bool]
"""Of a claim that ran out, by job, worker and its end: whether its worker had time enough to renew it."""


def _at_once(_: int, __: str, ___: Instant) -> bool:
    return True


def claim(
    store: Store,
    owner: str,
    now: Instant,
    *,
    is_dead: IsDead = never_dead,
    is_over: IsOver = _at_once,
    only: int | None = None,
) -> Job | None:
    """Take the job that has been due longest, of an export that nobody runs; ``None`` if there is none.

    Args:
        store: Where.
        owner: Name of the worker.
        now: The present instant.
        is_dead: Of the workers there are.
        is_over: Of claims that ran out.
        only: Id of the job to take, and no other.
    """
    with store.writing(Lock.BOOKKEEPING) as connection:
        _sweep(connection, now, is_dead, is_over)
        other = job.alias()
        taken = exists().where(other.c.export_id == job.c.export_id, other.c.state == RUNNING)
        busy = [
            row.export_id
            for row in connection.execute(select(export_lease).where(export_lease.c.owner.is_not(None)))
            if lasts(row.lease_until, now) and not is_dead(row.owner)
        ]
        found = connection.scalar(
            select(job.c.id)
            .where(job.c.state == WAITING, _is_due(job.c.due_at, job.c.created_at, now))
            .where(~taken, job.c.export_id.not_in(busy))
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
        return read(connection, found)


def has_work(store: Store, now: Instant, *, is_dead: IsDead = never_dead, is_over: IsOver = _at_once) -> bool:
    """Say whether `claim` might find something: asked often, and without a write."""
    with store.reading() as connection:
        rows = connection.execute(
            select(job.c.id, job.c.state, job.c.owner, job.c.lease_until, job.c.due_at, job.c.created_at).where(
                is_open()
            )
        )
        return any(
            _is_due(row.due_at, row.created_at, now)
            if row.state == WAITING
            else _is_gone(row, now, is_dead, is_over)
            for row in rows
        )


def needs_mending(store: Store, now: Instant, *, is_dead: IsDead = never_dead, is_over: IsOver = _at_once) -> bool:
    """Say whether `mend` has something to do: asked often, and without a write."""
    with store.reading() as connection:
        rows = connection.execute(
            select(job.c.id, job.c.state, job.c.owner, job.c.lease_until).where(is_open())
        ).all()
        if any(row.state == RUNNING and _is_gone(row, now, is_dead, is_over) for row in rows):
            return True
        return bool(wake_ups.missing(connection, {row.id for row in rows if row.state == WAITING}))


def mend(store: Store, now: Instant, *, is_dead: IsDead = never_dead, is_over: IsOver = _at_once) -> None:
    """Let jobs wait again whose workers are gone, and have workers woken for all that wait."""
    with store.writing(Lock.BOOKKEEPING) as connection:
        _sweep(connection, now, is_dead, is_over)
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

    One that somebody asked for meanwhile is the same job, and brings it forward; a turn of a schedule does not.

    Raises:
        ExportBusy: It is another's by now.
    """
    with store.writing(Lock.BOOKKEEPING) as connection:
        row = _held(connection, item)
        waiting = connection.execute(
            delete(job)
            .where(job.c.export_id == row.export_id, job.c.state == WAITING)
            .returning(job.c.id, job.c.due_at, job.c.cause)
        ).first()
        if waiting is not None:
            if waiting.cause == REQUEST:
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


def _sweep(connection: Connection, now: Instant, is_dead: IsDead, is_over: IsOver) -> None:
    """Let jobs wait again whose workers are gone."""
    for row in connection.execute(select(job).where(job.c.state == RUNNING)).all():
        if not _is_gone(row, now, is_dead, is_over):
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


def _is_gone(row: Any, now: Instant, is_dead: IsDead, is_over: IsOver) -> bool:
    if row.owner is None or row.lease_until is None or is_dead(row.owner):
        return True
    return not lasts(row.lease_until, now) and is_over(row.id, row.owner, row.lease_until)


def _is_due(due_at: Any, created_at: Any, now: Instant) -> Any:
    """Say whether a job is due, in SQL or not: one that was asked for at once is, though the clock went back since."""
    return (due_at <= now) | (due_at <= created_at)


def _held(connection: Connection, item: Job) -> Row[Any]:
    row = connection.execute(select(job).where(job.c.id == item.id)).first()
    if row is None or row.state != RUNNING or row.owner != item.owner or row.attempt != item.attempt:
        raise ExportBusy(f"the job {item.id} of {item.export} is another worker's by now")
    return row

"""How every export stands, in one look: what the API shows of all of them."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, Select, and_, exists, or_, select

from core.schemas.instant import Instant
from core.store import jobs
from core.store.schema import export, export_lease, job, run, version_file
from core.store.store import Store

Status = Literal["idle", "running", "completed", "failed", "held"]


@dataclass(frozen=True, slots=True)
class TaskState:
    """How one export stands.

    Attributes:
        id: Row id of the export.
        status: How the last run, or the last job, went; ``idle`` before the first.
        message: Why it failed or is held; empty otherwise.
        completed_at: When a run last completed; ``None`` if none ever did.
        sha256: Of the first file of the current version; ``None`` before the first version.
    """

    id: int
    status: Status
    message: str
    completed_at: Instant | None
    sha256: str | None


def task_states(store: Store, now: Instant, name: str | None = None) -> dict[str, TaskState]:
    """Return how every export stands, or the one *name*, by name.

    Args:
        store: Where.
        now: Claims that ran out by then count no more.
        name: Of one export; nothing is returned if there is none of that name.
    """
    query = _query(now)
    if name is not None:
        query = query.where(export.c.name == name)
    with store.reading() as connection:
        return {row.name: _state(row) for row in connection.execute(query)}


def _query(now: Instant) -> Select[Any]:
    runs = run.alias()
    last_run = (
        select(runs.c.id)
        .where(runs.c.export_id == export.c.id)
        .order_by(runs.c.started_at.desc(), runs.c.id.desc())
        .limit(1)
    )
    completed = run.alias()
    completed_at = (
        select(completed.c.finished_at)
        .where(completed.c.export_id == export.c.id, completed.c.status == "completed")
        .order_by(completed.c.started_at.desc(), completed.c.id.desc())
        .limit(1)
    )
    jobs_of = job.alias()
    ended = jobs_of.c.state.in_((jobs.DONE, jobs.FAILED))
    last_job = (
        select(jobs_of.c.id)
        .where(jobs_of.c.export_id == export.c.id, ended)
        .order_by(jobs_of.c.id.desc())
        .limit(1)
    )
    going_on = job.alias()
    is_running = or_(
        exists().where(going_on.c.export_id == export.c.id, going_on.c.state == jobs.RUNNING),
        exists().where(
            export_lease.c.export_id == export.c.id,
            export_lease.c.owner.is_not(None),
            export_lease.c.lease_until > now,
        ),
    )
    file = and_(
        version_file.c.export_id == export.c.id,
        version_file.c.number == export.c.current_version,
        version_file.c.position == 0,
    )
    return (
        select(
            export.c.id,
            export.c.name,
            is_running.label("is_running"),
            run.c.status,
            run.c.message,
            run.c.finished_at,
            job.c.state,
            job.c.message.label("job_message"),
            job.c.finished_at.label("job_finished_at"),
            completed_at.scalar_subquery().label("completed_at"),
            version_file.c.sha256,
        )
        .select_from(export)
        .join(run, run.c.id == last_run.correlate(export).scalar_subquery(), isouter=True)
        .join(job, job.c.id == last_job.correlate(export).scalar_subquery(), isouter=True)
        .join(version_file, file, isouter=True)
    )


def _state(row: Row[Any]) -> TaskState:
    status, message = _status(row)
    return TaskState(row.id, status, message, row.completed_at, row.sha256)


def _status(row: Row[Any]) -> tuple[Status, str]:
    if row.is_running:
        return "running", ""
    job_failed_last = row.state == jobs.FAILED and (row.job_finished_at or 0) >= (row.finished_at or 0)
    if job_failed_last:
        return "failed", row.job_message
    if row.status is None:
        return "idle", ""
    if row.status == "completed":
        return "completed", ""
    if row.status == "held":
        return "held", row.message
    return "failed", row.message or "the process that ran it went away"

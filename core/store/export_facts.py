"""What the store knows of exports that may be worth telling; nothing is judged here."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, ScalarSelect, Select, and_, case, func, or_, select

from core.schemas.instant import Instant
from core.schemas.version import from_manifest
from core.store.archives import HELD, KEPT
from core.store.jobs import FAILED, RUNNING, WAITING
from core.store.schema import archive, export, export_schedule, job, run, version

_SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True)
class LastRun:
    """The last run of an export that came to its end.

    Attributes:
        since: When the runs began to end as this one did.
        cause: Of the version that it made: ``run``, ``release``, ``rollback`` …; empty if it made none.
        by, reason: Who released it, and why.
    """

    status: str
    message: str
    finished_at: Instant
    since: Instant
    version: int | None = None
    entries: int | None = None
    cause: str = ""
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WaitingCandidate:
    """What is held for whoever releases it; of each reason its rule and its text."""

    made_at: Instant
    entries: int
    reasons: tuple[tuple[str, str], ...]
    can_be_released: bool


@dataclass(frozen=True, slots=True)
class ExportFacts:
    """One export that is switched on.

    Attributes:
        last: Its last run that ended; ``None`` if none did.
        waiting: The candidate that is held.
        lost_at, lost_message: When and why a job of it was given up whose run did not come to an end, later than
            `last`.
        is_trying: A run goes on, or waits to be tried again.
        due_at: When it was or is due, of what is not done yet; ``None`` where no schedule says so.
    """

    name: str
    last: LastRun | None = None
    waiting: WaitingCandidate | None = None
    lost_at: Instant | None = None
    lost_message: str = ""
    is_trying: bool = False
    due_at: Instant | None = None


def read_exports(connection: Connection, known: Collection[tuple[str, str]]) -> list[ExportFacts]:
    """Return the facts of each export that is switched on, by name; see `core.store.notice_facts.read`."""
    # One that never began was refused or cancelled: it says nothing of how the export does.
    last_job = select(func.max(job.c.id)).where(
        job.c.export_id == export.c.id, job.c.finished_at.is_not(None), job.c.started_at.is_not(None)
    )
    ended = job.alias()
    query: Select[Any] = (
        select(
            export.c.id,
            export.c.name,
            export.c.schedule,
            export_schedule.c.due_at,
            run.c.id.label("run_id"),
            run.c.status,
            run.c.message,
            run.c.finished_at,
            run.c.version,
            run.c.entries,
            ended.c.state.label("job_state"),
            ended.c.message.label("job_message"),
            ended.c.finished_at.label("job_finished_at"),
        )
        .join(export_schedule, export_schedule.c.export_id == export.c.id, isouter=True)
        .join(run, run.c.id == _last_run_id(), isouter=True)
        .join(ended, ended.c.id == last_job.scalar_subquery(), isouter=True)
        .where(export.c.enabled)
        .order_by(export.c.name)
    )
    waiting, going = _waiting(connection), _open_jobs(connection)
    return [
        _export(connection, row, waiting.get(row.id), going.get(row.id), known)
        for row in connection.execute(query).all()
    ]


def _export(
    connection: Connection,
    row: Row[Any],
    waiting: WaitingCandidate | None,
    going: Row[Any] | None,
    known: Collection[tuple[str, str]],
) -> ExportFacts:
    last = None if row.run_id is None else _last(connection, row, known)
    is_lost = row.job_state == FAILED and (last is None or row.job_finished_at > last.finished_at)
    # A failed job whose run ended before it, as it should, says nothing more than that run.
    is_lost = is_lost and not (last is not None and last.status == "failed")
    due = [row.due_at] if row.schedule and row.due_at is not None else []
    if row.schedule and going is not None:
        due.append(going.due_at)
    return ExportFacts(
        row.name,
        last,
        waiting,
        row.job_finished_at if is_lost else None,
        row.job_message if is_lost else "",
        going is not None and bool(going.is_trying),
        min(due, default=None),
    )


def _last_run_id() -> ScalarSelect[int]:
    ended = run.alias()
    return (
        select(ended.c.id)
        .where(ended.c.export_id == export.c.id, ended.c.finished_at.is_not(None))
        .order_by(ended.c.started_at.desc(), ended.c.id.desc())
        .limit(1)
        .correlate(export)
        .scalar_subquery()
    )


def _last(connection: Connection, row: Row[Any], known: Collection[tuple[str, str]]) -> LastRun:
    since = row.finished_at
    if row.status != "completed" and (row.status, row.name) not in known:
        since = _streak_since(connection, row)
    cause, by, reason = "", "", ""
    if row.status == "completed" and ("held", row.name) in known:
        cause, by, reason = _what_ended_it(connection, row)
    return LastRun(row.status, row.message, row.finished_at, since, row.version, row.entries, cause, by, reason)


def _streak_since(connection: Connection, row: Row[Any]) -> Instant:
    """Return when the first of the runs in a row finished that ended as the last one did."""
    mine = and_(run.c.export_id == row.id, run.c.finished_at.is_not(None))
    other = select(func.max(run.c.id)).where(mine, run.c.status != row.status).scalar_subquery()
    first = connection.scalar(
        select(func.min(run.c.finished_at)).where(
            mine, run.c.status == row.status, run.c.id > func.coalesce(other, 0)
        )
    )
    return int(first or row.finished_at)


def _what_ended_it(connection: Connection, row: Row[Any]) -> tuple[str, str, str]:
    found = connection.execute(
        select(archive.c.record)
        .join(version, and_(version.c.export_id == archive.c.export_id, version.c.number == archive.c.number))
        .where(archive.c.export_id == row.id, version.c.run_id == row.run_id, archive.c.state == KEPT)
    ).first()
    try:
        record = from_manifest(found.record) if found is not None else None
    except msgspec.MsgspecError:
        record = None
    if record is None:
        return "", "", ""
    return record.cause, record.note.get("by", ""), record.note.get("reason", "")


def _waiting(connection: Connection) -> dict[int, WaitingCandidate]:
    found = {}
    rows = connection.execute(
        select(archive.c.export_id, archive.c.made_at, archive.c.record)
        .where(archive.c.state == HELD)
        .order_by(archive.c.id)
    )
    for row in rows:
        try:
            record = from_manifest(row.record)
        except msgspec.MsgspecError:
            continue
        reasons = [item for item in record.verdict.get("reasons", ()) if isinstance(item, dict)]
        found[row.export_id] = WaitingCandidate(
            row.made_at,
            record.entries,
            tuple((str(item.get("rule", "")), str(item.get("text", ""))) for item in reasons),
            bool(reasons) and all(item.get("can_be_released", False) for item in reasons),
        )
    return found


def _open_jobs(connection: Connection) -> dict[int, Row[Any]]:
    # Trying again moves when a job is due; when it was due first is when it was made.
    due = case((job.c.cause == _SCHEDULE, job.c.created_at), else_=job.c.due_at)
    tries = case((or_(job.c.state == RUNNING, job.c.attempt > 1), 1), else_=0)
    query: Select[Any] = (
        select(job.c.export_id, func.min(due).label("due_at"), func.max(tries).label("is_trying"))
        .where(or_(job.c.state == WAITING, job.c.state == RUNNING))
        .group_by(job.c.export_id)
    )
    return {row.export_id: row for row in connection.execute(query)}

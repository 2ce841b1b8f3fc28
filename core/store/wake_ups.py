"""Let a queue on the server of the database know which jobs wait, so that it wakes a worker when they are due.

The table ``job`` says what is wanted.  A wake-up is a job of Procrastinate that names a row of it; it is made and
dropped in the transaction that lets the row wait, so that there is none without the other.  A file has no such
queue: workers of one host look into the table.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from core.schemas.instant import SECOND, Instant

if TYPE_CHECKING:
    from procrastinate import App
    from sqlalchemy import Connection

QUEUE = "exports"
TASK = "run_export_job"
"""What the queue and its only task are called; the argument ``job`` is the id of a row."""


def put(connection: "Connection", job: int, export: int, due_at: Instant | None) -> None:
    """Have a worker woken for a job, and not when that was asked before.

    Args:
        connection: Of the transaction that lets the job wait; it holds the lock of bookkeeping.
        job: Its id.
        export: Row id of its export.
        due_at: When; ``None`` is at once.
    """
    with _queue(connection) as app:
        if app is None:
            return
        _drop(app, job)
        moment = None if due_at is None else datetime.fromtimestamp(due_at / SECOND, UTC)
        app.configure_task(
            TASK, queue=QUEUE, lock=f"export:{export}", queueing_lock=_name(job), schedule_at=moment
        ).defer(job=job)


def drop(connection: "Connection", job: int) -> None:
    """Have nobody woken for a job that waits no longer."""
    with _queue(connection) as app:
        if app is not None:
            _drop(app, job)


def missing(connection: "Connection", jobs: set[int]) -> set[int]:
    """Return which of *jobs* nobody would be woken for; none where there is no such queue."""
    if not jobs:
        return set()
    with _queue(connection) as app:
        if app is None:
            return set()
        found = app.job_manager.list_jobs(queue=QUEUE, task=TASK)
        return jobs - {item.task_kwargs.get("job") for item in found if item.status in ("todo", "doing")}


def _name(job: int) -> str:
    return f"job:{job}"


def _drop(app: "App", job: int) -> None:
    for item in app.job_manager.list_jobs(queueing_lock=_name(job), status="todo"):
        if item.id is not None:
            app.job_manager.cancel_job_by_id(item.id, delete_job=True)


class _OneConnection:
    """What the queue takes for a pool: the connection of a transaction, which stays its owner's to commit."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @contextmanager
    def connection(self) -> Iterator[Any]:
        yield self._raw


@contextmanager
def _queue(connection: "Connection") -> "Iterator[App | None]":
    if connection.dialect.name != "postgresql":
        yield None
        return
    from procrastinate import App, SyncPsycopgConnector
    from procrastinate.exceptions import ConnectorException

    app = App(connector=SyncPsycopgConnector())
    pool: Any = _OneConnection(connection.connection.driver_connection)
    try:
        yield app.open(pool)
    except ConnectorException as error:
        raise error.__cause__ or error from None  # the driver's, which the store explains

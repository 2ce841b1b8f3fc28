"""How each run of an export went."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from core.errors import NotFound
from core.schemas.export import Run
from core.schemas.instant import Instant
from core.store import run_totals
from core.store.audit import note
from core.store.databases.interface import Lock
from core.store.definitions import export_id
from core.store.leases import Lease, lease_held
from core.store.run_lines import RunLine
from core.store.run_lines import put as put_lines
from core.store.schema import export, run
from core.store.store import Store


def begin_run(store: Store, lease: Lease, now: Instant, *, by: str | None = None) -> int:
    """Record that a run began, and return its id; *by* is who runs it by hand.

    Raises:
        ExportBusy: The claim is another's by now.
    """
    with store.writing(Lock.BOOKKEEPING) as connection:
        found = lease_held(connection, lease)
        made = connection.execute(
            insert(run).values(
                export_id=found,
                lease_number=lease.number,
                started_at=now,
                status="running",
                message="",
                outcome="",
            )
        )
        key = made.inserted_primary_key
        run_id = int(key[0]) if key else 0
        if by is not None:
            note(connection, "export run", lease.export, {"run": run_id}, by=by)
    return run_id


def finish_run(
    store: Store,
    run_id: int,
    now: Instant,
    *,
    status: str,
    message: str = "",
    outcome: str = "",
    version: int | None = None,
    entries: int | None = None,
    lines: Sequence[RunLine] = (),
) -> None:
    """Record how the run *run_id* ended, and what it logged; a run that was ended already stays as it is."""
    with store.writing(Lock.BOOKKEEPING) as connection:
        done = connection.execute(
            update(run)
            .where(run.c.id == run_id, run.c.status == "running")
            .values(
                finished_at=now, status=status, message=message, outcome=outcome, version=version, entries=entries
            )
            .returning(run.c.export_id, run.c.started_at)
        ).first()
        if done is not None:
            run_totals.add(connection, done.export_id, status, done.started_at, now)
            put_lines(connection, run_id, lines)


def runs(store: Store, name: str, *, limit: int = 20, offset: int = 0) -> list[Run]:
    """Return the latest runs of the export *name*, newest first; *offset* is how many of them to leave out.

    Raises:
        NotFound: There is no such export.
    """
    with store.reading() as connection:
        found = export_id(connection, name)
        rows = connection.execute(
            select(run)
            .where(run.c.export_id == found)
            .order_by(run.c.started_at.desc(), run.c.id.desc())
            .limit(limit)
            .offset(offset)
        )
        return [_run(name, row) for row in rows]


def count_runs(store: Store, name: str) -> int:
    """Return how many runs are known of the export *name*.

    Raises:
        NotFound: There is no such export.
    """
    with store.reading() as connection:
        found = export_id(connection, name)
        return connection.scalar(select(func.count()).select_from(run).where(run.c.export_id == found)) or 0


def get_run(store: Store, name: str, run_id: int) -> Run:
    """Return one run of the export *name*.

    Raises:
        NotFound: There is no such export, or no such run of it.
    """
    with store.reading() as connection:
        row = connection.execute(
            select(run).where(run.c.export_id == export_id(connection, name), run.c.id == run_id)
        ).first()
    if row is None:
        raise NotFound(f"run {run_id} of {name!r} is not known")
    return _run(name, row)


def last_run_id(store: Store, name: str) -> int | None:
    """Return the row id of the latest run of the export *name*, ``None`` if it never ran."""
    with store.reading() as connection:
        query = select(func.max(run.c.id)).join(export, export.c.id == run.c.export_id)
        found = connection.scalar(query.where(export.c.name == name))
        return None if found is None else int(found)


def last_run(store: Store, name: str) -> Run | None:
    """Return the latest run of the export *name*, ``None`` if it never ran."""
    return next(iter(runs(store, name, limit=1)), None)


def _run(name: str, row: Row[Any]) -> Run:
    return Run(
        row.id,
        name,
        row.started_at,
        row.status,
        row.finished_at,
        row.message,
        row.outcome,
        row.version,
        row.entries,
    )

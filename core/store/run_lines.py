"""What was logged while an export ran, kept with the run."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from core.schemas.instant import Instant
from core.store.databases.interface import Lock
from core.store.schema import run, run_line
from core.store.store import Store


class RunLine(NamedTuple):
    """One line: when, how bad (``info``, ``warning``, ``error``), and what, as people read it."""

    logged_at: Instant
    level: str
    text: str


def put(connection: Connection, run_id: int, lines: Sequence[RunLine]) -> None:
    """Keep *lines* with a run, in order, in a write transaction of the caller's; once for each run."""
    rows = [
        {"run_id": run_id, "position": position, **line._asdict()} for position, line in enumerate(lines, start=1)
    ]
    if rows:
        connection.execute(insert(run_line), rows)


def forget(store: Store, before: Instant, most: int) -> int:
    """Delete what up to *most* runs logged that ended before an instant, and return how many lines that were."""
    logged = select(run_line.c.run_id).where(run_line.c.run_id == run.c.id).exists()
    old = select(run.c.id).where(run.c.finished_at < before, logged).order_by(run.c.id).limit(most)
    with store.writing(Lock.BOOKKEEPING) as connection:
        return connection.execute(delete(run_line).where(run_line.c.run_id.in_(old))).rowcount


def of_run(store: Store, run_id: int) -> list[RunLine]:
    """Return the lines of a run, in order."""
    with store.reading() as connection:
        rows = connection.execute(
            select(run_line).where(run_line.c.run_id == run_id).order_by(run_line.c.position)
        )
        return [RunLine(row.logged_at, row.level, row.text) for row in rows]

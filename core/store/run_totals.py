"""How many runs ended, by export and how: counted when they end, so that what is forgotten later counts still."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from core.schemas.instant import Instant
from core.store.schema import run_total


@dataclass(frozen=True, slots=True)
class Total:
    """Runs that ended in one way: how many, and how many µs they took together."""

    number: int = 0
    took_us: int = 0


def add(connection: Connection, export_key: int, status: str, began_at: Instant, ended_at: Instant) -> None:
    """Count a run that ended, in a write transaction of the caller's."""
    mine = (run_total.c.export_id == export_key) & (run_total.c.status == status)
    took_us = max(0, ended_at - began_at)  # the clock may have been set back
    more = {"number": run_total.c.number + 1, "took_us": run_total.c.took_us + took_us}
    if not connection.execute(update(run_total).where(mine).values(**more)).rowcount:
        connection.execute(
            insert(run_total).values(export_id=export_key, status=status, number=1, took_us=took_us)
        )


def totals(connection: Connection) -> dict[int, dict[str, Total]]:
    """Return what was counted, by row id of the export and status."""
    found: dict[int, dict[str, Total]] = {}
    for row in connection.execute(select(run_total)):
        found.setdefault(row.export_id, {})[row.status] = Total(row.number, row.took_us)
    return found

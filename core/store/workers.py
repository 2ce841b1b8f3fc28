"""Who runs exports when they are due: a row for each process that does, renewed as long as it lives."""

from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from core.schemas.instant import SECOND, Instant
from core.store.databases.interface import Lock
from core.store.schema import worker
from core.store.store import Store

SEEN_WITHIN_S = 60
"""Whoever said nothing for longer counts as gone."""

_FORGOTTEN_AFTER_S = 86_400
_AHEAD_S = 3_600
"""Whoever was seen later than so many seconds from now was seen by a clock that was wrong."""


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One process: its name, as of `core.exports.lease.owner`, when it began, and when it was last seen."""

    name: str
    began_at: Instant
    seen_at: Instant


def seen(store: Store, name: str, began_at: Instant, now: Instant) -> None:
    """Put down that a process lives; what was killed a day ago is forgotten."""
    with store.writing(Lock.BOOKKEEPING) as connection:
        changed = connection.execute(update(worker).where(worker.c.name == name).values(seen_at=now))
        if changed.rowcount == 0:
            connection.execute(insert(worker).values(name=name, began_at=began_at, seen_at=now))
        connection.execute(delete(worker).where(worker.c.seen_at < now - _FORGOTTEN_AFTER_S * SECOND))


def gone(store: Store, name: str) -> None:
    """Forget a process that ends."""
    with store.writing(Lock.BOOKKEEPING) as connection:
        connection.execute(delete(worker).where(worker.c.name == name))


def lately(store: Store, now: Instant, *, within_s: int = SEEN_WITHIN_S) -> list[WorkerRow]:
    """Return the processes that were seen within so many seconds, by name."""
    with store.reading() as connection:
        rows = connection.execute(
            select(worker)
            .where(worker.c.seen_at > now - within_s * SECOND, worker.c.seen_at <= now + _AHEAD_S * SECOND)
            .order_by(worker.c.name)
        )
        return [WorkerRow(row.name, row.began_at, row.seen_at) for row in rows]

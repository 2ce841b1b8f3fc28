"""Which processes of the services live: a row for each, renewed as long as it does.

Those of ``tasks`` run exports when they are due; those of ``api`` are there so that nobody replaces the store below
them.  A row of ``api`` begins with that word: no name of a host has a space.
"""

from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from core.schemas.instant import SECOND, Instant
from core.store.databases.interface import Lock
from core.store.schema import worker
from core.store.store import Store

SEEN_WITHIN_S = 60
"""Whoever said nothing for longer counts as gone."""

TASKS, API = "tasks", "api"

_FORGOTTEN_AFTER_S = 86_400
_OF_API = f"{API} "
_AHEAD_S = 3_600
"""Whoever was seen later than so many seconds from now was seen by a clock that was wrong."""


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One process: its name, as of `core.exports.lease.owner`, when it began, and when it was last seen."""

    name: str
    began_at: Instant
    seen_at: Instant
    service: str = TASKS


def seen(store: Store, name: str, began_at: Instant, now: Instant, *, service: str = TASKS) -> None:
    """Put down that a process of a service lives; what was killed a day ago is forgotten."""
    row = _row_name(name, service)
    with store.writing(Lock.BOOKKEEPING) as connection:
        changed = connection.execute(update(worker).where(worker.c.name == row).values(seen_at=now))
        if changed.rowcount == 0:
            connection.execute(insert(worker).values(name=row, began_at=began_at, seen_at=now))
        connection.execute(delete(worker).where(worker.c.seen_at < now - _FORGOTTEN_AFTER_S * SECOND))


def gone(store: Store, name: str, *, service: str = TASKS) -> None:
    """Forget a process that ends."""
    with store.writing(Lock.BOOKKEEPING) as connection:
        connection.execute(delete(worker).where(worker.c.name == _row_name(name, service)))


def lately(store: Store, now: Instant, *, within_s: int = SEEN_WITHIN_S, service: str = TASKS) -> list[WorkerRow]:
    """Return the processes of a service that were seen within so many seconds, by name."""
    with store.reading() as connection:
        rows = connection.execute(
            select(worker)
            .where(worker.c.seen_at > now - within_s * SECOND, worker.c.seen_at <= now + _AHEAD_S * SECOND)
            .order_by(worker.c.name)
        )
        found = [(*service_of(row.name), row) for row in rows]
    return [WorkerRow(name, row.began_at, row.seen_at, of) for of, name, row in found if of == service]


def service_of(row_name: str) -> tuple[str, str]:
    """Return of which service a row is, and the name of the process."""
    if row_name.startswith(_OF_API):
        return API, row_name.removeprefix(_OF_API)
    return TASKS, row_name


def _row_name(name: str, service: str) -> str:
    return name if service == TASKS else f"{service} {name}"

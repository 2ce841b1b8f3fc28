"""How workers learn that a job waits: by looking into the table, or woken by the queue of a database on a server.

What is wanted, who has it and how it went is the table ``job`` on either; see ``core.store.jobs``.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.tasks.pulse import Pulses

if TYPE_CHECKING:
    from core.store import Store
    from core.tasks.worker import Worker


@dataclass(frozen=True, slots=True)
class Crew:
    """Workers, and what they need to go on.

    Attributes:
        open_store: Opens the store; each thread has its own.
        workers: As many exports run at once.
        stops: Set when nothing more is to be begun.
        look_every_s: How often is looked for what is due.
        pulses: Hears from each loop whenever it goes round.
    """

    open_store: "Callable[[], AbstractContextManager[Store]]"
    workers: "Sequence[Worker]"
    stops: threading.Event
    look_every_s: float
    pulses: Pulses = field(default_factory=Pulses)


def loops(crew: Crew) -> list[Callable[[], None]]:
    """Return what is to go on, each in a thread of its own, until the crew stops and what it runs has ended.

    Raises:
        StoreError: The store cannot be opened.
    """
    from core.store.databases import sqlite

    with crew.open_store() as store:
        database = store.database
    if isinstance(database, sqlite.SqliteDatabase):
        from core.tasks.queues import tables

        return tables.loops(crew)
    from core.store.databases.postgresql import PostgresqlDatabase
    from core.tasks.queues import procrastinate

    assert isinstance(database, PostgresqlDatabase)  # noqa: S101 - for the type checker
    return procrastinate.loops(crew, database)

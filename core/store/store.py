"""One database, opened."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from core.errors import StoreError
from core.schemas.claim import Refusal
from core.schemas.instant import Instant
from core.store import dialect
from core.store.migrate import migrate

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from core.store.imports import ImportSession
    from core.store.snapshot import Snapshot

DEFAULT_LIFETIME_S = 90 * 86_400


def open_store(url: str, *, lifetime_s: int = DEFAULT_LIFETIME_S) -> "Store":
    """Open the database that *url* names; make it and its folder, or bring it up to date, where need be.

    Args:
        url: ``sqlite:///PATH``.
        lifetime_s: How long an assertion without an end of its own lives after it was last received, where its
            tag says nothing else; -1 is for ever.

    Raises:
        StoreSchemaError: A newer program wrote it.
        StoreError: It is not ours, damaged, on a network file system, or may not be written.
    """
    path = dialect.path_of(url)
    dialect.refuse_network_file_system(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{path.parent}: the folder of the database cannot be made: {error.strerror}") from error
    migrate(path)
    return Store(path, lifetime_s)


class Store:
    """A database and the default lifetime; a context manager that closes it.

    Use it from one thread at a time.  Other processes may use the same database at once.
    """

    def __init__(self, path: Path, lifetime_s: int) -> None:
        """Keep where it is; connections are made when they are needed."""
        self.path = path
        self.lifetime_s = lifetime_s

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; sessions and snapshots close their own."""
        if "_engine" in self.__dict__:
            self._engine.dispose()
            del self._engine

    @contextmanager
    def reading(self) -> "Iterator[Connection]":
        """Give a connection that sees one state of the database until the block ends."""
        with dialect.errors(self.path), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> "Iterator[Connection]":
        """Give a connection that holds the write lock; commit on a clean end of the block, else roll back."""
        with dialect.errors(self.path), self._engine.connect() as connection:
            connection = connection.execution_options(writes=True)
            with connection.begin():
                yield connection

    def connect(self) -> sqlite3.Connection:
        """Return a new connection of the driver itself, for the paths where rows are many."""
        return dialect.connect(self.path)

    def import_session(
        self, now: Instant, on_refusal: Callable[[Refusal], None] | None = None, of: str = ""
    ) -> "ImportSession":
        """Return a session that takes claims in, a context manager.

        Args:
            now: When they were received.
            on_refusal: Hears of what cannot be kept.
            of: What they are taken from, for the record of changes.
        """
        from core.store.imports import ImportSession, Told

        return ImportSession(self, now, on_refusal, Told(subject=of))

    @contextmanager
    def snapshot(self) -> "Iterator[Snapshot]":
        """Give one state of the database to read an export from; it holds no lock that a writer waits for."""
        from core.store.snapshot import Snapshot

        snapshot = Snapshot(self)
        try:
            yield snapshot
        finally:
            snapshot.close()

    @cached_property
    def _engine(self) -> "Engine":
        from sqlalchemy import QueuePool, create_engine, event

        engine = create_engine("sqlite://", creator=self.connect, poolclass=QueuePool, pool_size=1, max_overflow=4)

        @event.listens_for(engine, "begin")
        def begin(connection: "Connection") -> None:
            # Upgrading a read transaction fails at once whatever the time-out, so that writers begin as writers.
            writes = connection.get_execution_options().get("writes", False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

        return engine

"""One database, opened."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from core.errors import StoreError
from core.schemas.claim import Refusal
from core.schemas.instant import Instant
from core.store.databases import database_at
from core.store.databases.interface import Lock

if TYPE_CHECKING:
    import sqlalchemy

    from core.store.databases.interface import Connection, Database
    from core.store.imports import ImportSession
    from core.store.snapshot import Snapshot

DEFAULT_LIFETIME_S = 90 * 86_400


def open_store(url: str, *, lifetime_s: int = DEFAULT_LIFETIME_S) -> "Store":
    """Open the database that *url* names.

    A file is made, with its folder, or brought up to date, where need be; what lies on a server is refused if it
    is not at the schema of this program: `core.store.migrate.upgrade` does that.

    Args:
        url: ``sqlite:///PATH`` or ``postgresql://USER@HOST/DATABASE``.
        lifetime_s: How long an assertion without an end of its own lives after it was last received, where its
            tag says nothing else; -1 is for ever.

    Raises:
        StoreSchemaError: A newer program wrote it; or, on a server, an older one.
        StoreError: It is not ours, damaged, on a network file system, cannot be reached, or may not be written.
    """
    database = database_at(url)
    database.make_ready()
    return Store(database, lifetime_s)


class Store:
    """A database and the default lifetime; a context manager that closes it.

    Use it from one thread at a time.  Other processes may use the same database at once.
    """

    def __init__(self, database: "Database", lifetime_s: int) -> None:
        """Keep where it is; connections are made when they are needed."""
        self.database = database
        self.lifetime_s = lifetime_s
        self._spare: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def another(self) -> "Store":
        """Return a store of the same database with connections of its own, for another thread."""
        return type(self)(self.database, self.lifetime_s)

    def close(self) -> None:
        """Close the connections; sessions close their own, and snapshots are to end before."""
        if self._spare is not None:
            self._spare.close()
            self._spare = None
        if "_engine" in self.__dict__:
            self._engine.dispose()
            del self._engine

    @contextmanager
    def reading(self) -> "Iterator[sqlalchemy.Connection]":
        """Give a connection that sees one state of the database until the block ends."""
        with self.database.errors(), self._engine.connect() as connection:
            connection.begin()  # so that what is asked by the driver's connection under it is of that state, too
            yield connection

    @contextmanager
    def writing(self, lock: Lock = Lock.DATA) -> "Iterator[sqlalchemy.Connection]":
        """Give a connection that holds a write lock; commit on a clean end of the block, else roll back."""
        with self.database.errors(), self._engine.connect() as connection:
            connection = connection.execution_options(lock=lock)
            with connection.begin():
                yield connection

    def connect(self) -> "Connection":
        """Return a new connection of the driver itself, for the paths where rows are many."""
        return self.database.connect()

    def connect_to_read(self) -> "Connection":
        """Return a connection of the driver itself that has begun to read one state; `take_back` ends that."""
        spare, self._spare = self._spare, None
        if spare is not None:
            with suppress(StoreError), self.database.errors():  # it may be lost by now
                spare.begin_reading()
                return spare
            spare.close()
        connection = self.connect()
        try:
            with self.database.errors():
                connection.begin_reading()
        except BaseException:
            connection.close()
            raise
        return connection

    def take_back(self, connection: "Connection") -> None:
        """End what `connect_to_read` began; the connection is kept for the next one, where that is cheaper."""
        if self._spare is None:
            self._spare = connection.passed_on()
        else:
            connection.close()

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
    def _engine(self) -> "sqlalchemy.Engine":
        return self.database.engine()

"""PostgreSQL: a database on a server, which several hosts may use at once."""

import re
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError, InvalidatePoolError

from core.errors import AlreadyExists, StoreAway, StoreBusy, StoreDamaged, StoreError
from core.redaction import redact
from core.store.databases.interface import Connection, Lock, Words
from core.store.databases.postgresql_words import PostgresqlWords
from core.store.databases.queue_schema import SEARCH_PATH
from core.store.dialect import DAMAGED

try:
    import psycopg

    from core.store.databases.postgresql_connection import SETTINGS, PostgresqlConnection, adapt
except ImportError as missing:
    raise StoreError(
        "database.url: PostgreSQL needs a package that is not installed; "
        "type, in the project's folder: pip install '.[postgres]'"
    ) from missing

if TYPE_CHECKING:
    import sqlalchemy

LOCK_TIMEOUT_S = 60
"""How long a writer waits for another."""

CONNECT_TIMEOUT_S = 10

RESTED_S = 1.0
"""A connection that was not used for longer is asked whether it is still there before it is used again."""

OLDEST_SERVER = 14
"""The oldest major version that is still mended by those who make it."""

_NUMBERS = {Lock.DATA: 7_384_001, Lock.BOOKKEEPING: 7_384_002, Lock.SCHEMA: 7_384_003}
"""Numbers of advisory locks, which are of one database and no other."""


class PostgresqlDatabase:
    """A database on a server."""

    def __init__(self, url: str) -> None:
        """Keep where it is.

        Raises:
            StoreError: The URL cannot be read.
        """
        said = _parts_of(url)
        self._address = url
        defaults = {
            "connect_timeout": CONNECT_TIMEOUT_S,
            # A server that is gone without a word is not waited for: connections are kept, and used again.
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
            "fallback_application_name": "yeti-exports",
        }
        self._defaults: dict[str, Any] = {key: value for key, value in defaults.items() if key not in said}
        self._shown = {key: str(said[key]) for key in ("user", "host", "port", "dbname") if said.get(key)}

    @property
    def words(self) -> Words:
        return PostgresqlWords()

    @property
    def label(self) -> str:
        user, host, port = (self._shown.get(key, "") for key in ("user", "host", "port"))
        place = f"{user}{'@' if user else ''}{host}{':' if port else ''}{port}"
        return f"postgresql://{place}/{self._shown.get('dbname', '')}"

    def connect(self) -> PostgresqlConnection:
        return PostgresqlConnection(self._connected(autocommit=True))

    @contextmanager
    def errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._explained(error.orig or error) from error
        except psycopg.Error as error:
            raise self._explained(error) from error

    @contextmanager
    def writing(self, connection: Connection, *locks: Lock) -> Iterator[None]:
        with self.errors():
            connection.execute("BEGIN")
            try:
                for lock in locks or (Lock.DATA,):
                    connection.execute(_taken(lock))
                yield
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction and not self._is_lost(connection):
                    connection.execute("ROLLBACK")

    def engine(self) -> "sqlalchemy.Engine":
        from sqlalchemy import QueuePool, create_engine, event

        engine = create_engine(
            "postgresql+psycopg://", creator=self._connected, poolclass=QueuePool, pool_size=1, max_overflow=4
        )

        @event.listens_for(engine, "checkin")
        def rest(_: Any, record: "sqlalchemy.pool.ConnectionPoolEntry") -> None:
            record.info["used_at"] = time.monotonic()

        @event.listens_for(engine, "checkout")
        def make_sure(raw: Any, record: "sqlalchemy.pool.ConnectionPoolEntry", _: Any) -> None:
            # The server may have been started anew.  The pool itself would ask each time, which is a wait for each
            # of the small transactions of a run.
            if not _may_be_lost(raw, record.info.get("used_at")):
                return
            try:
                engine.dialect.do_ping(raw)
            except psycopg.Error as error:
                raise InvalidatePoolError from error

        event.listen(engine, "begin", _begin)
        return engine

    def under(self, connection: "sqlalchemy.Connection") -> PostgresqlConnection:
        raw: Any = connection.connection.driver_connection
        return PostgresqlConnection(raw)

    @property
    def parameters(self) -> tuple[str, dict[str, Any]]:
        """The address with its password, and what else the driver is told, for pools of others."""
        return self._address, dict(self._defaults)

    def damage(self) -> list[str]:
        return []  # that is asked of the server itself: pg_amcheck

    def make_ready(self) -> None:
        from core.store.migrate import check_server

        check_server(self)

    def refuse_unfit(self, connection: PostgresqlConnection) -> None:
        """Do nothing if the server can keep a store.

        Raises:
            StoreError: It is too old, or keeps texts in another encoding than UTF-8.
        """
        info = connection.raw.info
        if info.server_version < OLDEST_SERVER * 10_000:
            raise StoreError(
                f"{self.label}: {connection.product()} is too old; {OLDEST_SERVER} or newer is needed"
            )
        encoding = info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise StoreError(
                f"{self.label}: the database has the encoding {encoding}, which not every value can be kept in; "
                "make one with ENCODING 'UTF8' TEMPLATE template0"
            )

    def _connected(self, *, autocommit: bool = False) -> "psycopg.Connection[Any]":
        with self.errors():
            connection = psycopg.connect(self._address, autocommit=True, **self._defaults)
            try:
                settings = (*SETTINGS, f"lock_timeout={LOCK_TIMEOUT_S}s")
                set_all = [f"SET {name} = '{value}'" for name, _, value in _parts(settings)]
                connection.execute("; ".join([*set_all, SEARCH_PATH]))
                adapt(connection)
                connection.autocommit = autocommit
            except BaseException:
                connection.close()
                raise
            return connection

    def _is_lost(self, connection: Connection) -> bool:
        return isinstance(connection, PostgresqlConnection) and connection.raw.closed

    def _explained(self, error: BaseException) -> Exception:
        code = getattr(error, "sqlstate", None) or ""
        diagnosis = getattr(error, "diag", None)
        if code == "23505":
            return AlreadyExists(f"there is one like that already ({getattr(diagnosis, 'constraint_name', '')})")
        for sign, make, message in _EXPLANATIONS:
            if (code or _code_of(str(error))).startswith(sign):
                return make(f"{self.label}: {message.format(timeout_s=LOCK_TIMEOUT_S)}")
        said = getattr(diagnosis, "message_primary", None) or " ".join(str(error).split())
        if isinstance(error, psycopg.OperationalError) and not code:
            return StoreAway(
                f"{self.label}: the server cannot be reached, or the connection was lost; check database.url, and that "
                f"the server runs: {redact(said)}"
            )
        return StoreError(f"{self.label}: {redact(said)}")


def _parts_of(url: str) -> dict[str, Any]:
    """Return what libpq makes of a URL.

    Raises:
        StoreError: It makes nothing of it, or takes a part of a password for something else.
    """
    try:
        said: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        said = {"port": "?"}
    # What the driver says of such an address may hold a part of the password.
    has_at = any("@" in str(said.get(part) or "") for part in ("host", "dbname"))
    if has_at or not re.fullmatch(r"[0-9,]*", str(said.get("port") or "")):
        raise StoreError(
            "database.url: postgresql://USER:PASSWORD@HOST:PORT/DATABASE is expected; what is no letter or digit "
            "in a user or a password is written as %XX (@ as %40)"
        )
    return said


def _code_of(said: str) -> str:
    """Return the code of an error that came before there was a connection: the driver gives its text alone."""
    return next((code for sign, code in _REFUSALS if re.search(sign, said)), "")


_REFUSALS = (
    (r'FATAL: +database ".*" does not exist', "3D000"),
    (r"FATAL: +(password authentication failed|role|no pg_hba)|no password supplied", "28000"),
    (r"FATAL: +(sorry, )?(too many|remaining) connection", "53300"),
    (r"FATAL: +the database system is", "57P03"),
)


def _begin(connection: "sqlalchemy.Connection") -> None:
    """Let a transaction read one state, or take its lock to write."""
    lock = connection.get_execution_options().get("lock")
    raw: Any = connection.connection.driver_connection
    # The driver says both with its BEGIN: a statement of ours would be one more to wait for.
    raw.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ if lock is None else None
    raw.read_only = True if lock is None else None
    if lock is not None:
        connection.exec_driver_sql(_taken(lock))


def _may_be_lost(raw: "psycopg.Connection[Any]", used_at: float | None) -> bool:
    """Say whether to ask if a connection is there: it rested, or the server has sent what nobody asked for.

    That is mostly the end of the connection, and found here without a wait.
    """
    if used_at is None:  # it was made just now
        return False
    if raw.closed or time.monotonic() - used_at > RESTED_S:
        return True
    poll = select.poll()
    poll.register(raw.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _taken(lock: Lock) -> str:
    take = f"SELECT pg_advisory_xact_lock({_NUMBERS[lock]})"
    if lock is not Lock.SCHEMA:
        return take
    return f"SET LOCAL lock_timeout = 0; {take}; SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'"


def _parts(settings: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    return (setting.partition("=") for setting in settings)


_EXPLANATIONS: tuple[tuple[str, type[StoreError], str], ...] = (
    (
        "55P03",
        StoreBusy,
        "another process has been writing to the database for {timeout_s} s; try again",
    ),
    ("40", StoreBusy, "two processes were in each other's way; try again"),
    ("28", StoreError, "the server refuses this user, or the password; check database.url"),
    ("3D000", StoreError, "there is no such database on the server; make it: createdb DATABASE"),
    ("42501", StoreError, "this user may not do that in the database; it has to own its tables"),
    ("42P01", StoreError, "a table is missing; yetictl db upgrade makes it, if the database is ours"),
    ("53300", StoreBusy, "the server has no connection left; try again, or raise its max_connections"),
    ("53100", StoreError, "no space is left on the disk of the server"),
    ("57P", StoreAway, "the server is stopping, starting, or ended the connection; try again"),
    ("23503", StoreBusy, "what this belongs to was removed meanwhile; try again"),
    ("XX001", StoreDamaged, DAMAGED),
    ("XX002", StoreDamaged, DAMAGED),
    ("22021", StoreDamaged, DAMAGED),
    ("25006", StoreError, "the server lets nothing be written: is it a standby?"),
)

"""SQLite: one file on a local disk."""

import re
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

import msgspec
from sqlalchemy.exc import DBAPIError

from core.errors import AlreadyExists, StoreBusy, StoreDamaged, StoreError
from core.store.databases.interface import Connection, Lock, Words
from core.store.dialect import DAMAGED, literal

if TYPE_CHECKING:
    import sqlalchemy

_encode = msgspec.json.Encoder().encode

BUSY_TIMEOUT_S = 60
"""How long a writer waits for another; a batch of an import holds the lock for half a second or so."""
_ASKED_AGAIN_AFTER_S = 0.01

PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}",
    "PRAGMA foreign_keys = ON",
    # A commit survives a power cut: receipts and versions are promises, and an import commits once per
    # 25,000 rows, so that the fsync costs nothing that can be measured (decision 0011).
    "PRAGMA synchronous = FULL",
    "PRAGMA cache_size = -32768",
    "PRAGMA temp_store = FILE",
    "PRAGMA journal_size_limit = 67108864",
)

_MOST_DAMAGE = 100
_NETWORK_FILE_SYSTEMS = re.compile(
    r"^(nfs\d?|cifs|smb\w*|ncpfs|afs|ceph|glusterfs|lustre|fuse\.(sshfs|glusterfs|s3fs))$"
)


class SqliteWords:
    """SQL as SQLite says it."""

    in_order_of_elements = ""

    def number(self, order: str) -> str:
        return "NULL"  # the next one

    def as_bytes(self, text: str) -> str:
        return f"CAST({text} AS BLOB)"

    def json_string(self, text: str) -> str:
        return f"json_quote({text})"

    def joined(self, line: str, end: str, where: str) -> str:
        return (
            f"SELECT count(*), group_concat({line}, {end}) FROM observable o"  # noqa: S608 (our own words)
            f" INDEXED BY uq_observable_type_value WHERE {where}"
        )

    def texts_joined(self, text: str, order: str) -> str:
        # In the order of the key, in which they are read.
        return f"group_concat({text}, ' ')"

    def contains(self, text: str) -> str:
        return f"instr({text}, ?) > 0"

    def ends_with(self, text: str, end: str) -> str:
        return f"substr({text}, {-len(end)}) = {literal(end)}"

    def prefix_length(self, network: str) -> str:
        return f"CAST(substr({network}, instr({network}, '/') + 1) AS INTEGER)"

    def not_among(self, key: str, table: str) -> str:
        return f"{key} NOT IN (SELECT id FROM {table})"  # noqa: S608

    def elements(self, values: Sequence[int] | Sequence[str] | range) -> tuple[str, Any]:
        return "json_each(?) j", _encode(list(values)).decode()


class SqliteConnection(sqlite3.Connection):
    """The driver's own connection, and what the store asks for besides."""

    words: Words = SqliteWords()
    scan = sqlite3.Connection.execute

    def put(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, ignore: bool = False
    ) -> int:
        marks = ", ".join("?" * len(columns))
        into = f"INSERT {'OR IGNORE ' if ignore else ''}INTO {table} ({', '.join(columns)})"
        return self.executemany(f"{into} VALUES ({marks})", rows).rowcount

    def change(
        self, table: str, columns: Sequence[str], keys: Sequence[str], rows: Sequence[Sequence[Any]]
    ) -> None:
        what = ", ".join(f"{name} = ?" for name in columns)
        which = " AND ".join(f"{name} = ?" for name in keys)
        self.executemany(f"UPDATE {table} SET {what} WHERE {which}", rows)  # noqa: S608 (our own words)

    def drop(self, table: str) -> None:
        self.execute(f"DROP TABLE IF EXISTS {table}")

    def begin_reading(self) -> None:
        self.execute("BEGIN")

    def product(self) -> str:
        return f"SQLite {sqlite3.sqlite_version}"

    def state(self) -> int | str:
        return int(self.execute("PRAGMA data_version").fetchone()[0])

    def passed_on(self) -> None:
        self.close()

    def gather_statistics(self) -> None:
        """Do nothing: queries here say themselves in which order tables are read."""


class SqliteDatabase:
    """A file."""

    words: Words = SqliteConnection.words

    def __init__(self, path: Path) -> None:
        """Keep where it is."""
        self.path = path

    @property
    def label(self) -> str:
        return str(self.path)

    def connect(self) -> SqliteConnection:
        return connect(self.path)

    @contextmanager
    def errors(self) -> Iterator[None]:
        with errors(self.path):
            yield

    @contextmanager
    def writing(self, connection: Connection, *_: Lock) -> Iterator[None]:
        with errors(self.path):
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def engine(self) -> "sqlalchemy.Engine":
        from sqlalchemy import QueuePool, create_engine, event

        engine = create_engine("sqlite://", creator=self.connect, poolclass=QueuePool, pool_size=1, max_overflow=4)

        @event.listens_for(engine, "begin")
        def begin(connection: "sqlalchemy.Connection") -> None:
            # Upgrading a read transaction fails at once whatever the time-out, so that writers begin as writers.
            writes = connection.get_execution_options().get("lock") is not None
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

        return engine

    def under(self, connection: "sqlalchemy.Connection") -> SqliteConnection:
        return cast("SqliteConnection", connection.connection.driver_connection)

    def damage(self) -> list[str]:
        with self.errors(), closing(self.connect()) as connection:
            texts = [str(text) for (text,) in connection.execute(f"PRAGMA integrity_check({_MOST_DAMAGE:d})")]
        lines = [line for text in texts for line in text.splitlines() if not line.startswith("***")]
        return [] if lines == ["ok"] else lines

    def make_ready(self) -> None:
        from core.store.migrate import migrate

        refuse_network_file_system(self.path)
        folder = self.path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{folder}: the folder of the database cannot be made: {error.strerror}") from error
        migrate(self.path)


def path_of(url: str) -> Path:
    """Return the file that the database URL *url* names.

    Raises:
        StoreError: It is not an SQLite URL, or names no file.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme != "sqlite":
        raise StoreError(
            f"database.url: {scheme}:// is not a database that this version knows; "
            "known: sqlite:///PATH and postgresql://USER@HOST/DATABASE"
        )
    path = unquote(rest.partition("?")[0])
    if not path.startswith("/") or path == "/":
        raise StoreError(
            "database.url: sqlite:///PATH names a file; three slashes for a relative path, four otherwise"
        )
    return Path(path[1:]).absolute()


def connect(path: Path) -> SqliteConnection:
    """Open *path*, in autocommit mode: transactions are begun by name.

    Raises:
        StoreError: It cannot be opened, or is not a database.
    """
    with errors(path):
        connection = sqlite3.connect(
            path,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
            factory=SqliteConnection,
        )
        try:
            for pragma in PRAGMAS:
                connection.execute(pragma)
        except BaseException:
            connection.close()
            raise
        return connection


def use_wal(connection: sqlite3.Connection) -> None:
    """Let readers and one writer work at once; kept in the file."""
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        return
    give_up_at = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            # Of several that do this at once all but one are sent away, without the wait that they may have.
            if "locked" not in str(error) or time.monotonic() > give_up_at:
                raise
            time.sleep(_ASKED_AGAIN_AFTER_S)
        else:
            return


@contextmanager
def errors(path: Path) -> Iterator[None]:
    """Turn the driver's errors into ours, with the path and what to do.

    Raises:
        StoreBusy, AlreadyExists, StoreError: As the driver's error says.
    """
    try:
        yield
    except DBAPIError as error:
        raise _explained(path, error.orig or error) from error
    except sqlite3.Error as error:
        raise _explained(path, error) from error


def _explained(path: Path, error: BaseException) -> Exception:
    said = str(error)
    if isinstance(error, sqlite3.IntegrityError) and "UNIQUE" in said:
        return AlreadyExists(f"there is one like that already ({said.rpartition(': ')[2]})")
    for sign, make, message in _EXPLANATIONS:
        if sign in said:
            return make(f"{path}: {message}")
    return StoreError(f"{path}: {said}")


_EXPLANATIONS: tuple[tuple[str, type[StoreError], str], ...] = (
    ("locked", StoreBusy, f"another process has been writing to the database for {BUSY_TIMEOUT_S} s; try again"),
    ("not a database", StoreError, "not a database of this program; move it away or set database.url"),
    ("Could not decode", StoreDamaged, DAMAGED),
    ("malformed", StoreDamaged, DAMAGED),
    ("readonly", StoreError, "the database or its folder may not be written by this user"),
    (
        "unable to open",
        StoreError,
        "the database cannot be opened; check that its folder may be written by this user",
    ),
    ("disk is full", StoreError, "no space is left on the disk of the database"),
    ("disk I/O", StoreError, "the disk of the database failed"),
)


def refuse_network_file_system(path: Path, mounts: Path = Path("/proc/mounts")) -> None:
    """Do nothing if *path* is on a local disk, as far as the system says.

    SQLite's shared memory between processes does not work across machines, and many such file systems lock badly.

    Raises:
        StoreError: It is on NFS, SMB or the like.
    """
    try:
        lines = mounts.read_text("utf-8", "replace").splitlines()
    except OSError:
        return
    best, kind = "", ""
    for fields in (line.split(" ") for line in lines):
        if len(fields) < 3:
            continue
        place = fields[1].replace("\\040", " ")
        if len(place) >= len(best) and path.is_relative_to(place):
            best, kind = place, fields[2]
    if _NETWORK_FILE_SYSTEMS.match(kind):
        raise StoreError(
            f"{path} is on a network file system ({kind}), where several processes would damage "
            "an SQLite database; set database.url to a file on a local disk"
        )

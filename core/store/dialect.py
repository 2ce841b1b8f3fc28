"""What is SQLite's alone: opening a database, its pragmas, its errors.

The SQL of the other modules is what PostgreSQL understands too, unless it is taken from here.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
from sqlalchemy.exc import DBAPIError

from core.errors import AlreadyExists, StoreBusy, StoreError

_encode = msgspec.json.Encoder().encode

BUSY_TIMEOUT_S = 60
"""How long a writer waits for another; a batch of an import holds the lock for half a second or so."""

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

_NETWORK_FILE_SYSTEMS = re.compile(
    r"^(nfs\d?|cifs|smb\w*|ncpfs|afs|ceph|glusterfs|lustre|fuse\.(sshfs|glusterfs|s3fs))$"
)


def path_of(url: str) -> Path:
    """Return the file that the database URL *url* names.

    Raises:
        StoreError: It is not an SQLite URL, or names no file.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme != "sqlite":
        raise StoreError(
            f"database.url: {scheme}:// is not a database that this version knows; known: sqlite:///PATH"
        )
    path = unquote(rest.partition("?")[0])
    if not path.startswith("/") or path == "/":
        raise StoreError(
            "database.url: sqlite:///PATH names a file; three slashes for a relative path, four otherwise"
        )
    return Path(path[1:]).absolute()


def connect(path: Path) -> sqlite3.Connection:
    """Open *path*, in autocommit mode: transactions are begun by name.

    Raises:
        StoreError: It cannot be opened, or is not a database.
    """
    with errors(path):
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=256
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
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode = WAL")


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


DAMAGED = "the database is damaged; restore a backup, or move it away and import again"

_EXPLANATIONS: tuple[tuple[str, type[StoreError], str], ...] = (
    ("locked", StoreBusy, f"another process has been writing to the database for {BUSY_TIMEOUT_S} s; try again"),
    ("not a database", StoreError, "not a database of this program; move it away or set database.url"),
    ("Could not decode", StoreError, DAMAGED),
    ("malformed", StoreError, DAMAGED),
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


def find_observables(
    connection: sqlite3.Connection, type_: str, values: Sequence[str]
) -> Iterator[tuple[str, int, int]]:
    """Give value, id and ``sure_until`` of those of *values* that are known."""
    return connection.execute(
        "SELECT j.value, o.id, o.sure_until FROM json_each(?) j"
        " CROSS JOIN observable o ON o.type = ? AND o.value = j.value",
        (_encode(values).decode(), type_),
    )


def find_by_ids(
    connection: sqlite3.Connection,
    columns: str,
    table: str,
    ids: Sequence[int] | Sequence[str] | range,
    key: str = "observable_id",
) -> Iterator[tuple[Any, ...]]:
    """Give *columns* of the rows of *table* whose *key* is one of *ids*, in the order of *ids*."""
    return connection.execute(
        f"SELECT {columns} FROM json_each(?) j CROSS JOIN {table} t ON t.{key} = j.value",  # noqa: S608 (our own words)
        (_encode(list(ids)).decode(),),
    )


@contextmanager
def writing(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Hold the write lock for a block; commit on its clean end, else roll back."""
    with errors(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


JSON_STRING = "json_quote({})"
"""SQL for a text as a JSON string; only quotes, backslashes and control characters are escaped."""

JOINED = "SELECT count(*), group_concat({line}, {end}) FROM observable o INDEXED BY uq_observable_type_value WHERE {where}"
"""SQL for the number of lines of a range of one type, and the lines in one text, in the order of the index."""

CONTAINS = "instr({}, ?) > 0"
"""SQL for: a text contains the parameter."""


def literal(text: str) -> str:
    """Return *text* as SQL says it."""
    return "'" + text.replace("'", "''") + "'"

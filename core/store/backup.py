"""Keep what a store holds in one file, and take it back from there.

The file is a ZIP of ``store.db``, an SQLite database with the tables of this program, and ``manifest.json``, which
says what that is.  It is the same from a file and from a server, and goes back to either; decision 0103 says why.
"""

import hashlib
import os
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from core.errors import StoreError, StoreSchemaError
from core.schemas.instant import Instant
from core.store import copying, migrate
from core.store.databases import sqlite

if TYPE_CHECKING:
    from core.store.databases.interface import Database

FORMAT = 1
_STORE, _MANIFEST = "store.db", "manifest.json"
_CHUNK_BYTES = 1 << 20
_MOST_MANIFEST_BYTES = 1 << 20


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup is.

    Attributes:
        format: Of the file; this program writes and knows 1.
        software: Name and version of the program that wrote it.
        schema: Revision of the tables.
        made_at: The moment whose state it has.
        database: What it was taken from: SQLite or PostgreSQL.
        tables: Rows by table.
        size_bytes, sha256: Of the database in it.
    """

    format: int
    software: str
    schema: str
    made_at: Instant
    database: str
    tables: dict[str, int]
    size_bytes: int
    sha256: str


def write(
    database: "Database",
    path: Path,
    now: Instant,
    software: str,
    *,
    replace: bool = False,
    on_rows: Callable[[int], None] = lambda _: None,
) -> Manifest:
    """Write what *database* holds at one moment to *path*, whole or not at all; whoever uses it goes on.

    Args:
        database: At the schema of this program.
        path: A file that only its owner may read; it has password hashes and the secret of sessions.
        now: The present instant.
        software: Name and version of this program.
        replace: Whether a file that is there may be replaced.
        on_rows: Called with how many rows were read since the last time; of a file it is all at once.

    Raises:
        StoreSchemaError: A newer program has upgraded the database.
        StoreError: There is such a file; the database cannot be read, or the file not be written.
    """
    copying.refuse_newer(database)
    path = path.absolute()
    if path.exists() and not replace:
        raise StoreError(f"{path} exists; name another file, or use --force")
    with _files(path), TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        store = Path(folder) / _STORE
        _snapshot(database, store, on_rows)
        whole = sqlite.SqliteDatabase(store)
        with closing(whole.connect()) as connection, whole.errors():
            connection.execute("PRAGMA journal_mode = DELETE")  # all of it in one file
        manifest = Manifest(
            format=FORMAT,
            software=software,
            schema=migrate.REVISIONS[-1],
            made_at=now,
            database="SQLite" if isinstance(database, sqlite.SqliteDatabase) else "PostgreSQL",
            tables=copying.counts(whole),
            size_bytes=store.stat().st_size,
            sha256=_digest(store),
        )
        packed = Path(folder) / "packed"
        descriptor = os.open(packed, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as stream:  # noqa: PTH123 - of a descriptor
            _pack(stream, store, manifest)
            os.fsync(stream.fileno())
        if replace:
            packed.replace(path)
        else:
            os.link(packed, path)  # fails if somebody else has made it since
        _sync(path.parent)
    return manifest


@contextmanager
def opened(path: Path) -> "Iterator[tuple[Manifest, Database]]":
    """Give what a backup says of itself, and the store in it, checked and brought to the schema of this program.

    Nobody works on what is in it: what ran when it was made waits, as if nobody had begun it.

    Raises:
        StoreSchemaError: A newer program wrote it.
        StoreError: It is no backup, or was altered or cut off.
    """
    with TemporaryDirectory(
        prefix="yeti-restore-", dir=path.absolute().parent if _may_write(path) else None
    ) as folder:
        store = Path(folder) / _STORE
        with _files(path):
            manifest = _unpack(path, store)
        database = sqlite.SqliteDatabase(store)
        database.make_ready()
        _let_go(database)
        yield manifest, database


def _snapshot(database: "Database", store: Path, on_rows: Callable[[int], None]) -> None:
    if isinstance(database, sqlite.SqliteDatabase):
        with closing(database.connect()) as connection, database.errors():
            # One read transaction: writers go on beside it.
            connection.execute("VACUUM INTO ?", (str(store),))
            on_rows(sum(copying.counts(database).values()))
        return
    made = sqlite.SqliteDatabase(store)
    made.make_ready()
    copying.copy(database, made, on_rows=on_rows)


def _let_go(database: "Database") -> None:
    with closing(database.connect()) as connection, database.writing(connection):
        connection.execute("DELETE FROM worker")
        connection.execute("UPDATE export_lease SET owner = NULL")
        # As `job_claims.put_back` does: one that was asked for meanwhile is the same job.
        running = "(SELECT export_id FROM job WHERE state = 'running')"
        connection.execute(f"DELETE FROM job WHERE state = 'waiting' AND export_id IN {running}")  # noqa: S608
        connection.execute(
            "UPDATE job SET state = 'waiting', owner = NULL, lease_until = NULL, started_at = NULL, entries = NULL,"
            " is_cancelled = false WHERE state = 'running'"
        )


def _pack(stream: BinaryIO, store: Path, manifest: Manifest) -> None:
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.write(store, _STORE)
        archive.writestr(_MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))


def _unpack(path: Path, store: Path) -> Manifest:
    with zipfile.ZipFile(path) as archive:
        if archive.getinfo(_MANIFEST).file_size > _MOST_MANIFEST_BYTES:
            raise StoreError(f"{path} is no backup of this program: its manifest is too large")
        manifest = msgspec.json.decode(archive.read(_MANIFEST), type=Manifest)
        if manifest.format != FORMAT or manifest.schema not in migrate.REVISIONS:
            raise StoreSchemaError(
                f"{path}: {manifest.software} wrote it, with schema {manifest.schema}; this program knows up to "
                f"{migrate.REVISIONS[-1]}: restore it with that version"
            )
        sha256, size_bytes = hashlib.sha256(), 0
        with archive.open(_STORE) as source, store.open("xb") as target:
            while chunk := source.read(_CHUNK_BYTES):
                sha256.update(chunk)
                size_bytes += len(chunk)
                if size_bytes > manifest.size_bytes:
                    break
                target.write(chunk)
    if (size_bytes, sha256.hexdigest()) != (manifest.size_bytes, manifest.sha256):
        raise StoreError(f"{path} was altered or is damaged: what is in it is not what its manifest says")
    return manifest


@contextmanager
def _files(path: Path) -> Iterator[None]:
    """Say in words what is wrong with a backup, or with where it is.

    Raises:
        StoreError: The error of the block.
    """
    try:
        yield
    except FileExistsError as error:
        raise StoreError(f"{path} exists; name another file, or use --force") from error
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from error
    except (zipfile.BadZipFile, KeyError, msgspec.MsgspecError, EOFError, NotImplementedError) as error:
        raise StoreError(f"{path} is no backup of this program, or was cut off") from error
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from error


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _may_write(path: Path) -> bool:
    return os.access(path.absolute().parent, os.W_OK)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

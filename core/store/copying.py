"""Copy what a store holds into another database: from a file to a server, or back.

Everything is read in one transaction and written in one, so that either all of one moment is there, or nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table

from core.errors import StoreError
from core.schemas.instant import SECOND, Instant
from core.store.databases.interface import Lock
from core.store.databases.sqlite import SqliteDatabase
from core.store.schema import metadata
from core.store.wake_ups import QUEUE
from core.store.workers import SEEN_WITHIN_S, service_of

if TYPE_CHECKING:
    from core.store.databases.interface import Connection, Database

_BATCH = 10_000

CONTENT = ("observable", "source", "tag", "export", "template", "user", "consumer")
"""A store in which these are empty has only what the program put there itself."""


def copy(
    source: "Database",
    target: "Database",
    *,
    replace: bool = False,
    on_rows: Callable[[int], None] = lambda _: None,
) -> dict[str, int]:
    """Copy all rows of *source* to *target*, and return how many of which table.

    Both are at the schema of this program.  Readers and writers of the source go on; what is written meanwhile is
    not copied.

    Args:
        source: Where they are.
        target: Where they go; what a new store has (lists that the program carries, secrets) is replaced.
        replace: What else is there is replaced, too.
        on_rows: Called with how many rows were copied since the last time.

    Raises:
        StoreError: The target is not empty, or did not take everything.
    """
    with closing(source.connect()) as reader, closing(target.connect()) as writer:
        with source.errors():
            reader.begin_reading()
        # Bookkeeping goes on whoever was stopped: a row that came in between would be one too many, or lost.
        with target.writing(writer, Lock.SCHEMA, Lock.DATA, Lock.BOOKKEEPING):
            if not replace and (what := _content(writer)):
                raise StoreError(f"{target.label} is not empty: it has {what}; name an empty database")
            for table in reversed(metadata.sorted_tables):
                writer.execute(f"DELETE FROM {_quoted(table.name)}")  # noqa: S608 (our own words)
            copied = {
                table.name: _copy_table(source, reader, writer, table, on_rows) for table in metadata.sorted_tables
            }
            _compare(target, writer, copied)
            if not isinstance(target, SqliteDatabase):
                _set_sequences(writer)
                _forget_wake_ups(writer)
        with target.errors():
            writer.gather_statistics()
    return copied


def counts(database: "Database") -> dict[str, int]:
    """Return how many rows each table has.

    Raises:
        StoreError: The database cannot be read.
    """
    with closing(database.connect()) as connection, database.errors():
        connection.begin_reading()
        return {table.name: _count(connection, table.name) for table in metadata.sorted_tables}


def content(database: "Database") -> str:
    """Say in words what a store holds that the program did not put there itself; nothing if there is nothing.

    Raises:
        StoreError: The database cannot be read.
    """
    with closing(database.connect()) as connection, database.errors():
        connection.begin_reading()
        return _content(connection)


def in_use(database: "Database", now: Instant) -> str:
    """Say in words who seems to be writing to a store; nothing if nobody does.

    Raises:
        StoreError: The database cannot be read.
    """
    with closing(database.connect()) as connection, database.errors():
        connection.begin_reading()
        since = now - SEEN_WITHIN_S * SECOND
        rows = connection.execute(
            "SELECT name FROM worker WHERE seen_at > ? ORDER BY name DESC", (since,)
        ).fetchall()
        if rows:
            running = dict(service_of(row[0]) for row in rows)  # of each service one is named
            return " and ".join(f"the service {service} is running ({name})" for service, name in running.items())
        held = "SELECT name FROM export_lease JOIN export ON id = export_id WHERE owner IS NOT NULL AND lease_until > ?"
        if (row := connection.execute(held, (now,)).fetchone()) is not None:
            return f"the export {row[0]} is being run"
    return ""


def _content(connection: "Connection") -> str:
    found = {name: _count(connection, name) for name in CONTENT}
    return ", ".join(f"{number:,} {name}{'s' * (number > 1)}" for name, number in found.items() if number)


def _copy_table(
    source: "Database", reader: "Connection", writer: "Connection", table: Table, on_rows: Callable[[int], None]
) -> int:
    columns = [_quoted(column.name) for column in table.columns]
    query = f"SELECT {', '.join(columns)} FROM {_quoted(table.name)}"  # noqa: S608 (our own words)
    copied = 0

    def rows() -> Iterator[Any]:
        nonlocal copied
        with source.errors(), closing(reader.scan(query)) as found:
            while batch := found.fetchmany(_BATCH):
                yield from batch
                copied += len(batch)
                on_rows(len(batch))

    writer.put(_quoted(table.name), columns, rows())
    return copied


def _compare(target: "Database", writer: "Connection", copied: dict[str, int]) -> None:
    for name, number in copied.items():
        if (found := _count(writer, name)) != number:
            raise StoreError(
                f"{target.label}: of {number:,} rows of {name} only {found:,} arrived; nothing was copied"
            )


def _set_sequences(writer: "Connection") -> None:
    """Let the next row of each table have a number that no row has."""
    for table in metadata.sorted_tables:
        key = table.autoincrement_column
        if key is None:
            continue
        name = writer.execute(
            "SELECT pg_get_serial_sequence(?::text, ?::text)", (_quoted(table.name), key.name)
        ).fetchone()[0]
        if name is not None:
            last = f"SELECT max({_quoted(key.name)}) FROM {_quoted(table.name)}"  # noqa: S608 (our own words)
            writer.execute(f"SELECT setval('{name}', coalesce(({last}), 1), ({last}) IS NOT NULL)")


def _forget_wake_ups(writer: "Connection") -> None:
    """Let nobody be woken for a job of before that had the number of one that came; who waits is found soon."""
    writer.execute("DELETE FROM procrastinate_jobs WHERE queue_name = ? AND status = 'todo'", (QUEUE,))


def _count(connection: "Connection", name: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {_quoted(name)}").fetchone()[0])  # noqa: S608


def _quoted(name: str) -> str:
    return f'"{name}"'

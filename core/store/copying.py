"""Copy what a store holds into another database: from a file to a server, or back.

Everything is read in one transaction and written in one, so that either all of one moment is there, or nothing.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Table

from core.errors import StoreError, StoreSchemaError
from core.schemas.instant import SECOND, Instant
from core.store import audit, migrate
from core.store.databases.interface import Lock
from core.store.databases.sqlite import SqliteConnection, SqliteDatabase
from core.store.schema import metadata
from core.store.wake_ups import QUEUE
from core.store.workers import SEEN_WITHIN_S, service_of

if TYPE_CHECKING:
    from core.store.databases.interface import Connection, Database

_BATCH = 10_000

CONTENT = ("observable", "source", "tag", "export", "template", "user", "consumer")
"""A store in which these are empty has only what the program put there itself."""


class Told(NamedTuple):
    """What the target's record of changes says of a copy: an action, of what, and more of it beside the rows."""

    action: str
    subject: str
    detail: Mapping[str, Any] = MappingProxyType({})


def refuse_newer(database: "Database") -> None:
    """Do nothing if a database has the tables of this program, and no others: others would be left behind.

    Raises:
        StoreSchemaError: A newer program has upgraded it, though this one may use it.
        StoreError: It cannot be read.
    """
    with closing(database.connect()) as connection, database.errors():
        found = migrate.read(connection)
    if found.is_newer:
        raise StoreSchemaError(
            f"{database.label}: its schema is {found.revision}, and this program knows the tables of "
            f"{migrate.REVISIONS[-1]} only; do that with the newer version"
        )


def copy(
    source: "Database",
    target: "Database",
    *,
    replace: bool = False,
    told: Told | None = None,
    on_rows: Callable[[int], None] = lambda _: None,
) -> dict[str, int]:
    """Copy all rows of *source* to *target*, and return how many of which table.

    Both are at the schema of this program.  Readers and writers of the source go on; what is written meanwhile is
    not copied.

    Args:
        source: Where they are.
        target: Where they go; what a new store has (lists that the program carries, secrets) is replaced.
        replace: What else is there is replaced, too.
        told: Put down in the target, behind the record that came from the source; without it nothing is.
        on_rows: Called with how many rows were copied since the last time.

    Raises:
        StoreSchemaError: One is of a newer program, which knows more tables.
        StoreError: The target is not empty, or did not take everything.
    """
    for database in (source, target):
        refuse_newer(database)
    with closing(source.connect()) as reader, closing(target.connect()) as writer:
        with source.errors():
            reader.begin_reading()
        # Bookkeeping goes on whoever was stopped: a row that came in between would be one too many, or lost.
        with target.writing(writer, Lock.SCHEMA, Lock.DATA, Lock.BOOKKEEPING):
            if not replace and (what := _content(writer)):
                raise _not_empty(target, what)
            for table in reversed(metadata.sorted_tables):
                writer.execute(f"DELETE FROM {_quoted(table.name)}")  # noqa: S608 (our own words)
            copied = {
                table.name: _copy_table(source, reader, writer, table, on_rows) for table in metadata.sorted_tables
            }
            _compare(target, writer, copied)
            before, given = _given(writer), _given(reader)
            given |= {name: max(number, given.get(name, 0)) for name, number in before.items()}
            if isinstance(writer, SqliteConnection):
                _set_numbers(writer, given)
            else:
                _set_sequences(writer, given)
                _forget_wake_ups(writer)
            if told is not None:
                audit.note(writer, told.action, told.subject, {"rows": sum(copied.values())} | dict(told.detail))
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

    It may have an older schema, or none, and stays as it is.

    Raises:
        StoreSchemaError: A newer program wrote it, and this one may not use it.
        StoreError: It is another program's, or cannot be read.
    """
    with _looking(database) as (connection, tables):
        return _content(connection, tables)


def refuse_content(database: "Database") -> None:
    """Do nothing if a store has only what the program put there itself, whatever its schema.

    Raises:
        StoreSchemaError: A newer program wrote it, and this one may not use it.
        StoreError: It has more, is another program's, or cannot be read.
    """
    if what := content(database):
        raise _not_empty(database, what)


def in_use(database: "Database", now: Instant) -> str:
    """Say in words who seems to be writing to a store; nothing if nobody does.

    It may have an older schema, or none, and stays as it is.

    Raises:
        StoreSchemaError: A newer program wrote it, and this one may not use it.
        StoreError: It is another program's, or cannot be read.
    """
    with _looking(database) as (connection, tables):
        since = now - SEEN_WITHIN_S * SECOND
        seen = "SELECT name FROM worker WHERE seen_at > ? ORDER BY name DESC"
        if "worker" in tables and (rows := connection.execute(seen, (since,)).fetchall()):
            running = dict(service_of(row[0]) for row in rows)  # of each service one is named
            return " and ".join(f"the service {service} is running ({name})" for service, name in running.items())
        held = "SELECT name FROM export_lease JOIN export ON id = export_id WHERE owner IS NOT NULL AND lease_until > ?"
        if "export_lease" in tables and (row := connection.execute(held, (now,)).fetchone()) is not None:
            return f"the export {row[0]} is being run"
    return ""


@contextmanager
def _looking(database: "Database") -> "Iterator[tuple[Connection, Collection[str]]]":
    """Give one state of a database of this program or of an older one, and the tables that it has."""
    # To open a file that is not there would make it.
    is_there = not isinstance(database, SqliteDatabase) or database.path.exists()
    looked_at = database if is_there else SqliteDatabase(Path(":memory:"))
    with closing(looked_at.connect()) as connection, looked_at.errors():
        connection.begin_reading()
        migrate.schema_of(connection, database.label)
        yield connection, migrate.tables_of(connection)


def _content(connection: "Connection", there: Collection[str] = CONTENT) -> str:
    found = {name: _count(connection, name) for name in CONTENT if name in there}
    return ", ".join(f"{number:,} {name}{'s' * (number > 1)}" for name, number in found.items() if number)


def _not_empty(database: "Database", what: str) -> StoreError:
    return StoreError(f"{database.label} is not empty: it has {what}; name an empty database")


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


def _given(connection: "Connection") -> dict[str, int]:
    """Return the last number that rows were given, of rows that are gone, too, by table."""
    if isinstance(connection, SqliteConnection):
        return {str(name): int(seq) for name, seq in connection.execute("SELECT name, seq FROM sqlite_sequence")}
    last = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM "
    return {
        table: int(connection.execute(last + name).fetchone()[0]) for table, name in _sequences(connection).items()
    }


def _sequences(connection: "Connection") -> dict[str, str]:
    """Return the names of sequences by table."""
    found = {}
    for table in metadata.sorted_tables:
        if (key := table.autoincrement_column) is not None:
            named = "SELECT pg_get_serial_sequence(?::text, ?::text)"
            found[table.name] = connection.execute(named, (_quoted(table.name), key.name)).fetchone()[0]
    return {table: str(name) for table, name in found.items() if name is not None}


def _set_numbers(writer: SqliteConnection, given: dict[str, int]) -> None:
    """Let the next row of each table that remembers have a number that no row has or had."""
    for table in metadata.sorted_tables:
        number = given.get(table.name, 0)
        if number and table.dialect_options["sqlite"]["autoincrement"]:
            writer.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table.name,))
            writer.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table.name, number))


def _set_sequences(writer: "Connection", given: dict[str, int]) -> None:
    """Let the next row of each table have a number that no row has or had."""
    for table, name in _sequences(writer).items():
        last = int(writer.execute(f"SELECT coalesce(max(id), 0) FROM {_quoted(table)}").fetchone()[0])  # noqa: S608
        number = max(last, given.get(table, 0))
        writer.execute(f"SELECT setval('{name}', {max(number, 1)}, {number > 0})")


def _forget_wake_ups(writer: "Connection") -> None:
    """Let nobody be woken for a job of before that had the number of one that came; who waits is found soon."""
    writer.execute("DELETE FROM procrastinate_jobs WHERE queue_name = ? AND status = 'todo'", (QUEUE,))


def _count(connection: "Connection", name: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {_quoted(name)}").fetchone()[0])  # noqa: S608


def _quoted(name: str) -> str:
    return f'"{name}"'

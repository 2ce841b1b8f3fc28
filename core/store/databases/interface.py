"""What the store asks of a database, whichever it is.

The SQL of the store is one text for all.  What a database says in another way is asked of its ``Words``; spelling
alone (parameters are ``?``, temporary tables ``temp.NAME``) a connection sees to itself.  Decision 0092 says why.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import sqlalchemy


class Lock(Enum):
    """What a writer keeps other writers from; SQLite has one lock for all."""

    DATA = 1
    """All that is not said below: observables, lists, definitions, versions, the ledger."""
    BOOKKEEPING = 2
    """Claims on exports, jobs, schedules, runs, fetches, logins: held for moments, and also while data is written."""
    SCHEMA = 3
    """What tables there are; waited for as long as it takes."""


class Rows(Protocol):
    """What a statement gave; rows are tuples."""

    @property
    def rowcount(self) -> int:
        """How many rows were written."""

    def fetchone(self) -> Any:
        """Return the next row, ``None`` if there is none."""

    def fetchmany(self, size: int = ...) -> list[Any]:
        """Return the next *size* rows, fewer at the end."""

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the rows that are left."""

    def close(self) -> None:
        """Stop early."""


class Words(Protocol):
    """SQL that each database says in its own way."""

    def number(self, order: str) -> str:
        """The number of a row, for an ``INTEGER PRIMARY KEY`` of a new table that is filled in that *order*."""

    def as_bytes(self, text: str) -> str:
        """A column's text as the bytes that are kept of it, whatever they are."""

    def json_string(self, text: str) -> str:
        """A text as a JSON string; only quotes, backslashes and control characters are escaped."""

    def joined(self, line: str, end: str, where: str) -> str:
        """The number of lines of a range of one type, and the lines in one text, in order of the value."""

    def texts_joined(self, text: str, order: str) -> str:
        """The texts of a group, by *order*, with spaces between."""

    def contains(self, text: str) -> str:
        """A text contains the parameter."""

    def ends_with(self, text: str, end: str) -> str:
        """A text ends with *end*."""

    def prefix_length(self, network: str) -> str:
        """The number behind the slash of a network."""

    def not_among(self, key: str, table: str) -> str:
        """A row id is not in column ``id`` of a temporary table that may be large."""

    def elements(self, values: Sequence[int] | Sequence[str] | range) -> tuple[str, Any]:
        """A table ``j`` of *values*, column ``value``, with one parameter; and that parameter."""

    @property
    def in_order_of_elements(self) -> str:
        """What lets rows come in the order of ``j``; nothing where they do anyway."""


class Connection(Protocol):
    """A connection of the driver, for the paths where rows are many; transactions are begun by name."""

    @property
    def words(self) -> Words:
        """What is said in another way elsewhere."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Rows:
        """Run one statement; few rows."""

    def scan(self, sql: str, parameters: Sequence[Any] = ..., /) -> Rows:
        """Run one query that may give more rows than memory holds; to be closed before its tables are dropped."""

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> Rows:
        """Run one statement for each of *rows*."""

    def put(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, ignore: bool = False
    ) -> int:
        """Add many rows and return how many; *ignore* leaves out those whose key is there already."""

    def change(
        self, table: str, columns: Sequence[str], keys: Sequence[str], rows: Sequence[Sequence[Any]]
    ) -> None:
        """Give *columns* of a table of the schema new values, where *keys* are as the rest of each row says."""

    def drop(self, table: str) -> None:
        """Drop a temporary table, if it is there."""

    def begin_reading(self) -> None:
        """Begin a transaction that sees one state; nothing but temporary tables is to be written in it."""

    def product(self) -> str:
        """Return name and version of what is on the other end."""

    def state(self) -> int | str:
        """Return what is another value after somebody else committed anything; outside of transactions."""

    def gather_statistics(self) -> None:
        """Let the planner know what many rows that were written look like, where it does not see to that itself."""

    def passed_on(self) -> "Connection | None":
        """Close it, and return another one that goes on where it ended; ``None`` if it is lost, or a new one is cheap.

        What was not committed is gone, with the temporary tables of the transaction; who still reads finds it closed.
        """

    def close(self) -> None:
        """Close it; what was not committed is gone."""


class Database(Protocol):
    """One database, by its address."""

    @property
    def words(self) -> Words:
        """What is said in another way elsewhere."""

    @property
    def label(self) -> str:
        """Where it is, for people; no password."""

    def connect(self) -> Connection:
        """Open a connection.

        Raises:
            StoreError: It cannot be opened.
        """

    def errors(self) -> AbstractContextManager[None]:
        """Turn the driver's errors into ours, with what to do."""

    def writing(self, connection: Connection, *locks: Lock) -> AbstractContextManager[None]:
        """Hold write locks, taken in the order in which they are named, for a block; that of data if none is.

        Its clean end is a commit, any other one a rollback.

        Raises:
            StoreBusy: Somebody else held it for too long.
        """

    def engine(self) -> "sqlalchemy.Engine":
        """Make an engine for the small tables.

        Its transactions read one state, unless the execution option ``lock`` says which lock they take to write.
        """

    def under(self, connection: "sqlalchemy.Connection") -> Connection:
        """Return the driver's connection under one of the engine's, in the same transaction."""

    def damage(self) -> list[str]:
        """Return what the database itself finds wrong with what it keeps, in its own words; none if it cannot look.

        Raises:
            StoreDamaged: So much that it cannot be told.
        """

    def make_ready(self) -> None:
        """Have the schema of this program, or refuse.

        Raises:
            StoreSchemaError: It is at another version of the program.
            StoreError: It is not ours, or cannot be read.
        """

"""A connection to PostgreSQL, with what the store asks of one."""

from collections.abc import Iterable, Sequence
from itertools import chain, count, islice
from typing import Any
from weakref import WeakSet

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int8Dumper

from core.store.databases.interface import Rows, Words
from core.store.databases.postgresql_words import PostgresqlWords, spelt

_NUMBERS = count()
_LUMP = 10_000

SETTINGS = (
    # What somebody may have set for the whole server, and would be wrong here: a writer has to see what was committed
    # before it got its lock, and a long export waits for its storage in a transaction.
    "default_transaction_isolation=read committed",
    "standard_conforming_strings=on",
    "statement_timeout=0",
    "idle_in_transaction_session_timeout=0",
    # Queries of the store are short, or scans that compiling does not make faster.
    "jit=off",
    # What a cursor is asked for is read to its end.
    "cursor_tuple_fraction=1.0",
    # Sets of row ids are looked up in memory, and a selection is sorted there, as long as they are no larger.
    "work_mem=64MB",
    # The lock of a host that is gone without a word is free again after a minute, not after two hours.
    "tcp_keepalives_idle=30",
    "tcp_keepalives_interval=10",
    "tcp_keepalives_count=3",
)


class _NumberLoader(Loader):
    """Sums of whole numbers are whole numbers here, not decimal ones."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data)
        return float(text) if b"." in text else int(text)


def adapt(raw: "psycopg.Connection[Any]") -> None:
    """Let a connection of the driver take and give numbers as SQLite does."""
    # Of one size, so that a statement is prepared once, whatever numbers it is given.
    raw.adapters.register_dumper(int, Int8Dumper)
    raw.adapters.register_loader("numeric", _NumberLoader)


class PostgresqlConnection:
    """The driver's connection in autocommit mode: transactions are begun by name."""

    def __init__(self, raw: "psycopg.Connection[Any]") -> None:
        """Take a connection over."""
        self._raw: psycopg.Connection[Any] | None = raw
        self._scans: WeakSet[psycopg.RawServerCursor[Any]] = WeakSet()

    @property
    def words(self) -> Words:
        return _WORDS

    @property
    def in_transaction(self) -> bool:
        return self.raw.info.transaction_status != TransactionStatus.IDLE

    @property
    def raw(self) -> "psycopg.Connection[Any]":
        """The driver's connection."""
        if self._raw is None:
            raise psycopg.OperationalError("the connection is closed")
        return self._raw

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Rows:
        cursor = psycopg.RawCursor(self.raw)
        cursor.execute(_query(sql), parameters or None)
        return cursor

    def scan(self, sql: str, parameters: Sequence[Any] = (), /) -> Rows:
        if not self.in_transaction:  # the server keeps a cursor as long as its transaction
            return self.execute(sql, parameters)
        cursor = psycopg.RawServerCursor(self.raw, f"scan_{next(_NUMBERS)}")
        self._scans.add(cursor)
        cursor.execute(_query(sql), parameters or None)
        return cursor

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> Rows:
        cursor = psycopg.RawCursor(self.raw)
        cursor.executemany(_query(sql), rows)
        return cursor

    def put(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, ignore: bool = False
    ) -> int:
        names = ", ".join(columns)
        if not ignore:
            return self._copy(f"{table} ({names})", rows)
        rest = iter(rows)
        if (first := next(rest, None)) is None:  # often, and a table is dear
            return 0
        stage = f"temp.put_{next(_NUMBERS)}"
        self.execute(f"CREATE TEMP TABLE {stage[5:]} AS SELECT {names} FROM {table} LIMIT 0")  # noqa: S608
        self._copy(f"{stage} ({names})", chain((first,), rest))
        into = f"INSERT INTO {table} ({names}) SELECT {names} FROM {stage} ON CONFLICT DO NOTHING"  # noqa: S608
        added = self.execute(into).rowcount
        self.drop(stage)
        return added

    def change(
        self, table: str, columns: Sequence[str], keys: Sequence[str], rows: Sequence[Sequence[Any]]
    ) -> None:
        if not rows:
            return
        from core.store.schema import metadata, sql_type

        names = (*columns, *keys)
        types = [sql_type(metadata.tables[table].c[name]) for name in names]
        arrays = ", ".join(f"?::{kind}[]" for kind in types)
        what = ", ".join(f"{name} = new.{name}" for name in columns)
        which = " AND ".join(f"old.{name} = new.{name}" for name in keys)
        query = f"UPDATE {table} old SET {what} FROM unnest({arrays}) new({', '.join(names)}) WHERE {which}"  # noqa: S608
        self.execute(query, [list(column) for column in zip(*rows, strict=True)])

    def drop(self, table: str) -> None:
        # In a transaction that failed or is over, or a connection that is lost, it is gone with that.
        gone = (TransactionStatus.INERROR, TransactionStatus.UNKNOWN)
        if self._raw is not None and self._raw.info.transaction_status not in gone:
            self.execute(f"DROP TABLE IF EXISTS {table}")

    def begin_reading(self) -> None:
        # Not READ ONLY, in which no temporary table may be made.
        self.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")

    def product(self) -> str:
        return f"PostgreSQL {self.raw.info.parameter_status('server_version')}"

    def state(self) -> int | str:
        # Which transactions are over, and which go on: the same text, the same rows.
        return str(self.execute("SELECT pg_current_snapshot()").fetchone()[0])

    def gather_statistics(self) -> None:
        self.execute("ANALYZE observable, assertion")

    def passed_on(self) -> "PostgresqlConnection | None":
        # A process of the server that begins costs more than all that a small run asks of it.
        raw = self.raw
        try:
            self.execute("ROLLBACK")
        except psycopg.Error:
            raw.close()
            return None
        self._raw = None
        # The server has closed them with the transaction: it is not to hear of that in the next one.
        for scan in list(self._scans):
            scan.close()
        return PostgresqlConnection(raw)

    def close(self) -> None:
        if self._raw is not None:
            self._raw.close()

    def _copy(self, target: str, rows: Iterable[Sequence[Any]]) -> int:
        """Write rows in lumps: whoever gives them may ask this connection in between."""
        rest, number = iter(rows), 0
        while lump := list(islice(rest, _LUMP)):
            with psycopg.RawCursor(self.raw).copy(_query(f"COPY {target} FROM STDIN")) as copy:
                for row in lump:
                    copy.write_row(row)
            number += len(lump)
        return number


_WORDS = PostgresqlWords()


def _query(sql: str) -> Any:
    # The driver's types ask for texts of the program; ours are, but made from parts.
    return spelt(sql)

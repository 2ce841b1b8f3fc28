"""Do to a database what a fault of a disk does."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

_INTERIOR = 5


def overwrite_table(path: Path, table: str) -> None:
    """Overwrite the page that a table of an SQLite file begins with; nobody else may have the file open."""
    with _opened(path, table) as (file, root, size):
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)


def tear_table(path: Path, table: str) -> None:
    """Let half of the rows of the last page of a table be gone; as above."""
    with _opened(path, table) as (file, page, size):
        while True:
            file.seek((page - 1) * size)
            kind, *_ = head = file.read(12)
            if kind != _INTERIOR:
                break
            page = int.from_bytes(head[8:12], "big")
        file.seek((page - 1) * size + 3)
        file.write((int.from_bytes(head[3:5], "big") // 2).to_bytes(2, "big"))


@contextmanager
def without_index(path: Path, index: str) -> Iterator[None]:
    """Let an index of an SQLite file miss what is written in a block."""
    with closing(_writer(path)) as connection:
        kept = connection.execute("SELECT * FROM sqlite_schema WHERE name = ?", (index,)).fetchone()
        connection.execute("DELETE FROM sqlite_schema WHERE name = ?", (index,))
    yield
    with closing(_writer(path)) as connection:
        connection.execute("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", kept)


def _writer(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA writable_schema = ON")
    return connection


@contextmanager
def _opened(path: Path, table: str) -> Iterator[tuple[BinaryIO, int, int]]:
    """Give the file, the page that a table begins with, and how large pages are."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        yield file, page, size

"""Do to a database on a disk what a fault of the disk does."""

import sqlite3
from contextlib import closing
from pathlib import Path


def overwrite_table(path: Path, table: str) -> None:
    """Overwrite the page that a table of an SQLite file begins with; nobody else may have the file open."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)

"""Bring a database to the schema of this program.

Alembic costs a quarter of a second to import, so that it is imported only when there is something to do.
"""

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import StoreError, StoreSchemaError
from core.store import dialect

if TYPE_CHECKING:
    from sqlalchemy import Connection

MIGRATIONS = Path(__file__).with_name("migrations")
REVISIONS: tuple[str, ...] = ("0001", "0002", "0003", "0004", "0005", "0006")
"""All revisions, oldest first; a test compares them with the folder."""


def migrate(path: Path) -> None:
    """Make the database at *path*, or bring it up to date; do nothing if it is.

    Safe when several processes do it at once: one migrates, the others wait and find it done.

    Raises:
        StoreSchemaError: A newer program wrote it.
        StoreError: It is another program's, damaged, or cannot be written.
    """
    connection = dialect.connect(path)
    try:
        with dialect.errors(path):
            if revision(connection, path) == REVISIONS[-1]:
                return
            dialect.use_wal(connection)
            _upgrade(connection, path)
    finally:
        connection.close()


def revision(connection: sqlite3.Connection, path: Path) -> str | None:
    """Return the revision the database is at, ``None`` if it is empty.

    Raises:
        StoreSchemaError: A newer program wrote it.
        StoreError: It is another program's.
    """
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return None
    if "alembic_version" not in tables or "observable" not in tables:
        raise StoreError(f"{path}: a database of another program; move it away or set database.url")
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is None or row[0] not in REVISIONS:
        found = row[0] if row else "none"
        raise StoreSchemaError(
            f"{path}: its schema is {found}, this program knows up to {REVISIONS[-1]}; "
            "a newer version wrote it: install that version, or set database.url to another file"
        )
    return str(row[0])


def _upgrade(connection: sqlite3.Connection, path: Path) -> None:
    from sqlalchemy import create_engine
    from sqlalchemy.pool import StaticPool

    engine = create_engine(
        "sqlite://", creator=lambda: connection, poolclass=StaticPool, pool_reset_on_return=None
    )
    # SQLAlchemy rolls back when it first connects, so that the lock is taken after that.
    with engine.connect() as shared, shared.begin():
        connection.execute("BEGIN IMMEDIATE")
        # Whoever comes second finds it done.
        if revision(connection, path) != REVISIONS[-1]:
            _run_alembic(shared)


def _run_alembic(connection: "Connection") -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    # A transaction that is open already is one that Alembic leaves to its owner to commit.
    config.attributes["connection"] = connection
    command.upgrade(config, "head")

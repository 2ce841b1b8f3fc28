"""Bring a database to the schema of this program.

Alembic costs a quarter of a second to import, so that it is imported only when there is something to do.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import StoreError, StoreSchemaError
from core.store.databases import database_at, queue_schema, sqlite
from core.store.databases.interface import Lock

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from core.store.databases.interface import Connection as DriverConnection
    from core.store.databases.postgresql import PostgresqlDatabase

MIGRATIONS = Path(__file__).with_name("migrations")
REVISIONS: tuple[str, ...] = ("0001", "0002", "0003", "0004", "0005", "0006")
"""All revisions, oldest first; a test compares them with the folder."""

_FILE_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
# Other programs may have their own schemas there, and a queue its tables in ours.
_SERVER_TABLES = (
    "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename NOT LIKE 'procrastinate%'"
)


def upgrade(url: str) -> tuple[str | None, str]:
    """Make the database that *url* names, or bring it up to date; return the revisions it was at and is at.

    Safe when several processes do it at once: one does it, the others wait and find it done.

    Raises:
        StoreSchemaError: A newer program wrote it.
        StoreError: It is another program's, damaged, cannot be reached, or may not be written.
    """
    database = database_at(url)
    if isinstance(database, sqlite.SqliteDatabase):
        before = _known(database.path)
        database.make_ready()
        return before, REVISIONS[-1]
    from core.store.databases.postgresql import PostgresqlDatabase

    assert isinstance(database, PostgresqlDatabase)  # noqa: S101 - for the type checker
    return _upgrade_server(database), REVISIONS[-1]


def migrate(path: Path) -> None:
    """Make the database at *path*, or bring it up to date; do nothing if it is.

    Safe when several processes do it at once: one migrates, the others wait and find it done.

    Raises:
        StoreSchemaError: A newer program wrote it.
        StoreError: It is another program's, damaged, or cannot be written.
    """
    connection = sqlite.connect(path)
    try:
        with sqlite.errors(path):
            if revision(connection, str(path)) == REVISIONS[-1]:
                return
            sqlite.use_wal(connection)
            _upgrade_file(connection, path)
    finally:
        connection.close()


def check_server(database: "PostgresqlDatabase") -> None:
    """Do nothing if a database on a server has the schema of this program; others may be using an older one.

    Raises:
        StoreSchemaError: It is at another revision, or empty.
        StoreError: It is another program's, or cannot be reached.
    """
    connection = database.connect()
    try:
        with database.errors():
            database.refuse_unfit(connection)
            found = revision(connection, database.label, _SERVER_TABLES)
            if found == REVISIONS[-1]:
                queue_schema.check(connection, database.label)
    finally:
        connection.close()
    if found != REVISIONS[-1]:
        what = "is empty" if found is None else f"has the schema {found}, this program needs {REVISIONS[-1]}"
        raise StoreSchemaError(
            f"{database.label}: the database {what}; bring it up to date with: yetictl db upgrade"
        )


def revision(connection: "DriverConnection", label: str, tables: str = _FILE_TABLES) -> str | None:
    """Return the revision the database is at, ``None`` if it is empty.

    Args:
        connection: Of the database.
        label: What it is called in messages.
        tables: SQL for the names of its tables.

    Raises:
        StoreSchemaError: A newer program wrote it.
        StoreError: It is another program's.
    """
    known = {name for (name,) in connection.execute(tables)}
    if not known:
        return None
    if "alembic_version" not in known or "observable" not in known:
        raise StoreError(f"{label}: a database of another program; move it away or set database.url")
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is None or row[0] not in REVISIONS:
        found = row[0] if row else "none"
        raise StoreSchemaError(
            f"{label}: its schema is {found}, this program knows up to {REVISIONS[-1]}; "
            "a newer version wrote it: install that version, or set database.url to another database"
        )
    return str(row[0])


def _known(path: Path) -> str | None:
    if not path.is_file():
        return None
    connection = sqlite.connect(path)
    try:
        with sqlite.errors(path):
            return revision(connection, str(path))
    finally:
        connection.close()


def _upgrade_file(connection: sqlite.SqliteConnection, path: Path) -> None:
    from sqlalchemy import create_engine
    from sqlalchemy.pool import StaticPool

    engine = create_engine(
        "sqlite://", creator=lambda: connection, poolclass=StaticPool, pool_reset_on_return=None
    )
    # SQLAlchemy rolls back when it first connects, so that the lock is taken after that.
    with engine.connect() as shared, shared.begin():
        connection.execute("BEGIN IMMEDIATE")
        # Whoever comes second finds it done.
        if revision(connection, str(path)) != REVISIONS[-1]:
            _run_alembic(shared)


def _upgrade_server(database: "PostgresqlDatabase") -> str | None:
    engine = database.engine()
    try:
        with database.errors(), engine.connect() as idle:
            connection = idle.execution_options(lock=Lock.SCHEMA)
            with connection.begin():
                driver = database.under(connection)
                database.refuse_unfit(driver)
                before = revision(driver, database.label, _SERVER_TABLES)
                # Whoever comes second finds it done.
                if before != REVISIONS[-1]:
                    _run_alembic(connection)
                queue_schema.apply(database.under(connection), database.label)
        return before
    finally:
        engine.dispose()


def _run_alembic(connection: "Connection") -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    # A transaction that is open already is one that Alembic leaves to its owner to commit.
    config.attributes["connection"] = connection
    command.upgrade(config, "head")

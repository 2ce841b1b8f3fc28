"""Bring a database to the schema of this program, or say whether this program may use one that is newer.

Each migration from 0007 on puts down the oldest revision whose programs may use the tables as they are after it: one
that only adds leaves it where it was, so that hosts are upgraded one after the other; decision 0104 says how.

Alembic costs a quarter of a second to import, so that it is imported only when there is something to do.
"""

from dataclasses import dataclass
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
REVISIONS: tuple[str, ...] = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009")
"""All revisions, oldest first; a test compares them with the folder."""

_FILE_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
# Other programs may have their own schemas there, and a queue its tables in ours.
_SERVER_TABLES = (
    "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename NOT LIKE 'procrastinate%'"
)


@dataclass(frozen=True, slots=True)
class Schema:
    """The schema of a database.

    Attributes:
        revision: Where it is.
        usable_by: The oldest revision whose programs may use it; empty where that is not known.
    """

    revision: str
    usable_by: str

    @property
    def is_older(self) -> bool:
        """Whether this program has a newer one."""
        return self.revision in REVISIONS[:-1]

    @property
    def is_newer(self) -> bool:
        """Whether a newer program made it."""
        return self.revision not in REVISIONS

    @property
    def is_usable(self) -> bool:
        """Whether this program may read and write what is there as it is."""
        return self.usable_by in REVISIONS if self.is_newer else not self.is_older


def upgrade(url: str) -> tuple[str | None, str]:
    """Make the database that *url* names, or bring it up to date; return the revisions it was at and is at.

    One that is newer, and may be used by this program, is left as it is.
    Safe when several processes do it at once: one does it, the others wait and find it done.

    Raises:
        StoreSchemaError: A newer program wrote it, and this one may not use it.
        StoreError: It is another program's, damaged, cannot be reached, or may not be written.
    """
    database = database_at(url)
    if isinstance(database, sqlite.SqliteDatabase):
        before = _known(database.path)
        database.make_ready()
    else:
        from core.store.databases.postgresql import PostgresqlDatabase

        assert isinstance(database, PostgresqlDatabase)  # noqa: S101 - for the type checker
        before = _upgrade_server(database)
    if before is not None and before.is_newer:
        return before.revision, before.revision
    return before.revision if before else None, REVISIONS[-1]


def migrate(path: Path) -> None:
    """Make the database at *path*, or bring it up to date; do nothing if it is, or is newer and may be used.

    Safe when several processes do it at once: one migrates, the others wait and find it done.

    Raises:
        StoreSchemaError: A newer program wrote it, and this one may not use it.
        StoreError: It is another program's, damaged, or cannot be written.
    """
    connection = sqlite.connect(path)
    try:
        with sqlite.errors(path):
            if not _wants_upgrade(schema_of(connection, str(path))):
                return
            sqlite.use_wal(connection)
            # A table may have to be dropped and made anew, and what refers to it stays.  In a transaction this has no
            # effect any more.
            connection.execute("PRAGMA foreign_keys = OFF")
            _upgrade_file(connection, path)
    finally:
        connection.close()


def check_server(database: "PostgresqlDatabase") -> None:
    """Do nothing if a database on a server can be used by this program as it is; others may be using an older one.

    Raises:
        StoreSchemaError: It is at an older revision, or empty, or at a newer one that this program may not use.
        StoreError: It is another program's, or cannot be reached.
    """
    connection = database.connect()
    try:
        with database.errors():
            database.refuse_unfit(connection)
            found = schema_of(connection, database.label)
            if not _wants_upgrade(found):
                queue_schema.check(connection, database.label)
    finally:
        connection.close()
    if _wants_upgrade(found):
        has = found and f"has the schema {found.revision}, this program needs {REVISIONS[-1]}"
        what = has or "is empty"
        raise StoreSchemaError(
            f"{database.label}: the database {what}; bring it up to date with: yetictl db upgrade"
        )


def tables_of(connection: "DriverConnection") -> frozenset[str]:
    """Return the names of the tables that a database has, without those of a queue."""
    is_file = isinstance(connection, sqlite.SqliteConnection)
    return frozenset(name for (name,) in connection.execute(_FILE_TABLES if is_file else _SERVER_TABLES))


def schema_of(connection: "DriverConnection", label: str) -> Schema | None:
    """Return the schema of the database, ``None`` if it is empty.

    Args:
        connection: Of the database.
        label: What it is called in messages.

    Raises:
        StoreSchemaError: A newer program wrote it, and this one may not use it.
        StoreError: It is another program's.
    """
    known = tables_of(connection)
    if not known:
        return None
    if "alembic_version" not in known or "observable" not in known:
        raise StoreError(f"{label}: a database of another program; move it away or set database.url")
    found = read(connection, has_floor="schema_revision" in known)
    if found.is_newer and not found.is_usable:
        raise StoreSchemaError(
            f"{label}: its schema is {found.revision or 'none'}, this program knows up to {REVISIONS[-1]}; "
            "a newer version wrote it: install that version, or set database.url to another database"
        )
    return found


def read(connection: "DriverConnection", *, has_floor: bool = True) -> Schema:
    """Return the schema of a database of ours; *has_floor* says whether it has the table ``schema_revision``."""
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    revision = str(row[0]) if row else ""
    if revision in REVISIONS or not has_floor:
        return Schema(revision, "")
    floor = connection.execute("SELECT usable_by FROM schema_revision WHERE revision = ?", (revision,)).fetchone()
    return Schema(revision, str(floor[0]) if floor else "")


def _wants_upgrade(found: Schema | None) -> bool:
    return found is None or found.is_older


def _known(path: Path) -> Schema | None:
    if not path.is_file():
        return None
    connection = sqlite.connect(path)
    try:
        with sqlite.errors(path):
            return schema_of(connection, str(path))
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
        if _wants_upgrade(schema_of(connection, str(path))):
            _run_alembic(shared)


def _upgrade_server(database: "PostgresqlDatabase") -> Schema | None:
    engine = database.engine()
    try:
        with database.errors(), engine.connect() as idle:
            connection = idle.execution_options(lock=Lock.SCHEMA)
            with connection.begin():
                driver = database.under(connection)
                database.refuse_unfit(driver)
                before = schema_of(driver, database.label)
                # Whoever comes second finds it done.
                if _wants_upgrade(before):
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

"""The tables of Procrastinate, in a schema of their own beside ours; decision 0102 says why.

Its package has its migrations as files; which was applied last is put down, since it does not do that itself.
"""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import StoreError, StoreSchemaError

if TYPE_CHECKING:
    from core.store.databases.postgresql_connection import PostgresqlConnection

# What is looked up without a schema is found there, too; what is made without one is made in ours.
SEARCH_PATH = (
    "SELECT set_config('search_path', current_setting('search_path') || ', '"
    " || quote_ident(current_schema() || '_queue'), false) WHERE current_schema() IS NOT NULL"
)


def apply(connection: "PostgresqlConnection", label: str) -> bool:
    """Make the tables of the queue, or bring them to the Procrastinate that is installed; say whether that was needed.

    Args:
        connection: In a transaction that holds the lock of the schema.
        label: What the database is called in messages.

    Raises:
        StoreSchemaError: A newer Procrastinate made them.
        StoreError: The user may not make a schema; Procrastinate is not installed.
    """
    folder, known = _installed()
    found = _applied(connection)
    if found == known[-1]:
        return False
    if found is not None and found not in known:
        raise StoreSchemaError(_newer(label, found, known[-1]))
    if found is None:
        _make_schema(connection, label)
    raw = connection.raw
    before = connection.execute("SELECT current_setting('search_path')").fetchone()[0]
    connection.execute("SELECT set_config('search_path', quote_ident(current_schema() || '_queue'), true)")
    if found is None:
        raw.execute((folder.parent / "schema.sql").read_bytes())
        connection.execute("CREATE TABLE yeti_queue_version (migration text NOT NULL)")
        connection.execute("INSERT INTO yeti_queue_version VALUES (?::text)", (known[-1],))
    else:
        for path in _files(folder):
            if _number(path) > found:
                raw.execute(path.read_bytes())
        connection.execute("UPDATE yeti_queue_version SET migration = ?::text", (known[-1],))
    connection.execute("SELECT set_config('search_path', ?::text, true)", (before,))
    return True


def check(connection: "PostgresqlConnection", label: str) -> None:
    """Do nothing if the tables of the queue are those of the Procrastinate that is installed.

    Raises:
        StoreSchemaError: They are not.
        StoreError: Procrastinate is not installed.
    """
    _, known = _installed()
    found = _applied(connection)
    if found == known[-1]:
        return
    if found is not None and found not in known:
        raise StoreSchemaError(_newer(label, found, known[-1]))
    what = "are missing" if found is None else f"are at {found}, this installation needs {known[-1]}"
    raise StoreSchemaError(
        f"{label}: the tables of the queue {what}; bring them up to date with: yetictl db upgrade"
    )


def _newer(label: str, found: str, known: str) -> str:
    return (
        f"{label}: the tables of the queue are at {found}, the Procrastinate that is installed knows up to {known}; "
        "install the one that the newer installation has"
    )


def _installed() -> tuple[Path, list[str]]:
    # Not imported: a database is opened often, and this is all that is asked of it then.
    spec = find_spec("procrastinate")
    if spec is None or not spec.submodule_search_locations:
        raise StoreError(
            "database.url: PostgreSQL needs a package that is not installed; "
            "type, in the project's folder: pip install '.[postgres]'"
        )
    folder = Path(spec.submodule_search_locations[0]) / "sql" / "migrations"
    return folder, [_number(path) for path in _files(folder)]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.sql") if re.match(r"\d\d\.\d\d\.\d\d_\d\d_", path.name))


def _number(path: Path) -> str:
    return path.name[:11]


def _applied(connection: "PostgresqlConnection") -> str | None:
    if connection.execute("SELECT to_regclass('yeti_queue_version')").fetchone()[0] is None:
        return None
    row = connection.execute("SELECT migration FROM yeti_queue_version").fetchone()
    return None if row is None else str(row[0])


def _make_schema(connection: "PostgresqlConnection", label: str) -> None:
    name, is_there, may = connection.execute(
        "SELECT quote_ident(current_schema() || '_queue'), to_regnamespace(quote_ident(current_schema() || '_queue'))"
        " IS NOT NULL, has_database_privilege(current_database(), 'CREATE')"
    ).fetchone()
    if is_there:
        return
    if not may:
        raise StoreError(
            f"{label}: this user may not make the schema of the queue; "
            f"let the owner of the database type: CREATE SCHEMA {name} AUTHORIZATION <user>"
        )
    connection.execute(f"CREATE SCHEMA {name}")

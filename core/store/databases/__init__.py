"""The databases that a store can lie in; `interface` says what each has to give."""

from core.errors import StoreError
from core.store.databases.interface import Database

SERVER_SCHEMES = frozenset({"postgresql", "postgres"})


def database_at(url: str) -> Database:
    """Return the database that *url* names; it is not opened.

    Raises:
        StoreError: There is no such kind of database, or the URL names none.
    """
    scheme, separator, _ = url.partition("://")
    if separator and scheme in SERVER_SCHEMES:
        from core.store.databases.postgresql import PostgresqlDatabase

        return PostgresqlDatabase(url)
    if separator and scheme == "sqlite":
        from core.store.databases.sqlite import SqliteDatabase, path_of

        return SqliteDatabase(path_of(url))
    raise StoreError(
        f"database.url: {scheme}:// is not a database that this version "
        "knows; known: sqlite:///PATH and postgresql://USER@HOST/DATABASE"
    )

"""Databases as programs before this one left them."""

from alembic import command
from alembic.config import Config

from core.store import migrate
from core.store.databases import database_at
from core.store.databases.interface import Lock


def make_older(url: str, revision: str) -> None:
    """Make the tables that programs had at a revision, in an empty database."""
    engine = database_at(url).engine()
    try:
        with engine.connect() as idle:
            connection = idle.execution_options(lock=Lock.SCHEMA)
            if engine.dialect.name == "sqlite":  # as the program itself does it, see core/store/migrate.py
                idle.connection.driver_connection.execute("PRAGMA foreign_keys = OFF")
            with connection.begin():
                config = Config()
                config.set_main_option("script_location", str(migrate.MIGRATIONS))
                config.attributes["connection"] = connection
                command.upgrade(config, revision)
    finally:
        engine.dispose()

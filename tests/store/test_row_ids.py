"""Row ids by which programs know things are never given again, and no database loses a row by that."""

import sqlite3
from contextlib import closing

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import StaticPool, create_engine

from core.schemas.export import ExportDefinition
from core.store import consumers, copying, definitions, jobs, kept_templates, migrate, open_store, users
from core.store.databases import database_at, sqlite
from core.store.databases.interface import Lock
from core.store.task_states import task_states
from tests.store.conftest import NOW

EXPORT = ExportDefinition("x", "x.txt", format="list", created_at=NOW)
TABLES = ("template", "export", "user", "api_key", "run", "job")


def add_key(store, name):
    """A key of the user."""
    return users.add_key(
        store, "ann", name, begin="yeti_", sha256=name * 8, scopes=(), expires_at=None, by="me", now=NOW
    )


def last(store, table):
    """The highest id of a table."""
    with closing(store.connect()) as connection:
        return connection.execute(f'SELECT max(id) FROM "{table}"').fetchone()[0]


def test_what_is_new_has_another_id(store):
    """Of whatever was removed last the id is not that of what is made next: an address means one thing, for ever."""
    before = {}
    for turn in range(2):
        definitions.add_export(store, EXPORT)
        kept_templates.put_template(store, "t", "", NOW)
        users.add_user(store, "ann", "editor", "x", by="me", now=NOW)
        consumers.add_consumer(
            store, "fw", description="", networks=(), all_exports=True, exports=(), by="me", now=NOW
        )
        add_key(store, "k")
        jobs.request(store, "x", by="me", now=NOW)
        with store.writing() as connection:
            connection.exec_driver_sql(
                "INSERT INTO run (export_id, lease_number, started_at, status, message, outcome)"
                " SELECT id, 1, 1, 'failed', '', '' FROM export"
            )
        ids = {table: last(store, table) for table in (*TABLES, "consumer")}
        assert turn == 0 or all(ids[table] > before[table] for table in ids), (before, ids)
        before = ids
        definitions.remove_export(store, "x")
        kept_templates.remove_template(store, "t")
        users.remove_user(store, "ann", by="me", now=NOW)
        consumers.remove_consumer(store, "fw", by="me", now=NOW)


def test_nor_after_a_copy(store, tmp_path):
    """The other database, which has none of the rows that are gone, goes on behind them all the same."""
    definitions.add_export(store, EXPORT)
    definitions.add_export(store, ExportDefinition("y", "y.txt", format="list", created_at=NOW))
    gone = task_states(store, NOW)["y"].id
    definitions.remove_export(store, "y")
    with open_store(f"sqlite:///{tmp_path}/other.db") as other:
        copying.copy(store.database, other.database)
        definitions.add_export(other, ExportDefinition("z", "z.txt", format="list", created_at=NOW))

        assert task_states(other, NOW)["z"].id > gone
        assert task_states(other, NOW)["x"].id == task_states(store, NOW)["x"].id


def at_revision(path, revision):
    """Make a database of an older version of this program."""
    connection = sqlite.connect(path)
    connection.execute("PRAGMA foreign_keys = OFF")  # as for every upgrade
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    with engine.connect() as shared, shared.begin():
        upgrade_to(revision, shared)
    connection.close()


def upgrade_to(revision, shared):
    """Run the migrations up to a revision."""
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    config.attributes["connection"] = shared
    command.upgrade(config, revision)


def test_a_server_keeps_its_ids(postgresql):
    """There a column is all that is new: the key that each export's versions have had."""
    url = postgresql.make()
    try:
        database = database_at(url)
        engine = database.engine()
        with engine.execution_options(lock=Lock.SCHEMA).connect() as shared, shared.begin():
            upgrade_to("0006", shared)
            shared.exec_driver_sql(
                "INSERT INTO export (name, destination, file_name, format, template, selection, options, limits,"
                " schedule, description, enabled, created_at, modified_at)"
                f" VALUES ('Old one', '', 'x.txt', 'list', '', '{{}}', '{{}}', '{{}}', '', '', true, {NOW}, {NOW})"
            )
        engine.dispose()
        assert ("0006", migrate.REVISIONS[-1]) == migrate.upgrade(url)
        with open_store(url) as store:
            item = definitions.get_export(store, "Old one")
            definitions.add_export(store, ExportDefinition("y", "y.txt", format="list", created_at=NOW))
            assert 2 == task_states(store, NOW)["y"].id
    finally:
        postgresql.drop(url)

    # printf 'Old one\0001767225600000000' | sha256sum
    assert "old-one-9240ec16" == item.versions_key


def fill(path):
    """Put two rows into every table of a database, whatever it has, and return all rows."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        tables = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not name.startswith(("sqlite_", "alembic")) and name != "schema_revision"
        ]
        for table in tables:
            connection.execute(f'DELETE FROM "{table}"')
            columns = connection.execute(f'PRAGMA table_info("{table}")').fetchall()
            for number in (3, 7):
                row = [
                    number if "INT" in kind or kind == "BOOLEAN" else f"{table} {number}"
                    for _, _, kind, *_ in columns
                ]
                connection.execute(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(row))})', row)
        connection.commit()
        return rows(connection, tables)


def rows(connection, tables):
    connection.row_factory = sqlite3.Row
    return {
        table: [dict(row) for row in connection.execute(f'SELECT * FROM "{table}" ORDER BY 1, 2')]
        for table in tables
    }


@pytest.mark.sqlite
@pytest.mark.parametrize("revision", migrate.REVISIONS[:-1])
def test_every_older_database_keeps_all_rows(tmp_path, revision):
    """Whatever version made it: each row of each table is there, refers to what it did, and new ids follow the old."""
    path = tmp_path / "yeti.db"
    at_revision(path, revision)
    before = fill(path)
    migrate.migrate(path)

    with closing(sqlite3.connect(path)) as connection:
        assert [] == connection.execute("PRAGMA foreign_key_check").fetchall()
        after = rows(connection, before)
        for table, found in before.items():
            kept = [{key: row[key] for key in found[0]} for row in after[table]]
            assert found == kept, table
        numbers = dict(connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
    assert {7} == {numbers[table] for table in TABLES if table in before}
    if "versions_key" not in before["export"][0]:
        assert {"export-3", "export-7"} == {row["versions_key"].rpartition("-")[0] for row in after["export"]}

"""A database is made, found as it should be, brought up to date, or refused with a reason."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from core.errors import StoreBusy, StoreError, StoreSchemaError
from core.store import kept_templates, migrate, open_store, schema
from core.store.databases import sqlite
from core.testing.together import in_children


@pytest.fixture
def path(tmp_path):
    return tmp_path / "yeti.db"


def statements(path):
    """What SQLite keeps of each table and index, in one spelling."""
    with sqlite3.connect(path) as connection:
        found = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE name <> 'alembic_version'"
        ).fetchall()
    connection.close()
    return {name: " ".join((sql or "").replace('"', "").split()) for name, sql in found if "alembic" not in name}


def test_migrated_equals_metadata(path, tmp_path):
    """A migrated database has the tables, columns, keys and indexes of ``core.store.schema``, to the letter."""
    migrate.migrate(path)
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert [] == compare_metadata(MigrationContext.configure(connection), schema.metadata)
    engine.dispose()
    plain = create_engine(f"sqlite:///{tmp_path}/plain.db")
    schema.metadata.create_all(plain)
    plain.dispose()

    assert statements(tmp_path / "plain.db") == statements(path)
    assert "WITHOUT ROWID" in statements(path)["assertion"]


def test_known_revisions_are_those_of_the_folder():
    """The list that spares the import of Alembic is complete and in order."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    revisions = [item.revision for item in ScriptDirectory.from_config(config).walk_revisions()]

    assert list(migrate.REVISIONS) == revisions[::-1]


def test_every_migration_says_who_may_go_on(path):
    """From the first that knows the rule on there is a row for each, of a program that there is; it never goes back."""
    migrate.migrate(path)
    with sqlite3.connect(path) as connection:
        said = connection.execute("SELECT revision, usable_by FROM schema_revision ORDER BY revision").fetchall()
    connection.close()

    assert ("0007", "0007") == said[0]
    assert [item for item in migrate.REVISIONS if item >= "0007"] == [revision for revision, _ in said]
    assert all("0007" <= usable_by <= revision for revision, usable_by in said)
    assert sorted(usable_by for _, usable_by in said) == [usable_by for _, usable_by in said]


def test_alembic_is_not_imported_for_nothing(path):
    """Opening a database that is up to date does not pay for Alembic or SQLAlchemy's engine."""
    url = f"sqlite:///{path}"
    open_store(url).close()
    code = f"import sys; from core.store import open_store; open_store({url!r}); print('alembic' in sys.modules)"

    assert (
        "False\n"
        == subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    )


def test_a_newer_database_is_refused(path):
    """What a newer program wrote is refused, with what to do, and stays as it is."""
    open_store(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()

    with pytest.raises(StoreSchemaError, match=r"9999.*newer version wrote it"):
        open_store(f"sqlite:///{path}")


def test_a_foreign_database_is_refused(path):
    """A database of another program is not touched."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()

    with pytest.raises(StoreError, match="database of another program"):
        open_store(f"sqlite:///{path}")
    assert ["theirs"] == list(statements(path))


def test_no_database_at_all_is_refused(path):
    """A file that is no database is not touched."""
    path.write_text("values\n1.2.3.4\n" * 100)

    with pytest.raises(StoreError, match="not a database of this program"):
        open_store(f"sqlite:///{path}")
    assert path.read_text().startswith("values")


def test_a_failed_migration_leaves_nothing(path, monkeypatch):
    """A migration is whole or not at all."""

    def broken(*args, **kwargs):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("alembic.op.create_index", broken)
    with pytest.raises(StoreError, match="disk of the database failed"):
        open_store(f"sqlite:///{path}")
    monkeypatch.undo()

    assert {} == statements(path)
    open_store(f"sqlite:///{path}").close()


def test_many_processes_make_one_database(tmp_path):
    """Processes that open a new database at once all succeed, each time."""
    for number in range(20):
        path = tmp_path / f"{number}.db"
        ends = in_children(lambda _, url=f"sqlite:///{path}": open_store(url).close(), 4)

        assert [] == [end.why for end in ends if end != "done"]
        assert "observable" in statements(path)


@pytest.mark.parametrize("refusals", [3, 10**9], ids=["for a moment", "for ever"])
def test_a_switch_that_sqlite_does_not_wait_for(path, monkeypatch, refusals):
    """Of several that switch to a write-ahead log at once, SQLite sends some away without any wait: they ask again."""
    asked = []

    class Refused(sqlite3.Connection):
        def execute(self, statement, *values):
            if statement == "PRAGMA journal_mode = WAL":
                asked.append(statement)
                if len(asked) <= refusals:
                    raise sqlite3.OperationalError("database is locked")
            return super().execute(statement, *values)

    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0.2 if refusals > 3 else 60)
    with closing(sqlite3.connect(path, factory=Refused)) as connection:
        if refusals > 3:
            with pytest.raises(StoreBusy, match="try again"), sqlite.errors(path):
                sqlite.use_wal(connection)
        else:
            sqlite.use_wal(connection)
            assert ("wal",) == connection.execute("PRAGMA journal_mode").fetchone()
    assert len(asked) > 3


def test_a_switch_that_fails_is_not_tried_again(path):
    """Waiting helps against a lock, and against nothing else."""
    asked = []

    class Failing(sqlite3.Connection):
        def execute(self, statement, *values):
            if statement == "PRAGMA journal_mode = WAL":
                asked.append(statement)
                raise sqlite3.OperationalError("attempt to write a readonly database")
            return super().execute(statement, *values)

    with (
        closing(sqlite3.connect(path, factory=Failing)) as connection,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        sqlite.use_wal(connection)
    assert len(asked) == 1


def test_where_there_is_no_write_ahead_log_there_is_none():
    """SQLite then stays as it is and says nothing; so do we."""
    with closing(sqlite3.connect(":memory:")) as connection:
        sqlite.use_wal(connection)

        assert ("memory",) == connection.execute("PRAGMA journal_mode").fetchone()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "nonsense", "mysql://x", "sqlite://host/x"])
def test_urls_that_name_no_file(url):
    """A URL that this version cannot use says what would do."""
    with pytest.raises(StoreError, match=r"database\.url: .*sqlite:///PATH"):
        open_store(url)


def test_paths_of_urls():
    """Three slashes are a relative path, four an absolute one; escapes are undone."""
    assert Path("/var/lib/yeti.db") == sqlite.path_of("sqlite:////var/lib/yeti.db")
    assert Path.cwd() / "my data/yeti.db" == sqlite.path_of("sqlite:///my%20data/yeti.db")


@pytest.mark.parametrize(
    ("kind", "refused"), [("nfs4", True), ("cifs", True), ("fuse.sshfs", True), ("ext4", False), ("9p", False)]
)
def test_network_file_systems_are_refused(tmp_path, kind, refused):
    """A database on a network file system would be damaged by several processes."""
    mounts = tmp_path / "mounts"
    mounts.write_text(f"rootfs / ext4 rw 0 0\nserver:/x /mnt/far\\040away {kind} rw 0 0\n")
    place = Path("/mnt/far away/yeti.db")
    if refused:
        with pytest.raises(StoreError, match=f"network file system \\({kind}\\)"):
            sqlite.refuse_network_file_system(place, mounts)
    else:
        sqlite.refuse_network_file_system(place, mounts)
    sqlite.refuse_network_file_system(Path("/mnt/far/yeti.db"), mounts)
    sqlite.refuse_network_file_system(place, tmp_path / "none")


def test_a_folder_that_cannot_be_made(tmp_path):
    """Where the folder of the database cannot be made, the message names it."""
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match=f"{tmp_path}/file/deep: the folder of the database cannot be made"):
        open_store(f"sqlite:///{tmp_path}/file/deep/yeti.db")


def test_a_folder_where_the_database_should_be(tmp_path):
    """A folder is no database."""
    with pytest.raises(StoreError, match="the database cannot be opened"):
        open_store(f"sqlite:///{tmp_path}")


@pytest.fixture
def folder_of_nobody():
    """A folder that belongs to a user without rights, and that user, as which a block may run."""
    user = 65_534 if os.geteuid() == 0 else os.geteuid()
    folder = Path(tempfile.mkdtemp(prefix="yeti-test-"))  # not tmp_path: only its owner may look into that
    os.chown(folder, user, -1)

    @contextmanager
    def as_nobody():
        before = os.geteuid()
        os.seteuid(user)
        try:
            yield
        finally:
            os.seteuid(before)

    yield folder, as_nobody
    folder.chmod(0o700)
    shutil.rmtree(folder)


def test_a_read_only_folder(folder_of_nobody):
    """A folder that may not be written gives a clear error."""
    folder, as_nobody = folder_of_nobody
    folder.chmod(0o500)

    with as_nobody(), pytest.raises(StoreError, match="the database cannot be opened"):
        open_store(f"sqlite:///{folder}/yeti.db")
    with as_nobody(), pytest.raises(StoreError, match="the folder of the database cannot be made"):
        open_store(f"sqlite:///{folder}/deeper/yeti.db")


def test_a_read_only_database(folder_of_nobody):
    """A database that may be read and not written gives a clear error, and stays as it is."""
    folder, as_nobody = folder_of_nobody
    url = f"sqlite:///{folder}/yeti.db"
    open_store(url).close()
    for file in folder.iterdir():
        file.chmod(0o444)
    before = (folder / "yeti.db").read_bytes()

    with as_nobody(), pytest.raises(StoreError, match="may not be written by this user"), open_store(url) as store:
        kept_templates.put_template(store, "x", "", 0)
    assert before == (folder / "yeti.db").read_bytes()


@pytest.mark.parametrize(
    ("said", "explained"),
    [
        ("database is locked", "another process has been writing"),
        ("attempt to write a readonly database", "may not be written by this user"),
        ("database or disk is full", "no space is left"),
        ("database disk image is malformed", "damaged .yetictl db verify looks where.; restore a backup"),
        ("something else", "something else"),
    ],
)
def test_the_drivers_errors_are_explained(path, said, explained):
    """What the driver says becomes an error of ours, with the file and what to do."""
    with pytest.raises(StoreError, match=f"{path}: .*{explained}"), sqlite.errors(path):
        raise sqlite3.OperationalError(said)

"""``yetictl db``, and the other commands on a database that lies on a server."""

import sqlite3
import time
from contextlib import closing

import pytest
from damaged_files import overwrite_table, tear_table, without_index
from older_schemas import make_older
from schema_ahead import ADDS, upgrade_ahead
from sqlalchemy import update

from core.actor import system_user
from core.cli import db_output
from core.errors import StoreDamaged
from core.store import audit, migrate, open_store, rebuild
from core.store.databases import database_at
from core.store.schema import assertion, observable


@pytest.fixture
def empty_url(postgresql, monkeypatch, yetictl, tmp_path):
    """An empty database on a server, which the commands use; the address has a password, which nothing may show."""
    made = postgresql.make()
    url = made.replace("postgres@", "postgres:hunter2secret@")
    monkeypatch.setenv("YETI_DATABASE_URL", url)
    monkeypatch.setenv("YETI_SYSTEM_VERSIONS_PATH", str(tmp_path / "home/versions"))
    yield url
    postgresql.drop(made)


def test_an_empty_database_is_made_by_upgrade(yetictl, empty_url):
    """Commands refuse it and say what to do; after that they work; a second upgrade has nothing to do."""
    refused = yetictl("observable", "list", status=1)
    made, again = yetictl("db", "upgrade"), yetictl("db", "upgrade")

    assert "the database is empty; bring it up to date with: yetictl db upgrade" in refused.err
    assert "it was empty" in made.err
    assert "the database is up to date" in again.err
    assert ("", "") == (made.out, again.out)
    assert [] == yetictl("observable", "list", "--json").json


def test_an_export_from_a_server(yetictl, empty_url, tmp_path):
    """What is imported into a server is published from there, and the doctor finds nothing to mend."""
    (tmp_path / "list.txt").write_text("evil.example\n192.0.2.7\n")
    yetictl("db", "upgrade")
    yetictl("import", "list.txt", "--tag", "c2")
    yetictl("export", "add", "c2", "--format", "list", "--include", "c2")
    yetictl("export", "run", "c2")
    doctor = yetictl("doctor")

    assert "evil.example\n192.0.2.7\n" == (tmp_path / "home/exports/c2.txt").read_text()
    assert "2 observables in PostgreSQL" in doctor.out


@pytest.mark.parametrize("command", [("config", "show"), ("doctor",), ("observable", "list")])
def test_no_command_shows_the_password(yetictl, empty_url, command):
    """Neither the settings, nor the doctor, nor an error has it."""
    said = yetictl(*command, status=0 if command[0] == "config" else 1)

    assert "postgresql://postgres" in said.out + said.err
    assert "hunter2secret" not in said.out + said.err


@pytest.mark.sqlite
def test_upgrade_of_a_file(yetictl, tmp_path):
    """A file is up to date as soon as it is opened; one that is not there is made."""
    assert "the database is up to date" in yetictl("db", "upgrade").err
    (tmp_path / "home" / "yeti.db").unlink()

    assert "it was empty" in yetictl("db", "upgrade").err
    assert (tmp_path / "home" / "yeti.db").is_file()


@pytest.fixture
def filled(yetictl, tmp_path):
    """A store that has something to copy."""
    (tmp_path / "list.txt").write_text("evil.example\n")
    yetictl("import", "list.txt", "--tag", "c2")


@pytest.mark.sqlite
def test_a_copy_by_files(yetictl, filled, tmp_path, postgresql):
    """Where to and where from may stand in files, which nobody sees in the list of processes."""
    made = postgresql.make()
    url = made.replace("postgres@", "postgres:hunter2secret@")
    (tmp_path / "there.url").write_text(f"{url}\n")
    (tmp_path / "back.url").write_text(f"sqlite:///{tmp_path}/back.db")
    try:
        there = yetictl("db", "copy", "--to-file", "there.url")
        back = yetictl("db", "copy", "--from-file", "there.url", "--to-file", "back.url", "--json")
    finally:
        postgresql.drop(made)

    assert 1 == back.json["tables"]["observable"]
    assert "hunter2secret" not in "".join((there.out, there.err, back.out, back.err))


@pytest.mark.sqlite
def test_a_copy_with_libpqs_own_file(yetictl, filled, tmp_path, postgresql, monkeypatch):
    """A URL without a password takes it from PGPASSFILE, as every program of PostgreSQL does."""
    made = postgresql.make()
    passwords = tmp_path / "passwords"
    passwords.write_text("*:*:*:*:hunter2secret\n")
    passwords.chmod(0o600)
    try:
        with postgresql.asking_for("hunter2secret", made):
            refused = yetictl("db", "copy", "--to", made, status=1)
            monkeypatch.setenv("PGPASSFILE", str(passwords))
            copied = yetictl("db", "copy", "--to", made)
    finally:
        postgresql.drop(made)

    assert "password" in refused.err
    assert "copied " in copied.err


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((), 2, "say where to: --to URL, or --to-file FILE"),
        (("--to", "sqlite:///x.db", "--to-file", "x"), 2, "--to and --to-file exclude each other"),
        (("--to", "sqlite:///x.db", "--from", "sqlite:///y.db", "--from-file", "x"), 2, "--from and --from-file"),
        (("--to-file", "missing"), 1, "missing cannot be read: No such file or directory"),
        (("--to-file", "empty"), 1, "empty is empty; it has to hold the URL of a database"),
    ],
)
def test_a_copy_that_is_not_understood(yetictl, tmp_path, arguments, status, words):
    """It is said what is missing, or too much; nothing is copied."""
    (tmp_path / "empty").write_text("\n")

    assert words in yetictl("db", "copy", *arguments, status=status).err
    assert not (tmp_path / "x.db").exists()


@pytest.fixture
def target(database_of_either):
    """The address of a database in which there is nothing."""
    return database_of_either


@pytest.fixture(params=["restore", "copy"])
def bring(request, yetictl, filled, target, tmp_path, monkeypatch):
    """Put what the store holds into the other database, by either command."""
    if request.param == "copy":
        return lambda *more, **expected: yetictl("db", "copy", "--to", target, *more, **expected)
    yetictl("db", "backup", "saved.backup")
    monkeypatch.setenv("YETI_DATABASE_URL", target)
    monkeypatch.setenv("YETI_SYSTEM_VERSIONS_PATH", str(tmp_path / "home/versions"))
    return lambda *more, **expected: yetictl("db", "restore", "saved.backup", *more, **expected)


def write(url, *statement):
    database = database_at(url)
    with closing(database.connect()) as connection, database.writing(connection):
        connection.execute(*statement)


def read(url, query):
    database = database_at(url)
    with closing(database.connect()) as connection, database.errors():
        return connection.execute(query).fetchall()


REVISION = "SELECT version_num FROM alembic_version"
A_WORKER = "INSERT INTO worker (name, began_at, seen_at) VALUES ('there:1:1', 1, ?)"
A_SOURCE = "INSERT INTO source (id, name) VALUES (7, 'theirs')"


def test_nothing_is_brought_up_to_date_below_a_service(bring, target):
    """A server may be used by services of an older version: the command asks first, and leaves the schema to them."""
    make_older(target, "0006")
    write(target, A_WORKER, (time.time_ns() // 1_000,))

    assert "the service tasks is running (there:1:1); stop it first" in bring(status=1).err
    assert [("0006",)] == read(target, REVISION)


@pytest.mark.parametrize("revision", ["0001", "0006"])
def test_nothing_is_brought_up_to_date_where_something_is(bring, target, revision):
    """However old it is, and whatever tables it has not got: it is not empty, and stays as it is."""
    make_older(target, revision)
    write(target, A_SOURCE)

    assert f"{database_at(target).label} is not empty: it has 1 source" in bring(status=1).err
    assert [(revision,)] == read(target, REVISION)


@pytest.mark.parametrize("revision", [None, "0001", "0006"])
def test_an_older_database_in_which_nothing_is_takes_everything(bring, target, revision):
    """It is brought up to date then, and so is one without any tables."""
    if revision is not None:
        make_older(target, revision)
    bring()

    assert [(migrate.REVISIONS[-1],)] == read(target, REVISION)
    assert [("evil.example",)] == read(target, "SELECT value FROM observable")


def test_a_database_of_another_program_is_left_alone(bring, target):
    """Its tables may be called like ours."""
    write(target, 'CREATE TABLE "user" (theirs integer)')

    assert "a database of another program" in bring(status=1).err
    assert [] == read(target, 'SELECT * FROM "user"')


def test_an_older_database_is_replaced_if_that_is_asked_for(yetictl, filled, target, monkeypatch, tmp_path):
    """What it held is in the backup beside, which goes back."""
    yetictl("db", "backup", "saved.backup")
    make_older(target, "0006")
    write(target, A_SOURCE)
    monkeypatch.setenv("YETI_DATABASE_URL", target)
    monkeypatch.setenv("YETI_SYSTEM_VERSIONS_PATH", str(tmp_path / "home/versions"))
    yetictl("db", "restore", "saved.backup", "--force")
    replaced = read(target, "SELECT name FROM source")
    (aside,) = tmp_path.glob("saved.backup.before-*")
    yetictl("db", "restore", aside, "--force")

    assert ("theirs",) not in replaced
    assert [("theirs",)] == read(target, "SELECT name FROM source")


def test_a_copy_of_a_newer_database_makes_nothing(yetictl, filled, target, new_databases, tmp_path):
    """Tables that this program does not know would be left behind; that is found before there is a target."""
    (tmp_path / "migrations").mkdir()
    upgrade_ahead(new_databases.at(tmp_path / "home/yeti.db"), tmp_path / "migrations", (ADDS, "0007"))

    assert "do that with the newer version" in yetictl("db", "copy", "--to", target, status=1).err
    if target.startswith("sqlite"):
        assert not (tmp_path / "either.db").exists()
    else:
        assert [(0,)] == read(target, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_a_copy_goes_below_no_service_unless_it_is_forced(yetictl, filled, target, force):
    """What was made empty may be in use already."""
    migrate.upgrade(target)
    write(target, A_WORKER, (time.time_ns() // 1_000,))
    said = yetictl("db", "copy", "--to", target, *force, status=0 if force else 1).err

    assert force or f"{database_at(target).label}: the service tasks is running" in said


def test_who_put_it_there_is_in_the_record(bring, target, new_databases, tmp_path):
    """After all that came with it, in the database that was written to, with whoever typed it."""
    source = database_at(new_databases.at(tmp_path / "home/yeti.db")).label
    bring()
    with open_store(target) as store:
        newest, before = audit.entries(store, limit=2)

    assert (newest.action, newest.subject) in {
        ("database restored", "saved.backup"),
        ("database copied", source),
    }
    assert system_user() == newest.actor
    assert newest.detail["rows"] > 1
    assert "import" == before.action


def test_who_replaced_a_database_is_in_the_record(yetictl, filled):
    """Together with what was there, and where that is now; the record of before is replaced like all else."""
    yetictl("db", "backup", "saved.backup")
    yetictl("user", "add", "lena", "--no-password")
    yetictl("db", "restore", "saved.backup", "--force")
    entry, before = yetictl("audit", "--json").json

    assert ("database restored", "saved.backup", system_user()) == (
        entry["action"],
        entry["subject"],
        entry["actor"],
    )
    assert "1 observable, 1 source, 1 tag, 1 user" == entry["detail"]["replaced"]
    assert entry["detail"]["kept_in"].startswith("saved.backup.before-")
    assert entry["detail"]["rows"] > 1
    assert "import" == before["action"]


SUMMARIES = update(observable).values(assertions='[{"tag":')


@pytest.fixture
def damage(yetictl, new_databases, tmp_path):
    """Put a fault into the database, as a disk might; it has seven observables, and an export of them was published."""
    (tmp_path / "list.txt").write_text("".join(f"host{number}.example\n" for number in range(7)))
    yetictl("import", "list.txt", "--tag", "c2")
    yetictl("export", "add", "c2", "--format", "csv", "--include", "c2")
    yetictl("export", "run", "c2")

    def damaged(statement):
        with open_store(new_databases.at(tmp_path / "home" / "yeti.db")) as store, store.writing() as connection:
            connection.execute(statement)

    return damaged


def host(number):
    return observable.c.value == f"host{number}.example"


def test_what_lists_are_made_from_is_what_the_sources_said(yetictl, damage, tmp_path):
    """A difference is found, told and mended, and the next run publishes what it is now."""
    sound = yetictl("db", "verify", "--repair")
    damage(update(observable).where(host(3)).values(assertions="[]"))
    wrong = yetictl("export", "run", "c2")
    found = yetictl("db", "verify", status=3)
    repaired, again = yetictl("db", "verify", "--repair"), yetictl("db", "verify")
    yetictl("export", "run", "c2")
    lines = (tmp_path / "home/exports/c2.csv").read_text().splitlines()

    assert "7 observables: each is what its sources said\n" == sound.err
    assert "c2" in wrong.out + wrong.err
    assert ["hostname  host3.example  not what its sources said"] == found.out.splitlines()[1:]
    assert (
        "1 of 7 observables not as they should be\nmake summaries and indexes anew with: yetictl db verify --repair\n"
        == found.err
    )
    assert "1 observable repaired; the next runs publish what they are now\n" + sound.err == repaired.err
    assert (sound.err, "") == (again.err, again.out)
    assert 8 == len(lines)
    assert "c2" in next(line for line in lines if line.startswith("host3.example"))


def test_what_cannot_be_read_is_told_by_run_and_by_verify(yetictl, damage):
    """The run says what to type; that says what is mended, and what is in a backup only."""
    damage(SUMMARIES)
    damage(update(observable).where(host(0)).values(context="[{"))
    run = yetictl("export", "run", "c2", status=1)
    found = yetictl("db", "verify", "--json", status=3)
    damage(update(assertion).where(assertion.c.observable_id == 2).values(tlp=77))
    repaired = yetictl("db", "verify", "--repair", "--json", status=3)
    left = yetictl("db", "verify", status=3)

    assert "yetictl db verify says which, and --repair what can be mended\n" in run.err
    assert {
        "observables": 7,
        "faults": [
            {"type": "hostname", "value": f"host{number}.example", "what": what}
            for number in range(7)
            for what in ("summary", "context")
            if what == "summary" or number == 0
        ],
        "repaired": 0,
        "indexes_made_anew": False,
    } == found.json
    assert {
        "observables": 7,
        "faults": [
            {"type": "hostname", "value": "host0.example", "what": "context"},
            {"type": "hostname", "value": "host1.example", "what": "sources"},
        ],
        "repaired": 6,
        "indexes_made_anew": False,
    } == repaired.json
    assert "what is lost is in a backup, if there is one: yetictl db restore\n" in left.err
    assert "--repair" not in left.err


def test_what_was_found_is_told_though_repairing_meets_damage(yetictl, damage, monkeypatch):
    """And the command ends as it does when something is wrong."""

    def ends(*_):
        raise StoreDamaged("a page that nobody read before")

    damage(update(observable).where(host(3)).values(assertions="[]"))
    monkeypatch.setattr(rebuild, "rebuild", ends)
    found = yetictl("db", "verify", "--repair", "--json", status=3).json

    assert [("host3.example", "summary"), ("it cannot be read to its end", "file")] == [
        (item["value"], item["what"]) for item in found["faults"]
    ]
    assert 0 == found["repaired"]


def test_no_more_faults_are_printed_than_are_read(yetictl, damage, monkeypatch):
    """The rest is counted; a long value is cut."""
    monkeypatch.setattr(db_output, "_SHOWN", 2)
    monkeypatch.setattr(db_output, "_WIDEST", 10)
    damage(SUMMARIES)
    found = yetictl("db", "verify", status=3)

    assert ["host0.e...", "host1.e..."] == [line.split()[1] for line in found.out.splitlines()[1:]]
    assert "and 5 more; --json prints them all\n7 of 7 observables not as they should be\n" in found.err


@pytest.mark.sqlite
def test_a_file_that_cannot_be_read_is_told_once(yetictl, damage, tmp_path):
    """What there is to do is restoring a backup, not the same command again."""
    overwrite_table(tmp_path / "home" / "yeti.db", "observable")
    run = yetictl("export", "run", "c2", status=1)
    found = yetictl("db", "verify", "--repair", status=3)

    assert "yetictl db verify looks where" in run.err
    assert "it cannot be read to its end  the database is damaged" in found.out
    assert "what is lost is in a backup, if there is one: yetictl db restore\n" == found.err


@pytest.mark.sqlite
def test_nothing_is_made_anew_of_a_damaged_file(yetictl, new_databases, tmp_path):
    """Summaries are the last that is known of what was lost; they stay, and so does what lists are made from."""
    (tmp_path / "list.txt").write_text("".join(f"host{number}.example\n" for number in range(2_000)))
    yetictl("import", "list.txt", "--tag", "c2")
    place = tmp_path / "home" / "yeti.db"
    tear_table(place, "assertion")
    found = yetictl("db", "verify", "--repair", "--json", status=3)
    said = yetictl("db", "verify", status=3)
    with closing(sqlite3.connect(place)) as connection:
        (left,) = connection.execute("SELECT count(*) FROM observable WHERE assertions <> '[]'").fetchone()

    assert {"file", "lost"} <= {fault["what"] for fault in found.json["faults"]}
    assert (0, False) == (found.json["repaired"], found.json["indexes_made_anew"])
    assert 2_000 == left
    assert "what is lost is in a backup" in said.err
    assert "--repair" not in said.err


@pytest.mark.sqlite
def test_an_index_is_made_anew_and_that_is_said(yetictl, tmp_path):
    """What lists lacked for it is on the next one."""
    (tmp_path / "one.txt").write_text("one.example\n")
    (tmp_path / "two.txt").write_text("two.example\n")
    yetictl("import", "one.txt", "--tag", "c2")
    with without_index(tmp_path / "home" / "yeti.db", "uq_observable_type_value"):
        yetictl("import", "two.txt", "--tag", "c2")
    found = yetictl("db", "verify", status=3)
    repaired = yetictl("db", "verify", "--repair")

    assert "an index of the database is damaged" in found.out
    assert "make summaries and indexes anew with: yetictl db verify --repair\n" in found.err
    assert "indexes made anew; lists may have lacked what they did not find" in repaired.err
    assert "2 observables: each is what its sources said\n" in repaired.err

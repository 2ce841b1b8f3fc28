"""A store is copied from a file to a server and back: the same rows, the same bytes, the same numbers afterwards."""

import shutil
import threading
from contextlib import closing

import pytest
from defined_exports import defined
from older_schemas import make_older

from core.errors import StoreError
from core.exports.run import run_export
from core.exports.settings import Settings
from core.exports.versions.verify import verify as verify_export
from core.schemas.instant import DAY, SECOND
from core.store import audit, copying, definitions, job_claims, jobs, open_store, users, workers
from core.store.databases import database_at
from core.store.databases.sqlite import SqliteDatabase
from core.store.rebuild import verify
from core.store.schema import metadata
from tests.store.conftest import NOW, claim

FORMATS = ("list", "csv", "jsonl")


@pytest.fixture
def file(tmp_path):
    """A store in a file, used: observables, exports that ran twice, jobs, a user."""
    settings = settings_of(tmp_path)
    with open_store(f"sqlite:///{tmp_path}/yeti.db") as store:
        for turn in range(2):
            with store.import_session(NOW + turn * DAY) as session:
                session.add(
                    claim(f"h{number}-é😀.example", "c2", type="generic", context={"n": number})
                    for number in range(40 * turn, 40 * turn + 60)
                )
            for form in FORMATS:
                if turn == 0:
                    define(store, form, settings)
                run_export(store, form, settings, now=NOW + turn * DAY + 1)
        jobs.request(store, "csv", by="lena", now=NOW)
        users.add_user(store, "lena", "admin", "x", by="me", now=NOW)
        yield store


def settings_of(folder):
    return Settings(
        export_path=str(folder / "published"), spool_path=folder / "spool", versions_path=str(folder / "versions")
    )


def define(store, name, settings, form=""):
    limits = {"empty": "publish"}
    defined(store, settings, name, format=form or name, file_name=f"{name}.out", now=NOW, limits=limits)


def rows(store):
    """All that a store holds."""
    with closing(store.connect()) as connection:
        return {
            table.name: sorted(
                (tuple(map(plain, row)) for row in connection.execute(f'SELECT * FROM "{table.name}"').fetchall()),
                key=repr,
            )
            for table in metadata.sorted_tables
        }


def plain(value):
    """A truth as either database has it."""
    return int(value) if isinstance(value, bool) else value


@pytest.fixture
def server(postgresql):
    made = postgresql.make("made")
    yield made
    postgresql.drop(made)


def test_to_a_server_and_back(file, server, tmp_path):
    """Row for row the same in three databases; what runs there next publishes what the file would have."""
    settings = settings_of(tmp_path)
    before = rows(file)
    with open_store(server) as there, open_store(f"sqlite:///{tmp_path}/back.db") as back:
        told = []
        copied = copying.copy(file.database, there.database, on_rows=told.append)
        assert before == rows(there)
        assert copied == {name: len(found) for name, found in before.items()} == copying.counts(there.database)
        assert sum(copied.values()) == sum(told)
        copying.copy(there.database, back.database)
        assert before == rows(back) == rows(file)

        assert [] == verify(there)
        for form in FORMATS:
            assert [] == [found.fault for found in verify_export(there, form, settings) if found.fault]
        bytes_of = []
        for number, store in enumerate((there, back)):
            with store.import_session(NOW + 2 * DAY) as session:
                session.add([claim("new.example", "new", type="generic", source="another")])
            shutil.copytree(tmp_path / "versions", tmp_path / f"{number}/versions")
            own = settings_of(tmp_path / str(number))
            for form in FORMATS:
                result = run_export(store, form, own, now=NOW + 2 * DAY + 1)
                assert ("completed", 3) == (result.status, result.version)
            bytes_of.append([(tmp_path / f"{number}/published/{form}.out").read_bytes() for form in FORMATS])
        assert bytes_of[0] == bytes_of[1]
        assert b"new.example" in bytes_of[0][0]
        asked, is_new = jobs.request(there, "list", by="lena", now=NOW)
        assert is_new
        assert asked.id > max(job.id for job in jobs.find(file))


def test_a_target_with_content_is_refused(file, server):
    """Nothing is written over what somebody has put into the other database, unless that is asked for."""
    with open_store(server) as there:
        with there.import_session(NOW) as session:
            session.add([claim("kept.example", "c2")])
        before = rows(there)
        with pytest.raises(StoreError, match="not empty: it has 1 observable, 1 source, 1 tag"):
            copying.copy(file.database, there.database)
        assert before == rows(there)

        copying.copy(file.database, there.database, replace=True)
        assert rows(file) == rows(there)


def test_what_is_told_is_behind_the_record_that_came(file, server):
    """In the same transaction; without it the target has no more than the source."""
    told = copying.Told("database copied", "elsewhere", {"why": "test"})
    with open_store(server) as there:
        copied = copying.copy(file.database, there.database, told=told)
        newest, *rest = audit.entries(there)

        assert ("database copied", "elsewhere") == (newest.action, newest.subject)
        assert {"rows": sum(copied.values()), "why": "test"} == newest.detail
        assert audit.entries(file) == rest
        with there.writing() as connection:
            assert newest.id < audit.note(connection, "next", "x")


def test_bookkeeping_waits_for_the_end(file, server):
    """A service of the target that says that it is there does so before or after: its row is neither lost nor counted."""
    said = threading.Event()
    with open_store(server) as there:

        def say():
            with open_store(server) as own:
                workers.seen(own, "late", NOW, NOW)
            said.set()

        thread = threading.Thread(target=say)
        seen_meanwhile = []

        def on_rows(_):
            if not seen_meanwhile:
                thread.start()
                seen_meanwhile.append(said.wait(1.5))

        copying.copy(file.database, there.database, on_rows=on_rows)
        thread.join(30)

        assert [False] == seen_meanwhile
        assert [*rows(file)["worker"], ("late", NOW, NOW)] == rows(there)["worker"]


def test_wake_ups_of_before_are_forgotten(file, server):
    """Jobs get the numbers of others: nobody is woken for these by what was asked for those."""
    with open_store(server) as there:
        definitions.add_export(there, definitions.get_export(file, "csv"))
        before, _ = jobs.request(there, "csv", by="max", now=NOW, due_at=NOW + DAY)
        (asked,) = jobs.find(file)
        assert before.id == asked.id

        copying.copy(file.database, there.database, replace=True)
        assert job_claims.needs_mending(there, NOW)
        job_claims.mend(there, NOW)
        assert not job_claims.needs_mending(there, NOW)
        with closing(there.connect()) as connection:
            query = "SELECT args->>'job', scheduled_at FROM procrastinate_jobs"
            assert [(str(asked.id), None)] == [tuple(row) for row in connection.execute(query).fetchall()]


def test_what_runs_is_seen(file):
    """A run that goes on is a reason not to copy; one that ended is none."""
    assert "" == copying.in_use(file.database, NOW + 2 * DAY)

    from core.store import leases

    lease = leases.claim(file, "csv", "somebody", NOW + 2 * DAY)
    assert "the export csv is being run" == copying.in_use(file.database, NOW + 2 * DAY + 1)
    leases.release(file, lease)
    assert "" == copying.in_use(file.database, NOW + 2 * DAY + 1)


def test_a_file_that_is_not_there_is_not_made_by_asking(tmp_path):
    """Nothing is in it, and nobody uses it."""
    database = SqliteDatabase(tmp_path / "new.db")

    assert ("", "") == (copying.in_use(database, NOW), copying.content(database))
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("revision", ["0001", "0006"])
def test_a_run_is_seen_whatever_the_schema(database_of_either, revision):
    """An older program may be running what it finds in its own tables."""
    make_older(database_of_either, revision)
    database = database_at(database_of_either)
    assert ("", "") == (copying.in_use(database, NOW), copying.content(database))
    with closing(database.connect()) as connection, database.writing(connection):
        added = {
            "id": 1,
            "name": "x",
            "current_version": None,
            "enabled": True,
            **dict.fromkeys(("created_at", "modified_at"), NOW),
        }
        texts = ("destination", "file_name", "format", "template", "selection", "options", "limits", "schedule")
        added |= dict.fromkeys((*texts, "description"), "{}")
        connection.execute(
            f"INSERT INTO export ({', '.join(added)}) VALUES ({', '.join('?' * len(added))})",
            tuple(added.values()),
        )
        connection.execute(
            "INSERT INTO export_lease (export_id, number, owner, lease_until) VALUES (1, 1, 'me', ?)", (NOW + 1,)
        )

    assert "the export x is being run" == copying.in_use(database, NOW)
    assert "1 export" == copying.content(database)


def test_services_are_seen(file):
    """Processes of both services are a reason, each by its name; one that ended or said nothing for a minute is none."""
    now = NOW + 2 * DAY
    workers.seen(file, "one:1:1", now, now)
    workers.seen(file, "one:2:1", now, now, service=workers.API)
    workers.seen(file, "two:3:1", now - DAY, now - 61 * SECOND, service=workers.API)
    both = copying.in_use(file.database, now)
    workers.gone(file, "one:1:1")
    api = copying.in_use(file.database, now)
    later = copying.in_use(file.database, now + 60 * SECOND)
    workers.gone(file, "one:2:1", service=workers.API)

    assert {"the service tasks is running (one:1:1)", "the service api is running (one:2:1)"} == set(
        both.split(" and ")
    )
    assert "the service api is running (one:2:1)" == api
    assert "" == later
    assert "" == copying.in_use(file.database, now)


def test_an_api_is_no_worker(file):
    """Whoever asks who runs what is due is told of tasks alone."""
    workers.seen(file, "one:1:1", NOW, NOW)
    workers.seen(file, "one:2:1", NOW, NOW, service=workers.API)

    assert ["one:1:1"] == [item.name for item in workers.lately(file, NOW)]
    assert ["one:2:1"] == [item.name for item in workers.lately(file, NOW, service=workers.API)]

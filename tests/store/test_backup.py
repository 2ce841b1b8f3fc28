"""A backup is whole, is of one moment, is checked before it is used, and goes back to either kind of database."""

import json
import stat
import threading
import zipfile
from collections import Counter

import pytest

from core.errors import StoreError, StoreSchemaError
from core.exports.run import run_export
from core.exports.versions.restored import compared, differences
from core.exports.versions.verify import verify as verify_export
from core.schemas.instant import DAY
from core.store import archives, backup, copying, definitions, job_claims, jobs, leases, open_store, workers
from tests.store.conftest import NOW, claim
from tests.store.test_copying import define, file, rows, server, settings_of  # noqa: F401 - fixtures


@pytest.fixture
def made(file, tmp_path):  # noqa: F811
    """A backup of a store in a file."""
    path = tmp_path / "saved/yeti.backup"
    path.parent.mkdir()
    backup.write(file.database, path, NOW, "test 1")
    return path


def restored(path, url):
    """Put a backup into a database."""
    with backup.opened(path) as (manifest, source), open_store(url) as store:
        copying.copy(source, store.database)
        return manifest


def test_a_backup_goes_back_to_a_file(file, made, tmp_path):  # noqa: F811
    """Row for row what it was, and the file is its owner's alone."""
    manifest = restored(made, f"sqlite:///{tmp_path}/new.db")

    with open_store(f"sqlite:///{tmp_path}/new.db") as store:
        assert rows(file) == rows(store)
    assert manifest.tables == {name: len(found) for name, found in rows(file).items()}
    assert 0o600 == stat.S_IMODE(made.stat().st_mode)
    assert [made] == list(made.parent.iterdir())


def test_from_a_server_and_to_a_server(file, server, made, tmp_path):  # noqa: F811
    """What was taken from a file goes to a server, and what is taken there goes back to a file."""
    restored(made, server)
    with open_store(server) as store:
        assert rows(file) == rows(store)
        backup.write(store.database, tmp_path / "second.backup", NOW, "test 1")
    restored(tmp_path / "second.backup", f"sqlite:///{tmp_path}/new.db")
    with open_store(f"sqlite:///{tmp_path}/new.db") as store:
        assert rows(file) == rows(store)


def test_it_is_of_one_moment(file, tmp_path):  # noqa: F811
    """While somebody imports, a backup has all of a batch or nothing of it, and does not keep anybody waiting."""
    stops = threading.Event()

    def write():
        number = 0
        with open_store(f"sqlite:///{tmp_path}/yeti.db") as own:
            while not stops.is_set():
                with own.import_session(NOW + 3 * DAY) as session:
                    session.add([claim(f"{number}-{side}.example", "pair") for side in ("a", "b")])
                number += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(5):
            path = tmp_path / f"{number}.backup"
            backup.write(file.database, path, NOW, "test 1")
            with backup.opened(path) as (_, source):
                found = copying.counts(source)
                assert found["observable"] % 2 == 0
                assert found["assertion"] >= found["observable"]
    finally:
        stops.set()
        thread.join()


def test_nothing_is_overwritten(file, made):  # noqa: F811
    """A file that is there stays, unless it is to be replaced."""
    before = made.read_bytes()
    with pytest.raises(StoreError, match="exists; name another file, or use --force"):
        backup.write(file.database, made, NOW + 1, "test 1")
    assert before == made.read_bytes()

    backup.write(file.database, made, NOW + 1, "test 1", replace=True)
    assert before != made.read_bytes()


def altered(path, change):
    """Write a backup again with another manifest and store."""
    with zipfile.ZipFile(path) as archive:
        manifest, store = json.loads(archive.read("manifest.json")), archive.read("store.db")
    manifest, store = change(manifest, store)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("store.db", store)
        archive.writestr("manifest.json", json.dumps(manifest))


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        (lambda m, s: (m, s[:-1] + b"x"), StoreError, "altered or is damaged"),
        (lambda m, s: (m, s + b"x"), StoreError, "altered or is damaged"),
        (lambda m, s: (m | {"schema": "9999"}, s), StoreSchemaError, "restore it with that version"),
        (lambda m, s: (m | {"format": 2}, s), StoreSchemaError, "restore it with that version"),
        (lambda m, s: ({"format": 1}, s), StoreError, "no backup of this program"),
    ],
)
def test_what_was_altered_is_refused(made, tmp_path, change, kind, said):
    """Another byte, another length, a newer program, another file: said in words, and nothing is touched."""
    altered(made, change)

    with pytest.raises(kind, match=said):
        restored(made, f"sqlite:///{tmp_path}/new.db")
    assert not (tmp_path / "new.db").exists()


@pytest.mark.parametrize("keep", [0, 100, -1])
def test_what_was_cut_off_is_refused(made, tmp_path, keep):
    """A file that is empty, or lacks its end, is no backup."""
    made.write_bytes(made.read_bytes()[:keep])

    with pytest.raises(StoreError, match="no backup of this program, or was cut off"):
        restored(made, f"sqlite:///{tmp_path}/new.db")


def test_versions_after_the_backup_keep_their_numbers(file, made, tmp_path):  # noqa: F811
    """Storage has version 3 and 4, the restored store knows 2: it says so, and the next version is 5, in one chain."""
    settings = settings_of(tmp_path)
    for turn in (2, 3):
        with file.import_session(NOW + turn * DAY) as session:
            session.add([claim(f"later-{turn}.example", "c2", type="generic")])
        run_export(file, "list", settings, now=NOW + turn * DAY + 1)
    assert 4 == archives.current(file, "list").number
    url = f"sqlite:///{tmp_path}/new.db"
    restored(made, url)

    with open_store(url) as store:
        (found,) = differences(store, settings)
        assert ("list", 2, (3, 4), (), "") == (found.export, found.current, found.later, found.lost, found.fault)
        assert [] == differences(store, settings)
        with store.import_session(NOW + 4 * DAY) as session:
            session.add([claim("now.example", "c2", type="generic")])
        assert 5 == run_export(store, "list", settings, now=NOW + 4 * DAY + 1).version
        assert [] == [one for one in verify_export(store, "list", settings) if one.fault]


def test_versions_that_storage_lost_are_named(file, tmp_path):  # noqa: F811
    """A manifest that is gone from storage is told, and of the other exports nothing is."""
    settings = settings_of(tmp_path)
    assert [] == differences(file, settings)
    (gone,) = (tmp_path / "versions").glob("csv-*.v1.*.json")
    gone.unlink()

    (found,) = differences(file, settings)
    assert ("csv", (), (1,)) == (found.export, found.later, found.lost)


def test_a_later_manifest_that_cannot_be_read_is_told(file, tmp_path):  # noqa: F811
    """Whose number is not sure is said, and the number is not taken from it."""
    settings = settings_of(tmp_path)
    (latest,) = (tmp_path / "versions").glob("csv-*.v2.*.json")
    latest.with_name(latest.name.replace(".v2.", ".v9.")).write_bytes(latest.read_bytes())

    (found,) = differences(file, settings)
    assert "the manifest of version 9 cannot be read: it is that of version 2 of 'csv'" == found.fault


def test_nobody_works_on_what_was_restored(file, tmp_path):  # noqa: F811
    """What ran when the backup was made waits as it did, nobody has a claim, and no worker is there."""
    workers.seen(file, "elsewhere:1:1", NOW, NOW)
    for name in ("csv", "list"):
        jobs.request(file, name, by="lena", now=NOW)
    job_claims.claim(file, "elsewhere:1:1", NOW)
    jobs.request(file, "csv", by="bob", now=NOW, due_at=NOW + DAY)
    leases.claim(file, "csv", "elsewhere:1:1", NOW)
    assert {"running": 1, "waiting": 2} == states_of(file)
    path = tmp_path / "running.backup"
    backup.write(file.database, path, NOW, "test 1")
    url = f"sqlite:///{tmp_path}/new.db"
    restored(path, url)

    with open_store(url) as store:
        assert {"waiting": 2} == states_of(store)
        assert {("csv", 1), ("list", 1)} == {(item.export, item.attempt) for item in jobs.find(store)}
        assert "" == copying.in_use(store.database, NOW)
        assert [] == workers.lately(store, NOW)
        assert "csv" == job_claims.claim(store, "here:1:1", NOW).export
        assert "me" == leases.claim(store, "csv", "me", NOW).owner


def states_of(store):
    """How many jobs are in which state."""
    return dict(Counter(item.state for item in jobs.find(store)))


def test_exports_made_after_the_backup_are_named(file, made, tmp_path):  # noqa: F811
    """The database does not know them, storage has their versions, and consumers what was published."""
    settings = settings_of(tmp_path)
    define(file, "new", settings, form="list")
    run_export(file, "new", settings, now=NOW + 3 * DAY)
    key = definitions.get_export(file, "new").versions_key
    assert ((), ()) == (compared(file, settings).differences, compared(file, settings).strangers)
    url = f"sqlite:///{tmp_path}/new.db"
    restored(made, url)

    with open_store(url) as store:
        found = compared(store, settings)
        (stranger,) = found.strangers
        assert () == found.differences
        assert (key, "new", (1,), (f"{settings.export_path}/new.out",)) == (
            stranger.key,
            stranger.export,
            stranger.numbers,
            stranger.published,
        )
        assert stranger.made_at >= NOW + 3 * DAY
        (manifest,) = (tmp_path / "versions").glob(f"{key}.v1.*.json")
        manifest.write_text("{}")
        (unreadable,) = compared(store, settings).strangers
        assert (key, "", (1,), ()) == (unreadable.key, unreadable.export, unreadable.numbers, unreadable.published)

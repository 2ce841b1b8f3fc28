"""Faults: killed at any point, a full disk, a storage that fails half way, two at once, a clock that steps back.

Whatever happens, what is published is a whole version, old or new; the store, the versions and the published files
agree again after the next run; and nothing is left over.
"""

import json
import os
import random
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from export_samples import LATER, claim

from core.errors import ExportBusy, StorageError, StorageFull
from core.exports.run import run_export
from core.exports.versions.archive import Archive
from core.exports.versions.verify import verify
from core.exports.versions.versioning import Versions
from core.schemas.instant import DAY, SECOND
from core.store import archives, definitions, leases, pins, runs, versions
from core.store.archives import HELD, KEPT, PUBLISHING, REMOVING, WRITING

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("YETI_TEST_EXPORT_KILLS", "15"))
ROWS = 400

DOER = """
import itertools, os, signal, sys, threading
from pathlib import Path
from core.clients.persistient_storage import get_client
from core.exports.versions.rollback import roll_back
from core.exports.run import run_export
from core.exports.settings import Settings
from core.store import archives, open_store
from core.store.archives import KEPT

home = Path(sys.argv[1])
settings = Settings(
    export_path=str(home / "published"), spool_path=home / "spool", keep_last=2, keep_daily=0, keep_weekly=0
)
outside = {"posix", "fcntl", "_io", "sqlite3", "_sqlite3", "psycopg_binary.pq", "psycopg_binary._psycopg"}

def do(act, now, moment):
    numbers = itertools.count(1)

    def count(frame, event, called):
        if event != "c_call":
            return
        where = getattr(called, "__module__", None) or type(getattr(called, "__self__", None)).__module__
        if where in outside and next(numbers) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    with open_store(os.environ["YETI_DATABASE_URL"]) as store:
        oldest = archives.find(store, "x", KEPT)[0].number
        threading.setprofile(count)
        sys.setprofile(count)
        if act == "run":
            run_export(store, "x", settings, now=now)
        else:
            roll_back(store, "x", oldest, settings, by="test", reason="bad day", now=now)
        sys.setprofile(None)
    return next(numbers)

# To load the program takes ten times as long as to run: who is forked has all of it.
get_client(settings.export_path)
open_store(os.environ["YETI_DATABASE_URL"]).close()
for line in sys.stdin:
    act, now, moment = line.split()
    child = os.fork()
    if not child:
        print("calls", do(act, int(now), int(moment)), flush=True)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        print("status", status, flush=True)
"""
"""Runs or rolls back, each time in a process of its own that dies at its N-th call to the outside.

It says how many there were, or with which status the process ended.
"""


@contextmanager
def doer(home):
    """Run it for a block; give a function that lets it act, and returns what it says."""
    said = home / "stderr"
    with (
        said.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-c", DOER, str(home)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):

        def act(*words):
            process.stdin.write(" ".join(map(str, words)) + "\n")
            process.stdin.flush()
            word, _, number = process.stdout.readline().partition(" ")
            assert word == "calls" or number == f"{-signal.SIGKILL}\n", said.read_text()
            return word, int(number)

        try:
            yield act
        finally:
            process.stdin.close()


@pytest.fixture
def export(define, fill):
    """A list of names of which every third ends each day, so that each day has another list."""
    fill(
        *(
            claim(f"{number:04}.example", "hostname", "c2", valid_until=LATER + (1 + number % 3) * DAY * 10)
            for number in range(ROWS)
        )
    )
    return define("x", format="list", limits={"loss": "off", "empty": "publish"})


@pytest.fixture
def few(settings):
    """Retention keeps two versions, so that each run removes one."""
    return replace(settings, keep_last=2, keep_daily=0, keep_weekly=0)


def whole(store, settings):
    """Say what is wrong, if anything is: of files, versions, store and left-overs."""
    faults = [f"{item.what}: {item.fault}" for item in verify(store, "x", settings) if item.fault]
    named = set()
    for item in archives.find(store, "x", KEPT, HELD):
        named.update(known.name for known in item.record.objects)
        if item.number:
            archive = Archive(settings.versions_path, definitions.get_export(store, "x"))
            named.add(archive.manifest_name(item.number, item.manifest_sha256))
    there = {path.name for path in Path(settings.versions_path).iterdir() if not path.name.startswith(".")}
    faults += [f"{name} is left over" for name in there - named]
    states = {item.state for item in archives.find(store, "x", WRITING, PUBLISHING, REMOVING)}
    faults += [f"a row is {state}" for state in states]
    return faults


def published(settings):
    """The lines of the published file."""
    return (Path(settings.export_path) / "x.txt").read_text().split()


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("act", ["run", "rollback"])
def test_killed_at_any_point(export, store, few, tmp_path, act):
    """SIGKILL at random calls to the outside of a run or a rollback with retention: old or new, never a mixture."""
    for turn in range(3):
        run_export(store, "x", few, now=LATER + turn * 11 * DAY)
    chance = random.Random(11)
    ends: dict[str, int] = {}
    now = LATER + 3 * 11 * DAY
    most = 0
    with doer(tmp_path) as do:
        for number in range(KILLS):
            before = versions.current_version(store, "x").files[0].sha256
            now += 11 * DAY
            # The first one lives, and tells how many calls there are.
            moment = chance.randrange(1, most) if number else 0
            word, calls = do(act, now, moment)
            if word == "calls":
                most = calls
            # A rollback refuses a version that is empty; a run of this export does not.
            if number % 7 == 3 if act == "run" else number % 2 == 0:
                _fill_again(store, now)
            result = run_export(store, "x", few, now=now + SECOND)

            assert [] == whole(store, few), f"{act} killed at call {moment}"
            assert result.status == "completed"
            current = versions.current_version(store, "x")
            if result.outcome != "pinned":
                assert result.files[0].sha256 == current.files[0].sha256
            end = "done" if word == "calls" else "killed"
            end += ", new" if current.files[0].sha256 != before else ", old"
            ends[end] = ends.get(end, 0) + 1
            if pins.pinned(store, "x"):
                pins.unpin(store, "x")
                run_export(store, "x", few, now=now + 2 * SECOND)
    print(f"\n{act}: {json.dumps(ends)} of {most} points; nothing mixed, nothing left over")
    assert any(end.startswith("killed") for end in ends)


def _fill_again(store, now):
    with store.import_session(now) as session:
        session.add(
            [
                claim(f"{number:04}.example", "hostname", "c2", valid_until=now + (1 + number % 3) * DAY * 10)
                for number in range(ROWS)
            ]
        )


class Stop(StorageError):
    """The fault of a test."""


def test_the_storage_fails_after_the_version_and_before_the_name(export, store, settings, monkeypatch):
    """The version is kept, its name never moved: the next run undoes it and makes its own."""
    run_export(store, "x", settings, now=LATER)
    old = published(settings)
    with monkeypatch.context() as patch:
        patch.setattr("core.exports.versions.versioning.Versions.put_names", _fail)
        with pytest.raises(Stop):
            run_export(store, "x", settings, now=LATER + 11 * DAY)
    assert old == published(settings)
    assert "failed" == runs.last_run(store, "x").status
    assert 1 == len(archives.find(store, "x", PUBLISHING))

    result = run_export(store, "x", settings, now=LATER + 11 * DAY)

    assert ("completed", 2) == (result.status, result.version)
    assert any("is undone" in note for note in result.notes)
    assert len(old) > len(published(settings))
    assert [] == whole(store, settings)


def test_the_process_dies_after_the_name_moved(export, store, settings, monkeypatch):
    """Consumers have the new file: the next run makes it the current version, with its number."""
    run_export(store, "x", settings, now=LATER)
    with monkeypatch.context() as patch:
        patch.setattr("core.store.archives.make_current", _fail)
        with pytest.raises(Stop):
            run_export(store, "x", settings, now=LATER + 11 * DAY)
    new = published(settings)
    assert 1 == versions.current_version(store, "x").number

    result = run_export(store, "x", settings, now=LATER + 11 * DAY)

    assert ("completed", "unchanged", 2) == (result.status, result.outcome, result.version)
    assert any("is finished" in note for note in result.notes)
    assert new == published(settings)
    assert [] == whole(store, settings)


@pytest.mark.parametrize("step", ["put", "put_names"])
def test_a_full_disk(export, store, settings, monkeypatch, step):
    """No room for the version, or for the published file: the old one stays; with room the next run is whole."""
    run_export(store, "x", settings, now=LATER)
    old = published(settings)
    where = Archive if step == "put" else Versions
    original = getattr(where, step)

    def without_room(self, *given):
        with no_large_files():
            return original(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(where, step, without_room)
        with pytest.raises(StorageFull):
            run_export(store, "x", settings, now=LATER + 11 * DAY)
    assert old == published(settings)

    result = run_export(store, "x", settings, now=LATER + 11 * DAY)

    assert ("completed", 2) == (result.status, result.version)
    assert len(old) > len(published(settings))
    assert [] == whole(store, settings)


@contextmanager
def no_large_files(most_bytes=1_000):
    """Let files grow to no more than that, as a disk does that is full."""
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def test_a_clock_that_steps_back(export, store, settings):
    """The run of an earlier instant is a later version; numbers and the chain go on."""
    run_export(store, "x", settings, now=LATER + 11 * DAY)
    fewer = published(settings)

    back = run_export(store, "x", settings, now=LATER)

    assert 2 == back.version
    assert len(fewer) < len(published(settings))
    assert [] == whole(store, settings)


def test_a_paused_run_publishes_nothing(export, store, settings, monkeypatch):
    """A run that lost its claim while it was rendering finds that out before a name moves."""
    run_export(store, "x", settings, now=LATER)
    old = published(settings)
    announce = archives.announce

    def taken_over(opened, lease, *rest):
        item = announce(opened, lease, *rest)
        leases.release(opened, lease)
        leases.claim(opened, "x", "another:1:1", LATER + 11 * DAY)
        return item

    with monkeypatch.context() as patch:
        patch.setattr("core.store.archives.announce", taken_over)
        with pytest.raises(ExportBusy):
            run_export(store, "x", settings, now=LATER + 11 * DAY)

    assert old == published(settings)
    leases.release(store, leases.Lease("x", "another:1:1", 4))


def _fail(*_args, **_fields):
    raise Stop("the storage failed on purpose")

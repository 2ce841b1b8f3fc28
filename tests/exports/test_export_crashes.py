"""What consumers see while exports run, are killed, or meet each other."""

import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from databases import ON_POSTGRESQL
from export_samples import LATER, NOW, claim
from sqlalchemy import insert

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.names import is_part_file
from core.clients.persistient_storage.storage import Storage
from core.exports import spool
from core.exports.lease import Clock, held, is_dead, owner, was_before_boot
from core.exports.publishing.publish import publish
from core.exports.run import run_export
from core.exports.spool import SpoolFile
from core.schemas.instant import DAY, SECOND
from core.store import definitions, kept_templates, leases, open_store, runs, versions
from core.store.databases.interface import Lock
from core.store.schema import export_lease

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("YETI_TEST_KILLS", "10" if ON_POSTGRESQL else "25"))
POLLED_RUNS = 200

RUNNER = """
import os
import sys
from pathlib import Path
import jinja2.sandbox
from core.clients.persistient_storage import get_client
from core.exports.run import run_export
from core.exports.settings import Settings
from core.store import open_store
home = Path(sys.argv[1])
settings = Settings(export_path=str(home / "published"), spool_path=home / "spool")

def run():
    with open_store(os.environ["YETI_DATABASE_URL"]) as store:
        print(os.getpid(), flush=True)
        for number in range(10_000):
            for name in ("list", "template"):
                run_export(store, name, settings, now=int(sys.argv[2 + number % 2]))

# To load the program takes longer than some runs: who is forked has all of it.
get_client(settings.export_path)
open_store(os.environ["YETI_DATABASE_URL"]).close()
for _ in sys.stdin:
    child = os.fork()
    if not child:
        run()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Runs two exports again and again, for each line that it reads in a new process, whose number and end it tells."""

ROWS = 2_000
MUCH_LATER = LATER + 5 * DAY


@pytest.fixture
def two_exports(store, fill, define):
    """A list and an export by template; half of their rows end, so that two instants give two contents."""
    fill(
        *(
            claim(f"{number:05}.example", "hostname", "c2", valid_until=LATER + DAY if number % 2 else None)
            for number in range(ROWS)
        )
    )
    kept_templates.put_template(store, "t", "{% for row in data %}{{ row.value }}\n{% endfor %}", NOW)
    define("list", format="list")
    define("template", template="t")


@contextmanager
def runner(home: Path, *moments: int) -> Iterator[subprocess.Popen[str]]:
    """Let it wait for lines for a block."""
    command = [sys.executable, "-c", RUNNER, str(home), *map(str, moments)]
    pipes = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.stdin.close()


def contents(step: int) -> bytes:
    return "".join(f"{number:05}.example\n" for number in range(0, ROWS, step)).encode()


def test_a_killed_run_leaves_the_old_file_whole(two_exports, store, settings, tmp_path):
    """SIGKILL at random points: a file is there and whole, old or new; the spool is cleaned, the next run works."""
    places = {"list": Path(settings.export_path) / "list.txt", "template": Path(settings.export_path) / "template"}
    began = time.monotonic()
    for name in places:
        run_export(store, name, settings, now=LATER)
    usual_s = time.monotonic() - began
    chance = random.Random(7)
    seen = {contents(1): 0, contents(2): 0}
    with runner(tmp_path, MUCH_LATER, LATER) as process:
        for _ in range(KILLS):
            process.stdin.write("\n")
            process.stdin.flush()
            number = int(process.stdout.readline())
            time.sleep(chance.uniform(0, 1.5 * usual_s))
            os.kill(number, signal.SIGKILL)
            assert -signal.SIGKILL == int(process.stdout.readline())
            for name, place in places.items():
                data = place.read_bytes()
                assert data in seen, f"{name} is torn"
                seen[data] += 1
                result = run_export(store, name, settings, now=LATER)
                assert ("completed", ROWS) == (result.status, result.entries)
                assert contents(1) == place.read_bytes()
                assert "running" not in {run.status for run in runs.runs(store, name)}
                assert result.files[0].sha256 == versions.current_version(store, name).files[0].sha256
            assert [] == list(settings.spool_path.iterdir())
    print(f"\n{KILLS} kills: {[*seen.values()]} files whole (of the two contents), 0 torn")
    # Part files of a killed writer are hidden and have names of their own; cleaning them is the storage's business.
    visible = [item.name for item in Path(settings.export_path).iterdir() if not is_part_file(item.name)]
    assert ["SHA256SUMS", "list.txt", "template"] == sorted(visible)


def test_a_reader_never_sees_a_torn_file(tmp_path):
    """While a file is published 200 times, whoever reads it gets one version or the other, whole."""
    versions = [b"a" * 300_000, b"b" * 100_000]
    digests = {hashlib.sha256(version).hexdigest() for version in versions}
    files = []
    for number, version in enumerate(versions):
        file = SpoolFile(tmp_path / f"{number}.part", "x.txt", "text/plain")
        file.write(version.decode(), 1)
        files.append(file.finish())
    place = tmp_path / "published"
    publish(files[:1], str(place))
    torn, reads, done = [], 0, threading.Event()

    def poll() -> None:
        nonlocal reads
        while not done.is_set():
            data = (place / "x.txt").read_bytes()
            reads += 1
            if hashlib.sha256(data).hexdigest() not in digests:
                torn.append(len(data))

    reader = threading.Thread(target=poll)
    reader.start()
    try:
        outcomes = [publish([files[(number + 1) % 2]], str(place))[0].outcome for number in range(POLLED_RUNS)]
    finally:
        done.set()
        reader.join()
    print(f"\n{POLLED_RUNS} publications, {reads} reads, {len(torn)} torn")

    assert ["replaced"] * POLLED_RUNS == outcomes
    assert [] == torn
    assert reads > 0


def test_two_processes_run_one_export(two_exports, store, settings, tmp_path):
    """Two processes at once: one runs, the other is told who does; the file is whole."""
    command = [sys.executable, "-c", RUNNER, str(tmp_path), str(LATER), str(LATER)]
    with held(store, "list", Clock(LATER)):
        other = subprocess.run(command, cwd=ROOT, input="\n", capture_output=True, text=True, check=False)

    assert "ExportBusy" in other.stderr
    assert socket.gethostname() in other.stderr


# --- claims and folders of the dead -----------------------------------------------------------------------------


def dead_owner() -> str:
    """Return the name of a process that is gone."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    host, _, _ = owner().rsplit(":", 2)
    return f"{host}:{process.pid}:1"


def test_who_is_dead():
    """Only a process of this host that is surely gone is dead."""
    host, process, began = owner().rsplit(":", 2)

    assert not is_dead(owner())
    assert is_dead(dead_owner())
    assert is_dead(f"{host}:{process}:{int(began or 0) + 1}") is bool(began)
    assert not is_dead("another-host:1:1")
    assert not is_dead("nonsense")
    assert not is_dead(f"{host}:x:y")
    assert not is_dead(f"{host}:1:")


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc which boot and container a process is of")
def test_hosts_and_containers_of_one_name():
    """A process that is gone here is not dead if it may be of another host, or container, of that name."""
    gone = dead_owner()
    name, process, began = gone.rsplit(":", 2)
    host, boot, container = name.rsplit("-", 2)

    assert is_dead(gone)
    assert not is_dead(f"{host}-000000-{container}:{process}:{began}")
    assert not is_dead(f"{host}-{boot}-000000:{process}:{began}")
    assert was_before_boot(f"{host}-000000-{container}:{process}:{began}")
    assert not was_before_boot(f"{host}-{boot}-000000:{process}:{began}")
    assert not was_before_boot(f"another-{host}-000000-{container}:{process}:{began}")


def test_the_claim_of_a_dead_process_is_not_waited_for(define, store, settings):
    """After a crash the export runs again at once."""
    define("x", format="list")
    leases.claim(store, "x", dead_owner(), LATER)

    assert "completed" == run_export(store, "x", settings, now=LATER).status


def test_a_claim_that_a_dead_process_was_just_making(define, store, settings, monkeypatch):
    """It was killed while the database stored its claim: that comes to be there while we ask for ours."""
    define("x", format="list")
    claim_of, stored, asked = leases.claim, threading.Event(), threading.Event()

    def store_it() -> None:
        with store.another() as own, own.writing(Lock.BOOKKEEPING) as connection:
            values = {"export_id": 1, "number": 1, "owner": dead_owner(), "lease_until": LATER + 40 * SECOND}
            connection.execute(insert(export_lease).values(values))
            stored.set()
            assert asked.wait(60)

    def asking(*args: object, **options: object) -> leases.Lease:
        asked.set()
        return claim_of(*args, **options)

    monkeypatch.setattr(leases, "claim", asking)
    dying = threading.Thread(target=store_it)
    dying.start()
    try:
        assert stored.wait(60)
        assert "completed" == run_export(store, "x", settings, now=LATER).status
    finally:
        asked.set()
        dying.join()


def test_what_dead_processes_left_in_the_spool_goes(settings):
    """A run cleans up after those that were killed, and leaves the folders of the living and of others alone."""
    settings.spool_path.mkdir()
    for name in (f"{dead_owner()}:abc", f"{owner()}:abc", "another-host:1:1:abc", "somebody's"):
        (settings.spool_path / name).mkdir()

    with spool.run_folder(settings.spool_path) as folder:
        assert folder.parent == settings.spool_path
        left = {item.name for item in settings.spool_path.iterdir() if item != folder}

    assert {f"{owner()}:abc", "another-host:1:1:abc", "somebody's"} == left
    assert not folder.exists()


def test_a_long_run_keeps_its_claim(define, store, settings, monkeypatch):
    """The claim is renewed while a run lasts."""
    define("x", format="list")
    monkeypatch.setattr("core.exports.lease.RENEW_EVERY_S", 0.01)
    clock = Clock(LATER)
    with held(store, "x", clock) as lease:
        clock.start += 50 * SECOND  # as if so much time had passed
        deadline = time.monotonic() + 30
        while leases.running(store, LATER + 70 * SECOND) != ["x"] and time.monotonic() < deadline:
            time.sleep(0.02)
        leases.check(store, lease)
        with pytest.raises(Exception, match="is being run by"):
            leases.claim(store, "x", "other:1:1", LATER + 70 * SECOND)


def test_the_database_is_closed_to_nobody(define, store, settings, fill):
    """While an export reads, imports go on, and what they bring is not in it."""
    fill(*(claim(f"{number}.example") for number in range(10)))
    define("x", format="list")
    added = []

    def add_one(entries: int) -> None:
        fill(claim("late.example"), now=LATER)
        added.append(entries)

    result = run_export(store, "x", settings, now=LATER, on_entries=add_one)

    assert [10] == added
    assert 10 == result.entries
    assert 11 == run_export(store, "x", settings, now=LATER).entries


def test_spooled_files_are_for_the_owner_only(settings):
    """What is not published yet is nobody else's business."""
    with spool.run_folder(settings.spool_path) as folder:
        assert 0o700 == folder.stat().st_mode & 0o777
        assert 0o700 == settings.spool_path.stat().st_mode & 0o777


def test_published_files_can_be_read_back(tmp_path, define, store, settings, fill):
    """What storage gives back is what was published."""
    fill(claim("a.example"))
    define("x", format="list")
    run_export(store, "x", settings, now=LATER)

    assert "a.example\n" == Storage(get_client(settings.export_path)).read_text("x.txt")


MEMORY = """
import os
import sys
from pathlib import Path
from core.exports.run import run_export
from core.exports.settings import Settings
from core.store import open_store
home = Path(sys.argv[1])
settings = Settings(export_path=str(home / "published"), spool_path=home / "spool")
with open_store(os.environ["YETI_DATABASE_URL"]) as store:
    for name in sys.argv[3:]:
        run_export(store, name, settings, now=int(sys.argv[2]))
# What getrusage says includes the process that started this one.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for the memory of a process")
def test_memory_does_not_grow_with_the_rows(tmp_path, new_databases, monkeypatch):
    """Four times the rows need little more memory, for every format and a batched template."""
    from core.exports.definitions import definition
    from core.schemas.export import Selection

    used = {}
    for count in (12_000, 48_000):
        home = tmp_path / str(count)
        home.mkdir()
        monkeypatch.setenv("YETI_DATABASE_URL", new_databases.at(home / "yeti.db"))
        with open_store(os.environ["YETI_DATABASE_URL"]) as store:
            with store.import_session(NOW) as session:
                session.add(
                    claim(
                        f"{number:06}.{'x' * 60}.example",
                        "hostname",
                        "c2",
                        f"t{number % 500}",
                        first_seen=NOW - number,
                    )
                    for number in range(count)
                )
            kept_templates.put_template(store, "t", "{% for row in data %}{{ row|tojson }}\n{% endfor %}", NOW)
            for name, chosen in (
                ("csv", {"format": "csv"}),
                ("jsonl", {"format": "jsonl"}),
                ("t", {"template": "t"}),
            ):
                made = definition.make(
                    store, name, selection=Selection(), **chosen, default_destination="x", now=NOW
                )
                definitions.add_export(store, made)
        command = [sys.executable, "-c", MEMORY, str(home), str(LATER), "csv", "jsonl", "t"]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        used[count] = int(ran.stdout) // 1024
    print(f"\nMiB by rows: {used}")

    assert used[48_000] - used[12_000] < 40
    assert used[48_000] < 300

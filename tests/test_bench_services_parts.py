"""The parts of the soak: readers that know what is whole, programs that are killed and begun again."""

import http.server
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from bench.services import due, faults, judging, places, reading
from bench.services.outcome import Reads
from bench.services.programs import Program
from bench.storage.environments import ROOT
from core.exports.definitions import definition
from core.schemas.export import Selection
from core.schemas.instant import SECOND
from core.store import definitions, leases, open_store, runs

NOW = 1_790_000_000 * SECOND


@contextmanager
def store_of(folder, *names):
    """A store with exports of some names."""
    with open_store(f"sqlite:///{folder}/yeti.db") as store:
        for name in names:
            made = definition.make(
                store, name, format="list", selection=Selection(), default_destination="/lists", now=NOW, limits={}
            )
            definitions.add_export(store, made)
        yield store


def ran(store, name, at, status="completed", entries=None):
    lease = leases.claim(store, name, "somebody", at)
    key = runs.begin_run(store, lease, at)
    runs.finish_run(store, key, at + SECOND, status=status, entries=entries)
    leases.release(store, lease)


def test_what_a_run_that_was_left_behind_says_is_what_is_looked_for(tmp_path):
    """The words are those of the store, and those of a worker whose job was taken from it are the worker's."""
    with store_of(tmp_path, "x") as store:
        leases.claim(store, "x", "one", NOW)
        runs.begin_run(store, leases.Lease("x", "one", 1), NOW)
        leases.claim(store, "x", "two", NOW + 60 * SECOND)
        (found,) = runs.runs(store, "x")

    assert judging.LEFT_BEHIND == found.message
    assert f'"{judging.LOST_WHILE_IT_LIVED}"' in (ROOT / "core/tasks/worker.py").read_text()


def test_calm_that_does_not_come_is_told(tmp_path, monkeypatch):
    """Those that did not run again are named; with one good run of each since then there is calm, whatever follows."""
    monkeypatch.setattr(faults, "_CALM_WITHIN_S", 1)
    url = f"sqlite:///{tmp_path}/yeti.db"
    with store_of(tmp_path, "a", "b", "c") as store:
        ran(store, "a", NOW + SECOND)
        ran(store, "b", NOW + SECOND, "failed")
        ran(store, "c", NOW - SECOND)
        assert ["b", "c"] == faults._wait_for_calm(url, NOW)
        ran(store, "b", NOW + 5 * SECOND)
        ran(store, "c", NOW + 5 * SECOND)
        ran(store, "c", NOW + 9 * SECOND, "failed")
        runs.begin_run(store, leases.claim(store, "a", "one", NOW + 9 * SECOND), NOW + 9 * SECOND)
        assert [] == faults._wait_for_calm(url, NOW)


def test_each_export_that_was_due_ran_once_and_to_its_end(tmp_path):
    """None is lost, a failed one is, and so is one that did not run; two runs are doubled whatever became of them."""
    with store_of(tmp_path, "once", "twice", "failed", "never") as store:
        for name, *states in (("once", "completed"), ("twice", "failed", "completed"), ("failed", "failed")):
            for number, status in enumerate(states):
                ran(store, name, NOW + number * 10 * SECOND, status)
        lost, doubled_ones = due._judged(store, NOW)

    assert ["failed", "never"] == [line.partition(":")[0] for line in lost]
    assert ["twice: it was due once, and ran as 3 (completed), 2 (failed)"] == doubled_ones


def test_an_export_without_entries_is_no_measure(tmp_path):
    """It would be a run that has nothing to do."""
    with store_of(tmp_path, "some", "none") as store:
        ran(store, "some", NOW, entries=3)
        ran(store, "none", NOW, entries=0)
        lost, _ = due._judged(store, NOW)

    assert ["none: it had no entries, which is no measure of anything"] == lost


class Published(http.server.BaseHTTPRequestHandler):
    """Answers each request with the next of some answers, and with the last for ever."""

    answers: ClassVar[list] = []

    def do_GET(self):
        status, etag, body, size = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.send_response(status)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


WHOLE = (200, f'"{"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"}"', b"foo", 3)
GONE, NOT_YET, BUSY, HALF = (404, "", b"", 0), (401, "", b"", 0), (503, "", b"", 0), (200, WHOLE[1], b"fo", 3)
OTHER = (200, WHOLE[1], b"bar", 3)


def read(*answers):
    """What a reader makes of these answers."""
    handler = type("Handler", (Published,), {"answers": list(answers)})
    found, stop, asked = Reads(), threading.Event(), iter(range(len(answers)))
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()

        def fetch(name, _):
            if next(asked) == len(answers) - 1:
                stop.set()
            return reading._from_api(f"http://127.0.0.1:{server.server_port}/exports/{name}", name, found)

        try:
            reading._read("api", fetch, ["x.txt"], found, stop)
        finally:
            server.shutdown()
            thread.join()
    return found


def test_a_reader_knows_what_is_whole():
    """A whole file is one; half of one, and a server that is busy, are asked again later; none of it is torn."""
    found = read(NOT_YET, GONE, WHOLE, HALF, BUSY, WHOLE)

    assert {"api": 2} == found.whole
    assert {("api", "x.txt", WHOLE[1].strip('"'))} == found.contents
    assert [
        ("reader of the api", "no answer, or half of one (IncompleteRead)"),
        ("reader of the api", "HTTP 503"),
    ] == [error[1:] for error in found.errors]
    assert [[], []] == [found.broken, found.faults]


@pytest.mark.parametrize("status", [GONE, NOT_YET])
def test_a_file_that_was_there_stays(status):
    """Gone, or not to be had any more without a key, is as bad as torn."""
    assert ["api: x.txt was there and is gone"] == read(WHOLE, status).broken


def test_other_bytes_than_the_etag_says_are_torn():
    """They are read whole, and are still no version."""
    (broken,) = read(OTHER).broken

    assert broken.startswith("api: x.txt is not what its ETag ")


def test_a_reader_that_ends_is_said():
    """Nothing is read any more after that, which would look as if all were well."""

    def fetch(*_):
        raise KeyError("ETag")

    found = Reads()
    reading._read("api", fetch, ["x.txt"], found, threading.Event())

    assert ["the reader of the api ended: KeyError: 'ETag'"] == found.faults


def test_what_ends_by_itself_is_begun_again(tmp_path):
    """As systemd and Compose do it; what was killed stays dead until it is started."""
    command = [sys.executable, "-c", "import sys, time; time.sleep(0.1); sys.exit(3)"]
    with Program("short", command, {}, tmp_path / "log") as program:
        first = program.process
        first.wait(30)
        assert 3 == program.restarted()
        assert first is not program.process
        program.kill()
        assert None is program.restarted()
        assert not program.is_running


def test_every_kind_of_part_dies_soon():
    """A short run kills one of each, and not the workers alone."""
    names = ["PostgreSQL", "tasks 0", "tasks 1", "tasks 2", "api 0", "api 1"]
    parts = [type("Part", (), {"name": name}) for name in names]

    assert ["PostgreSQL", "tasks 0", "api 0", "tasks 1", "api 1", "tasks 2"] == [
        part.name for part in faults._mixed(parts)
    ]


def test_postgresql_is_killed_and_recovers():
    """What was committed is there afterwards, and the connections of before are not."""
    import psycopg

    with (
        tempfile.TemporaryDirectory(prefix="yeti-soak-", ignore_cleanup_errors=True) as folder,
        places.postgresql(Path(folder) / "data") as server,
        psycopg.connect(server.url, autocommit=True) as before,
    ):
        before.execute("CREATE TABLE kept AS SELECT 7 AS n")
        server.kill()
        with pytest.raises(psycopg.OperationalError):
            before.execute("SELECT 1")
        server.start()
        with psycopg.connect(server.url) as after:
            assert (7,) == after.execute("SELECT n FROM kept").fetchone()

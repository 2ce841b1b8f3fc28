"""On PostgreSQL: what becomes of the queue when its connections are lost, or parts of it fail, while a run goes on."""

import threading
import time

import psycopg
import pytest
from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager

from core.exports.lease import owner
from core.exports.run import run_export
from core.schemas.instant import SECOND
from core.store import job_claims, jobs, open_store
from core.tasks.queues import Crew, procrastinate
from core.tasks.worker import Worker
from tests.tasks.test_procrastinate import home, place, service, woken, yetictl  # noqa: F401 - fixtures
from tests.tasks.test_service import until


@pytest.fixture
def queue(store, place, settings):  # noqa: F811
    """Two workers that are woken, in a thread of this process."""
    workers = [Worker(lambda: open_store(place), settings, name=f"worker-{number}") for number in (1, 2)]
    crew = Crew(lambda: open_store(place), workers, threading.Event(), 0.2)
    thread = threading.Thread(target=procrastinate._Queue(crew, store.database).work)
    yield thread
    crew.stops.set()
    thread.join(60)
    assert not thread.is_alive()


@pytest.fixture
def slow_x(store, define, fill, monkeypatch):
    """Exports ``x`` and ``y``; a run of the first goes on until it may end: ``goes_on, may_end``."""
    fill(1)
    for name in ("x", "y"):
        define(name, file_name=f"{name}.txt")
    goes_on, may_end = threading.Event(), threading.Event()

    def slow(store, name, *given, **more):
        if name == "x":
            goes_on.set()
            may_end.wait(180)
        return run_export(store, name, *given, **more)

    monkeypatch.setattr("core.tasks.worker.run_export", slow)
    yield goes_on, may_end
    may_end.set()


def ask(store, name):
    """Ask for a run."""
    return jobs.request(store, name, by="lena", now=time.time_ns() // 1_000)[0]


def test_a_queue_that_fails_during_a_run_is_begun_anew(queue, slow_x, store, monkeypatch):
    """Procrastinate ends when it cannot ask for the next, but only when all that runs has ended: it is not waited for."""
    goes_on, may_end = slow_x
    failed, fetch = threading.Event(), JobManager.fetch_job

    async def fails(self, *given, **more):
        if goes_on.is_set() and not failed.is_set():
            failed.set()
            raise ConnectorException("the connection was lost")
        return await fetch(self, *given, **more)

    monkeypatch.setattr(JobManager, "fetch_job", fails)
    first = ask(store, "x")
    queue.start()
    assert failed.wait(60)
    second = ask(store, "y")
    until(lambda: jobs.get(store, second.id).state == jobs.DONE, 40)
    assert ("running", 1) == (jobs.get(store, first.id).state, jobs.get(store, first.id).attempt)
    may_end.set()
    until(lambda: jobs.get(store, first.id).state == jobs.DONE)
    until(lambda: [] == woken(store))  # the queue drops one a moment after what it was for


def test_a_queue_that_lost_its_heartbeat_is_begun_anew(queue, slow_x, store, monkeypatch):
    """Procrastinate does not see that the part of it failed by which others know that it lives."""
    goes_on, may_end = slow_x
    monkeypatch.setattr(procrastinate, "BEAT_EVERY_S", 0.2)
    monkeypatch.setattr(procrastinate, "STALLED_AFTER_S", 2.0)
    monkeypatch.setattr(procrastinate, "MEND_EVERY_S", 0.5)
    failed, beat, beats = threading.Event(), JobManager.update_heartbeat, []

    async def fails(self, worker):
        if goes_on.is_set() and not failed.is_set():
            failed.set()
            raise ConnectorException("the connection was lost")
        beats.append(worker)
        await beat(self, worker)

    monkeypatch.setattr(JobManager, "update_heartbeat", fails)
    first = ask(store, "x")
    queue.start()
    assert failed.wait(60)
    before = set(beats)
    until(lambda: set(beats) - before, 40)
    assert ("running", 1) == (jobs.get(store, first.id).state, jobs.get(store, first.id).attempt)
    may_end.set()
    until(lambda: jobs.get(store, first.id).state == jobs.DONE)


@pytest.mark.parametrize("away_s", [0, 33])
def test_idle_workers_go_on_beside_a_run(home, place, postgresql, away_s):  # noqa: F811
    """Every connection is cut while one of two workers is in the middle of a run: the other does what is due then."""
    plugins = home / "home/plugins/storage"
    (plugins / "wait").touch()
    yetictl(home, place, "export", "add", "y", "--format", "list", "--include", "c2")
    name = place.partition("@/")[2].partition("?")[0]
    with (
        service(home, place, "--workers", "2"),
        psycopg.connect(postgresql.url("postgres"), autocommit=True) as admin,
    ):
        until((plugins / "at-work").exists)
        if away_s:
            admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        time.sleep(away_s)
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        time.sleep(12)  # longer than it takes whoever looks for jobs whose workers are gone
        with open_store(place) as store:
            asked, _ = jobs.request(store, "y", by="lena", now=time.time_ns() // 1_000)
            until(lambda: jobs.get(store, asked.id).state == jobs.DONE, 40)
            (running,) = jobs.find(store, "x")
            assert ("running", 1) == (running.state, running.attempt)


def test_whose_process_lives_keeps_its_job(store, define, settings, place):  # noqa: F811
    """The store was away for longer than claims last, and others look first: no job waits again, nobody is woken."""
    now = time.time_ns() // 1_000
    for name, by in (("x", f"worker-1@{owner()}"), ("y", "elsewhere:1:1")):
        define(name, file_name=f"{name}.txt")
        jobs.request(store, name, by="lena", now=now)
        job_claims.claim(store, by, now)
    clock = [now + 3_600 * SECOND]
    other = Worker(lambda: open_store(place), settings, name="other", clock=lambda: clock[0])
    other.mend(store)

    assert [] == woken(store)
    assert {("x", "running", 1), ("y", "running", 1)} == {
        (job.export, job.state, job.attempt) for job in jobs.find(store)
    }

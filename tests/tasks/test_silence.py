"""Claims that ran out while the store was away or the host slept: whose workers live are renewed, not taken over."""

import threading
import time

import pytest

from core.errors import StoreBusy
from core.exports.lease import lives, owner
from core.exports.run import run_export
from core.schemas.instant import SECOND
from core.store import job_claims, jobs, open_store, runs
from core.tasks.silence import OF_STRANGERS_S, OF_THE_LIVING_S, Silence
from core.tasks.worker import Worker

NOW = 1_790_000_000_000_000
HOUR = 3_600 * SECOND
DEAD = f"{owner().rsplit(':', 2)[0]}:999999999:1"
"""A process of this host that there never was."""


@pytest.fixture
def claimed(store, define):
    """Let a worker claim a job of the export ``x``: ``claimed("worker-1@host:1:1")``."""

    def make(by):
        define("x")
        jobs.request(store, "x", by="lena", now=NOW)
        return job_claims.claim(store, by, NOW)

    return make


@pytest.fixture
def later(place, settings):
    """A worker of this process for whom it is an hour later: the host slept."""
    return Worker(lambda: open_store(place), settings, name="other", clock=lambda: NOW + HOUR)


def test_whose_process_lives_keeps_its_job(store, claimed, later):
    """An hour passed in the middle of a run, and another worker of the host looks before the first one renews."""
    item = claimed(f"worker-1@{owner()}")

    assert not later.work(store)
    later.mend(store)
    assert not later.work_on(store, item.id)
    assert ("running", 1) == (jobs.get(store, item.id).state, jobs.get(store, item.id).attempt)
    assert False is job_claims.renew(store, item, NOW + HOUR, None)


def test_who_is_dead_is_not_waited_for(store, claimed, later):
    """Its process is gone, as this host knows for sure: at once."""
    item = claimed(f"worker-1@{DEAD}")
    later.mend(store)

    assert ("waiting", 2, 1) == (
        jobs.get(store, item.id).state,
        jobs.get(store, item.id).attempt,
        jobs.get(store, item.id).deaths,
    )


@pytest.mark.parametrize(
    ("by", "wait_s"),
    [("elsewhere:1:1", OF_STRANGERS_S), (f"worker-1@{owner()}", OF_THE_LIVING_S)],
    ids=["of another host", "of this one"],
)
def test_who_does_not_renew_in_the_time_that_this_process_is_awake_loses_it(by, wait_s):
    """Counted from when the claim was first seen to be over; one that was renewed meanwhile begins anew."""
    now = [100.0]
    silence = Silence(clock=lambda: now[0])
    seen = [silence.is_over(7, by, NOW)]
    now[0] += wait_s - 1
    seen += [silence.is_over(7, by, NOW), silence.is_over(7, by, NOW + SECOND)]
    now[0] += wait_s - 1
    seen += [silence.is_over(7, by, NOW + SECOND)]
    now[0] += 1
    seen += [silence.is_over(7, by, NOW + SECOND), silence.is_over(8, by, NOW + SECOND)]

    assert [False, False, False, False, True, False] == seen


def test_a_worker_that_hangs_is_not_waited_for_without_an_end(store, claimed, later):
    """Its process lives, and renewed nothing for a minute that this one was awake."""
    claimed(f"worker-1@{owner()}")
    now = [0.0]
    later._silence = Silence(clock=lambda: now[0])
    before = later.work(store)
    now[0] = OF_THE_LIVING_S

    assert (False, True) == (before, later.work(store))


def test_who_surely_lives():
    """This process; not one that never was, nor one of which nothing is known."""
    assert [True, False, False, False] == [lives(name) for name in (owner(), DEAD, "elsewhere:1:1", "nonsense")]


def test_how_a_job_ended_is_recorded_as_soon_as_it_can_be(
    store, define, fill, place, settings, monkeypatch, caplog
):
    """The store is busy just when a run has ended: it is not run once more for that."""
    define("x")
    fill(1)
    asked, _ = jobs.request(store, "x", by="lena", now=NOW)
    monkeypatch.setattr("core.tasks.worker.RECORD_AGAIN_AFTER_S", 0.01)
    finish, tries = job_claims.finish, []

    def busy(*given, **more):
        tries.append(1)
        if len(tries) < 4:
            raise StoreBusy("another process has been writing")
        return finish(*given, **more)

    monkeypatch.setattr(job_claims, "finish", busy)
    worker = Worker(lambda: open_store(place), settings, clock=lambda: NOW)
    worker.work(store)

    assert ("done", 1, 4) == (jobs.get(store, asked.id).state, jobs.get(store, asked.id).attempt, len(tries))
    assert 1 == len(runs.runs(store, "x"))
    assert 1 == caplog.text.count("how a job ended could not be recorded")


def test_a_worker_that_leaves_does_not_wait_for_a_store_that_is_away(
    store, define, fill, place, settings, monkeypatch
):
    """Whoever finds the process gone begins the job anew."""
    define("x")
    fill(1)
    jobs.request(store, "x", by="lena", now=NOW)
    worker = Worker(lambda: open_store(place), settings, clock=lambda: NOW)

    def away(*_, **__):
        worker.leave()
        raise StoreBusy("away")

    monkeypatch.setattr(job_claims, "finish", away)
    began = time.monotonic()
    assert worker.work(store)
    assert time.monotonic() - began < 30


def test_a_job_is_renewed_though_a_renewal_met_a_fault(store, define, fill, place, settings, monkeypatch, caplog):
    """The thread that renews it goes on: else the job would be another's in half a minute, and be done twice."""
    define("x")
    jobs.request(store, "x", by="lena", now=NOW)
    monkeypatch.setattr("core.tasks.worker.RENEW_EVERY_S", 0.02)
    renew, tries, renewed = job_claims.renew, [], threading.Event()

    def faulty(*given):
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("a mistake")
        found = renew(*given)
        renewed.set()
        return found

    def run(*given, **more):
        assert renewed.wait(30)
        return run_export(*given, **more)

    monkeypatch.setattr(job_claims, "renew", faulty)
    monkeypatch.setattr("core.tasks.worker.run_export", run)
    Worker(lambda: open_store(place), settings, clock=lambda: NOW).work(store)

    assert "done" == jobs.find(store)[0].state
    assert "a job could not be renewed" in caplog.text

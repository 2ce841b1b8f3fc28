"""A clock that was wrong and is set back, and one that is set forward: nothing waits for years, nothing is done twice."""

import threading
import time

import pytest

from core.errors import ExportBusy
from core.exports import lease as lease_module
from core.exports.definitions.schedule import HOUR, furthest
from core.exports.lease import Clock, held
from core.schemas.instant import DAY, SECOND, to_datetime
from core.store import definitions, job_claims, jobs, leases, open_store, schedules, workers
from core.tasks.worker import Worker

NOW = 1_790_000_000_000_000
YEAR = 365 * DAY


@pytest.fixture
def clock():
    """A clock that the test sets."""

    class Set:
        now = NOW

        def __call__(self):
            return self.now

    return Set()


@pytest.fixture
def worker(place, settings, clock):
    """A worker that goes by that clock."""
    return Worker(lambda: open_store(place), settings, clock=clock, chance=lambda: 0.0)


@pytest.mark.parametrize(
    ("schedule", "within"), [("every:3600", 3_600 * SECOND), ("cron:30 4 * * *", DAY)], ids=["interval", "cron"]
)
def test_a_schedule_does_not_wait_for_years(worker, store, define, fill, clock, schedule, within):
    """A machine began in a wrong year, ran what was due, and learned what time it is."""
    define("x", schedule=schedule)
    fill(1)
    clock.now = NOW + 9 * YEAR
    for _ in range(2):
        worker.plan(store)
        worker.work(store)
        clock.now += 2 * DAY
    clock.now = NOW
    worker.plan(store)

    assert NOW < schedules.due_at(store, "x") <= NOW + within
    assert (0, False) == (worker.plan(store), worker.work(store))
    clock.now = schedules.due_at(store, "x")
    assert (1, True) == (worker.plan(store), worker.work(store))


def test_a_turn_does_not_come_twice(worker, store, define, fill, clock):
    """The clock goes back ten minutes just after a daily export ran."""
    define("x", schedule="cron:30 4 * * *")
    fill(1)
    worker.plan(store)
    clock.now = schedules.due_at(store, "x") + SECOND
    assert (1, True) == (worker.plan(store), worker.work(store))
    clock.now -= 600 * SECOND
    seen = []
    for _ in range(30):
        seen.append((worker.plan(store), worker.work(store)))
        clock.now += 60 * SECOND

    assert {(0, False)} == set(seen)


@pytest.mark.parametrize("text", ["every:60", "every:86400;jitter=3600", "cron:*/5 * * * *", "cron:0 0 29 2 *"])
def test_what_is_due_next_is_never_too_far(text, worker, store, define, clock):
    """Reckoned at any time, it is within what counts as possible, at once and until it is due."""
    define("x", schedule=text)
    worker.plan(store)
    for _ in range(3):
        clock.now = max(clock.now, schedules.due_at(store, "x"))
        worker.plan(store)
        jobs.cancel(store, "x", clock.now, by="test")

        assert schedules.due_at(store, "x") <= furthest(text, clock.now // HOUR)


def test_what_was_asked_for_at_once_is_done_at_once(worker, store, define, fill, clock):
    """Just before the clock went back an hour; what was asked for later waits until then."""
    for name in ("x", "y"):
        define(name)
    fill(1)
    jobs.request(store, "x", by="lena", now=NOW)
    jobs.request(store, "y", by="lena", now=NOW, due_at=NOW + SECOND)
    clock.now = NOW - 3_600 * SECOND

    assert [True, False] == [worker.work(store) for _ in range(2)]
    assert [("y", "waiting"), ("x", "done")] == [(job.export, job.state) for job in jobs.find(store)]


def test_a_claim_of_a_wrong_clock_is_not_waited_for(store, define):
    """Of a job and of an export: whoever made it is gone, and it would hold for years."""
    define("x")
    jobs.request(store, "x", by="lena", now=NOW)
    job_claims.claim(store, "elsewhere:1:1", NOW + YEAR)
    leases.claim(store, "x", "elsewhere:1:1", NOW + YEAR)

    assert "w" == job_claims.claim(store, "w", NOW).owner
    assert 2 == leases.claim(store, "x", "w", NOW).number


def test_who_was_seen_in_the_future_is_not_there(store):
    """One that is a few seconds ahead is."""
    workers.seen(store, "wrong", NOW, NOW + YEAR)
    workers.seen(store, "ahead", NOW, NOW + 5 * SECOND)

    assert ["ahead"] == [row.name for row in workers.lately(store, NOW)]


def test_a_run_keeps_its_claim_when_the_clock_is_set_forward(store, define, monkeypatch):
    """Or the host slept: what holds is reckoned by the clock that others see."""
    define("x")
    monkeypatch.setattr(lease_module, "RENEW_EVERY_S", 0.02)
    ahead_ns, time_ns = [0], time.time_ns
    monkeypatch.setattr(lease_module.time, "time_ns", lambda: time_ns() + ahead_ns[0])
    renewed, renew = threading.Event(), leases.renew

    def watched(store, lease, now, **more):
        renew(store, lease, now, **more)
        if now > NOW + 3_000 * SECOND:
            renewed.set()

    monkeypatch.setattr(leases, "renew", watched)
    with held(store, "x", Clock(NOW)):
        ahead_ns[0] = 3_600 * 1_000_000_000
        renewed.wait(10)
        with pytest.raises(ExportBusy):
            leases.claim(store, "x", "other", NOW + 3_601 * SECOND)


def test_a_schedule_that_is_changed_while_it_runs_is_gone_by(worker, store, define, fill, clock):
    """The run goes on to its end; the new schedule counts from then on, and nothing of the old one is left."""
    define("x", schedule="every:60")
    fill(1)
    worker.plan(store)
    running = job_claims.claim(store, "w", clock.now)
    export = definitions.get_export(store, "x")
    assert "every:60" == export.schedule
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE export SET schedule = 'cron:30 4 * * *' WHERE name = 'x'")
    clock.now += 61 * SECOND
    assert 0 == worker.plan(store)
    job_claims.finish(store, running, jobs.DONE, clock.now)

    assert [("x", "done")] == [(job.export, job.state) for job in jobs.find(store)]
    due = to_datetime(schedules.due_at(store, "x"))
    assert (4, 30) == (due.hour, due.minute)


def test_a_schedule_that_is_switched_off_while_it_waits(worker, store, define, clock):
    """It is forgotten; switched on again, it is due at once, and once."""
    define("x", schedule="every:3600")
    worker.plan(store)
    jobs.cancel(store, "x", clock.now, by="lena")
    definitions.toggle_export(store, "x", clock.now)
    clock.now += 7_200 * SECOND
    assert (0, None) == (worker.plan(store), schedules.due_at(store, "x"))
    definitions.toggle_export(store, "x", clock.now)

    assert [1, 0] == [worker.plan(store), worker.plan(store)]
    assert clock.now < schedules.due_at(store, "x")

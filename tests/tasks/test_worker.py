"""One worker: it does what is due, records how it went, and tries again what may go better later."""

import itertools
import threading
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from core.errors import StorageUnavailable, StoreBusy
from core.exports import budget
from core.exports import run as run_module
from core.schemas.instant import SECOND
from core.store import job_claims, jobs, kept_templates, open_store, run_lines, runs, schedules, schema
from core.tasks.queues import Crew, loops
from core.tasks.service import TaskService
from core.tasks.tidying import Keep
from core.tasks.worker import FIRST_PAUSE_S, LONGEST_PAUSE_S, MOST_ATTEMPTS, Worker

NOW = 1_790_000_000_000_000
HOUR = 3_600 * SECOND


@pytest.fixture
def clock():
    """A clock that the test sets: ``clock.now += SECOND``."""

    class Clock:
        now = NOW

        def __call__(self):
            return self.now

    return Clock()


@pytest.fixture
def worker(place, settings, clock):
    """A worker whose chance is always a half."""
    return Worker(lambda: open_store(place), settings, clock=clock, chance=lambda: 0.5)


@pytest.fixture
def lines(settings):
    """The values that are published."""
    return lambda name="x": (Path(settings.export_path) / f"{name}.txt").read_text().split()


def last(store, name="x"):
    """The latest job of an export."""
    return jobs.find(store, name)[0]


def test_what_is_due_is_run(worker, store, define, fill, clock, lines):
    """An interval: at once, then every hour; nothing in between."""
    define("x", schedule="every:3600")
    fill(1, 2)
    worker.plan(store)

    assert worker.work(store)
    assert ["8.8.0.1", "8.8.0.2"] == lines()
    clock.now += HOUR - SECOND
    assert (0, False) == (worker.plan(store), worker.work(store))
    clock.now += SECOND
    assert (1, True) == (worker.plan(store), worker.work(store))
    assert ["done", "done"] == [item.state for item in jobs.find(store, "x")]
    assert [run.id for run in runs.runs(store, "x")] == [item.run_id for item in jobs.find(store, "x")]


def test_what_was_missed_runs_once(worker, store, define, fill, clock):
    """Nobody worked for ten hours."""
    define("x", schedule="every:3600")
    fill(1)
    worker.plan(store)
    clock.now += 10 * HOUR

    worker.plan(store)

    assert (True, False) == (worker.work(store), worker.work(store))
    assert (0, False) == (worker.plan(store), worker.work(store))


def test_jitter_spreads_the_work(worker, store, define, clock):
    """Half an hour of jitter, and a chance of a half."""
    define("x", schedule="cron:0 * * * *;jitter=1800")
    worker.plan(store)
    due = schedules.due_at(store, "x")

    assert 900 * SECOND == due % HOUR


def test_a_held_run_is_not_tried_again(worker, store, define, fill, clock, lines):
    """It waits for somebody to look at it; the job says so."""
    define("x", limits={"least": "5"})
    fill(1)
    jobs.request(store, "x", by="lena", now=clock.now)

    assert worker.work(store)

    assert ("done", True) == (
        last(store).state,
        last(store).message.startswith("held: the list would have 1 entry"),
    )
    clock.now += 10 * HOUR
    assert not worker.work(store)


def test_a_storage_that_is_away_is_tried_again_later(worker, store, define, fill, clock, lines, monkeypatch):
    """After half a minute, a minute, and so on; the sixth time it fails for good."""
    define("x")
    fill(1)
    jobs.request(store, "x", by="lena", now=clock.now)

    def away(*_, **__):
        raise StorageUnavailable("no route to host")

    with monkeypatch.context() as patch:
        patch.setattr("core.exports.versions.versioning.publish_files", away)
        for attempt in range(1, MOST_ATTEMPTS):
            assert worker.work(store)
            item = last(store)
            assert ("waiting", attempt + 1, "no route to host") == (item.state, item.attempt, item.message)
            assert item.due_at - clock.now == min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (attempt - 1)) * SECOND
            assert not worker.work(store)
            clock.now = item.due_at
        assert worker.work(store)
    assert ("failed", "no route to host") == (last(store).state, last(store).message)

    jobs.request(store, "x", by="lena", now=clock.now)
    assert worker.work(store)
    assert (["8.8.0.1"], "done") == (lines(), last(store).state)


@pytest.mark.parametrize(("every_s", "pauses_s"), [(300, [30, 60, 120, 90, 300]), (5, [30, 30, 30, 30, 30])])
def test_what_is_tried_again_waits_no_longer_than_its_schedule(
    worker, store, define, fill, clock, monkeypatch, every_s, pauses_s
):
    """A list of every five minutes is not twelve minutes late when the storage is back; half a minute it waits."""
    define("x", schedule=f"every:{every_s}")
    fill(1)

    def away(*_, **__):
        raise StorageUnavailable("no route to host")

    monkeypatch.setattr("core.exports.versions.versioning.publish_files", away)
    found = []
    for _ in range(1, MOST_ATTEMPTS):
        worker.plan(store)
        assert worker.work(store)
        item = last(store)
        found.append((item.due_at - clock.now) // SECOND)
        clock.now = item.due_at

    assert pauses_s == found
    assert MOST_ATTEMPTS == item.attempt


def test_what_cannot_go_better_is_not_tried_again(worker, store, define, clock):
    """Its template is gone: that is somebody's to mend."""
    kept_templates.put_template(store, "t", "{{ data }}", NOW)
    define("x", format="", template="t")
    without_templates(store)
    jobs.request(store, "x", by="lena", now=clock.now)

    assert worker.work(store)

    assert "failed" == last(store).state
    assert "t" in last(store).message


def without_templates(store):
    """Take the templates away, as a mistake would."""
    with store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM template")


def test_a_run_that_is_cancelled_stops(worker, store, define, fill, clock, lines, monkeypatch):
    """It stops at its next step; what is published stays; the job and the run say who."""
    define("x")
    fill(1)
    jobs.request(store, "x", by="lena", now=clock.now)
    worker.work(store)
    fill(*range(2, 50), now=NOW + 1)
    clock.now += SECOND
    jobs.request(store, "x", by="lena", now=clock.now)
    began = threading.Event()
    monkeypatch.setattr("core.tasks.worker.RENEW_EVERY_S", 0.01)
    render = budget.render

    def slow(snapshot, job, selected, folder, settings, on_entries=lambda _: None, **more):
        began.set()
        for _ in range(1_000):
            on_entries(1)
            threading.Event().wait(0.01)
        return render(snapshot, job, selected, folder, settings, on_entries, **more)

    monkeypatch.setattr("core.exports.budget.render", slow)

    def cancel():
        began.wait(30)
        jobs.cancel(store, "x", clock.now, by="max")

    thread = threading.Thread(target=cancel)
    thread.start()
    assert worker.work(store)
    thread.join()

    assert ("cancelled", "cancelled by max") == (last(store).state, last(store).message)
    assert ["8.8.0.1"] == lines()
    assert ("failed", "cancelled") == (runs.last_run(store, "x").status, runs.last_run(store, "x").message)
    assert 0 < last(store).entries < 1_000


def test_a_worker_that_leaves_hands_its_run_back(worker, store, define, fill, clock, lines, place, settings):
    """Another one begins it anew at once; that is no failed attempt."""
    define("x")
    fill(1)
    jobs.request(store, "x", by="lena", now=clock.now)
    worker.leave()

    assert worker.work(store)

    assert ("waiting", 1, "handed back: the worker ends") == (
        last(store).state,
        last(store).attempt,
        last(store).message,
    )
    assert Worker(lambda: open_store(place), settings, clock=clock).work(store)
    assert (["8.8.0.1"], "done") == (lines(), last(store).state)


def test_what_a_run_says_is_kept_with_it(worker, store, define, fill, clock):
    """As people read it, without secrets; of another run nothing."""
    define("x")
    fill(1, 2)
    jobs.request(store, "x", by="lena", now=clock.now)
    worker.work(store)

    (line,) = run_lines.of_run(store, runs.last_run(store, "x").id)

    assert ("info", "list made  export=x  entries=2  refused=0  changes='2 added, 0 removed, 0 changed'") == (
        line.level,
        line.text,
    )


def test_a_schedule_that_nobody_can_read_keeps_no_other_from_its_run(worker, store, define, fill, caplog):
    """An older program took it; that is said, and the export runs when somebody asks for it."""
    fill(1)
    define("x", schedule="every:3600")
    define("y", file_name="y.txt")
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE export SET schedule = 'cron:0 0 30 2 *' WHERE name = 'y'")

    worker.plan(store)

    assert [("x", "waiting")] == [(item.export, item.state) for item in jobs.find(store)]
    assert "a schedule cannot be read" in caplog.text
    assert (0, "x") == (worker.plan(store), jobs.find(store)[0].export)


def test_a_fault_of_ours_stops_no_service(place, settings, store, define, fill, monkeypatch):
    """The run of one export breaks; the others are run, and the broken one is begun anew later."""
    fill(1)
    define("x")
    define("y", file_name="y.txt")
    for name in ("x", "y"):
        jobs.request(store, name, by="lena", now=NOW)
    real = run_module.run_export

    def broken(store, name, *given, **more):
        if name == "x":
            raise ValueError("a mistake")
        return real(store, name, *given, **more)

    monkeypatch.setattr("core.tasks.worker.run_export", broken)
    service = TaskService(lambda: open_store(place), settings, look_every_s=0.01, grace_s=5)
    thread = threading.Thread(target=service.run)
    thread.start()
    for _ in range(600):
        if "done" in [item.state for item in jobs.find(store, "y")]:
            break
        threading.Event().wait(0.05)
    service.stop()
    thread.join(30)

    assert not thread.is_alive()
    broken_off = last(store, "x")
    assert ("waiting", 2, "done") == (broken_off.state, broken_off.attempt, last(store, "y").state)
    assert "a fault in the program itself: ValueError: a mistake" == broken_off.message
    assert "x" == job_claims.claim(store, "another", time.time_ns() // 1_000 + 60 * SECOND).export


def opening(place, fails):
    """What opens a store, unless *fails* says at the number of the call that it cannot be used."""
    count = itertools.count()

    @contextmanager
    def opened():
        if fails(next(count)):
            raise StoreBusy("another process has been writing")
        with open_store(place) as store:
            yield store

    return opened


def test_a_store_that_cannot_be_opened_is_tried_again(place, settings, store, define, fill):
    """At the beginning, too: the worker goes on as soon as it can be."""
    define("x")
    fill(1)
    jobs.request(store, "x", by="lena", now=NOW)
    open_later = opening(place, lambda number: 1 <= number < 6)  # the first is to know what database it is

    crew = Crew(open_later, [Worker(lambda: open_store(place), settings)], threading.Event(), 0.01)
    threads = [threading.Thread(target=loop) for loop in loops(crew)]
    for thread in threads:
        thread.start()
    for _ in range(400):
        if "done" == last(store).state:
            break
        threading.Event().wait(0.05)
    crew.stops.set()
    for thread in threads:
        thread.join(30)

    assert "done" == last(store).state


def test_a_job_is_renewed_when_the_store_can_be_opened_again(place, settings, store, define, fill, monkeypatch):
    """The thread that renews it goes on after a store that was busy."""
    monkeypatch.setattr("core.tasks.worker.RENEW_EVERY_S", 0.05)
    define("x")
    fill(1)
    jobs.request(store, "x", by="lena", now=NOW)
    claims, renew, renewed = [], job_claims.renew, threading.Event()

    def renews(*given):
        found = renew(*given)
        renewed.set()
        return found

    def claim():
        with store.reading() as connection:
            claims.append(connection.scalar(select(schema.job.c.lease_until)))

    def run(*_, **__):
        claim()
        assert renewed.wait(30)
        claim()
        raise StorageUnavailable("away")

    monkeypatch.setattr(job_claims, "renew", renews)
    monkeypatch.setattr("core.tasks.worker.run_export", run)
    moment = itertools.count(NOW, SECOND)
    Worker(opening(place, lambda number: number < 3), settings, clock=lambda: next(moment)).work(store)

    first, second = claims
    assert first < second


@pytest.mark.parametrize("others", [0, 1])
def test_workers_that_ended_by_themselves_are_no_good_end(place, settings, monkeypatch, others):
    """Nobody asked the service to stop, one of them did: it says so, and is begun anew by whoever looks after it."""
    monkeypatch.setattr("core.tasks.service.loops", lambda crew: [lambda: None, *[crew.stops.wait] * others])

    assert False is TaskService(lambda: open_store(place), settings, grace_s=5).run()


def test_a_signal_waits_for_nothing(place, settings):
    """It may come while the main thread is just doing something with what stops the loops: no lock is asked for."""
    service = TaskService(lambda: open_store(place), settings, grace_s=5)

    def heard():
        with service._stops._cond:
            service.stop()
            service.stop()

    thread = threading.Thread(target=heard, daemon=True)
    thread.start()
    thread.join(5)

    assert not thread.is_alive()
    assert service.run()


def test_nothing_is_begun_while_the_main_thread_tidies(place, settings, monkeypatch):
    """That may take long: the loops hear of a signal all the same, and so does what tidies."""
    crews, heard = [], []

    def loops_of(crew):
        crews.append(crew)
        return [crew.stops.wait]

    def tidying(store, keep, now, stops):
        service.stop()
        heard.extend([crews[0].stops.wait(30), stops()])

    monkeypatch.setattr("core.tasks.service.loops", loops_of)
    monkeypatch.setattr("core.tasks.tidying.tidy", tidying)
    service = TaskService(lambda: open_store(place), settings, grace_s=5)

    assert service.run()
    assert [True, True] == heard


@pytest.fixture(params=[True, False], ids=["after a signal", "by itself"])
def ending(request, place, settings, monkeypatch):
    """A service of one loop that is told to stop, or of which another loop ends: ``ending(loop)`` runs it."""

    def run(loop):
        service = TaskService(lambda: open_store(place), settings, grace_s=600)
        others = [] if request.param else [lambda: None]
        monkeypatch.setattr("core.tasks.service.loops", lambda crew: [partial(loop, service, crew.stops), *others])
        monkeypatch.setattr("core.tasks.service.HURRIED_GRACE_S", 0)
        if request.param:
            service.stop()
        assert service.run() == request.param

    return run


def test_a_signal_during_the_end_hands_back_at_once(ending):
    """One more than what began the end, if anything did."""
    goes_on = threading.Event()

    def stuck(service, stops):
        stops.wait()
        service.stop()
        goes_on.wait(60)

    try:
        ending(stuck)
    finally:
        goes_on.set()


def test_what_runs_may_end(ending):
    """One signal hurries nobody, and none does not either."""
    ended = threading.Event()

    def slow(_, stops):
        stops.wait()
        time.sleep(0.5)
        ended.set()

    ending(slow)

    assert ended.is_set()


def test_what_is_old_is_forgotten(place, settings, worker, store, define, fill, clock):
    """Jobs that ended and what was logged; the runs themselves stay, and what is newer."""
    define("x")
    fill(1)
    now = time.time_ns() // 1_000
    for days in (91, 1):
        clock.now = now - days * 24 * HOUR
        jobs.request(store, "x", by="lena", now=clock.now)
        worker.work(store)

    TaskService(lambda: open_store(place), settings, keep=Keep(days=90)).tidy()

    assert 1 == len(jobs.find(store, "x"))
    latest, first = runs.runs(store, "x")
    assert (1, 0) == (len(run_lines.of_run(store, latest.id)), len(run_lines.of_run(store, first.id)))

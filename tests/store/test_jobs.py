"""The queue on one machine: who does what, once; what a dead worker leaves; and what schedules put there."""

import threading
from dataclasses import replace

import pytest

from core.errors import ExportBusy, NotFound
from core.schemas.export import ExportDefinition
from core.schemas.instant import SECOND
from core.store import definitions, job_claims, jobs, leases, open_store, schedules

NOW = 1_790_000_000_000_000
LEASE = job_claims.LEASE_S * SECOND


@pytest.fixture
def store(database_url):
    with open_store(database_url) as opened:
        for name in ("a", "b"):
            definitions.add_export(opened, ExportDefinition(name, f"{name}.txt", format="list"))
        yield opened


def ask(store, name="a", now=NOW, **fields):
    """Ask for a run."""
    return jobs.request(store, name, by="lena", now=now, **fields)[0]


def states(store, name=None):
    """Export and state of all jobs, oldest first."""
    return [(item.export, item.state) for item in reversed(jobs.find(store, name))]


def test_what_is_asked_for_is_done_in_order(store):
    """The one that has been due longest first; each once."""
    ask(store, "b", now=NOW)
    ask(store, "a", now=NOW + 1)
    first, second = (job_claims.claim(store, "w", NOW + 2) for _ in range(2))

    assert ("b", "a", None) == (first.export, second.export, job_claims.claim(store, "w", NOW + 2))
    job_claims.finish(store, first, jobs.DONE, NOW + 3, message="fine", run_id=7)
    assert [("b", "done"), ("a", "running")] == states(store)
    (done,) = jobs.find(store, "b")
    assert ("fine", 7, NOW + 3, None) == (done.message, done.run_id, done.finished_at, done.owner)


def test_one_that_waits_is_enough(store):
    """Asking again makes no second job; an earlier time counts."""
    first, is_new = jobs.request(store, "a", by="lena", now=NOW, due_at=NOW + 60 * SECOND)
    again, is_newer = jobs.request(store, "a", by="max", now=NOW + 1)

    assert (True, False, first.id, NOW + 1) == (is_new, is_newer, again.id, again.due_at)


def test_an_export_is_run_by_one_at_a_time(store):
    """What is asked for meanwhile waits for the end of it."""
    ask(store)
    running = job_claims.claim(store, "w", NOW)
    ask(store, now=NOW + 1)

    assert None is job_claims.claim(store, "v", NOW + 2)
    job_claims.finish(store, running, jobs.DONE, NOW + 3)
    assert "a" == job_claims.claim(store, "v", NOW + 4).export


def test_an_export_that_somebody_else_runs_is_left_for_later(store):
    """The command line has it just now."""
    lease = leases.claim(store, "a", "cli:1:1", NOW)
    ask(store)

    assert None is job_claims.claim(store, "w", NOW + 1)
    leases.release(store, lease)
    assert None is not job_claims.claim(store, "w", NOW + 1)


def test_a_worker_that_says_nothing_loses_its_job(store):
    """Another begins it anew; the first one learns that when it renews or ends."""
    ask(store)
    first = job_claims.claim(store, "w", NOW)
    assert None is job_claims.claim(store, "v", NOW + LEASE - 1)

    second = job_claims.claim(store, "v", NOW + LEASE)

    assert (first.id, 2, "v") == (second.id, second.attempt, second.owner)
    for call in (
        lambda: job_claims.renew(store, first, NOW + LEASE + 1, 5),
        lambda: job_claims.finish(store, first, jobs.DONE, NOW + LEASE + 1),
        lambda: job_claims.put_back(store, first, NOW, message="", counts=True),
    ):
        with pytest.raises(ExportBusy):
            call()
    assert False is job_claims.renew(store, second, NOW + LEASE + 1, 5)
    assert 5 == jobs.find(store, "a")[0].entries


def test_a_worker_that_is_gone_is_not_waited_for(store):
    """Its process is known to be dead."""
    ask(store)
    job_claims.claim(store, "w", NOW)

    assert job_claims.has_work(store, NOW + 1, is_dead=lambda name: name == "w")
    assert "v" == job_claims.claim(store, "v", NOW + 1, is_dead=lambda name: name == "w").owner


def test_a_job_that_kills_its_workers_is_given_up(store):
    """Five died."""
    ask(store)
    for number in range(job_claims.MOST_TAKEN_OVER):
        assert None is not job_claims.claim(store, f"w{number}", NOW + number * LEASE)

    assert None is job_claims.claim(store, "last", NOW + job_claims.MOST_TAKEN_OVER * LEASE)
    (item,) = jobs.find(store, "a")
    assert ("failed", "given up: 5 workers died while they ran it") == (item.state, item.message)


def test_deaths_and_failures_are_counted_apart(store):
    """A storage that was away five times says nothing of workers: the first one that dies is not the last."""
    ask(store)
    for number in range(5):
        item = job_claims.claim(store, "w", NOW + number)
        job_claims.put_back(store, item, NOW + number + 1, message="no route", counts=True)
    job_claims.claim(store, "w", NOW + 5)
    again = job_claims.claim(store, "v", NOW + 5 + LEASE)

    assert (7, 1, "w died while it ran it") == (again.attempt, again.deaths, again.message)


def test_a_message_may_hold_anything(store):
    """What a program of somebody else said is recorded, in every database alike."""
    ask(store)
    item = job_claims.claim(store, "w", NOW)
    job_claims.finish(store, item, jobs.FAILED, NOW + 1, message="no\0route")

    assert "no\ufffdroute" == jobs.get(store, item.id).message


def test_trying_again_later(store):
    """It waits until then, and says which attempt it is; what was asked for meanwhile is the same job."""
    ask(store)
    item = job_claims.claim(store, "w", NOW)
    ask(store, now=NOW + 1, due_at=NOW + 90 * SECOND)

    job_claims.put_back(store, item, NOW + 60 * SECOND, message="no route", counts=True)

    assert [("a", "waiting")] == states(store)
    assert None is job_claims.claim(store, "w", NOW + 59 * SECOND)
    again = job_claims.claim(store, "w", NOW + 60 * SECOND)
    assert (2, "no route") == (again.attempt, again.message)


def test_cancelling(store):
    """What waits does not run; what runs is told; there has to be something."""
    with pytest.raises(NotFound, match="nothing of 'a' waits or runs"):
        jobs.cancel(store, "a", NOW, by="lena")
    ask(store)
    running = job_claims.claim(store, "w", NOW)
    ask(store, now=NOW + 1)

    jobs.cancel(store, "a", NOW + 2, by="lena")

    assert [("a", "running"), ("a", "cancelled")] == states(store)
    assert True is job_claims.renew(store, running, NOW + 3, 1)
    assert None is job_claims.claim(store, "v", NOW + LEASE + 3 + 1)  # its worker died: it is not begun anew
    assert [("a", "cancelled"), ("a", "cancelled")] == states(store)


def test_old_jobs_are_forgotten_and_open_ones_are_not(store):
    """By when they ended."""
    ask(store)
    job_claims.finish(store, job_claims.claim(store, "w", NOW), jobs.DONE, NOW + 5)
    ask(store, now=NOW + 6)

    assert (0, 1) == (jobs.forget(store, NOW + 5, 10), jobs.forget(store, NOW + 6, 10))
    assert [("a", "waiting")] == states(store)


def test_many_workers_share_the_work(store, database_url):
    """Two threads with connections of their own take forty jobs: each is done once."""
    for number in range(40):
        definitions.add_export(store, ExportDefinition(f"x{number}", f"x{number}.txt", format="list"))
        ask(store, f"x{number}")
    done = []

    def work(name):
        with open_store(database_url) as own:
            while (item := job_claims.claim(own, name, NOW)) is not None:
                job_claims.finish(own, item, jobs.DONE, NOW)
                done.append(item.export)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(f"x{number}" for number in range(40)) == sorted(done)


# --- schedules ----------------------------------------------------------------------------------------------------


def hourly(text, before):
    """What the schedule of the tests means: an hour after the last time, or now."""
    at = NOW if before is None else before + 3_600 * SECOND
    return at, at


@pytest.fixture
def scheduled(store):
    """Export ``a`` is due every hour."""
    definitions.replace_export(store, replace(definitions.get_export(store, "a"), schedule="every:3600"))


def test_what_is_due_is_asked_for(store, scheduled):
    """At once when it is new, and then when it is due; not twice."""
    assert schedules.is_anything_due(store, NOW)
    assert 1 == schedules.plan(store, hourly, NOW)
    assert (False, 0) == (schedules.is_anything_due(store, NOW + 1), schedules.plan(store, hourly, NOW + 1))
    assert NOW + 3_600 * SECOND == schedules.due_at(store, "a")
    assert [("a", "waiting")] == states(store)


def test_a_schedule_does_not_shorten_the_pause_of_a_retry(store, scheduled):
    """What failed waits as long as it should, however often its schedule comes round; people bring it forward."""
    schedules.plan(store, hourly, NOW)
    first = job_claims.claim(store, "w", NOW)
    job_claims.put_back(store, first, NOW + 7_200 * SECOND, message="no storage", counts=True)

    planned = schedules.plan(store, hourly, NOW + 3_600 * SECOND)
    by_schedule = jobs.find(store, "a")
    ask(store, now=NOW + 3_601 * SECOND)
    by_people = jobs.find(store, "a")

    assert (0, [NOW + 7_200 * SECOND]) == (planned, [item.due_at for item in by_schedule])
    assert [NOW + 3_601 * SECOND] == [item.due_at for item in by_people]


@pytest.mark.parametrize(("is_asked", "waits_s"), [(False, 7_200), (True, 1_800)])
def test_a_turn_during_a_run_does_not_shorten_the_pause_of_its_retry(store, scheduled, is_asked, waits_s):
    """Only who asked meanwhile does."""
    ask(store)
    first = job_claims.claim(store, "w", NOW)
    if is_asked:
        ask(store, now=NOW + 1_800 * SECOND)
    schedules.plan(store, hourly, NOW + 3_600 * SECOND)
    job_claims.put_back(store, first, NOW + 7_200 * SECOND, message="no storage", counts=True)

    assert [NOW + waits_s * SECOND] == [item.due_at for item in jobs.find(store, "a")]


def test_a_schedule_brings_forward_what_has_not_failed(store, scheduled):
    """What somebody asked for later is done with the turn of the schedule."""
    ask(store, due_at=NOW + 7_200 * SECOND)
    schedules.plan(store, hourly, NOW)

    assert [NOW] == [item.due_at for item in jobs.find(store, "a")]


def test_a_changed_schedule_is_seen(store, scheduled):
    """Another one is reckoned anew; one that is gone, or of an export that is switched off, is forgotten."""
    schedules.plan(store, hourly, NOW)
    export = definitions.get_export(store, "a")

    definitions.replace_export(store, replace(export, schedule="every:60"))
    assert schedules.is_anything_due(store, NOW - 1)
    schedules.plan(store, lambda *_: (NOW + 60 * SECOND,) * 2, NOW)
    assert NOW + 60 * SECOND == schedules.due_at(store, "a")

    definitions.replace_export(store, replace(export, enabled=False))
    schedules.plan(store, hourly, NOW)
    assert None is schedules.due_at(store, "a")

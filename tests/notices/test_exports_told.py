"""Exports that are held, fail or are late: told once when it begins, and once when it is over, by the real store."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from core.errors import YetiError
from core.exports.versions.release import release
from core.notices.settings import MINUTE
from core.schemas.claim import AllowListEntries
from core.schemas.instant import SECOND
from core.store import definitions, job_claims, jobs, notices, schedules
from core.store.allow_lists import lists
from core.store.schema import export, job
from core.tasks.worker import Worker

HOUR = 60 * MINUTE


@pytest.fixture
def switched(store):
    """Switch an export off or on."""

    def switch(name, *, on):
        definitions.replace_export(store, replace(definitions.get_export(store, name), enabled=on))

    return switch


@pytest.fixture
def broken(store, run):
    """Let an export run and fail: its storage is a file where a folder should be."""

    def go(name, tmp_path):
        (tmp_path / "in-the-way").write_text("")
        with store.writing() as connection:
            connection.execute(
                update(export).where(export.c.name == name).values(destination=str(tmp_path / "in-the-way"))
            )
        with pytest.raises(YetiError):
            run(name)

    return go


def test_a_held_list_is_told_and_its_release_with_who_did_it(define, fill, run, tell, hook, store, settings, time):
    """Held, and then released by somebody, with the reason."""
    define("x", limits={"least": "3"})
    fill(1, 2)
    run("x")

    assert [("held", "x", "held")] == tell()
    assert "the list would have 2 entries; the least is 3" in hook.posted[0].json["message"]
    assert "yetictl export release x --reason TEXT publishes it all the same" in hook.posted[0].json["advice"]
    assert [] == tell()

    release(store, "x", settings, by="ann", reason="two is right", now=time.now)

    assert [("held", "x", "released")] == tell()
    released = hook.posted[1].json
    assert "released by ann: two is right" in released["message"]
    assert hook.posted[0].json["id"] == released["follows"]
    assert [] == tell()


def test_a_held_list_that_releases_itself(define, fill, run, tell, hook):
    """A later run is within its limits again."""
    define("x", limits={"least": "3"})
    fill(1, 2)
    run("x")
    tell()
    fill(3)
    run("x")

    assert [("held", "x", "released")] == tell()
    assert (
        "a later run was within its limits. Version 1 is published, 3 entries." in hook.posted[-1].json["message"]
    )


def test_held_again_for_other_reasons_is_no_news(define, fill, run, tell, store):
    """It is held still; what is wrong now is what the last run said, and since when is when it began."""
    define("x", limits={"least": "3", "most": "4"})
    fill(1, 2)
    run("x")
    tell()
    with store.reading() as connection:
        since = notices.conditions(connection)["held", "x"].since
    fill(3, 4, 5)
    run("x")

    assert [] == tell()
    with store.reading() as connection:
        found = notices.conditions(connection)["held", "x"]
    assert ["the list would have 5 entries; the most is 4"] == found.detail["reasons"]
    assert since == found.since


def test_reasons_name_no_entries(define, fill, run, tell, hook, store, time):
    """Own assets on a list, and what must be on it and is not, are told without saying which; with a candidate or none."""
    define("x", limits={"require": "8.8.9.9"})
    fill(1, 2)
    run("x")
    told = tell()
    define("y")
    run("y")
    ours = AllowListEntries(name="ours", list_type="cidr", entries=("8.8.0.1",))
    lists.put_allow_list(store, ours, time.now)
    lists.set_allow_list(store, "ours", is_own=True)
    assert "" == run("y").candidate

    assert [("held", "x", "held"), ("held", "y", "held")] == told + tell()
    first, second = hook.posted
    assert "what must be on the list is not." in first.json["message"]
    assert "own assets are on the list" in second.json["message"]
    assert not any(b"8.8." in item.body for item in hook.posted)


def test_a_failure_does_not_end_that_a_list_is_held(define, tell, recorded):
    """A held list whose next run fails is held, and fails, though no candidate waits; that it runs again ends one."""
    define("x")
    recorded("x", "held", message="own assets are on the list (1): 8.8.0.1")
    assert [("held", "x", "held")] == tell()

    recorded("x", "failed", message="the storage is busy")
    assert [("failed", "x", "failed")] == tell()
    recorded("x", "held", message="own assets are on the list (1): 8.8.0.1")
    assert [("failed", "x", "recovered")] == tell()
    recorded("x", "completed", entries=1)
    assert [("held", "x", "released")] == tell()


def test_a_failure_is_told_and_that_it_works_again(
    define, fill, run, tell, hook, broken, tmp_path, store, settings
):
    """Failed twice is told once, since the first time; the next good run ends it."""
    define("x")
    fill(1, 2)
    broken("x", tmp_path)
    broken("x", tmp_path)

    assert [("failed", "x", "failed")] == tell()
    broken("x", tmp_path)
    assert [] == tell()

    definitions.replace_export(
        store, replace(definitions.get_export(store, "x"), destination=settings.export_path)
    )
    run("x")

    assert [("failed", "x", "recovered")] == tell()
    assert "2 entries" in hook.posted[-1].json["message"]
    assert [] == tell()


def test_a_failure_that_is_tried_again_is_not_told_yet(define, fill, tell, time, store, recorded):
    """Only when the last try failed, too; meanwhile nothing is known of it."""
    define("x")
    fill(1)
    jobs.request(store, "x", by="ann", now=time.now)
    item = job_claims.claim(store, "worker", time.now)
    recorded("x", "failed", message="the storage is busy")
    job_claims.put_back(store, item, time.now + MINUTE, message="busy", counts=True)

    assert [] == tell()
    time.passes(MINUTE)
    job_claims.finish(store, job_claims.claim(store, "worker", time.now), jobs.FAILED, time.now, message="busy")

    assert [("failed", "x", "failed")] == tell()


def test_a_job_that_was_given_up_is_a_failure(define, tell, hook, store, time):
    """Its workers died again and again: no run of it came to an end."""
    define("x")
    jobs.request(store, "x", by="ann", now=time.now)
    for _ in range(job_claims.MOST_TAKEN_OVER):
        assert None is not job_claims.claim(store, "worker", time.now)
        time.passes(job_claims.LEASE_S * SECOND + 1)
    assert None is job_claims.claim(store, "worker", time.now)

    assert [("failed", "x", "failed")] == tell()
    assert "5 workers died" in hook.posted[0].json["message"]


def test_a_run_that_was_refused_is_no_failure(define, tell, store, time, switched):
    """Somebody asked for a run of an export that was switched off; switched on again it is as well as it was."""
    define("x")
    switched("x", on=False)
    jobs.refuse(store, "x", "Task is disabled.", by="ann", now=time.now)
    switched("x", on=True)

    assert [] == tell()


def test_an_export_that_was_removed_or_switched_off_is_over(define, fill, run, tell, hook, store, switched):
    """Whoever heard that it is held hears why it is no longer."""
    for name in ("gone", "off"):
        define(name, limits={"least": "3"})
    fill(1)
    run("gone")
    run("off")
    tell()
    definitions.remove_export(store, "gone")
    switched("off", on=False)

    assert [("held", "gone", "released"), ("held", "off", "released")] == tell()
    assert ["the export was removed", "the export was switched off"] == [
        item.json["message"].partition(": ")[2].rstrip(".") for item in hook.posted[-2:]
    ]


def test_an_overdue_export_is_told_and_that_it_ran(define, fill, tell, time, store, settings, recorded):
    """Nobody runs it for longer than the grace; beginning at last does not end that, running does."""
    define("x", schedule="every:3600")
    fill(1)
    worker = Worker(lambda: None, settings, clock=time)
    worker.plan(store)
    time.passes(60 * MINUTE)

    assert [] == tell()
    time.passes(MINUTE)
    assert [("overdue", "x", "overdue")] == tell()
    assert [] == tell()

    item = job_claims.claim(store, "worker", time.now)
    assert [] == tell()
    recorded("x", "completed", entries=1)
    job_claims.finish(store, item, jobs.DONE, time.now)

    assert [("overdue", "x", "recovered")] == tell()


def test_nobody_plans(define, tell, time, store, settings):
    """A schedule whose time has passed is overdue, too, though no job was made."""
    define("x", schedule="every:3600")
    worker = Worker(lambda: None, settings, clock=time)
    worker.plan(store)
    with store.writing() as connection:
        connection.execute(job.delete())
    time.passes(3 * HOUR)

    assert [("overdue", "x", "overdue")] == tell()
    # Somebody begins to plan: the job that is made now is of what was due then.
    worker.plan(store)
    assert [] == tell()
    assert time.now < schedules.due_at(store, "x")


def test_a_schedule_that_is_taken_away_ends_it(define, tell, hook, time, store, settings):
    """Nothing is due any more."""
    define("x", schedule="every:3600")
    Worker(lambda: None, settings, clock=time).plan(store)
    time.passes(2 * HOUR)
    tell()
    definitions.replace_export(store, replace(definitions.get_export(store, "x"), schedule=""))

    assert [("overdue", "x", "recovered")] == tell()
    assert "its schedule was changed" in hook.posted[-1].json["message"]

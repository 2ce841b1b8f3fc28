"""What is forgotten, when, and what stays however old it is."""

import pytest
from sqlalchemy import insert

from core.accounts import accounts, callers
from core.errors import NotAuthenticated, TooManyAttempts
from core.exports.run import run_export
from core.schemas.instant import DAY, SECOND
from core.store import audit, fetches, jobs, leases, logins, old_runs, open_store, run_lines, runs, schema
from core.store.fetches import Fetched, FetchKey
from core.tasks import tidying
from core.tasks.service import TaskService
from core.tasks.tidying import Keep, tidy

NOW = 1_790_000_000_000_000
KEEP = Keep(days=10, runs_days=100, audit_days=50)


@pytest.fixture
def ran(store, settings, define, fill):
    """An export that ran at days of the past, with something new each time."""
    define("x")

    def run_at(*days):
        for number, day in enumerate(days):
            fill(day + 1_000, now=NOW - day * DAY)
            run_export(store, "x", settings, now=NOW - day * DAY + number)

    return run_at


def test_each_kind_has_its_age(store, ran):
    """Lines go first, then changes, runs last; what is told is how many."""
    ran(200)
    failed = runs.begin_run(store, leases.claim(store, "x", "me", NOW - 150 * DAY), NOW - 150 * DAY)
    runs.finish_run(store, failed, NOW - 150 * DAY, status="failed")
    ran(60, 1)
    before = len(audit.entries(store))
    old = [item for item in audit.entries(store) if item.at < NOW - 50 * DAY]

    told = tidy(store, KEEP, NOW)

    assert 1 == told["runs"]
    assert failed not in [item.id for item in runs.runs(store, "x")]
    assert (len(old), before - len(old)) == (told["changes"], len(audit.entries(store)))
    lines = [len(run_lines.of_run(store, item.id)) for item in runs.runs(store, "x")]
    assert lines[0] > 0
    assert [0, 0] == lines[1:]


def test_a_service_that_stops_does_not_go_on_forgetting(store, ran, monkeypatch):
    """Millions of rows would take minutes: what is left is for another time."""
    ran(200, 60, 1)
    monkeypatch.setattr(tidying, "BATCH", 1)
    steps = iter([False, False])

    told = tidy(store, KEEP, NOW, lambda: next(steps, True))

    assert 1 == sum(told.values())
    assert sum(tidy(store, KEEP, NOW).values()) > 1


def test_a_fault_while_forgetting_ends_no_service(place, settings, monkeypatch, caplog):
    """No run depends on it: it is said, and tried again in an hour."""
    monkeypatch.setattr("core.tasks.tidying.tidy", lambda *_: 1 / 0)
    TaskService(lambda: open_store(place), settings).tidy()

    assert "what is kept no longer could not be forgotten" in caplog.text


def test_runs_of_versions_that_are_kept_stay(store, settings, ran):
    """However old: `export versions` says which run made each; those of versions that are gone go."""
    ran(300, 200)
    assert 0 == old_runs.forget(store, NOW, 100)

    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE archive SET state = 'removed' WHERE number = 1")

    assert (1, [2]) == (old_runs.forget(store, NOW, 100), [item.version for item in runs.runs(store, "x")])


def test_latest_run_stays(store, define):
    """Also if it failed, and is the only one, and of each export."""
    for name in ("x", "y"):
        define(name)
        lease = leases.claim(store, name, "me", NOW)
        for _ in range(2):
            runs.finish_run(store, runs.begin_run(store, lease, NOW), NOW, status="failed")

    assert 2 == old_runs.forget(store, NOW + DAY, 100)
    assert [1, 1] == [len(runs.runs(store, name)) for name in ("x", "y")]
    assert 0 == old_runs.forget(store, NOW + DAY, 100)


def test_runs_that_go_on_stay(store, define):
    """They have no end yet."""
    define("x")
    lease = leases.claim(store, "x", "me", NOW)
    runs.begin_run(store, lease, NOW)
    runs.finish_run(store, runs.begin_run(store, lease, NOW), NOW, status="failed")

    assert 0 == old_runs.forget(store, NOW + DAY, 100)


def test_who_has_what_stays(store, define):
    """Of what a consumer had before, rows go by an age of their own; the latest says what it has, and since when."""
    define("x")
    with store.writing() as connection:
        key = connection.exec_driver_sql("SELECT id FROM export").scalar()
        connection.execute(
            insert(schema.consumer).values(
                id=7,
                name="siem",
                description="",
                networks="[]",
                all_exports=True,
                is_enabled=True,
                created_at=NOW,
            )
        )
    rows = [(version, NOW - age * DAY) for version, age in ((1, 500), (2, 400), (3, 300), (4, 200))]
    for consumer in (0, 7):
        found = [
            (FetchKey(consumer, key, version), Fetched(first_at=at, last_at=at, full=1)) for version, at in rows
        ]
        fetches.record(store, found)

    assert {"fetches": 4} == tidy(store, Keep(), NOW)
    assert [3, 3, 4, 4] == sorted(item.version for item in fetches.fetches(store))
    assert {"fetches": 2} == tidy(store, Keep(fetches_days=1), NOW)
    assert [4, 4] == [item.version for item in fetches.fetches(store)]


def test_ended_tokens_and_failures_are_forgotten_when_they_count_no_more(store):
    """Not before: a token that was ended stays so until it would have expired; a guesser stays kept out."""
    accounts.add_user(store, "lena", "admin", "correct horse battery", by="test", now=NOW)
    logins.end_token(store, "open", NOW + 30 * DAY)
    logins.end_token(store, "expired", NOW - 2 * DAY)
    for _ in range(5):
        with pytest.raises(NotAuthenticated):
            callers.log_in(store, "lena", "wrong", "192.0.2.1", NOW)

    assert {"logins": 1} == tidy(store, Keep(), NOW)
    assert (True, False) == (logins.has_ended(store, "open"), logins.has_ended(store, "expired"))
    with pytest.raises(TooManyAttempts):
        callers.log_in(store, "lena", "wrong", "192.0.2.1", NOW + SECOND)
    assert {"logins": 3} == tidy(store, Keep(), NOW + 2 * DAY)


def test_nobody_waits_long_for_the_lock(store, monkeypatch):
    """Much is deleted in many transactions, so that a writer gets its turn between them."""
    monkeypatch.setattr(tidying, "BATCH", 50)
    with store.writing() as connection:
        for number in range(2_000):
            audit.note(connection, "tag changed", str(number), by="x", now=NOW - 60 * DAY)
    seen = []
    real = audit.forget

    def forget(*given):
        number = real(*given)
        seen.append(number)
        return number

    monkeypatch.setattr(audit, "forget", forget)

    assert {"changes": 2_000} == tidy(store, KEEP, NOW)
    assert [50] * 40 + [0] == seen


def test_runs_are_never_forgotten_before_their_jobs(store, define):
    """Whatever the settings say: a job names its run."""
    define("x")
    lease = leases.claim(store, "x", "me", NOW - 5 * DAY)
    for _ in range(2):
        runs.finish_run(store, runs.begin_run(store, lease, NOW), NOW - 5 * DAY, status="failed")

    assert {} == tidy(store, Keep(days=10, runs_days=1), NOW)
    assert [] == jobs.find(store)

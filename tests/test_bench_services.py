"""The soak: what it counts as lost, doubled or torn, which errors it takes for explained, and that it says so."""

import json
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from bench.services import due, judging, load, main, pages, tables
from bench.services.explaining import UNDATED, explain, said_in
from bench.services.outcome import Death, Error, Outcome
from bench.storage.environments import ROOT
from core.schemas.export import PublishedFile, Run, Version
from core.schemas.instant import SECOND
from core.store import jobs
from core.store.jobs import Job

NOW = 1_790_000_000 * SECOND


def run_of(number, begin_s, end_s=None, status="completed", message=""):
    end = None if end_s is None else NOW + end_s * SECOND
    return Run(number, "x", NOW + begin_s * SECOND, status, end, message)


def job_of(number, begin_s=0, end_s=None, state=jobs.DONE, *, due_s=None, attempt=1, message=""):
    began = NOW + begin_s * SECOND
    ended = None if end_s is None else NOW + end_s * SECOND
    due_at = NOW + (begin_s if due_s is None else due_s) * SECOND
    return Job(
        number, "x", state, "schedule", "", NOW, due_at, attempt, None, began, ended, None, None, False, message, 0
    )


def version_of(number, sha256):
    return Version("x", number, NOW, NOW, 1, (PublishedFile("x.txt", "text/plain", 1, sha256, 1),))


def doubled(found, of_jobs=(), versions=()):
    return judging.doubled(found, of_jobs, versions, NOW + 100 * SECOND)


@pytest.mark.parametrize("status", ["completed", "failed", "held"])
def test_two_runs_at_once_are_doubled_however_they_end(status):
    """One beside a run that completed, one inside of a longer one, and one beside a run that goes on."""
    beside = doubled([run_of(1, 0, 10), run_of(2, 9, 20, status)])
    inside = doubled([run_of(1, 0, 50), run_of(2, 5, 6), run_of(3, 30, 31, status)])
    going_on = doubled([run_of(1, 0, status="running"), run_of(2, 60, 61, status)])

    assert [f"x: two runs at once: 1 (completed) and 2 ({status})"] == beside
    assert 2 == len(inside)
    assert [f"x: two runs at once: 1 (running) and 2 ({status})"] == going_on
    assert [] == doubled([run_of(1, 0, 10), run_of(2, 10, 20, status), run_of(3, 21, 22)])


def test_a_run_that_was_left_behind_ended_nobody_knows_when():
    """It is put down as failed by the run that found it, a little after that began; what ran beside it counts."""
    left = run_of(1, 0, 30, "failed", judging.LEFT_BEHIND)

    assert [] == doubled([left, run_of(2, 29, 40)])
    assert 1 == len(doubled([run_of(3, -5, 5), left]))


def test_one_due_time_has_one_job_and_one_run():
    """A failed run beside a completed one of the same job is seen; one that was tried again may have had more."""
    two = [run_of(1, 0, 1, "failed"), run_of(2, 2, 3)]

    assert ["x: the job 7 was run more than once: 1 (failed) and 2 (completed)"] == doubled(two, [job_of(7, 0, 4)])
    assert [] == doubled(two, [job_of(7, 0, 4, attempt=2)])
    assert [] == doubled(two, [job_of(7, 0, 1), job_of(8, 2, 4)])
    assert ["x: 2 jobs of one due time"] == doubled([], [job_of(7, 0, 1, due_s=0), job_of(8, 5, 6, due_s=0)])


def test_a_version_is_there_once():
    """Whatever is in it."""
    assert ["x: version 2 is there twice"] == doubled(
        [], [], [version_of(1, "a"), version_of(2, "b"), version_of(2, "c")]
    )


def test_what_is_lost():
    """No run after all was well, and jobs that were given up, cancelled, or that nobody does."""

    def lost(found, *of_jobs):
        return judging.lost("x", found, of_jobs, since=NOW, now=NOW + 100 * SECOND, within_s=60)

    well = [run_of(1, 1, 2)]
    bad = [
        job_of(1, state=jobs.FAILED, message="broken"),
        job_of(2, state=jobs.CANCELLED, message="by ann"),
        job_of(3, 30, state=jobs.RUNNING),
        job_of(4, 30, state=jobs.WAITING),
    ]
    fine = [job_of(5, 0, 1), job_of(6, 50, state=jobs.RUNNING), job_of(7, 50, state=jobs.WAITING)]

    assert [] == lost(well, *fine)
    assert ["x: it did not run to its end after all was well again"] == lost(
        [run_of(1, -5, 2), run_of(2, 3, 4, "failed")]
    )
    assert [
        "x: the job 1 was given up: broken",
        "x: the job 2 was cancelled: by ann",
        "x: the job 3 is running since long",
        "x: the job 4 is due since long",
    ] == lost(well, *bad)


def test_torn_is_what_is_no_version():
    """Of a file that was read only what some version is counts, whichever place it came from."""
    versions = [version_of(1, "aa"), version_of(2, "bb")]
    read = {("api", "x.txt", "aa"), ("bucket", "x.txt", "bb"), ("bucket", "x.txt", "cc"), ("api", "y.txt", "aa")}

    assert [
        "api: what was read as y.txt is no version (SHA-256 aa…)",
        "bucket: what was read as x.txt is no version (SHA-256 cc…)",
    ] == judging.torn(read, versions)


AWAY = "postgresql://x/y: the server cannot be reached, or the connection was lost; check database.url"


@pytest.mark.parametrize(
    ("where", "text", "part"),
    [
        ("runs", judging.LEFT_BEHIND, "tasks 3"),
        ("runs", "s3://b/x: no connection to http://127.0.0.1:1; check", "SeaweedFS"),
        ("log of tasks", f"the store cannot be used; trying again: {AWAY}", "PostgreSQL"),
        ("log of api", f"request failed: {AWAY}", "PostgreSQL"),
        ("end of tasks", "status 1", "PostgreSQL"),
        ("reader of the api", "HTTP 503", "SeaweedFS"),
        ("reader of the api", "no answer, or half of one (IncompleteRead)", "api 1"),
        ("reader of the bucket", "HTTP 500", "SeaweedFS"),
    ],
)
def test_an_error_is_explained_by_the_death_of_what_it_needs(where, text, part):
    """While that is dead, and soon after; not before, not long after, and not by the death of another part."""
    death = Death(part, NOW, NOW + 5 * SECOND)

    def why(at_s, deaths=(death,)):
        return explain(where, text, NOW + at_s * SECOND, deaths).why

    assert "" not in (why(0), why(5), why(64))
    assert ["", "", "", ""] == [why(-1), why(66), why(1, ()), why(1, [Death("another", NOW, NOW + SECOND)])]
    assert explain(where, text, UNDATED, [death]).why


@pytest.mark.parametrize(
    ("where", "text", "part"),
    [
        ("log of tasks", "listener error: it is closed", "PostgreSQL"),
        ("log of tasks", "update_heartbeats error: ConnectorException()", "PostgreSQL"),
        ("log of tasks", "poll_jobs_to_abort error", "PostgreSQL"),
        ("log of tasks", "discarding closed connection: <psycopg.AsyncConnection [BAD] at 0x7f>", "PostgreSQL"),
        ("log of api", "Exception during reset or similar", "PostgreSQL"),
        ("log of tasks", "what a run that was cut off had kept is removed", "tasks 1"),
        ("log of tasks", "the removal of version 7, which was cut off, is finished", "SeaweedFS"),
        ("log of tasks", "version 3, which a run that was cut off had begun to publish, is finished", "tasks 1"),
        (
            "log of tasks",
            "version 3, of which a run that was cut off had published nothing, is undone",
            "PostgreSQL",
        ),
    ],
)
def test_what_is_found_later_is_explained_by_a_death_before(where, text, part):
    """A connection that is used again, an export that runs again: any time after, and not before."""
    death = Death(part, NOW, NOW + 5 * SECOND)

    def why(at_s, deaths=(death,)):
        return explain(where, text, NOW + at_s * SECOND, deaths).why

    assert "" not in (why(0), why(66), why(600))
    assert ["", "", ""] == [why(-1), why(1, ()), why(1, [Death("another", NOW, NOW + SECOND)])]


@pytest.mark.parametrize(
    "text", ["a fault in the program itself", "a worker met a fault and goes on: KeyError: 1", ""]
)
def test_what_is_not_known_is_not_explained(text):
    """Whatever died."""
    deaths = [Death(part, NOW, NOW) for part in ("PostgreSQL", "SeaweedFS", "tasks 1", "api 1")]

    assert [Error(where, text) for where in ("runs", "log of tasks", "log of api")] == [
        explain(where, text, NOW, deaths) for where in ("runs", "log of tasks", "log of api")
    ]


def test_logs_are_read_for_what_somebody_should_look_at():
    """Warnings and worse with their reason and instant; what is no JSON, half lines too; talk and good news are left."""
    at = "2026-09-21T14:13:20+00:00"
    entries = [
        {"time": at, "level": "info", "event": "job begun"},
        {"time": at, "level": "warning", "event": "careful", "why": "it\n  is late"},
        {"time": at, "level": "error", "event": "broken", "fault": "KeyError: 1"},
    ]
    lines = [*map(json.dumps, entries), '{"time": "20', "Traceback (most recent call last):", ""]

    assert [
        (NOW, "careful: it is late"),
        (NOW, "broken: KeyError: 1"),
        (UNDATED, '{"time": "20'),
        (UNDATED, "Traceback (most recent call last):"),
    ] == list(said_in([*lines, "listening on http://127.0.0.1:1; more"]))


def good():
    return Outcome(runs=Counter(completed=3), reads=Counter(api=2, bucket=1), kills=Counter(api=1))


@pytest.mark.parametrize("what", ["lost", "doubled", "torn", "wrong"])
def test_one_line_of_what_must_not_be_is_enough(what):
    """Nothing may be on any of the lists, and the table has each line."""
    outcome = good()
    assert outcome.is_good
    getattr(outcome, what).append("x: this one")

    assert not outcome.is_good
    assert "x: this one" in "".join(map(tables.text, tables.of_faults(outcome, 5)))


def test_every_error_needs_a_reason():
    """Each is in the table with its reason; one without makes the whole fail, and so do no runs, and no reads."""
    outcome = good()
    outcome.errors[Error("runs", "it broke", "a part was dead")] += 2
    assert outcome.is_good
    outcome.errors[Error("log of api", "a fault in the program itself")] += 1
    said = "".join(map(tables.text, tables.of_faults(outcome, 5)))

    assert not outcome.is_good
    assert "a part was dead" in said
    assert "not explained" in said
    assert not Outcome(reads=Counter(api=1, bucket=1)).is_good
    assert not Outcome(runs=Counter(completed=1), reads=Counter(api=1, bucket=0)).is_good


def load_of(**servers):
    return load.Load(50.0, servers)


FIGURES = load.Figures(1234.5, 10.0, 0.5, 2.25, 0, 64.0)


def test_load_says_in_words_what_is_not_installed(monkeypatch, tmp_path, capsys):
    """Without wrk nothing can be measured; without nginx there is nothing to compare with, and a row says so."""
    monkeypatch.setenv("PATH", str(tmp_path))
    options = type("Options", (), {"quick": True})

    assert ("wrk, which asks, is not installed (Debian: apt install wrk)", False) == main._measured(
        "load", options
    )
    assert "load: wrk, which asks, is not installed" in capsys.readouterr().err
    (table,) = tables.of_load(load_of(api={"unchanged": FIGURES}, nothing={}), 3)
    assert ["nothing", *["-"] * 6] == table.rows[-1]


def test_answers_that_are_none_fail():
    """Speed alone is not good."""
    assert load_of(api={"unchanged": FIGURES}).is_good
    assert not load_of(api={"unchanged": load.Figures(1, 1, 1, 1, 3, 1)}).is_good


def test_page_is_well_formed():
    """All rows of a table have as many cells; date, versions and what could not be measured are told."""
    outcome = good()
    outcome.errors[Error("runs", "it | broke", "a part was dead")] += 2
    figures = due.Figures(200, 12.0, 11.0, ["x: lost"], [], (60, 40))
    found = {
        "load": "wrk is not installed",
        "due": tables.of_due(figures, 4),
        "faults": tables.of_faults(outcome, 300),
    }
    text = pages.page(found, {"wrk": "4.1.0"}, datetime(2026, 1, 2, tzinfo=UTC))

    assert "2026-01-02" in text
    assert "wrk 4.1.0." in text
    assert "Not measured: wrk is not installed.\n" in text
    assert "### 200 exports due at once, 4 workers on PostgreSQL\n" in text
    assert "| x: lost |" in text
    assert str(ROOT) not in text
    for above, below in pairwise(text.splitlines()):
        if above.startswith("|") and below.startswith("|"):
            assert above.replace("\\|", "").count("|") == below.replace("\\|", "").count("|")


def test_all_tables_are_aligned():
    """Every row of a table has a cell for each column, so that the terminal's columns are columns."""
    outcome = good()
    outcome.errors[Error("runs", "it broke", "a part was dead")] += 2
    made = [
        *tables.of_load(load_of(api={"unchanged": FIGURES}, nothing={}), 3),
        *tables.of_due(due.Figures(2, 1.0, 1.0, [], [], (1, 1)), 1),
        *tables.of_faults(outcome, 5),
    ]

    assert {1} == {len({len(row) for row in table.rows}) for table in made}

"""``yetictl tasks``, ``export runs``, ``log`` and ``cancel``, as a person uses them."""

import time

import pytest

from core.schemas.instant import DAY
from core.store import audit, jobs, open_store


@pytest.fixture
def scheduled(yetictl, tmp_path):
    """An export that is due every hour; returns the lines of its file."""
    (tmp_path / "feed.txt").write_text("198.51.100.1\n198.51.100.2\n")
    yetictl("import", "feed.txt", "--source", "feed", "--tag", "c2")
    yetictl("export", "add", "fw", "--format", "list", "--type", "ipv4", "--every", "1h", "--jitter", "5m")
    return lambda: (tmp_path / "home/exports/fw.txt").read_text().split()


@pytest.fixture
def store(tmp_path, new_databases):
    """The store behind the commands."""
    with open_store(new_databases.at(tmp_path / "home" / "yeti.db")) as opened:
        yield opened


def test_doing_once_what_is_due(yetictl, scheduled, store):
    """For those who have a scheduler of their own, and to try it."""
    yetictl("export", "add", "now", "--format", "list", "--type", "ipv4", "--every", "1h")
    assert "1 done" in yetictl("tasks", "--once").err  # the other one waits for its jitter, unless that is none
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE export_schedule SET due_at = 0")

    done = yetictl("tasks", "--once")

    assert "2 done" in done.err
    assert ["198.51.100.1", "198.51.100.2"] == scheduled()
    assert "nothing is due" in yetictl("tasks", "--once").err


def test_what_is_kept_no_longer_is_forgotten_after_that(yetictl, scheduled, store, monkeypatch):
    """Whoever has a scheduler of their own has no service that does: each kind by its own setting, as there."""
    now = time.time_ns() // 1_000
    with store.writing() as connection:
        for age in (40, 20):
            audit.note(connection, "old", f"{age} days", now=now - age * DAY)
    monkeypatch.setenv("YETI_AUDIT_KEEP_DAYS", "30")

    yetictl("tasks", "--once")

    assert ["20 days"] == [item.subject for item in audit.entries(store, action="old")]


def test_what_is_due_is_done_though_nothing_can_be_forgotten(yetictl, scheduled, tmp_path, monkeypatch):
    """That is told; the status is that of the work."""
    yetictl("export", "add", "now", "--format", "list", "--type", "ipv4", "--every", "1h")
    monkeypatch.setattr("core.tasks.tidying.audit.forget", lambda *_: 1 / 0)

    done = yetictl("tasks", "--once")

    assert "1 done" in done.err
    assert "what is kept no longer could not be forgotten" in done.err
    assert "198.51.100.1\n198.51.100.2\n" == (tmp_path / "home/exports/now.txt").read_text()


def test_what_add_says(yetictl, scheduled):
    """When it is due, and what has to be running for that."""
    said = yetictl(
        "export", "add", "y", "--format", "csv", "--cron", "30 4 * * *", "--time-zone", "Europe/Berlin"
    ).err

    assert "it is due at '30 4 * * *' (cron, Europe/Berlin), as long as yetictl tasks is running" in said
    assert "schedule     every 1h, up to 5m later" in yetictl("export", "show", "fw").out


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--time-zone", "UTC"), "say --every or --cron, too"),
        (("--cron", "* * * * *", "--time-zone", "Nowhere"), "no time zone 'Nowhere'"),
        (("--every", "1m", "--jitter", "1h"), "not less than the interval"),
    ],
)
def test_what_is_no_schedule_is_said(yetictl, scheduled, options, reason):
    """In one line, and nothing is defined."""
    status = 2 if "say" in reason else 1
    assert reason in yetictl("export", "add", "y", "--format", "csv", *options, status=status).err


def test_the_history_of_an_export(yetictl, scheduled, store):
    """Each run with how long it took and what came of it; what waits, and when it is due."""
    assert "fw has not run yet" in yetictl("export", "runs", "fw").err
    yetictl("export", "run", "fw")
    yetictl("tasks", "--once")
    now = time.time_ns() // 1_000
    jobs.request(store, "fw", by="lena", now=now, due_at=now + 3_600_000_000)

    shown = yetictl("export", "runs", "fw")

    heading, line = shown.out.splitlines()
    assert ["run", "started", "took", "status", "outcome", "version", "entries", "message"] == heading.split()
    assert ["1", "completed", "created", "1", "2"] == [line.split()[at] for at in (0, 4, 5, 6, 7)]
    assert "fw: waiting until" in shown.err
    assert "fw: due 20" in shown.err
    told = yetictl("export", "runs", "fw", "--json").json
    assert ("lena", "waiting", 1) == (told["jobs"][0]["by"], told["jobs"][0]["state"], len(told["runs"]))


def test_what_a_run_said(yetictl, scheduled):
    """The latest one, or by its number; as text and for programs."""
    yetictl("export", "run", "fw")
    yetictl("export", "run", "fw")

    latest, first = yetictl("export", "log", "fw").out, yetictl("export", "log", "fw", "1").out

    assert "info    list made  export=fw  entries=2" in latest
    assert "changes=nothing" in latest
    assert "2 added" in first
    assert "info" == yetictl("export", "log", "fw", "1", "--json").json[0]["level"]
    assert "run 9 of 'fw' is not known" in yetictl("export", "log", "fw", "9", status=1).err


def test_cancelling(yetictl, scheduled, store):
    """What waits does not run; where nothing waits, that is said."""
    assert "nothing of 'fw' waits or runs" in yetictl("export", "cancel", "fw", status=1).err
    now = time.time_ns() // 1_000
    jobs.request(store, "fw", by="lena", now=now, due_at=now + 3_600_000_000)

    assert "fw: cancelled" in yetictl("export", "cancel", "fw").err
    assert [] == yetictl("export", "runs", "fw", "--json").json["jobs"]


def test_definitions_in_files_have_schedules_too(yetictl, scheduled, tmp_path):
    """With words for time zone and jitter, as they are dumped."""
    (tmp_path / "e.toml").write_text(
        '[[export]]\nname = "y"\nformat = "csv"\ncron = "30 4 * * *"\ntime-zone = "Europe/Berlin"\n'
        '[[export]]\nname = "z"\nformat = "csv"\nfile-name = "z.csv"\nevery = "1h"\njitter = "5m"\n'
    )

    yetictl("export", "apply", "e.toml", "--yes")

    dumped = yetictl("export", "dump").out
    assert 'cron = "30 4 * * *"\ntime-zone = "Europe/Berlin"' in dumped
    assert 'every = "1h"\njitter = "5m"' in dumped
    again = yetictl("export", "plan", "e.toml").out
    assert not [line for line in again.splitlines() if line[:1] in ("+", "~") and line[2:3] in ("y", "z")], again
    (tmp_path / "lone.toml").write_text('[[export]]\nname = "y"\nformat = "csv"\njitter = "5m"\n')
    assert "every or cron is missing" in yetictl("export", "plan", "lone.toml", status=1).err
    (tmp_path / "bad.toml").write_text('[[export]]\nname = "y"\nformat = "csv"\ncron = "30 4 * *"\n')
    assert "five fields" in yetictl("export", "plan", "bad.toml", status=1).err

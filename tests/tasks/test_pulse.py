"""Loops that hang or die: the service counts as gone or ends, and what it ran is handed back."""

import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import pytest

from core.schemas.instant import SECOND
from core.store import jobs, open_store, runs, workers
from core.tasks.presence import present
from core.tasks.pulse import Pulses
from core.tasks.service import TaskService
from tests.tasks.test_service import ended, environ, home, program, service, until  # noqa: F401 - a fixture

FAULTS = """
import os
import time
from pathlib import Path

from core.notices import telling
from core.tasks import presence, pulse, service
from core.tasks.worker import Worker

HERE = Path(os.environ["YETI_HOME"])
presence.present.__wrapped__.__kwdefaults__["every_s"] = 0.2
pulse.Pulses.silent.__defaults__ = (8.0,)
telling.LOOK_EVERY_S = 0.5
if (HERE / "hang-for-good").exists():
    service.END_AFTER_S = 10.0
plan = Worker.plan


def faulty(self, store):
    while (HERE / "hang").exists():
        time.sleep(0.05)
    if (HERE / "die").exists():
        raise SystemExit("out of luck")
    return plan(self, store)


Worker.plan = faulty
"""
"""By which a loop of the service can be made to hang or to die."""


def was_seen(within_s=15):
    """Whether a process that runs what is due was seen just now."""
    with open_store(os.environ["YETI_DATABASE_URL"]) as store:
        return bool(workers.lately(store, time.time_ns() // 1_000, within_s=within_s))


def said_up_to(words, process):
    """The lines that a process says up to the one with these words."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError("".join(lines))


def test_a_loop_that_hangs_makes_the_process_count_as_gone(home):  # noqa: F811
    """Its process lives on, and is not seen any more; when the loop goes on, it is."""
    with service(home, first=FAULTS) as process:
        until(was_seen)
        (home / "home/hang").touch()
        until(lambda: not was_seen())
        assert None is process.poll()
        (home / "home/hang").unlink()
        until(was_seen)
        until(lambda: ended(home))
        said = said_up_to("all loops go on", process)
        process.send_signal(signal.SIGTERM)
        said += process.stderr
        assert 0 == process.wait(60)

    # Others may be late on a machine that is busy: what counts is what is said of the loop that hangs.
    lines = [line for line in said if re.search("loops hang: this process counts as gone|all loops go on", line)]
    hangs = [f":{process.pid}:" in line or "planning" in line for line in lines]
    assert [False, True, False] == [key for key, _ in groupby([False, *hangs])]
    assert "all loops go on" in lines[-1]


def test_a_loop_that_hangs_for_good_ends_the_process(home):  # noqa: F811
    """With the status at which whoever looks after services begins it anew."""
    (home / "home/hang-for-good").touch()
    (home / "home/hang").touch()
    with service(home, "--grace", "1", first=FAULTS) as process:
        said = process.communicate(timeout=120)[1]

    assert 1 == process.returncode
    assert "loops hang for good, and the process ends" in said


def test_a_loop_that_dies_ends_the_process(home):  # noqa: F811
    """It is said why, without a traceback, and nobody takes the process for one that works."""
    (home / "home/die").touch()
    with service(home, first=FAULTS) as process:
        said = process.communicate(timeout=120)[1]

    assert 1 == process.returncode
    assert "a loop died" in said
    assert "SystemExit: out of luck" in said
    assert "Traceback" not in said
    assert not was_seen(within_s=60)


def test_a_loop_that_dies_ends_serve_as_well(home):  # noqa: F811
    """With the same status: one of the two services without the other would look as if all were well."""
    (home / "home/die").touch()
    with subprocess.Popen(
        [*program(FAULTS), "serve", "--port", "0"],
        env=environ(home),
        cwd=Path(__file__).parents[2],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            said = process.communicate(timeout=120)[1]
        finally:
            process.kill()

    assert 1 == process.returncode
    assert "a loop died" in said
    assert "Traceback" not in said


def test_what_goes_on_beside_the_workers_may_not_die_either(place, store, settings):
    """Nobody would be told of anything any more."""

    def die(stops, beat):
        raise SystemExit

    assert False is TaskService(lambda: open_store(place), settings, beside={"notices": die}, grace_s=5).run()


def test_who_says_nothing_for_long_is_silent():
    """From the moment that it is known; each for itself."""
    now = [0.0]
    pulses = Pulses(clock=lambda: now[0])
    one, _ = pulses.of("one"), pulses.of("other")
    now[0] = 9.0
    one()
    now[0] = 10.0

    assert [[], ["other"], ["one", "other"]] == [pulses.silent(for_s) for for_s in (11, 10, 1)]


def test_a_process_that_does_not_go_on_is_not_put_down(place, store):
    """Its row is left to get old."""
    says, asked, moment = [True], [], [1_790_000_000_000_000]

    def goes_on():
        answer = says[0]
        asked.append(answer)
        return answer

    def until_asked(times):
        """Wait until it was found so often that it does not go on."""
        asked.clear()
        until(lambda: asked.count(False) >= times)

    @contextmanager
    def opened():
        with open_store(place) as made:
            yield made

    def seen():
        return [row.seen_at for row in workers.lately(store, moment[0])]

    with present(opened, "w", goes_on=goes_on, clock=lambda: moment[0], every_s=0.05):
        until(lambda: seen() == [moment[0]])
        says[0] = False
        until_asked(1)  # what was on its way has come
        moment[0] += SECOND
        until_asked(2)
        before = seen()
        says[0] = True
        until(lambda: seen() == [moment[0]])

    assert [moment[0] - SECOND] == before


@pytest.mark.parametrize("signals", [1, 2])
def test_a_run_that_comes_to_no_step_is_handed_back(home, signals):  # noqa: F811
    """It hangs in an upload: when the grace is over, or at a second signal, the job waits for whoever comes next."""
    plugins = home / "home/plugins/storage"
    (plugins / "wait").touch()
    with service(home, "--grace", "1" if signals == 1 else "300") as process:
        until((plugins / "at-work").exists)
        process.send_signal(signal.SIGTERM)
        if signals == 2:
            said_up_to("stopping", process)  # it has heard: two that wait would be one
            process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(60)
    with open_store(os.environ["YETI_DATABASE_URL"]) as store:
        (job,) = jobs.find(store)
    assert ("waiting", 1, 0, "handed back: the worker ends") == (job.state, job.attempt, job.deaths, job.message)

    (plugins / "wait").unlink()
    with service(home):
        (job,) = until(lambda: ended(home))
    assert ("done", 1, 0) == (job.state, job.attempt, job.deaths)


def test_who_breaks_off_what_is_due_hands_it_back(home):  # noqa: F811
    """Ctrl-C in ``tasks --once``: the job waits, and is no failed attempt."""
    plugins = home / "home/plugins/storage"
    (plugins / "wait").touch()
    with service(home, "--once") as process:
        until((plugins / "at-work").exists)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]

    assert 0 != process.returncode
    assert "Traceback" not in said
    with open_store(os.environ["YETI_DATABASE_URL"]) as store:
        (job,) = jobs.find(store)
        (run,) = runs.runs(store, "x")
    assert ("waiting", 1, 0) == (job.state, job.attempt, job.deaths)
    assert "failed" == run.status

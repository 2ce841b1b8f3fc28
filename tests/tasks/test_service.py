"""The service, in processes of its own: it is killed, stopped and multiplied, and each run happens once."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from core.store import definitions, jobs, open_store, runs

SLOW = '''
import time
from pathlib import Path

HERE = Path(__file__).parent


class Slow:
    """A folder into which a file goes only while nothing stands in the way."""

    PREFIX = "slow://"

    def __init__(self, path):
        self.folder = Path(path.removeprefix("slow://"))

    def file_path(self, file_name):
        return str(self.folder / file_name)

    def get_file(self, file_name):
        try:
            return (self.folder / file_name).read_text()
        except FileNotFoundError:
            raise FileNotFoundError(file_name) from None

    def put_file(self, file_name, contents):
        (HERE / "at-work").touch()
        while (HERE / "wait").exists():
            time.sleep(0.02)
        (self.folder / file_name).write_text(contents)

    def delete_file(self, file_name):
        (self.folder / file_name).unlink(missing_ok=True)
'''


@pytest.fixture
def home(tmp_path, new_databases, monkeypatch):
    """A home folder with a list of two addresses that is published through a slow storage."""
    monkeypatch.setenv("YETI_DATABASE_URL", new_databases.at(tmp_path / "home" / "yeti.db"))
    monkeypatch.setenv("YETI_SYSTEM_VERSIONS_PATH", str(tmp_path / "home/versions"))
    plugins = tmp_path / "home/plugins/storage"
    plugins.mkdir(parents=True)
    (plugins / "slow.py").write_text(SLOW)
    (tmp_path / "lists").mkdir()
    (tmp_path / "home/feed.txt").write_text("8.8.4.1\n8.8.4.2\n")
    yetictl(tmp_path, "import", tmp_path / "home/feed.txt", "--tag", "c2")
    add = ("export", "add", "x", "--format", "list", "--include", "c2", "--to", f"slow://{tmp_path}/lists")
    yetictl(tmp_path, *add, "--every", "1h")
    return tmp_path


def environ(folder):
    """What the processes of a test see."""
    return os.environ | {"YETI_HOME": str(folder / "home"), "YETI_CONFIG": ""}


def yetictl(folder, *arguments):
    """Run a command to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "core", *map(str, arguments)],
        env=environ(folder),
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done


def program(first=""):
    """The words that run ``yetictl``; what is to be other than usual there, Python text that runs *first* changes."""
    text = f"{first}\nfrom core.cli.main import main\nmain()"
    return [sys.executable, *(["-c", text] if first else ["-m", "core"])]


@contextmanager
def service(folder, *options, first=""):
    """A running service; killed at the end if it runs still."""
    with subprocess.Popen(
        [*program(first), "-v", "tasks", *options],
        env=environ(folder),
        cwd=Path(__file__).parents[2],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


def until(asked, within_s=60):
    """Wait until something holds."""
    give_up_at = time.monotonic() + within_s
    while not (found := asked()):
        assert time.monotonic() < give_up_at, "it never came"
        time.sleep(0.05)
    return found


def store_of(folder):
    """The store of that home."""
    return open_store(os.environ["YETI_DATABASE_URL"])


def ended(folder):
    """The jobs that ended."""
    with store_of(folder) as store:
        return jobs.find(store, states=(jobs.DONE, jobs.FAILED, jobs.CANCELLED))


def test_a_killed_run_is_taken_over(home):
    """SIGKILL in the middle of publishing; another process finds that the first is gone, and does it again."""
    plugins = home / "home/plugins/storage"
    (plugins / "wait").touch()
    with service(home) as first:
        until((plugins / "at-work").exists)
        first.send_signal(signal.SIGKILL)
        first.wait(30)
    assert [] == ended(home)

    (plugins / "wait").unlink()
    began = time.monotonic()
    with service(home):
        (job,) = until(lambda: ended(home))

    assert ("done", 2) == (job.state, job.attempt)
    assert "8.8.4.1\n8.8.4.2\n" == (home / "lists/x.txt").read_text()
    assert time.monotonic() - began < 60
    with store_of(home) as store:
        assert ["completed", "failed"] == [run.status for run in runs.runs(store, "x")]


def test_a_signal_lets_the_run_end(home):
    """SIGTERM while it publishes: it goes on to its end, begins nothing more, and the process ends with 0."""
    plugins = home / "home/plugins/storage"
    (plugins / "wait").touch()
    with service(home) as process:
        until((plugins / "at-work").exists)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert None is process.poll()
        (plugins / "wait").unlink()
        assert 0 == process.wait(30)

    (job,) = ended(home)
    assert ("done", 1) == (job.state, job.attempt)


def test_an_idle_service_ends_at_once(home):
    """Nothing is waited for."""
    with service(home, "--workers", "3") as process:
        until(lambda: ended(home))
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert 0 == process.wait(30)
        assert time.monotonic() - began < 10


def test_a_schedule_is_picked_up_without_a_restart(home):
    """An export that was defined while the service was running."""
    with service(home):
        until(lambda: ended(home))
        yetictl(home, "export", "add", "y", "--format", "list", "--include", "c2", "--every", "1h")
        until(lambda: {"x", "y"} == {item.export for item in ended(home)})

    assert "8.8.4.1\n8.8.4.2\n" == (home / "home/exports/y.txt").read_text()


def test_several_services_share_the_work(home):
    """Twenty exports are due at once; two processes with two workers each run every one of them once."""
    with store_of(home) as store:
        like = definitions.get_export(store, "x")
        for number in range(20):
            name = f"e{number}"
            definitions.add_export(store, replace(like, name=name, file_name=f"{name}.txt"))
    with service(home, "--workers", "2"), service(home, "--workers", "2"):
        until(lambda: 21 == len(ended(home)))
        time.sleep(1)

    assert sorted(["x", *(f"e{number}" for number in range(20))]) == sorted(item.export for item in ended(home))
    assert {"done"} == {item.state for item in ended(home)}
    with store_of(home) as store:
        assert {1} == {len(runs.runs(store, f"e{number}")) for number in range(20)}

"""The service itself: processes that run exports and tell what becomes of it."""

import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environ(tmp_path, hook, monkeypatch):
    """What the processes of a test see: a home of their own, and whom to tell."""
    monkeypatch.delenv("YETI_CONFIG", raising=False)
    more = {"YETI_HOME": str(tmp_path / "home"), "YETI_NOTIFY_WEBHOOK_URL": hook.url}
    return os.environ | more | {"YETI_NOTIFY_WEBHOOK_SECRET": "shared", "YETI_NOTIFY_INSTALLATION": "here"}


@pytest.fixture
def yetictl(tmp_path, environ):
    """Run a command to its end, and return its status."""

    def call(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "core", *map(str, arguments)],
            env=environ | {"PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode in (0, 3), done.stderr
        return done.returncode

    return call


@contextmanager
def service(environ, folder):
    """A running service; stopped at the end."""
    with subprocess.Popen(
        [sys.executable, "-m", "core", "tasks"],
        env=environ | {"PYTHONPATH": str(ROOT)},
        cwd=folder,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            finally:
                process.kill()


def until(asked, within_s=90):
    """Wait until something holds."""
    give_up_at = time.monotonic() + within_s
    while not asked():
        assert time.monotonic() < give_up_at, "it never came"
        time.sleep(0.1)


def test_two_services_tell_each_change_once(environ, tmp_path, hook, yetictl):
    """Two processes look and deliver; a list is held, somebody releases it, and each is told once."""
    (tmp_path / "feed.txt").write_text("8.8.4.1\n8.8.4.2\n")
    yetictl("import", "feed.txt", "--tag", "c2")
    add = ("export", "add", "x", "--format", "list", "--include", "c2", "--every", "1h")
    yetictl(*add, "--limit", "least=5")
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(service(environ, tmp_path))
        until(lambda: [("held", "x", "held")] == hook.told)
        yetictl("export", "release", "x", "--reason", "two are enough")
        until(lambda: [("held", "x", "held"), ("held", "x", "released")] == hook.told)
        time.sleep(12)  # both look twice more

    assert [("held", "x", "held"), ("held", "x", "released")] == hook.told
    assert all(posted.is_signed_by("shared") for posted in hook.posted)
    assert "two are enough" in hook.posted[1].json["message"]


def test_whoever_has_a_scheduler_is_told_too(environ, tmp_path, hook, yetictl):
    """``tasks --once`` runs what is due, looks, and tells."""
    (tmp_path / "feed.txt").write_text("8.8.4.1\n")
    yetictl("import", "feed.txt", "--tag", "c2")
    yetictl("export", "add", "x", "--format", "list", "--include", "c2", "--every", "1h", "--limit", "least=5")
    yetictl("tasks", "--once")

    assert [("held", "x", "held")] == hook.told

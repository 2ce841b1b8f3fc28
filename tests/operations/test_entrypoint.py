"""The script that the image begins with, run with this environment's program; test_image.py runs it in the image."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from running import ROOT, is_answered, until
from unprivileged import folder_of_nobody

NOBODY = 65_534
SCRIPT = ROOT / "docker/docker-entrypoint.sh"
GOOD = "correct horse battery"


class Container:
    """What a container is to the script: a home folder, a path, and an environment."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.script = Path(shutil.copy(SCRIPT, folder))
        bin_folder = folder / "bin"
        bin_folder.mkdir()
        yetictl = bin_folder / "yetictl"
        yetictl.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m core "$@"\n')
        yetictl.chmod(0o755)
        (bin_folder / "python").symlink_to(sys.executable)
        path = f"{bin_folder}{os.pathsep}/usr/bin{os.pathsep}/bin"
        self.environ = {"PATH": path, "HOME": "/tmp", "YETI_HOME": str(self.home), "PYTHONDONTWRITEBYTECODE": "1"}

    def begin(self, *words: str, as_nobody: bool = False, **more: str) -> "subprocess.Popen[str]":
        """Start it with a verb and what belongs to that; root, who may write anywhere, may do it as nobody."""
        root = as_nobody and os.geteuid() == 0
        return subprocess.Popen(
            [str(self.script), *words],
            env=self.environ | more,
            cwd="/",
            user=NOBODY if root else None,
            group=NOBODY if root else None,
            extra_groups=[] if root else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, status: int = 0, as_nobody: bool = False, **more: str) -> tuple[str, str]:
        """Run it to its end, and return what it printed, and what it said."""
        with self.begin(*words, as_nobody=as_nobody, **more) as process:
            try:
                out, err = process.communicate(timeout=60)
            finally:
                process.kill()
        assert status == process.returncode, err
        return out, err


@pytest.fixture
def container(made_store: Path) -> Iterator[Container]:
    """A container with an empty store, all of it reachable for whoever has no rights."""
    with folder_of_nobody() as folder:
        made = Container(folder)
        made.home.mkdir()
        shutil.copyfile(made_store, made.home / "yeti.db")
        yield made


def serves(container: Container, *words: str, **more: str) -> tuple[int, str]:
    """Start a service, wait until it answers, stop it, and return its status and what it said."""
    with container.begin(*words, YETI_API_PORT="0", **more) as process:
        assert process.stderr is not None
        said = ""
        try:
            while "listening on" not in said:
                line = process.stderr.readline()
                assert line, said
                said += line
            found = re.search(r"listening on http://(?:0\.0\.0\.0|127\.0\.0\.1):(\d+);", said)
            assert found
            until(lambda: is_answered(f"http://127.0.0.1:{found[1]}"))
            process.send_signal(signal.SIGTERM)
            said += process.communicate(timeout=30)[1]
        finally:
            process.kill()
    return process.returncode, said


@pytest.mark.parametrize("words", [(), ("webserver",), ("webserver-prod",), ("serve",)])
def test_webserver_and_no_verb_answer_requests(container: Container, words: tuple[str, ...]) -> None:
    """``entrypoint:`` alone in a compose file clears the command; a signal ends it with 0, as itself and no child."""
    status, said = serves(container, *words, YETI_API_HOST="0.0.0.0")

    assert 0 == status
    assert "Traceback" not in said


def test_tasks_runs_what_is_due(container: Container) -> None:
    """The published compose file says no more than ``command: ['tasks']``."""
    (container.home / "feed.txt").write_text("8.8.4.1\n")
    container.run("yetictl", "import", f"{container.home}/feed.txt", "--tag", "c2")
    add = ("export", "add", "x", "--format", "list", "--include", "c2", "--every", "1h")
    container.run("yetictl", *add)
    with container.begin("tasks", "--workers", "2") as process:
        try:
            until((container.home / "exports/x.txt").exists)
            time.sleep(0.2)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
        finally:
            process.kill()

    assert 0 == process.returncode
    assert "8.8.4.1\n" == (container.home / "exports/x.txt").read_text()


@pytest.mark.parametrize("upgrade", ["yes", "no"])
def test_services_bring_the_database_up_to_date(container: Container, postgresql: Any, upgrade: str) -> None:
    """A compose file with api and tasks alone begins with an empty database on a server, unless that is not wanted."""
    url = postgresql.make("empty")
    status = 0 if upgrade == "yes" else 1
    try:
        given = {"YETI_DATABASE_URL": url, "YETI_SYSTEM_VERSIONS_PATH": str(container.home / "versions")}
        _, said = container.run("tasks", "--once", status=status, YETI_UPGRADE=upgrade, **given)
    finally:
        postgresql.drop(url)

    assert ("the database has schema" in said, "yetictl db upgrade" in said) == (upgrade == "yes", upgrade == "no")


@pytest.mark.parametrize("verb", ["tasks-beat", "events-tasks"])
def test_services_that_there_need_not_be_do_nothing(container: Container, verb: str) -> None:
    """One of a Yeti's compose file says so, stays, so that it is not begun again and again, and ends when it is told."""
    with container.begin(verb) as process:
        assert process.stderr is not None
        try:
            said = process.stderr.readline()
            until(lambda: sleeps(process) or process.poll() is not None)
            alive = process.poll()
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
        finally:
            process.kill()

    assert (None, 0) == (alive, process.returncode)
    assert f"{verb}: there is nothing to do for it" in said


def sleeps(process: "subprocess.Popen[str]") -> bool:
    """Whether it waits for a ``sleep``, which is one already and no copy of the shell any more."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return any(Path(f"/proc/{child}/cmdline").read_bytes().startswith(b"sleep\0") for child in children)


def test_who_does_nothing_can_be_told_to_end_from_the_start(container: Container) -> None:
    """Also before it has said that there is nothing to do: nobody reads it, and it cannot go on."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while os.write(writing, b"x" * 4_096):
            pass
    os.set_blocking(writing, True)
    with subprocess.Popen([container.script, "tasks-beat"], env=container.environ, stderr=writing) as process:
        try:
            os.close(writing)
            until(lambda: catches(process, signal.SIGTERM), within_s=30)
            process.send_signal(signal.SIGTERM)
            while os.read(reading, 65_536):
                pass
            process.wait(30)
        finally:
            process.kill()
            os.close(reading)

    assert 0 == process.returncode


def catches(process: "subprocess.Popen[bytes]", number: int) -> bool:
    """Whether a signal is something that a process sees to itself."""
    caught = re.search(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{process.pid}/status").read_text(), re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (number - 1) & 1)


@pytest.mark.parametrize(("more", "role"), [((), "editor"), (("--admin",), "admin")])
def test_create_user_prints_the_line_that_is_looked_for(
    container: Container, more: tuple[str, ...], role: str
) -> None:
    """One line, word for word, from which ``awk -F'NAME:'`` takes a key that counts."""
    out, err = container.run("create-user", "yeti", GOOD, *more)
    key = subprocess.run(
        ["awk", "-F", "yeti:", "{print $2}"], input=out, capture_output=True, text=True, check=True
    ).stdout.strip()

    assert f"User yeti succesfully created! API key: yeti:{key}\n" == out
    assert re.fullmatch(r"yeti_[0-9a-f]{8}_[\w-]{43}", key)
    assert "" == err
    listed, _ = container.run("yetictl", "user", "list", "--json")
    assert f'"role": "{role}"' in listed
    with container.begin("webserver", YETI_API_PORT="0") as process:
        assert process.stderr is not None
        try:
            line = process.stderr.readline()
            while "listening" not in line:
                line = process.stderr.readline()
            url = line.split()[2].rstrip(";")
            until(lambda: is_answered(url))
            answer = httpx.post(f"{url}/api/v2/auth/api-token", headers={"x-yeti-apikey": key})
        finally:
            process.kill()
            process.communicate()
    assert 200 == answer.status_code


def test_create_user_refuses_a_password_in_words(container: Container) -> None:
    """Too short, too easy, or a name that is taken: a line that says why, no user, and no key on standard output."""
    short = container.run("create-user", "yeti", "yeti", status=1)
    container.run("create-user", "yeti", GOOD)
    again = container.run("create-user", "yeti", GOOD, status=1)
    wrong = container.run("create-user", "other", GOOD, "--root", status=1)

    assert "a password has at least 12 characters" in short[1]
    assert "yetictl: there is a user 'yeti' already\n" in again[1]
    assert "not --root" in wrong[1]
    assert ("", "", "") == (short[0], again[0], wrong[0])
    assert '"keys": 1' in container.run("yetictl", "user", "list", "--json")[0]
    assert GOOD not in "".join((*short, *again, *wrong))


def test_create_user_changes_no_user_that_is_there(container: Container) -> None:
    """One without a key keeps role and password, and nobody is told that it was made."""
    container.run("yetictl", "user", "add", "karl", "--no-password")
    out, err = container.run("create-user", "karl", GOOD, "--admin", status=1)

    assert "" == out
    assert err.endswith("docker-entrypoint: the user karl was not made\n")
    assert "karl" in err.splitlines()[0]
    listed, _ = container.run("yetictl", "user", "list", "--json")
    assert re.search(r'"name": "karl", "role": "reader", .*"keys": 0', listed)


def test_users_are_changed(container: Container) -> None:
    """reset-password, toggle-user and toggle-admin, as a Yeti's administrators type them."""
    container.run("create-user", "boss", GOOD, "--admin")
    container.run("create-user", "ann", GOOD)
    container.run("reset-password", "ann", "another long one 7")
    states = []
    for verb in ("toggle-user", "toggle-user", "toggle-admin", "toggle-admin"):
        container.run(verb, "ann")
        listed = container.run("yetictl", "user", "list", "--json")[0]
        states.append(re.search(r'"name": "ann", "role": "(\w+)", "enabled": (\w+)', listed))
    _, err = container.run("toggle-user", "nobody", status=1)

    assert [("editor", "false"), ("editor", "true"), ("admin", "true"), ("editor", "true")] == [
        found.groups() for found in states if found
    ]
    assert "docker-entrypoint: there is no user 'nobody'" in err


@pytest.mark.parametrize("verb", ["webserver", "tasks", "serve"])
def test_a_folder_that_cannot_be_written_is_said_at_once(container: Container, verb: str) -> None:
    """With the user's number and the command that mends it; nothing is begun."""
    container.home.chmod(0o555)
    _, err = container.run(verb, status=1, as_nobody=True)

    number = NOBODY if os.geteuid() == 0 else os.getuid()
    assert err.startswith(f"docker-entrypoint: {container.home} cannot be written by {number}:")
    assert f"chown -R {number}:" in err
    assert 1 == err.count("\n")


def test_a_folder_of_exports_that_cannot_be_made_is_said(container: Container) -> None:
    """Another storage than a folder is not looked at."""
    container.home.chmod(0o777)
    _, err = container.run("webserver", status=1, as_nobody=True, YETI_SYSTEM_EXPORT_PATH="/exports-of-nobody")
    status, _ = serves(container, "webserver", YETI_SYSTEM_EXPORT_PATH="s3://bucket/lists")

    assert "/exports-of-nobody cannot be made by" in err
    assert 0 == status


@pytest.mark.parametrize("setting", ["export_path", "versions_path"])
def test_a_folder_is_looked_at_wherever_it_is_set(container: Container, setting: str) -> None:
    """In a file that a variable names, as containers do, and in yeti.conf; the first of them counts."""
    named = container.home / "place.txt"
    named.write_text("/dev/null/of a file\n")  # not even root makes that
    (container.home / "yeti.conf").write_text(f"[system]\n{setting} = /dev/null/settings\n")
    variable = {f"YETI_SYSTEM_{setting.upper()}_FILE": str(named)}
    _, by_variable = container.run("tasks", "--once", status=1, **variable)
    _, by_settings = container.run("tasks", "--once", status=1)

    assert by_variable.startswith("docker-entrypoint: /dev/null/of a file cannot be made by")
    assert by_settings.startswith("docker-entrypoint: /dev/null/settings cannot be made by")


def test_settings_that_cannot_be_read_are_said_by_the_service(container: Container) -> None:
    """Once, and in its own words."""
    (container.home / "yeti.conf").write_text("[system]\nexport_path = /a\nexport_path = /b\n")
    _, err = container.run("tasks", "--once", status=1, YETI_UPGRADE="no")

    assert 1 == err.count("\n")
    assert "export_path stands there twice; keep one" in err


def test_anything_else_is_a_command(container: Container) -> None:
    """``docker run IMAGE yetictl export list``; a shell with envshell."""
    out, _ = container.run("echo", "a  b")
    shell, _ = container.run("envshell", "-c", "echo $YETI_HOME")
    version, _ = container.run("yetictl", "--version")

    assert ("a  b\n", f"{container.home}\n") == (out, shell)
    assert version.startswith("yetictl, version ")

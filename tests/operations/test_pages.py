"""The pages on running it: what can be typed here is typed, and what cannot is marked, and names what there is."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest
from running import ROOT

from core.cli.main import yetictl
from core.settings import SETTINGS

PAGES = ("run-on-one-machine", "run-with-compose", "run-on-three-machines", "run-behind-a-proxy")
SCRIPT = (ROOT / "docker/docker-entrypoint.sh").read_text()


def text_of(page: str) -> str:
    """The text of a page."""
    return (ROOT / f"docs/how-to/{page}.md").read_text("utf-8")


def script_of(page: str) -> str:
    """All that is typed on it, in order."""
    return "\n".join(re.findall(r"```sh\n(.*?)```", text_of(page), re.DOTALL))


def test_one_machine_as_it_is_typed(tmp_path: Path) -> None:
    """From nothing to a list, an admin, and a service that is ready, gives figures, and ends in order."""
    (tmp_path / "feed.csv").write_text("value\n8.8.4.1\n8.8.4.2\n")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    typed = script_of("run-on-one-machine")
    assert "127.0.0.1:8000" in typed
    environ = {name: value for name, value in os.environ.items() if not name.startswith("YETI_")}
    environ |= {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "YETI_API_PORT": str(port)}
    (tmp_path / "yetictl").write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m core "$@"\n')
    (tmp_path / "yetictl").chmod(0o755)
    with subprocess.Popen(
        ["bash", "-ec", typed.replace("127.0.0.1:8000", f"127.0.0.1:{port}")],
        cwd=tmp_path,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, _ = process.communicate(timeout=120)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)

    assert 0 == process.returncode, out + (tmp_path / "serve.log").read_text()
    assert "8.8.4.1\n8.8.4.2\n" in out
    assert '"status":"ready"' in out
    assert 'yeti_export_entries{export="firewall"} 2.0' in out
    assert "nobody is at work: serve has ended" in out
    assert "completed" in out
    assert "Traceback" not in (tmp_path / "serve.log").read_text()


@pytest.mark.parametrize("page", PAGES)
def test_what_is_not_typed_by_the_tests_is_marked(page: str) -> None:
    """Each block for a terminal is executed here, or says that it is not, and why."""
    lines = text_of(page).splitlines()
    for number, line in enumerate(lines):
        if line == "```console":
            assert lines[number - 1].startswith("<!-- not executed by the tests"), f"{page}, line {number + 1}"
    assert "```sh" not in text_of(page) or page == "run-on-one-machine"


@pytest.mark.parametrize("page", PAGES)
def test_files_and_pages_that_are_named_are_there(page: str) -> None:
    """Examples of deploy, and links."""
    text = text_of(page)
    for name in re.findall(r"\bdeploy/[\w./-]+\w", text):
        assert (ROOT / name).is_file(), name
    for name in re.findall(r"\]\(([^)]+\.md)\)", text):
        assert (ROOT / "docs/how-to" / name).is_file(), name


@pytest.mark.parametrize("page", PAGES)
def test_variables_that_are_named_are_settings(page: str) -> None:
    """Of the program, of the compose file, or of the image's entry point."""
    known = {setting.variable for setting in SETTINGS} | {"YETI_HOME"}
    known |= set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yaml").read_text()))
    known |= set(re.findall(r"\$\{(\w+)", (ROOT / "docker/docker-entrypoint.sh").read_text()))
    named = set(re.findall(r"\bYETI_[A-Z_]+\b", text_of(page)))

    assert named
    assert named <= known


@pytest.mark.parametrize("page", PAGES)
def test_commands_that_are_named_are_commands(page: str) -> None:
    """With the groups' own."""
    context = click.Context(yetictl)
    for first, second in re.findall(r"yetictl ([a-z][\w-]*)(?: ([a-z][\w-]*))?", text_of(page)):
        command = yetictl.get_command(context, first)
        assert command is not None, first
        if isinstance(command, click.Group):
            assert second in command.list_commands(context), f"{first} {second}"


def test_verbs_of_the_image_are_those_of_its_script() -> None:
    """Each one of the table, and each one of the script."""
    table = re.findall(r"^\| (`.*?) \|", text_of("run-with-compose"), re.MULTILINE)
    named = {verb for row in table for verb in re.findall(r"`([a-z-]+)", row)}
    cases = SCRIPT[SCRIPT.index("case $verb in") :]
    found = {
        verb for row in re.findall(r"^  ([a-z][a-z |-]+)\)", cases, re.MULTILINE) for verb in row.split(" | ")
    }

    assert named == found - {"migrate-arangodb"}


def test_the_number_of_the_user_is_the_images() -> None:
    """Whoever gives a folder to it gives it to that one."""
    dockerfile = (ROOT / "Dockerfile").read_text()

    assert "USER 10001:10001" in dockerfile
    assert "chown -R 10001:10001 FOLDER" in text_of("run-with-compose")

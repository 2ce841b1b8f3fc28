"""A new installation: nobody has a password, and it is said how somebody gets one."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile

import httpx
import pytest

from core.accounts import accounts
from core.store import open_store


@contextmanager
def started(home: Path) -> Iterator[tuple[str, str]]:
    """Run ``yetictl api`` for a block; give its URL and what it said until it listened."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("YETI_")}
    environ |= {"YETI_HOME": str(home), "YETI_API_PORT": "0"}
    command = [sys.executable, "-m", "core", "api"]
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as process:
        try:
            said = ""
            while (found := re.search(r"listening on (http://\S+);", said)) is None:
                line = process.stderr.readline() if process.stderr else ""
                assert line, f"it ended: {said}"
                said += line
            yield found[1], said
            process.terminate()
            process.communicate(timeout=30)
        finally:
            process.kill()


@pytest.fixture
def home(tmp_path: Path, made_store: Path) -> Path:
    """A folder for an installation."""
    copyfile(made_store, tmp_path / "yeti.db")
    return tmp_path


def test_first_start_says_how_to_make_an_admin(home: Path) -> None:
    """There is no user and no password before somebody makes one."""
    with started(home) as (url, said):
        answers = [
            httpx.post(f"{url}/api/v2/auth/token", data={"username": name, "password": password}).status_code
            for name, password in (("yeti", "yeti"), ("admin", "admin"), ("admin", ""), ("root", "root"))
        ]

    assert "make the first admin with: yetictl user add NAME --role admin" in said
    assert {401, 422} >= {*answers}
    with open_store(f"sqlite:///{home}/yeti.db") as store:
        assert [] == accounts.users.users(store)


def test_later_starts_do_not(home: Path) -> None:
    """Once there is an admin, nothing is said of it."""
    with open_store(f"sqlite:///{home}/yeti.db") as store:
        accounts.add_user(store, "lena", "admin", None, by="test", now=1)

    with started(home) as (_, said):
        pass

    assert "first admin" not in said

"""A new installation: nobody has a password, and it is said how somebody gets one."""

from pathlib import Path
from shutil import copyfile

import httpx
import pytest
from served import started

from core.accounts import accounts
from core.store import open_store


@pytest.fixture
def home(tmp_path: Path, made_store: Path) -> Path:
    """A folder for an installation."""
    copyfile(made_store, tmp_path / "yeti.db")
    return tmp_path


def test_first_start_says_how_to_make_an_admin(home: Path) -> None:
    """There is no user and no password before somebody makes one."""
    with started(home) as (url, log):
        answers = [
            httpx.post(f"{url}/api/v2/auth/token", data={"username": name, "password": password}).status_code
            for name, password in (("yeti", "yeti"), ("admin", "admin"), ("admin", ""), ("root", "root"))
        ]

    assert "make the first admin with: yetictl user add NAME --role admin" in log.read_text()
    assert {401, 422} >= {*answers}
    with open_store(f"sqlite:///{home}/yeti.db") as store:
        assert [] == accounts.users.users(store)


def test_later_starts_do_not(home: Path) -> None:
    """Once there is an admin, nothing is said of it."""
    with open_store(f"sqlite:///{home}/yeti.db") as store:
        accounts.add_user(store, "lena", "admin", None, by="test", now=1)

    with started(home) as (_, log):
        pass

    assert "first admin" not in log.read_text()

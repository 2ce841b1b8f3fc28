"""A new installation: nobody has a password, and it is said how somebody gets one."""

from pathlib import Path

import httpx
import pytest
from databases import Databases
from served import started

from core.accounts import accounts
from core.store import open_store


@pytest.fixture
def place(new_databases: Databases, tmp_path: Path) -> str:
    """The address of the store of an installation."""
    return new_databases.at(tmp_path / "yeti.db", made=True)


def test_first_start_says_how_to_make_an_admin(place: str, new_databases: Databases, tmp_path: Path) -> None:
    """There is no user and no password before somebody makes one."""
    with started(tmp_path, new_databases) as (url, log):
        answers = [
            httpx.post(f"{url}/api/v2/auth/token", data={"username": name, "password": password}).status_code
            for name, password in (("yeti", "yeti"), ("admin", "admin"), ("admin", ""), ("root", "root"))
        ]

    assert "make the first admin with: yetictl user add NAME --role admin" in log.read_text()
    assert {401, 422} >= {*answers}
    with open_store(place) as store:
        assert [] == accounts.users.users(store)


def test_a_short_secret_key_is_found_at_the_start(place: str, new_databases: Databases, tmp_path: Path) -> None:
    """In one line, as any other setting that cannot be, and not by whoever logs in first."""
    with (
        pytest.raises(AssertionError, match=r"auth\.secret_key must have 32 characters at least"),
        started(tmp_path, new_databases, auth_secret_key="short"),
    ):
        pass

    assert 1 == len((tmp_path / "stderr").read_text().splitlines())


def test_later_starts_do_not(place: str, new_databases: Databases, tmp_path: Path) -> None:
    """Once there is an admin, nothing is said of it."""
    with open_store(place) as store:
        accounts.add_user(store, "lena", "admin", None, by="test", now=1)

    with started(tmp_path, new_databases) as (_, log):
        pass

    assert "first admin" not in log.read_text()

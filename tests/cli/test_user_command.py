"""``yetictl user``: as a person uses it; no password and no key is ever shown but the new one."""

import io

import pytest

GOOD = "correct horse battery"


@pytest.fixture
def typed(monkeypatch):
    """Give a line to standard input."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(f"{text}\n"))


@pytest.fixture
def lena(yetictl, typed):
    """An admin."""
    typed(GOOD)
    yetictl("user", "add", "lena", "--role", "admin", "--password-stdin")


def test_the_first_admin(yetictl, typed):
    """Before that there is nobody, and it is said how to begin."""
    assert "yetictl user add NAME --role admin adds the first" in yetictl("user", "list").err
    typed(GOOD)

    said = yetictl("user", "add", "lena", "--role", "admin", "--password-stdin")

    assert "user lena added, admin" in said.err
    assert ["lena", "admin", "yes", "yes", "0"] == yetictl("user", "list").out.splitlines()[1].split()[:5]


def test_without_anybody_to_ask(yetictl, typed):
    """A script says where the password comes from; none is made up."""
    typed("")
    assert "--password-stdin reads it" in yetictl("user", "add", "lena", status=1).err
    assert "at least 12 characters" in yetictl("user", "add", "lena", "--password-stdin", status=1).err
    assert [] == yetictl("user", "list", "--json").json


def test_a_key_is_shown_once(yetictl, lena):
    """On standard output, alone, for a script; afterwards only how it begins."""
    made = yetictl("user", "token", "lena", "--name", "firewall", "--scope", "read", "--expires", "90d")

    key = made.out.strip()
    assert key.startswith("yeti_")
    assert "it is not shown again" in made.err
    for command in (("keys",), ("keys", "lena"), ("list",), ("audit",)):
        shown = yetictl("user", *command)
        assert key not in shown.out + shown.err
    (told,) = yetictl("user", "keys", "--json").json
    assert key.startswith(told["begins"])
    assert (["read"], False) == (told["scopes"], told["ended"])

    assert "key firewall removed" in yetictl("user", "token", "lena", "--name", "firewall", "--remove").err
    assert [] == yetictl("user", "keys", "--json").json


def test_turning_a_user_away(yetictl, lena):
    """And letting in again; the last admin stays."""
    assert "the only admin" in yetictl("user", "disable", "lena", status=1).err
    yetictl("user", "add", "robot", "--no-password")

    yetictl("user", "disable", "robot")
    assert [True, False] == [item["enabled"] for item in yetictl("user", "list", "--json").json]
    yetictl("user", "enable", "robot")
    yetictl("user", "role", "robot", "editor")
    assert "editor" == yetictl("user", "list", "--json").json[1]["role"]
    yetictl("user", "remove", "robot")

    actions = [item["action"] for item in yetictl("user", "audit", "--json").json]
    assert ["user removed", "user changed", "user changed", "user changed", "user added", "user added"] == actions
    assert "role editor" in yetictl("user", "audit").out


def test_another_password(yetictl, lena, typed):
    """It is not shown either."""
    typed("another good one")

    said = yetictl("user", "password", "lena", "--password-stdin")

    assert "another good one" not in said.out + said.err
    assert "password set" in yetictl("user", "audit").out

"""``yetictl audit``: who changed what, whichever command did it."""

import pytest

from core.actor import system_user


@pytest.fixture
def changed(yetictl, tmp_path):
    """An installation in which some things were done."""
    (tmp_path / "feed.txt").write_text("198.51.100.1\n198.51.100.2\n")
    yetictl("import", "feed.txt", "--source", "feed", "--tag", "c2")
    yetictl("export", "add", "fw", "--format", "list", "--type", "ipv4", "--to", f"{tmp_path}/lists")
    yetictl("export", "run", "fw")
    yetictl("export", "edit", "fw", "--every", "1h")
    yetictl("observable", "withdraw", "198.51.100.2", "--reason", "ours")
    yetictl("export", "rollback", "fw", "1", "--exact", "--reason", "bad day")
    yetictl("export", "remove", "fw")


def test_every_command_that_changes_something_is_in_it(yetictl, changed):
    """With who typed it, newest first; a run that only takes off what was withdrawn is no change of its own."""
    found = yetictl("audit", "--json").json

    assert [
        ("export removed", "fw"),
        ("export rolled back", "fw"),
        ("observable withdrawn", "198.51.100.2"),
        ("export changed", "fw"),
        ("export run", "fw"),
        ("export added", "fw"),
        ("import", "feed.txt"),
    ] == [(item["action"], item["subject"]) for item in found]
    assert {system_user()} == {item["actor"] for item in found}
    assert ("1", "bad day") == (found[1]["detail"]["of"], found[1]["detail"]["reason"])


def test_changes_are_looked_for(yetictl, changed):
    """By action, by who made them, and since when; what changed is told in words."""
    said = yetictl("audit", "--action", "export changed").out

    assert "schedule none → every:3600" in said
    assert 2 == len(said.splitlines())
    assert "no change was like that" in yetictl("audit", "--actor", "nobody").err
    assert [] == yetictl("audit", "--since", "2999-01-01", "--json").json
    assert 7 == len(yetictl("user", "audit", "--json").json)


def test_the_name_in_the_environment_is_not_believed(yetictl, changed, monkeypatch):
    """Who acts is whose process it is: ``LOGNAME`` is a word that anybody can set."""
    monkeypatch.setenv("LOGNAME", "somebody-else")
    yetictl("observable", "reinstate", "198.51.100.2")

    assert system_user() == yetictl("audit", "--json", "--limit", "1").json[0]["actor"]

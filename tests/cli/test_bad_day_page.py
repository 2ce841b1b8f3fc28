"""The page "Survive a bad day": every command on it does what it says, in its order, as somebody would type it."""

import re

import pytest
from page_shell import PageShell, command_of, lines_of, page_text

PAGE = page_text("survive-a-bad-day")
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """What was said, and what was published after each line of the page, by line; a line may come again."""
    folder = tmp_path_factory.mktemp("day")
    run = PageShell(folder)
    place = folder / ".local" / "share" / "yeti" / "exports" / "firewall.txt"
    steps = []
    for line in lines_of(PAGE):
        said = run(line)
        lines = place.read_text().split() if place.exists() else []
        steps.append((command_of(line), said, lines))
    return steps


def after(day, command, time=1):
    """What was said and published after a command, the first time or a later one."""
    found = [(said, lines) for line, said, lines in day if line == command]
    return found[time - 1]


RUN = "yetictl export run firewall"


def test_an_empty_feed_changes_nothing(day):
    """The run is held with its numbers; the list stays, and the feed's return ends it."""
    said, lines = after(day, RUN, 2)
    assert "the list would lose 197 of its 200 entries" in said
    assert "yetictl export release firewall" in said
    assert 200 == len(lines)
    assert "197" in after(day, "yetictl export diff firewall held --limit 5")[0]
    assert "held since" in after(day, "yetictl export versions firewall")[0]
    said, lines = after(day, RUN, 3)
    assert "unchanged" in said
    assert 200 == len(lines)


def test_a_slash_8_is_stopped(day):
    """It is held for its size, explained, and kept off for good."""
    said, lines = after(day, RUN, 4)
    assert "16,777,416 IPv4 addresses" in said
    assert "44.0.0.0/8" not in lines
    assert "44.0.0.0/8" in after(day, "yetictl export explain firewall 44.1.2.3")[0]
    assert 200 == len(after(day, RUN, 5)[1])
    assert "never" in after(day, "yetictl export explain firewall 44.0.0.0/8")[0]


def test_a_false_positive_is_gone(day):
    """The command publishes the list without it."""
    _, lines = after(day, 'yetictl observable withdraw 198.51.100.7 --reason "our customer\'s mail server"')
    assert 199 == len(lines)
    assert "198.51.100.7" not in lines
    assert "our customer's mail server" in after(day, "yetictl export explain firewall 198.51.100.7")[0]


def test_a_version_is_rolled_back(day):
    """The old content is back, later runs publish nothing, and after unpinning they do."""
    assert 239 == len(after(day, RUN, 6)[1])
    said, lines = after(day, 'yetictl export rollback firewall 2 --reason "the partner\'s list was wrong"')
    assert 199 == len(lines)
    assert "unpin" in said
    said, lines = after(day, RUN, 7)
    assert "40 added" in said
    assert 199 == len(lines)
    said, lines = after(day, RUN, 8)
    assert 199 == len(lines)
    assert "pinned" not in said


def test_everything_verifies(day):
    """Nothing was altered."""
    assert re.search(
        r"(\d+) of \1 manifests, objects and published files", after(day, "yetictl export verify firewall")[0]
    )

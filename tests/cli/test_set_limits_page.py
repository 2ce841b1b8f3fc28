"""The page "Set limits": every command on it does what it says, and its tables are those of the program."""

import re

import pytest
from page_shell import PageShell, command_of, lines_of, page_text

from core.exports.gate.limits import LIMITS, parse

PAGE = page_text("set-limits")


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What each line of the page printed and what the firewall could fetch then, in order."""
    folder = tmp_path_factory.mktemp("page")
    run = PageShell(folder)
    place = folder / ".local" / "share" / "yeti" / "exports"
    steps = []
    for line in lines_of(PAGE):
        text = run(line)
        fetched = {path.stem: path.read_text().split() for path in place.glob("*.txt")}
        steps.append((command_of(line), text, fetched))
    return steps


def after(said, command, time=1):
    """What was printed and could be fetched after a command, the first time or a later one."""
    return [(text, fetched) for line, text, fetched in said if line == command][time - 1]


RUN = "yetictl export run firewall"


def test_its_tables_are_those_of_the_program():
    """Every limit is on it once, with its default and meaning."""
    rows = re.findall(r"^\| `(.*?)` \| (.*?) ?\| (.*) \|$", PAGE, re.MULTILINE)

    assert sorted(rows) == sorted(
        (limit.key, f"`{limit.default}`" if limit.default else "", limit.meaning) for limit in LIMITS
    )


def test_the_classes_it_names_are_known():
    """What may be allowed can be."""
    (sentence,) = re.findall(r"^Among the classes are (.*?);", PAGE, re.MULTILINE)

    assert "private-use" in parse({"allow": ",".join(re.findall("`(.*?)`", sentence))}).allow


def test_what_is_forbidden_is_dropped(said):
    """The forbidden network is off the list, the rest stays, and the command says which entries those are."""
    assert 200 == len(after(said, RUN)[1]["firewall"])
    text, fetched = after(said, RUN, 2)

    assert "15 dropped that must never be listed (never)" in text
    assert 185 == len(fetched["firewall"])
    assert "198.51.100.0/28" in after(said, "yetictl export kept-off firewall --reason never")[0]


def test_a_loss_is_held_and_released(said):
    """More than the 30 % that were set; nothing changes until somebody releases it."""
    text, fetched = after(said, RUN, 3)
    assert "the list would lose 140 of its 185 entries: more than 30%, and more than 20" in text
    assert 185 == len(fetched["firewall"])

    released = after(said, 'yetictl export release firewall --reason "the botnet was taken down"')[1]
    assert 45 == len(released["firewall"])


def test_what_must_be_on_the_list_holds_it(said):
    """With the required value it is published, without one it is held."""
    assert "unchanged" in after(said, RUN, 4)[0]
    assert "what must be on the list is not: 198.51.100.200" in after(said, RUN, 5)[0]


def test_a_budget_is_kept(said):
    """As many as the budget has are on the list; the others are told."""
    text, fetched = after(said, "yetictl export run small-box")

    assert "35 cut to keep within the budget" in text
    assert 25 == len(fetched["small-box"])
    assert "cut" in after(said, "yetictl export kept-off small-box --reason cut")[0]

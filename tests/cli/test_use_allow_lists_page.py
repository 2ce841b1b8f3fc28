"""The page "Use allow-lists": every command on it works, in its order, and its tables are true."""

import json
import re

import pytest
from page_shell import PageShell, lines_of, page_text

from core.store.allow_lists.kinds import FAMILIES, Kind, default_action
from core.values.networks import MOST_PIECES

PAGE = page_text("use-allow-lists")
FEED = "value,type,tags\n203.0.113.9,ip,c2\n203.0.113.0/28,cidr,c2\n198.51.100.7,ip,c2\n"
CLOUD = {
    "name": "List of known Cloudflare IP ranges",
    "version": 20,
    "description": "x",
    "type": "cidr",
    "matching_attributes": ["ip-src", "ip-dst"],
    "list": ["104.16.0.0/13"],
}


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What each line of the page printed, in a home folder of its own."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "own-networks.txt").write_text("198.51.100.0/24\nourselves.example\n")
    (folder / "feed.csv").write_text(FEED)
    lists = folder / "misp-warninglists" / "lists" / "cloudflare"
    lists.mkdir(parents=True)
    (lists / "list.json").write_text(json.dumps(CLOUD))
    run = PageShell(folder)
    run("yetictl import feed.csv --source feed")
    return {line: run(line) for line in lines_of(PAGE)}


def test_every_command_works(said):
    """None fails, and they are many."""
    assert len(said) > 12


def test_what_they_say(said):
    """The address is on the user's own list; its own assets hold a run."""
    assert re.search(
        r"our-networks +block +inside +198.51.100.0/24", said["yetictl allow-list check 198.51.100.77"]
    )
    assert "a run that would list any of it is held" in said["yetictl allow-list set our-networks --own-assets"]
    assert "met by:     1 observable: inside 1" in said["yetictl allow-list show our-networks"]


def test_the_table_of_families():
    """Every family is in it, with what it does, but that of what was carved out."""
    table = PAGE.partition("## What is kept off")[2].partition("## ")[0]
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("| `")
    ]
    told = {family.strip("` "): does for families, _, does in rows for family in families.split(",")}

    assert told == {family: default_action(Kind(family)) for family in FAMILIES if family != "carved-out"}


def test_the_table_of_relations(yetictl, tmp_path):
    """Each pair of an observable and an entry is related as the table says."""
    table = PAGE.partition("## What counts")[2].partition("## ")[0]
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("| `")
    ]
    assert len(rows) == 6
    for value, entry, relation in rows:
        (tmp_path / "one.txt").write_text(entry.split("`")[1] + "\n")
        yetictl("allow-list", "add", "one", "one.txt")
        found = yetictl("allow-list", "check", value.strip("`"), "--json").json["lists"]

        assert [relation.split(":")[0]] == [met["relation"] for met in found if met["name"] == "one"]


def test_the_number_of_pieces():
    """As many as the program says."""
    assert f"more than {MOST_PIECES:,} pieces" in PAGE

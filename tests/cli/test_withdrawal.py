"""``yetictl observable withdraw``: a false positive leaves every export at once, and stays away."""

import pytest

FEED = """value,type,tags
192.0.2.1,ip,c2
192.0.2.2,ip,c2
192.0.2.0/24,cidr,net
c2.example.org,domain,c2
example.org,domain,apt
"""


@pytest.fixture
def lists(yetictl, tmp_path):
    """Two exports that were run, one of which holds the addresses; returns the lines of a published file."""
    (tmp_path / "feed.csv").write_text(FEED)
    yetictl("import", "feed.csv", "--source", "feed")
    yetictl("export", "add", "addresses", "--format", "list", "--type", "ipv4", "--include", "c2")
    yetictl("export", "add", "names", "--format", "list", "--type", "domain")
    yetictl("export", "run", "--all")

    def lines(name):
        return (tmp_path / f"home/exports/{name}.txt").read_text().splitlines()

    return lines


def test_it_leaves_the_lists_that_hold_it_at_once(yetictl, lists):
    """The command runs the exports that hold the value, and no other."""
    result = yetictl("observable", "withdraw", "192.0.2.1", "--reason", "our own scanner")

    assert lists("addresses") == ["192.0.2.2"]
    assert "1 assertion withdrawn, and marked as false-positive" in result.err
    assert yetictl("export", "show", "addresses", "--json").json["version"] == 2
    assert "names" not in result.out


def test_no_later_source_brings_it_back(yetictl, lists, tmp_path):
    """Neither the same feed again nor another one puts it on a list; nor does time."""
    yetictl("observable", "withdraw", "192.0.2.1", "--reason", "our own scanner")
    (tmp_path / "other.csv").write_text("value,type,tags\n192.0.2.1,ip,c2;fresh\n")
    yetictl("import", "other.csv", "--source", "other")
    yetictl("import", "feed.csv", "--source", "feed")
    yetictl("export", "run", "addresses")

    assert lists("addresses") == ["192.0.2.2"]
    yetictl("export", "edit", "addresses", "--any-freshness")
    yetictl("tag", "set", "false-positive", "--lifetime", "0")
    yetictl("export", "run", "addresses")
    assert lists("addresses") == ["192.0.2.2"]


def test_reinstate_undoes_it(yetictl, lists):
    """What was withdrawn counts again, and can be withdrawn again."""
    yetictl("observable", "withdraw", "192.0.2.1", "--reason", "our own scanner")
    result = yetictl("observable", "reinstate", "192.0.2.1")
    assert "1 assertion counts again" in result.err
    yetictl("export", "run", "addresses")
    assert lists("addresses") == ["192.0.2.1", "192.0.2.2"]

    yetictl("observable", "withdraw", "192.0.2.1", "--reason", "after all")
    assert lists("addresses") == ["192.0.2.2"]


def test_without_a_run(yetictl, lists):
    """``--no-run`` leaves the files as they are, and says which hold it."""
    result = yetictl("observable", "withdraw", "c2[.]example[.]org", "--reason", "ours", "--no-run")

    assert "still held by names; yetictl export run names publishes without it" in result.err
    assert lists("names") == ["c2.example.org", "example.org"]


def test_a_value_that_is_covered_by_others(yetictl, lists):
    """A network that the address lies in, or a parent of the name, is told: the list still holds those."""
    address = yetictl("observable", "withdraw", "192.0.2.1", "--reason", "ours", "--no-run")
    name = yetictl("observable", "withdraw", "c2.example.org", "--reason", "ours", "--no-run")

    assert "192.0.2.1 lies in the network 192.0.2.0/24, which is still listed" in address.err
    assert "c2.example.org is below the name example.org, which is still listed" in name.err
    yetictl("observable", "withdraw", "192.0.2.0/24", "--reason", "ours", "--no-run")
    assert "lies in" not in yetictl("observable", "withdraw", "192.0.2.2", "--reason", "ours", "--no-run").err


def test_a_value_that_nobody_knows(yetictl, lists, tmp_path):
    """It is marked all the same, so that no import lists it; what is of no type is not."""
    result = yetictl("observable", "withdraw", "198.51.100.7", "--reason", "our mail server")
    assert "0 assertions withdrawn, and marked as false-positive" in result.err
    assert "no export holds it" in result.err
    (tmp_path / "other.csv").write_text("value,type,tags\n198.51.100.7,ip,c2\n")
    yetictl("import", "other.csv", "--source", "other")
    yetictl("export", "run", "addresses")
    assert "198.51.100.7" not in lists("addresses")

    result = yetictl("observable", "withdraw", "no value", "--reason", "x", status=1)
    assert "there is no observable 'no value'" in result.err


def test_a_list_that_fails_is_told(yetictl, lists, tmp_path):
    """The value is withdrawn, and the command fails for the export that could not publish that."""
    (tmp_path / "file").touch()
    yetictl("export", "edit", "addresses", "--to", tmp_path / "file" / "folder")

    result = yetictl("observable", "withdraw", "192.0.2.1", "--reason", "ours", status=1)

    assert "failed   addresses" in result.err
    assert yetictl("observable", "show", "192.0.2.1", "--json").json


def test_what_was_known_to_be_good_stays_so(yetictl, lists, tmp_path):
    """Withdrawing takes back what is claimed against a value, not what speaks for it."""
    (tmp_path / "good.txt").write_text("192.0.2.2\n")
    yetictl("import", "good.txt", "--source", "ours", "--tag", "allow-list", "--kind", "benign")
    yetictl("export", "run", "addresses")
    assert lists("addresses") == ["192.0.2.1"], "a claim of good under a sticky tag needs no --exclude"

    yetictl("observable", "withdraw", "192.0.2.2", "--reason", "ours")
    yetictl("observable", "reinstate", "192.0.2.2")
    yetictl("export", "run", "addresses")
    assert lists("addresses") == ["192.0.2.1"]
    yetictl("export", "add", "good", "--format", "list", "--include", "allow-list")
    yetictl("export", "run", "good")
    assert lists("good") == ["192.0.2.2"]

"""``yetictl observable withdraw``: a false positive leaves every export at once, and stays away."""

import shlex
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MISP = """{"Event": {"uuid": "5f0c4a5e-0000-4000-8000-000000000001", "info": "x", "Attribute": [{"type": "hostname",
"value": "evil.example.net", "to_ids": true, "deleted": %s, "Tag": [{"name": "evil"}]}]}}"""
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
    """A network that the address lies in, or a parent of the name, is told where a published list holds it."""
    unlisted = yetictl("observable", "withdraw", "192.0.2.2", "--reason", "ours", "--no-run")
    name = yetictl("observable", "withdraw", "c2.example.org", "--reason", "ours", "--no-run")
    yetictl("export", "add", "networks", "--format", "list", "--type", "cidr")
    yetictl("export", "run", "networks")
    address = yetictl("observable", "withdraw", "192.0.2.1", "--reason", "ours", "--no-run")

    assert "lies in" not in unlisted.err
    assert (
        "192.0.2.1 lies in the network 192.0.2.0/24, which is listed by networks; withdraw that too" in address.err
    )
    assert "c2.example.org is below the name example.org, which is listed by names" in name.err
    yetictl("observable", "withdraw", "192.0.2.0/24", "--reason", "ours")
    assert "lies in" not in yetictl("observable", "withdraw", "192.0.2.1", "--reason", "ours", "--no-run").err


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


def test_an_export_that_cannot_be_run_keeps_no_other_from_it(yetictl, lists, tmp_path):
    """The value is withdrawn and leaves the lists that can be made; the one that cannot is named."""
    folder = tmp_path / "home/plugins/formats"
    folder.mkdir(parents=True)
    (folder / "gone.py").write_text(
        (ROOT / "core/exports/formats/list.py").read_text().replace('"list"', '"gone"')
    )
    yetictl("export", "add", "plugged", "--format", "gone", "--type", "ipv4")
    yetictl("export", "run", "plugged")
    (folder / "gone.py").unlink()

    result = yetictl("observable", "withdraw", "192.0.2.1", "--reason", "ours", status=1)

    assert lists("addresses") == ["192.0.2.2"]
    assert "failed   plugged: unknown format 'gone'" in result.err


def test_what_the_published_file_holds_counts(yetictl, lists):
    """An export that was edited since goes by what its current version has, and lets nothing else of the edit out."""
    yetictl("export", "edit", "addresses", "--include", "nobody")

    done = yetictl("observable", "withdraw", "192.0.2.1", "--reason", "ours")

    assert "held: the list would be empty" in done.err
    assert lists("addresses") == ["192.0.2.2"]


def test_what_its_source_revoked_since_is_on_the_published_file_still(yetictl, lists, tmp_path):
    """The file was made before the source took the claim back; reinstating does not undo that."""
    (tmp_path / "misp.json").write_text(MISP % "false")
    yetictl("import", "misp.json", "--source", "misp")
    yetictl("export", "add", "hosts", "--format", "list", "--include", "evil")
    yetictl("export", "run", "hosts")
    assert lists("hosts") == ["evil.example.net"]
    (tmp_path / "misp.json").write_text(MISP % "true")
    yetictl("import", "misp.json", "--source", "misp")

    yetictl("observable", "withdraw", "evil.example.net", "--reason", "ours")
    assert lists("hosts") == []
    yetictl("observable", "reinstate", "evil.example.net")
    yetictl("export", "run", "hosts")
    assert lists("hosts") == []


def test_no_tag_and_no_source_takes_it_back(yetictl, lists, tmp_path):
    """Whatever is said of the value afterwards, under that tag or by that source, it stays away."""
    yetictl("observable", "withdraw", "192.0.2.1", "--reason", "ours")
    yetictl("observable", "tag", "192.0.2.1", "false-positive")
    yetictl("observable", "add", "192.0.2.1", "--tag", "c2")
    yetictl("tag", "set", "false-positive", "--exclusion", "lapses")
    yetictl("export", "run", "addresses")
    assert lists("addresses") == ["192.0.2.2"]

    result = yetictl("observable", "add", "192.0.2.1", "--source", "yetictl withdraw", status=1)
    assert "is reserved" in result.err


def test_reinstating_leaves_the_good_word_of_others(yetictl, lists, tmp_path):
    """What another source says in favour of the value stands, whether it was withdrawn or not."""
    (tmp_path / "good.txt").write_text("192.0.2.1\n")
    yetictl("import", "good.txt", "--source", "ours", "--tag", "false-positive", "--kind", "benign")

    yetictl("observable", "reinstate", "192.0.2.1")
    yetictl("export", "run", "addresses")

    assert lists("addresses") == ["192.0.2.2"]


def test_a_list_that_was_never_published_is_not_run(yetictl, lists, tmp_path):
    """It holds nothing, and may be switched off for a reason."""
    yetictl("export", "add", "later", "--format", "list", "--type", "ipv4", "--disabled")

    yetictl("observable", "withdraw", "192.0.2.1", "--reason", "ours")

    assert not (tmp_path / "home/exports/later.txt").exists()


def test_a_run_that_is_going_on_is_waited_for(yetictl, lists, tmp_path, monkeypatch, new_databases):
    """It may publish what it read before; so the command runs the export once more when that has ended."""
    from core.cli import withdrawal
    from core.store import leases, open_store

    monkeypatch.setattr(withdrawal, "PATIENCE_S", 30)
    now = time.time_ns() // 1000
    with open_store(new_databases.at(tmp_path / "home" / "yeti.db")) as store:
        leases.claim(store, "addresses", "elsewhere:1:1", now, lease_s=3)

    yetictl("observable", "withdraw", "192.0.2.1", "--reason", "ours")

    assert lists("addresses") == ["192.0.2.2"]


def test_a_list_that_fails_is_told(yetictl, lists, tmp_path):
    """The value is withdrawn, and the command fails for the export that could not publish that."""
    (tmp_path / "file").touch()
    yetictl("export", "edit", "addresses", "--to", tmp_path / "file" / "folder")

    result = yetictl("observable", "withdraw", "192.0.2.1", "--reason", "ours", status=1)

    assert "failed   addresses" in result.err
    assert yetictl("observable", "show", "192.0.2.1", "--json").json


def test_what_was_known_to_be_good_stays_so(yetictl, lists, tmp_path):
    """Withdrawing takes back what is claimed against a value, not what speaks for it, nor what lists that."""
    (tmp_path / "good.txt").write_text("192.0.2.2\n")
    yetictl("import", "good.txt", "--source", "ours", "--tag", "allow-list", "--kind", "benign")
    yetictl("import", "good.txt", "--source", "theirs", "--tag", "known-good", "--kind", "benign")
    yetictl("export", "add", "good", "--format", "list", "--include", "allow-list")
    yetictl("export", "run", "--all")
    assert lists("addresses") == ["192.0.2.1"], "a claim of good under a sticky tag needs no --exclude"
    assert lists("good") == ["192.0.2.2"]

    yetictl("observable", "withdraw", "192.0.2.2", "--reason", "ours")
    yetictl("export", "run", "--all")
    assert lists("good") == ["192.0.2.2"]
    yetictl("observable", "reinstate", "192.0.2.2")
    yetictl("export", "run", "--all")
    assert (lists("addresses"), lists("good")) == (["192.0.2.1"], ["192.0.2.2"])


# --- carving out of networks ------------------------------------------------------------------------------


@pytest.fixture
def networks(yetictl, lists):
    """A further export, of networks, that was run."""
    yetictl("export", "add", "networks", "--format", "list", "--type", "ip", "--include", "net")
    yetictl("export", "run", "networks")
    assert lists("networks") == ["192.0.2.0/24"]
    return lists


PIECES = ["192.0.2.1", "192.0.2.2/31", "192.0.2.4/30", "192.0.2.8/29", "192.0.2.16/28", "192.0.2.32/27"]
PIECES += ["192.0.2.64/26", "192.0.2.128/25"]


def test_a_value_in_a_listed_network_is_carved_out(yetictl, networks):
    """The network is listed without it, at once; reinstating lists it whole again."""
    result = yetictl("observable", "withdraw", "192.0.2.0", "--reason", "ours", "--carve-out")

    assert sorted(networks("networks")) == sorted(PIECES)
    assert "lies in the network 192.0.2.0/24, which is listed by networks" in result.err
    assert "192.0.2.0: carved out" in result.err
    (met,) = [
        item for item in yetictl("allow-list", "check", "192.0.2.0", "--json").json["lists"] if not item["class"]
    ]
    assert (met["name"], met["does"], met["relation"]) == ("carved out", "block", "equal")

    result = yetictl("observable", "reinstate", "192.0.2.0")
    assert "not carved out of networks any more" in result.err
    yetictl("export", "run", "networks")
    assert networks("networks") == ["192.0.2.0/24"]


def test_without_somebody_to_ask_the_command_is_told(yetictl, networks):
    """Nothing is carved out; the line that does it can be copied, and works."""
    result = yetictl("observable", "withdraw", "192.0.2.0", "--reason", "it's ours")
    (line,) = [line for line in result.err.splitlines() if "--carve-out" in line]
    told = shlex.split(line.partition(": yetictl ")[2])

    assert networks("networks") == ["192.0.2.0/24"]
    assert told == ["observable", "withdraw", "192.0.2.0", "--reason", "it's ours", "--carve-out"]
    yetictl(*told)
    assert sorted(networks("networks")) == sorted(PIECES)
    again = yetictl("observable", "withdraw", "192.0.2.0", "--reason", "it's ours")
    assert "lies in" not in again.err


@pytest.mark.parametrize(("answer", "is_carved"), [("y", True), ("n", False)])
def test_on_a_terminal_it_asks(yetictl, networks, monkeypatch, answer, is_carved):
    """What is answered is done; with --no-carve-out nobody is asked."""
    asked = []

    def confirm(text, err):
        asked.append(text)
        return answer == "y"

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.confirm", confirm)
    yetictl("observable", "withdraw", "192.0.2.0", "--reason", "ours", "--no-carve-out", "--no-run")
    assert asked == []
    yetictl("observable", "withdraw", "192.0.2.0", "--reason", "ours")

    assert asked == ["carve 192.0.2.0 out of 192.0.2.0/24?"]
    assert is_carved == (networks("networks") != ["192.0.2.0/24"])


def test_an_export_may_drop_the_network_instead(yetictl, networks):
    """By its limits; what else it lists stays."""
    limits = ("--limit", "allow=documentation", "--limit", "split=drop", "--limit", "dropped=off")
    yetictl("export", "edit", "networks", "--include", "net", "--include", "c2", *limits)
    yetictl("export", "run", "networks")
    assert networks("networks") == ["192.0.2.0/24", "192.0.2.1", "192.0.2.2"]

    yetictl("observable", "withdraw", "192.0.2.7", "--reason", "ours", "--carve-out")

    assert networks("networks") == ["192.0.2.1", "192.0.2.2"]


def test_a_network_is_carved_out_of_a_larger_one(yetictl, networks):
    """Half of it is left."""
    yetictl("observable", "withdraw", "192.0.2.128/25", "--reason", "ours", "--carve-out")

    assert networks("networks") == ["192.0.2.0/25"]


def test_a_name_cannot_be_carved_out_of_its_parent(yetictl, lists):
    """It says which name to withdraw; asked for all the same, it says why not, and the value is withdrawn."""
    result = yetictl("observable", "withdraw", "c2.example.org", "--reason", "ours")
    assert "is below the name example.org, which is listed by names; withdraw that too" in result.err
    assert "--carve-out" not in result.err
    assert lists("names") == ["example.org"]

    result = yetictl("observable", "withdraw", "www.example.org", "--reason", "ours", "--carve-out")
    assert "a name cannot be carved out" in result.err
    assert lists("names") == ["example.org"]


def test_what_is_in_no_network_yet_can_be_carved_out(yetictl, networks, tmp_path):
    """It is excepted from networks that come later."""
    yetictl("observable", "withdraw", "198.51.100.128", "--reason", "ours", "--carve-out")
    (tmp_path / "more.csv").write_text("value,type,tags\n198.51.100.128/25,cidr,net\n")
    yetictl("import", "more.csv")
    yetictl("export", "run", "networks")

    assert "198.51.100.129" in networks("networks")
    assert "198.51.100.128/25" not in networks("networks")


# --- what lies in it, on it or below it --------------------------------------------------------------------


@pytest.fixture
def inside(yetictl, lists, tmp_path):
    """A further export, with URLs, an address and a network in a network, and names below a name."""
    (tmp_path / "more.csv").write_text(
        "value,type,tags\n"
        "198.51.100.7,ip,x\n198.51.100.70,ip,x\n198.51.100.9,ip,x\n198.51.100.128/25,cidr,x\n198.51.101.1,ip,x\n"
        "http://198.51.100.7/a,url,x\nhttps://198.51.100.70:8443/a,url,x\n"
        "www.evil.example,domain,x\na.www.evil.example,domain,x\nwww-evil.example,domain,x\n"
        "http://www.evil.example/y,url,x\nhttp://www.evil.example.net/y,url,x\n"
    )
    yetictl("import", "more.csv", "--source", "more")
    limits = ("--limit", "allow=documentation", "--limit", "dropped=off")
    yetictl("export", "add", "fire wall", "--format", "list", "--include", "x", *limits)
    yetictl("export", "run", "fire wall")
    return lambda: set((tmp_path / "home/exports/fire_wall.txt").read_text().split())


IN_NETWORK = {"198.51.100.7", "198.51.100.70", "198.51.100.9", "198.51.100.128/25"}
IN_NETWORK |= {"http://198.51.100.7/a", "https://198.51.100.70:8443/a"}


def test_what_lies_in_a_network_is_told(yetictl, inside):
    """Withdrawing the network withdraws nothing of it: how much that is, where, and the command that takes it off."""
    before = inside()

    told = yetictl("observable", "withdraw", "198.51.100.0/24", "--reason", "it's ours")

    assert (
        "cidr  198.51.100.0/24: 6 entries in it are listed by fire wall: "
        "198.51.100.7, 198.51.100.9, 198.51.100.70, …" in told.err.splitlines()
    )
    assert before == inside()
    (line,) = [line for line in told.err.splitlines() if "--carve-out" in line]
    yetictl(*shlex.split(line.partition(": yetictl ")[2]))
    assert before - IN_NETWORK == inside()


def test_carving_out_a_network_takes_off_what_lies_in_it_at_once(yetictl, inside):
    """The exports that list something of it run, though no network around it is listed."""
    before = inside()

    told = yetictl("observable", "withdraw", "198.51.100.0/24", "--reason", "ours", "--carve-out")

    assert "6 entries in it are listed by fire wall" in told.err
    assert "to keep" not in told.err
    assert before - IN_NETWORK == inside()


def test_what_is_carved_out_without_a_run_leaves_with_the_next_withdrawal(yetictl, inside):
    """The exports that still list something of it are named, and run when the button is pressed again."""
    before = inside()
    told = yetictl("observable", "withdraw", "198.51.100.0/24", "--reason", "ours", "--carve-out", "--no-run")
    assert "still held by fire wall; yetictl export run 'fire wall' publishes without it" in told.err
    assert before == inside()

    yetictl("observable", "withdraw", "198.51.100.0/24", "--reason", "ours")

    assert before - IN_NETWORK == inside()


def test_urls_on_an_address_are_told(yetictl, inside):
    """Of that host, not of one whose address begins alike."""
    told = yetictl("observable", "withdraw", "198.51.100.7", "--reason", "ours")

    assert (
        "ipv4  198.51.100.7: 1 entry on it is listed by fire wall: http://198.51.100.7/a" in told.err.splitlines()
    )
    assert "http://198.51.100.7/a" in inside()
    assert "198.51.100.7" not in inside()


def test_what_is_below_a_name_is_told(yetictl, inside):
    """Names below it and URLs on it; what to do with them is for whoever knows them."""
    told = yetictl("observable", "withdraw", "www.evil.example", "--reason", "ours")

    assert (
        "hostname  www.evil.example: 2 entries on or below it are listed by fire wall: "
        "a.www.evil.example, http://www.evil.example/y" in told.err.splitlines()
    )
    (line,) = [line for line in told.err.splitlines() if "allow-list" in line]
    command = shlex.split(line.partition(": yetictl ")[2].partition(", with")[0])
    assert ["allow-list", "add", "NAME", "FILE", "--action", "block"] == command
    Path("names.txt").write_text("www.evil.example\n")
    yetictl(*(part.replace("NAME", "ours").replace("FILE", "names.txt") for part in command))
    yetictl("export", "run", "fire wall")
    assert not {"a.www.evil.example", "http://www.evil.example/y"} & inside()
    assert {"www-evil.example", "http://www.evil.example.net/y"} <= inside()


def test_nothing_in_it_is_nothing_to_tell(yetictl, inside):
    """No line, and no question."""
    told = yetictl("observable", "withdraw", "203.0.113.0/24", "--reason", "ours")

    assert "listed by" not in told.err


@pytest.mark.parametrize("reason", ["", " \t"])
def test_a_reason_must_be_given(yetictl, lists, reason):
    """As for a release: somebody will ask for it."""
    refused = yetictl("observable", "withdraw", "192.0.2.1", "--reason", reason, status=2)

    assert "--reason must say why" in refused.err
    assert "192.0.2.1" in lists("addresses")

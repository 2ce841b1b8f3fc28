"""``yetictl export explain``: the answer in the first line, and all of it as JSON."""

import re
import time

import pytest

FEED = "value,type,tags\n192.0.2.1,ip,c2\n192.0.2.2,ip,c2;scanner\n192.0.2.3,ip,other\n198.51.100.0/24,cidr,c2\n"


@pytest.fixture
def firewall(yetictl, tmp_path):
    """An export with one version."""
    (tmp_path / "feed.csv").write_text(FEED)
    yetictl("import", "feed.csv", "--source", "feed")
    yetictl("export", "add", "firewall", "--format", "list", "--include", "c2", "--exclude", "scanner")
    yetictl("export", "run", "firewall")
    return lambda *arguments, **more: yetictl("export", "explain", "firewall", *arguments, **more)


def first(outcome):
    return outcome.out.splitlines()[0]


def test_the_first_line_is_the_answer(firewall):
    """Listed and since when; or not, and why."""
    assert first(firewall("192[.]0[.]2[.]1")).startswith(
        "192.0.2.1 (ipv4) is on version 1 of firewall, since version 1 (20"
    )
    assert "192.0.2.2 (ipv4) is not on version 1 of firewall: excluded by scanner of feed" == first(
        firewall("192.0.2.2")
    )
    assert (
        "192.0.2.3 (ipv4) is not on version 1 of firewall: none of its tags is one that the export includes"
        == first(firewall("192.0.2.3"))
    )
    assert "203.0.113.1 (ipv4) is not on version 1 of firewall: nobody has reported it" == first(
        firewall("203.0.113.1")
    )


def test_what_stands_for_a_value_is_named(firewall):
    """A listed network around an address, with who claims it."""
    said = firewall("198.51.100.77").out

    assert "it lies in 198.51.100.0/24 (cidr), which is on version 1 of firewall" in said
    assert "c2" in said.splitlines()[-1]


def test_a_withdrawn_value_says_so(firewall, yetictl):
    """Who came, who left, and the words of the one who withdrew it."""
    yetictl("observable", "withdraw", "192.0.2.1", "--reason", "our mail server")

    said = firewall("192.0.2.1").out

    assert "192.0.2.1 (ipv4) is not on version 2 of firewall: withdrawn" in said.splitlines()[0]
    assert "(our mail server)" in said
    assert "until version 2 (20" in said
    old = firewall("192.0.2.1", "--version", "1")
    assert "is on version 1 of firewall" in first(old)
    assert "renewed since is not known" in old.err


def test_everything_is_in_the_json(firewall, yetictl):
    """For programs: the same, with each assertion and period."""
    found = firewall("192.0.2.2", "--json").json

    (value,) = found["values"]
    assert ("firewall", 1, True) == (found["export"], found["version"], found["current"])
    assert (False, {"reason": "excluded", "tag": "scanner", "source": "feed"}) == (
        value["listed"],
        value["reason"],
    )
    assert {"c2": (True, False), "scanner": (False, True)} == {
        item["tag"]: (item["counts"], item["excludes"]) for item in value["assertions"]
    }
    (listed,) = firewall("192.0.2.1", "--json").json["values"]
    assert [(True, 1, None)] == [
        (period["listed"], period["from"]["version"], period["until"]) for period in listed["periods"]
    ]


def test_what_let_it_in_is_told_of_each_version(firewall, yetictl, tmp_path):
    """The ledger says by whom it was listed then, whatever became of that since."""
    (tmp_path / "other.csv").write_text("value,type,tags\n192.0.2.1,ip,c2\n192.0.2.9,ip,c2\n")
    yetictl("import", "other.csv", "--source", "other")
    yetictl("export", "run", "firewall")

    assert "  let in by    c2 from feed\n" in firewall("192.0.2.1", "--version", "1").out
    assert "  let in by    c2 from feed, c2 from other\n" in firewall("192.0.2.1").out
    assert "let in by" not in firewall("192.0.2.2").out
    (value,) = firewall("192.0.2.1", "--version", "1", "--json").json["values"]
    assert [{"tag": "c2", "source": "feed"}] == value["by"]


def test_what_cannot_be_explained(firewall):
    """One line says what is wrong."""
    assert "of no type that is recognised" in firewall("what", status=1).err
    assert "version 4 of 'firewall' is not known" in firewall("192.0.2.1", "--version", "4", status=1).err


def test_a_name_cannot_control_the_terminal(firewall, yetictl, tmp_path):
    """Control characters of tags and reasons are marked."""
    yetictl("observable", "withdraw", "192.0.2.1", "--reason", "a\x1b[31mb")

    assert "\x1b" not in firewall("192.0.2.1").out


def test_what_the_date_alone_would_not_tell(firewall, yetictl, tmp_path):
    """What only the grace keeps, and what never lapses: the table and the JSON say so."""
    (tmp_path / "short.csv").write_text("value,type,tags\n192.0.2.7,ip,short\n192.0.2.8,ip,c2\n")
    yetictl("import", "short.csv", "--source", "short")
    yetictl("observable", "add", "192.0.2.8", "--tag", "benign", "--source", "ours")
    yetictl("tag", "set", "short", "--lifetime", "1s")
    yetictl("export", "edit", "firewall", "--include", "short", "--include", "c2", "--grace", "30d")
    time.sleep(1.1)

    graced, sticky = firewall("192.0.2.7"), firewall("192.0.2.8")

    assert re.search(r"^  short +short .*Z  yes, within the grace until 20\S+Z$", graced.out, re.MULTILINE)
    assert re.search(
        r"^  benign +ours +benign .* never \(sticky\) +no, it keeps the value off$", sticky.out, re.MULTILINE
    )
    (value,) = firewall("192.0.2.7", "--json").json["values"]
    assert [(True, False)] == [
        (item["grace_until"] > item["ends_at"], item["sticky"]) for item in value["assertions"]
    ]
    (value,) = firewall("192.0.2.8", "--json").json["values"]
    assert {"benign": (None, True), "c2": (None, False)} == {
        item["tag"]: (item["grace_until"], item["sticky"]) for item in value["assertions"]
    }

"""``yetictl export diff``: lines for people, one object for programs."""

import pytest


@pytest.fixture
def firewall(yetictl, tmp_path):
    """An export with two versions: 60 addresses, and those but for one that was withdrawn."""

    def feed(count):
        (tmp_path / "feed.txt").write_text("".join(f"198.51.100.{n}\n" for n in range(1, count + 1)))
        yetictl("import", "feed.txt", "--source", "feed", "--tag", "c2", "--snapshot")

    feed(60)
    yetictl("export", "add", "firewall", "--format", "list", "--include", "c2")
    yetictl("export", "run", "firewall")
    yetictl("observable", "withdraw", "198.51.100.7", "--reason", "ours")
    return feed


def test_the_last_change_is_the_default(firewall, yetictl):
    """One line for each entry, with the reason; the counts are said."""
    result = yetictl("export", "diff", "firewall")

    assert "- ipv4 198.51.100.7  withdrawn\n" == result.out
    assert "firewall: version 1 → version 2: 0 added, 1 removed (1 withdrawn), 0 changed\n" == result.err


def test_what_is_held_is_compared_with_what_it_starts_from(firewall, yetictl):
    """As much as was asked for is shown, and how much more there is."""
    firewall(3)
    yetictl("export", "run", "firewall", status=3)

    result = yetictl("export", "diff", "firewall", "held", "--limit", "5")
    everything = yetictl("export", "diff", "firewall", "held", "--limit", "0")

    assert 5 == len(result.out.splitlines())
    assert {"- ipv4 198.51.100.10  expired"} <= set(result.out.splitlines())
    assert "… and 51 more; --limit 0 prints all" in result.err
    assert "version 2 → what is held: 0 added, 56 removed (56 expired), 0 changed" in result.err
    assert 56 == len(everything.out.splitlines())
    assert 50 == len(yetictl("export", "diff", "firewall", "held").out.splitlines())
    assert everything.out == yetictl("export", "diff", "firewall", "2", "held", "--limit", "0").out
    assert "which is 2" in yetictl("export", "diff", "firewall", "1", "held", status=1).err


def test_0_is_before_the_first_version(firewall, yetictl):
    """As the answers call it: everything of a version was added since then."""
    whole = yetictl("export", "diff", "firewall", "0", "2", "--json").json
    back = yetictl("export", "diff", "firewall", "2", "0", "--json").json

    assert (0, 2, 59, 0, 0) == tuple(whole[key] for key in ("from", "to", "added", "removed", "changed"))
    assert {"rolled-back": 59} == back["removed_for"]
    assert (2, 0, 0, 59) == tuple(back[key] for key in ("from", "to", "added", "removed"))
    assert "firewall: nothing → version 1: 60 added, 0 removed, 0 changed\n" == (
        yetictl("export", "diff", "firewall", "0", "1", "--limit", "0").err
    )
    assert "'-1' is neither" in yetictl("export", "diff", "firewall", "--", "-1", status=2).err


def test_the_json_has_every_change(firewall, yetictl):
    """All of them unless a limit is given; the counts are of all."""
    found = yetictl("export", "diff", "firewall", "2", "1", "--json").json
    assert ("firewall", 2, 1, 1, 0, 0) == tuple(
        found[key] for key in ("export", "from", "to", "added", "removed", "changed")
    )
    assert [{"change": "added", "type": "ipv4", "value": "198.51.100.7"}] == found["changes"]

    firewall(3)
    yetictl("export", "run", "firewall", status=3)
    held = yetictl("export", "diff", "firewall", "held", "--json").json
    few = yetictl("export", "diff", "firewall", "held", "--json", "--limit", "2").json
    assert (56, {"expired": 56}, "held") == (len(held["changes"]), held["removed_for"], held["to"])
    assert held["changes"][:2] == few["changes"]
    assert {"reason": "expired"} == few["changes"][0]["why"]
    assert 56 == few["removed"]


def test_what_cannot_be_compared(firewall, yetictl):
    """One line says what is wrong."""
    assert "nothing of 'firewall' is held" in yetictl("export", "diff", "firewall", "held", status=1).err
    assert "version 8 of 'firewall' is not known" in yetictl("export", "diff", "firewall", "1", "8", status=1).err
    assert "neither the number of a version nor held" in yetictl("export", "diff", "firewall", "x", status=2).err
    yetictl("export", "add", "new", "--format", "list")
    assert "yetictl export run new makes the first" in yetictl("export", "diff", "new", status=1).err

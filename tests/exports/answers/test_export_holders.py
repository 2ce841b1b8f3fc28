"""Which exports hold a value is what their ledgers say, and what is held."""

from contextlib import closing
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from export_samples import LATER, NOW, claim

from core.exports.answers.holders import covering, holders, inside, own_assets_on
from core.exports.run import run_export
from core.schemas.claim import AllowListEntries
from core.schemas.export import Selection
from core.schemas.instant import DAY
from core.store import clearing, definitions
from core.store.allow_lists.lists import put_allow_list, set_allow_list

EVERYTHING = "documentation,private-use,loopback,protocol-assignments"


@pytest.fixture
def run(store, settings):
    return lambda name, now=LATER: run_export(store, name, settings, now=now)


def test_what_the_current_version_lists_is_held(store, settings, define, fill, run):
    """Neither an edit nor the clock changes that; an export that does not list the value does not hold it."""
    define("addresses", format="list", selection=Selection(types=("ipv4",)))
    define("names", format="list", selection=Selection(types=("hostname",)))
    define("never-run", format="list", selection=Selection(types=("ipv4",)))
    fill(claim("192.0.2.1", "ipv4", "c2", valid_until=LATER + DAY), claim("a.example.org", "hostname", "c2"))
    run("addresses")
    run("names")

    assert ["addresses"] == holders(store, "ipv4", "192.0.2.1", LATER + 900 * DAY, settings)
    assert ["names"] == holders(store, "hostname", "a.example.org", LATER, settings)
    assert [] == holders(store, "ipv4", "192.0.2.9", LATER, settings)


def test_what_left_is_held_no_more(store, settings, define, fill, run):
    """A withdrawn value is on the old version, not on the current one."""
    define("x", format="list")
    fill(*(claim(f"192.0.2.{n}", "ipv4", "c2") for n in range(1, 5)))
    run("x")
    clearing.clear(store, "ipv4", "192.0.2.1", "ours", LATER + 1)
    assert ["x"] == holders(store, "ipv4", "192.0.2.1", LATER + 2, settings)

    run("x", LATER + DAY)

    assert [] == holders(store, "ipv4", "192.0.2.1", LATER + DAY, settings)


def test_a_candidate_that_would_add_it_holds_it(store, settings, define, fill, run):
    """If it cannot be read it may; what it does not add it does not hold."""
    define("x", format="list", limits={"allow": "documentation", "most": "2"})
    fill(claim("192.0.2.1", "ipv4", "c2"), claim("192.0.2.2", "ipv4", "c2"))
    run("x")
    fill(claim("192.0.2.3", "ipv4", "c2"), now=LATER + 1)
    fill(claim("192.0.2.4", "ipv4", "c2", kind=0), now=LATER + 2)
    assert "held" == run("x", LATER + DAY).status

    assert ["x"] == holders(store, "ipv4", "192.0.2.3", LATER + DAY, settings)
    assert [] == holders(store, "ipv4", "192.0.2.4", LATER + DAY, settings)
    for path in Path(settings.versions_path).glob("*.changes.*"):
        path.unlink()
    assert ["x"] == holders(store, "ipv4", "192.0.2.4", LATER + DAY, settings)


def test_a_network_that_is_listed_in_parts_is_held(store, settings, define, fill, run):
    """An address in one of the parts is covered, one in the hole is not."""
    define("x", format="list", limits={"allow": "documentation", "never": "192.0.2.1"})
    fill(claim("192.0.2.0/24", "cidr", "c2"))
    run("x")

    assert ["x"] == holders(store, "cidr", "192.0.2.0/24", LATER, settings)
    assert [("cidr", "192.0.2.0/24", ["x"])] == list(covering(store, "ipv4", "192.0.2.200", LATER))
    assert [("cidr", "192.0.2.0/24", ["x"])] == list(covering(store, "cidr", "192.0.2.128/26", LATER))
    assert [] == list(covering(store, "ipv4", "192.0.2.1", LATER))
    assert [] == list(covering(store, "ipv4", "192.0.3.1", LATER))


def test_a_part_that_was_listed_covers_nothing(store, define, fill, run):
    """The network is cut elsewhere now."""
    made = define("x", format="list", limits={"allow": "documentation", "never": "192.0.2.1"})
    fill(claim("192.0.2.0/24", "cidr", "c2"))
    run("x")
    definitions.replace_export(store, replace(made, limits={"allow": "documentation", "never": "192.0.2.200"}))
    run("x", LATER + DAY)

    assert [] == list(covering(store, "ipv4", "192.0.2.200", LATER))
    assert [("cidr", "192.0.2.0/24", ["x"])] == list(covering(store, "ipv4", "192.0.2.1", LATER))


def test_what_covers_a_value_has_to_be_listed(store, define, fill, run):
    """A network or a parent that the store knows and no export lists covers nothing."""
    define("x", format="list", selection=Selection(include=("c2",)))
    fill(
        claim("2001:db8::/32", "cidr", "c2"),
        claim("2001:db8::/48", "cidr", "other"),
        claim("example.org", "hostname", "c2"),
        claim("b.example.org", "hostname", "other"),
    )
    run("x")

    assert [("cidr", "2001:db8::/32", ["x"])] == list(covering(store, "ipv6", "2001:db8::1", NOW))
    assert [("hostname", "example.org", ["x"])] == list(covering(store, "hostname", "a.b.example.org", NOW))
    assert [] == list(covering(store, "cidr", "2001:db8::/32", NOW)), "it does not cover itself"


def test_a_version_older_than_the_ledger_may_hold_anything(store, settings, define, fill, run):
    """Of what was published before there was a ledger nothing is known; so it is published anew."""
    define("x", format="list")
    fill(claim("192.0.2.1", "ipv4", "c2"), claim("192.0.2.2", "ipv4", kind=0))
    run("x")
    assert [] == holders(store, "ipv4", "192.0.2.2", LATER, settings)

    with closing(store.connect()) as connection:
        connection.execute("DELETE FROM ledger")

    assert ["x"] == holders(store, "ipv4", "192.0.2.2", LATER, settings)


def test_own_assets_that_are_published(store, define, fill, run):
    """By the ledger: what the current version lists, whole or as a network around it."""
    define("x", format="list", limits={"allow": "documentation"})
    fill(
        claim("192.0.2.1", "ipv4", "c2"), claim("192.0.2.2", "ipv4", "c2"), claim("198.51.100.0/24", "cidr", "c2")
    )
    assert [] == own_assets_on(store, "x"), "nothing is published"
    run("x")
    assert [] == own_assets_on(store, "x")

    entries = ("192.0.2.1", "198.51.100.7", "203.0.113.1")
    put_allow_list(store, AllowListEntries(name="ours", list_type="cidr", entries=entries), LATER)
    set_allow_list(store, "ours", is_own=True)
    assert "held" == run("x", LATER + DAY).status

    assert ["192.0.2.1", "198.51.100.0/24"] == own_assets_on(store, "x")


IPV4 = ["10.1.2.3", "10.1.2.30", "10.1.3.0", "10.1.128.1", "10.2.0.1", "110.1.2.3", "1.10.1.2"]
IPV6 = [
    "2001:db8::1",
    "2001:db8:0:1::1",
    "2001:db8:1::",
    "2001:db81::1",
    "2001:d::1",
    "2001:db8:a:b:c:d:e:f",
    "::1",
]
NETWORKS = ["10.1.0.0/16", "10.1.2.0/24", "10.1.2.0/31", "10.0.0.0/8", "2001:db8::/32", "2001:db8::/48"]


@pytest.fixture
def many(store, define, fill, run):
    """Two exports, of addresses and of networks, with values that begin alike."""
    limits = {"allow": EVERYTHING, "broadest-ipv4": "/8", "dropped": "off"}
    define("addresses", format="list", selection=Selection(types=("ipv4", "ipv6")), limits=limits)
    define("networks", format="list", selection=Selection(types=("cidr",)), limits=limits)
    fill(
        *(claim(value, "ipv4", "c2") for value in IPV4),
        *(claim(value, "ipv6", "c2") for value in IPV6),
        *(claim(value, "cidr", "c2") for value in NETWORKS),
    )
    run("addresses")
    run("networks")


@pytest.mark.parametrize(
    "network",
    [*NETWORKS, "10.1.2.3", "10.1.0.0/17", "10.1.128.0/17", "0.0.0.0/0", "10.1.2.2/31", "2001:d80::/25", "::/0",
     "2001:db8:0:1::/64", "2001:db8::/47", "2001:db8:a:b:c:d:e:f", "192.0.2.0/24", "::/127"],
)  # fmt: skip
def test_what_lies_in_a_network(many, store, network):
    """What the arithmetic of addresses says, whatever the texts look like; the network itself is not in it."""
    whole = ip_network(network)
    expected = {
        value
        for value in (*IPV4, *IPV6, *NETWORKS)
        if value != network and ip_network(value).version == whole.version and ip_network(value).subnet_of(whole)
    }

    found = inside(store, "cidr" if "/" in network else "ipv6" if ":" in network else "ipv4", network)

    assert len(expected) == (found.count if found else 0)
    if found:
        assert set(found.examples) <= expected
        assert min(3, len(expected)) == len(found.examples)
        assert {"networks" if "/" in value else "addresses" for value in expected} == set(found.exports)


def test_what_has_left_is_not_in_it(store, define, fill, run):
    """Neither what was withdrawn and is off, nor what is kept off; parts of a network around it are."""
    define("x", format="list", limits={"allow": "documentation", "never": "192.0.2.200"})
    fill(*(claim(f"198.51.100.{n}", "ipv4", "c2") for n in range(1, 9)), claim("192.0.2.0/24", "cidr", "c2"))
    run("x")
    clearing.clear(store, "ipv4", "198.51.100.1", "ours", LATER + 1)
    run("x", LATER + DAY)

    assert 7 == inside(store, "cidr", "198.51.100.0/24").count
    parts = inside(store, "cidr", "192.0.2.192/26")
    assert (6, ("192.0.2.192/29", "192.0.2.201", "192.0.2.202/31"), ["x"]) == (
        parts.count,
        parts.examples,
        parts.exports,
    )
    assert None is inside(store, "cidr", "192.0.2.0/24"), "its own parts are the network itself"
    assert None is inside(store, "ipv4", "192.0.2.1")

"""What was carved out of a network leaves what is published, whatever becomes of the run; and so for a rollback."""

from dataclasses import replace

import pytest
from export_samples import LATER, NOW, claim

from core.errors import GateError
from core.exports.run import run_export
from core.exports.versions.release import candidate, release
from core.exports.versions.rollback import roll_back
from core.exports.versions.verify import verify
from core.schemas.export import Selection
from core.schemas.instant import DAY
from core.store import archives, carve_outs, clearing, definitions, ledger
from core.store.allow_lists.kinds import CARVED_OUT_NAME
from core.store.allow_lists.lists import set_allow_list

NETWORK, INNER, ADDRESS = "203.0.113.0/24", "203.0.113.0/28", "203.0.113.7"
AROUND = [
    "203.0.113.0/30",
    "203.0.113.128/25",
    "203.0.113.16/28",
    "203.0.113.32/27",
    "203.0.113.4/31",
    "203.0.113.6",
    "203.0.113.64/26",
    "203.0.113.8/29",
]
DAY_2, DAY_3, DAY_4, DAY_5 = (LATER + number * DAY for number in (1, 2, 3, 4))


def feed(last, **fields):
    """Claims on so many addresses."""
    return [claim(f"198.51.100.{n}", "ipv4", "c2", **fields) for n in range(1, last + 1)]


def addresses(*numbers):
    return [f"198.51.100.{number}" for number in numbers]


@pytest.fixture
def run(store, settings):
    """Run it, at a time of one's own."""
    return lambda now=LATER: run_export(store, "x", settings, now=now)


@pytest.fixture
def lines(published):
    """The values that are published, in order."""
    return lambda: sorted(published("x.txt").decode().split())


@pytest.fixture
def carve(store):
    """Carve the address out."""
    return lambda now, value=ADDRESS: carve_outs.carve_out(store, "ipv4", value, "ours", now)


@pytest.fixture
def listed(store):
    """What the ledger says that the current version lists."""

    def ask():
        number = archives.current(store, "x").number
        with store.snapshot() as snapshot:
            ids = set(ledger.listed_ids(snapshot, "x", number))
            whole = [
                value
                for key, value in snapshot.connection.execute("SELECT id, value FROM observable")
                if key in ids
            ]
            return sorted(whole + [piece[2] for piece in ledger.pieces(snapshot, "x", number)])

    return ask


@pytest.fixture(params=["split", "drop"])
def policy(request):
    """What becomes of a network around what must not be listed, what is left of it, and what is said."""
    if request.param == "split":
        return "split", AROUND, "1 networks that something was carved out of"
    return "drop", [], "1 carved out, or around that"


@pytest.fixture
def two(define, fill, run, policy):
    """100 addresses and a network are published."""
    define(
        "x",
        Selection(types=("ipv4", "cidr")),
        format="list",
        limits={"allow": "documentation", "split": policy[0]},
    )
    fill(*feed(100), claim(NETWORK, "cidr", "c2"))
    assert "completed" == run().status


@pytest.fixture
def shrunk(two, fill):
    """The feed shrinks to three addresses and the network: the next run is held."""
    fill(*feed(100, valid_until=DAY_2 - 1)[3:], now=DAY_2 - 1)


def test_it_leaves_although_the_run_is_held(shrunk, policy, carve, run, lines, listed, store, settings):
    """The network is published in pieces, or not at all; the held run lists none of the rest."""
    carve(DAY_2)

    held = run(DAY_2)

    assert "held" == held.status
    assert sorted(addresses(*range(1, 101)) + policy[1]) == lines() == listed()
    assert (2, 2, "withdrawal") == (
        held.version,
        archives.current(store, "x").number,
        archives.get(store, "x", 2).record.cause,
    )
    assert any(policy[2] in note for note in held.notes)
    assert [] == [item for item in verify(store, "x", settings) if item.fault]


def test_what_is_held_beside_it_can_be_released(shrunk, policy, carve, run, lines, listed, store, settings):
    """The candidate starts from what was published for the carving, so that its ledger is right."""
    carve(DAY_2)
    held = run(DAY_2)
    assert 2 == candidate(store, "x").record.base

    release(store, "x", settings, by="lena", reason="so it is", sha256=held.candidate, now=DAY_3)

    assert sorted(addresses(1, 2, 3) + policy[1]) == lines() == listed()
    assert "unchanged" == run(DAY_4).outcome


def test_it_leaves_once(shrunk, carve, run, lines, store):
    """The next held run finds nothing of it and publishes nothing."""
    carve(DAY_2)
    run(DAY_2)

    again = run(DAY_3)

    assert ("held", 2) == (again.status, archives.current(store, "x").number)


def test_it_leaves_although_the_run_fails(two, policy, carve, run, lines, listed, store):
    """A run that cannot be made publishes what is left, too."""
    carve(DAY_2)
    definition = definitions.get_export(store, "x")
    definitions.replace_export(store, replace(definition, format="", template="gone"))

    with pytest.raises(Exception, match="gone"):
        run(DAY_2)

    assert sorted(addresses(*range(1, 101)) + policy[1]) == lines() == listed()


def test_it_leaves_while_the_export_is_pinned(two, policy, carve, run, lines, listed, store, settings, fill):
    """Also of the older version that somebody went back to."""
    fill(claim("198.51.100.200", "ipv4", "c2"), now=DAY_2 - 1)
    run(DAY_2)
    roll_back(store, "x", 1, settings, by="lena", reason="so", now=DAY_3)
    carve(DAY_3 + 1)

    pinned = run(DAY_4)

    assert "pinned" == pinned.outcome
    assert sorted(addresses(*range(1, 101)) + policy[1]) == lines() == listed()


def test_a_rollback_does_not_bring_it_back(two, policy, carve, run, lines, listed, store, settings, fill):
    """Version 1 has the network whole; version 3 has what is left of it, and so says the ledger."""
    fill(claim("198.51.100.200", "ipv4", "c2"), now=DAY_2 - 1)
    carve(DAY_2 - 1)
    run(DAY_2)
    assert sorted(addresses(*range(1, 101), 200) + policy[1]) == lines()

    done = roll_back(store, "x", 1, settings, by="lena", reason="so", now=DAY_3)

    assert (3, 1, 1) == (done.version, done.of, done.left_out)
    assert sorted(addresses(*range(1, 101)) + policy[1]) == lines() == listed()
    assert {"added": 0, "removed": 1, "changed": 0} == archives.get(store, "x", 3).record.changed


def test_only_an_exact_rollback_brings_it_back(two, carve, run, lines, listed, store, settings):
    """Whoever says ``exact`` gets the network whole, and keeps it until something is carved out later."""
    carve(DAY_2 - 1)
    run(DAY_2)

    roll_back(store, "x", 1, settings, by="lena", reason="so", exact=True, now=DAY_3)
    run(DAY_4)
    assert NETWORK in lines()
    assert lines() == listed()

    carve(DAY_4 + 1, "203.0.113.200")
    run(DAY_5)
    assert NETWORK not in lines()
    assert lines() == listed()


def test_what_was_carved_out_since_is_not_released(shrunk, carve, run, lines, store, settings):
    """A candidate with the network whole was held before."""
    held = run(DAY_2)
    carve(DAY_3)

    with pytest.raises(GateError, match="1 of its entries were withdrawn or carved out"):
        release(store, "x", settings, by="lena", reason="so", sha256=held.candidate, now=DAY_4)

    assert NETWORK in lines()


@pytest.mark.parametrize("policy", ["split"], indirect=True)
def test_an_address_is_carved_out_of_what_is_left(two, fill, carve, run, lines, listed, store, settings):
    """A network that is listed in pieces loses of these what a second address lies in."""
    carve(DAY_2 - 1)
    run(DAY_2)
    fill(*feed(100, valid_until=DAY_3 - 1)[3:], now=DAY_3 - 1)
    carve(DAY_3, "203.0.113.200")

    assert "held" == run(DAY_3).status

    assert NETWORK not in lines()
    assert "203.0.113.128/25" not in lines()
    assert {"203.0.113.128/26", "203.0.113.6"} <= set(lines())
    assert lines() == listed()
    assert "unchanged" != release(store, "x", settings, by="lena", reason="so", now=DAY_4)[1][0].outcome
    assert "unchanged" == run(DAY_5).outcome
    assert lines() == listed()


def test_withdrawn_and_carved_out_at_once(shrunk, policy, carve, run, lines, listed, store):
    """One version is published without both."""
    carve(DAY_2)
    clearing.clear(store, "ipv4", "198.51.100.9", "ours", DAY_2)

    held = run(DAY_2)

    assert sorted(addresses(*range(1, 9), *range(10, 101)) + policy[1]) == lines() == listed()
    assert any(f"1 withdrawn and {policy[2]}" in note for note in held.notes)


def test_a_list_that_only_informs_takes_nothing_out(shrunk, carve, run, lines, store):
    """Somebody said that what is carved out shall not block."""
    carve(DAY_2)
    set_allow_list(store, CARVED_OUT_NAME, action="inform")

    run(DAY_2)

    assert NETWORK in lines()


def test_networks_inside_each_other(define, fill, run, carve, lines, listed, store):
    """What is left of both is listed once, and stays when one of them is gone."""
    define("x", Selection(types=("ipv4", "cidr")), format="list", limits={"allow": "documentation"}, deltas=True)
    fill(claim(NETWORK, "cidr", "c2"), claim(INNER, "cidr", "c2"), claim("198.51.100.1", "ipv4", "c2"))
    carve(NOW + 1)
    run()
    assert sorted([*AROUND, "198.51.100.1"]) == lines() == listed()

    fill(claim(NETWORK, "cidr", "c2", valid_until=DAY_2 - 1), now=DAY_2 - 1)
    run(DAY_2)

    inner = ["203.0.113.0/30", "203.0.113.4/31", "203.0.113.6", "203.0.113.8/29"]
    assert sorted([*inner, "198.51.100.1"]) == lines() == listed()
    assert {"added": 0, "removed": 4, "changed": 0} == archives.get(store, "x", 2).record.changed


def test_what_was_listed_by_itself_and_is_left_of_a_network_now(define, fill, run, carve, lines, store, published):
    """The delta says nothing of it: it is there all the time."""
    define("x", Selection(types=("ipv4", "cidr")), format="list", limits={"allow": "documentation"}, deltas=True)
    fill(claim(NETWORK, "cidr", "c2"), claim("203.0.113.6", "ipv4", "c2"))
    carve(NOW + 1)
    run()
    before = lines()
    fill(
        claim("203.0.113.6", "ipv4", "c2", valid_until=DAY_2 - 1),
        claim("198.51.100.1", "ipv4", "c2"),
        now=DAY_2 - 1,
    )

    run(DAY_2)

    assert sorted([*before, "198.51.100.1"]) == lines()
    delta = published("x.txt.delta.jsonl").decode().splitlines()
    assert ['{"change":"added","type":"ipv4","value":"198.51.100.1"}'] == delta[1:]

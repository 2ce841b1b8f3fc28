"""Hits are kept and brought up to date: what is new, what changed, whoever does it and however it is stopped."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing

import msgspec
import pytest

from core.schemas.claim import AllowListEntries
from core.schemas.export import Selection
from core.store import open_store
from core.store.allow_lists import carried as carried_lists
from core.store.allow_lists import hits as allow_hits
from core.store.allow_lists.lists import allow_lists, put_allow_list, remove_allow_list, set_allow_list
from core.store.allow_lists.matching import Matcher
from tests.store.conftest import NOW, claim


def given(name, *entries, list_type="cidr", about=()):
    return AllowListEntries(name=name, list_type=list_type, entries=entries, matching_attributes=about)


def address(value, **more):
    return claim(value, "c2", type="cidr" if "/" in value else "ipv6" if ":" in value else "ipv4", **more)


@pytest.fixture
def put(store):
    """Keep a list."""

    def keep(*arguments, now=NOW, **more):
        put_allow_list(store, given(*arguments, **more), now)

    return keep


@pytest.fixture
def hits(store):
    """Bring the hits up to date and return (value, list, entry, relation), but for carried lists."""

    def found(refresh=True):
        if refresh:
            allow_hits.refresh(store, NOW)
        with closing(store.connect()) as connection:
            rows = connection.execute(
                "SELECT o.value, l.name, e.entry, h.relation FROM allow_hit h JOIN observable o ON o.id ="
                " h.observable_id JOIN allow_list l ON l.id = h.allow_list_id JOIN allow_list_entry e ON"
                " e.allow_list_id = h.allow_list_id AND e.position = h.position JOIN allow_list_setting s"
                " ON s.allow_list_id = l.id WHERE NOT s.is_carried"
            ).fetchall()
        return sorted(rows)

    return found


@pytest.fixture
def asked(store):
    """Ask a snapshot, after bringing the hits up to date."""

    def ask(question, *arguments):
        allow_hits.refresh(store, NOW)
        with store.snapshot() as snapshot:
            assert allow_hits.is_up_to_date(snapshot)
            found = question(snapshot, *arguments)
            return found if isinstance(found, dict | list) else list(found)

    return ask


# --- up to date -------------------------------------------------------------------------------------------


def test_what_comes_in_is_looked_at(take, put, hits):
    """New observables, new lists, lists with other entries; what is gone from a list is hit no more."""
    take(address("8.8.8.8"), address("8.8.4.4"))
    put("Resolvers", "8.8.8.8")
    assert [("8.8.8.8", "Resolvers", "8.8.8.8", "equal")] == hits()

    take(address("8.8.8.0/24"))
    put("Net", "8.8.0.0/16")
    assert [
        ("8.8.4.4", "Net", "8.8.0.0/16", "inside"),
        ("8.8.8.0/24", "Net", "8.8.0.0/16", "inside"),
        ("8.8.8.0/24", "Resolvers", "8.8.8.8", "contains"),
        ("8.8.8.8", "Net", "8.8.0.0/16", "inside"),
        ("8.8.8.8", "Resolvers", "8.8.8.8", "equal"),
    ] == hits()

    put("Net", "8.8.4.0/24")
    put("Resolvers")
    assert [("8.8.4.4", "Net", "8.8.4.0/24", "inside")] == hits()


def test_what_did_not_change_is_not_looked_at_again(store, take, put):
    """Neither a list that came in again, nor another action, nor nothing at all."""
    looked = []

    def refresh():
        looked.clear()
        allow_hits.refresh(store, NOW, looked.append)
        return sum(looked)

    take(address("8.8.8.8"), address("8.8.4.4"))
    put("Resolvers", "8.8.8.8")
    assert refresh() == 2
    put("Resolvers", "8.8.8.8", now=NOW + 1)
    set_allow_list(store, "Resolvers", action="inform")
    assert refresh() == 0
    take(address("9.9.9.9"), address("8.8.8.8"))
    assert refresh() == 1
    put("Resolvers", "9.9.9.9")
    assert refresh() == 3


def test_a_snapshot_knows_whether_all_was_looked_at(store, take, put, monkeypatch):
    """What came in after the look, an observable or a list, makes it out of date; the snapshot before is not."""

    def is_up_to_date():
        with store.snapshot() as snapshot:
            return allow_hits.is_up_to_date(snapshot)

    assert not is_up_to_date()
    allow_hits.refresh(store, NOW)
    assert is_up_to_date()
    take(address("8.8.8.8"))
    assert not is_up_to_date()
    allow_hits.refresh(store, NOW)
    with store.snapshot() as snapshot:
        put("Resolvers", "8.8.8.8")
        assert allow_hits.is_up_to_date(snapshot)
    assert not is_up_to_date()
    allow_hits.refresh(store, NOW)
    assert is_up_to_date()
    with monkeypatch.context() as another_program:
        another_program.setattr(carried_lists.special_purpose, "VERSION", "another")
        assert not is_up_to_date()


def test_steps_come_to_the_same_as_one_look(store, take, put, hits, monkeypatch):
    """Whatever comes in, in whatever order, and however small the steps: the hits are those of a look at all."""
    chance = random.Random(4)
    monkeypatch.setattr(allow_hits, "BATCH", 7)
    names = ["a", "b", "c"]
    for step in range(40):
        if chance.random() < 0.6:
            length = chance.choice([24, 28, 30, 32, 32, 32])
            values = {_address(chance, length) for _ in range(chance.randrange(1, 12))}
            take(*map(address, values), now=NOW + step)
        elif chance.random() < 0.8:
            entries = {_address(chance, chance.choice([25, 29, 31, 32])) for _ in range(chance.randrange(6))}
            put(chance.choice(names), *entries)
        else:
            name = chance.choice([item.name for item in allow_lists(store) if not item.kind.is_carried] or [""])
            if name:
                remove_allow_list(store, name)
        if chance.random() < 0.5:
            hits()
    stepwise = hits()
    with closing(store.connect()) as connection:
        connection.execute("DELETE FROM allow_hit")
        connection.execute("UPDATE allow_list_setting SET checked_until = 0")

    assert len(stepwise) > 20
    assert stepwise == hits()


def _address(chance, length):
    first = 0xC6336400 | chance.randrange(256)
    first &= 0xFFFFFFFF << (32 - length)
    text = ".".join(map(str, first.to_bytes(4)))
    return text if length == 32 else f"{text}/{length}"


def test_two_at_once(url, store, take, put, hits, monkeypatch):
    """Four processes' worth of looks at one time find what one finds, each hit once."""
    monkeypatch.setattr(allow_hits, "BATCH", 50)
    take(*(address(f"198.51.{number >> 8}.{number & 255}") for number in range(3_000)))
    put("Net", *(f"198.51.{number}.0/25" for number in range(12)))
    failed = []

    def look():
        try:
            with open_store(url) as mine:
                allow_hits.refresh(mine, NOW)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert 12 * 128 - (128 - min(128, 3_000 - 11 * 256)) == len(hits(refresh=False))
    assert hits(refresh=False) == hits()


def test_a_list_that_changes_under_a_look(url, store, take, put, hits, monkeypatch):
    """What was found by the old entries does not stay."""
    monkeypatch.setattr(allow_hits, "BATCH", 10)
    take(*(address(f"198.51.100.{number}") for number in range(100)))
    put("Net", "198.51.100.0/24")

    def change(_):
        monkeypatch.setattr(allow_hits, "BATCH", 1_000)
        with open_store(url) as other:
            put_allow_list(other, given("Net", "198.51.100.0/31"), NOW)

    allow_hits.refresh(store, NOW, change)

    assert ["198.51.100.0", "198.51.100.1"] == [hit[0] for hit in hits(refresh=False)]


def test_a_list_that_changes_between_reading_and_looking(url, store, take, put, hits, monkeypatch):
    """The entries that were read are not those of the list any more: nothing is found by them."""
    take(*(address(f"198.51.100.{number}") for number in range(100)))
    put("Net", "198.51.100.0/24")
    made = []

    def changed(lists):
        made.append(Matcher(lists))
        if len(made) == 1:
            with open_store(url) as other:
                put_allow_list(other, given("Net", "198.51.100.0/31"), NOW)
        return made[-1]

    monkeypatch.setattr(allow_hits, "Matcher", changed)
    allow_hits.refresh(store, NOW)

    assert len(made) == 2
    assert ["198.51.100.0", "198.51.100.1"] == [hit[0] for hit in hits(refresh=False)]


KILLED = """
import sys, time
from core.store import open_store
from core.store.allow_lists import hits as allow_hits, carried as carried_lists
allow_hits.BATCH = 200
with open_store(sys.argv[1]) as store:
    print("begun", flush=True)
    allow_hits.refresh(store, 1, lambda number: time.sleep(0.01))
"""


@pytest.mark.parametrize("delay_s", [0.0, 0.05, 0.12, 0.2])
def test_a_look_that_is_killed(url, store, take, put, hits, delay_s):
    """The next one goes on where it was, and all is found in the end, once."""
    take(*(address(f"198.51.{number >> 8}.{number & 255}") for number in range(5_000)))
    put("Net", "198.51.0.0/16")
    process = subprocess.Popen([sys.executable, "-c", KILLED, url], stdout=subprocess.PIPE)
    assert b"begun\n" == process.stdout.readline()
    time.sleep(delay_s)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()

    assert 5_000 == len(hits())


def test_lists_of_an_older_program_are_taken_over(store, take, hits):
    """They have no kind yet; their action stays."""
    take(address("8.8.8.8"), address("192.0.2.1"))
    with store.writing() as connection:
        for name, about in (("List of known IPv4 public DNS resolvers", '["ip-src"]'), ("ours", "[]")):
            connection.exec_driver_sql(
                "INSERT INTO allow_list (name, list_type, version, description, matching_attributes, action,"
                f" received_at) VALUES ('{name}', 'cidr', '1', '', '{about}', 'inform', 1)"
            )
            connection.exec_driver_sql(
                f"INSERT INTO allow_list_entry SELECT id, 0, '8.8.8.0/24' FROM allow_list WHERE name = '{name}'"
            )

    assert ["List of known IPv4 public DNS resolvers", "ours"] == [hit[1] for hit in hits()]
    found = {item.name: (item.kind.family, item.action) for item in allow_lists(store) if not item.kind.is_carried}
    assert found == {
        "List of known IPv4 public DNS resolvers": ("resolver", "inform"),
        "ours": ("plain", "inform"),
    }


def test_other_rules_mean_another_look(store, take, put, hits, monkeypatch):
    """A program that matches in another way finds everything anew; one that carries other lists only those."""
    take(address("8.8.8.8"), address("10.0.0.1"))
    put("Resolvers", "8.8.8.8")
    assert hits()
    looked = []
    monkeypatch.setattr(carried_lists.special_purpose, "VERSION", "another")
    allow_hits.refresh(store, NOW, looked.append)
    assert looked == []
    monkeypatch.setattr(carried_lists, "RULES_VERSION", "0")
    allow_hits.refresh(store, NOW, looked.append)
    assert sum(looked) == 2
    assert hits() == [("8.8.8.8", "Resolvers", "8.8.8.8", "equal")]


def test_what_is_carried_no_more_is_gone(store, take, monkeypatch):
    """A class that another version of the program knew."""
    allow_hits.refresh(store, NOW)
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE allow_list SET name = 'special-purpose: x' WHERE name LIKE '%teredo'")
    monkeypatch.setattr(carried_lists.special_purpose, "VERSION", "another")
    allow_hits.refresh(store, NOW)

    names = [item.name for item in allow_lists(store)]
    assert "special-purpose: x" not in names
    assert "special-purpose: teredo" in names


# --- what a run asks --------------------------------------------------------------------------------------


def test_what_is_blocked_and_by_what(store, take, put, asked):
    """By default special-purpose addresses, public suffixes and plain lists; a MISP list informs until it is told."""
    take(
        address("10.0.0.6"),
        address("198.51.100.7"),
        address("8.8.8.8"),
        address("52.0.0.1"),
        claim("github.io", "c2"),
        claim("evil.github.io", "c2"),
        claim("www.ours.example.net", "c2"),
    )
    put("ours", ".ours.example.net", list_type="hostname")
    put("List of known Amazon AWS IP address ranges", "52.0.0.0/8", about=("ip-src",))
    put("List of known IPv4 public DNS resolvers", "8.8.8.8", about=("ip-src",))

    assert {
        "10.0.0.6": ("special-purpose: private-use", "10.0.0.0/8", "inside", "private-use"),
        "198.51.100.7": ("special-purpose: documentation", "198.51.100.0/24", "inside", "documentation"),
        "8.8.8.8": ("List of known IPv4 public DNS resolvers", "8.8.8.8", "equal", None),
        "github.io": ("public suffixes: private", "github.io", "equal", None),
        "www.ours.example.net": ("ours", ".ours.example.net", "inside", None),
    } == reasons(store, asked(allow_hits.blocked, ()))
    assert "198.51.100.7" not in reasons(store, asked(allow_hits.blocked, ("documentation",)))

    set_allow_list(store, "List of known Amazon AWS IP address ranges", action="block")
    set_allow_list(store, "special-purpose: private-use", action="off")
    set_allow_list(store, "public suffixes: private", action="inform")
    assert {"198.51.100.7", "8.8.8.8", "www.ours.example.net", "52.0.0.1"} == set(
        reasons(store, asked(allow_hits.blocked, ()))
    )
    set_allow_list(store, "List of known Amazon AWS IP address ranges", action=None)
    assert "52.0.0.1" not in reasons(store, asked(allow_hits.blocked, ()))


def reasons(store, rows):
    """List, entry, relation and class for each value; the order of the keys is that of the ledger."""
    found = {}
    with closing(store.connect()) as connection:
        for key, text in rows:
            (value,) = connection.execute("SELECT value FROM observable WHERE id = ?", (key,)).fetchone()
            reason = msgspec.json.decode(text)
            assert list(reason) == ["reason", "list", "entry", "relation", "class"][: len(reason)]
            assert reason["reason"] == "allow-listed"
            found.setdefault(value, (reason["list"], reason["entry"], reason["relation"], reason.get("class")))
    return found


def test_networks_around_entries(store, take, put, asked):
    """Those that block, in canonical form, with the list's name; classes that are allowed are no holes."""
    take(address("192.0.0.0/20"), address("8.8.0.0/16"), address("9.9.9.9"))
    put("ours", "::ffff:8.8.8.8", "8.8.4.77/30", "9.9.0.0/16")
    put("Cloud", "8.8.1.0/24", about=("ip-src",))

    around = asked(allow_hits.contained, ())
    assert {
        frozenset({("8.8.8.8", "ours"), ("8.8.4.76/30", "ours")}),
        frozenset(
            {
                ("192.0.0.0/24", "special-purpose: protocol-assignments"),
                ("192.0.0.8", "special-purpose: dummy"),
                ("192.0.2.0/24", "special-purpose: documentation"),
            }
        ),
    } == set(map(frozenset, around.values()))
    allowed = asked(allow_hits.contained, ("documentation",))
    assert ("192.0.2.0/24", "special-purpose: documentation") not in [
        item for found in allowed.values() for item in found
    ]


def test_own_assets_that_are_listed(store, take, put, asked):
    """Own lists hold a run, and take nothing off; what is kept off is not listed."""
    take(
        address("9.9.9.9"),
        address("9.9.9.0/24"),
        address("9.9.9.128/25"),
        address("8.8.8.8"),
        claim("ours.example.net", "c2"),
    )
    put("ours", "9.9.9.8/29", "ours.example.net", list_type="values")
    set_allow_list(store, "ours", is_own=True)
    wanted = Selection()

    assert [] == asked(allow_hits.blocked, ())
    assert [
        "9.9.9.0/24 (ours: 9.9.9.8/29)",
        "ours.example.net (ours: ours.example.net)",
        "9.9.9.9 (ours: 9.9.9.8/29)",
    ] == asked(allow_hits.own_assets, wanted, NOW)
    set_allow_list(store, "ours", action="off")
    assert [] == asked(allow_hits.own_assets, wanted, NOW)


def test_own_assets_in_a_piece_of_a_network(store, take, put):
    """The network is not listed, but a part of it is."""
    take(address("9.9.0.0/16"))
    put("ours", "9.9.9.8/29", "ours.example.net", list_type="values")
    set_allow_list(store, "ours", is_own=True)
    allow_hits.refresh(store, NOW)
    with store.snapshot() as snapshot:
        snapshot.keep_off([(1, '{"reason":"split"}')])
        assert [] == allow_hits.own_assets(snapshot, Selection(), NOW)
        snapshot.add_pieces([(1, "cidr", "9.9.8.0/23"), (1, "cidr", "9.9.0.0/21")])
        assert ["9.9.8.0/23 (ours: 9.9.9.8/29)"] == allow_hits.own_assets(snapshot, Selection(), NOW)


def test_what_is_told(store, take, put, asked):
    """How many are on lists that inform, and names above allow-listed ones; nothing of what is not selected."""
    take(
        address("52.0.0.1"),
        address("52.0.0.2"),
        address("52.1.0.1", source="other"),
        claim("example.net", "c2"),
        claim("ours.example.net", "c2"),
    )
    put("Cloud", "52.0.0.0/8", about=("ip-src",))
    put("partners", "www.ours.example.net", list_type="string")
    put("own cloud", "52.0.0.0/8")
    set_allow_list(store, "own cloud", action="inform", is_own=True)

    cloud, above = asked(allow_hits.worth_telling, Selection(sources=("feed",)), NOW)
    assert cloud.startswith("on allow-lists that only inform: Cloud 2;")
    assert "yetictl allow-list set NAME --action block" in cloud
    assert above.startswith(
        "partners: 2 names are above its entries, as example.net is above www.ours.example.net;"
    )
    set_allow_list(store, "partners", action="inform", is_own=True)
    assert above in asked(allow_hits.worth_telling, Selection(), NOW), (
        "own names are told whatever is done by them"
    )
    set_allow_list(store, "Cloud", action="off")
    set_allow_list(store, "partners", action="off")
    assert [] == asked(allow_hits.worth_telling, Selection(), NOW)

"""``yetictl consumer``: who may fetch, tokens that are exchanged, and who has what."""

import time

import pytest

from core.store import fetches, open_store
from core.store.fetches import Fetched, FetchKey


@pytest.fixture
def exports(yetictl, tmp_path):
    """Two exports; one is published."""
    (tmp_path / "feed.csv").write_text("value,type,tags\n198.51.100.1,ip,c2\n")
    yetictl("import", "feed.csv", "--source", "feed")
    yetictl("export", "add", "c2", "--format", "list", "--type", "ip", "--include", "c2")
    yetictl("export", "add", "hashes", "--format", "list", "--type", "hash")
    yetictl("export", "run", "c2")


@pytest.fixture
def firewall(yetictl, exports):
    """A consumer of one of them."""
    yetictl("consumer", "add", "fw1", "--export", "c2", "--network", "192.0.2.1", "--description", "at the gate")


def test_a_consumer_is_added_shown_and_changed(yetictl, firewall):
    """What it may fetch and from where, as it was said; an option replaces, an empty one clears."""
    (found,) = yetictl("consumer", "list", "--json").json
    changed = yetictl("consumer", "edit", "fw1", "--export", "hashes", "--network", "", "--disable")
    (after,) = yetictl("consumer", "list", "--json").json

    assert {"name": "fw1", "description": "at the gate", "enabled": True, "all_exports": False} == {
        key: found[key] for key in ("name", "description", "enabled", "all_exports")
    }
    assert (["c2"], ["192.0.2.1/32"], []) == (found["exports"], found["networks"], found["tokens"])
    assert "hashes, from anywhere" in changed.err
    assert (["hashes"], [], False) == (after["exports"], after["networks"], after["enabled"])
    assert "at the gate" == after["description"]


def test_tokens_are_exchanged(yetictl, firewall):
    """Two at most; a token is printed once, and revoked by how it begins."""
    first = yetictl("consumer", "token", "fw1").out.strip()
    second = yetictl("consumer", "token", "fw1", "--expires", "30d", "--json").json
    third = yetictl("consumer", "token", "fw1", status=1)
    shown = yetictl("consumer", "show", "fw1", "--json").json
    text = yetictl("consumer", "show", "fw1").out
    yetictl("consumer", "revoke", "fw1", first)
    yetictl("consumer", "token", "fw1")

    assert 58 == len(first) == len(second["token"])
    assert "has two tokens already" in third.err
    assert [first[:14], second["begins"]] == [token["begins"] for token in shown["tokens"]]
    assert first not in str(shown)
    assert 2 == text.count(", never used")
    assert [None, None] == [token["last_used"] for token in shown["tokens"]]
    assert [None, False] == [shown["tokens"][0]["expires"], shown["tokens"][1]["ended"]]
    assert "no token that begins" in yetictl("consumer", "revoke", "fw1", "fetch_00000000", status=1).err


def test_what_cannot_be_is_refused(yetictl, firewall):
    """Names that are taken, exports that there are not, networks that are none."""
    assert "already" in yetictl("consumer", "add", "FW1", "--export", "c2", status=1).err
    assert "no export 'x'" in yetictl("consumer", "add", "fw2", "--export", "x", status=1).err
    assert "no network" in yetictl("consumer", "edit", "fw1", "--network", "10.0.0.1/8", status=1).err
    assert "a consumer's name" in yetictl("consumer", "add", "a b", "--export", "c2", status=1).err
    assert "--export NAME" in yetictl("consumer", "add", "fw2", status=2).err
    assert "no consumer 'x'" in yetictl("consumer", "show", "x", status=1).err
    assert ["fw1"] == [item["name"] for item in yetictl("consumer", "list", "--json").json]


def test_who_has_what(yetictl, firewall, tmp_path, new_databases):
    """Whoever never asked, is current, lags behind, or stopped asking."""
    yetictl("consumer", "add", "fw2", "--all-exports")

    def states():
        return {
            (lag["consumer"], lag["export"]): lag["state"] for lag in yetictl("consumer", "lags", "--json").json
        }

    def fetch(consumer, at):
        with open_store(new_databases.at(tmp_path / "home" / "yeti.db")) as store:
            fetches.record(store, [(FetchKey(consumer, 1, 1), Fetched(at, at, full=1, asked=1))])

    never = states()
    fetch(1, 1_000)
    fetch(2, time.time_ns() // 1_000)
    after = states()
    table = yetictl("consumer", "lags").out
    (tmp_path / "more.csv").write_text("value,type,tags\n198.51.100.2,ip,c2\n")
    yetictl("import", "more.csv", "--source", "feed")
    yetictl("export", "run", "c2")

    assert {("fw1", "c2"): "never asked"} == never
    assert {("fw1", "c2"): "stopped asking", ("fw2", "c2"): "current"} == after
    assert {("fw1", "c2"): "stopped asking", ("fw2", "c2"): "behind"} == states()
    assert "stopped asking" in table
    assert "fw1" in yetictl("consumer", "show", "fw1").out


def test_changes_are_in_the_audit_log(yetictl, firewall):
    """Who may fetch what is said by whom, without the token."""
    token = yetictl("consumer", "token", "fw1").out.strip()
    yetictl("consumer", "revoke", "fw1", token)
    yetictl("consumer", "remove", "fw1")
    found = yetictl("user", "audit", "--json").json
    entries = [entry for entry in found if entry["action"].startswith("consumer")]

    assert ["consumer removed", "consumer token revoked", "consumer token added", "consumer added"] == [
        entry["action"] for entry in entries
    ]
    assert {"exports": ["c2"], "networks": ["192.0.2.1/32"]} == entries[3]["detail"]
    assert token not in str(entries)


def test_networks_of_an_export(yetictl, exports):
    """Kept in one form, shown, and cleared."""
    yetictl("export", "edit", "c2", "--network", "10.0.0.0/8", "--network", "192.0.2.1")
    set_to = yetictl("export", "show", "c2", "--json").json["networks"]
    yetictl("export", "edit", "c2", "--public")
    kept = yetictl("export", "show", "c2", "--json").json["networks"]
    yetictl("export", "edit", "c2", "--network", "")
    cleared = yetictl("export", "show", "c2", "--json").json["networks"]

    assert (["10.0.0.0/8", "192.0.2.1/32"], ["10.0.0.0/8", "192.0.2.1/32"], []) == (set_to, kept, cleared)
    assert "no network" in yetictl("export", "edit", "c2", "--network", "10.0.0.1/8", status=1).err

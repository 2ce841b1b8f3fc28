"""Lists as they are kept: kinds, settings, names of the program; and what is carved out."""

import pytest

from core.errors import NotFound, RefusedValue
from core.schemas.claim import AllowListEntries
from core.store import carve_outs
from core.store.allow_lists import hits as allow_hits
from core.store.allow_lists.kinds import FAMILIES, family_of
from core.store.allow_lists.lists import (
    allow_lists,
    get_allow_list,
    put_allow_list,
    remove_allow_list,
    set_allow_list,
)
from core.store.allow_lists.look import look_up
from tests.store.conftest import NOW, claim


def given(name="ours", entries=("192.0.2.1",), about=()):
    return AllowListEntries(name=name, list_type="cidr", entries=entries, matching_attributes=about)


def named(store, name="ours"):
    (found,) = [item for item in allow_lists(store) if item.name == name]
    return found


# --- kinds and settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "about", "family"),
    [
        ("List of known IPv4 public DNS resolvers", ("ip-src",), "resolver"),
        ("List of known public DNS resolvers expressed as hostname", ("hostname",), "resolver"),
        ("List of known hashes for empty files", ("md5",), "empty-hash"),
        ("Second level TLDs as known by Mozilla Foundation", ("hostname",), "public-suffix"),
        ("List of RFC 1918 CIDR blocks", ("ip-src",), "special-purpose"),
        ("List of known Amazon AWS IP address ranges", ("ip-src",), "misp"),
        ("Top 1000 websites from Cisco Umbrella", ("hostname",), "misp"),
        ("our resolvers", (), "plain"),
        ("List of known IPv4 public DNS resolvers", (), "plain"),
    ],
)
def test_the_family_of_a_list(store, name, about, family):
    """By what a MISP list is called; a list that is about no attributes is the user's own."""
    put_allow_list(store, given(name, about=about), NOW)

    assert family == named(store, name).kind.family == family_of(name, about)
    assert ("inform" if family == "misp" else "block") == named(store, name).action
    assert family in FAMILIES


def test_settings_outlive_the_entries(store):
    """A list that comes again, and one that is of another kind now, keep what was set; one that was removed does not."""
    put_allow_list(store, given(), NOW)
    set_allow_list(store, "ours", action="inform", is_own=True)
    put_allow_list(store, given(entries=("192.0.2.2",), about=("ip-src",)), NOW + 1)

    found = named(store)
    assert (found.action, found.does, found.kind.is_own, found.kind.family) == ("inform", "hold", True, "misp")
    assert found.received_at == NOW + 1
    set_allow_list(store, "ours", is_own=False)
    assert named(store).does == "inform"
    remove_allow_list(store, "ours")
    put_allow_list(store, given(), NOW)
    assert (named(store).does, named(store).chosen_action) == ("block", None)


def test_a_name_that_there_is_not(store):
    """Each way to a list tells the nearest name."""
    put_allow_list(store, given("Resolvers"), NOW)

    for call in (get_allow_list, remove_allow_list, lambda *both: set_allow_list(*both, action="off")):
        with pytest.raises(NotFound, match="did you mean 'Resolvers'"):
            call(store, "resolver")


@pytest.mark.parametrize("name", ["carved out", "CARVED  OUT", "special-purpose: anything", "public suffixes:x"])
def test_names_that_are_not_for_imports(store, name):
    """They are the program's, in whatever spelling; names that only look like them are not."""
    with pytest.raises(RefusedValue, match="another name"):
        put_allow_list(store, given(name), NOW)
    put_allow_list(store, given("carved out by us"), NOW)
    assert ["carved out by us"] == [item.name for item in allow_lists(store)]


# --- carved out -------------------------------------------------------------------------------------------


def test_what_is_carved_out_blocks(store, take):
    """By itself, and as a hole of networks; in the order in which it was carved out, each once."""
    take(claim("9.9.0.0/16", type="cidr"), claim("9.9.9.9", type="ipv4"))
    carve_outs.carve_out(store, "ipv4", "9.9.9.9", "ours", NOW)
    carve_outs.carve_out(store, "cidr", "9.9.8.0/24", "ours, too", NOW)
    carve_outs.carve_out(store, "ipv4", "9.9.9.9", "ours, indeed", NOW)
    allow_hits.refresh(store, NOW)

    assert ("9.9.8.0/24", "9.9.9.9") == get_allow_list(store, "carved out").entries
    assert {"9.9.9.9": "ours, indeed", "9.9.8.0/24": "ours, too"} == carve_outs.reasons(store)
    with store.snapshot() as snapshot:
        assert [2] == [key for key, _ in allow_hits.blocked(snapshot, ())]
        assert {1: [("9.9.8.0/24", "carved out"), ("9.9.9.9", "carved out")]} == {
            key: sorted(found) for key, found in allow_hits.contained(snapshot, ()).items()
        }
    assert [("carved out", "block", "inside")] == [
        (met.name, met.does, met.relation) for met in look_up(store, "ipv4", "9.9.8.1")
    ]


def test_undoing_it(store, take):
    """What was carved out, and nothing else, is in the network again."""
    take(claim("9.9.0.0/16", type="cidr"))
    carve_outs.carve_out(store, "ipv4", "9.9.9.9", "ours", NOW)
    carve_outs.carve_out(store, "ipv4", "9.9.9.8", "ours", NOW)

    assert carve_outs.undo(store, "9.9.9.9", NOW)
    assert not carve_outs.undo(store, "9.9.9.9", NOW)
    assert not carve_outs.undo(store, "1.1.1.1", NOW)
    assert {"9.9.9.8": "ours"} == carve_outs.reasons(store)
    allow_hits.refresh(store, NOW)
    with store.snapshot() as snapshot:
        assert {1: [("9.9.9.8", "carved out")]} == allow_hits.contained(snapshot, ())
    with pytest.raises(RefusedValue, match="kept by the program"):
        remove_allow_list(store, "carved out")


@pytest.mark.parametrize(("type_", "reason"), [("hostname", "x"), ("url", "x"), ("ipv4", "nul\0")])
def test_what_cannot_be_carved_out(store, type_, reason):
    """Names and the like, and a reason that no database takes; nothing is kept."""
    with pytest.raises(RefusedValue):
        carve_outs.carve_out(store, type_, "9.9.9.9", reason, NOW)

    assert {} == carve_outs.reasons(store)
    assert not carve_outs.undo(store, "9.9.9.9", NOW)
    assert [] == allow_lists(store)

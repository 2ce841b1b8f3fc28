"""Why a value is on a list or not: any value, now and then."""

from pathlib import Path

import msgspec
import pytest
from export_samples import LATER, NOW, claim
from withdrawn_claims import withdraw

from core.errors import NotFound
from core.exports.answers.explain import explain
from core.exports.run import run_export
from core.exports.versions.differences import differences
from core.exports.versions.rollback import roll_back
from core.schemas.claim import TLP, AllowListEntries, Kind
from core.schemas.export import Selection
from core.schemas.instant import DAY, SECOND
from core.store import clearing
from core.store.allow_lists.lists import put_allow_list, set_allow_list
from core.store.tags import set_tag

ALLOWED = {"allow": "documentation"}


@pytest.fixture
def run(store, settings):
    return lambda now=LATER: run_export(store, "x", settings, now=now)


@pytest.fixture
def ask(store, settings):
    """Explain a value: the one observable that it is."""

    def asked(value, version=None, now=LATER + 1, **more):
        (found,) = explain(store, "x", value, settings, version, now=now, **more).standings
        return found

    return asked


@pytest.fixture
def export(define):
    return define("x", format="list", limits=ALLOWED, selection=Selection(include=("c2",)))


def whys(standing):
    """Tag and source of each assertion with why it does not count."""
    return {(item.fact.tag, item.fact.source): item.why_not for item in standing.assertions}


def test_what_is_listed(export, fill, run, ask):
    """Since when, by whom, and what did not help."""
    fill(
        claim("192.0.2.1", "ipv4", "c2", "other"),
        claim("192.0.2.1", "ipv4", "c2", source="context", kind=Kind.INFO),
        claim("192.0.2.1", "ipv4", "c2", source="late", valid_from=LATER + DAY),
        claim("192.0.2.1", "ipv4", "c2", source="past", valid_until=NOW + 5),
        claim("192.0.2.1", "ipv4", "c2", source="secret", tlp=TLP.RED),
    )
    run()

    found = ask("192[.]0[.]2[.]1")

    assert (found.type, found.is_known, found.is_listed, found.since, found.reason) == ("ipv4", True, True, 1, {})
    assert {
        ("c2", "feed"): "",
        ("other", "feed"): "tag",
        ("c2", "context"): "info",
        ("c2", "late"): "not-begun",
        ("c2", "past"): "ended",
        ("c2", "secret"): "tlp",
    } == whys(found)
    assert {} == found.next


@pytest.mark.parametrize(
    ("claims", "selection", "expected"),
    [
        ([], {}, {"reason": "unknown"}),
        ([{}], {"types": ("hostname",)}, {"reason": "type", "type": "ipv4"}),
        ([{"kind": Kind.INFO}], {}, {"reason": "nothing-counts"}),
        ([{}], {"include": ("apt",)}, {"reason": "not-included"}),
        ([{}], {"require": ("apt",)}, {"reason": "lacks", "tag": "apt"}),
        ([{}, {"tags": ("scanner",), "source": "b"}], {"exclude": ("Scanner",)},
         {"reason": "excluded", "tag": "scanner", "source": "b"}),
        ([{}, {"tags": ("benign",), "source": "b", "kind": Kind.BENIGN}], {},
         {"reason": "excluded", "tag": "benign", "source": "b"}),
        ([{"valid_until": NOW + 1}], {}, {"reason": "expired"}),
        ([{"valid_from": LATER + DAY}], {}, {"reason": "not-begun"}),
        ([{"confidence": 5}], {"least_confidence": 50}, {"reason": "nothing-counts"}),
        ([{}], {"max_age_s": 60}, {"reason": "too-old"}),
        ([{}], {"last_seen_after": NOW}, {"reason": "last-seen"}),
        ([{"first_seen": NOW - DAY}], {"first_seen_after": NOW}, {"reason": "first-seen"}),
    ],
)  # fmt: skip
def test_what_is_not_taken(define, fill, run, ask, claims, selection, expected):
    """The rule that decided is named, whether a run was since or not."""
    define("x", format="list", limits=ALLOWED, selection=Selection(**selection))
    if claims:
        fill(*(claim("192.0.2.1", **({"type_": "ipv4", "tags": ("c2",)} | fields)) for fields in claims))
    fill(claim("198.51.100.1", "ipv4", "c2"), claim("example.org", "hostname", "c2"), now=LATER)
    run()

    found = ask("192.0.2.1")

    assert not found.is_listed
    assert expected == found.reason


def test_what_only_the_grace_keeps(define, fill, run, ask):
    """It counts although it has ended, and until when is told; of what has not ended, nothing."""
    define("x", format="list", limits=ALLOWED, selection=Selection(grace_s=3600))
    fill(
        claim("192.0.2.1", "ipv4", "c2", valid_until=LATER),
        claim("192.0.2.1", "ipv4", "c2", source="lasts", valid_until=LATER + DAY),
    )
    run()

    found = ask("192.0.2.1", now=LATER + 1)
    assert {"feed": (True, LATER + 3600 * SECOND), "lasts": (True, None)} == {
        item.fact.source: (item.counts, item.grace_until) for item in found.assertions
    }
    found = ask("192.0.2.1", now=LATER + 3600 * SECOND)
    assert {"feed": (False, None), "lasts": (True, None)} == {
        item.fact.source: (item.counts, item.grace_until) for item in found.assertions
    }


def test_what_never_lapses(define, fill, run, ask):
    """An exclusion by a sticky tag holds whatever the date says; one by another tag does not."""
    define("x", format="list", limits=ALLOWED, selection=Selection(exclude=("scanner",)))
    fill(
        claim("192.0.2.1", "ipv4", "benign", source="sticky", kind=Kind.BENIGN, valid_until=LATER - 1),
        claim("192.0.2.1", "ipv4", "scanner", source="lapses", valid_until=LATER + DAY),
    )
    fill(claim("192.0.2.2", "ipv4", "c2"))
    run()

    found = ask("192.0.2.1")

    assert {"sticky": (True, True), "lapses": (True, False)} == {
        item.fact.source: (item.excludes, item.is_sticky) for item in found.assertions
    }


def test_what_was_withdrawn(export, fill, run, ask, store, settings):
    """By the button or by its source: the reason that was given, when it came and when it left."""
    fill(*(claim(f"192.0.2.{n}", "ipv4", "c2") for n in range(1, 9)))
    run()
    clearing.clear(store, "ipv4", "192.0.2.1", "our mail server", LATER + 1)
    withdraw(store, "192.0.2.2", "a typing error", LATER + 2)

    still = ask("192.0.2.1", now=LATER + 3)
    assert still.is_listed
    assert ("withdrawn", "our mail server") == (still.next["reason"], still.next["said"])

    run(LATER + DAY)
    cleared, withdrawn = ask("192.0.2.1", now=LATER + DAY), ask("192.0.2.2", now=LATER + DAY)
    assert ["withdrawn"] * 2 == [cleared.reason["reason"], withdrawn.reason["reason"]]
    assert ["our mail server", "a typing error"] == [item.next["said"] for item in (cleared, withdrawn)]
    (period,) = cleared.periods
    assert (1, 1, "withdrawn") == (period.first, period.last, msgspec.json.decode(period.ended_by)["reason"])
    assert cleared.assertions[0].fact.withdrawn_reason == "our mail server"

    then = ask("192.0.2.1", version=1, now=LATER + DAY)
    assert then.is_listed
    assert {("c2", "feed"): ""} == whys(then), "neither the withdrawal nor our own word was known then"
    assert None is then.next


def test_nothing_tells_when_it_ends(define, fill, run, ask, store):
    """A tag that lives for ever, and no date: an export that wants an end does not count it."""
    define("x", format="list", limits=ALLOWED, selection=Selection(undated="drop"))
    fill(claim("192.0.2.1", "ipv4", "c2"), claim("192.0.2.2", "ipv4", "c2", valid_until=LATER + DAY))
    set_tag(store, "c2", lifetime_s=-1, sticky=None)
    run()

    found, dated = ask("192.0.2.1"), ask("192.0.2.2")

    assert (False, {"reason": "nothing-counts"}) == (found.is_listed, found.reason)
    assert {("c2", "feed"): "undated"} == whys(found)
    assert dated.is_listed
    assert {("c2", "feed"): ""} == whys(dated)


def test_why_it_left_is_not_why_it_is_not_back(export, fill, run, ask):
    """It expired; what is said of it since is something else."""
    fill(*(claim(f"192.0.2.{n}", "ipv4", "c2") for n in range(2, 9)))
    fill(claim("192.0.2.1", "ipv4", "c2", valid_until=LATER + 1))
    run()
    run(LATER + DAY)
    fill(claim("192.0.2.1", "ipv4", "c2", kind=Kind.INFO), now=LATER + DAY + 1)

    found = ask("192.0.2.1", now=LATER + DAY + 2)

    assert ({"reason": "expired"}, {"reason": "nothing-counts"}) == (found.reason, found.next)


def test_what_is_kept_off(define, fill, run, ask, store):
    """By an allow-list with its entry, as forbidden, as too broad, by the budget, and in parts."""
    define("x", format="list", limits=ALLOWED | {"never": "192.0.2.1", "budget-entries": "5", "dropped": "off"})
    put_allow_list(store, AllowListEntries(name="ours", list_type="cidr", entries=("192.0.2.16/30",)), NOW)
    put_allow_list(store, AllowListEntries(name="clouds", list_type="cidr", entries=("203.0.113.0/24",)), NOW)
    set_allow_list(store, "ours", action="block")
    set_allow_list(store, "clouds", action="inform")
    fill(
        *(claim(value, "ipv4", "c2") for value in ("192.0.2.1", "192.0.2.17", "203.0.113.5")),
        *(claim(value, "cidr", "c2") for value in ("32.0.0.0/6", "192.0.2.16/29")),
        claim("203.0.113.6", "ipv4", "c2", confidence=1),
        *(claim(f"203.0.113.{n}", "ipv4", "c2", confidence=90) for n in range(20, 24)),
    )
    run()

    assert {"reason": "never", "entry": "192.0.2.1"} == ask("192.0.2.1").reason
    assert {"reason": "allow-listed", "list": "ours", "entry": "192.0.2.16/30", "relation": "inside"} == ask(
        "192.0.2.17"
    ).reason
    assert "too-broad" == ask("32.0.0.0/6").reason["reason"]
    whole = ask("192.0.2.16/29")
    assert (True, ("192.0.2.20/30",), "split") == (whole.is_listed, whole.pieces, whole.reason["reason"])
    assert [("clouds", "203.0.113.0/24", "inside")] == [hit[:3] for hit in ask("203.0.113.20").informed]
    assert {} == ask("203.0.113.20").next, "a list that informs keeps nothing off"
    cut = [n for n in (5, 6) if not ask(f"203.0.113.{n}").is_listed]
    assert {"cut"} == {ask(f"203.0.113.{n}").reason["reason"] for n in cut}


def test_what_is_listed_through_another(define, fill, run, ask):
    """A network around an address, whole or in the part that has it, and a parent of a name."""
    define("x", format="list", limits=ALLOWED | {"never": "192.0.2.1"})
    fill(
        claim("192.0.2.0/24", "cidr", "c2"),
        claim("192.0.0.0/16", "cidr", kind=Kind.INFO),
        claim("example.org", "hostname", "c2"),
        claim("192.0.2.9", "ipv4", kind=Kind.INFO),
    )
    run()

    unknown, known = ask("192.0.2.200"), ask("192.0.2.9")
    assert ["unknown", "nothing-counts"] == [unknown.reason["reason"], known.reason["reason"]]
    assert [["192.0.2.0/24"]] * 2 == [[item.value for item in each.around] for each in (unknown, known)]
    assert ("192.0.2.128/25",) == unknown.around[0].pieces
    assert () == ask("192.0.2.1").around, "it lies in the hole"
    assert ["example.org"] == [item.value for item in ask("A.b.Example[.]org").around]


def test_what_is_held(define, fill, run, ask):
    """The candidate would add a network around the value; the current version has nothing of it."""
    define("x", format="list", limits=ALLOWED | {"most": "2"})
    fill(claim("192.0.2.1", "ipv4", "c2"), claim("192.0.2.2", "ipv4", "c2", valid_until=LATER + 1))
    run()
    fill(*(claim(value, "cidr", "c2", source="mistake") for value in ("44.0.0.0/8", "45.0.0.0/8")), now=LATER + 2)
    assert "held" == run(LATER + DAY).status

    found = ask("44.1.2.3", now=LATER + DAY)

    (network,) = found.around
    assert ("44.0.0.0/8", False, ("added", {})) == (network.value, network.is_listed, network.held)
    assert {("c2", "mistake"): ""} == whys(network)
    assert {"reason": "later"} == network.reason
    assert ("removed", {"reason": "expired"}) == ask("192.0.2.2", now=LATER + DAY).held
    assert None is ask("192.0.2.1", now=LATER + DAY).held


def test_every_period_is_told(export, fill, run, ask, store, settings):
    """It came, left, came back with a rollback, and left again."""
    fill(*(claim(f"192.0.2.{n}", "ipv4", "c2") for n in range(2, 9)))
    fill(claim("192.0.2.1", "ipv4", "c2", valid_until=LATER + 1))
    run()
    run(LATER + DAY)
    roll_back(store, "x", 1, settings, by="lena", reason="so", exact=False, now=LATER + 2 * DAY)

    found = ask("192.0.2.1", now=LATER + 2 * DAY)
    assert found.is_listed
    assert [(1, 1), (3, None)] == [(period.first, period.last) for period in found.periods]
    assert {"reason": "expired"} == ask("192.0.2.1", version=2, now=LATER + 2 * DAY).reason
    explanation = explain(store, "x", "192.0.2.1", settings, now=LATER + 2 * DAY)
    assert {1, 2, 3} == explanation.made_at.keys()
    assert any("pinned to version 3" in note or "pinned to version 1" in note for note in explanation.notes)


def test_what_came_after_the_version(export, fill, run, ask):
    """It is not on the version since nobody had said it yet; a run lists it now."""
    fill(claim("192.0.2.1", "ipv4", "c2"))
    run()
    fill(claim("192.0.2.2", "ipv4", "c2"), now=LATER + 1)

    found = ask("192.0.2.2", now=LATER + 2)

    assert (False, {"reason": "later"}, {}) == (found.is_listed, found.reason, found.next)


def test_before_the_first_version(export, fill, ask):
    """Nothing is published; what a run would do is told all the same."""
    fill(claim("192.0.2.1", "ipv4", "c2"))

    found = ask("192.0.2.1")

    assert (False, {"reason": "unpublished"}, {}) == (found.is_listed, found.reason, found.next)


def test_what_cannot_be_asked(export, fill, run, store, settings):
    """No such export, no such version, and what is no value."""
    fill(claim("192.0.2.1", "ipv4", "c2"))
    run()

    with pytest.raises(NotFound, match="there is no export 'y'"):
        explain(store, "y", "192.0.2.1", settings, now=LATER)
    with pytest.raises(NotFound, match="version 7 of 'x' is not known"):
        explain(store, "x", "192.0.2.1", settings, 7, now=LATER)
    with pytest.raises(NotFound, match="no type that is recognised"):
        explain(store, "x", "nothing at all", settings, now=LATER)


def test_one_text_of_two_types(export, fill, run, store, settings):
    """Both are told."""
    fill(claim("1.0.0.1", "ipv4", "c2"), claim("1.0.0.1", "generic", "c2"))
    run()

    found = explain(store, "x", "1.0.0.1", settings, now=LATER)

    assert ["generic", "ipv4"] == sorted(item.type for item in found.standings)


# --- differences ------------------------------------------------------------------------------------------


@pytest.fixture
def three(export, fill, run, store):
    """Three versions: 1 to 3; 2 to 4, of which 3 is known better; 3 to 5."""
    fill(*(claim(f"192.0.2.{n}", "ipv4", "c2") for n in (1, 2, 3)))
    run()
    withdraw(store, "192.0.2.1", "wrong", LATER + 1)
    fill(claim("192.0.2.4", "ipv4", "c2"), claim("192.0.2.3", "ipv4", "c2", confidence=9), now=LATER + 2)
    run(LATER + DAY)
    clearing.clear(store, "ipv4", "192.0.2.2", "ours", LATER + DAY + 1)
    fill(claim("192.0.2.5", "ipv4", "c2"), now=LATER + DAY + 2)
    run(LATER + 2 * DAY)


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize(
    ("sides", "added", "removed", "changed"),
    [
        ((), "5", "2", ""),
        ((1, 2), "4", "1", "3"),
        ((1, 3), "45", "12", "3"),
        ((1,), "45", "12", "3"),
        ((3, 1), "12", "45", "3"),
        ((2, 2), "", "", ""),
    ],
)
def test_any_two_versions_differ(three, store, settings, sides, added, removed, changed, is_kept):
    """By what was kept with a version, or by the ledger alone, in either direction."""
    if not is_kept:
        for path in Path(settings.versions_path).glob("*.changes.*"):
            path.unlink()

    with differences(store, "x", settings, *sides) as found:
        changes = list(found.changes)

    expected = [
        (word, f"192.0.2.{n}")
        for word, ns in (("added", added), ("removed", removed), ("changed", changed))
        for n in ns
    ]
    assert sorted(expected) == sorted((item.change, item.value) for item in changes)
    assert [item.value for item in changes] == sorted(item.value for item in changes)
    assert (len(added), len(removed), len(changed)) == tuple(
        found.counts[w] for w in ("added", "removed", "changed")
    )
    if (sides or (2, 3))[0] < (*sides, 3)[-1] and sides != (2, 2):
        assert {"withdrawn": len(removed)} == dict(found.reasons)


def test_what_cannot_be_compared(three, store, settings):
    """Versions that there are not, and a candidate that there is not."""
    with pytest.raises(NotFound, match="nothing of 'x' is held"), differences(store, "x", settings, "held"):
        pass
    with pytest.raises(NotFound, match="version 9 of 'x' is not known"), differences(store, "x", settings, 1, 9):
        pass


def test_what_a_budget_cuts_only_a_run_can_tell(define, fill, run, store, settings):
    """It is not said that a run now would list what was cut, nor that it would not."""
    define("x", format="list", limits=ALLOWED | {"budget-entries": "2"})
    fill(*(claim(f"192.0.2.{number}", "ipv4", "c2") for number in range(1, 5)))
    run()

    for value in ("192.0.2.4", "192.0.2.200"):
        found = explain(store, "x", value, settings, now=LATER + 1)
        assert not found.standings[0].is_listed

    found = explain(store, "x", "192.0.2.4", settings, now=LATER + 1)
    assert None is found.standings[0].next
    assert any("only a run can tell" in note for note in found.notes)
    listed = explain(store, "x", "192.0.2.1", settings, now=LATER + 1)
    assert {} == listed.standings[0].next
    assert not any("only a run can tell" in note for note in listed.notes)

"""What the gate lets out and what it holds, each rule at its boundary."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import RefusedValue
from core.exports.gate.limits import LIMITS, parse
from core.exports.gate.rules import Candidate, Found, History, Reason, Space, Verdict, judge

SLASH_32 = 2**96
ALWAYS = {"unfinished", "counts", "check", "own-assets", "blank"}


def listed(entries, **others):
    """Return a candidate of so many entries whose counts add up and that nothing speaks against."""
    dropped = sum(others.get("dropped", {}).values())
    return Candidate(
        **({"selected": entries + dropped, "entries": entries, "refused": 0, "is_complete": True} | others)
    )


def rules(candidate, history=None, **limits):
    """Return the rules by which it is held, in order; limits are given as they are typed."""
    typed = {key.replace("_", "-"): text for key, text in limits.items()}
    return [reason.rule for reason in judge(candidate, history, parse(typed)).reasons]


@pytest.mark.parametrize(
    ("now", "lost", "limits", "held"),
    [
        (40, 20, {}, False),  # exactly half, exactly 20
        (40, 21, {}, True),
        (42, 21, {}, False),  # exactly half
        (41, 21, {}, True),
        (21, 20, {}, False),  # nearly all of few
        (1_000_000, 500_000, {}, False),
        (1_000_000, 500_001, {}, True),
        (100, 10, {"loss": "10%", "loss_entries": "9"}, False),
        (100, 11, {"loss": "10%", "loss_entries": "11"}, False),
        (100, 11, {"loss": "10%", "loss_entries": "10"}, True),
        (1000, 1, {"loss": "0%", "loss_entries": "0"}, True),
        (1000, 0, {"loss": "0%", "loss_entries": "0"}, False),
        (1000, 999, {"loss": "off"}, False),
        (3, 1, {"loss": "33.333333%", "loss_entries": "0"}, True),
        (3, 1, {"loss": "33.333334%", "loss_entries": "0"}, False),
    ],
)
def test_a_list_that_loses_much_is_held(now, lost, limits, held):
    """More than the share and more than the number of entries; new ones do not make up for those that go."""
    assert held == ("loss" in rules(listed(now, lost=lost), History(now), **limits))


def test_those_withdrawn_are_not_lost():
    """60 of 100 were withdrawn: of the 40 that are left, 21 are more than half and 20 are not."""
    history = History(100)

    assert [] == rules(listed(20, lost=20, withdrawn=60), history)
    (reason,) = judge(listed(19, lost=21, withdrawn=60), history).reasons
    assert (
        "the list would lose 21 of its 40 entries, beside 60 that were withdrawn: more than 50%, and more than 20"
        == reason.text
    )


@pytest.mark.parametrize(
    ("now", "then", "limits", "held"),
    [
        (250, 1_250, {}, False),  # exactly fivefold, exactly 1,000 more
        (250, 1_251, {}, True),
        (249, 1_249, {}, False),  # more than fivefold, exactly 1,000 more
        (251, 1_255, {}, False),  # exactly fivefold
        (251, 1_256, {}, True),
        (1, 1_001, {}, False),
        (1, 1_002, {}, True),
        (0, 1_000_000, {}, False),  # an empty list has no size to compare with
        (10, 25, {"growth": "2.5", "growth_entries": "0"}, False),
        (10, 26, {"growth": "2.5", "growth_entries": "0"}, True),
        (10, 26, {"growth": "2.5", "growth_entries": "16"}, False),
        (10, 26, {"growth": "2.5", "growth_entries": "15"}, True),
        (10, 1_000_000, {"growth": "off"}, False),
    ],
)
def test_a_list_that_grows_much_is_held(now, then, limits, held):
    """More than so many times as many, and more than so many more."""
    assert held == ("growth" in rules(listed(then), History(now), **limits))


@pytest.mark.parametrize(
    ("now", "then", "limits", "held"),
    [
        (Space(65_536), Space(131_072), {}, False),  # exactly double, exactly 65,536 more
        (Space(65_536), Space(131_073), {}, True),
        (Space(65_535), Space(131_071), {}, False),  # more than double, exactly 65,536 more
        (Space(65_537), Space(131_074), {}, False),  # exactly double
        (Space(65_537), Space(131_075), {}, True),
        (Space(0), Space(65_536), {}, False),
        (Space(0), Space(65_537), {}, True),
        (Space(0, SLASH_32), Space(0, 2 * SLASH_32), {}, False),
        (Space(0, SLASH_32), Space(0, 2 * SLASH_32 + 1), {}, True),
        (Space(0, SLASH_32 - 1), Space(0, 2 * SLASH_32 - 1), {}, False),
        (Space(0, 0), Space(0, SLASH_32 + 1), {}, True),
        (Space(2**24), Space(2**16), {}, False),
        (Space(100), Space(151), {"space": "1.5", "space_ipv4": "51"}, False),
        (Space(100), Space(151), {"space": "1.5", "space_ipv4": "50"}, True),
        (Space(100), Space(150), {"space": "1.5", "space_ipv4": "0"}, False),
        (Space(0, 0), Space(0, 257), {"space_ipv6": "/120"}, True),
        (Space(0, 0), Space(0, 256), {"space_ipv6": "/120"}, False),
        (Space(1), Space(2**32, 2**128), {"space": "off"}, False),
        (Space(1), Space(2**32), {"space_ipv4": "/0"}, False),
    ],
)
def test_a_list_that_covers_much_more_is_held(now, then, limits, held):
    """More than so many times the addresses and more than so many more, of either version."""
    assert held == ("space" in rules(listed(10, space=then), History(10, now), **limits))


def test_each_version_of_addresses_has_its_reason():
    """Both are told, in numbers that can be read."""
    candidate = listed(10, space=Space(2**24, 3 * SLASH_32 + 1))

    first, second = judge(candidate, History(10, Space(1024))).reasons

    assert (
        "the list would cover 16,777,216 IPv4 addresses, now 1,024 IPv4 addresses: more than 2 times as many, "
        "and more than 65,536 IPv4 addresses more" == first.text
    )
    assert (
        "the list would cover more than 3 x /32 of IPv6, now none: more than none, and more than /32 of IPv6 more"
        == second.text
    )


@pytest.mark.parametrize(
    ("selected", "dropped", "limits", "held"),
    [
        (1_000, {"allow-listed": 50}, {}, False),  # exactly 5 %
        (1_000, {"allow-listed": 51}, {}, True),
        (1_000, {"allow-listed": 30, "too-broad": 21}, {}, True),
        (1_000, {"special-purpose": 26, "public-suffix": 25}, {}, True),
        (1_000, {"never": 900}, {}, False),
        (1_000, {"cut": 900}, {}, False),
        (1_000, {"never": 40, "cut": 400, "too-broad": 50}, {}, False),
        (19, {"allow-listed": 1}, {}, True),
        (20, {"allow-listed": 1}, {}, False),
        (19, {"allow-listed": 1}, {"dropped_entries": "1"}, False),
        (19, {"allow-listed": 2}, {"dropped_entries": "1"}, True),
        (1_000, {"allow-listed": 100}, {"dropped": "10%"}, False),
        (1_000, {"allow-listed": 101}, {"dropped": "10%"}, True),
        (1_000, {"allow-listed": 1_000}, {"dropped": "off"}, False),
        (1_000, {"allow-listed": 1}, {"dropped": "0%"}, True),
        (0, {}, {"dropped": "0%"}, False),
    ],
)
def test_a_selection_of_which_much_is_dropped_for_safety_is_held(selected, dropped, limits, held):
    """What allow-lists and breadth drop says that the data is wrong; a budget and a forbidden value do not."""
    candidate = listed(selected - sum(dropped.values()), dropped=dropped)

    assert held == ("dropped" in rules(candidate, **limits))


def test_refusals_and_pieces_are_not_dropped_for_safety():
    """What a format cannot express, and a network that was split, count for nothing there."""
    candidate = Candidate(100, 8 + 30, 91, True, dropped={"split": 1}, pieces=30)

    assert [] == rules(candidate)


@pytest.mark.parametrize(
    ("now", "withdrawn", "then", "limits", "expected"),
    [
        (1, 0, 0, {}, ["empty"]),
        (100, 0, 0, {}, ["empty"]),
        (100, 0, 1, {}, ["loss"]),
        (100, 99, 0, {}, ["empty"]),
        (100, 100, 0, {}, []),
        (0, 0, 0, {}, []),
        (100, 0, 0, {"empty": "publish"}, []),
        (100, 0, 1, {"empty": "publish"}, ["loss"]),
        (100, 0, 0, {"loss": "off"}, ["empty"]),
    ],
)
def test_a_list_that_becomes_empty_is_held(now, withdrawn, then, limits, expected):
    """Unless all of it was withdrawn, or the export may become empty; the loss rule says nothing about it."""
    candidate = listed(then, lost=now - withdrawn - then, withdrawn=withdrawn)

    assert expected == rules(candidate, History(now), **limits)


@pytest.mark.parametrize("history", [None, History(10), History(11), History(0)])
@pytest.mark.parametrize(
    ("entries", "limits", "expected"),
    [
        (9, {"least": "10"}, ["least"]),
        (10, {"least": "10"}, []),
        (11, {"least": "10"}, []),
        (9, {"most": "10"}, []),
        (10, {"most": "10"}, []),
        (11, {"most": "10"}, ["most"]),
        (10, {"budget_entries": "10"}, []),
        (11, {"budget_entries": "10"}, ["budget-entries"]),
        (11, {"least": "off", "most": "off", "budget_entries": "off"}, []),
    ],
)
def test_bounds_of_the_number_of_entries(entries, limits, expected, history):
    """Absolute bounds hold for a first run, too."""
    assert expected == rules(listed(entries), history, **limits)


@pytest.mark.parametrize(("size_bytes", "expected"), [(999, []), (1_000, []), (1_001, ["budget-bytes"])])
def test_a_file_that_its_consumer_cannot_take_is_held(size_bytes, expected):
    """It was cut before; if it is too large all the same, it does not go out."""
    assert expected == rules(listed(10, size_bytes=size_bytes), budget_bytes="1kB")
    assert [] == rules(listed(10, size_bytes=size_bytes), budget_bytes="off")


@pytest.mark.parametrize(
    ("candidate", "rule", "text"),
    [
        (
            listed(3, is_complete=False),
            "unfinished",
            "the read of the store did not finish, so that entries may be missing",
        ),
        (
            Candidate(1_000, 990, 2, True, dropped={"never": 7, "split": 3}, pieces=4),
            "counts",
            "the counts do not add up: 1,000 observables are selected, 10 of them were dropped, 4 pieces of "
            "networks were added, but 990 entries were written and 2 refused",
        ),
        (
            listed(3, faults=Found(2, ("line 3: bad address", "line 9: bad name"))),
            "check",
            "the format's own check failed: line 3: bad address, line 9: bad name",
        ),
        (
            listed(3, own_assets=Found(7, ("192.0.2.1", "192.0.2.2"))),
            "own-assets",
            "own assets are on the list (7): 192.0.2.1, 192.0.2.2 and 5 more",
        ),
    ],
)
@pytest.mark.parametrize("history", [None, History(3)])
def test_what_nobody_can_release(candidate, rule, text, history):
    """An unfinished read, counts that do not add up, a failed check and an own asset are no matter of opinion."""
    verdict = judge(candidate, history)

    assert (Reason(rule, text, can_be_released=False),) == verdict.reasons
    assert (True, False) == (verdict.is_held, verdict.can_be_released)


@pytest.mark.parametrize(
    ("entries", "refused", "expected"),
    [(12, 0, []), (11, 1, []), (0, 12, []), (11, 0, ["counts"]), (13, 0, ["counts"]), (12, 1, ["counts"])],
)
def test_counts_add_up(entries, refused, expected):
    """Selected less dropped and with pieces is written and refused."""
    candidate = Candidate(100, entries, refused, True, dropped={"cut": 91, "split": 2}, pieces=5)

    assert expected == rules(candidate)


def test_a_reason_that_can_be_released_does_not_release_the_others():
    """One that nobody can release is enough."""
    alone = judge(listed(0, lost=5), History(5))
    both = judge(listed(0, lost=5, is_complete=False), History(5))

    assert (True, True) == (alone.is_held, alone.can_be_released)
    assert (True, False) == (both.is_held, both.can_be_released)
    assert "did not finish" in both.message
    assert "; the list would be empty; now it has 5 entries" in both.message


def test_what_may_go_out_needs_no_release():
    """There is nothing to release."""
    verdict = judge(listed(3), History(3))

    assert (False, False, "") == (verdict.is_held, verdict.can_be_released, verdict.message)


@pytest.mark.parametrize("history", [None, History(3), History(0)])
@pytest.mark.parametrize(("entries", "held"), [(1, True), (3, True), (0, False)])
def test_entries_in_blank_files_are_none(entries, held, history):
    """Files with nothing but white space are held where there are entries, also at a first run; of none they are right."""
    candidate = listed(entries, is_blank=True)
    found = judge(candidate, history, parse({"empty": "publish"})).reasons

    assert held == (["blank"] == [reason.rule for reason in found])
    assert all(reason.can_be_released for reason in found)


@pytest.mark.parametrize(
    ("now", "then", "limits", "held"),
    [
        ((10_000, 100), (5_000, 100), {}, False),  # exactly half
        ((10_000, 100), (4_999, 100), {}, True),
        ((10_000, 100), (0, 100), {}, True),
        ((10_000, 100), (4_999, 1_000), {}, True),  # more entries in fewer bytes
        ((10_000, 100), (3_001, 60), {}, False),  # as long an entry as before, but for half
        ((10_000, 100), (2_999, 60), {}, True),
        ((1_024, 100), (0, 100), {}, False),  # exactly 1 KiB
        ((1_025, 100), (0, 100), {}, True),
        ((100_000, 100), (90_000, 100), {"loss": "10%"}, False),
        ((100_000, 100), (89_999, 100), {"loss": "10%"}, True),
        ((10_000, 100), (0, 100), {"loss": "off"}, False),
        ((0, 100), (0, 100), {}, False),
        ((10_000, 0), (10, 100), {}, False),
        ((10_000, 100), (0, 0), {"empty": "publish"}, False),
    ],
)
def test_a_templates_file_that_shrinks_is_held(now, then, limits, held):
    """More than the share of loss and than 1 KiB beyond what the entries lost: a column, or every line, is gone."""
    candidate = listed(then[1], size_bytes=then[0], is_by_template=True)

    assert held == ("loss" in rules(candidate, History(now[1], size_bytes=now[0]), **limits))


def test_only_a_templates_file_is_measured():
    """A format writes what it always wrote."""
    assert [] == rules(listed(100, size_bytes=1), History(100, size_bytes=10**6))


def test_what_must_be_on_the_list_holds_it_if_it_is_not():
    """The missing ones are named, a few of many."""
    (reason,) = judge(listed(9, missing=tuple("abcdefg"))).reasons

    assert Reason("require", "what must be on the list is not: a, b, c, d, e and 2 more") == reason


@pytest.mark.parametrize(
    ("candidate", "history", "limits", "text"),
    [
        (
            listed(999, lost=1_001),
            History(2_000),
            {},
            "the list would lose 1,001 of its 2,000 entries: more than 50%, and more than 20",
        ),
        (
            listed(8, lost=1),
            History(9),
            {"loss": "0.5%", "loss-entries": "0"},
            "1 of its 9 entries: more than 0.5%",
        ),
        (
            listed(1_502),
            History(300),
            {},
            "the list would grow from 300 to 1,502 entries: more than 5 times as many, and more than 1,000 more",
        ),
        (
            listed(940, dropped={"allow-listed": 58, "too-broad": 2, "never": 5}),
            None,
            {},
            "60 of 1,005 entries were dropped for safety (58 allow-listed, 2 too broad): more than 5%",
        ),
        (
            listed(2_000, size_bytes=40, is_by_template=True),
            History(2_000, size_bytes=431_000),
            {},
            "the file would shrink from 431,000 to 40 bytes, with as many entries: more than 50%",
        ),
        (
            listed(1_990, size_bytes=40, is_by_template=True, lost=10),
            History(2_000, size_bytes=431_000),
            {},
            "the file would shrink from 431,000 to 40 bytes, with 1,990 entries, now 2,000: more than 50%",
        ),
        (
            listed(2_000, is_blank=True),
            None,
            {},
            "the list would have 2,000 entries, but its files are blank: nothing but white space is in them",
        ),
        (listed(1), None, {"least": "2"}, "the list would have 1 entry; the least is 2"),
        (listed(2_000), None, {"most": "1k"}, "the list would have 2,000 entries; the most is 1,000"),
        (listed(9, size_bytes=1_001), None, {"budget-bytes": "1kB"}, "have 1,001 bytes; the budget is 1,000"),
    ],
)
def test_a_reason_has_the_numbers(candidate, history, limits, text):
    """Whoever is woken reads what would change, and which bound that passes."""
    (reason,) = judge(candidate, history, parse(limits)).reasons

    assert text in reason.text
    assert reason.can_be_released


@pytest.mark.parametrize(
    ("history", "part"), [(None, "nothing was published before"), (History(0), "what is published is empty")]
)
def test_a_run_without_history_says_so(history, part):
    """It cannot be compared; that is told, and no size holds it."""
    verdict = judge(listed(1_000_000, space=Space(2**31, 2**127)), history)

    assert () == verdict.reasons
    assert part in verdict.notes[0]


def test_what_was_kept_off_is_told():
    """What safety dropped, what was split, forbidden and cut: a line each, nothing that did not happen."""
    dropped = {"allow-listed": 3, "too-broad": 1, "never": 2, "cut": 1_000, "split": 1, "another": 4, "refused": 0}
    candidate = Candidate(10_000, 8_999, 0, True, dropped=dropped, pieces=10)

    assert (
        "4 of 10,000 entries were dropped for safety (3 allow-listed, 1 too broad)",
        "1 network split around allow-listed addresses: 10 entries of what is left",
        "2 dropped that must never be listed (never)",
        "1,000 cut to keep within the budget; what ranks by score, recency, sources is kept",
        "4 kept off: another",
    ) == judge(candidate, History(8_999)).notes
    assert () == judge(listed(8), History(8)).notes


def test_what_holds_the_run_is_not_told_twice():
    """The reason has the drops already."""
    candidate = listed(1, dropped={"allow-listed": 9})

    verdict = judge(candidate, History(1))

    assert ["dropped"] == [reason.rule for reason in verdict.reasons]
    assert () == verdict.notes


spaces = st.builds(Space, st.integers(0, 2**32), st.integers(0, 2**128))
drops = st.dictionaries(st.sampled_from(["allow-listed", "too-broad", "never", "cut"]), st.integers(0, 50))
founds = st.builds(Found, st.integers(0, 9), st.lists(st.text(max_size=5), max_size=3).map(tuple))
shares = st.sampled_from(["", "0%", "1%", "50%", "100%", "off"])
multiples = st.sampled_from(["", "1", "2.5", "off"])
numbers = st.sampled_from(["", "0", "1", "100"])
typed_limits = st.fixed_dictionaries(
    {},
    optional={
        "loss": shares,
        "dropped": shares,
        "growth": multiples,
        "space": multiples,
        **{f"{key}-entries": numbers for key in ("loss", "dropped", "growth")},
        "space-ipv4": numbers,
        "space-ipv6": numbers,
        "empty": st.sampled_from(["hold", "publish"]),
    },
)


@st.composite
def candidates(draw):
    """Candidates whose counts may or may not add up."""
    dropped = draw(drops)
    entries = draw(st.integers(0, 200))
    return Candidate(
        selected=entries + sum(dropped.values()) + draw(st.integers(0, 1)),
        entries=entries,
        refused=draw(st.integers(0, 1)),
        is_complete=draw(st.booleans()),
        dropped=dropped,
        size_bytes=draw(st.integers(0, 10**6)),
        space=draw(spaces),
        lost=draw(st.integers(0, 100)),
        withdrawn=draw(st.integers(0, 5)),
        own_assets=draw(founds),
        missing=tuple(draw(st.lists(st.text(max_size=5), max_size=3))),
        faults=draw(founds),
    )


histories = st.none() | st.builds(History, st.integers(5, 2_000), spaces)


@given(st.integers(0, 10**9), spaces, typed_limits)
def test_a_list_like_the_current_one_is_never_held_for_its_size(entries, space, limits):
    """Whatever the limits of change are: where nothing changes, they say nothing."""
    assert () == judge(listed(entries, space=space), History(entries, space), parse(limits)).reasons


@given(candidates(), histories, typed_limits)
def test_what_speaks_against_a_run_besides_takes_no_reason_away(candidate, history, limits):
    """A reason more never makes another one go."""
    worse = replace(
        candidate,
        is_complete=False,
        own_assets=Found(1, ("192.0.2.1",)),
        faults=Found(1, ("line 1",)),
        missing=("192.0.2.2",),
    )
    found = set(rules(worse, history, **limits))

    assert set(rules(candidate, history, **limits)) <= found
    assert {"unfinished", "check", "own-assets", "require"} <= found


@given(candidates(), histories, typed_limits, st.sampled_from(["lost", "space", "dropped"]))
def test_more_of_the_same_is_never_better(candidate, history, limits, field):
    """More entries lost, more addresses covered and more dropped for safety bring no run out."""
    more = {
        "lost": candidate.lost + 1,
        "space": Space(candidate.space.ipv4 + 1, candidate.space.ipv6 + 1),
        "dropped": candidate.dropped | {"too-broad": candidate.dropped.get("too-broad", 0) + 1},
    }
    changes = {field: more[field]} | ({"selected": candidate.selected + 1} if field == "dropped" else {})

    assert set(rules(candidate, history, **limits)) <= set(rules(replace(candidate, **changes), history, **limits))


@given(candidates(), histories, typed_limits)
def test_a_verdict_goes_through_json_unchanged(candidate, history, limits):
    """A manifest keeps it."""
    verdict = judge(candidate, history, parse(limits))

    assert verdict == Verdict.from_object(json.loads(json.dumps(verdict.as_object())))


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"held": False, "reasons": []},
        {"held": False, "notes": []},
        {"held": True, "reasons": [], "notes": []},
        {"held": False, "reasons": [{"rule": "loss", "text": "", "can_be_released": True}], "notes": []},
        {"held": True, "reasons": [{"rule": "check", "text": ""}], "notes": []},
        {"held": True, "reasons": [{"rule": "check", "text": 1, "can_be_released": True}], "notes": []},
    ],
)
def test_what_is_no_verdict_is_refused(value):
    """A damaged manifest does not pass as one that lets everything out."""
    with pytest.raises(RefusedValue):
        Verdict.from_object(value)


def test_a_verdict_in_json_says_whether_it_holds():
    """For programs that read manifests."""
    held = judge(listed(0), History(1)).as_object()

    assert {
        "held": True,
        "reasons": [
            {"rule": "empty", "text": "the list would be empty; now it has 1 entry", "can_be_released": True}
        ],
        "notes": [],
    } == held


def test_a_rule_is_called_as_its_limit():
    """So that whoever reads a reason knows which limit to look at."""
    candidate = listed(
        1_000_000, lost=900, size_bytes=10**9, space=Space(2**32), dropped={"too-broad": 10**6}, missing=("x",)
    )
    limits = {"most": "1", "budget_entries": "1", "budget_bytes": "1"}
    found = {*rules(candidate, History(1_000), **limits), *rules(listed(0), History(1), least="1")}

    assert found - ALWAYS <= {limit.key for limit in LIMITS}
    assert {
        "loss",
        "growth",
        "space",
        "dropped",
        "require",
        "most",
        "budget-entries",
        "budget-bytes",
        "empty",
        "least",
    } == found


def test_what_was_withdrawn_is_told():
    """By us or by its sources: no limit holds it, and whoever looks on sees how much it is; of a loss it is told there."""
    told = judge(listed(3, withdrawn=97), History(100))

    assert not told.is_held
    assert ("97 of the 100 entries published leave, since they were withdrawn",) == told.notes
    held = judge(listed(3, withdrawn=20, lost=77), History(100))
    assert ("loss",) == tuple(reason.rule for reason in held.reasons)
    assert () == held.notes

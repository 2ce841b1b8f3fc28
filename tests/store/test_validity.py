"""When a claim counts: windows, lifetimes, withdrawal, renewal, grace, markings and ratings."""

import itertools
from datetime import UTC, datetime, timedelta, timezone

import pytest
from withdrawn_claims import reinstate, withdraw

from core.errors import NotFound, RefusedValue
from core.schemas.claim import TLP, Kind
from core.schemas.export import Selection
from core.schemas.instant import DAY, SECOND, from_datetime
from core.store import observables, open_store, plan
from core.store.lifetimes import Source, set_source, set_type_lifetime, sources, type_lifetimes
from core.store.tags import set_tag
from core.values.canonical import classify
from core.values.dates import instant
from tests.store.conftest import LIFETIME, NOW, claim

ONE = ["one.com"]


def test_a_window_is_half_open(take, values):
    """It counts from ``valid_from`` on, and no more at ``valid_until``."""
    take(claim("one.com", "c2", valid_from=NOW, valid_until=NOW + DAY), now=NOW - DAY)

    assert values(NOW - 1) == []
    assert values(NOW) == ONE
    assert values(NOW + DAY - 1) == ONE
    assert values(NOW + DAY) == []


def test_an_end_that_nobody_states(store, take, values):
    """Without an end the lifetime counts from receipt; where that is for ever, so is the claim."""
    take(claim("one.com", "c2"), claim("two.com", "keep"))
    set_tag(store, "keep", lifetime_s=-1, sticky=None)

    assert values(NOW + LIFETIME - 1) == ["one.com", "two.com"]
    assert values(NOW + LIFETIME) == ["two.com"]
    assert values(NOW + 100 * LIFETIME) == ["two.com"]


def test_a_lifetime_of_nothing(store, take, values):
    """A lifetime of 0 is over at once."""
    take(claim("one.com", "c2"), claim("two.com", "noise"))
    set_tag(store, "noise", lifetime_s=0, sticky=None)

    assert values(NOW) == ONE


def test_a_set_lifetime_bounds_a_stated_end(store, take, values):
    """The first of the two ends it; the default lifetime stands in only where no end is stated."""
    take(claim("one.com", "c2", valid_until=NOW + 2 * LIFETIME), claim("two.com", "short", valid_until=NOW + DAY))
    set_tag(store, "short", lifetime_s=3600, sticky=None)

    assert values(NOW + LIFETIME + 1) == ONE
    assert values(NOW + 3599 * SECOND) == ["one.com", "two.com"]
    assert values(NOW + 3600 * SECOND) == ONE

    set_tag(store, "short", lifetime_s=-1, sticky=None)
    assert values(NOW + DAY - 1) == ["one.com", "two.com"]
    assert values(NOW + DAY) == ONE


def test_tags_given_together_keep_their_own_lifetimes(store, take, values):
    """One call with several tags does not let one tag's lifetime leak to another, in either order."""
    take(claim("first.com", "short", "long"), now=NOW - DAY)
    set_tag(store, "short", lifetime_s=3600, sticky=None)
    take(claim("one.com", "short", "long"), claim("two.com", "long", "short"))

    later = NOW + 3600 * SECOND
    assert values(later, include=("short",)) == []
    assert values(later, include=("long",)) == ["first.com", "one.com", "two.com"]


def test_the_most_particular_lifetime_counts(store, take, values):
    """That of the tag, else of the source, else of the type, else the default."""
    set_type_lifetime(store, "hostname", 4)
    take(claim("type.com", "c2", source="any"), claim("source.com", "c2"), claim("tag.com", "quick"))
    take(claim("192.0.2.1", "c2", source="any", type="ipv4"))
    set_source(store, Source("feed", 3, from_last_seen=False, confidence=None))
    set_tag(store, "quick", lifetime_s=2, sticky=None)
    seen = [values(NOW + seconds * SECOND) for seconds in (1, 2, 3, 5)]

    assert seen == [
        ["source.com", "tag.com", "type.com", "192.0.2.1"],
        ["source.com", "type.com", "192.0.2.1"],
        ["type.com", "192.0.2.1"],
        ["192.0.2.1"],
    ]
    assert type_lifetimes(store) == {"hostname": 4}
    set_type_lifetime(store, "hostname", None)
    assert type_lifetimes(store) == {}
    assert values(NOW + 5 * SECOND) == ["type.com", "192.0.2.1"]


def test_what_comes_in_after_a_lifetime_was_set(store, take, values):
    """An import reckons with what is set for the type, also where claims of two types are alike."""
    set_type_lifetime(store, "ipv4", 4)
    take(claim("one.com", "c2"), claim("192.0.2.1", "c2", type="ipv4"))

    assert values(NOW + 4 * SECOND) == ONE
    with store.snapshot() as snapshot:
        batches = snapshot.rows(Selection(any_freshness=True), NOW + 4 * SECOND)
        rows = [row for batch in batches for row in batch]
    assert [(row.value, row.tags[0].fresh, row.tags[0].expires_at) for row in rows] == [
        ("one.com", True, NOW + LIFETIME),
        ("192.0.2.1", False, NOW + 4 * SECOND),
    ]


def test_what_came_in_before_a_lifetime_was_set(store, take, values):
    """A lifetime counts from when it is set, for what is known already."""
    take(claim("one.com", "c2"))
    set_type_lifetime(store, "hostname", 4)

    assert values(NOW + 4 * SECOND) == []


def test_a_stated_end_does_not_outlive_the_lifetime_of_the_tag(store, take, values):
    """What comes in after a lifetime was set is bounded by it, and says so."""
    take(claim("one.com", "short"))
    set_tag(store, "short", lifetime_s=4, sticky=None)
    take(claim("two.com", "short", valid_until=NOW + DAY))

    assert values(NOW + 4 * SECOND) == ["two.com"]
    assert values(NOW + 1 + 4 * SECOND) == []
    (row,) = observables.find(store, "two.com", NOW)
    assert row.tags[0].expires_at == NOW + 1 + 4 * SECOND


def test_a_source_may_count_from_its_own_dates(store, take, values):
    """Then an old sighting that is delivered today is as old as it says; without a date receipt counts."""
    take(claim("one.com", "c2", last_seen=NOW - LIFETIME), claim("two.com", "c2"))
    assert values() == ["one.com", "two.com"]

    set_source(store, Source("feed", None, from_last_seen=True, confidence=None))

    assert values() == ["two.com"]
    assert values(NOW - 1) == ["one.com", "two.com"]
    assert sources(store) == [Source("feed", None, True, None)]


def test_settings_of_what_is_not_there(store):
    """A source or type that does not exist is an error, with the types that do."""
    with pytest.raises(NotFound, match="no source 'nobody'"):
        set_source(store, Source("nobody", 1, False, None))
    with pytest.raises(NotFound, match="hostname"):
        set_type_lifetime(store, "host", 1)


def test_naive_dates_are_refused():
    """A date and time without a zone is no instant."""
    with pytest.raises(ValueError, match="zone"):
        from_datetime(datetime(2026, 1, 1))  # noqa: DTZ001


def test_offsets_of_one_instant(take, values):
    """The same instant in another zone, in summer or winter, is the same end."""
    berlin = timezone(timedelta(hours=2))
    end = datetime(2026, 7, 1, 2, 0, tzinfo=berlin)
    assert from_datetime(end) == instant("2026-07-01T00:00:00Z") == instant("2026-06-30T19:00:00-05:00")
    take(claim("one.com", "c2", valid_until=from_datetime(end)))

    assert values(from_datetime(datetime(2026, 7, 1, tzinfo=UTC)) - 1) == ONE
    assert values(from_datetime(datetime(2026, 7, 1, tzinfo=UTC))) == []


def test_one_of_two_sources_went_stale(take, values):
    """The claims of several sources are united: one that counts is enough."""
    take(
        claim("one.com", "c2", valid_until=NOW),
        claim("one.com", "c2", source="other", valid_until=NOW + DAY),
    )

    assert values(NOW) == ONE
    assert values(NOW, sources=("feed",)) == []
    assert values(NOW + DAY) == []


def test_an_end_bounds_its_own_source_only(take, values):
    """What one source says the end is does not shorten the window of another, whoever comes last."""
    for order in itertools.permutations(("short", "long")):
        name = f"{order[0]}.com"
        for number, source in enumerate(order):
            end = NOW + (DAY if source == "short" else 10 * DAY)
            take(claim(name, "c2", source=source, valid_until=end), now=NOW + number)

    assert values(NOW + 5 * DAY) == ["long.com", "short.com"]


def test_an_exclusion_that_lapsed(store, take, values):
    """A stale exclusion lapses unless its tag is sticky."""
    take(
        claim("one.com", "c2"),
        claim("one.com", "old", source="x", valid_until=NOW),
        claim("two.com", "c2"),
        claim("two.com", "benign", source="x", valid_until=NOW, kind=Kind.BENIGN),
    )

    assert values(NOW, exclude=("old", "benign")) == ONE
    assert values(NOW - 1, exclude=("old", "benign")) == []
    withdraw(store, "two.com", "a mistake", NOW, tags=["benign"])
    assert values(NOW, exclude=("old", "benign")) == ["one.com", "two.com"]


def test_withdrawn_is_not_expired(store, take, values):
    """What expired comes back when it is seen again; what was withdrawn does not."""
    take(claim("expired.com", "c2", valid_until=NOW), claim("withdrawn.com", "c2"))
    withdraw(store, "withdrawn.com", "harmless", NOW)
    assert values(NOW) == []

    take(claim("expired.com", "c2", valid_until=NOW + DAY), claim("withdrawn.com", "c2"), now=NOW + 1)

    assert values(NOW + 1) == ["expired.com"]
    reinstate(store, "withdrawn.com", NOW + 2)
    assert values(NOW + 2) == ["expired.com", "withdrawn.com"]


def test_renewal_goes_forward_only(store, take, values):
    """A report that comes late, or twice, moves no date back and shortens nothing."""
    take(claim("one.com", "c2", last_seen=NOW), now=NOW)
    take(claim("one.com", "c2", last_seen=NOW - 10 * DAY), now=NOW - 5 * DAY)

    (row,) = observables.find(store, "one.com", NOW)
    assert instant(row.tags[0].last_seen) == NOW
    assert values(NOW + LIFETIME - 1) == ONE


def test_a_clock_that_went_back(take, values):
    """What is received while the clock is behind is not received before what came first."""
    take(claim("one.com", "c2"), now=NOW)
    take(claim("one.com", "c2"), now=NOW - DAY)

    assert values(NOW - DAY) == ONE
    assert values(NOW + LIFETIME - 1) == ONE


def test_only_an_ignored_tag(take, values):
    """Ignored tags are gone before anybody asks whether there is a tag."""
    take(claim("one.com", "c2", "noise"), claim("two.com", "noise"))

    assert values(ignore=("noise",)) == ONE


def test_grace(store, take, values):
    """An entry stays for the grace after its end; withdrawn, it does not."""
    take(claim("one.com", "c2", valid_until=NOW), claim("two.com", "c2", valid_until=NOW))
    withdraw(store, "two.com", "harmless", NOW)

    assert values(NOW, grace_s=3600) == ONE
    assert values(NOW + 3600 * SECOND - 1, grace_s=3600) == ONE
    assert values(NOW + 3600 * SECOND, grace_s=3600) == []


def test_grace_is_not_for_exclusions(take, values):
    """An exclusion ends when it ends: grace keeps entries, not their absence."""
    take(claim("one.com", "c2"), claim("one.com", "parked", source="x", valid_until=NOW))

    assert values(NOW, exclude=("parked",), grace_s=3600) == ONE


@pytest.mark.parametrize(
    ("most_tlp", "expected"),
    [
        (TLP.CLEAR, "u0"),
        (TLP.GREEN, "u01"),
        (TLP.AMBER, "u012"),
        (TLP.AMBER_STRICT, "u0123"),
        (TLP.RED, "u01234"),
        (None, "u01234"),
    ],
)
def test_a_ceiling_of_markings(store, take, values, most_tlp, expected):
    """What is marked above it does not count, what is not marked does; what it costs is counted."""
    take(claim("u.com", "c2"), *[claim(f"{tlp:d}.com", "c2", tlp=tlp) for tlp in TLP])

    assert values(most_tlp=most_tlp) == sorted(f"{name}.com" for name in expected)
    with store.snapshot() as snapshot:
        assert snapshot.above(Selection(most_tlp=most_tlp), NOW) == 6 - len(expected)


def test_what_is_above_the_ceiling_is_not_shown(store, take):
    """A row that is taken for one claim tells nothing of another that may not be passed on."""
    take(
        claim("one.com", "c2", context={"note": "for all"}),
        claim("one.com", "operation-x", source="secret", tlp=TLP.RED, context={"note": "for few"}),
        claim("one.com", "green", source="mixed", tlp=TLP.GREEN, context={"note": "mixed"}),
        claim("one.com", "red", source="mixed", tlp=TLP.RED),
    )
    with store.snapshot() as snapshot:
        ((row,),) = snapshot.rows(Selection(most_tlp=TLP.AMBER), NOW)
        ((whole,),) = snapshot.rows(Selection(), NOW)
        ((feeds,),) = snapshot.rows(Selection(sources=("feed",)), NOW)

    assert {item.tag for item in row.tags} == {"c2", "green"}
    assert "for all" in row.context
    assert "for few" not in row.context
    assert "mixed" not in row.context, "a remark goes by the strictest claim of its source"
    assert {item.tag for item in whole.tags} == {"c2", "green", "operation-x", "red"}
    assert {item.source for item in feeds.tags} == {"feed"}


def test_an_exclusion_above_the_ceiling_still_excludes(take, values):
    """A marking says to whom a claim may be told, not whether it is true."""
    take(claim("one.com", "c2"), claim("one.com", "benign", source="x", tlp=TLP.RED, kind=Kind.BENIGN))

    assert values(most_tlp=TLP.CLEAR, exclude=("benign",)) == []


def test_a_floor_of_confidence(store, take, values):
    """What is held less sure, or by nobody rated, does not count; a source may be rated as a whole."""
    take(
        claim("low.com", "c2", confidence=20),
        claim("sure.com", "c2", confidence=50),
        claim("unrated.com", "c2", source="other"),
    )

    assert values(least_confidence=50) == ["sure.com"]
    assert values(least_confidence=0) == ["low.com", "sure.com"]
    set_source(store, Source("other", None, from_last_seen=False, confidence=70))
    assert values(least_confidence=50) == ["sure.com", "unrated.com"]


def test_what_has_no_date_at_all(url, store, take, values, monkeypatch):
    """Where no lifetime and no date tells an end, the policy decides, and how many that are is counted."""
    take(claim("dated.com", "c2", first_seen=NOW), claim("undated.com", "c2"))
    assert values(undated="drop") == ["dated.com", "undated.com"], "the default lifetime tells an end"

    monkeypatch.setattr(plan, "FEW", 1)  # as in a large store: what is sure is not looked at
    kept, dropped = Selection(), Selection(undated="drop")
    with open_store(url, lifetime_s=-1) as for_ever:
        observables.add(for_ever, [claim("late.com", "c2")], NOW + 2)
        with for_ever.snapshot() as snapshot:
            assert snapshot.count(kept, NOW + 2) == 3
            assert [row.value for batch in snapshot.rows(dropped, NOW + 2) for row in batch] == ["dated.com"]
            assert snapshot.undated(kept, NOW + 2) == snapshot.undated(dropped, NOW + 2) == 2


@pytest.mark.parametrize(
    ("type_", "one", "other"),
    [
        ("ipv6", "192.0.2.1", "::ffff:192.0.2.1"),
        ("hostname", "example.com", "EXAMPLE.com."),
        ("hostname", "xn--bcher-kva.example", "bücher.example"),
    ],
)
def test_twins_are_one_value(type_, one, other):
    """Another spelling of a value is that value, so that what is said of one holds for the other."""
    assert classify(type_, one) == classify(type_, other)


def test_one_value_of_two_types(store, take, values):
    """The same text as another type is another observable."""
    take(claim("one.com", "c2"), claim("one.com", "c2", type="generic"))
    withdraw(store, "one.com", "harmless", NOW, type="generic")

    assert values() == ONE


def test_an_end_before_the_beginning_is_refused(store):
    """A window that ends before it begins is no window."""
    with pytest.raises(RefusedValue, match="valid_until"):
        observables.add(store, [claim("one.com", "c2", valid_from=NOW, valid_until=NOW)], NOW)

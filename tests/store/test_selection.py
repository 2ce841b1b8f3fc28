"""Which observables an export takes: Yeti's cases, and what is added to them."""

import pytest
from withdrawn_claims import withdraw

from core.schemas.claim import Kind
from core.schemas.export import Selection
from core.schemas.instant import DAY, SECOND
from core.store import observable_edits, open_store, tags
from core.store.observable_edits import Entry
from tests.store.conftest import LIFETIME, NOW, claim


@pytest.fixture
def yeti(store, take):
    """Six observables: four tagged, two not."""
    take(
        claim("asd1.com", "c2", "legit"),
        claim("asd2.com", "c2"),
        claim("asd3.com", "c2", "exclude"),
        claim("asd4.com", "legit"),
    )
    observable_edits.take_in(store, [Entry("hostname", "asd5.com")], "feed", NOW)
    observable_edits.take_in(store, [Entry("ipv4", "127.0.0.1")], "feed", NOW)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({}, "1234"),
        ({"exclude": ("c2",)}, "4"),
        ({"include": ("c2",), "exclude": ("exclude",)}, "12"),
        ({"ignore": ("legit",)}, "123"),
        ({"include": ("legit",), "ignore": ("legit",)}, ""),
        ({"exclude": ("exclude",), "ignore": ("exclude",)}, "1234"),
        ({"include": ("c2", "legit")}, "1234"),
        ({"include": ("nobody",)}, ""),
        ({"exclude": ("nobody",)}, "1234"),
        ({"require": ("c2", "legit")}, "1"),
        ({"require": ("c2", "nobody")}, ""),
        ({"require": ("c2", "legit"), "ignore": ("legit",)}, ""),
        ({"include": ("C2",), "exclude": ("EXCLUDE ",)}, "12"),
        ({"types": ("ipv4",)}, ""),
        ({"types": ("hostname",)}, "1234"),
        ({"types": ("hostname",), "include": ("c2",)}, "123"),
    ],
)
def test_yeti_cases(yeti, values, selection, expected):
    """include is any of, exclude none of, ignored tags count for nothing, what has no tag is not taken."""
    assert [f"asd{number}.com" for number in expected] == values(**selection)


def test_untagged(yeti, values):
    """``untagged`` adds what has no tag at all; with ``include`` it can add nothing."""
    assert [*(f"asd{number}.com" for number in range(1, 6)), "127.0.0.1"] == values(untagged=True)
    assert ["asd1.com", "asd2.com", "asd3.com"] == values(untagged=True, include=("c2",))


def test_untagged_never_revives(store, take, values):
    """What was withdrawn, is benign or went stale has a tag, so that ``untagged`` does not bring it back."""
    take(
        claim("withdrawn.com", "c2"),
        claim("benign.com", "c2", kind=Kind.BENIGN),
        claim("stale.com", "c2", valid_until=NOW - 1),
        claim("ignored.com", "noise"),
        claim("ignored-withdrawn.com", "noise"),
    )
    withdraw(store, "withdrawn.com", "a mistake", NOW)
    withdraw(store, "ignored-withdrawn.com", "a mistake", NOW)

    assert ["ignored.com"] == values(untagged=True, ignore=("noise",))


def test_ignored_benign_is_not_untagged(take, values):
    """Who ignores a tag does not want what is known to be good under it as if nobody had said a word."""
    take(claim("good.com", "c2", kind=Kind.BENIGN), claim("bad.com", "c2"))

    assert ["bad.com"] == values(ignore=("c2",), untagged=True)


def test_sole_stale_tag(take, values):
    """An observable whose only tag is stale is not taken, unless any freshness will do."""
    take(claim("old.com", "c2"), now=NOW - LIFETIME)
    take(claim("new.com", "c2"), now=NOW - LIFETIME + SECOND)

    assert ["new.com"] == values(NOW)
    assert ["new.com"] == values(NOW, include=("c2",))
    assert ["new.com", "old.com"] == values(NOW, any_freshness=True)


def test_stale_exclusion_lapses(take, values):
    """A stale excluded tag does not exclude, as in Yeti; with any freshness it does."""
    take(claim("one.com", "c2", valid_until=NOW + DAY), claim("one.com", "parked", valid_until=NOW))

    assert ["one.com"] == values(NOW, exclude=("parked",))
    assert [] == values(NOW - 1, exclude=("parked",))
    assert [] == values(NOW, exclude=("parked",), any_freshness=True)


@pytest.mark.parametrize(
    "name", ["benign", "allowlist", "allow-listed", "whitelisted", "False Positive", "known-good", "scope:benign"]
)
def test_sticky_exclusion_holds(take, values, name):
    """An exclusion by a tag that says "not a threat" holds although the tag went stale."""
    take(claim("one.com", "c2", valid_until=NOW + DAY), claim("one.com", name, valid_until=NOW - DAY))

    assert [] == values(NOW, exclude=(name,))


def test_sticky_is_a_property_of_the_tag(store, take, values):
    """Any tag can be made sticky, and a sticky one not."""
    take(
        claim("one.com", "c2"),
        claim("one.com", "sinkhole", "benign", valid_until=NOW - DAY),
    )
    assert ["one.com"] == values(exclude=("sinkhole",))

    tags.set_tag(store, "Sinkhole", lifetime_s=None, sticky=True)
    tags.set_tag(store, "benign", lifetime_s=None, sticky=False)

    assert [] == values(exclude=("sinkhole",))
    assert ["one.com"] == values(exclude=("benign",))


def test_withdrawn_sticky_excludes_no_more(store, take, values):
    """A sticky exclusion ends when it is withdrawn."""
    take(claim("one.com", "c2"), claim("one.com", "benign"))
    assert [] == values(exclude=("benign",))

    withdraw(store, "one.com", "it is bad after all", NOW, tags=["benign"])

    assert ["one.com"] == values(exclude=("benign",))


def test_benign_claims(take, values):
    """What is only claimed to be benign is on no list that did not ask for that tag, and excludes everywhere."""
    take(
        claim("good.com", "cdn", kind=Kind.BENIGN),
        claim("both.com", "c2"),
        claim("both.com", "cdn", kind=Kind.BENIGN, source="vendor"),
    )

    assert ["both.com"] == values()
    assert ["both.com", "good.com"] == values(include=("cdn",))
    assert ["both.com", "good.com"] == values(require=("cdn",))
    assert [] == values(exclude=("cdn",))
    assert [] == values(exclude=("cdn",), sources=("feed",))


def test_info_claims(take, values):
    """What is only mentioned is on no list that did not ask for *info*; its tags exclude all the same."""
    take(
        claim("mentioned.com", "c2", kind=Kind.INFO),
        claim("bad.com", "c2"),
        claim("bad.com", "noise", kind=Kind.INFO),
        claim("maybe.com", "c2", kind=Kind.SUSPICIOUS),
    )

    assert ["bad.com", "maybe.com"] == values()
    assert ["bad.com", "maybe.com"] == values(include=("c2",))
    assert ["bad.com", "maybe.com", "mentioned.com"] == values(with_info=True)
    assert ["maybe.com"] == values(exclude=("noise",))
    assert [] == values(include=("noise",))


def test_sources(take, values):
    """Only what the named sources claim counts for being taken."""
    take(claim("one.com", "c2", source="a"), claim("two.com", "c2", source="b"), claim("one.com", "x", source="b"))

    assert ["one.com"] == values(sources=("a",))
    assert ["one.com", "two.com"] == values(sources=("a", "b"))
    assert [] == values(sources=("a",), include=("x",))
    assert [] == values(sources=("nobody",))


def test_age(take, values):
    """``max_age_s`` counts from the last receipt of what counts."""
    take(claim("one.com", "c2"), claim("two.com", "c2"), now=NOW)
    take(claim("two.com", "c2"), now=NOW + DAY)

    assert ["two.com"] == values(NOW + DAY, max_age_s=86_399)
    assert ["one.com", "two.com"] == values(NOW + DAY, max_age_s=86_400)


def test_seen(take, values):
    """Dates of the sources are compared as given; no date passes no filter; the earliest first seen decides."""
    take(
        claim("none.com", "c2"),
        claim("early.com", "c2", first_seen=NOW - 5, last_seen=NOW - 1),
        claim("late.com", "c2", first_seen=NOW - 1, last_seen=NOW),
        claim("both.com", "c2", first_seen=NOW - 1, last_seen=NOW),
        claim("both.com", "c2", source="other", first_seen=NOW - 9, last_seen=NOW - 9),
    )

    assert ["both.com", "late.com"] == values(last_seen_after=NOW)
    assert ["late.com"] == values(first_seen_after=NOW - 1)
    assert ["early.com", "late.com"] == values(first_seen_after=NOW - 5)


@pytest.mark.parametrize(("at", "expected"), [(-1, []), (0, ["one.com"]), (9, ["one.com"]), (10, [])])
def test_window_is_half_open(take, values, at, expected):
    """From valid_from on, up to but without valid_until."""
    take(claim("one.com", "c2", valid_from=NOW, valid_until=NOW + 10), now=NOW - DAY)

    assert expected == values(NOW + at)


def test_two_sources_one_stale(take, values):
    """One active assertion is enough; a source's end bounds only its own."""
    take(claim("one.com", "c2", source="a", valid_until=NOW - 1), claim("one.com", "c2", source="b"))

    assert ["one.com"] == values(NOW)
    assert ["one.com"] == values(NOW, include=("c2",))


def test_lifetime_of_a_tag(store, take, values):
    """A tag's own lifetime is its own: it neither shortens nor lengthens another's, and -1 is for ever."""
    take(claim("short.com", "tor"), claim("two.com", "tor", "c2"), claim("ever.com", "apt"))
    tags.set_tag(store, "tor", lifetime_s=60, sticky=None)
    tags.set_tag(store, "apt", lifetime_s=-1, sticky=None)

    assert ["ever.com", "short.com", "two.com"] == values(NOW + 59 * SECOND)
    assert ["ever.com", "two.com"] == values(NOW + 60 * SECOND)
    assert ["ever.com"] == values(NOW + LIFETIME)
    assert [] == values(NOW + 60 * SECOND, include=("tor",))


def test_a_new_spelling_of_a_tag_is_the_tag(store, take, values):
    """What was fixed for a tag holds for a spelling of its name that comes in later."""
    take(claim("one.com", "C2 server"), claim("good.com", "c2"), claim("good.com", "parked"))
    tags.set_tag(store, "c2 server", lifetime_s=60, sticky=None)
    tags.set_tag(store, "parked", lifetime_s=None, sticky=True)
    take(claim("two.com", "c2_SERVER"), claim("two.com", "Parked", valid_until=NOW), now=NOW)

    assert ["one.com", "two.com"] == values(NOW + 1, include=("c2 server",))
    assert ["one.com"] == values(NOW + 1, include=("c2 server",), exclude=("parked",))
    assert [] == values(NOW + 61 * SECOND, include=("c2 server",))


def test_lifetime_zero(store, take, values):
    """With a lifetime of nothing an assertion never counts, and says so as stale."""
    take(claim("one.com", "tor"))
    tags.set_tag(store, "tor", lifetime_s=0, sticky=None)
    report = take(claim("two.com", "tor"), now=NOW + 5)

    assert 1 == report.stale
    assert [] == values(NOW + 5)


@pytest.mark.parametrize("lifetime_s", [300_000_000_000, 10**13])
def test_a_lifetime_beyond_the_calendar(url, lifetime_s):
    """A lifetime that ends after the year 9999 is as good as for ever."""
    with open_store(url, lifetime_s=lifetime_s) as store:
        with store.import_session(NOW) as session:
            session.add([claim("one.com", "a")])
        with store.snapshot() as snapshot:
            (row,) = next(snapshot.rows(Selection(), NOW + LIFETIME))
            assert 1 == snapshot.count(Selection(exclude=("b",), sources=("feed",)), NOW + LIFETIME)

    assert row.tags[0].fresh
    assert row.tags[0].expires_at is None


def test_other_default_lifetime(url, store, take, values):
    """A changed default holds for what is stored already."""
    from core.schemas.export import Selection
    from core.store import open_store

    take(claim("one.com", "c2"))

    with open_store(url, lifetime_s=60) as shorter, shorter.snapshot() as snapshot:
        assert 1 == snapshot.count(Selection(), NOW + 60 * SECOND - 1)
        assert 0 == snapshot.count(Selection(), NOW + 60 * SECOND)
    with open_store(url, lifetime_s=-1) as endless, endless.snapshot() as snapshot:
        assert 1 == snapshot.count(Selection(), NOW + 100 * LIFETIME)


def test_future_exclusion(take, values):
    """An exclusion that begins later does not exclude yet."""
    take(claim("one.com", "c2"), claim("one.com", "benign", valid_from=NOW + 10))

    assert ["one.com"] == values(NOW, exclude=("benign",))
    assert [] == values(NOW + 10, exclude=("benign",))


def test_funnel_tells_where_they_went(store, take):
    """Each step of the funnel counts what is left."""
    from core.schemas.export import Selection

    take(
        claim("untaken.com", "other"),
        claim("excluded.com", "c2", "parked"),
        claim("stale.com", "c2", valid_until=NOW),
        claim("old.com", "c2", last_seen=NOW - DAY),
        claim("taken.com", "c2", last_seen=NOW),
        claim("mentioned.com", "c2", kind=Kind.INFO),
        claim("1.2.3.4", "c2", type="ipv4"),
    )
    selection = Selection(types=("hostname",), include=("c2",), exclude=("parked",), last_seen_after=NOW)
    with store.snapshot() as snapshot:
        funnel = snapshot.funnel(selection, NOW)

    expected = [
        ("of these types", 6),
        ("tagged", 5),
        ("included", 4),
        ("not excluded", 3),
        ("valid", 2),
        ("exported", 1),
    ]
    assert expected == funnel


def test_small_and_large_sets_agree(take, values):
    """A selection gives the same whether its rows are picked or scanned, its exclusions looked up or listed."""
    take(*(claim(f"h{number:03}.com", "all", *(["few"] if number % 50 == 0 else [])) for number in range(200)))
    few = [f"h{number:03}.com" for number in (0, 50, 100, 150)]
    every = [f"h{number:03}.com" for number in range(200)]

    assert few == values(include=("few",))
    assert every == values(include=("all",))
    assert [value for value in every if value not in few] == values(exclude=("few",))
    assert [] == values(exclude=("all",))
    assert [] == values(include=("few",), exclude=("all",))

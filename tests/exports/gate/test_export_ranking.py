"""What is cut where a list is more than its consumer can take."""

import random
from dataclasses import replace
from itertools import pairwise

import pytest
from export_samples import NOW, claim

from core.exports.gate.limits import RANKS
from core.exports.gate.ranking import cut_query
from core.exports.run import run_export
from core.schemas.claim import TLP, Kind
from core.schemas.export import Selection
from core.schemas.instant import DAY, EARLIEST, LATEST, SECOND
from core.store.conditions import build
from core.store.lifetimes import set_source, sources

EVERYTHING = Selection(any_freshness=True)


def name(value, source="feed", *tags, **fields):
    """Return a claim of one source on a name."""
    return claim(value, "hostname", *(tags or ("c2",)), source=source, **fields)


def kept(store, rank, keep, selection=EVERYTHING, *, by_selection=False, first=()):
    """Return the values that are not cut, in order."""
    with store.snapshot() as snapshot, snapshot.selected(selection, NOW) as table:
        counts = {"counts": build(selection, snapshot.known, NOW).included} if by_selection else {}
        query = cut_query(table, rank, keep, first=first, **counts)
        found = f"SELECT o.value FROM {table} t JOIN observable o ON o.id = t.id WHERE o.id NOT IN ({query})"
        return sorted(value for (value,) in snapshot.connection.execute(found))


def test_the_surest_are_kept(store, fill):
    """The highest confidence of all who claim it; none at all is less than 0, and a source may have one for all."""
    fill(
        name("a.example", confidence=10),
        name("b.example", confidence=20),
        name("b.example", "other", confidence=0),
        name("c.example", confidence=0),
        name("d.example"),
        name("e.example", "sure"),
    )
    (sure,) = [source for source in sources(store) if source.name == "sure"]
    set_source(store, replace(sure, confidence=90))

    ranked = [kept(store, ["score"], keep) for keep in range(6)]

    assert ["e.example", "b.example", "a.example", "c.example", "d.example"] == _order(ranked)


def test_the_latest_are_kept(store, fill):
    """The latest date of sight, of a source that gives none that of receipt; a second is a difference."""
    fill(
        name("a.example", last_seen=NOW - DAY),
        name("b.example", last_seen=NOW - DAY + SECOND),
        name("b.example", "other", last_seen=NOW - 9 * DAY),
        name("c.example", last_seen=EARLIEST),
        name("d.example", last_seen=LATEST),
        name("e.example"),
    )

    ranked = [kept(store, ["recency"], keep) for keep in range(6)]

    assert ["d.example", "e.example", "b.example", "a.example", "c.example"] == _order(ranked)


def test_what_most_sources_claim_is_kept(store, fill):
    """Sources are counted, not claims."""
    fill(
        name("a.example", "one", "c2", "botnet", "scanner"),
        name("b.example", "one"),
        name("b.example", "two"),
        name("c.example", "one"),
        name("c.example", "two"),
        name("c.example", "three"),
    )

    ranked = [kept(store, ["sources"], keep) for keep in range(4)]

    assert ["c.example", "b.example", "a.example"] == _order(ranked)


def _order(ranked):
    """Return the values in the order in which a growing budget takes them in; it never puts one out again."""
    assert [] == ranked[0]
    assert all(set(less) < set(more) for less, more in pairwise(ranked))
    return [value for less, more in pairwise(ranked) for value in set(more) - set(less)]


@pytest.mark.parametrize(
    ("rank", "first"),
    [
        (("score", "recency", "sources"), "score.example"),
        (("recency", "score"), "recency.example"),
        (("sources", "recency", "score"), "sources.example"),
    ],
)
def test_the_first_word_decides(store, fill, rank, first):
    """The next one only where that leaves a choice."""
    fill(
        name("score.example", confidence=99, last_seen=NOW - 9 * DAY),
        name("recency.example", confidence=5, last_seen=NOW),
        name("sources.example", "one", confidence=5, last_seen=NOW - DAY),
        name("sources.example", "two", confidence=5, last_seen=NOW - DAY),
    )

    assert [first] == kept(store, rank, 1)


def test_no_date_outweighs_what_decides_before_it(store, fill):
    """Between the first and the last date there can be, one more of a hundred still counts more."""
    fill(
        name("sure.example", confidence=51, last_seen=EARLIEST),
        name("late.example", confidence=50, last_seen=LATEST),
    )

    assert ["sure.example"] == kept(store, ["score", "recency", "sources"], 1)
    assert ["late.example"] == kept(store, ["recency", "score"], 1)


def test_what_ranks_alike_goes_by_type_and_value(store, fill):
    """The same store gives the same list, in whatever order it was filled."""
    for alike in (
        name("z.example"),
        claim("192.0.2.9", "ipv4", "c2"),
        claim("198.51.100.0/24", "cidr", "c2"),
        claim("192.0.2.10", "ipv4", "c2"),
    ):
        fill(alike)

    ranked = [kept(store, RANKS, keep) for keep in range(5)]

    assert ["198.51.100.0/24", "z.example", "192.0.2.10", "192.0.2.9"] == _order(ranked)


@pytest.mark.parametrize("keep", [2, 3, 1_000])
def test_what_fits_is_not_cut(store, fill, keep):
    """Nothing is cut of a list that is as long as the budget, or shorter."""
    fill(name("a.example"), name("b.example"))

    assert ["a.example", "b.example"] == kept(store, RANKS, keep)


def test_only_what_counts_is_looked_at(store, fill):
    """What is withdrawn, benign or mere context ranks nothing up; with a selection, only what it takes does."""
    fill(
        name("withdrawn.example"),
        name("withdrawn.example", "other", confidence=99),
        name("info.example"),
        name("info.example", "other", confidence=99, kind=Kind.INFO),
        name("red.example"),
        name("red.example", "other", confidence=99, tlp=TLP.RED),
        name("plain.example", confidence=1),
    )
    fill(name("withdrawn.example", "other", withdrawn=True), now=NOW + 1)
    clear = Selection(any_freshness=True, most_tlp=TLP.CLEAR)

    assert ["red.example"] == kept(store, ["score"], 1)
    assert ["plain.example"] == kept(store, ["score"], 1, clear, by_selection=True)
    assert ["plain.example", "red.example"] == kept(store, ["score"], 2)


@pytest.mark.parametrize("word", RANKS)
def test_what_nobody_claims_ranks_last(store, fill, word):
    """Untagged observables have nothing to rank by, not even a date long ago."""
    fill(name("a.example"), name("b.example", confidence=0, last_seen=-DAY))
    fill(name("a.example", withdrawn=True), now=NOW + 1)
    with store.snapshot() as snapshot:
        snapshot.connection.execute("CREATE TEMP TABLE every (id INTEGER PRIMARY KEY)")
        snapshot.connection.execute("INSERT INTO temp.every SELECT id FROM observable")
        query = cut_query("temp.every", [word], 1)
        cut = snapshot.connection.execute(f"SELECT value FROM observable WHERE id IN ({query})").fetchall()

    assert [("a.example",)] == cut


def test_many_are_ranked_as_a_sort_would(store, fill):
    """All three words in all orders, against Python's own sort, with many that rank alike."""
    random.seed(4)
    known = {}
    claims = []
    for n in range(120):
        value = f"{n}.example"
        sources = random.sample(["one", "two", "three"], random.randint(1, 3))
        facts = [(random.choice([None, 0, 50]), NOW - random.choice([0, 1, 2]) * DAY) for _ in sources]
        for source, (confidence, seen) in zip(sources, facts, strict=True):
            claims.append(name(value, source, confidence=confidence, last_seen=seen))
        known[value] = {
            "score": max(-1 if confidence is None else confidence for confidence, _ in facts),
            "recency": max(seen for _, seen in facts),
            "sources": len(sources),
        }
    fill(*claims)

    for rank in (RANKS, RANKS[::-1], RANKS[1:] + RANKS[:1], RANKS[:1], RANKS[1:2], RANKS[2:]):
        best = sorted(known, key=lambda value: (*(-known[value][word] for word in rank), value))
        for keep in (0, 1, 17, 60, 119, 120):
            assert sorted(best[:keep]) == kept(store, rank, keep), (rank, keep)


def test_a_run_keeps_within_its_budget(store, fill, define, settings, published):
    """The surest are on the list, the run says how many were cut, and that holds nothing."""
    fill(*(name(f"{n}.example", confidence=n) for n in range(1, 101)))
    define("x", format="list", limits={"budget-entries": "3"})

    result = run_export(store, "x", settings, now=NOW)

    assert ("completed", 3) == (result.status, result.entries)
    assert ["100.example", "98.example", "99.example"] == published("x.txt").decode().split()
    assert "97 cut to keep within the budget; what ranks by score, recency, sources is kept" in result.notes


def test_a_run_keeps_within_its_budget_of_bytes(store, fill, define, settings, published):
    """The file is no larger than its consumer takes, and holds nearly as much as fits."""
    fill(*(name(f"{n:03}.example", confidence=n % 100) for n in range(1_000)))
    define("x", format="list", limits={"budget-bytes": "1kB", "rank": "score"})

    result = run_export(store, "x", settings, now=NOW)

    assert "completed" == result.status
    assert 900 < len(published("x.txt")) <= 1_000
    assert {"99"} <= {value.partition(".")[0][-2:] for value in published("x.txt").decode().split()}


def test_what_is_required_is_never_cut(store, fill, define, settings, published):
    """It ranks last, and is kept before all others; the rest is the best of the rest."""
    fill(*(name(f"{n}.example", confidence=n) for n in range(1, 101)))
    define("x", format="list", limits={"budget-entries": "3", "require": "1.example 7.example"})

    result = run_export(store, "x", settings, now=NOW)

    assert "completed" == result.status
    assert {"1.example", "7.example", "100.example"} == set(published("x.txt").decode().split())


def test_what_is_required_is_never_cut_for_bytes(store, fill, define, settings, published):
    """Nor where the file is too large."""
    fill(*(name(f"{n:03}.example", confidence=n % 100) for n in range(1_000)))
    define("x", format="list", limits={"budget-bytes": "1kB", "require": "000.example 100.example"})

    result = run_export(store, "x", settings, now=NOW)

    assert "completed" == result.status
    assert {"000.example", "100.example"} <= set(published("x.txt").decode().split())
    assert 900 < len(published("x.txt")) <= 1_000


@pytest.mark.parametrize("budget", [{"budget-entries": "2"}, {"budget-bytes": "29"}])
def test_a_budget_too_small_for_what_is_required_holds(store, fill, define, settings, budget):
    """What is required alone is too much: the run is held by the budget, not because something is missing."""
    fill(*(name(f"{n}.example", confidence=n) for n in range(1, 101)))
    define("x", format="list", limits=budget | {"require": "1.example 2.example 3.example"})

    result = run_export(store, "x", settings, now=NOW)

    (rule,) = budget
    assert ("held", 3) == (result.status, result.entries)
    assert [f"the budget is {budget[rule]}"] == [reason.rpartition("; ")[2] for reason in result.reasons]


def test_the_network_that_holds_what_is_required_is_kept(store, fill, define, settings, published):
    """An address that is only on the list through a network requires that network, the narrowest there is."""
    fill(
        claim("198.51.100.0/24", "cidr", "c2", confidence=0),
        claim("198.51.0.0/16", "cidr", "c2", confidence=0),
        claim("192.0.2.1", "ipv4", "c2", confidence=99),
        claim("192.0.2.2", "ipv4", "c2", confidence=98),
    )
    define("x", format="list", limits={"budget-entries": "2", "require": "198.51.100.9", "allow": "documentation"})

    result = run_export(store, "x", settings, now=NOW)

    assert "completed" == result.status
    assert {"198.51.100.0/24", "192.0.2.1"} == set(published("x.txt").decode().split())


@pytest.mark.parametrize("rank", [RANKS, RANKS[1:2]])
def test_what_is_first_ranks_above_the_best(store, fill, rank):
    """Whatever decides, the first ones are kept before all others, in the same order among themselves."""
    fill(
        name("best.example", confidence=100, last_seen=LATEST),
        name("low.example", confidence=0, last_seen=EARLIEST),
        name("lower.example", last_seen=EARLIEST),
    )

    with store.snapshot() as snapshot:
        ids = dict(snapshot.connection.execute("SELECT value, id FROM observable"))
        first = {"first": [ids["low.example"]]}

    assert ["low.example"] == kept(store, rank, 1, **first)
    assert ["best.example", "low.example"] == kept(store, rank, 2, **first)

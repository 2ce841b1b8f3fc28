"""Selection against an oracle: the formula of ``Selection``, read row by row from the truth, in plain Python."""

import random
from collections import ChainMap
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from databases import ON_POSTGRESQL
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from withdrawn_claims import reinstate, withdraw

from core.schemas.claim import TLP, Claim, Kind
from core.schemas.export import Selection
from core.schemas.instant import SECOND, Instant
from core.store import Store, observable_edits, open_store, plan, rebuild
from core.store.clock import last_look
from core.store.lifetimes import Source, set_source, set_type_lifetime
from core.store.observable_edits import Entry
from core.store.snapshot import Column, Snapshot
from core.store.tags import set_tag
from tests.store.conftest import LIFETIME, NOW

DEFAULT_S = LIFETIME // SECOND
TAGS = ("c2", "C2", "old", "benign")
STICKY = {"benign"}
SOURCES = ("one", "two")
TYPES = ("hostname", "ipv4")
FURTHEST_S = 20
_NUMBERS = count()


class Fact(NamedTuple):
    """An assertion as the table holds it, with what its tag, source and type say."""

    type: str
    value: str
    source: str
    tag: str
    kind: int
    received_at: Instant
    valid_from: Instant | None
    valid_until: Instant | None
    withdrawn_at: Instant | None
    first_seen: Instant | None
    last_seen: Instant | None
    confidence: int | None
    tlp: int | None
    lifetime_s: int | None
    sticky: int | None
    source_lifetime_s: int | None
    from_last_seen: int | None
    source_confidence: int | None
    type_lifetime_s: int | None

    @property
    def own_s(self) -> int | None:
        """The most particular lifetime that was set."""
        every = (self.lifetime_s, self.source_lifetime_s, self.type_lifetime_s)
        return next((each for each in every if each is not None), None)

    @property
    def since(self) -> Instant:
        """From when it lives."""
        return self.last_seen if self.from_last_seen and self.last_seen is not None else self.received_at

    def ends(self, default_s: int) -> list[Instant]:
        """Every end that it has; none is for ever."""
        lifetime_s = self.own_s
        if lifetime_s is None and self.valid_until is None:
            lifetime_s = default_s
        stated = [] if self.valid_until is None else [self.valid_until]
        return stated if lifetime_s is None or lifetime_s < 0 else [*stated, self.since + lifetime_s * SECOND]

    def is_undated(self, default_s: int) -> bool:
        """Whether nothing tells an end of it."""
        dates = (self.valid_from, self.valid_until, self.first_seen, self.last_seen)
        return dates == (None, None, None, None) and (default_s if self.own_s is None else self.own_s) < 0


class Judge(NamedTuple):
    """What is asked for, and what is known beside the facts of one observable."""

    wanted: Selection
    at: Instant
    default_s: int
    good: set[str]
    """Tags under which a claim of benign keeps off what does not ask for such a tag."""

    def keys(self, names: tuple[str, ...]) -> set[str]:
        return {name.lower() for name in names}

    def has_begun(self, fact: Fact) -> bool:
        return fact.withdrawn_at is None and (fact.valid_from is None or fact.valid_from <= self.at)

    def is_fresh(self, fact: Fact, grace_s: int = 0) -> bool:
        return all(self.at - grace_s * SECOND < end for end in fact.ends(self.default_s))

    def kept(self, facts: list[Fact]) -> list[Fact]:
        """What is not ignored."""
        ignore = self.keys(self.wanted.ignore)
        return [fact for fact in facts if fact.tag.lower() not in ignore]

    def may_count(self, fact: Fact) -> bool:
        wanted = self.wanted
        confidence = fact.source_confidence if fact.confidence is None else fact.confidence
        return (
            (wanted.most_tlp is None or fact.tlp is None or fact.tlp <= wanted.most_tlp)
            and (wanted.least_confidence is None or (confidence or -1) >= wanted.least_confidence)
            and (wanted.undated == "keep" or not fact.is_undated(self.default_s))
        )

    def counting(self, facts: list[Fact], *, fresh: bool = True) -> list[Fact]:
        """What counts as a tag; *fresh* false lets count what has ended, too."""
        wanted = self.wanted
        named = self.keys(wanted.include) | self.keys(wanted.require)
        return [
            fact
            for fact in self.kept(facts)
            if (fact.kind >= Kind.SUSPICIOUS or (fact.kind == Kind.INFO and wanted.with_info))
            or (fact.kind == Kind.BENIGN and fact.tag.lower() in named)
            if not wanted.sources or fact.source in wanted.sources
            if self.may_count(fact)
            if self.has_begun(fact) and (not fresh or wanted.any_freshness or self.is_fresh(fact, wanted.grace_s))
        ]

    def lets_in(self, facts: list[Fact], *, fresh: bool = True) -> bool:
        """Whether it would be taken if nothing were excluded."""
        wanted = self.wanted
        tags = self.counting(facts, fresh=fresh)
        ignore = self.keys(wanted.ignore)
        has_no_tag = not any(
            fact.tag.lower() not in ignore or fact.withdrawn_at is not None or fact.kind == Kind.BENIGN
            for fact in facts
        )
        names = {fact.tag.lower() for fact in tags}
        if not (
            names & self.keys(wanted.include) if wanted.include else names or (wanted.untagged and has_no_tag)
        ):
            return False
        if not self.keys(wanted.require) <= names:
            return False
        seen = [fact.first_seen for fact in tags if fact.first_seen is not None]
        if wanted.first_seen_after is not None and not (seen and min(seen) >= wanted.first_seen_after):
            return False
        if wanted.last_seen_after is not None and not any(
            fact.last_seen is not None and fact.last_seen >= wanted.last_seen_after for fact in tags
        ):
            return False
        if wanted.max_age_s is None:
            return True
        return any(fact.received_at >= self.at - wanted.max_age_s * SECOND for fact in tags)

    def keeps_out(self, fact: Fact) -> bool:
        """Whether one assertion, which is not ignored, excludes its observable."""
        wanted = self.wanted
        exclude = self.keys(wanted.exclude) - self.keys(wanted.ignore)
        named = self.keys(wanted.include) | self.keys(wanted.require)
        is_sticky = fact.tag.lower() in STICKY if fact.sticky is None else bool(fact.sticky)
        is_held = wanted.any_freshness or is_sticky or self.is_fresh(fact)
        if fact.tag.lower() in exclude and self.has_begun(fact) and is_held:
            return True
        return (
            not named & self.good
            and fact.tag.lower() in self.good
            and fact.kind == Kind.BENIGN
            and self.has_begun(fact)
        )


def oracle(facts: list[Fact], wanted: Selection, at: Instant, default_s: int, good: set[str]) -> bool:
    """Say whether an observable with these assertions is taken; the rules of decisions 0014, 0070 and 0071, word by word."""
    judge = Judge(wanted, at, default_s, good)
    return judge.lets_in(facts) and not any(map(judge.keeps_out, judge.kept(facts)))


@pytest.fixture(scope="module")
def empty(databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database without a row, to copy."""
    path = tmp_path_factory.mktemp("oracle") / "empty.db"
    with open_store(databases.at(path)):
        return path


def after(seconds: int | None) -> Instant | None:
    return None if seconds is None else NOW + seconds * SECOND


moments = st.one_of(st.none(), st.none(), st.integers(-FURTHEST_S, FURTHEST_S).map(after))
some_tags = st.lists(st.sampled_from(TAGS), max_size=2, unique=True).map(tuple)
claims = st.builds(
    Claim,
    type=st.sampled_from(TYPES),
    value=st.sampled_from("abc"),
    source=st.sampled_from(SOURCES),
    tags=some_tags,
    kind=st.sampled_from([*Kind, Kind.MALICIOUS, Kind.MALICIOUS]),
    valid_from=moments,
    valid_until=moments,
    first_seen=moments,
    last_seen=moments,
    confidence=st.sampled_from([None, None, 20, 80]),
    tlp=st.sampled_from([None, None, None, *TLP]),
    withdrawn=st.sampled_from([False] * 7 + [True]),
)
imports = st.tuples(st.just("import"), st.lists(claims, min_size=2, max_size=6))
lifetimes = st.sampled_from([None, -1, 0, 3, 15])
steps = st.one_of(
    imports,
    imports,
    st.tuples(st.just("snapshot"), st.lists(claims, min_size=1, max_size=2)),
    st.tuples(st.just("tag"), st.sampled_from(TAGS), lifetimes, st.sampled_from([None, True, False])),
    st.tuples(st.just("tag"), st.sampled_from(TAGS), lifetimes, st.sampled_from([None, True, False])),
    st.tuples(
        st.just("source"), st.sampled_from(SOURCES), lifetimes, st.booleans(), st.sampled_from([None, 20, 80])
    ),
    st.tuples(st.just("type"), st.sampled_from(TYPES), lifetimes),
    st.tuples(st.just("withdraw"), st.sampled_from("abc"), st.sampled_from(["", *SOURCES])),
    st.tuples(st.just("reinstate"), st.sampled_from("abc")),
    st.tuples(st.just("untagged"), st.sampled_from("abcd")),
    st.tuples(st.just("default"), st.sampled_from([DEFAULT_S, 5, -1, 0])),
    st.tuples(st.just("rebuild"), st.integers(-FURTHEST_S, FURTHEST_S)),
)
stories = st.lists(st.tuples(st.integers(-4, 12), steps), min_size=3, max_size=8)
wishes = st.sampled_from(
    [
        *[{name: (tag,)} for name in ("include", "exclude", "exclude", "require", "ignore") for tag in TAGS],
        *[{"sources": (source,)} for source in (*SOURCES, "nobody")],
        {"types": ("ipv4",)},
        {"include": TAGS[1:3]},
        {"require": TAGS[1:3]},
        {"with_info": True},
        {"untagged": True},
        {"untagged": True},
        {"any_freshness": True},
        {"max_age_s": 4},
        {"first_seen_after": NOW},
        {"last_seen_after": NOW},
        {"most_tlp": TLP.AMBER},
        {"most_tlp": TLP.CLEAR},
        {"least_confidence": 50},
        {"grace_s": 3},
        {"undated": "drop"},
    ]
)
selections = st.lists(wishes, min_size=1, max_size=3).map(lambda several: Selection(**dict(ChainMap(*several))))
"""Few wishes at once: of many together hardly anything is left to tell right from wrong by."""


ALWAYS_ASKED = (
    Selection(),
    Selection(ignore=("c2",)),
    Selection(exclude=("benign", "old")),
    Selection(most_tlp=TLP.GREEN, grace_s=2),
)


def live(store: Store, story: list[tuple[int, tuple[Any, ...]]]) -> None:
    """Do to *store* what *story* says; the clock goes on, and sometimes back."""
    now = NOW
    for seconds, (verb, *given_) in story:
        now += seconds * SECOND
        if verb in ("import", "snapshot"):
            with store.import_session(now) as session:
                session.add(given_[0])
                if verb == "snapshot":
                    session.end_unlisted(given_[0][0].source)
            continue
        try:
            if verb == "tag":
                set_tag(store, given_[0], lifetime_s=given_[1], sticky=given_[2])
            elif verb == "source":
                set_source(store, Source(*given_))
            elif verb == "type":
                set_type_lifetime(store, *given_)
            elif verb == "withdraw":
                withdraw(store, given_[0], "wrong", now, source=given_[1])
            elif verb == "reinstate":
                reinstate(store, given_[0], now)
        except LookupError:  # nothing of that name yet
            continue
        if verb == "untagged":
            observable_edits.take_in(store, [Entry("hostname", given_[0])], "feed", now)
        elif verb == "default":
            store.lifetime_s = given_[0]
        elif verb == "rebuild":
            rebuild.rebuild(store, ids(store), now + given_[0] * SECOND)


def ids(store: Store) -> list[int]:
    """Return the row ids of all observables."""
    with closing(store.connect()) as connection:
        return [key for (key,) in connection.execute("SELECT id FROM observable").fetchall()]


def truth(store: Store) -> dict[tuple[str, str], list[Fact]]:
    """Return the assertions of each observable."""
    connection = store.connect()
    found: dict[tuple[str, str], list[Fact]] = {
        key: [] for key in connection.execute("SELECT type, value FROM observable")
    }
    for row in connection.execute(
        "SELECT o.type, o.value, s.name, t.name, a.kind, a.received_at, a.valid_from, a.valid_until,"
        " a.withdrawn_at, a.first_seen, a.last_seen, a.confidence, a.tlp, t.lifetime_s, t.sticky, x.lifetime_s,"
        " x.from_last_seen, x.confidence, y.lifetime_s FROM assertion a"
        " JOIN observable o ON o.id = a.observable_id JOIN source s ON s.id = a.source_id"
        " JOIN tag t ON t.id = a.tag_id LEFT JOIN source_setting x ON x.source_id = s.id"
        " LEFT JOIN type_lifetime y ON y.type = o.type"
    ):
        found[row[:2]].append(Fact(*row))
    connection.close()
    return found


def good_tags(store: Store) -> set[str]:
    """Return the tags under which a claim of benign keeps an observable off what does not ask for such a tag."""
    connection = store.connect()
    rows = connection.execute("SELECT name, sticky FROM tag").fetchall()
    connection.close()
    return {name.lower() for name, sticky in rows if (name.lower() in STICKY if sticky is None else sticky)}


def instants(facts: dict[tuple[str, str], list[Fact]], store: Store, chance: random.Random) -> Iterator[Instant]:
    """Give the instant of the last write, some at which something begins or ends and just beside, and the latest."""
    connection = store.connect()
    last, _ = last_look(connection)
    connection.close()
    yield last
    edges = {NOW, last + SECOND}
    for fact in (fact for each in facts.values() for fact in each):
        edges |= {fact.since, *fact.ends(store.lifetime_s)}
        edges |= {moment for moment in (fact.valid_from, fact.valid_until) if moment is not None}
    for edge in chance.sample(sorted(edges), min(2, len(edges))):
        yield edge + chance.choice((-1, 0, 0, 1))
    yield max(edges)


# On a server each question has its own way to go, and there are some thousand of them in an example.
@settings(
    max_examples=30 if ON_POSTGRESQL else 120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    story=stories,
    asked=st.lists(selections, min_size=3, max_size=3),
    few=st.sampled_from([1, 4, 1000]),
    chance=st.randoms(),
)
def test_selection_is_the_formula(empty, new_databases, monkeypatch, story, asked, few, chance):
    """Whatever happened to a store, at any instant, and however it is read: what is taken is what the formula takes."""
    monkeypatch.setattr(plan, "FEW", few)
    path = empty.with_name(f"{next(_NUMBERS)}.db")
    with open_store(new_databases.copy(empty, path)) as store:
        live(store, story)
        facts, good = truth(store), good_tags(store)
        assert [] == rebuild.verify(store)
        times = list(instants(facts, store, chance))
        with store.snapshot() as snapshot:
            for at in times:
                for wanted in (*ALWAYS_ASKED, *asked):
                    expected = sorted(
                        key
                        for key, each in facts.items()
                        if (not wanted.types or key[0] in wanted.types)
                        and oracle(each, wanted, at, store.lifetime_s, good)
                    )
                    assert expected == taken(snapshot, wanted, at)
    new_databases.drop(path)


def taken(snapshot: Snapshot, wanted: Selection, at: Instant) -> list[tuple[str, str]]:
    """Return what *wanted* takes, read as lines and as rows, counted and told step by step."""
    text = "".join(snapshot.lines(wanted, at, (Column.TYPE, " ", Column.VALUE, "\n")))
    found = [(type_, value) for type_, _, value in (line.partition(" ") for line in text.splitlines())]
    assert found == [(row.type, row.value) for batch in snapshot.rows(wanted, at) for row in batch]
    assert len(found) == snapshot.count(wanted, at)
    numbers = [number for _, number in snapshot.funnel(wanted, at)]
    assert len(found) == numbers[-1]
    assert numbers == sorted(numbers, reverse=True)
    return found

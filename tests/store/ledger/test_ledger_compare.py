"""What a comparison writes is what changed, each with its reason: against plain Python that reads the truth."""

import json
import random
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from databases import ON_POSTGRESQL
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from withdrawn_claims import withdraw

from core.errors import NotFound
from core.schemas.claim import CLEARED_BY, TLP, Kind
from core.schemas.export import ExportDefinition, Selection
from core.schemas.instant import DAY, SECOND, Instant
from core.store import Store, clearing, definitions, ledger, observable_edits, open_store, plan
from core.store.conditions import CLEARED
from core.store.ledger import comparing as ledger_comparing
from core.store.ledger.lines import decode
from core.store.ledger.texts import named
from core.store.observable_edits import Entry
from tests.store.conftest import NOW, claim
from tests.store.test_selection_oracle import Fact, Judge, good_tags, instants, live, selections, stories, truth

Key = tuple[str, str]
ALL = ("hostname", "ipv4")
EXPORTS = ("one", "two", "three")
"""Each asks for something else, of the same store."""


class Row(NamedTuple):
    """An open row of the ledger: listed for whom, or kept off by what."""

    by: frozenset[tuple[str, str]]
    kept: str = ""
    modified_at: Instant = 0


class Known(NamedTuple):
    """What a store holds, read from its tables."""

    facts: dict[Key, list[Fact]]
    ids: dict[Key, int]
    modified: dict[Key, Instant]
    good: set[str]
    default_s: int


def known_of(store: Store) -> Known:
    connection = store.connect()
    rows = connection.execute("SELECT type, value, id, modified_at FROM observable").fetchall()
    connection.close()
    ids = {row[:2]: row[2] for row in rows}
    return Known(
        truth(store), ids, {row[:2]: row[3] for row in rows}, good_tags(store) | {CLEARED}, store.lifetime_s
    )


def is_cleared(facts: list[Fact]) -> bool:
    return any(fact.source == CLEARED_BY and fact.withdrawn_at is None for fact in facts)


def is_withdrawn(facts: list[Fact], by: frozenset[tuple[str, str]], judge: Judge) -> bool:
    """Cleared; or of what let it in something was withdrawn, and nothing stands and has not ended."""
    if is_cleared(facts):
        return True
    let_in = [fact for fact in facts if (fact.tag, fact.source) in by] if by else facts
    if not any(fact.withdrawn_at is not None for fact in let_in):
        return False
    return not any(
        judge.has_begun(fact) and judge.is_fresh(fact) and (by or fact.kind >= Kind.SUSPICIOUS) for fact in let_in
    )


def expected_lines(
    known: Known, before: dict[Key, Row], wanted: Selection, at: Instant, kept: dict[Key, str]
) -> tuple[dict[Key, tuple[str, Any]], dict[Key, Row]]:
    """Return for each observable that changed the word and the reason, and the rows that are open then."""
    judge = Judge(wanted, at, known.default_s, known.good)
    include = judge.keys(wanted.include)
    lines: dict[Key, tuple[str, Any]] = {}
    after: dict[Key, Row] = {}
    for key, facts in known.facts.items():
        is_wanted = not wanted.types or key[0] in wanted.types
        out = [fact for fact in judge.kept(facts) if judge.keeps_out(fact)]
        is_taken = is_wanted and judge.lets_in(facts) and not out
        was, moment = before.get(key), known.modified[key]
        if is_taken and key in kept:
            after[key] = Row(frozenset(), kept[key], moment)
            if was is not None and not was.kept:
                lines[key] = ("removed", kept[key])
            elif was is None or was.kept != kept[key]:
                lines[key] = ("kept-off", kept[key])
        elif is_taken:
            counting = judge.counting(facts)
            by = frozenset(
                (fact.tag, fact.source) for fact in counting if not include or fact.tag.lower() in include
            )
            after[key] = Row(by, modified_at=moment)
            if was is None or was.kept:
                lines[key] = ("added", by)
            elif was.modified_at != moment:
                lines[key] = ("changed", by)
            else:
                after[key] = was
        elif was is not None:
            if is_withdrawn(facts, was.by, judge):
                why: Any = "withdrawn"
            elif out:
                why = {(fact.tag, fact.source) for fact in out}
            else:
                why = "expired" if is_wanted and judge.lets_in(facts, fresh=False) else "filtered"
            lines[key] = ("freed" if was.kept else "removed", why)
    return lines, after


@pytest.fixture(scope="module")
def empty(databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database with nothing but exports, to copy."""
    path = tmp_path_factory.mktemp("compare") / "empty.db"
    with open_store(databases.at(path)) as store:
        for name in EXPORTS:
            definitions.add_export(store, ExportDefinition(name, f"{name}.txt", format="list"))
    return path


def compared(store, export, known, wanted, at, kept, number):
    """Compare and apply, as a run does; return the lines and the counts."""
    text: list[str] = []
    with store.snapshot() as snapshot:
        off = {key: reason for key, reason in kept.items() if reason != "refused" and key in known.ids}
        snapshot.keep_off((known.ids[key], json.dumps({"reason": reason})) for key, reason in off.items())
        found = ledger.compare(
            snapshot,
            export,
            wanted,
            at,
            lambda part, lines: text.append(part) or lines == part.count("\n") or pytest.fail("miscounted"),
            refused=[
                (*key, "too long") for key, reason in kept.items() if reason == "refused" and key in known.ids
            ],
        )
    lines = "".join(text).split("\n")[:-1]
    connection = store.connect()
    if not ON_POSTGRESQL:
        connection.execute("PRAGMA synchronous = OFF")
    with store.database.writing(connection):
        ledger.apply(connection, export, number, lines)
    connection.close()
    return [json.loads(line) for line in lines], found


cleared_values = st.sets(st.sampled_from("abc"), max_size=1)
kept_off = st.dictionaries(
    st.tuples(st.sampled_from(ALL), st.sampled_from("abc")),
    st.sampled_from(("allow-listed", "cut", "refused")),
    max_size=2,
)
asked = st.lists(selections, min_size=len(EXPORTS), max_size=len(EXPORTS))
rounds = st.lists(st.tuples(stories, cleared_values, asked, kept_off), min_size=2, max_size=3)


@settings(
    max_examples=20 if ON_POSTGRESQL else 80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rounds=rounds, few=st.sampled_from([1, 4, 1000]), chance=st.randoms())
def test_a_comparison_is_what_plain_python_finds(empty, new_databases, monkeypatch, rounds, few, chance):
    """Whatever happens between runs, and whatever is asked for: each change is told once, in order, and why."""
    monkeypatch.setattr(plan, "FEW", few)
    monkeypatch.setattr(ledger_comparing, "FEW", few)
    path = empty.with_name(f"{random.randrange(1 << 60)}.db")
    before: dict[str, dict[Key, Row]] = {name: {} for name in EXPORTS}
    with open_store(new_databases.copy(empty, path)) as store:
        for number, (story, cleared, several, kept) in enumerate(rounds, 1):
            live(store, story)
            at = chance.choice(list(instants(truth(store), store, chance)))
            for value in cleared:
                clearing.clear(store, "ipv4", value, "ours", at)
            known = known_of(store)
            for export, (name, wanted) in enumerate(zip(EXPORTS, several, strict=True), 1):
                lines, found = compared(store, export, known, wanted, at, kept, number)

                expected, after = expected_lines(known, before[name], wanted, at, kept)
                assert {key: word for key, (word, _) in expected.items()} == {
                    (line["type"], line["value"]): line["change"] for line in lines
                }
                assert sorted(expected) == [(line["type"], line["value"]) for line in lines]
                check_reasons(store, known, expected, lines)
                check_counts(found, expected, after)
                check_withdrawn(
                    store, name, export, number, Judge(wanted, at, known.default_s, known.good), known, after
                )
                before[name] = after
    new_databases.drop(path)


def check_reasons(store, known, expected, lines):
    connection = store.connect()
    names = named(connection)
    connection.close()
    for line in lines:
        word, why = expected[line["type"], line["value"]]
        told = names.why(json.dumps(line["why"]))
        assert known.ids[line["type"], line["value"]] == line["id"]
        is_open = word in ("added", "changed", "kept-off") or told.reason in ("allow-listed", "cut", "refused")
        assert is_open == ("modified_at" in line)
        if word in ("added", "changed"):
            assert why == frozenset(told.by)
        elif isinstance(why, set):
            assert ("excluded", True) == (told.reason, (told.told["tag"], told.told["source"]) in why)
        else:
            assert why == told.reason


def check_counts(found, expected, after):
    words = [word for word, _ in expected.values()]
    assert [words.count(word) for word in ("added", "changed", "freed")] == [
        found.added,
        found.changed,
        found.freed,
    ]
    assert words.count("removed") == found.removed.total()
    assert words.count("kept-off") == found.kept_off.total()
    assert sum(not row.kept for row in after.values()) == found.listed
    gone = [why for word, why in expected.values() if word == "removed"]
    assert gone.count("withdrawn") == found.withdrawn
    assert len(gone) - gone.count("withdrawn") == found.lost
    for reason in ("allow-listed", "cut", "refused", "expired", "filtered"):
        assert gone.count(reason) == found.removed[reason]


def check_withdrawn(store, name, export, number, judge, known, rows):
    """What is listed is that, and what of it is withdrawn, though something else lets it in."""
    listed = {key: row.by for key, row in rows.items() if not row.kept}
    withdrawn = {known.ids[key] for key, by in listed.items() if is_withdrawn(known.facts[key], by, judge)}
    with store.snapshot() as snapshot:
        assert {known.ids[key] for key in listed} == set(ledger.listed_ids(snapshot, name, number))
        assert withdrawn == set(ledger.withdrawn_since(snapshot, export, number, instant=judge.at))
        # It was just compared: whatever is listed is taken all the same.
        assert [] == ledger.withdrawn_since(snapshot, export, number, instant=judge.at, unless=(judge.wanted,))


class Runs:
    """Runs of one export."""

    def __init__(self, store):
        self.store, self.number = store, 0
        definitions.add_export(store, ExportDefinition("some", "some.txt", format="list"))

    def __call__(self, now=NOW, kept=(), pieces=(), refused=(), **selection):
        """Compare and apply; return the lines without what every line has."""
        self.number += 1
        text = []
        with self.store.snapshot() as snapshot:
            snapshot.keep_off((self.id(value), json.dumps(why)) for value, why in kept)
            snapshot.add_pieces((self.id(network), *piece) for network, *piece in pieces)
            wanted = Selection(**({"types": ("cidr", *ALL)} | selection))
            self.found = ledger.compare(
                snapshot, 1, wanted, now, lambda part, _: text.append(part), refused=refused
            )
        lines = "".join(text).split("\n")[:-1]
        connection = self.store.connect()
        with self.store.database.writing(connection):
            ledger.apply(connection, 1, self.number, lines)
        names = named(connection)
        connection.close()
        found = []
        for line in map(json.loads, lines):
            why = names.why(json.dumps(line["why"]))
            found.append((line["change"], line["value"], why.by or (why.reason, *why.told.values())))
        return found

    def id(self, value):
        connection = self.store.connect()
        (key,) = connection.execute("SELECT id FROM observable WHERE value = ?", (value,)).fetchone()
        connection.close()
        return key

    def withdrawn(self, number=None, now=NOW, **more):
        with self.store.snapshot() as snapshot:
            return ledger.withdrawn_since(snapshot, 1, number or self.number, instant=now, **more)


@pytest.fixture
def run(store):
    return Runs(store)


def test_what_is_listed_says_by_whom(store, take, run):
    """Only what counts let it in: by the tags that are included, of the sources that are asked, and not stale."""
    take(claim("a.com", "old", source="x"), now=NOW - 200 * DAY)
    take(claim("a.com", "c2", "bot", source="x"), claim("a.com", "c2", source="y", confidence=90))

    assert [("added", "a.com", (("c2", "x"), ("c2", "y")))] == run(include=("c2",))
    take(claim("a.com", "new", source="z"), now=NOW + 1)
    assert [("changed", "a.com", (("c2", "y"),))] == run(NOW + 2, include=("c2",), least_confidence=80)
    assert [] == run(NOW + 3, include=("c2",))
    assert 1 == run.found.unchanged


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        ("nothing", []),
        ("expire", [("removed", "a.com", ("expired",))]),
        ("withdraw", [("removed", "a.com", ("withdrawn",))]),
        ("clear", [("removed", "a.com", ("withdrawn",))]),
        ("exclude", [("removed", "a.com", ("excluded", "old", "other"))]),
        ("filter", [("removed", "a.com", ("filtered",))]),
        ("keep off", [("removed", "a.com", ("allow-listed", "own", "a.com"))]),
        ("refuse", [("removed", "a.com", ("refused", "too long"))]),
    ],
)
def test_each_reason(store, take, run, verb, expected):
    """An entry leaves for the one reason that there is."""
    take(claim("a.com", "c2"), claim("b.com", "c2"))
    run(NOW)
    now, more = NOW + 1, {}
    if verb == "expire":
        take(claim("b.com", "c2"), now=NOW + 60 * DAY)
        now = NOW + 100 * DAY
    elif verb == "withdraw":
        withdraw(store, "a.com", "wrong", now)
    elif verb == "clear":
        clearing.clear(store, "hostname", "a.com", "wrong", now)
    elif verb == "exclude":
        take(claim("a.com", "old", source="other"), now=now)
        more = {"exclude": ("old",)}
    elif verb == "filter":
        take(claim("b.com", "more"), now=now)
        more = {"include": ("more",)}
    elif verb == "keep off":
        more = {"kept": [("a.com", {"reason": "allow-listed", "list": "own", "entry": "a.com"})]}
    elif verb == "refuse":
        more = {"refused": [("hostname", "a.com", "too long")]}

    assert expected == [line for line in run(now, **more) if line[1] == "a.com"]
    assert (verb in ("withdraw", "clear")) == run.found.withdrawn
    assert len(expected) == run.found.withdrawn + run.found.lost


def test_the_first_reason_counts(store, take, run):
    """What is kept off is that, withdrawn or not; what was withdrawn and would have ended by now was withdrawn."""
    take(claim("a.com", "c2"), claim("b.com", "c2"), claim("c.com", "c2"))
    run(NOW)
    for value in ("b.com", "c.com"):
        withdraw(store, value, "wrong", NOW + 1)
    take(claim("c.com", "old", source="other"), now=NOW + 1)

    found = run(NOW + 100 * DAY, kept=[("a.com", {"reason": "never"})], exclude=("old",))

    assert [
        ("removed", "a.com", ("expired",)),
        ("removed", "b.com", ("withdrawn",)),
        ("removed", "c.com", ("withdrawn",)),
    ] == found


def test_half_withdrawn_is_not_withdrawn(store, take, run):
    """While one assertion that let it in stands, it stays; when that only ends, it was the withdrawal that decided."""
    take(claim("a.com", "c2", source="x"), claim("a.com", "c2", source="y", valid_until=NOW + 5 * SECOND))
    run(NOW)
    withdraw(store, "a.com", "wrong", NOW + 1, source="x")

    assert ["changed"] == [change for change, *_ in run(NOW + 2)]
    assert [] == run.withdrawn(1, NOW + 2)
    assert run.withdrawn(1, NOW + 6 * SECOND) == [run.id("a.com")]
    assert [] == run.withdrawn(2, NOW + 6 * SECOND)  # by then only y had let it in
    assert [("removed", "a.com", ("expired",))] == run(NOW + 6 * SECOND)


def test_another_source_vouches(store, take, run):
    """What was withdrawn and is taken all the same, by an assertion that came later, is not asked to leave."""
    take(claim("a.com", "c2", source="x"))
    run(NOW)
    withdraw(store, "a.com", "wrong", NOW + 1)
    take(claim("a.com", "c2", source="y"), now=NOW + 2)
    every = Selection(types=ALL)

    assert [run.id("a.com")] == run.withdrawn(1, NOW + 3)
    assert [] == run.withdrawn(1, NOW + 3, unless=(every,))
    assert [run.id("a.com")] == run.withdrawn(1, NOW + 3, unless=(Selection(types=ALL, sources=("x",)),))


def test_withdrawn_among_lines(store, take, run):
    """Of lines that list something: what let it in, and nothing else, was withdrawn, whatever else is said of it."""
    take(claim("a.com", "c2", source="x"), claim("b.com", "c2", source="x"), claim("c.com", "c2", source="z"))
    take(claim("b.com", "other", source="y"), claim("d.com", "c2", source="x"))
    run(NOW, include=("c2",))
    for value in ("a.com", "b.com", "c.com"):
        withdraw(store, value, "wrong", NOW + 1, tags=["c2"])
    take(claim("a.com", "c2", source="z"), now=NOW + 2)
    with store.snapshot() as snapshot:
        lines = [decode(line) for line in ledger.changes_between(snapshot.connection, 1, 0, 1)]
        listed = [(line.id, bytes(line.why)) for line in lines]
        found = ledger.withdrawn_among(snapshot, listed, instant=NOW + 3)
        wanted = Selection(types=ALL, include=("c2",))
        less = ledger.withdrawn_among(snapshot, listed, instant=NOW + 3, unless=(wanted,))

    assert sorted(map(run.id, ("a.com", "b.com", "c.com"))) == found
    assert sorted(map(run.id, ("b.com", "c.com"))) == less


def test_only_what_was_withdrawn_since(store, take, run):
    """Of what is listed though it was withdrawn before, only what was withdrawn later is told."""
    take(*(claim(f"{name}.com", "c2") for name in "abc"))
    run(NOW)
    withdraw(store, "a.com", "wrong", NOW + 1)
    clearing.clear(store, "hostname", "c.com", "wrong", NOW + 1)
    clearing.clear(store, "hostname", "b.com", "wrong", NOW + 5)

    assert [run.id(f"{name}.com") for name in "abc"] == run.withdrawn(1, NOW + 9)
    assert [run.id("b.com")] == run.withdrawn(1, NOW + 9, after=NOW + 3)


def test_one_comes_as_another_goes(store, take, run):
    """The number of entries is the same, and they are not; of many, only those two are told."""
    take(*(claim(f"{name}.com", "c2") for name in "abc"))
    run(NOW)
    withdraw(store, "b.com", "wrong", NOW + 1)
    take(claim("d.com", "c2"), now=NOW + 2)

    assert [("removed", "b.com", ("withdrawn",)), ("added", "d.com", (("c2", "feed"),))] == run(NOW + 3)
    assert (1, 2) == (run.found.added, run.found.unchanged)


def test_the_type_is_the_definition_s(store, take, run):
    """What is of a type that is not asked for any more was filtered, though its assertions have ended, too."""
    take(claim("a.com", "c2"))
    run(NOW)

    assert [("removed", "a.com", ("filtered",))] == run(NOW + 100 * DAY, types=("ipv4",))


def test_what_let_another_in_does_not_count(store, take, run):
    """Each entry by its own: what was withdrawn of it before it was listed is not why it leaves."""
    take(claim("a.com", "c2", source="x", valid_until=NOW + DAY), claim("a.com", "c2", source="y"))
    withdraw(store, "a.com", "wrong", NOW + 1, source="y")
    take(claim("b.com", "c2", source="y"), now=NOW + 2)
    run(NOW + 3)
    withdraw(store, "b.com", "wrong", NOW + 4)

    assert [("removed", "a.com", ("expired",)), ("removed", "b.com", ("withdrawn",))] == run(NOW + DAY)


def test_what_nobody_claimed_anything_of(store, run):
    """An untagged value leaves as withdrawn when it was cleared: by that alone."""
    observable_edits.take_in(store, [Entry("hostname", "a.com")], "feed", NOW)
    assert [("added", "a.com", ("listed",))] == run(NOW, untagged=True)
    clearing.clear(store, "hostname", "a.com", "ours", NOW + 1)

    assert [run.id("a.com")] == run.withdrawn(now=NOW + 2)
    assert [("removed", "a.com", ("withdrawn",))] == run(NOW + 2, untagged=True)


def test_of_what_was_kept_off_whatever_accuses_it_counts(store, take, run):
    """Who let it in is not known: it was withdrawn if nothing is left that speaks against it; mere context does not."""
    take(claim("a.com", "c2"), claim("a.com", "seen", source="y", kind=Kind.INFO), claim("b.com", "c2"))
    take(claim("b.com", "other", source="y"))
    never = {"reason": "never"}
    run(NOW, kept=[("a.com", never), ("b.com", never)], include=("c2",))
    for value in ("a.com", "b.com"):
        withdraw(store, value, "wrong", NOW + 1, tags=["c2"])

    assert [("freed", "a.com", ("withdrawn",)), ("freed", "b.com", ("filtered",))] == run(NOW + 2, include=("c2",))


@pytest.mark.parametrize("few", [1, 1000], ids=["few changes", "many changes"])
def test_changes_are_in_order_however_many(store, take, run, monkeypatch, few):
    """By type, then by value, though they came the other way round."""
    monkeypatch.setattr(ledger_comparing, "FEW", few)
    for name in ("c.com", "b.com", "192.0.2.1", "a.com"):
        take(claim(name, "c2", type="ipv4" if name[0] == "1" else "hostname"))

    assert ["a.com", "b.com", "c.com", "192.0.2.1"] == [value for _, value, _ in run()]


def test_kept_off_comes_and_goes(store, take, run):
    """It is told when something is kept off, when the reason is another, and when it is not even selected."""
    take(claim("a.com", "c2"), claim("b.com", "c2"))
    never, cut = {"reason": "never"}, {"reason": "cut"}

    assert [("kept-off", "a.com", ("never",)), ("added", "b.com", (("c2", "feed"),))] == run(
        kept=[("a.com", never)]
    )
    assert [] == run(kept=[("a.com", never)])
    assert [("kept-off", "a.com", ("cut",))] == run(kept=[("a.com", cut)])
    assert {"cut": 1} == run.found.kept_off
    assert [("added", "a.com", (("c2", "feed"),))] == run()
    assert [("removed", "a.com", ("never",))] == run(kept=[("a.com", never)])
    withdraw(store, "a.com", "wrong", NOW + 1)
    assert [("freed", "a.com", ("withdrawn",))] == run(NOW + 2, kept=[("a.com", never)])
    assert (1, 0) == (run.found.freed, run.found.removed.total())


def test_pieces_of_a_network(store, take, run):
    """A network that is split is kept off, and its pieces are entries: they come, stay and go with a reason."""
    take(claim("192.0.2.0/24", "net", type="cidr"), claim("192.0.2.200", "c2", type="ipv4"))
    split = {"kept": [("192.0.2.0/24", {"reason": "split", "entry": "192.0.2.1"})]}
    low, high = (("192.0.2.0/24", "ipv4", "192.0.2.0"), ("192.0.2.0/24", "cidr", "192.0.2.128/25"))

    run()
    assert [
        ("removed", "192.0.2.0/24", ("split", "192.0.2.1")),
        ("added", "192.0.2.128/25", (("net", "feed"),)),
        ("added", "192.0.2.0", (("net", "feed"),)),
    ] == run(**split, pieces=[low, high])
    assert (3, 1) == (run.found.listed, run.found.lost)
    assert [("removed", "192.0.2.0", ("split", "192.0.2.1"))] == run(**split, pieces=[high])
    assert [] == run(**split, pieces=[high, low], refused=[("ipv4", "192.0.2.0", "no addresses")])
    assert [] == run.withdrawn()
    withdraw(store, "192.0.2.0/24", "wrong", NOW + 1)
    assert [run.id("192.0.2.0/24")] == run.withdrawn(now=NOW + 2)
    assert [
        ("freed", "192.0.2.0/24", ("withdrawn",)),
        ("removed", "192.0.2.128/25", ("withdrawn",)),
    ] == run(NOW + 2)
    assert (1, 0) == (run.found.withdrawn, run.found.lost)


def test_removal_of_what_is_listed_in_pieces(store, take, run):
    """The lines that take a split network out remove its pieces; it was not listed itself."""
    take(claim("192.0.2.0/24", "net", type="cidr"), claim("192.0.2.200", "c2", type="ipv4"))
    split = {"kept": [("192.0.2.0/24", {"reason": "split", "entry": "192.0.2.1"})]}
    run(**split, pieces=[("192.0.2.0/24", "cidr", "192.0.2.128/25")])

    with store.snapshot() as snapshot:
        both = [run.id("192.0.2.0/24"), run.id("192.0.2.200")]
        key = ledger.export_key(snapshot.connection, "some")
        found = ledger.changes_between(snapshot.connection, key, 1, 1, both)
        lines = [json.loads(line) for line in found]

    assert [
        ("freed", "192.0.2.0/24"),
        ("removed", "192.0.2.128/25"),
        ("removed", "192.0.2.200"),
    ] == [(line["change"], line["value"]) for line in lines]


def test_an_export_that_nobody_knows(store, take):
    """It is compared with nothing before it is kept; its name is not found."""
    take(claim("a.com", "c2"))
    with store.snapshot() as snapshot:
        found = ledger.compare(snapshot, 0, Selection(types=ALL), NOW, lambda *_: None)
        with pytest.raises(NotFound):
            ledger.export_key(snapshot.connection, "none")

    assert (1, 0) == (found.added, found.unchanged)


def test_values_of_any_kind_are_told(store, take, run):
    """Quotes, line ends and control characters of a value or a tag stay inside their line."""
    take(claim('it\'s "x"\\\x01\n\u2028', 'a "tag"\n', source="so'urce", type="hostname", tlp=TLP.CLEAR))

    assert [("added", 'it\'s "x"\\\x01\n\u2028', (('a "tag"\n', "so'urce"),))] == run()

"""The ledger gives back what every version listed, whatever happened between, and how any two differ."""

import json
from contextlib import closing
from itertools import cycle
from typing import Any

import pytest
from databases import ON_POSTGRESQL
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.schemas.export import ExportDefinition
from core.store import definitions, ledger, open_store
from core.store.ledger import texts as ledger_texts
from core.store.ledger import writing as ledger_writing
from core.store.ledger.lines import encode, line_of
from core.store.ledger.texts import named
from tests.store.conftest import NOW, claim

IDS = range(1, 7)
NETWORK = 6
REASONS = ("allow-listed", "cut")
_TURN = cycle(("one", "two"))

Listed = dict[int, tuple[str, int]]
"""Row id to ``listed`` or the reason it is kept off for, and when it was modified."""


@pytest.fixture(scope="module")
def store(databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A store with six observables and two exports: no example compares more."""
    with open_store(databases.at(tmp_path_factory.mktemp("ledger") / "yeti.db")) as opened:
        with opened.import_session(NOW) as session:
            # The higher the id the lower the value: order is by value.
            session.add([claim(f"192.0.2.{9 - key}", "c2", type="ipv4") for key in IDS])
        for name in ("one", "two"):
            definitions.add_export(opened, ExportDefinition(name, f"{name}.txt", format="list"))
        yield opened


@pytest.fixture
def values(store) -> dict[int, str]:
    with store.reading() as connection:
        return dict(connection.exec_driver_sql("SELECT id, value FROM observable").fetchall())


class Ledger:
    """The ledger of one export, empty."""

    def __init__(self, store, values, connection):
        self.connection = connection
        self.database, self.values = store.database, values
        self.key = ledger.export_key(self.connection, next(_TURN))
        if not ON_POSTGRESQL:
            self.connection.execute("PRAGMA synchronous = OFF")
        for table in ("ledger", "ledger_piece"):
            self.connection.execute(f"DELETE FROM {table} WHERE export_id = ?", (self.key,))

    def apply(self, number, lines):
        with self.database.writing(self.connection):
            ledger.apply(self.connection, self.key, number, lines)

    def prune(self, oldest):
        with self.database.writing(self.connection):
            ledger.prune(self.connection, self.key, oldest)

    def state(self, number) -> Listed:
        """What version *number* listed and kept off."""
        rows = self.connection.execute(
            f"SELECT s.observable_id, s.is_listed, s.modified_at, t.text FROM ({ledger.state_at(self.key, number)}) s"
            " JOIN ledger_text t ON t.id = s.why"
        )
        return {
            key: ("listed" if is_listed else json.loads(text)["reason"], moment)
            for key, is_listed, moment, text in rows
        }

    def pieces(self, number) -> set[str]:
        from core.store.ledger.pieces import pieces_at

        return {value for _, _, value in pieces_at(self.connection, self.key, number)}

    def changes(self, before, after, gone=()):
        return list(ledger.changes_between(self.connection, self.key, before, after, gone))

    def dump(self):
        """Every row, reasons as texts."""
        return [
            self.connection.execute(query, (self.key,)).fetchall()
            for query in (
                "SELECT l.observable_id, l.first_version, l.last_version, l.is_listed, l.modified_at, w.text, e.text"
                " FROM ledger l JOIN ledger_text w ON w.id = l.why LEFT JOIN ledger_text e ON e.id = l.ended_by"
                " WHERE l.export_id = ? ORDER BY 1, 2",
                "SELECT observable_id, value, first_version, last_version FROM ledger_piece WHERE export_id = ?"
                " ORDER BY 1, 2, 3",
            )
        ]

    def line(self, change, key, why, moment=None):
        return line_of(change, key, "ipv4", json.dumps(self.values[key]), encode(why).decode(), moment)

    def lines(self, before: Listed, after: Listed, was: set[str], now: set[str]) -> list[str]:
        """The changes from one state to another, as a comparison would write them."""
        made = []
        for key in IDS:
            (old, old_moment), (new, moment) = before.get(key, ("", 0)), after.get(key, ("", 0))
            if new == "listed":
                if old != "listed":
                    made.append(self.line("added", key, {"by": "1.1"}, moment))
                elif old_moment != moment:
                    made.append(self.line("changed", key, {"by": "1.1"}, moment))
            elif new and old == "listed":
                made.append(self.line("removed", key, {"reason": new}, moment))
            elif new and old != new:
                made.append(self.line("kept-off", key, {"reason": new}, moment))
            elif old and not new:
                made.append(self.line("removed" if old == "listed" else "freed", key, {"reason": "expired"}))
        for change, values in (("added", now - was), ("removed", was - now)):
            for value in sorted(values):
                made.append(line_of(change, NETWORK, "cidr", json.dumps(value), '{"by":""}', piece=True))
        return made


@pytest.fixture
def book(store, values) -> Any:
    with closing(store.connect()) as connection:
        yield lambda: Ledger(store, values, connection)


states = st.dictionaries(
    st.sampled_from(IDS),
    st.tuples(st.sampled_from(("listed", "listed", "listed", *REASONS)), st.integers(1, 3)),
    max_size=len(IDS),
)
pieces = st.sets(st.sampled_from(("192.0.2.0/30", "192.0.2.4/31", "192.0.2.7")))
histories = st.lists(st.tuples(states, pieces), min_size=1, max_size=6)
common = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def written(book, history):
    """Write a history down, version after version, and return the ledger."""
    made = book()
    before, was = {}, set()
    for number, (after, now) in enumerate(history, 1):
        made.apply(number, made.lines(before, after, was, now))
        before, was = after, now
    return made


def comparable(state: Listed) -> Listed:
    """Of what is kept off, only the reason counts."""
    return {key: each if each[0] == "listed" else (each[0], 0) for key, each in state.items()}


def applied(state: Listed, lines: list[str]) -> Listed:
    """Return *state* after the changes."""
    after = dict(state)
    for line in map(json.loads, lines):
        if line.get("piece"):
            continue
        key, is_listed = line["id"], line["change"] in ("added", "changed")
        if line["change"] in ("added", "kept-off"):
            assert after.get(key, ("",))[0] != ("listed" if is_listed else line["why"]["reason"])
        else:
            assert key in after
        if is_listed:
            after[key] = ("listed", line["modified_at"])
        elif "modified_at" in line:
            after[key] = (line["why"]["reason"], line["modified_at"])
        else:
            del after[key]
    return after


@common
@given(history=histories)
def test_every_version_is_given_back(book, history):
    """The intervals of rows say exactly what each version listed and kept off, in pieces too."""
    made = written(book, history)

    for number, (state, parts) in enumerate(history, 1):
        assert comparable(state) == comparable(made.state(number))
        assert parts == made.pieces(number)
    assert {} == made.state(0)


@common
@given(history=histories, chance=st.randoms())
def test_any_two_versions_differ_by_what_is_told(book, history, chance):
    """From any version to any other, forwards and back: the changes make the one of the other, and are ordered."""
    made = written(book, history)
    all_states = [({}, set()), *history]
    before, after = (chance.randrange(len(all_states)) for _ in range(2))

    lines = made.changes(before, after)

    (old, was), (new, now) = all_states[before], all_states[after]
    found = [json.loads(line) for line in lines]
    assert comparable(new) == comparable(applied(comparable(old), lines))
    whole = [line for line in found if "piece" not in line]
    for word, expected in (("added", listed(new) - listed(old)), ("removed", listed(old) - listed(new))):
        assert expected == {line["id"] for line in whole if line["change"] == word}
        parts = now - was if word == "added" else was - now
        assert parts == {line["value"] for line in found if "piece" in line and line["change"] == word}
    assert sorted((line["type"], line["value"]) for line in found) == [
        (line["type"], line["value"]) for line in found
    ]


@common
@given(history=histories, gone=st.sets(st.sampled_from(IDS)), chance=st.randoms())
def test_a_rollback_is_the_older_version_less_what_is_gone(book, history, gone, chance):
    """Applied as the next version, the changes to an older one make it current, without what was withdrawn."""
    made = written(book, history)
    current, target = len(history), chance.randint(1, len(history))
    lines = made.changes(current, target, gone)

    made.apply(current + 1, lines)

    expected = {key: each for key, each in history[target - 1][0].items() if key not in gone}
    assert comparable(expected) == comparable(made.state(current + 1))
    assert (set() if NETWORK in gone else history[target - 1][1]) == made.pieces(current + 1)
    assert comparable(history[-1][0]) == comparable(made.state(current))
    withdrawn = {line["id"] for line in map(json.loads, lines) if line["why"] == {"reason": "withdrawn"}}
    assert listed(history[-1][0]) & gone <= withdrawn


@common
@given(history=histories, size=st.integers(1, 4), many=st.integers(0, 2))
def test_twice_and_in_other_batches_is_the_same(book, history, size, many):
    """The cut into batches does not matter, nor how many reasons are remembered, nor whether it is done once more."""
    made = written(book, history)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger_writing, "_BATCH", size)
        patch.setattr(ledger_texts, "MANY", many)
        other = written(book, history)
    assert made.dump() == other.dump()

    before, was = history[-2] if len(history) > 1 else ({}, set())
    made.apply(len(history), made.lines(before, history[-1][0], was, history[-1][1]))

    assert other.dump() == made.dump()


@common
@given(history=histories, least=st.sampled_from([0, 100]), chance=st.randoms())
def test_what_is_forgotten_is_not_missed(book, history, least, chance):
    """All versions from the oldest that is kept on are as before; when a value was last listed is known on."""
    made, oldest = written(book, history), chance.randint(1, len(history))
    whole = written(book, history)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger_writing, "LEAST_DEPARTED", least)
        made.prune(oldest)

    for number in range(oldest, len(history) + 1):
        assert comparable(history[number - 1][0]) == comparable(made.state(number))
        assert comparable(history[number - 1][0]) == comparable(whole.state(number))
        assert history[number - 1][1] == made.pieces(number)
    rows, _ = made.dump()
    last = {}
    for number, (state, _) in enumerate(history, 1):
        last |= dict.fromkeys(listed(state), number)
    departed = {row[0]: row[2] for row in rows if row[3] and row[2] is not None and row[2] < oldest}
    expected = {key: number for key, number in last.items() if number < oldest}
    if not least:
        # As many as are listed now, whole versions at a time, the latest first.
        room, bound = len(listed(history[-1][0])), 0
        for number in sorted(set(expected.values()), reverse=True):
            room -= list(expected.values()).count(number)
            bound = number + 1 if room < 0 and not bound else bound
        expected = {key: number for key, number in expected.items() if number >= bound}
    assert expected == departed
    assert all(row[3] for row in rows if row[2] is not None and row[2] < oldest)


def listed(state: Listed) -> set[int]:
    return {key for key, (word, _) in state.items() if word == "listed"}


def test_reasons_are_kept_once_and_forgotten_with_their_rows(store, book):
    """A thousand rows for one reason share one text; a text that no row has is gone after pruning."""
    made = book()
    made.apply(1, [made.line("added", key, {"by": "77.1"}, 1) for key in IDS])
    made.apply(2, [made.line("removed", key, {"reason": "never", "entry": "x"}, 1) for key in IDS])
    made.apply(3, [made.line("freed", key, {"reason": "filtered", "entry": "y"}) for key in IDS])
    texts = ("77.1", '{"reason":"never","entry":"x"}', '{"reason":"filtered","entry":"y"}')
    count_of = "SELECT count(*) FROM ledger_text WHERE text = ?"

    def known():
        return [made.connection.execute(count_of, (text,)).fetchone()[0] for text in texts]

    assert [1, 1, 1] == known()
    made.prune(2)
    assert [1, 1, 1] == known()
    made.prune(4)
    assert [1, 1, 0] == known()  # why they left is remembered, why they were kept off after that is not
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger_writing, "LEAST_DEPARTED", 0)
        made.prune(4)
    assert [0, 0, 0] == known()
    assert [[], []] == made.dump()


def test_names_stand_behind_the_ids(store):
    """A reason by row ids is told with names; any other reason as it was."""
    connection = store.connect()
    names = named(connection)
    connection.close()

    assert (("c2", "feed"),) == names.why("1.1").by
    assert (("c2", "feed"),) == names.why('{"by":"1.1"}').by
    why = names.why('{"reason":"allow-listed","list":"resolvers","entry":"192.0.2.0/24","relation":"inside"}')
    assert "allow-listed" == why.reason
    assert {"list": "resolvers", "entry": "192.0.2.0/24", "relation": "inside"} == why.told

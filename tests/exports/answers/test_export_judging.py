"""One observable is judged as all are in SQL: whether it is taken, and why it is kept off."""

from itertools import count

import msgspec
from databases import ON_POSTGRESQL
from export_samples import NOW, claim
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.exports.answers.judging import facts_of, judge
from core.exports.gate.keeping_off import keep_off
from core.exports.gate.keeping_off_one import kept_off_for
from core.exports.gate.limits import parse
from core.schemas.claim import AllowListEntries
from core.schemas.export import Selection
from core.store import open_store
from core.store.allow_lists import hits as allow_hits
from core.store.allow_lists.lists import put_allow_list, set_allow_list
from core.store.kept_off import KEPT_OFF, REASONS
from core.store.ledger.history import Known
from tests.store.test_selection_oracle import (
    ALWAYS_ASKED,
    empty,  # noqa: F401 - a fixture
    instants,
    live,
    selections,
    stories,
    truth,
)

_NUMBERS = count()
_QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def observables(snapshot):
    """What the store knows."""
    return [
        Known(*row) for row in snapshot.connection.execute("SELECT id, type, value FROM observable ORDER BY id")
    ]


@settings(max_examples=20 if ON_POSTGRESQL else 80, deadline=None, suppress_health_check=_QUIET)
@given(story=stories, asked=st.lists(selections, min_size=3, max_size=3), chance=st.randoms())
def test_one_is_judged_as_all_are(empty, new_databases, story, asked, chance):  # noqa: F811
    """Whatever happened to a store, and at any instant: each observable is taken as the selection in SQL takes it."""
    path = empty.with_name(f"judged-{next(_NUMBERS)}.db")
    with open_store(new_databases.copy(empty, path)) as store:
        live(store, story)
        times = list(instants(truth(store), store, chance))
        with store.snapshot() as snapshot:
            for observable in observables(snapshot):
                facts = facts_of(snapshot.connection, observable.id)
                for at in times:
                    for wanted in (*ALWAYS_ASKED, *asked):
                        found = judge(snapshot.known, wanted, at, observable.type, facts)

                        expected = snapshot.takes(wanted, at, observable.type, observable.value)
                        assert expected == found.takes, (observable, at - NOW, wanted, found)
    new_databases.drop(path)


ADDRESSES = tuple(f"192.0.{third}.{last}" for third in (2, 3) for last in (0, 1, 5, 128))
NETWORKS = ("192.0.2.0/24", "192.0.2.0/30", "192.0.0.0/7", "192.0.3.0/25", "10.0.0.0/8", "2001:db8::/32", "::/10")
VALUES = {
    **dict.fromkeys(ADDRESSES, "ipv4"),
    **dict.fromkeys(("8.8.8.8", "10.1.2.3"), "ipv4"),
    **dict.fromkeys(NETWORKS, "cidr"),
    **dict.fromkeys(("example.org", "www.example.org", "com"), "hostname"),
    "http://www.example.org/x": "url",
}
forbidden = st.lists(st.sampled_from(sorted(VALUES.keys() - {"com"})), min_size=1, max_size=2, unique=True)
entries = st.lists(st.sampled_from([*ADDRESSES, *NETWORKS]), min_size=1, max_size=4, unique=True).map(tuple)


@settings(max_examples=15 if ON_POSTGRESQL else 40, deadline=None, suppress_health_check=_QUIET)
@given(
    values=st.lists(st.sampled_from(sorted(VALUES)), min_size=3, unique=True),
    lists=st.lists(
        st.tuples(st.sampled_from("abc"), entries, st.sampled_from(["block", "inform", "off"])), max_size=3
    ),
    limits=st.fixed_dictionaries(
        {},
        optional={
            "never": forbidden.map(" ".join),
            "allow": st.sampled_from(["documentation", "private-use", ""]),
            "split": st.sampled_from(["split", "drop"]),
            "broadest-ipv4": st.sampled_from(["/8", "/25"]),
        },
    ),
)
def test_one_is_kept_off_as_all_are(empty, new_databases, values, lists, limits):  # noqa: F811
    """With any lists and limits: the reason for which a run keeps one off, and the pieces, are those told of it alone."""
    path = empty.with_name(f"kept-{next(_NUMBERS)}.db")
    chosen = parse({key: text for key, text in limits.items() if text})
    with open_store(new_databases.copy(empty, path)) as store:
        with store.import_session(NOW) as session:
            session.add([claim(value, VALUES[value], "c2") for value in values])
        for name, found, action in lists:
            put_allow_list(store, AllowListEntries(name=name, list_type="cidr", entries=found), NOW)
            set_allow_list(store, name, action=action)
        allow_hits.refresh(store, NOW)
        with store.snapshot() as snapshot:
            wanted = Selection()
            keep_off(snapshot, wanted, NOW, chosen)
            query = f"SELECT k.id, r.text FROM {KEPT_OFF} k JOIN {REASONS} r ON r.id = k.reason"
            expected = {key: msgspec.json.decode(text) for key, text in snapshot.connection.execute(query)}
            for observable in observables(snapshot):
                reason, pieces = kept_off_for(snapshot.connection, observable, chosen)

                assert expected.get(observable.id, {}) == reason, observable
                listed = {piece[2] for piece in snapshot.pieces if piece[0] == observable.id}
                known = {text for text in pieces if snapshot.takes(wanted, NOW, type_of(text), text)}
                others = {piece[2] for piece in snapshot.pieces if piece[0] != observable.id}
                assert listed == set(pieces) - known - others
            texts = [piece[2] for piece in snapshot.pieces]
            assert len(texts) == len(set(texts))
    new_databases.drop(path)


def type_of(text):
    return "cidr" if "/" in text else "ipv6" if ":" in text else "ipv4"

"""Who fetched what: rows that are added to, who lags behind, who stopped asking, and what is forgotten."""

import pytest
from older_schemas import make_older
from sqlalchemy import update

from core.schemas.export import ExportDefinition
from core.schemas.instant import DAY, SECOND
from core.store import consumers, definitions, fetches, migrate
from core.store.databases import database_at
from core.store.databases.interface import Lock
from core.store.fetches import NOBODY, Fetched, FetchKey, TokenUse
from core.store.schema import export
from core.store.standings import NO_VERSION, standings

NOW = 1_790_000_000_000_000
HOUR = 3_600 * SECOND


@pytest.fixture
def current(store):
    """Say which version of ``a`` and ``b`` is the current one; consumer 1 may fetch ``a``."""
    for name in ("a", "b"):
        definitions.add_export(store, ExportDefinition(name, f"{name}.txt", format="list"))
    add(store, "one", exports=["a"])

    def to(number):
        with store.writing() as connection:
            connection.execute(update(export).values(current_version=number))

    to(1)
    return to


def add(store, name, *, exports=(), all_exports=False):
    consumers.add_consumer(
        store, name, description="", networks=(), all_exports=all_exports, exports=exports, by="t", now=NOW
    )


def fetched(at, **fields):
    return Fetched(
        at, at, **({"full": 1, "asked": 1, "size_bytes": 10, "address": "192.0.2.1", "agent": "curl"} | fields)
    )


def standings_of(store):
    with store.reading() as connection:
        return standings(connection)


def state(lag):
    return (lag.consumer, lag.export, lag.current, lag.version, lag.since, lag.last_at, lag.has_stopped)


def test_what_is_fetched_again_is_added_to_its_row(store, current):
    """One row for consumer, export and version, with when it first came and all that followed."""
    fetches.record(store, [(FetchKey(1, 1, 1), fetched(NOW))])
    fetches.record(
        store,
        [
            (
                FetchKey(1, 1, 1),
                fetched(NOW + 5, full=2, unchanged=3, size_bytes=7, address="192.0.2.2", agent="pan"),
            ),
            (FetchKey(NOBODY, 1, 1), fetched(NOW + 6)),
            (FetchKey(1, 99, 1), fetched(NOW + 7)),
        ],
    )

    found = fetches.fetches(store)

    assert [
        (None, "a", 1, NOW + 6, NOW + 6, 1, 0, 10, "192.0.2.1", "curl"),
        ("one", "a", 1, NOW, NOW + 5, 3, 3, 17, "192.0.2.2", "pan"),
    ] == [
        (
            item.consumer,
            item.export,
            item.version,
            item.first_at,
            item.last_at,
            item.full,
            item.unchanged,
            item.size_bytes,
            item.address,
            item.agent,
        )
        for item in found
    ]


def test_who_never_asked_lags_behind_or_is_current(store, current):
    """By the version that a consumer asked for last."""
    add(store, "every", all_exports=True)
    never = fetches.lags(store, NOW)
    fetches.record(store, [(FetchKey(1, 1, 1), fetched(NOW)), (FetchKey(2, 2, 1), fetched(NOW))])
    has_it = fetches.lags(store, NOW + HOUR)
    current(3)
    behind = fetches.lags(store, NOW + HOUR)
    fetches.record(store, [(FetchKey(1, 1, 3), fetched(NOW + HOUR))])
    again = fetches.lags(store, NOW + HOUR)

    assert [("one", "a", 1, None, None, None, False)] == list(map(state, never))
    assert [("every", "b", 1, 1, NOW, NOW, False), ("one", "a", 1, 1, NOW, NOW, False)] == list(map(state, has_it))
    assert [False, False] == [lag.is_current for lag in behind]
    assert ("one", "a", 3, 3, NOW + HOUR, NOW + HOUR, False) == state(again[1])


@pytest.mark.parametrize(
    ("every", "asked", "silent", "has_stopped"),
    [
        (300 * SECOND, 100, 59 * 60 * SECOND, False),
        (300 * SECOND, 100, 61 * 60 * SECOND, True),
        (12 * HOUR, 5, 47 * HOUR, False),
        (12 * HOUR, 5, 49 * HOUR, True),
        (0, 1, 23 * HOUR, False),
        (0, 1, 25 * HOUR, True),
    ],
)
def test_who_stopped_asking(store, current, every, asked, silent, has_stopped):
    """Who is silent for four times as long as usual, and an hour at least; a day, where nothing is usual yet."""
    last = NOW + every * (asked - 1)
    fetches.record(store, [(FetchKey(1, 1, 1), Fetched(NOW, last, full=1, unchanged=asked - 1, asked=asked))])

    (lag,) = fetches.lags(store, last + silent)

    assert has_stopped == lag.has_stopped


def test_who_asks_and_gets_nothing_has_not_stopped(store, current):
    """It has the version that it got before, and since when it got that."""
    fetches.record(store, [(FetchKey(1, 1, 1), fetched(NOW))])
    fetches.record(
        store, [(FetchKey(1, 1, NO_VERSION), Fetched(NOW + HOUR, NOW + 47 * HOUR, unchanged=47, asked=47))]
    )

    found = [fetches.lags(store, NOW + 48 * HOUR + more)[0] for more in (0, 4 * HOUR)]

    assert [("one", "a", 1, 1, NOW, NOW + 47 * HOUR, has_stopped) for has_stopped in (False, True)] == list(
        map(state, found)
    )


def test_who_only_ever_asked_has_no_version(store, current):
    """It is known to have asked."""
    fetches.record(store, [(FetchKey(1, 1, NO_VERSION), Fetched(NOW, NOW, unchanged=1, asked=1))])

    found = [fetches.lags(store, NOW + more)[0] for more in (0, 2 * DAY)]

    assert [("one", "a", 1, None, None, NOW, False), ("one", "a", 1, None, None, NOW, True)] == list(
        map(state, found)
    )


def test_how_often_it_asks_is_seen_over_all_versions(store, current):
    """A new version every five minutes, each fetched once: an hour of silence is long."""
    for number in range(12):
        fetches.record(store, [(FetchKey(1, 1, number), fetched(NOW + number * 300 * SECOND))])
    last = NOW + 11 * 300 * SECOND

    assert [False, True] == [fetches.lags(store, last + HOUR + more)[0].has_stopped for more in (0, 1)]


def test_what_many_requests_ask_for_is_asked_once(store, current):
    """A list that is got in a hundred pages every six hours: who gets it so is silent for as long in between.

    Pages are written down as they come, some by another process, which does not know of those before.
    """
    for turn in range(4):
        for page in range(100):
            at = NOW + turn * 6 * HOUR + page * SECOND
            begins = page in (0, 40)  # as each of the two processes sees it
            item = Fetched(at, at, unchanged=1, asked=int(begins), is_after_silence=begins)
            fetches.record(store, [(FetchKey(1, 1, NO_VERSION), item)])
    last = NOW + 18 * HOUR + 99 * SECOND

    found = [fetches.lags(store, last + silent)[0].has_stopped for silent in (20 * HOUR, 25 * HOUR)]

    assert [False, True] == found


def test_what_goes_on_for_long_is_asked_for_more_than_once(store, current):
    """Who counted says so; that somebody asked shortly before is no reason to doubt it."""
    for number in range(3):
        at = NOW + number * 10 * SECOND
        item = Fetched(at, at, unchanged=1, asked=1, is_after_silence=number == 0)
        fetches.record(store, [(FetchKey(1, 1, 1), item)])

    (found,) = standings_of(store)
    assert 3 == found.asked


def test_a_token_is_used_when_it_lets_somebody_in(store, current):
    """The latest counts, whichever process wrote it down first."""
    made = [
        consumers.add_token(store, "one", begin=name, sha256=name, expires_at=None, by="t", now=NOW)
        for name in ("old", "new")
    ]
    fetches.record(store, [(FetchKey(1, 1, 1), fetched(NOW))], {made[0].id: TokenUse(NOW + 9)})
    fetches.record(store, [], {made[0].id: TokenUse(NOW + 5, NOW + 7), 99: TokenUse(NOW)})

    assert [("old", NOW + 9), ("new", None)] == [
        (token.begin, token.used_at) for token in consumers.tokens(store, "one")
    ]


def test_nobody_need_ask_for_what_is_switched_off(store, current):
    """It says still what the consumer has."""
    fetches.record(store, [(FetchKey(1, 1, 1), fetched(NOW))])
    assert fetches.lags(store, NOW + 9 * DAY)[0].has_stopped
    definitions.toggle_export(store, "a", NOW)

    assert ("one", "a", 1, 1, NOW, NOW, False) == state(fetches.lags(store, NOW + 9 * DAY)[0])


def test_who_is_switched_off_does_not_lag(store, current):
    """Nor does anybody with an export that has published nothing."""
    add(store, "two", exports=["b"])
    consumers.change_consumer(store, "one", is_enabled=False, by="t", now=NOW)
    with store.writing() as connection:
        connection.execute(update(export).where(export.c.name == "b").values(current_version=None))

    assert [] == fetches.lags(store, NOW)


def test_the_latest_is_not_forgotten(store, current):
    """What is old goes, but for what says that somebody stopped asking."""
    fetches.record(store, [(FetchKey(1, 1, number), fetched(NOW + number * DAY)) for number in (1, 2, 3)])

    assert [1, 1, 0] == [fetches.forget(store, NOW + 100 * DAY, 1) for _ in range(3)]
    assert [3] == [item.version for item in fetches.fetches(store)]


def test_what_a_consumer_has_is_not_forgotten_while_it_asks(store, current):
    """That it asked later and got nothing says nothing of what it has."""
    versions = ((1, 1), (NO_VERSION, 2), (2, 3), (NO_VERSION, 4))
    fetches.record(store, [(FetchKey(1, 1, version), fetched(NOW + days * DAY)) for version, days in versions])

    assert [1, 0] == [fetches.forget(store, NOW + 100 * DAY, 10) for _ in range(2)]
    assert [2, NO_VERSION] == [item.version for item in fetches.fetches(store)]


def test_what_was_fetched_goes_with_consumer_and_export(store, current):
    """Nothing is kept of what there is no more."""
    fetches.record(store, [(FetchKey(1, 1, 1), fetched(NOW)), (FetchKey(NOBODY, 2, 1), fetched(NOW))])
    consumers.remove_consumer(store, "one", by="t", now=NOW)
    after_consumer = [item.export for item in fetches.fetches(store)]
    definitions.remove_export(store, "b")

    assert (["b"], []) == (after_consumer, fetches.fetches(store))


def test_what_was_fetched_is_not_of_the_next_consumer(store, current):
    """What is written down after a consumer was removed is not that of one that was added since."""
    consumers.remove_consumer(store, "one", by="t", now=NOW)
    add(store, "two", exports=["a"])
    fetches.record(store, [(FetchKey(1, 1, 1), fetched(NOW))])

    assert [] == fetches.fetches(store)
    assert [("two", None)] == [(lag.consumer, lag.version) for lag in fetches.lags(store, NOW)]


def test_what_was_counted_before_is_how_often_somebody_asked(database_of_either):
    """As often as there were requests, but not in half a minute twice; what an older program writes is taken."""
    make_older(database_of_either, "0008")
    columns = (
        "name, destination, file_name, format, template, selection, options, limits, schedule, description, enabled, "
        "created_at, modified_at, versions_key"
    )
    made = "'a', '', 'a', 'list', '', '{}', '{}', '{}', '', '', true, 1, 1, 'a'"

    def row(version, lasted_s):
        return (
            'INSERT INTO "fetch" (consumer_id, export_id, version, first_at, last_at, "full", unchanged, size_bytes, '
            f"last_address, last_agent) VALUES (0, 1, {version}, 1, {1 + lasted_s * SECOND}, 3, 4, 5, '', '')"
        )

    def do(*statements):
        engine = database_at(database_of_either).engine()
        with engine.connect() as idle:
            connection = idle.execution_options(lock=Lock.DATA)
            with connection.begin():
                done = [connection.exec_driver_sql(statement) for statement in statements]
                found = done[-1].all() if done[-1].returns_rows else []
        engine.dispose()
        return [tuple(item) for item in found]

    do(f"INSERT INTO export ({columns}) VALUES ({made})", row(1, 0), row(2, 90), row(3, 3_600))
    migrate.upgrade(database_of_either)
    do(row(4, 0))

    assert [(1, 1), (2, 4), (3, 7), (4, 0)] == do('SELECT version, asked FROM "fetch" ORDER BY version')

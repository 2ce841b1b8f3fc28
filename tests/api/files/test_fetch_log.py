"""Who has which version since when: counted in memory, one row for consumer, export and version."""

import socket

import httpx
import pytest
from publishing import addresses, paths
from served import Clock, listening
from sqlalchemy import select, update

from core.accounts.objects import lag_state
from core.api.app import create_app
from core.api.files.fetch_log import FetchLog
from core.api.services import Services
from core.schemas.instant import SECOND
from core.store import consumers, fetches
from core.store.fetches import FetchKey
from core.store.schema import consumer_token
from core.store.standings import NO_VERSION

C2 = "/exports/c2.txt"
MEDIA = "application/taxii+json;version=2.1"


def rows(publisher):
    """What is written down."""
    with publisher.api.services.store() as store:
        return [
            (item.consumer, item.export, item.version, item.full, item.unchanged, item.size_bytes)
            for item in fetches.fetches(store)
        ]


@pytest.fixture
def again(publisher):
    """Serve the same installation by another process, which ends with the block."""

    def process():
        services = Services(publisher.api.services.config, clock=publisher.api.clock)
        return listening(create_app(services), services)

    return process


def test_fetches_are_counted_and_written_at_the_end(publisher, c2, token, again):
    """Files, rests of files and answers that nothing changed; a request for the length alone is of no version."""
    open_body = publisher.publish("open", addresses(10), is_public=True)
    with again() as url, publisher.client(token, follow_redirects=False) as client:
        tag = client.get(url + C2).headers["etag"]
        client.get(url + C2, headers={"Range": "bytes=100-"})
        for _ in range(3):
            client.get(url + C2, headers={"If-None-Match": tag})
        client.head(url + C2)
        client.get(url + "/exports/no.txt")
        client.get(url + "/exports/open.txt", headers={"Authorization": ""})
        client.get(url + "/exports/open.txt")
    after = rows(publisher)

    assert [
        ("firewall", "c2", 1, 2, 3, 2 * len(c2) - 100),
        ("firewall", "c2", NO_VERSION, 0, 1, 0),
        (None, "open", 1, 1, 0, len(open_body)),
        ("firewall", "open", 1, 1, 0, len(open_body)),
    ] == after


def test_who_did_not_get_the_end_has_no_version(publisher, c2, token, again):
    """Nobody is up to date by the first byte, by asking whether there is anything, or by a transfer that broke off.

    All of these have asked.
    """
    big = publisher.publish("big", paths(30_000), type_="path", is_public=True)
    # What the system takes ahead of a reader that reads nothing is less than the file: 4 MiB, and this.
    little = httpx.HTTPTransport(socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)])
    with again() as url, publisher.client(token, transport=little) as client:
        client.get(url + C2, headers={"Range": "bytes=0-0"})
        client.head(url + C2, headers={"If-None-Match": "*"})
        client.get(url + C2, headers={"If-None-Match": "*"})
        with client.stream("GET", url + "/exports/big.txt") as answer:
            next(answer.iter_raw(1_000))
        client.get(url + C2, headers={"Range": f"bytes={len(c2)}-"})
        client.get(url + C2, headers={"If-Match": '"another"'})
    after = rows(publisher)
    with publisher.api.services.store() as store:
        (lag,) = (item for item in fetches.lags(store, publisher.api.clock.now) if item.export == "c2")

    assert len(big) > 6 << 20
    sent = after[0][-1]
    assert 0 < sent < len(big)
    assert [("firewall", "big", NO_VERSION, 0, 1, sent), ("firewall", "c2", NO_VERSION, 0, 5, 1)] == after
    assert (None, publisher.api.clock.now, "behind") == (lag.version, lag.last_at, lag_state(lag))


def test_each_version_has_its_own_row(publisher, c2, token, again):
    """So that it can be said since when a consumer has what it has."""
    with again() as url, publisher.client(token) as client:
        client.get(url + C2, headers={"User-Agent": "PAN-OS/11.1"})
    publisher.run("c2", addresses(900))
    publisher.api.clock.now += 60 * SECOND
    with again() as url, publisher.client(token) as client:
        client.get(url + C2)
    with publisher.api.services.store() as store:
        newer, older = fetches.fetches(store)
        (lag,) = fetches.lags(store, publisher.api.clock.now)

    assert ([2, 1], ["127.0.0.1", "127.0.0.1"]) == ([newer.version, older.version], [newer.address, older.address])
    assert "PAN-OS/11.1" == older.agent
    assert (2, publisher.api.clock.now, True) == (lag.version, lag.since, lag.is_current)


def test_a_request_is_no_write(publisher, c2):
    """However many there are, they are one row, written when it is time."""
    log = FetchLog(publisher.api.services, every_s=3_600)
    log.start()
    for _ in range(100):
        log.note(FetchKey(0, 1, 1), publisher.api.clock.now, size_bytes=7, address="192.0.2.1", agent="x")
    before = rows(publisher)
    log.stop()

    assert ([], [(None, "c2", 1, 100, 0, 700)]) == (before, rows(publisher))


@pytest.mark.parametrize(
    ("requests", "asked"),
    [
        ([(0, NO_VERSION), (20, 1), (50, 1), (80.1, 1), (81, 2)], {NO_VERSION: 1, 1: 1, 2: 0}),
        ([(second, 1) for second in range(0, 7_200, 10)], {1: 4}),
    ],
)
def test_requests_that_follow_one_another_are_one_time_of_asking(publisher, c2, requests, asked):
    """Whichever version each is for: parts of a file, or pages; half a minute later it is another time.

    So it is after half an hour: who asks every few seconds asks often.
    """
    log = FetchLog(publisher.api.services, every_s=3_600)
    for second, version in requests:
        log.note(FetchKey(0, 1, version), int(second * SECOND), size_bytes=7, address="192.0.2.1", agent="x")

    assert asked == {key.version: item.asked for key, item in log._counts.items()}


def test_who_asks_every_few_seconds_is_missed_soon(publisher, c2):
    """Also by two processes, and after a pause of a minute."""
    name = "restless"
    publisher.consumer(name, "c2")
    with publisher.api.services.store() as store:
        key = FetchKey(consumers.get_consumer(store, name).id, 1, 1)
    logs = [FetchLog(publisher.api.services) for _ in range(2)]
    start = publisher.api.clock.now
    for number in range(4_000):
        at = start + (number * 10 + 60 * (number > 2_000)) * SECOND
        log = logs[number % 3 == 0]
        log.note(key, at, size_bytes=None, address="192.0.2.1", agent="x")
        if number % 50 == 0:
            for each in logs:
                each.write()
    for each in logs:
        each.write()

    with publisher.api.services.store() as store:
        found = [
            lag.has_stopped
            for after_s in (60, 2 * 3_600 + 60)
            for lag in fetches.lags(store, at + after_s * SECOND)
            if lag.consumer == name
        ]
    assert [False, True] == found


def test_a_token_is_known_to_be_in_use(publisher, c2, token, again):
    """So that whoever changed it sees when the old one may be revoked; also where nothing is counted as a fetch."""
    other = publisher.token("firewall")
    ended = publisher.consumer("proxy", "c2")
    with publisher.api.services.store() as store, store.writing() as connection:
        connection.execute(
            update(consumer_token).where(consumer_token.c.begin == ended[:14]).values(expires_at=1_000)
        )
    with again() as url:
        with publisher.client(token) as client:
            assert 200 == client.get(f"{url}/taxii2/", headers={"Accept": MEDIA}).status_code
        with publisher.client(ended) as client:
            assert 401 == client.get(url + C2).status_code
    with publisher.api.services.store() as store, store.reading() as connection:
        found = connection.execute(
            select(consumer_token.c.begin, consumer_token.c.used_at, consumer_token.c.refused_at)
            .where(consumer_token.c.begin.in_([token[:14], other[:14], ended[:14]]))
            .order_by(consumer_token.c.id)
        ).all()

    now = publisher.api.clock.now
    assert [(token[:14], now, None), (other[:14], None, None), (ended[:14], None, now)] == list(map(tuple, found))


def test_what_is_counted_is_written_every_few_seconds(publisher, c2):
    """A process that is killed loses no more than that."""
    log = FetchLog(publisher.api.services, every_s=0.05)
    log.note(FetchKey(0, 1, 1), publisher.api.clock.now, size_bytes=7, address="192.0.2.1", agent="x")
    log.start()
    try:
        for _ in range(200):
            if found := rows(publisher):
                break
            log._ends.wait(0.05)
    finally:
        log.stop()

    assert [(None, "c2", 1, 1, 0, 7)] == found


def test_a_fault_does_not_end_the_writing(publisher, c2, monkeypatch, caplog):
    """What could not be written is written the next time, whatever the reason was."""
    log = FetchLog(publisher.api.services)
    log.note(FetchKey(0, 1, 1), publisher.api.clock.now, size_bytes=7, address="192.0.2.1", agent="x")
    with monkeypatch.context() as patch:
        patch.setattr(fetches, "record", lambda *_: 1 / 0)
        log._guarded(log.write)
    before = rows(publisher)
    log._guarded(log.write)

    assert [] == before
    assert [(None, "c2", 1, 1, 0, 7)] == rows(publisher)
    assert ["who fetched what could not be written down yet"] == [item.message for item in caplog.records[-1:]]


def test_what_cannot_be_written_is_kept(new_databases, publisher, c2, caplog):
    """The store is away: it is counted on, and written when that is back."""
    services = Services(publisher.api.services.config, clock=Clock())
    log = FetchLog(services)
    key = FetchKey(0, 1, 1)
    log.note(key, 10, size_bytes=7, address="192.0.2.1", agent="x")
    with new_databases.away(publisher.api.database):
        log._guarded(log.write)
    log.note(key, 20, size_bytes=None, address="192.0.2.2", agent="y")
    log.stop()
    services.close()
    with publisher.api.services.store() as store:
        (found,) = fetches.fetches(store)

    assert "could not be written down yet" in caplog.text
    assert (10, 20, 1, 1, 7, "192.0.2.2") == (
        found.first_at,
        found.last_at,
        found.full,
        found.unchanged,
        found.size_bytes,
        found.address,
    )

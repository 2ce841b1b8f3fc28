"""Consumers that stop asking, and keys and tokens that end."""

import pytest
from sqlalchemy import delete, insert, update

from core.accounts import accounts
from core.notices.settings import MINUTE
from core.schemas.instant import DAY
from core.store import users
from core.store.schema import consumer, consumer_token
from core.store.standings import NO_VERSION

HOUR = 60 * MINUTE


@pytest.fixture
def gets_token(store, time):
    """A consumer gets a token."""

    def go(key, begin, expires_at):  # nobody used it yet
        with store.writing() as connection:
            connection.execute(
                insert(consumer_token).values(
                    consumer_id=key, begin=begin, sha256=begin, created_at=time.now, expires_at=expires_at
                )
            )

    return go


def test_a_consumer_that_stops_asking_is_told_and_that_it_asks_again(define, machine, asks, tell, hook, time):
    """It asked every half an hour, which makes two hours of patience."""
    define("x")
    firewall = machine("firewall", "x")
    for _ in range(4):
        asks(firewall, "x")
        time.passes(30 * MINUTE)
    time.passes(90 * MINUTE)
    assert [] == tell()
    time.passes(1)
    assert [("stale-consumer", "firewall: x", "stale-consumer")] == tell()
    assert "It has version 1." in hook.posted[0].json["message"]
    assert [] == tell()

    asks(firewall, "x", version=2)
    assert [("stale-consumer", "firewall: x", "recovered")] == tell()


def test_a_consumer_that_got_nothing_has_no_version(define, machine, asks, tell, hook, time):
    """It asked by HEAD alone, and no more."""
    define("x")
    asks(machine("firewall", "x"), "x", version=NO_VERSION)
    time.passes(2 * DAY)

    assert [("stale-consumer", "firewall: x", "stale-consumer")] == tell()
    assert "It has no version" in hook.posted[0].json["message"]


def test_patience_is_what_is_set_at_least(define, machine, asks, tell, time):
    """A consumer that asks every minute is stale after what is set, not after four minutes."""
    define("x")
    firewall = machine("firewall", "x")
    for _ in range(10):
        asks(firewall, "x")
        time.passes(MINUTE)
    time.passes(89 * MINUTE)

    assert [] == tell(stale_after=90 * MINUTE)
    time.passes(1)
    assert [("stale-consumer", "firewall: x", "stale-consumer")] == tell(stale_after=90 * MINUTE)


def test_one_that_asked_once_has_a_day(define, machine, asks, tell, time):
    """How often it means to ask is not known."""
    define("x")
    asks(machine("firewall", "x"), "x")
    time.passes(DAY)

    assert [] == tell()
    time.passes(1)
    assert [("stale-consumer", "firewall: x", "stale-consumer")] == tell()


def test_who_need_not_ask_is_not_stale(define, machine, asks, tell, time, store):
    """One that is switched off, one that may not fetch it any more, one that never asked, and one without a token."""
    define("x")
    asks(machine("off", "x", enabled=False), "x")
    asks(machine("other"), "x")
    asks(0, "x")
    machine("never", "x")
    time.passes(9 * DAY)

    assert [] == tell()
    firewall = machine("firewall", "x")
    asks(firewall, "x")
    time.passes(2 * DAY)
    assert [("stale-consumer", "firewall: x", "stale-consumer")] == tell()
    with store.writing() as connection:
        connection.execute(update(consumer).where(consumer.c.id == firewall).values(is_enabled=False))
    assert [("stale-consumer", "firewall: x", "recovered")] == tell()


def test_a_key_is_told_before_it_ends_and_when_it_has(store, tell, hook, time):
    """Fourteen days before, then at its end, and when it was removed; never the key itself."""
    accounts.add_user(store, "ann", "editor", None, by="me", now=time.now)
    text, _ = accounts.add_key(
        store, "ann", "siem", scopes=("admin",), expires_at=time.now + 90 * DAY, by="me", now=time.now
    )
    time.passes(76 * DAY - 1)
    assert [] == tell()
    time.passes(1)
    assert [("expiring-token", "key ann: siem", "expiring")] == tell()
    time.passes(13 * DAY)
    assert [] == tell()
    time.passes(DAY)
    assert [("expiring-token", "key ann: siem", "expired")] == tell()
    users.remove_key(store, "ann", "siem", by="me", now=time.now)
    assert [("expiring-token", "key ann: siem", "recovered")] == tell()
    assert [] == tell()
    assert not any(text.encode() in item.body for item in hook.posted)
    first, second, _ = (item.json["id"] for item in hook.posted)
    assert ["", first, second] == [item.json["follows"] for item in hook.posted]


def test_an_end_long_ago_is_forgotten(store, tell, time):
    """Whoever used a key that ended two weeks ago has noticed; nobody is told that it is mended."""
    accounts.add_user(store, "ann", "editor", None, by="me", now=time.now)
    accounts.add_key(
        store, "ann", "siem", scopes=("admin",), expires_at=time.now + 90 * DAY, by="me", now=time.now
    )
    time.passes(90 * DAY)
    assert [("expiring-token", "key ann: siem", "expired")] == tell()
    time.passes(14 * DAY)

    assert [] == tell()
    time.passes(DAY)
    assert [] == tell()


def test_of_a_short_life_half_is_told(store, tell, time):
    """A key for a day is not told of when it is made."""
    accounts.add_user(store, "ann", "editor", None, by="me", now=time.now)
    accounts.add_key(store, "ann", "day", scopes=("admin",), expires_at=time.now + DAY, by="me", now=time.now)

    assert [] == tell()
    time.passes(12 * HOUR)
    assert [("expiring-token", "key ann: day", "expiring")] == tell()


def test_a_token_that_was_replaced_may_end(machine, gets_token, tell, hook, time, store):
    """A consumer with a token that lasts longer is ready; one that never ends, too."""
    firewall, proxy = machine("firewall"), machine("proxy")
    gets_token(firewall, "yct_old", time.now + 30 * DAY)
    gets_token(proxy, "yct_p", time.now + 30 * DAY)
    gets_token(proxy, "yct_forever", None)
    time.passes(20 * DAY)
    assert [("expiring-token", "token of firewall", "expiring")] == tell()
    assert "the token yct_old… of the consumer firewall ends" in hook.posted[0].json["title"]

    gets_token(firewall, "yct_new", time.now + 90 * DAY)
    assert [("expiring-token", "token of firewall", "recovered")] == tell()
    with store.writing() as connection:
        connection.execute(delete(consumer_token).where(consumer_token.c.begin == "yct_old"))
    assert [] == tell()


@pytest.fixture
def uses(store, time):
    """A device of a consumer is let in by a token, now, or turned away with one that ended."""

    def go(begin, *, is_refused=False):
        with store.writing() as connection:
            connection.execute(
                update(consumer_token)
                .where(consumer_token.c.begin == begin)
                .values({"refused_at" if is_refused else "used_at": time.now})
            )

    return go


def test_a_token_that_a_device_uses_is_told_though_another_lasts_longer(
    machine, gets_token, uses, tell, hook, time, store
):
    """It is still in the device: the other one is of no use there until somebody puts it in."""
    firewall = machine("firewall")
    gets_token(firewall, "yct_old", time.now + 30 * DAY)
    gets_token(firewall, "yct_new", None)
    time.passes(20 * DAY)
    uses("yct_old")
    assert [("expiring-token", "token of firewall", "expiring")] == tell()
    assert "the token yct_old… of the consumer firewall ends" in hook.posted[0].json["title"]
    assert any("yetictl consumer revoke firewall yct_old" in line for line in hook.posted[0].json["advice"])
    time.passes(5 * DAY)
    uses("yct_old")
    time.passes(5 * DAY)
    assert [("expiring-token", "token of firewall", "expired")] == tell()
    time.passes(DAY)
    assert [] == tell()

    uses("yct_new")
    assert [("expiring-token", "token of firewall", "recovered")] == tell()


def test_a_token_that_was_changed_in_time_ends_in_silence(machine, gets_token, uses, tell, time):
    """The device has had the new one since yesterday."""
    firewall = machine("firewall")
    gets_token(firewall, "yct_old", time.now + 30 * DAY)
    time.passes(29 * DAY)
    uses("yct_old")
    assert [("expiring-token", "token of firewall", "expiring")] == tell()
    gets_token(firewall, "yct_new", None)
    time.passes(1)
    uses("yct_new")
    for _ in range(9):
        time.passes(12 * HOUR)
        assert [] == tell()


def test_one_of_two_devices_that_is_turned_away_is_told(machine, gets_token, uses, tell, time, store):
    """The other one has the new token; it is over when the old one is revoked."""
    firewall = machine("firewall")
    gets_token(firewall, "yct_old", time.now + 30 * DAY)
    gets_token(firewall, "yct_new", None)
    time.passes(30 * DAY - HOUR)
    uses("yct_old")
    assert [("expiring-token", "token of firewall", "expiring")] == tell()
    time.passes(HOUR)
    uses("yct_new")
    assert [] == tell()
    time.passes(1)
    uses("yct_old", is_refused=True)
    assert [("expiring-token", "token of firewall", "expired")] == tell()
    time.passes(1)
    uses("yct_new")
    assert [] == tell()

    with store.writing() as connection:
        connection.execute(delete(consumer_token).where(consumer_token.c.begin == "yct_old"))
    assert [("expiring-token", "token of firewall", "recovered")] == tell()


def test_the_next_token_to_end_is_told_too(machine, gets_token, uses, tell, hook, time, store):
    """The first was revoked when it had been told; the other one is in use as well."""
    firewall = machine("firewall")
    for days in (20, 23):
        gets_token(firewall, f"yct_{days}", time.now + days * DAY)
    time.passes(10 * DAY)
    for days in (20, 23):
        uses(f"yct_{days}")
    assert [("expiring-token", "token of firewall", "expiring")] == tell()
    with store.writing() as connection:
        connection.execute(delete(consumer_token).where(consumer_token.c.begin == "yct_20"))
    time.passes(2 * DAY)

    assert [("expiring-token", "token of firewall", "expiring")] == tell()
    assert "the token yct_23… of the consumer firewall ends" in hook.posted[1].json["title"]
    assert [] == tell()


def test_a_token_that_is_used_no_more_may_end(machine, gets_token, uses, tell, time, store):
    """The device has had the other one for a week."""
    firewall = machine("firewall")
    gets_token(firewall, "yct_old", time.now + 30 * DAY)
    time.passes(16 * DAY)
    uses("yct_old")
    assert [("expiring-token", "token of firewall", "expiring")] == tell()
    gets_token(firewall, "yct_new", None)
    uses("yct_new")
    assert [] == tell()
    time.passes(7 * DAY - 1)
    assert [] == tell()
    time.passes(1)

    assert [("expiring-token", "token of firewall", "recovered")] == tell()


def test_of_two_tokens_in_use_the_first_to_end_is_told(machine, gets_token, uses, tell, hook, time, store):
    """One consumer is one condition."""
    firewall = machine("firewall")
    for days in (12, 11):
        gets_token(firewall, f"yct_{days}", time.now + days * DAY)
        uses(f"yct_{days}")
    time.passes(6 * DAY)

    assert [("expiring-token", "token of firewall", "expiring")] == tell()
    assert "the token yct_11… of the consumer firewall ends" in hook.posted[0].json["title"]

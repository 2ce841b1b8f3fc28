"""Everything is told once, in order, whoever dies or hangs meanwhile; the clock is moved by hand."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time as real_time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from notices_of_tests import notice
from sqlalchemy import select

from core.notices.channels.webhook import Webhook
from core.notices.settings import EVERYTHING
from core.notices.telling import GIVE_UP_AFTER
from core.schemas.instant import DAY, SECOND
from core.store import notices
from core.store.schema import notice as notice_table


@pytest.fixture
def held(define, fill, run):
    """Define exports and let each be held."""

    def make(*names):
        fill(1)
        for name in names:
            define(name, limits={"least": "3"})
            run(name)

    return make


@pytest.fixture
def queue(store, time):
    """Let notices wait for channels: ``queue("webhook", "a", "b")``."""

    def add(channel, *keys):
        with store.writing() as connection:
            for key in keys:
                notices.add(connection, notice(key=key, made_at=time.now), [channel])

    return add


def told(hook):
    """Keys of what was posted, in order."""
    return [posted.json["id"] for posted in hook.posted]


def state(store):
    """Of each notice, oldest first: its key, and of its delivery attempts, whether it is done, and why not."""
    found = [(item.key, states[0]) for item, states in reversed(notices.recent(store))]
    return [(key, each.attempt, each.done_at is not None, each.message) for key, each in found]


def test_many_at_once_are_one_notice(held, telling, hook, store, run, fill):
    """The first look at an installation with six held lists; later each is told by itself."""
    held("a", "b", "c", "d", "e", "f")
    webhook = Webhook(hook.url, "", "here")
    telling(webhook).once()

    (posted,) = hook.posted
    assert ("several", "6 changes at once") == (posted.json["kind"], posted.json["title"])
    assert "- c is held\n" in posted.json["message"]
    assert ["a", "b", "c", "d", "e", "f"] == [item["subject"] for item in posted.json["detail"]["changes"]]
    telling(webhook).once()
    assert 1 == len(hook.posted)

    fill(2, 3)
    run("a")
    telling(webhook).once()
    assert [("held", "a", "released")] == hook.told[1:]
    assert posted.json["id"] == hook.posted[1].json["follows"]


def test_without_a_channel_what_is_wrong_is_known_all_the_same(held, telling, hook, store):
    """Nothing waits to be told; with the first channel it is told."""
    held("x")
    telling().once()
    with store.reading() as connection:
        assert [("held", "x")] == list(notices.conditions(connection))
        assert [] == connection.execute(select(notice_table)).all()

    telling(Webhook(hook.url, "", "here")).once()
    assert [("held", "x", "held")] == hook.told


def test_what_nobody_heard_of_does_not_end(held, telling, hook, fill, run):
    """It was held and released before there was anybody to tell."""
    held("x")
    telling().once()
    fill(2, 3)
    run("x")
    telling(Webhook(hook.url, "", "here")).once()

    assert [] == hook.told


@pytest.mark.parametrize("off", sorted(EVERYTHING))
def test_kinds_are_switched_off_one_by_one(
    off, tell, define, fill, run, store, time, failing, late, ending, silent
):
    """What is switched off is not told, everything else is; switched on again, what is still wrong is told."""
    kinds = EVERYTHING - {off}
    fill(1)
    define("h", limits={"least": "3"})
    run("h")
    mend = [failing("f"), late("o"), ending("k"), silent("c", "h")]
    begun = tell(kinds=kinds) + tell(kinds=kinds)
    fill(2, 3)
    run("h")
    for each in mend:
        each()
    over = tell(kinds=kinds)

    words = ["held", "failed", "overdue", "stale-consumer", "expiring-token"]
    assert sorted(word for word in words if word != off) == sorted(kind for kind, _, _ in begun)
    expected = {"held": "released"} | dict.fromkeys(words[1:], "recovered")
    assert sorted(word for word in words if expected[word] != off) == sorted(kind for kind, _, _ in over)


def test_a_channel_that_fails_is_tried_again_later_and_later(queue, telling, hook, store, time):
    """Ten seconds, twenty, forty; what is behind waits, and order is kept."""
    queue("webhook", "a", "b")
    hook.statuses += [503, 503, 503]
    teller = telling(Webhook(hook.url, "", "here"))
    teller.once()
    for tries, pause_s in enumerate((10, 20, 40), 1):
        time.passes(pause_s * SECOND - 1)
        teller.once()
        assert ["a"] * tries == told(hook)
        time.passes(1)
        teller.once()

    assert ["a", "a", "a", "a", "b"] == told(hook)
    assert [("a", 4, True, ""), ("b", 1, True, "")] == state(store)


def test_what_a_channel_refuses_does_not_stop_the_others(queue, telling, hook, store, time):
    """It is tried again by itself."""
    queue("webhook", "a", "b")
    hook.statuses.append(400)
    teller = telling(Webhook(hook.url, "", "here"))
    teller.once()
    assert ["a", "b"] == told(hook)
    time.passes(10 * SECOND)
    teller.once()

    assert ["a", "b", "a"] == told(hook)


def test_after_a_day_it_is_given_up(queue, telling, hook, store, time, caplog):
    """An error in the log, and in what was told; the next one goes out."""
    queue("webhook", "a")
    hook.statuses += [500, 500]
    teller = telling(Webhook(hook.url, "", "here"))
    teller.once()
    time.passes(GIVE_UP_AFTER)
    queue("webhook", "b")
    teller.once()

    why = f"the webhook at {hook.url} answered 500 Internal Server Error"
    assert [("a", 2, True, why), ("b", 1, True, "")] == state(store)
    assert ["notice given up"] == [item.getMessage() for item in caplog.records if item.levelno == logging.ERROR]


def test_a_fault_of_a_channel_is_told_and_stops_nobody(queue, telling, store):
    """Whatever it raises."""

    class Faulty:
        name, place = "webhook", "nowhere"

        def tell(self, notice):
            raise RuntimeError("token=abc")

    queue("webhook", "a", "b")
    telling(Faulty()).once()

    assert [(key, 1, False, "a fault in the program itself: RuntimeError") for key in "ab"] == state(store)


def test_a_channel_that_hangs_keeps_no_other_waiting(held, telling, hook):
    """Each has a thread of its own."""
    stops, hangs = threading.Event(), threading.Event()

    class Hanging:
        name, place = "chat", "nowhere"

        def tell(self, notice):
            hangs.wait(60)

    held("x")
    thread = threading.Thread(target=telling(Hanging(), Webhook(hook.url, "", "here")).run, args=(stops,))
    thread.start()
    try:
        give_up_at = real_time.monotonic() + 30
        while not hook.posted and real_time.monotonic() < give_up_at:
            real_time.sleep(0.05)
    finally:
        stops.set()
        hangs.set()
        thread.join(30)

    assert [("held", "x", "held")] == hook.told


def test_many_that_look_and_deliver_at_once_tell_it_once(held, telling, hook):
    """Eight threads, each with a store of its own, as eight processes have."""
    held("a", "b", "c")
    tellers = [telling(Webhook(hook.url, "", "here")) for _ in range(8)]
    barrier = threading.Barrier(8)

    def go(teller):
        barrier.wait(30)
        teller.once()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(go, tellers))
    telling(Webhook(hook.url, "", "here")).once()

    assert [("held", name, "held") for name in "abc"] == sorted(hook.told)


KILLED = """
import sys
from core.notices.channels.webhook import Webhook
from core.notices.settings import NoticeSettings
from core.notices.telling import Telling
from core.store import open_store
place, url, now = sys.argv[1:]
teller = Telling(lambda: open_store(place), NoticeSettings("here"), [Webhook(url, "", "here")], clock=lambda: int(now))
teller.once()
"""


def test_killed_between_sending_and_writing_it_down(held, telling, hook, store, place, time):
    """It was told, and is told once more after a while, with the same id; not before, and not a third time."""
    held("x")
    processes = []
    hook.on_post = lambda posted: processes[0].send_signal(signal.SIGKILL) if 1 == len(hook.posted) else None
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, place, hook.url, str(time.now)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    ) as process:
        processes.append(process)
        assert -signal.SIGKILL == process.wait(60)
    assert [("held", "x", "held")] == hook.told

    teller = telling(Webhook(hook.url, "", "here"))
    teller.once()
    assert 1 == len(hook.posted)
    time.passes(notices.CLAIM_S * SECOND)
    teller.once()
    assert 2 == len(hook.posted)
    assert 1 == len(set(told(hook)))
    time.passes(DAY)
    teller.once()
    assert 2 == len(hook.posted)


def test_killed_before_sending(held, telling, hook, store, time):
    """What was claimed and never sent is sent later."""
    held("x")
    teller = telling(Webhook(hook.url, "", "here"))
    teller.look(store)
    assert None is not notices.claim(store, "webhook", time.now)
    teller.once()
    assert [] == hook.posted
    time.passes(notices.CLAIM_S * SECOND)
    teller.once()

    assert [("held", "x", "held")] == hook.told


def test_a_late_answer_changes_nothing(queue, store, time):
    """Whoever took too long finds that another has the delivery by now."""
    queue("webhook", "a")
    late = notices.claim(store, "webhook", time.now)
    time.passes(notices.CLAIM_S * SECOND)
    other = notices.claim(store, "webhook", time.now)
    notices.put_back(store, late, time.now + DAY, message="late", is_refused=True)
    assert [("a", 2, False, "")] == state(store)
    notices.done(store, other, time.now)

    assert [("a", 2, True, "")] == state(store)


def test_what_is_too_old_is_not_told(queue, telling, hook, store, time):
    """A channel that comes back after days is not flooded with what was wrong then; later it is forgotten."""
    queue("webhook", "a")
    time.passes(2 * DAY)
    queue("webhook", "b")
    telling(Webhook(hook.url, "", "here")).once()

    assert ["b"] == told(hook)
    assert ("a", 1, True, "it was too old by the time that it could be told") == state(store)[0]
    assert 1 == notices.forget(store, time.now, 9)
    assert ["b"] == [key for key, *_ in state(store)]

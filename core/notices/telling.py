"""Look what changed, write it down, and deliver it; any number of processes may do so at once.

What changed, its notice and the deliveries are written in one transaction, so that one process alone finds that it
changed.  A channel is told by a thread of its own: one that hangs keeps no other waiting, and no run.
"""

import logging
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from core.errors import NotTold, StoreError
from core.notices.channels import Channel
from core.notices.deciding import Decision, decide, in_its_state
from core.notices.settings import NoticeSettings
from core.notices.wrong import conditions
from core.schemas.instant import DAY, SECOND, Instant
from core.schemas.notice import Condition, Notice
from core.store import notice_facts, notices
from core.store.databases.interface import Lock
from core.store.notices import Delivery

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from core.store import Store

LOOK_EVERY_S = 5.0
DELIVER_EVERY_S = 2.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 10, 900
"""After a channel that failed: 10 s, then twice as long each time, a quarter of an hour at most."""

GIVE_UP_AFTER: Instant = DAY

_log = logging.getLogger(__name__)


class Telling:
    """Tells through some channels what is not as it should be."""

    def __init__(
        self,
        open_store: "Callable[[], AbstractContextManager[Store]]",
        settings: NoticeSettings,
        channels: Sequence[Channel],
        *,
        clock: Callable[[], Instant] = lambda: time.time_ns() // 1_000,
        chance: Callable[[], float] = random.random,
        new_key: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        """Keep what is needed.

        Args:
            open_store: Opens the store; each thread has its own.
            settings: What is told, and when.
            channels: Who is told; without any, what is wrong is kept all the same.
            clock: The present instant.
            chance: From 0 up to 1.
            new_key: Gives a key that no notice has.
        """
        self._open, self._settings, self._channels = open_store, settings, tuple(channels)
        self._clock, self._chance, self._new_key = clock, chance, new_key

    def run(self, stops: threading.Event, beat: Callable[[], None] = lambda: None) -> None:
        """Look and deliver until *stops* is set; what is being sent just then may take its time-out longer.

        Args:
            stops: Set when it is to end.
            beat: Called at each look.
        """
        for channel in self._channels:
            step = partial(self._deliver_to, channel)
            threading.Thread(target=self._go_on, args=(stops, DELIVER_EVERY_S, step), daemon=True).start()

        def look(store: "Store") -> int:
            beat()
            return self.look(store)

        self._go_on(stops, LOOK_EVERY_S, look)

    def once(self) -> None:
        """Look, and deliver what is due now."""
        with self._open() as store:
            self.look(store)
            for channel in self._channels:
                while self.deliver(store, channel):
                    pass

    def look(self, store: "Store") -> int:
        """Write down what changed since anybody last looked, and return how many notices came of it."""
        now = self._clock()
        with store.reading() as connection:
            if not self._decision(connection, now):  # mostly nothing did, and no writer is disturbed
                return 0
        with store.writing(Lock.BOOKKEEPING) as connection:
            found = self._decision(connection, now)
            for item in found.drop:
                notices.drop(connection, item)
            for item in found.put:
                notices.put(connection, item)
            for made in found.notices:
                notices.add(connection, made, [channel.name for channel in self._channels])
        for made in found.notices:
            _log.info("notice made", extra=_fields(made))
        return len(found.notices)

    def deliver(self, store: "Store", channel: Channel) -> bool:
        """Tell *channel* what it is to be told next, and say whether there was something."""
        item = notices.claim(store, channel.name, self._clock())
        if item is None:
            return False
        if self._clock() - item.notice.made_at >= 2 * GIVE_UP_AFTER:  # the channel, or all of this, was away
            self._give_up(store, item, "it was too old by the time that it could be told")
            return True
        try:
            channel.tell(item.notice)
        except NotTold as error:
            self._failed(store, item, str(error), is_refusal=error.is_refusal)
        except Exception as error:  # a fault of ours, or of a library that raises what it likes
            self._failed(store, item, f"a fault in the program itself: {type(error).__name__}", is_refusal=True)
        else:
            notices.done(store, item, self._clock())
            _log.info("notice told", extra=_fields(item.notice) | {"channel": channel.name})
        return True

    def _give_up(self, store: "Store", item: Delivery, why: str) -> None:
        notices.done(store, item, self._clock(), message=why)
        said = {"channel": item.channel, "attempt": item.attempt, "why": why}
        _log.error("notice given up", extra=_fields(item.notice) | said)

    def _deliver_to(self, channel: Channel, store: "Store") -> bool:
        return self.deliver(store, channel)

    def _decision(self, connection: "Connection", now: Instant) -> Decision:
        known = notices.conditions(connection)
        facts = notice_facts.read(connection, now, known)
        has_channels = bool(self._channels)
        return decide(facts, known, self._settings, now, has_channels=has_channels, new_key=self._new_key)

    def _failed(self, store: "Store", item: Delivery, why: str, *, is_refusal: bool) -> None:
        now = self._clock()
        said = _fields(item.notice) | {"channel": item.channel, "attempt": item.attempt, "why": why}
        if now - item.notice.made_at >= GIVE_UP_AFTER:
            self._give_up(store, item, why)
            return
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(item.attempt - 1, 10)) * (0.5 + self._chance())
        due_at = now + int(pause_s * SECOND)
        notices.put_back(store, item, due_at, message=why, is_refused=is_refusal)
        _log.warning("notice not told; trying again", extra=said | {"in_s": round(pause_s)})

    def _go_on(self, stops: threading.Event, every_s: float, step: "Callable[[Store], object]") -> None:
        """Take one step after the other; when there was nothing to do, or something failed, after a pause."""
        while not stops.is_set():
            with _going_on(), self._open() as store:
                while not stops.is_set():
                    if not step(store):
                        stops.wait(every_s)
            stops.wait(every_s)


def wrong_now(store: "Store", settings: NoticeSettings, now: Instant) -> list[Condition]:
    """Return what is wrong just now, whether anybody has looked or not; ``told_by`` is of those that are known."""
    with store.reading() as connection:
        known = notices.conditions(connection)
        found = conditions(notice_facts.read(connection, now, known), known, settings, now)
    return [in_its_state(item, known.get(item.key)) for item in found]


@contextmanager
def _going_on() -> Iterator[None]:
    """Let nothing end the thread: what failed is tried at the next time."""
    try:
        yield
    except StoreError as error:
        _log.warning("the store cannot be used; notices wait", extra={"why": str(error)})
    except (
        BaseException
    ) as error:  # a fault, also one of a library's own kind, keeps nobody from hearing of the rest
        _log.error("notices met a fault and go on", extra={"fault": f"{type(error).__name__}: {error}"})


def _fields(item: Notice) -> dict[str, object]:
    return {"kind": item.kind, "subject": item.subject, "state": item.state, "notice": item.key}

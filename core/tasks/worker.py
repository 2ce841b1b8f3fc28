"""Do jobs: claim one, run its export, record how it went; try again what may go better later."""

import contextvars
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core import log
from core.errors import DefinitionError, ExportBusy, StorageError, StoreBusy, StoreError, YetiError
from core.exports.definitions.schedule import next_due, read_schedule
from core.exports.lease import is_dead, owner
from core.exports.run import run_export
from core.exports.run_result import RunResult
from core.exports.settings import Settings
from core.schemas.instant import LATEST, SECOND, Instant
from core.store import job_claims, jobs, runs, schedules
from core.store.jobs import Job

if TYPE_CHECKING:
    from core.store import Store

MOST_ATTEMPTS = 6
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30, 1_800
"""After a storage that may work again later: 30 s, then twice as long each time, half an hour at most."""

BUSY_PAUSE_S = 5
RENEW_EVERY_S = 2.0
"""So often a job is renewed, its progress put down, and looked whether it is to stop."""

_log = logging.getLogger(__name__)


class RunStopped(YetiError):
    """The run was to stop: somebody cancelled it, or its worker ends."""


@dataclass(slots=True)
class _Orders:
    """What is told to a run while it goes on, and what it tells."""

    entries: int | None = None
    is_cancelled: bool = False
    is_lost: bool = False


class Worker:
    """Does one job after the other; several may work on one store, in processes or threads of their own."""

    def __init__(
        self,
        open_store: "Callable[[], AbstractContextManager[Store]]",
        settings: Settings,
        *,
        name: str = "",
        clock: Callable[[], Instant] = lambda: time.time_ns() // 1_000,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Keep what is needed.

        Args:
            open_store: Opens the store; each thread has its own.
            settings: Of this installation.
            name: Told apart from other workers of this process.
            clock: The present instant.
            chance: From 0 up to 1.
        """
        self.owner = f"{name}@{owner()}" if name else owner()
        self._open, self._settings, self._clock, self._chance = open_store, settings, clock, chance
        self._leaves = threading.Event()

    def leave(self) -> None:
        """Let what runs be handed back at its next step; another worker begins it anew."""
        self._leaves.set()

    def plan(self, store: "Store") -> int:
        """Make jobs for what is due by schedule, and return how many."""
        now = self._clock()
        if not schedules.is_anything_due(store, now):
            return 0
        return schedules.plan(store, lambda text, before: self._next(text, before, now), now)

    def work(self, store: "Store") -> bool:
        """Do one job, and say whether there was one."""
        now = self._clock()
        if not job_claims.has_work(store, now, is_dead=is_gone):
            return False
        item = job_claims.claim(store, self.owner, now, is_dead=is_gone)
        return self._run(store, item)

    def work_on(self, store: "Store", key: int) -> bool:
        """Do the job *key* and no other, and say whether it was there to be done."""
        return self._run(store, job_claims.claim(store, self.owner, self._clock(), is_dead=is_gone, only=key))

    def _run(self, store: "Store", item: Job | None) -> bool:
        if item is None:
            return False
        with log.bind(export=item.export, job=item.id):
            self._do(store, item)
        return True

    def _do(self, store: "Store", item: Job) -> None:
        _log.info("job begun", extra={"attempt": item.attempt, "cause": item.cause})
        orders = _Orders()
        try:
            with self._renewed(item, orders):
                result = run_export(
                    store,
                    item.export,
                    self._settings,
                    now=self._clock(),
                    on_entries=lambda more: self._step(orders, more),
                )
        except (YetiError, OSError) as error:
            self._failed(store, item, orders, error)
        except BaseException:
            # Something of ours is wrong, or the process ends: a later look finds the job; nothing is lost.
            _log.exception("job broken off", extra={"attempt": item.attempt})
            raise
        else:
            self._done(store, item, result)

    def _next(self, text: str, before: Instant | None, now: Instant) -> tuple[Instant, Instant]:
        try:
            schedule = read_schedule(text)
        except DefinitionError as error:  # one that an older program took; the others are due all the same
            _log.error("a schedule cannot be read", extra={"schedule": text, "why": str(error)})
            return LATEST, LATEST
        return next_due(schedule, before, now, self._chance())

    def _step(self, orders: _Orders, more: int) -> None:
        orders.entries = (orders.entries or 0) + more
        if orders.is_cancelled:
            raise RunStopped("cancelled")
        if orders.is_lost:
            raise RunStopped("another worker has taken the job over")
        if self._leaves.is_set():
            raise RunStopped("handed back: the worker ends")

    def _done(self, store: "Store", item: Job, result: RunResult) -> None:
        message = f"held: {result.message}" if result.status == "held" else result.message
        self._finish(store, item, jobs.DONE, message)

    def _failed(self, store: "Store", item: Job, orders: _Orders, error: Exception) -> None:
        text = str(error)
        if orders.is_lost:
            _log.warning("job lost to another worker")
        elif orders.is_cancelled:
            self._finish(store, item, jobs.CANCELLED, None)
        elif isinstance(error, RunStopped):
            self._put_back(store, item, 0, text, counts=False)
        elif isinstance(error, ExportBusy | StoreBusy):
            self._put_back(store, item, BUSY_PAUSE_S, text, counts=False)
        elif isinstance(error, StorageError) and error.transient and (tried := _tried(item)) < MOST_ATTEMPTS:
            pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (tried - 1))
            # Not all that failed together come back together.
            self._put_back(store, item, pause_s * (0.5 + self._chance()), text, counts=True)
        else:
            self._finish(store, item, jobs.FAILED, text)

    def _finish(self, store: "Store", item: Job, state: str, message: str | None) -> None:
        said = {"state": state, "why": message}
        (_log.error if state == jobs.FAILED else _log.info)("job ended", extra=said)
        try:
            run_id = runs.last_run_id(store, item.export)
            job_claims.finish(store, item, state, self._clock(), message=message, run_id=run_id)
        except YetiError as error:
            _log.warning("how a job ended could not be recorded", extra=said | {"why": str(error)})

    def _put_back(self, store: "Store", item: Job, pause_s: float, message: str, *, counts: bool) -> None:
        due_at = self._clock() + int(pause_s * SECOND)
        said = {"in_s": round(pause_s), "why": message}
        _log.warning("job waits to be tried again", extra=said)
        try:
            run_id = runs.last_run_id(store, item.export)
            job_claims.put_back(store, item, due_at, message=message, counts=counts, run_id=run_id)
        except YetiError as error:
            _log.warning("that a job waits could not be recorded", extra=said | {"why": str(error)})

    @contextmanager
    def _renewed(self, item: Job, orders: _Orders) -> Iterator[None]:
        """Hold the job for a block, with a thread and a connection of its own; take down what it is told."""
        stop = threading.Event()

        def renew() -> None:
            while not stop.wait(RENEW_EVERY_S):
                try:
                    with self._open() as own:
                        self._renew(own, item, orders, stop)
                except ExportBusy:
                    orders.is_lost = True
                    return
                except StoreError:
                    continue  # busy for once; the next time is soon

        # With a copy of what is bound: what this thread logs is of the same job.
        target = contextvars.copy_context().run
        thread = threading.Thread(target=target, args=(renew,), name=f"job {item.id}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _renew(self, store: "Store", item: Job, orders: _Orders, stop: threading.Event) -> None:
        while True:
            orders.is_cancelled |= job_claims.renew(store, item, self._clock(), orders.entries)
            if stop.wait(RENEW_EVERY_S):
                return


def _tried(item: Job) -> int:
    """Return how often the storage was tried, by workers that lived on."""
    return item.attempt - item.deaths


def is_gone(name: str) -> bool:
    """Say whether the process of the worker *name* surely is gone; of another host's nothing is known."""
    return is_dead(name.rpartition("@")[2])

"""Do jobs: claim one, run its export, record how it went; try again what may go better later."""

import contextvars
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from core import log
from core.errors import DefinitionError, ExportBusy, StorageError, StoreBusy, StoreError, YetiError
from core.exports.definitions.schedule import is_too_far, next_due, read_schedule
from core.exports.lease import owner
from core.exports.run import run_export
from core.exports.run_result import RunResult
from core.exports.settings import Settings
from core.schemas.instant import LATEST, SECOND, Instant
from core.store import job_claims, jobs, runs, schedules
from core.store.health import check_schema
from core.store.jobs import Job
from core.tasks.pulse import Beat, nothing
from core.tasks.silence import Silence, is_gone

if TYPE_CHECKING:
    from core.store import Store

MOST_ATTEMPTS = 6
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30, 1_800
"""After a storage that may work again later: 30 s, then twice as long each time, half an hour at most.

No longer, but for the first pause, than until the next turn of the schedule: it would try then in any case.
"""

BUSY_PAUSE_S = 5
RENEW_EVERY_S = 2.0
"""So often a job is renewed, its progress put down, and looked whether it is to stop."""

RECORD_AGAIN_AFTER_S = 1.0
HANDED_BACK = "handed back: the worker ends"

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
        self._silence = Silence()
        self._item: Job | None = None

    def leave(self) -> None:
        """Let what runs be handed back at its next step; another worker begins it anew."""
        self._leaves.set()

    def give_back(self) -> None:
        """Let what runs be begun anew by another worker, though it came to no step; this process is about to end."""
        item = self._item
        if item is None:
            return
        try:
            with self._open() as store:
                job_claims.put_back(store, item, self._clock(), message=HANDED_BACK, counts=False)
        except YetiError as error:  # whoever finds the process gone does it
            _log.warning("a job could not be handed back", extra={"job": item.id, "why": str(error)})

    def plan(self, store: "Store") -> int:
        """Make jobs for what is due by schedule, and return how many.

        Raises:
            StoreSchemaError: A newer version has upgraded the store, and this one may not use it.
        """
        check_schema(store)
        now = self._clock()
        too_far = partial(is_too_far, now=now)
        if not schedules.is_anything_due(store, now, too_far):
            return 0
        return schedules.plan(store, lambda text, before: self._next(text, before, now), now, too_far)

    def work(self, store: "Store", beat: Beat = nothing) -> bool:
        """Do one job, and say whether there was one.

        Args:
            store: Where; opened by the same thread.
            beat: Called now and then as long as the job is held.

        Raises:
            StoreSchemaError: As `plan`.
        """
        check_schema(store)
        now = self._clock()
        if not job_claims.has_work(store, now, is_dead=is_gone, is_over=self._silence.is_over):
            return False
        return self._run(store, self._claim(store, now), beat)

    def work_on(self, store: "Store", key: int) -> bool:
        """Do the job *key* and no other, and say whether it was there to be done."""
        return self._run(store, self._claim(store, self._clock(), only=key), nothing)

    def mend(self, store: "Store") -> None:
        """See that a worker is woken for each job that waits, those included whose workers are gone."""
        now = self._clock()
        if job_claims.needs_mending(store, now, is_dead=is_gone, is_over=self._silence.is_over):
            job_claims.mend(store, now, is_dead=is_gone, is_over=self._silence.is_over)

    def _claim(self, store: "Store", now: Instant, only: int | None = None) -> Job | None:
        return job_claims.claim(store, self.owner, now, is_dead=is_gone, is_over=self._silence.is_over, only=only)

    def _run(self, store: "Store", item: Job | None, beat: Beat) -> bool:
        if item is None:
            return False
        with log.bind(export=item.export, job=item.id):
            self._item = item
            try:
                self._do(store, item, beat)
            finally:
                self._item = None
        return True

    def _do(self, store: "Store", item: Job, beat: Beat) -> None:
        _log.info("job begun", extra={"attempt": item.attempt, "cause": item.cause})
        orders = _Orders()
        with self._renewed(item, orders, beat):  # until it is recorded how it ended
            try:
                result = run_export(
                    store,
                    item.export,
                    self._settings,
                    now=self._clock(),
                    on_entries=lambda more: self._step(orders, more),
                )
            except (YetiError, OSError) as error:
                self._failed(store, item, orders, error)
            except (KeyboardInterrupt, SystemExit):
                self._put_back(store, item, 0, HANDED_BACK, counts=False)
                raise
            except BaseException as error:  # a fault of ours, or of a drop-in: another time it may go better
                fault = f"{type(error).__name__}: {error}"
                _log.error("job broken off", extra={"attempt": item.attempt, "fault": fault})
                self._try_later(store, item, f"a fault in the program itself: {fault}")
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
            raise RunStopped(HANDED_BACK)

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
        elif isinstance(error, StorageError) and error.transient:
            self._try_later(store, item, text)
        else:
            self._finish(store, item, jobs.FAILED, text)

    def _try_later(self, store: "Store", item: Job, text: str) -> None:
        tried = item.attempt - item.deaths  # by workers that lived on
        if tried >= MOST_ATTEMPTS:
            self._finish(store, item, jobs.FAILED, text)
            return
        share = 0.5 + self._chance()  # not all that failed together come back together
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (tried - 1)) * share
        longest_s = max(FIRST_PAUSE_S * share, self._until_its_turn_s(store, item))
        self._put_back(store, item, min(pause_s, longest_s), text, counts=True)

    def _until_its_turn_s(self, store: "Store", item: Job) -> float:
        """Return in how many seconds the schedule of a job's export is due again: where all is well it runs then."""
        try:
            due_at = schedules.due_at(store, item.export)
        except StoreError:  # the job is put back all the same, as soon as that can be written
            return LONGEST_PAUSE_S
        return LONGEST_PAUSE_S if due_at is None else (due_at - self._clock()) / SECOND

    def _finish(self, store: "Store", item: Job, state: str, message: str | None) -> None:
        said = {"state": state, "why": message}
        (_log.error if state == jobs.FAILED else _log.info)("job ended", extra=said)

        def write() -> None:
            run_id = runs.last_run_id(store, item.export)
            job_claims.finish(store, item, state, self._clock(), message=message, run_id=run_id)

        self._recorded(write, said)

    def _put_back(self, store: "Store", item: Job, pause_s: float, message: str, *, counts: bool) -> None:
        due_at = self._clock() + int(pause_s * SECOND)
        said = {"in_s": round(pause_s), "why": message}
        _log.warning("job waits to be tried again", extra=said)

        def write() -> None:
            run_id = runs.last_run_id(store, item.export)
            job_claims.put_back(store, item, due_at, message=message, counts=counts, run_id=run_id)

        self._recorded(write, said)

    def _recorded(self, write: Callable[[], None], said: Mapping[str, object]) -> None:
        """Write down what became of a job, as soon as the store can be used: else its run would be done once more."""
        is_said = False
        while True:
            try:
                return write()
            except StoreError as error:
                if not is_said:
                    _log.error(
                        "how a job ended could not be recorded; trying again", extra={**said, "why": str(error)}
                    )
                is_said = True
                if self._leaves.wait(RECORD_AGAIN_AFTER_S):
                    return None
            except YetiError as error:  # it is another's, or was removed
                return _log.warning("how a job ended could not be recorded", extra={**said, "why": str(error)})

    @contextmanager
    def _renewed(self, item: Job, orders: _Orders, beat: Beat) -> Iterator[None]:
        """Hold the job for a block, with a thread and a connection of its own; take down what it is told."""
        stop = threading.Event()

        def renew() -> None:
            while not stop.wait(RENEW_EVERY_S):
                beat()
                if orders.is_lost:
                    continue  # there is nothing to renew, and the run goes on to its next step
                try:
                    with self._open() as own:
                        self._renew(own, item, orders, stop, beat)
                except ExportBusy:
                    orders.is_lost = True
                except StoreError:
                    continue  # busy for once; the next time is soon
                except Exception as error:  # without this thread the job would be another's soon
                    _log.error("a job could not be renewed", extra={"fault": f"{type(error).__name__}: {error}"})

        # With a copy of what is bound: what this thread logs is of the same job.
        target = contextvars.copy_context().run
        thread = threading.Thread(target=target, args=(renew,), name=f"job {item.id}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            beat()

    def _renew(self, store: "Store", item: Job, orders: _Orders, stop: threading.Event, beat: Beat) -> None:
        while True:
            beat()
            orders.is_cancelled |= job_claims.renew(store, item, self._clock(), orders.entries)
            if stop.wait(RENEW_EVERY_S):
                return

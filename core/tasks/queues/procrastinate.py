"""Workers on any number of hosts are woken by Procrastinate, in the database that the store lies in.

A wake-up names a row of the table ``job``, and a worker does nothing without claiming that row: a wake-up too many
is one for nothing.  So those of workers that are gone are not tried again but dropped, and made anew for what waits.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ProcrastinateException
from procrastinate.jobs import Status

from core.errors import StoreError
from core.schemas.instant import SECOND
from core.store import job_claims
from core.store.databases.queue_schema import SEARCH_PATH
from core.store.health import check_schema
from core.store.wake_ups import QUEUE, TASK
from core.tasks.queues import Crew
from core.tasks.worker import BUSY_PAUSE_S

if TYPE_CHECKING:
    from procrastinate.manager import JobManager

    from core.store import Store
    from core.store.databases.postgresql import PostgresqlDatabase
    from core.tasks.worker import Worker

BEAT_EVERY_S, STALLED_AFTER_S, MEND_EVERY_S = 5.0, 20.0, 5.0
"""A worker says so often that it is there, and is gone after so long; so often that is looked for.

With `job_claims.LEASE_S` and `leases.LEASE_S` it makes less than a minute from a worker's death to the next attempt.
"""

BEGIN_AGAIN_AFTER_S = 2.0
"""So long after the queue's connection was lost it is tried again."""

FORGET_RUNS_AFTER_S = 1.0
"""So long the queue waits, at its end, for runs that it gave out; they go on without it, and may take hours."""

_log = logging.getLogger(__name__)


def loops(crew: Crew, database: "PostgresqlDatabase") -> list[Callable[[], None]]:
    """Return one that makes jobs of what is due and looks after those that wait, and one that does them."""
    logging.getLogger("procrastinate").setLevel(logging.WARNING)  # a worker of ours says what it does
    queue = _Queue(crew, database)
    return [queue.look_after, queue.work]


class _Queue:
    def __init__(self, crew: Crew, database: "PostgresqlDatabase") -> None:
        self._crew, self._database = crew, database
        self._mended_at = float("-inf")
        self._planning, self._waking = crew.pulses.of("planning"), crew.pulses.of("waking")
        self._doing: set[int] = set()
        self._idle: SimpleQueue[_Seat] = SimpleQueue()
        for worker in crew.workers:
            self._idle.put(_Seat(worker, crew))

    def look_after(self) -> None:
        """Make jobs of what is due by schedule; see that a worker is woken for each that waits."""
        while not self._crew.stops.is_set():
            try:
                with self._crew.open_store() as store:
                    self._look_after(store)
            except StoreError as error:
                _log.error("the store cannot be used; trying again", extra={"why": str(error)})
            except Exception as error:  # what waits is looked after all the same
                _log.error("planning met a fault", extra={"fault": f"{type(error).__name__}: {error}"})
            self._planning()
            self._crew.stops.wait(self._crew.look_every_s)

    def _look_after(self, store: "Store") -> None:
        worker = self._crew.workers[0]
        while not self._crew.stops.is_set():
            self._planning()
            worker.plan(store)
            self._planning()
            if time.monotonic() - self._mended_at >= MEND_EVERY_S:
                self._mended_at = time.monotonic()
                worker.mend(store)
            self._crew.stops.wait(self._crew.look_every_s)

    def work(self) -> None:
        """Do jobs when woken, until the crew stops and what runs has ended."""
        while not self._crew.stops.is_set():
            self._waking()
            try:
                with self._database.errors():
                    asyncio.run(self._serve())
            except (StoreError, ProcrastinateException) as error:
                said = str(error.__cause__ or error)
                _log.error("the queue cannot be used; trying again", extra={"why": " ".join(said.split())})
            except Exception as error:  # what waits is done all the same
                _log.error(
                    "the queue met a fault and goes on", extra={"fault": f"{type(error).__name__}: {error}"}
                )
            self._crew.stops.wait(BEGIN_AGAIN_AFTER_S)
        for _ in self._crew.workers:  # a run that outlived the queue's connection goes on to its end, too
            self._idle.get().leave()

    async def _serve(self) -> None:
        asyncio.get_running_loop().set_exception_handler(_on_fault)
        address, parameters = self._database.parameters
        app = App(
            connector=PsycopgConnector(
                conninfo=address, kwargs=parameters, configure=_configure, min_size=1, max_size=4
            )
        )
        app.task(name=TASK, queue=QUEUE)(self._do)
        async with app.open_async():
            served = asyncio.create_task(
                app.run_worker_async(
                    queues=[QUEUE],
                    concurrency=len(self._crew.workers),
                    fetch_job_polling_interval=self._crew.look_every_s,
                    delete_jobs="always",
                    install_signal_handlers=False,
                    update_heartbeat_interval=BEAT_EVERY_S,
                    stalled_worker_timeout=STALLED_AFTER_S,
                    shutdown_graceful_timeout=FORGET_RUNS_AFTER_S,
                )
            )
            await self._until_stopped(app, served)
            served.cancel()  # nothing more is begun, and what runs goes on to its end
            with suppress(asyncio.CancelledError):
                await served

    async def _until_stopped(self, app: App, served: "asyncio.Task[None]") -> None:
        """Drop the wake-ups of workers that are gone, now and then, until there is an end to be made.

        If this one counts as gone, too, the part of the queue failed by which others know that it lives.
        """
        freed_at = float("-inf")
        while not self._crew.stops.is_set() and not served.done():
            self._waking()
            if time.monotonic() - freed_at >= MEND_EVERY_S:
                if self._doing & await drop_stalled(app.job_manager):
                    _log.error("the queue takes this process for gone; beginning anew")
                    return
                freed_at = time.monotonic()
            await asyncio.wait([served], timeout=0.2)

    async def _do(self, job: int) -> None:
        """Do a job in a thread that the process does not wait for when it ends."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        self._doing.add(job)

        def do() -> None:
            try:
                self._claim_and_run(job)
            finally:
                with suppress(RuntimeError):  # the loop was lost meanwhile
                    loop.call_soon_threadsafe(ended.set)

        threading.Thread(target=do, name=f"run of job {job}", daemon=True).start()
        try:
            await ended.wait()
        finally:
            self._doing.discard(job)

    def _claim_and_run(self, job: int) -> None:
        try:
            if not self._do_with_idle(job):
                with self._crew.open_store() as store:
                    job_claims.wake_again(store, job, time.time_ns() // 1_000 + BUSY_PAUSE_S * SECOND)
        except StoreError as error:
            _log.error("the store cannot be used; the job is found again", extra={"job": job, "why": str(error)})
        except BaseException as error:  # a fault of ours in one export keeps no other from its run
            _log.error("a worker met a fault and goes on", extra={"fault": f"{type(error).__name__}: {error}"})

    def _do_with_idle(self, job: int) -> bool:
        """Do a job if a worker is idle; none may be: a run outlives the connection by which it was given out."""
        try:
            seat = self._idle.get_nowait()
        except Empty:
            return False
        try:
            return seat.work_on(job)
        finally:
            self._idle.put(seat)


class _Seat:
    """A worker and its store, which stays open from one job to the next: to open one costs more than a small run."""

    def __init__(self, worker: "Worker", crew: Crew) -> None:
        self._worker, self._open = worker, crew.open_store
        self._store: Store | None = None
        self._opened = ExitStack()

    def work_on(self, job: int) -> bool:
        """Do a job, and say whether it was there to be done; after an error the store is opened anew.

        Raises:
            StoreSchemaError: A newer version has upgraded the store, and this one may not use it.
            StoreError: It cannot be used.
        """
        try:
            if self._store is None:
                self._store = self._opened.enter_context(self._open())
            else:
                check_schema(self._store)  # looked at as when it is opened
            return self._worker.work_on(self._store, job)
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """Close the store."""
        self._store = None
        self._opened.close()


async def drop_stalled(manager: "JobManager") -> set[int]:
    """Drop the wake-ups that workers had who are gone: they keep others of the same export from being given out.

    Returns:
        The jobs that those were of.
    """
    dropped: set[Any] = set()
    for item in await manager.get_stalled_jobs(
        queue=QUEUE, task_name=TASK, seconds_since_heartbeat=STALLED_AFTER_S
    ):
        _log.warning("a worker is gone", extra={"job": item.task_kwargs.get("job")})
        dropped.add(item.task_kwargs.get("job"))
        with suppress(ProcrastinateException):  # somebody else did it
            await manager.finish_job(item, Status.FAILED, delete_job=True)
    return dropped


async def _configure(connection: "psycopg.AsyncConnection[Any]") -> None:
    await connection.execute(SEARCH_PATH)
    await connection.commit()


def _on_fault(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # As a rule a wake-up that was dropped meanwhile; the table has what counts.
    error = context.get("exception")
    cause = getattr(error, "__cause__", None) or error or context.get("message")
    _log.warning("the queue met a fault and goes on", extra={"why": " ".join(str(cause).split())})

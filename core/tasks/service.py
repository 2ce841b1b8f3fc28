"""The service ``tasks``: workers that go on until they are told to stop."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from core.exports.lease import owner
from core.exports.settings import Settings
from core.tasks.presence import present
from core.tasks.pulse import Beat, Pulses
from core.tasks.queues import Crew, loops
from core.tasks.tidying import Keep, tidy_or_say
from core.tasks.worker import Worker

if TYPE_CHECKING:
    from core.store import Store

TIDY_EVERY_S = 3_600
LOOK_EVERY_S = 1.0
"""So often an idle worker looks for what is due."""

_GO_ON_EVERY_S = 0.2
"""So often the main thread looks whether all loops go on."""

OTHERS_GRACE_S = 2.0
"""So long is waited for what goes on beside the workers: it loses nothing when it is cut off."""

HURRIED_GRACE_S = 2.0
"""So long a run may take to its next step once nothing is waited for any more."""

END_AFTER_S = 600.0
"""When a loop has said nothing for so long, the process ends: one that is begun anew may do better."""

Beside = Callable[[threading.Event, Beat], None]
"""What goes on until the event is set, and calls the other whenever it goes round."""

_log = logging.getLogger(__name__)


class TaskService:
    """Some workers, and what lets them know that a job waits."""

    def __init__(
        self,
        open_store: "Callable[[], AbstractContextManager[Store]]",
        settings: Settings,
        *,
        workers: int = 1,
        grace_s: float = 20.0,
        keep: Keep | None = None,
        look_every_s: float = LOOK_EVERY_S,
        beside: Mapping[str, Beside] = MappingProxyType({}),
    ) -> None:
        """Keep what is needed.

        Args:
            open_store: Opens the store.
            settings: Of this installation.
            workers: How many exports may run at once.
            grace_s: So long a run may go on after `stop`; then it is handed back.
            keep: For how long things are kept that are of the past.
            look_every_s: How often an idle worker looks.
            beside: What else goes on, each in a thread of its own, by name.
        """
        names = [f"worker-{number}" if workers > 1 else "" for number in range(1, workers + 1)]
        self._workers = [Worker(open_store, settings, name=name) for name in names]
        self._open, self._grace_s, self._look_every_s = open_store, grace_s, look_every_s
        self._beside = dict(beside)
        self._keep = keep or Keep()
        self._stops, self._asked, self._heard = threading.Event(), 0, 0
        self._told: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._pulses = Pulses()
        self._said_silent: list[str] = []

    def tidy(self) -> None:
        """Forget what is kept no longer."""
        tidy_or_say(self._open, self._keep, time.time_ns() // 1_000, self._stops.is_set)

    def stop(self) -> None:
        """Begin nothing any more; may be called by a signal handler, and twice: then nothing is waited for."""
        # A handler runs in the middle of whatever the main thread does, which may hold the lock of the event; to put
        # something into such a queue asks for none.
        self._asked += 1
        self._told.put(None)

    def run(self) -> bool:
        """Work until `stop` is called and what runs has ended, or was handed back; say whether it was called.

        It ends as well when one of its loops does, or has hung for long: half of the work would be done, and nobody
        be told.  Better none, and a new process.
        """
        with present(self._open, owner(), goes_on=self._goes_on):
            return self._run()

    def _hear(self) -> None:
        """Let all loops know, once `stop` was called or the service ends by itself."""
        self._told.get()
        self._stops.set()

    def _goes_on(self) -> bool:
        return self._asked > 0 or not self._pulses.silent()

    def _run(self) -> bool:
        crew = Crew(self._open, self._workers, self._stops, self._look_every_s, self._pulses)
        threads = [_thread(f"loop {number}", loop) for number, loop in enumerate(loops(crew), 1)]
        others = [
            _thread(name, partial(run, self._stops, self._pulses.of(name))) for name, run in self._beside.items()
        ]
        for thread in [_thread("signals", self._hear), *threads, *others]:
            thread.start()
        _log.info("tasks began", extra={"workers": len(self._workers)})
        tidied_at = float("-inf")
        while not self._stops.wait(_GO_ON_EVERY_S) and self._all_go_on(threads + others):
            if time.monotonic() - tidied_at > TIDY_EVERY_S:
                self.tidy()
                tidied_at = time.monotonic()
        if was_asked := self._asked > 0:
            _log.info("stopping: what runs is finished or handed back")
        self._heard = min(1, self._asked)
        self._told.put(None)
        self._stops.set()
        self._end(threads)
        for thread in others:
            thread.join(OTHERS_GRACE_S)
        _log.info("tasks ended", extra={"left": sum(thread.is_alive() for thread in threads)})
        return was_asked

    def _all_go_on(self, threads: Sequence[threading.Thread]) -> bool:
        ended = [thread.name for thread in threads if not thread.is_alive()]
        if ended and not self._asked:
            _log.error("a loop ended by itself, and so does the process", extra={"loops": ", ".join(ended)})
        silent = self._pulses.silent()
        if silent != self._said_silent:
            say = _log.error if silent else _log.info
            say(
                "loops hang: this process counts as gone" if silent else "all loops go on", extra={"loops": silent}
            )
        self._said_silent = silent
        if hang := self._pulses.silent(END_AFTER_S):
            _log.error("loops hang for good, and the process ends", extra={"loops": ", ".join(hang)})
        return not ended and not hang

    def _end(self, threads: Sequence[threading.Thread]) -> None:
        """Let what runs end, as long as it may; then hand it back, at its next step, or without."""
        self._wait(threads, self._grace_s)
        for worker in self._workers:
            worker.leave()
        self._wait(threads, self._grace_s)
        if self._is_hurried():
            self._wait(threads, HURRIED_GRACE_S, hurries=False)
        for worker in self._workers:
            worker.give_back()

    def _is_hurried(self) -> bool:
        """Say whether `stop` was called once more since the end began."""
        return self._asked > self._heard

    def _wait(self, threads: Sequence[threading.Thread], for_s: float, *, hurries: bool = True) -> None:
        """Wait for the end of all, but not when somebody is in a hurry."""
        give_up_at = time.monotonic() + for_s
        while any(thread.is_alive() for thread in threads) and time.monotonic() < give_up_at:
            if hurries and self._is_hurried():
                return
            time.sleep(0.05)


def _thread(name: str, run: Callable[[], None]) -> threading.Thread:
    """Return a thread that says why it dies, if it does."""

    def guarded() -> None:
        try:
            run()
        except BaseException as error:
            _log.error("a loop died", extra={"loop": name, "fault": f"{type(error).__name__}: {error}"})

    return threading.Thread(target=guarded, name=name, daemon=True)

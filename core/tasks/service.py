"""The service ``tasks``: workers that go on until they are told to stop."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from core.errors import StoreError
from core.exports.lease import owner
from core.exports.settings import Settings
from core.tasks.presence import present
from core.tasks.queues import Crew, loops
from core.tasks.tidying import Keep, tidy
from core.tasks.worker import Worker

if TYPE_CHECKING:
    from core.store import Store

TIDY_EVERY_S = 3_600
LOOK_EVERY_S = 1.0
"""So often an idle worker looks for what is due."""

OTHERS_GRACE_S = 2.0
"""So long is waited for what goes on beside the workers: it loses nothing when it is cut off."""

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
        beside: Sequence[Callable[[threading.Event], None]] = (),
    ) -> None:
        """Keep what is needed.

        Args:
            open_store: Opens the store.
            settings: Of this installation.
            workers: How many exports may run at once.
            grace_s: So long a run may go on after `stop`; then it is handed back.
            keep: For how long things are kept that are of the past.
            look_every_s: How often an idle worker looks.
            beside: What else goes on, each in a thread of its own, until the event that it is given is set.
        """
        names = [f"worker-{number}" if workers > 1 else "" for number in range(1, workers + 1)]
        self._workers = [Worker(open_store, settings, name=name) for name in names]
        self._open, self._grace_s, self._look_every_s = open_store, grace_s, look_every_s
        self._beside = tuple(beside)
        self._keep = keep or Keep()
        self._stops = threading.Event()

    def tidy(self) -> None:
        """Forget what is kept no longer."""
        try:
            with self._open() as store:
                numbers = tidy(store, self._keep, time.time_ns() // 1_000)
        except StoreError as error:
            _log.warning("what is kept no longer could not be forgotten", extra={"why": str(error)})
            return
        if numbers:
            _log.info("forgotten what is kept no longer", extra=numbers)

    def stop(self) -> None:
        """Begin nothing any more; may be called by a signal handler, and twice: then nothing is waited for."""
        if self._stops.is_set():
            self._hand_back()
        self._stops.set()

    @property
    def is_stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stops.is_set()

    def run(self) -> bool:
        """Work until `stop` is called and what runs has ended, or was handed back; say whether it was called."""
        with present(self._open, owner()):
            return self._run()

    def _run(self) -> bool:
        crew = Crew(self._open, self._workers, self._stops, self._look_every_s)
        threads = [threading.Thread(target=loop, daemon=True) for loop in loops(crew)]
        others = [threading.Thread(target=run, args=(self._stops,), daemon=True) for run in self._beside]
        for thread in threads + others:
            thread.start()
        _log.info("tasks began", extra={"workers": len(self._workers)})
        tidied_at = float("-inf")
        # Without one of them half of the work would be done, and nobody be told: better none, and a new process.
        while not self._stops.wait(0.2) and all(thread.is_alive() for thread in threads):
            if time.monotonic() - tidied_at > TIDY_EVERY_S:
                self.tidy()
                tidied_at = time.monotonic()
        was_asked = self._stops.is_set()
        self._stops.set()
        give_up_at = time.monotonic() + self._grace_s
        for thread in threads:
            thread.join(max(0.0, give_up_at - time.monotonic()))
        self._hand_back()
        for thread in threads:
            thread.join(self._grace_s)
        for thread in others:
            thread.join(OTHERS_GRACE_S)
        _log.info("tasks ended", extra={"left": sum(thread.is_alive() for thread in threads)})
        return was_asked

    def _hand_back(self) -> None:
        for worker in self._workers:
            worker.leave()

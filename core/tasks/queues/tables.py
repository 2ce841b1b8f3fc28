"""Workers of one host look into the table, each for itself."""

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from core.errors import StoreError
from core.tasks.queues import Crew

if TYPE_CHECKING:
    from core.tasks.worker import Worker

_log = logging.getLogger(__name__)


def loops(crew: Crew) -> list[Callable[[], None]]:
    """Return a loop for each worker."""
    return [partial(_work, crew, worker) for worker in crew.workers]


def _work(crew: Crew, worker: "Worker") -> None:
    beat = crew.pulses.of(worker.owner)
    while not crew.stops.is_set():
        try:
            with crew.open_store() as store:
                while not crew.stops.is_set():
                    beat()
                    worker.plan(store)
                    beat()
                    if not worker.work(store, beat):
                        crew.stops.wait(crew.look_every_s)
        except StoreError as error:
            _log.error("the store cannot be used; trying again", extra={"why": str(error)})
        except Exception as error:  # a fault of ours in one export keeps no other from its run
            _log.error("a worker met a fault and goes on", extra={"fault": f"{type(error).__name__}: {error}"})
        beat()
        crew.stops.wait(crew.look_every_s)

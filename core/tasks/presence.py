"""Let others know that this process of a service does its work, for as long as it does: that its loops go on."""

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from core.errors import StoreError
from core.schemas.instant import Instant
from core.store import workers

if TYPE_CHECKING:
    from core.store import Store

RENEW_EVERY_S = 10.0
"""A sixth of what counts as gone (`core.store.workers.SEEN_WITHIN_S`): a store that is busy for a while is no death."""

_log = logging.getLogger(__name__)


@contextmanager
def present(
    open_store: "Callable[[], AbstractContextManager[Store]]",
    name: str,
    *,
    goes_on: Callable[[], bool] = lambda: True,
    clock: Callable[[], Instant] = lambda: time.time_ns() // 1_000,
    every_s: float = RENEW_EVERY_S,
    service: str = workers.TASKS,
) -> Iterator[None]:
    """Keep a row of the table ``worker`` for a block, by a thread with a store of its own; remove it at the end.

    Args:
        open_store: Opens the store.
        name: Of this process.
        goes_on: Whether the process does what it is there for: if not, the row is left to get old.
        clock: The present instant.
        every_s: How often the row is renewed.
        service: That the process is of.
    """
    began_at, ends = clock(), threading.Event()

    def beat() -> None:
        while True:
            if goes_on():
                _tried(open_store, lambda store: workers.seen(store, name, began_at, clock(), service=service))
            if ends.wait(every_s):
                break
        _tried(open_store, lambda store: workers.gone(store, name, service=service))

    thread = threading.Thread(target=contextvars.copy_context().run, args=(beat,), name="presence", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        # A store that somebody holds for long is not waited for: whoever looks finds the row too old in a minute.
        thread.join(5)


def _tried(open_store: "Callable[[], AbstractContextManager[Store]]", work: "Callable[[Store], None]") -> None:
    try:
        with open_store() as store:
            work(store)
    except StoreError as error:
        _log.warning("that this process works could not be put down", extra={"why": str(error)})
    except Exception as error:  # without this thread a process that works would count as gone
        said = {"fault": f"{type(error).__name__}: {error}"}
        _log.error("that this process works could not be put down", extra=said)

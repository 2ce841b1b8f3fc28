"""Count who fetched which version in memory, and write that down every few seconds: never a write for a request."""

import logging
import threading
from collections.abc import Callable, Iterable

from core.api.services import Services
from core.schemas.instant import Instant
from core.store import fetches
from core.store.fetches import Fetched, FetchKey

EVERY_S = 5.0
_LONGEST_AGENT = 200

_log = logging.getLogger(__name__)


class FetchLog:
    """What happened since it was last written down; a process that is killed loses that much."""

    def __init__(self, services: Services, *, every_s: float = EVERY_S) -> None:
        """Count from now on; `start` begins to write."""
        self._services, self._every_s = services, every_s
        self._counts: dict[FetchKey, Fetched] = {}
        self._lock = threading.Lock()
        self._ends = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, key: FetchKey, now: Instant, *, size_bytes: int | None, address: str, agent: str) -> None:
        """Count one request; *size_bytes* is what was sent, ``None`` if it was told that nothing changed."""
        with self._lock:
            item = self._counts.get(key)
            if item is None:
                item = self._counts[key] = Fetched(now, now)
            item.last_at, item.address = now, address
            item.agent = "".join(filter(str.isprintable, agent[:_LONGEST_AGENT]))
            if size_bytes is None:
                item.unchanged += 1
            else:
                item.full += 1
                item.size_bytes += size_bytes

    def start(self) -> None:
        """Begin to write down, in a thread."""
        self._thread = threading.Thread(target=self._go_on, name="fetches", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write down what is left, and end."""
        self._ends.set()
        if self._thread is not None:
            self._thread.join()
        self._guarded(self.write)

    def write(self) -> None:
        """Write down what was counted.

        Raises:
            StoreError: It could not be written; it is still counted, as after any other error.
        """
        with self._lock:
            taken, self._counts = self._counts, {}
        if not taken:
            return
        try:
            with self._services.store() as store:
                left = fetches.record(store, taken.items())
        except BaseException:
            self._count_again(taken.items())
            raise
        self._count_again(left)

    def _count_again(self, items: Iterable[tuple[FetchKey, Fetched]]) -> None:
        with self._lock:
            for key, item in items:
                self._counts[key] = _together(item, self._counts.get(key))

    def _go_on(self) -> None:
        while not self._ends.wait(self._every_s):
            self._guarded(self.write)

    def _guarded(self, write: Callable[[], None]) -> None:
        try:
            write()
        except Exception as error:  # the thread goes on, whatever it was
            _log.warning("who fetched what could not be written down yet", extra={"why": str(error)})


def _together(earlier: Fetched, later: Fetched | None) -> Fetched:
    if later is None:
        return earlier
    return Fetched(
        earlier.first_at,
        later.last_at,
        earlier.full + later.full,
        earlier.unchanged + later.unchanged,
        earlier.size_bytes + later.size_bytes,
        later.address,
        later.agent,
    )

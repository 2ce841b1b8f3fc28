"""Count who fetched which version in memory, and write that down every few seconds: never a write for a request."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from core.api.services import Services
from core.schemas.instant import Instant
from core.store import fetches
from core.store.fetches import LONGEST_TIME, ONE_TIME, Fetched, FetchKey, TokenUse
from core.store.standings import NO_VERSION

EVERY_S = 5.0
_LONGEST_AGENT = 200

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Asking:
    """One time of asking that goes on."""

    began_at: Instant
    last_at: Instant


class FetchLog:
    """What happened since it was last written down; a process that is killed loses that much."""

    def __init__(self, services: Services, *, every_s: float = EVERY_S) -> None:
        """Count from now on; `start` begins to write."""
        self._services, self._every_s = services, every_s
        self._counts: dict[FetchKey, Fetched] = {}
        self._uses: dict[int, TokenUse] = {}
        self._askings: dict[tuple[int, int], _Asking] = {}
        self._lock = threading.Lock()
        self._ends = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, key: FetchKey, now: Instant, *, size_bytes: int | None, address: str, agent: str) -> None:
        """Count one request.

        Args:
            key: Who asked for which version.
            now: The present instant.
            size_bytes: What was sent; ``None`` if it was told that nothing changed, or only asked.
            address: Where it asked from.
            agent: What it calls itself.
        """
        with self._lock:
            begins, is_after_silence = self._begins(key, now)
            item = self._counts.get(key)
            if item is None:
                item = self._counts[key] = Fetched(now, now, is_after_silence=is_after_silence)
            item.last_at, item.address = now, address
            item.agent = "".join(filter(str.isprintable, agent[:_LONGEST_AGENT]))
            item.asked += begins
            item.size_bytes += size_bytes or 0
            if size_bytes is None or key.version == NO_VERSION:
                item.unchanged += 1
            else:
                item.full += 1

    def saw(self, token: int, now: Instant, *, is_refused: bool = False) -> None:
        """Put down that a token let somebody in, or is refused since it ended.

        Args:
            token: Its row id.
            now: The present instant.
            is_refused: Whether it is.
        """
        with self._lock:
            use = self._uses.setdefault(token, TokenUse())
            if is_refused:
                use.refused_at = now
            else:
                use.used_at = now

    def _begins(self, key: FetchKey, now: Instant) -> tuple[bool, bool]:
        """Say whether a time of asking begins, and whether it does after a silence."""
        pair = (key.consumer, key.export)
        asking = self._askings.get(pair)
        is_after_silence = asking is None or now - asking.last_at > ONE_TIME
        if asking is None or is_after_silence or now - asking.began_at > LONGEST_TIME:
            self._askings[pair] = _Asking(now, now)
            return True, is_after_silence
        asking.last_at = now
        return False, False

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
            uses, self._uses = self._uses, {}
        if not taken and not uses:
            return
        try:
            with self._services.store() as store:
                left = fetches.record(store, taken.items(), uses)
        except BaseException:
            self._count_again(taken.items())
            self._see_again(uses)
            raise
        self._count_again(left)

    def _count_again(self, items: Iterable[tuple[FetchKey, Fetched]]) -> None:
        with self._lock:
            for key, item in items:
                self._counts[key] = _together(item, self._counts.get(key))

    def _see_again(self, uses: Mapping[int, TokenUse]) -> None:
        with self._lock:
            for token, earlier in uses.items():
                use = self._uses.setdefault(token, TokenUse())
                use.used_at = use.used_at or earlier.used_at
                use.refused_at = use.refused_at or earlier.refused_at

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
        earlier.asked + later.asked,
        earlier.is_after_silence,
    )

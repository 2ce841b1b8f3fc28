"""Whether loops go on: each says so whenever it goes round, and one that says nothing for long hangs."""

import threading
import time
from collections.abc import Callable

SILENT_AFTER_S = 120.0
"""Twice as long as a store that is busy lets anybody wait (`core.store.databases`), which is the longest step there is."""

Beat = Callable[[], None]


class Pulses:
    """When each of some loops last went round, by a clock that does not go on while the host sleeps."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Know of no loop.

        Args:
            clock: The present time in seconds.
        """
        self._clock = clock
        self._last: dict[str, float] = {}
        self._lock = threading.Lock()

    def of(self, name: str) -> Beat:
        """Return what the loop *name* calls whenever it goes round; from here on it must."""

        def beat() -> None:
            with self._lock:
                self._last[name] = self._clock()

        beat()
        return beat

    def silent(self, for_s: float = SILENT_AFTER_S) -> list[str]:
        """Return the loops, by name, that have said nothing for so many seconds."""
        now = self._clock()
        with self._lock:
            return sorted(name for name, last in self._last.items() if now - last >= for_s)


def nothing() -> None:
    """Say nothing: the beat of what no loop does."""

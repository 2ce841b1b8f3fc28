"""An answer that is kept for a moment, so that asking often costs nothing."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """Makes a thing when it is asked for, and keeps it; one thread makes it, the others get the one before."""

    def __init__(self, make: Callable[[], T], for_s: float) -> None:
        """Keep how it is made, and how many seconds it is good for."""
        self._make, self._for_s = make, for_s
        self._making = threading.Lock()
        self._found: tuple[float, T] | None = None

    def get(self) -> T:
        """Return it; what making it raises is raised here, and nothing is kept."""
        found = self._found
        if found is not None and self._is_good(found):
            return found[1]
        if not self._making.acquire(blocking=found is None):
            assert found is not None  # noqa: S101 - otherwise it was waited for
            return found[1]
        try:
            if self._found is None or not self._is_good(self._found):
                self._found = (time.monotonic(), self._make())
            return self._found[1]
        finally:
            self._making.release()

    def _is_good(self, found: tuple[float, T]) -> bool:
        return time.monotonic() - found[0] < self._for_s

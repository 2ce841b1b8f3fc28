"""The size and SHA-256 of what is written, made beside the writing where that pays."""

import hashlib
from collections.abc import Callable
from contextlib import ExitStack

from core.behind import behind

_LARGE_BYTES = 8 << 20
"""From here on the bytes are hashed by a thread of its own; a smaller file is done sooner without."""

_PIECE_BYTES = 1 << 18
"""So much is handed to that thread at once: a call costs as much as hashing some 20 kB."""


class Digest:
    """Counts and hashes bytes in the order they come; to be closed."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self._sha256 = hashlib.sha256()
        self._pending = bytearray()
        self._thread: ExitStack | None = None
        self._later: Callable[[bytes | bytearray], None] | None = None

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes; they may be changed once this returns."""
        size = memoryview(data).nbytes
        self.size_bytes += size
        if self._later is None:
            if self.size_bytes < _LARGE_BYTES:
                self._sha256.update(data)
                return
            self._thread = ExitStack()
            self._later = self._thread.enter_context(behind(self._sha256.update))
        if isinstance(data, bytes) and size >= _PIECE_BYTES:  # nobody changes it: no need for a copy
            self._hand_over()
            self._later(data)
            return
        self._pending += data
        if len(self._pending) >= _PIECE_BYTES:
            self._hand_over()

    def finish(self) -> tuple[int, str]:
        """Return how many bytes there were, and their SHA-256 in hexadecimal."""
        self._hand_over()
        self.close()
        return self.size_bytes, self._sha256.hexdigest()

    def close(self) -> None:
        """End the thread, if there is one; what is not hashed yet is forgotten."""
        if self._thread is not None:
            self._thread.close()

    def _hand_over(self) -> None:
        if self._pending and self._later is not None:
            self._later(self._pending)
            self._pending = bytearray()

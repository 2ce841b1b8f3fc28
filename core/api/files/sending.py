"""Send bytes of an object as they come from the storage: a piece at a time is in memory, whatever the size."""

import asyncio
import hashlib
import io
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from typing import BinaryIO

from starlette.types import Receive, Send

from core.api.files.catalog import Header, Representation
from core.api.files.ranges import Part
from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import StorageCorrupt, YetiError

_PIECE_BYTES = 1 << 18
_THREADS = 16

_log = logging.getLogger(__name__)


class Objects:
    """What lies under ``system.versions_path``, to be read by requests.

    Args:
        versions_path: A storage path.
    """

    def __init__(self, versions_path: str) -> None:
        self._path = versions_path
        self._pool = ThreadPoolExecutor(_THREADS, "files")

    @property
    def storage(self) -> Storage:
        """The storage, taken into use by the thread that asks."""
        return Storage(get_client(self._path))

    @property
    def holds_text_only(self) -> bool:
        """Whether nothing but text can be kept there, so that no codings are."""
        return not hasattr(self.storage.client, "open_writer")

    def open(self, name: str) -> BinaryIO:
        """Return an object as a file.

        Raises:
            StorageError: It is gone, or cannot be read.
        """
        return self.storage.open_reader(name)

    def threads(self) -> tuple[Executor, Callable[[], None]]:
        """Return what blocking calls for one transfer run in, and what ends that."""
        if "threads" in getattr(self.storage.client, "CANNOT_PROMISE", ()):
            own = ThreadPoolExecutor(1, "file")
            return own, lambda: own.shutdown(wait=False)
        return self._pool, lambda: None

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Transfer:
    """Sends one representation, or a part of it; ``sent_bytes`` says how much was."""

    def __init__(
        self, objects: Objects, item: Representation, part: Part | None, *, is_checked: bool = False
    ) -> None:
        """Keep what is to be sent; *is_checked*: the last piece of the whole only if all is what was kept."""
        self._objects, self._item = objects, item
        self._part = part or Part(0, item.size_bytes)
        self._sha256 = hashlib.sha256() if is_checked and part is None else None
        self.sent_bytes = 0

    async def __call__(self, receive: Receive, send: Send, status: int, headers: Sequence[Header]) -> bool:
        """Send it, and say whether all of it was.

        What breaks in the middle is cut off: the client sees that it did not get all, and never a wrong end.

        Raises:
            YetiError: It cannot be read; nothing was sent.
        """
        executor, end = self._objects.threads()
        loop = asyncio.get_running_loop()
        source: BinaryIO | None = None
        gone: asyncio.Task[None] | None = None
        try:
            source = await loop.run_in_executor(executor, self._open)
            left = self._part.size_bytes
            piece = await loop.run_in_executor(executor, self._read, source, left)
            await send({"type": "http.response.start", "status": status, "headers": list(headers)})
            if left > len(piece):
                gone = asyncio.ensure_future(_disconnected(receive))
            while True:
                left -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
                self.sent_bytes += len(piece)
                if left <= 0:
                    return True
                if gone is not None and gone.done():
                    return False
                try:
                    piece = await loop.run_in_executor(executor, self._read, source, left)
                except YetiError as error:
                    # Without an end the server closes the connection.
                    _log.error("a file broke off while it was sent", extra={"why": str(error)})
                    return False
        finally:
            if gone is not None:
                gone.cancel()
            if source is not None:
                with suppress(RuntimeError):  # the threads have ended with the service
                    executor.submit(source.close)
            end()

    def _open(self) -> BinaryIO:
        item = self._item
        source = item.path.open("rb") if item.path is not None else self._objects.open(item.object)
        try:
            _wind(source, self._part.start)
        except BaseException:
            source.close()
            raise
        return source

    def _read(self, source: BinaryIO, left: int) -> bytes:
        """Return the next piece, whole unless the last."""
        wanted = min(left, _PIECE_BYTES)
        found = source.read(wanted)
        while len(found) < wanted:
            more = source.read(wanted - len(found))
            if not more:
                raise StorageCorrupt(f"{self._item.object} is shorter than it was when it was kept")
            found += more
        if self._sha256 is not None:
            self._sha256.update(found)
            if left == len(found) and self._item.etag != f'"{self._sha256.hexdigest()}"':
                raise StorageCorrupt(f"{self._item.object} is not what was kept")
        return found


def _wind(source: BinaryIO, start: int) -> None:
    """Go to a place of a file, by reading up to it where it cannot be wound."""
    if not start:
        return
    if source.seekable():
        source.seek(start, io.SEEK_SET)
        return
    while start:
        read = len(source.read(min(start, _PIECE_BYTES)))
        if not read:
            raise StorageCorrupt("an object is shorter than it was when it was kept")
        start -= read


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

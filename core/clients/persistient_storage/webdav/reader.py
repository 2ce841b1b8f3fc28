"""Read one file over WebDAV so that it is whole, whatever the server does meanwhile."""

from collections.abc import Callable
from typing import Any

from core.clients.persistient_storage.reader import PieceReader
from core.clients.persistient_storage.remote_tree import Entry
from core.clients.persistient_storage.webdav.connection import ask, pause
from core.clients.persistient_storage.webdav.errors import asking
from core.clients.persistient_storage.webdav.tree import DavTree
from core.errors import (
    FileMissing,
    StorageCorrupt,
    StorageTimeout,
    StorageUnavailable,
)

_OPEN_ATTEMPTS = 12
_WITH_BYTES = (200, 206)


class DavReader(PieceReader):
    """The bytes of a file; a connection that breaks is made anew once, and the same file read on."""

    def __init__(self, tree: DavTree, name: str) -> None:
        self._tree, self._name, self._address = tree, name, tree.place.url(name)
        self._url = tree.place.http(tree.place.path(name))
        self._position, self._has_resumed = 0, False
        self._answer, self._found, self._size_bytes = self._opened()

    def close(self) -> None:
        """Give the connection back."""
        if not self.closed:
            super().close()
            if hasattr(self, "_answer"):
                self._answer.close()

    def _next(self, size: int) -> bytes:
        size = min(size, self._size_bytes - self._position)
        if size <= 0:
            return b""
        try:
            with asking(self._address):
                data: bytes = self._answer.raw.read(size, decode_content=False)
            if not data:
                raise StorageUnavailable(f"{self._address}: the connection ended early")  # noqa: TRY301
        except StorageUnavailable as error:
            self._answer.close()
            if self._has_resumed or isinstance(error, StorageTimeout):
                raise
            self._resume()
            return self._next(size)
        self._position += len(data)
        return data

    def _resume(self) -> None:
        self._has_resumed = True
        size_bytes = self._size_bytes
        self._answer, self._found, self._size_bytes = self._opened(read_on=self._found)
        if size_bytes != self._size_bytes:
            self._answer.close()
            raise self._replaced()

    def _opened(self, read_on: Entry | None = None) -> tuple[Any, Entry, int]:
        """Return an answer whose body is one whole file from the position on, what is known of it, and its length.

        Servers look at a file and then open it; when it is replaced in between, they give the length of one with
        the bytes of the other.  So what stands there before must still stand there once the file is open.

        Only the first look may say that the file is missing: one that was seen and is away is being replaced.

        Args:
            read_on: What is known of the file whose beginning was read already; another one is an error.
        """
        after = self._seen(self._tree.found) if read_on else self._tree.found(self._name)
        for attempt in range(_OPEN_ATTEMPTS):
            pause(attempt)
            before = after or self._seen(self._tree.look)
            if read_on not in (None, before):
                raise self._replaced()
            if before is None:
                continue
            if before.kind != "file":
                raise FileMissing(f"{self._address}: what stands there is not a file")
            answer = self._get()
            try:
                after = self._seen(self._tree.found)
                if after == before and answer.status_code in _WITH_BYTES and self._fits(answer, before.size_bytes):
                    return answer, before, self._whole(answer, before.size_bytes)
            except BaseException:
                answer.close()
                raise
            answer.close()
        if after is not None and after == before:
            if answer.status_code not in _WITH_BYTES:
                raise StorageUnavailable(
                    f"{self._address}: the server lists the file and does not give it; try again later "
                    f"(status {answer.status_code})"
                )
            raise StorageCorrupt(f"{self._address}: the server gives another length for the file than it has")
        raise StorageUnavailable(f"{self._address}: the file is replaced all the time; read it again later")

    def _seen(self, look: Callable[[str], Entry]) -> Entry | None:
        """Return what *look* says that stands there, or None if nothing does."""
        try:
            return look(self._name)
        except FileMissing:
            return None

    def _replaced(self) -> StorageUnavailable:
        return StorageUnavailable(f"{self._address}: the file was replaced while it was read; read it again")

    def _get(self) -> Any:
        headers = {"Range": f"bytes={self._position}-"} if self._position else {}
        # Away for a moment, or shorter than what was read: looking at it again tells which.
        allowed = (206, 404, 410, 416) if self._position else (200, 404, 410)
        return ask("GET", self._url, self._address, allowed=allowed, headers=headers, is_streamed=True)

    def _fits(self, answer: Any, size_bytes: int | None) -> bool:
        """Say whether the body is what is left of so many bytes; what only one of the two says, counts."""
        if self._position and not answer.headers.get("Content-Range", "").startswith(f"bytes {self._position}-"):
            return False
        length = answer.headers.get("Content-Length")
        return length is None or size_bytes is None or length == str(size_bytes - self._position)

    def _whole(self, answer: Any, size_bytes: int | None) -> int:
        """Return the length of the whole file: without one, a body that ends early looks like a file that ends."""
        if size_bytes is not None:
            return size_bytes
        length = answer.headers.get("Content-Length", "")
        if not length.isdecimal() or "Transfer-Encoding" in answer.headers:  # beside which HTTP ignores a length
            raise StorageCorrupt(f"{self._address}: the server does not say how long the file is")
        return self._position + int(length)

"""Write one file over WebDAV: a hidden part file beside it, that is moved as one."""

import os
import tempfile
import time
from collections.abc import Iterator
from typing import IO

from core.clients.persistient_storage.receipts import Outcome, Stat
from core.clients.persistient_storage.remote_tree import Entry, beside, removing
from core.clients.persistient_storage.webdav.connection import ask, pause
from core.clients.persistient_storage.webdav.errors import refused
from core.clients.persistient_storage.webdav.tree import DavTree
from core.errors import (
    FileExists,
    FileMissing,
    StorageCorrupt,
    StorageError,
    StorageFull,
    StorageTimeout,
    StorageUnavailable,
    UnsupportedOperation,
)

_CHUNK_BYTES = 1 << 18
_IN_MEMORY_BYTES = 1 << 20
_LOST = ";?"
"""Where WsgiDAV 4.4 cuts the name off that a file is to be moved to."""
_MOST_SECONDS = 2
_MOVE_ATTEMPTS = 8


class DavWriter:
    """One file that is being written, into a spool: the length must be said before the first byte is sent."""

    def __init__(self, tree: DavTree, name: str) -> None:
        self._tree, self._name = tree, name
        self._address = tree.place.url(name)
        if set(name) & set(_LOST):
            raise UnsupportedOperation(
                f"{self._address}: a name with ; or ? cannot be stored by WebDAV: some servers cut it off there when "
                "they move the file, and would overwrite another"
            )
        self._spool = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - closed by abort
        self._size_bytes = 0
        self._part: str | None = None
        self._told = ""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes."""
        self._spool.write(data)
        self._size_bytes += memoryview(data).nbytes

    def commit(self, sha256: str) -> tuple[Stat, Outcome]:
        """Send the part file, compare its length, move it over the file."""
        try:
            return self._commit(sha256)
        except StorageError as error:
            self._told = str(error)
            raise

    def _commit(self, sha256: str) -> tuple[Stat, Outcome]:
        self._part = part = beside(self._name, os.urandom(8).hex())
        stored = self._sent(part)
        before = self._there()
        for _ in range(_MOST_SECONDS):
            if before is None or stored.modified_at != before.modified_at:
                break
            # Servers date files in whole seconds, and some make the ETag of that and of numbers that come back.
            time.sleep(1.02 - time.time() % 1)
            stored = self._sent(part)
        outcome = self._move(part)
        self._part = None
        return Stat(self._name, self._size_bytes, stored.etag, sha256, stored.modified_at), outcome

    def abort(self) -> None:
        """Forget the spool, and remove the part file if there is one."""
        self._spool.close()
        part, self._part = self._part, None
        if part is not None:
            url, allowed = self._tree.place.http(self._tree.place.path(part)), (200, 202, 204)
            removing(
                self._address,
                part,
                lambda: ask("DELETE", url, self._address, allowed=allowed, is_retried=False),
                told=self._told,
            )

    def _there(self) -> Entry | None:
        """Return what the move will replace; never a folder, which would go with all that is in it."""
        try:
            entry = self._tree.look(self._name)
        except FileMissing:
            return None
        if entry.kind == "folder":
            raise FileExists(f"{self._address}: a folder of that name stands there")
        return entry

    def _sent(self, part: str) -> Entry:
        self._put(part)
        found = self._tree.look(part)
        if found.size_bytes is None:
            raise StorageCorrupt(f"{self._address}: the server does not say how much of the file it kept")
        if found.size_bytes != self._size_bytes:
            raise StorageFull(f"{self._address}: the server kept {found.size_bytes} of {self._size_bytes} bytes")
        return found

    def _put(self, part: str) -> None:
        path = self._tree.place.path(part)
        url, body, stored = self._tree.place.http(path), _Body(self._spool, self._size_bytes), (200, 201, 204)
        answer = ask("PUT", url, self._address, allowed=(*stored, 404, 409), body=body)
        if answer.status_code not in stored:
            self._tree.make_folder(path.rpartition("/")[0] + "/", self._address)
            ask("PUT", url, self._address, allowed=stored, body=body)

    def _move(self, part: str) -> Outcome:
        """Give the part file its name.

        Servers that delete before they move fail when others do the same at once, and an answer may get lost: it
        is tried again, and was done if the part file is gone then.
        """
        place = self._tree.place
        url, to = place.http(place.path(part)), place.http(place.path(self._name))
        headers = {"Destination": to, "Overwrite": "T"}
        problem: StorageError | None = None
        for attempt in range(_MOVE_ATTEMPTS):
            pause(attempt)
            try:
                answer = ask("MOVE", url, self._address, allowed=range(600), headers=headers, is_retried=False)
            except StorageTimeout:
                raise
            except StorageUnavailable as error:
                problem = error
                continue
            match answer.status_code:
                case 201:
                    return "created"
                case 204:
                    return "replaced"
                case 404 if problem is not None:
                    return "stored"
            problem = refused(answer, self._address)
            if not _may_pass(answer.status_code):
                break
        raise problem or StorageUnavailable(f"{self._address}: not moved")


class _Body:
    """The spool as the body of a request, which may be sent again."""

    def __init__(self, spool: IO[bytes], size_bytes: int) -> None:
        self._spool, self._size_bytes = spool, size_bytes

    def __len__(self) -> int:
        return self._size_bytes

    def __iter__(self) -> Iterator[bytes]:
        self._spool.seek(0)
        while chunk := self._spool.read(_CHUNK_BYTES):
            yield chunk


def _may_pass(status: int) -> bool:
    return status in (207, 423, 429) or status >= 500

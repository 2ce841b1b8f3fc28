"""Read one file over SFTP so that it never ends early."""

import io
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from core.clients.persistient_storage.extras import needed
from core.clients.persistient_storage.sftp.connection import Connections
from core.clients.persistient_storage.sftp.errors import asking
from core.clients.persistient_storage.sftp.whole import closing_unless_answered
from core.errors import (
    FileMissing,
    StorageCorrupt,
    StorageError,
    StorageTimeout,
    StorageUnavailable,
)

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_WINDOW_BYTES = 2 << 20
"""Asked for at once when reading, in requests of the size that every server takes; as much as paramiko lets be
on its way.  Its own reading ahead has a thread that nobody can stop, and that dies aloud with its connection."""
_REQUEST_BYTES = 1 << 15

_READ, _DATA = 5, 103
"""The numbers of the request and its answer in the protocol."""


class SftpReader(io.RawIOBase):
    """The bytes of a file; a connection that breaks is made anew once, and the same file read on."""

    def __init__(self, connections: Connections, path: str, address: str) -> None:
        self._connections, self._path, self._address = connections, path, address
        self._position, self._ready, self._has_resumed = 0, memoryview(b""), False
        self._channel, (self._file, self._status) = connections.begin(address, self._open)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill *buffer* as far as there are bytes, and return how many it got."""
        view = memoryview(buffer).cast("B")
        self._ready = self._ready or memoryview(self._next())
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def readall(self) -> bytes:
        """Return all that is left."""
        ready, self._ready = bytes(self._ready), memoryview(b"")
        return b"".join([ready, *iter(self._next, b"")])

    def close(self) -> None:
        """Give the channel back."""
        if not self.closed:
            super().close()
            if hasattr(self, "_channel"):
                self._channel.end(self._file)
                self._connections.give_back(self._channel)

    def _next(self) -> bytes:
        size = min(_WINDOW_BYTES, self._status.st_size - self._position)
        if not size:
            return b""
        try:
            with asking(self._address), closing_unless_answered(self._channel.sftp):
                data = self._fetched(self._position, size)
        except StorageError as error:
            self._connections.drop(self._channel)
            if isinstance(error, StorageTimeout) or not isinstance(error, StorageUnavailable) or self._has_resumed:
                raise
            self._resume()
            return self._next()
        self._position += size
        return data

    def _fetched(self, start: int, size: int) -> bytes:
        sftp, int64 = self._channel.sftp, needed("paramiko.sftp", extra="sftp", scheme="sftp://").int64
        pieces: dict[int, bytes] = {}
        end = start + size
        missing = {offset: min(_REQUEST_BYTES, end - offset) for offset in range(start, end, _REQUEST_BYTES)}
        while missing:
            window = _Window(sftp)
            asked = {
                sftp._async_request(window, _READ, self._file.handle, int64(offset), count): (offset, count)
                for offset, count in missing.items()
            }
            while len(window.answers) < len(asked):
                sftp._read_response()
            missing = {}
            for number, (offset, count) in asked.items():
                pieces[offset] = piece = window.answers[number]
                if not piece:
                    raise StorageCorrupt(f"{self._address}: the file ends at byte {offset}, early")
                if len(piece) < count:  # a server may give less than it was asked for
                    missing[offset + len(piece)] = count - len(piece)
        return b"".join(pieces[offset] for offset in sorted(pieces))

    def _resume(self) -> None:
        self._has_resumed = True
        before = self._status
        self._channel, (self._file, self._status) = self._connections.begin(self._address, self._open)
        if (before.st_size, before.st_mtime) != (self._status.st_size, self._status.st_mtime):
            raise StorageUnavailable(f"{self._address}: the file was replaced while it was read; read it again")

    def _open(self, sftp: Any) -> tuple[Any, Any]:
        file = sftp.open(self._path, "rb")
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            raise FileMissing(f"{self._address}: what stands there is not a file")
        return file, status


class _Window:
    """The answers to reads that are on their way together, in whatever order they come."""

    def __init__(self, sftp: Any) -> None:
        self._sftp = sftp
        self.answers: dict[int, bytes] = {}

    def _async_response(self, kind: int, message: Any, number: int) -> None:
        """Take one; it is paramiko that calls it so."""
        self.answers[number] = b""
        if kind == _DATA:
            self.answers[number] = message.get_string()
            return
        with suppress(EOFError):  # the file ends there
            self._sftp._convert_status(message)

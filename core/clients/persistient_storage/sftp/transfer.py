"""Write and read one file over SFTP: a hidden part file that gets its name as one, a reader that is never short."""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from core.clients.persistient_storage.extras import needed
from core.clients.persistient_storage.policies import Create
from core.clients.persistient_storage.receipts import Outcome, Stat, WriteRequest
from core.clients.persistient_storage.remote_tree import beside, removing
from core.clients.persistient_storage.sftp.connection import Channel, Connections
from core.clients.persistient_storage.sftp.errors import asking
from core.clients.persistient_storage.sftp.place import Place
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
from core.schemas.instant import SECOND

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BUFFER_BYTES = 1 << 18
_HELD_BACK_BYTES = 1 << 15
_WINDOW_BYTES = 2 << 20
"""Asked for at once when reading, in requests of the size that every server takes; as much as paramiko lets be
on its way.  Its own reading ahead has a thread that nobody can stop, and that dies aloud with its connection."""
_REQUEST_BYTES = 1 << 15

_READ, _DATA, _EXTENDED = 5, 103, 200
"""Numbers of requests and answers in the protocol; the last is that of what OpenSSH has added."""


class SftpWriter:
    """One file that is being written; see `spec.Writer`."""

    def __init__(self, connections: Connections, place: Place, name: str, request: WriteRequest) -> None:
        self._connections, self._place, self._name, self._request = connections, place, name, request
        self._address, self._target = place.url(name), place.path(name)
        self._part: str | None = None
        self._channel: Channel | None = None
        self._buffer = bytearray()
        self._size_bytes = 0
        self._channel, self._file = connections.begin(self._address, self._begin)
        self._file.set_pipelined(True)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes; the answers to what is sent are not waited for, except those to the last."""
        self._buffer += data
        if len(self._buffer) >= _BUFFER_BYTES:
            count = len(self._buffer) - _HELD_BACK_BYTES
            with self._sending(), memoryview(self._buffer) as view:
                self._file.write(view[:count])
            del self._buffer[:count]
            self._size_bytes += count

    def commit(self, sha256: str) -> tuple[Stat, Outcome]:
        """Make the part file durable, compare its length and give it its name."""
        with self._sending():
            self._file.set_pipelined(False)
            # Only a write that is waited for makes paramiko look at the answers to all those before.
            self._file.write(self._buffer)
            self._size_bytes += len(self._buffer)
            self._sync()
            status = self._file.stat()
            self._file.close()
        if status.st_size != self._size_bytes:
            raise StorageFull(f"{self._address}: the server kept {status.st_size} of {self._size_bytes} bytes")
        with self._sending(is_writing=False):
            modified_s, outcome = self._publish(status.st_mtime)
        self.abort()
        etag = etag_of(modified_s, self._size_bytes)
        return Stat(self._name, self._size_bytes, etag, sha256, modified_s * SECOND), outcome

    def abort(self) -> None:
        """Remove the part file and give the channel back."""
        channel, self._channel = self._channel, None
        if channel is None:
            return
        part, self._part = self._part, None
        try:
            with suppress(OSError, EOFError):
                self._file.set_pipelined(False)
                self._file.close()
        finally:
            self._connections.give_back(channel)
        if part is not None:
            removing(
                self._address, part, lambda: self._connections.ask(self._address, lambda sftp: sftp.remove(part))
            )

    @contextmanager
    def _sending(self, *, is_writing: bool = True) -> Iterator[None]:
        try:
            with asking(self._address, is_writing=is_writing):
                yield
        except StorageTimeout:
            if self._channel is not None:
                self._connections.drop(self._channel)
            raise

    def _begin(self, sftp: Any) -> Any:
        self._part = part = self._place.path(beside(self._name, os.urandom(8).hex()))
        try:
            return sftp.open(part, "wxb")
        except FileNotFoundError:
            _make_folder(sftp, part.rpartition("/")[0], self._address)
        return sftp.open(part, "wxb")

    def _sync(self) -> None:
        try:
            self._sftp._request(_EXTENDED, "fsync@openssh.com", self._file.handle)
        except OSError as error:
            if not _is_unsupported(error):
                raise

    @property
    def _sftp(self) -> Any:
        if self._channel is None:
            raise StorageError(f"{self._address}: the writing has ended")
        return self._channel.sftp

    def _publish(self, modified_s: int) -> tuple[int, Outcome]:
        """Give the part file its name; return its time, in seconds, and what that did."""
        there = _status(self._sftp, self._target)
        if there is not None and stat.S_ISDIR(there.st_mode):
            raise FileExists(f"{self._address}: a folder of that name stands there")
        if isinstance(self._request.policy, Create):
            self._link()
            return modified_s, "created"
        if there is not None and modified_s <= there.st_mtime:
            # The protocol has whole seconds; two files of one size in one second must not look the same.
            modified_s = there.st_mtime + 1
            self._sftp.utime(self._part, (modified_s, modified_s))
        self._sftp.posix_rename(self._part, self._target)
        self._part = None
        return modified_s, "created" if there is None else "replaced"

    def _link(self) -> None:
        """Give the part file a second name if that is free; the first goes with `abort`."""
        try:
            self._sftp._request(_EXTENDED, "hardlink@openssh.com", self._part, self._target)
        except OSError as error:
            if _status(self._sftp, self._target) is not None:
                raise FileExists(f"{self._address}: the name is taken") from None
            if not self._channel or not self._channel.is_open or isinstance(error, TimeoutError):
                raise
            raise UnsupportedOperation(
                f"{self._address}: create-only needs hard links, and this server or its file system makes none "
                f"({error}); nothing was stored"
            ) from error


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
                self._file.close()
                self._connections.give_back(self._channel)

    def _next(self) -> bytes:
        size = min(_WINDOW_BYTES, self._status.st_size - self._position)
        if not size:
            return b""
        try:
            with asking(self._address):
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


def etag_of(modified_s: int, size_bytes: int) -> str:
    """Return what changes whenever this program replaces a file: its time, which never goes back, and its size."""
    return f"{modified_s:x}-{size_bytes:x}"


def _status(sftp: Any, path: str) -> Any:
    try:
        return sftp.lstat(path)
    except FileNotFoundError:
        return None


def _make_folder(sftp: Any, folder: str, address: str) -> None:
    try:
        sftp.mkdir(folder)
    except FileNotFoundError:
        _make_folder(sftp, folder.rpartition("/")[0] or "/", address)
        with suppress(OSError):  # somebody else was faster; if not, opening the file will say it
            sftp.mkdir(folder)
    except OSError:
        if not stat.S_ISDIR(sftp.stat(folder).st_mode):
            raise FileExists(f"{address}: a file stands where a folder is needed") from None


def _is_unsupported(error: OSError) -> bool:
    said = str(error).lower()
    return "unsupported" in said or "not supported" in said

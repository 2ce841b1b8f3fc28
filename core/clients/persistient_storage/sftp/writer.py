"""Write one file over SFTP: a hidden part file beside it, made durable, that gets its name as one."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from core.clients.persistient_storage.policies import Create
from core.clients.persistient_storage.receipts import Outcome, Stat, WriteRequest
from core.clients.persistient_storage.remote_tree import beside, removing
from core.clients.persistient_storage.sftp.connection import Channel, Connections
from core.clients.persistient_storage.sftp.errors import asking
from core.clients.persistient_storage.sftp.place import Place
from core.clients.persistient_storage.sftp.whole import closing_unless_answered
from core.errors import (
    FileExists,
    StorageError,
    StorageFull,
    StorageTimeout,
    UnsupportedOperation,
)
from core.schemas.instant import SECOND

_BUFFER_BYTES = 1 << 18
_HELD_BACK_BYTES = 1 << 15
_EXTENDED = 200
"""The number of requests that OpenSSH has added to the protocol; paramiko has no method for two of them."""


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
            channel.end(self._file)
        finally:
            self._connections.give_back(channel)
        if part is not None:
            removing(
                self._address, part, lambda: self._connections.ask(self._address, lambda sftp: sftp.remove(part))
            )

    @contextmanager
    def _sending(self, *, is_writing: bool = True) -> Iterator[None]:
        try:
            with asking(self._address, is_writing=is_writing), closing_unless_answered(self._sftp):
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

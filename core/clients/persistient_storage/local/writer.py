"""Write one local file: a hidden part file beside it, made durable, then renamed as one."""

import errno
import os
from contextlib import suppress
from pathlib import Path

from core.clients.persistient_storage.border import translated, wrapped
from core.clients.persistient_storage.local import metadata
from core.clients.persistient_storage.local.metadata import etag_of
from core.clients.persistient_storage.local.walk import lock, open_parent, sync_folder, unlock
from core.clients.persistient_storage.names import part_file
from core.clients.persistient_storage.policies import Create, IfMatch
from core.clients.persistient_storage.receipts import Metadata, Outcome, Stat, WriteRequest
from core.errors import FileExists, PreconditionFailed, UnsupportedOperation

_BUFFER_BYTES = 1 << 18
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class LocalWriter:
    """One file that is being written; see `spec.Writer`."""

    def __init__(self, root: Path, name: str, request: WriteRequest) -> None:
        self._place = f"{root}/{name}"
        self._name, self._request = name, request
        self._folder, self._leaf = open_parent(root, name, create=True)
        self._beside: str | None = None
        self._part: str | None = part_file(os.urandom(8).hex())
        self._descriptor = -1
        self._is_durable = False
        self._size_bytes = 0
        self._buffer = bytearray()
        try:
            # 0o666: the kernel takes the umask off; asking for the umask would change it for other threads.
            self._descriptor = os.open(self._part, _NEW_FILE, 0o666, dir_fd=self._folder)
        except BaseException as error:
            self._part = None
            self.abort()
            if isinstance(error, OSError):
                raise translated(error, self._place) from error
            raise

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes."""
        with wrapped(self._place), memoryview(data) as view, view.cast("B") as octets:
            if len(self._buffer) + len(octets) < _BUFFER_BYTES:
                self._buffer += octets
                return
            self._flush()
            self._write_through(octets)

    def prepare(self) -> None:
        """Make the part file durable: all that takes long and needs no digest."""
        if self._is_durable:
            return
        with wrapped(self._place):
            self._flush()
            self._beside = metadata.keep(self._descriptor, self._folder, self._name, self._request.metadata)
            os.fsync(self._descriptor)
            self._is_durable = True

    def commit(self, sha256: str) -> tuple[Stat, Outcome]:
        """Give the part file, made durable, its name."""
        self.prepare()
        with wrapped(self._place):
            status = os.fstat(self._descriptor)
            self._close()  # a network file system reports late errors here
            outcome = self._publish()
            sync_folder(self._folder)
            os.close(self._folder)
            self._folder = -1
        return stat_of(self._name, status, self._request.metadata, sha256), outcome

    def abort(self) -> None:
        """Remove the part file and close everything."""
        with suppress(OSError):
            self._close()
        if self._folder >= 0:
            with suppress(OSError):
                if self._part is not None:
                    os.unlink(self._part, dir_fd=self._folder)
            with suppress(OSError):
                if self._beside is not None:
                    os.unlink(self._beside, dir_fd=self._folder)
            os.close(self._folder)
            self._folder = -1

    def _flush(self) -> None:
        data, self._buffer = self._buffer, bytearray()
        self._write_through(data)

    def _write_through(self, data: bytearray | memoryview) -> None:
        _write_all(self._descriptor, data)
        if len(data) >= _BUFFER_BYTES and hasattr(os, "posix_fadvise"):
            # Linux begins to write at once what it is told not to keep, so that the flush at the end has less to
            # wait for: a put of 1 MiB takes 1.1 times a bare one instead of 1.25.
            os.posix_fadvise(self._descriptor, self._size_bytes, len(data), os.POSIX_FADV_DONTNEED)
        self._size_bytes += len(data)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _publish(self) -> Outcome:
        is_locked = lock(self._folder, self._place)
        try:
            return self._give_name(is_locked)
        finally:
            if is_locked:
                unlock(self._folder)

    def _give_name(self, is_locked: bool) -> Outcome:
        match self._request.policy:
            case Create():
                self._link(is_locked)
                return "created"
            case IfMatch(etag):
                self._check(etag, is_locked)
        before = self._status()
        self._rename()
        metadata.forget(before, self._folder)
        return "replaced" if before else "created"

    def _rename(self) -> None:
        part = self._part or ""
        os.replace(part, self._leaf, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        self._part = self._beside = None

    def _link(self, is_locked: bool) -> None:
        """Give the part file its name only if that is free; a link, unlike a rename, refuses a taken name."""
        part = self._part or ""
        try:
            os.link(part, self._leaf, src_dir_fd=self._folder, dst_dir_fd=self._folder, follow_symlinks=False)
            self._beside = None
            with suppress(OSError):  # a second name of the new file, and no more than a left-over
                os.unlink(part, dir_fd=self._folder)
            self._part = None
        except FileExistsError:
            raise FileExists(f"{self._place}: the name is taken") from None
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if not is_locked:
                raise UnsupportedOperation(
                    f"{self._place}: create-only needs hard links or locks, and this file system has neither"
                ) from error
            if self._status() is not None:
                raise FileExists(f"{self._place}: the name is taken") from None
            self._rename()

    def _check(self, etag: str, is_locked: bool) -> None:
        if not is_locked:
            raise UnsupportedOperation(f"{self._place}: if_match needs locks, which this file system has not")
        status = self._status()
        if status is None or etag_of(status) != etag:
            found = "gone" if status is None else etag_of(status)
            raise PreconditionFailed(f"{self._place}: the file was changed by somebody else; its ETag is {found}")

    def _status(self) -> os.stat_result | None:
        try:
            return os.stat(self._leaf, dir_fd=self._folder, follow_symlinks=False)
        except FileNotFoundError:
            return None


def _write_all(descriptor: int, data: bytearray | memoryview) -> None:
    # A bare descriptor: the garbage collector may end a file of Python's before the writer can remove what it wrote.
    with memoryview(data) as rest:
        written = 0
        while written < len(rest):
            written += os.write(descriptor, rest[written:])


def stat_of(name: str, status: os.stat_result, kept: Metadata, sha256: str | None = None) -> Stat:
    """Return the `Stat` of a local file."""
    return Stat(name, status.st_size, etag_of(status), sha256, status.st_mtime_ns // 1_000, kept)

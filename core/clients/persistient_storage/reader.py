"""Files to read from: of pieces, and with errors that are ours, whoever made it."""

import io
from typing import TYPE_CHECKING, BinaryIO

from core.clients.persistient_storage.border import wrapped
from core.clients.persistient_storage.promises import Promises

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CHUNK_BYTES = 1 << 20


class PieceReader(io.RawIOBase):
    """A file whose bytes come from ``_next``, of the class that inherits."""

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill *buffer* as far as there are bytes, and return how many it got."""
        view = memoryview(buffer).cast("B")
        data = self._next(len(view))
        view[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """Return all that is left."""
        return b"".join(iter(lambda: self._next(_CHUNK_BYTES), b""))

    def _next(self, size: int) -> bytes:
        """Return some of the next bytes, up to *size*; none if there are no more."""
        raise NotImplementedError


class GuardedReader(io.BufferedIOBase):
    """What `Storage.open_reader` returns.

    Args:
        file: The client's file; closed with this one.
        place: For messages.
        promises: Say where the client may be used, which its file may be too.
    """

    def __init__(self, file: BinaryIO, place: str, promises: Promises) -> None:
        self._file, self._what = file, f"{place} could not be read"
        self._check_use = promises.check_use

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Say whether the client's file can be wound."""
        return bool(getattr(self._file, "seekable", bool)())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go there and return where that is."""
        if not self.seekable():
            raise io.UnsupportedOperation("seek")
        self._check_use()
        with wrapped(self._what):
            return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return where the next read begins."""
        if not self.seekable():
            raise io.UnsupportedOperation("tell")
        self._check_use()
        with wrapped(self._what):
            return self._file.tell()

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes; all that are left if *size* is negative or None."""
        self._check_use()
        with wrapped(self._what):
            return self._file.read(-1 if size is None else size)

    def read1(self, size: int = -1) -> bytes:
        """Return some of the next bytes."""
        return self.read(1 << 16 if size < 0 else size)

    def readline(self, size: int | None = -1) -> bytes:
        """Return the next line."""
        self._check_use()
        with wrapped(self._what):
            return self._file.readline(-1 if size is None else size)

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill *buffer* and return how many bytes it got."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the client's file too."""
        if not self.closed:
            super().close()
            self._file.close()

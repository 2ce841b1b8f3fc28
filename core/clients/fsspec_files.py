"""The files that `core.clients.fsspec` opens: readers that can be wound back, writers that commit or do nothing.

What publishes a written file, and what does not, is in the docstring of `Writer`.
"""

import hashlib
import io
import logging
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from core.clients.persistient_storage.border import wrapped
from core.clients.persistient_storage.publication import Publication
from core.errors import StorageError, StorageUnavailable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_log = logging.getLogger(__name__)
_READ_BUFFER_BYTES = 1 << 18
_CHUNK_BYTES = 1 << 20
_IN_MEMORY_BYTES = 8 << 20
"""A file that has to be kept aside to be wound back is kept in memory up to here, on the disk beyond."""


class Reader(io.BufferedReader):
    """A stored file to read from, buffered; can be wound.

    Args:
        name: Its name.
        open_again: Opens it from the start; called once at once.
        ask_size: Asks the storage how long it is.
    """

    mode = "rb"

    def __init__(self, name: str, open_again: Callable[[], BinaryIO], ask_size: Callable[[], int]) -> None:
        self.path = name
        self._source, self._ask_size = _Source(name, open_again), ask_size
        super().__init__(self._source, _READ_BUFFER_BYTES)

    @property
    def size(self) -> int:
        """The length in bytes; of the open file where it knows it, else of what is stored now."""
        if (size := self._source.known_size()) is not None:
            return size
        return self._ask_size()


class _Source(io.RawIOBase):
    """The bytes of a stored file, from wherever they are wanted.

    Winding is remembered and done by the next read.  Where the storage's own file can be wound, that is done.
    Otherwise going forward reads on, and going back fetches the file anew into a temporary one, and raises if it
    is not the one whose first bytes were given out already: two versions are never mixed.
    """

    def __init__(self, name: str, open_again: Callable[[], BinaryIO]) -> None:
        self._name, self._open_again = name, open_again
        self._file = open_again()
        self._wanted = self._position = 0
        self._seen = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._wanted

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Say from where the next read shall be, and return that."""
        if whence == io.SEEK_END:
            if not self._file.seekable():
                self._keep_aside()
            start = self.known_size() or 0
        else:
            start = {io.SEEK_SET: 0, io.SEEK_CUR: self._wanted}[whence]
        if start + offset < 0:
            raise ValueError(f"{self._name}: there is nothing before the start of a file")
        self._wanted = start + offset
        return self._wanted

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill *buffer* as far as there are bytes, and return how many it got."""
        self._wind()
        view = memoryview(buffer).cast("B")
        count = cast("Any", self._file).readinto(view)
        self._went_on(view[:count])
        self._wanted += count
        return int(count)

    def readall(self) -> bytes:
        """Return all that is left."""
        self._wind()
        data = self._file.read()
        self._went_on(data)
        self._wanted += len(data)
        return data

    def known_size(self) -> int | None:
        """Return the length where that costs nothing."""
        if not self._file.seekable():
            return None
        self._position = self._file.seek(0, io.SEEK_END)
        return self._position

    def close(self) -> None:
        """Close the storage's file, or the temporary one, too."""
        if not self.closed:
            super().close()
            if hasattr(self, "_file"):
                self._file.close()

    def _went_on(self, data: bytes | memoryview) -> None:
        if not self._file.seekable():
            self._seen.update(data)
        self._position += len(data)

    def _wind(self) -> None:
        if self._wanted < self._position and not self._file.seekable():
            self._keep_aside()
        if self._wanted == self._position:
            return
        if self._file.seekable():
            self._position = self._file.seek(self._wanted)
            return
        while (left := self._wanted - self._position) > 0 and (data := self._file.read(min(_CHUNK_BYTES, left))):
            self._went_on(data)

    def _keep_aside(self) -> None:
        spool = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - takes the place of the file
        try:
            with (
                wrapped(f"{self._name} could not be kept in a temporary file"),
                closing(self._open_again()) as file,
            ):
                again, left = hashlib.sha256(), self._position
                while data := file.read(min(_CHUNK_BYTES, left) or _CHUNK_BYTES):
                    if left:
                        again.update(data)
                        left -= len(data)
                    spool.write(data)
                if left or again.digest() != self._seen.digest():
                    replaced = f"{self._name} was replaced while it was read; read it again"
                    raise StorageUnavailable(replaced)  # noqa: TRY301
        except BaseException:
            spool.close()
            raise
        self._file.close()
        self._file, self._position = cast("BinaryIO", spool), spool.tell()


class Writer(io.BufferedIOBase):
    """A binary file to write to, which is published whole or not at all.

    The clean end of its ``with`` block publishes it, and so does ``close``, which is how pandas, Dask and fsspec's
    own wrappers end a file.  Nothing is published

    - when the ``with`` block ends by an exception of any kind;
    - when ``close`` is called while an exception is on its way that was not there when the file was opened: so it
      is with a wrapper whose ``with`` block fails, or ``finally: file.close()``;
    - when a write failed before, or the file, or a wrapper of Python's ``io`` around it, is dropped unclosed.

    In a transaction of fsspec ``close`` ends the writing, and the end of the transaction publishes.

    Args:
        publication: What `Storage.open_writer` returned.
        compress: Makes a compressing file around the one that it is given.
        is_held: Publish by ``commit``, not by ``close``.
    """

    mode = "wb"

    def __init__(
        self, publication: Publication, *, compress: Callable[[BinaryIO], Any] | None = None, is_held: bool = False
    ) -> None:
        self.path = publication.name
        self._publication = publication.__enter__()
        self._is_held, self._is_abandoned = is_held, False
        self._size_bytes = 0
        self._handled = sys.exception()
        self._target: Any = compress(cast("BinaryIO", publication)) if compress else publication

    def writable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._size_bytes

    def write(self, data: Any) -> int:
        """Take the next bytes and return how many they were."""
        if self.closed:
            raise ValueError(f"{self.path} is closed; nothing more can be written")
        try:
            self._target.write(data)
        except BaseException:
            self.abandon()
            raise
        size = memoryview(data).nbytes
        self._size_bytes += size
        return size

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Publish the file if the block ended well, or leave no trace of it."""
        if kind is None:
            self._end()
        else:
            self.abandon()

    def close(self) -> None:
        """Publish the file, unless an exception is on its way."""
        if self.closed:
            return
        if sys.exception() in (None, self._handled):
            self._end()
            return
        _log.warning("file was closed by an exception, nothing was published", extra={"file": self.path})
        self.abandon()

    def abandon(self) -> None:
        """Publish nothing, and leave no trace of what was written."""
        self._is_abandoned = True
        self._publication.abandon()
        if self._target is not self._publication:
            with suppress(Exception):  # it would write its end, and there is nothing left to write to
                self._target.close()
        super().close()

    def commit(self) -> None:
        """Publish the file: the transaction that it belongs to has ended well."""
        if self._is_abandoned:  # its own block failed, and the caller went on
            return
        if not self.closed:
            self.abandon()
            raise StorageError(f"{self.path} was not published: it was still open when its transaction ended")
        self._publication.__exit__(None, None, None)

    def discard(self) -> None:
        """Publish nothing: the transaction has failed."""
        self.abandon()

    def __del__(self) -> None:
        """Publish nothing: whoever drops a file has not finished it."""
        if hasattr(self, "_target") and not self.closed:
            _log.warning("file was dropped, nothing was published", extra={"file": self.path})
            self.abandon()

    def _dealloc_warn(self, source: object) -> None:
        """Publish nothing: Python calls this when a wrapper from ``io`` is collected, before it closes the file."""
        if not self.closed:
            _log.warning("file was dropped, nothing was published", extra={"file": self.path})
            self.abandon()

    def _end(self) -> None:
        if self.closed:
            return
        try:
            if self._target is not self._publication:
                self._target.close()
            if not self._is_held:
                self._publication.__exit__(None, None, None)
        except BaseException:
            self.abandon()
            raise
        super().close()


class TextWriter(io.TextIOWrapper):
    """Text on top of a `Writer`; what its ``with`` block ends by reaches that, which ``TextIOWrapper`` hides."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Publish the file if the block ended well, or leave no trace of it."""
        if kind is None:
            self.close()
        else:
            cast("Writer", self.buffer).abandon()

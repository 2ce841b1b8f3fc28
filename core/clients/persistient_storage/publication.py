"""Commit or nothing: a file that is published by the clean end of its ``with`` block, and by nothing else."""

import io
import logging
import os
import zlib
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from core.clients.persistient_storage.digest import Digest
from core.clients.persistient_storage.receipts import Receipt
from core.clients.persistient_storage.text import encoded
from core.clients.persistient_storage.writing import GuardedWriter
from core.errors import StorageError, StorageUnavailable

_log = logging.getLogger(__name__)
_TEXT_BUFFER = 1 << 16

Finish = Callable[[GuardedWriter, int, str], Receipt]
"""Stores what the writer was given (so many bytes with this SHA-256) and returns the receipt."""


class Publication(io.BufferedIOBase):
    """A binary file to write to; made by `Storage.open_writer`.

    The file is stored when the ``with`` block ends without an exception.  An exception of any kind, the garbage
    collector, the end of the process: nothing is stored, and what was there stays.  ``close`` ends the writing
    (so that a wrapper such as ``TextIOWrapper`` may close it) and stores nothing by itself.
    """

    def __init__(self, name: str, writer: GuardedWriter, finish: Finish, *, compress: bool = False) -> None:
        self.name = name
        self._digest = Digest()
        # From here on an interrupt finds all that giving up needs.
        self._writer: GuardedWriter | None = writer
        self._finish = finish
        self._gzip = _Gzip() if compress else None
        self._is_entered = False
        self._failure: BaseException | None = None
        self._process = os.getpid()
        self._receipt: Receipt | None = None

    @property
    def receipt(self) -> Receipt:
        """What was stored; there is one once the ``with`` block has ended well.

        Raises:
            StorageError: Nothing has been stored.
        """
        if self._receipt is None:
            raise StorageError(f"{self.name} has not been published")
        return self._receipt

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        """Take the next bytes and return how many they were."""
        if self.closed or self._writer is None:
            raise ValueError(f"{self.name} is closed; nothing more can be written")
        size = memoryview(data).nbytes
        self._store(self._gzip.compress(data) if self._gzip else data)
        return size

    def __enter__(self) -> Self:
        """Begin the block at whose end the file is stored."""
        if self._writer is None or self._is_entered:
            raise ValueError(f"{self.name} was written already; open another writer")
        self._is_entered = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Store the file if the block ended well, or leave no trace of it."""
        try:
            if kind is None:
                self._commit()
        finally:
            self._abort()
            super().close()

    def close(self) -> None:
        """End the writing.  Outside of a ``with`` block that means: store nothing, and say so."""
        if self.closed:
            return
        is_lost = not self._is_entered and self._writer is not None
        if not self._is_entered:
            self._abort()
        super().close()
        if is_lost:
            raise StorageError(f"{self.name} was not published: that happens at the end of a with block")

    def prepare(self) -> None:
        """Do what takes long and needs no digest, ahead of the end of the block; nothing more may be written then."""
        if self._writer is not None:
            self._writer.prepare()

    def abandon(self) -> None:
        """Store nothing, and leave no trace of what was written."""
        self._abort()
        super().close()

    def __del__(self) -> None:
        """Store nothing: whoever drops a writer has not finished it."""
        if getattr(self, "_writer", None) is not None:
            _log.warning("writer was dropped, nothing was published", extra={"file": self.name})
            self._abort()

    def _store(self, data: bytes | bytearray | memoryview) -> None:
        self._check()
        if len(data) and self._writer is not None:
            try:
                self._writer.write(data)
                self._digest.update(data)  # while the disk or the server is at work on it
            except BaseException as error:
                self._failure = error  # whoever swallows it must not publish a file with a hole
                raise

    def _check(self) -> None:
        if os.getpid() != self._process:
            raise StorageError(f"{self.name} is being written by the process that forked this one, not here")
        if self._failure is not None:
            kind = StorageUnavailable if getattr(self._failure, "transient", False) else StorageError
            raise kind(f"{self.name} lacks what could not be written; nothing is published") from self._failure

    def _commit(self) -> None:
        writer = self._writer
        if writer is None:
            raise ValueError(f"{self.name} was written already")
        self._check()
        if self._gzip:
            self._store(self._gzip.finish())
        writer.prepare()
        self._receipt = self._finish(writer, *self._digest.finish())

    def _abort(self) -> None:
        writer, self._writer = self._writer, None
        if writer is None:
            return
        if os.getpid() != self._process:  # what there is belongs to the process that forked this one
            return
        try:
            writer.abort()
        except Exception:  # what the caller is told is the error that led here
            _log.exception("writer could not clean up", extra={"file": self.name})
        finally:
            self._digest.close()


class TextPublication:
    """A text file to write to: UTF-8, line ends as given.  Made by `Storage.open_text_writer`."""

    def __init__(self, publication: Publication) -> None:
        self._publication = publication
        self._pending: list[str] = []
        self._pending_size = 0

    @property
    def name(self) -> str:
        """The name it will be stored under."""
        return self._publication.name

    @property
    def receipt(self) -> Receipt:
        """As `Publication.receipt`."""
        return self._publication.receipt

    def write(self, text: str) -> int:
        """Take the next characters and return how many they were."""
        if not isinstance(text, str):
            raise TypeError(f"contents must be str, not {type(text).__name__}")
        if self._publication.closed:
            raise ValueError(f"{self.name} is closed; nothing more can be written")
        self._pending.append(text)
        self._pending_size += len(text)
        if self._pending_size >= _TEXT_BUFFER:
            self.flush()
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Take lines as they are; no line ends are added."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Hand on what is buffered; it is not stored by that."""
        text = "".join(self._pending)
        self._pending, self._pending_size = [], 0
        self._publication.write(encoded(text))

    def __enter__(self) -> Self:
        """As `Publication`."""
        self._publication.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """As `Publication`."""
        if kind is None:
            try:
                self.flush()
            except BaseException as failure:
                self._publication.__exit__(type(failure), failure, failure.__traceback__)
                raise
        self._publication.__exit__(kind, error, traceback)


class _Gzip:
    """Compress so that the same bytes give the same file: no time, no name in the header."""

    _HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._crc = self._size_bytes = 0
        self._begun = False

    def compress(self, data: bytes | bytearray | memoryview) -> bytes:
        """Return what the next bytes become."""
        self._crc = zlib.crc32(data, self._crc)
        self._size_bytes += memoryview(data).nbytes
        return self._header() + self._deflate.compress(data)

    def finish(self) -> bytes:
        """Return the end of the file."""
        sums = self._crc.to_bytes(4, "little") + (self._size_bytes & 0xFFFFFFFF).to_bytes(4, "little")
        return self._header() + self._deflate.flush() + sums

    def _header(self) -> bytes:
        header = b"" if self._begun else self._HEADER
        self._begun = True
        return header

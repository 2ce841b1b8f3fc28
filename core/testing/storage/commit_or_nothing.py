"""Commit or nothing: only the clean end of a block publishes, and nothing else ever does."""
# ruff: noqa: PT012 - what a block does after its first statement is what is tested

import csv
import errno
import gc
import gzip
import io
import logging
import os
from collections.abc import Generator, Iterator
from contextlib import suppress
from hashlib import sha256
from typing import Any

import pytest

from core.clients.persistient_storage.receipts import WriteRequest
from core.errors import StorageCorrupt, StorageError, UnsupportedOperation
from core.testing.storage.under_test import ClientUnderTest, Stop, proves

_SMALL, _LARGE = 8, 20 << 20
_KINDS: tuple[type[BaseException], ...] = (Stop, SystemExit, GeneratorExit, KeyboardInterrupt)
_CASES = (
    *(pytest.param(_SMALL, error, id=f"small-{error.__name__}") for error in _KINDS),
    pytest.param(_LARGE, Stop, id="large-Stop"),  # whatever ended the block, the rest is done alike
)
_TIME_IN_GZIP = slice(4, 8)


class CommitOrNothingTests(ClientUnderTest):
    """What is stored when a write ends well, and when it does not."""

    def test_a_clean_end_publishes(self, client, storage):
        """The file is there after the block, not before, and the receipt says what was stored."""
        with storage.open_writer("file.txt") as file:
            file.write(b"one\n")
            file.write(b"two\n")
            with pytest.raises(FileNotFoundError):
                client.get_file("file.txt")
            if hasattr(client, "list"):
                assert list(storage.list()) == []
            with pytest.raises(StorageError):
                _ = file.receipt

        assert self.raw(client, "file.txt") == b"one\ntwo\n"
        assert file.receipt.name == "file.txt"
        assert file.receipt.size_bytes == 8
        assert file.receipt.sha256 == sha256(b"one\ntwo\n").hexdigest()
        assert file.receipt.location == client.file_path("file.txt")
        self.expect_names(client, storage, ["file.txt"])

    def test_a_buffer_may_be_used_again(self, client, storage):
        """What ``write`` was given may be changed as soon as it returns."""
        buffer = bytearray(b"first,")
        with storage.open_writer("file.txt") as file:
            file.write(buffer)
            buffer[:] = b"second"
            file.write(memoryview(buffer))

        assert self.raw(client, "file.txt") == b"first,second"

    @proves("exception: small", size=_SMALL)
    @proves("exception: multipart", size=_LARGE)
    @proves("KeyboardInterrupt", error=KeyboardInterrupt)
    @pytest.mark.parametrize(("size", "error"), _CASES)
    def test_an_exception_publishes_nothing(self, client, storage, size, error):
        """An exception of any kind in the block leaves the old file as it was."""
        client.put_file("file.txt", "old")
        with pytest.raises(error), storage.open_writer("file.txt") as file:
            for _ in range(8):
                file.write(b"x" * (size // 8))
            raise error

        self.expect_only_old(client, storage)

    def test_an_exception_under_a_wrapper_publishes_nothing(self, client, storage):
        """A text wrapper that closes the file on the way out does not publish it."""
        client.put_file("file.txt", "old")
        with (
            pytest.raises(Stop),
            storage.open_writer("file.txt") as file,
            io.TextIOWrapper(file, "utf-8") as text,
        ):
            csv.writer(text).writerow(["half", "a", "row"])
            raise Stop

        self.expect_only_old(client, storage)

    @proves("exception: text")
    def test_an_exception_in_a_text_writer_publishes_nothing(self, client, storage):
        """The same for `open_text_writer`."""
        client.put_file("file.txt", "old")
        with pytest.raises(Stop), storage.open_text_writer("file.txt") as file:
            file.write("half" * 100_000)
            raise Stop

        self.expect_only_old(client, storage)

    @proves("exception: compressed")
    def test_an_exception_in_a_compressed_write_publishes_nothing(self, client, storage, refused):
        """The same for compressed bytes, where the client can hold such; else they are refused on opening."""
        client.put_file("file.txt", "old")
        if not hasattr(client, "open_writer"):
            refused()
            with pytest.raises(UnsupportedOperation, match="open_writer"):
                storage.open_writer("file.txt", compression="gzip")
        else:
            with pytest.raises(Stop), storage.open_writer("file.txt", compression="gzip") as file:
                file.write(b"half")
                raise Stop

        self.expect_only_old(client, storage)

    @proves("same bytes compressed twice")
    def test_the_same_bytes_compressed_twice_are_the_same_file(self, client, storage, refused):
        """Compressing adds no time and no name: equal bytes give equal files, or compression is refused."""
        if not hasattr(client, "open_writer"):
            refused()
            client.put_file("file.txt", "old")
            with pytest.raises(UnsupportedOperation, match="open_writer"):
                storage.write("file.txt", b"new", compression="gzip")
            self.expect_only_old(client, storage)
            return
        for name in ("one.csv.gz", "two.csv.gz"):
            with storage.open_writer(name, compression="gzip") as file:
                file.write(b"a,b\n" * 1000)

        stored = self.raw(client, "one.csv.gz")
        assert gzip.decompress(stored) == b"a,b\n" * 1000
        assert stored[_TIME_IN_GZIP] == bytes(4), "both were written in one second, but a later one would differ"
        assert self.raw(client, "one.csv.gz") == self.raw(client, "two.csv.gz")
        assert file.receipt.sha256 == sha256(self.raw(client, "two.csv.gz")).hexdigest()

    def test_a_source_that_dies_publishes_nothing(self, client, storage):
        """Chunks that come from a generator which raises midway are not published."""
        client.put_file("file.txt", "old")

        def chunks() -> Iterator[bytes]:
            yield b"half"
            raise Stop

        with pytest.raises(Stop):
            storage.write("file.txt", chunks())

        self.expect_only_old(client, storage)

    @proves("generator exit")
    def test_a_generator_that_is_closed_publishes_nothing(self, client, storage):
        """A writer inside a generator that nobody runs to its end publishes nothing."""
        client.put_file("file.txt", "old")

        def run() -> Generator[None, None, None]:
            with storage.open_writer("file.txt") as file:
                file.write(b"half")
                yield
                file.write(b"the rest")

        generator = run()
        next(generator)
        generator.close()

        self.expect_only_old(client, storage)

    @proves("garbage collection")
    @pytest.mark.parametrize("size", [4, 10 << 20], ids=["small", "large"])
    def test_a_writer_that_is_dropped_publishes_nothing(self, client, storage, caplog, size):
        """The garbage collector does not publish; the log says that a writer was dropped."""
        client.put_file("file.txt", "old")
        file = storage.open_writer("file.txt")
        file.write(b"x" * size)
        with caplog.at_level(logging.WARNING):
            del file
            gc.collect()

        self.expect_only_old(client, storage)
        assert any("dropped" in record.message for record in caplog.records)

    def test_a_close_publishes_nothing(self, client, storage):
        """A writer that is closed outside of a ``with`` block publishes nothing, and says so."""
        client.put_file("file.txt", "old")
        file = storage.open_writer("file.txt")
        file.write(b"half")
        with pytest.raises(StorageError, match="not published"):
            file.close()

        self.expect_only_old(client, storage)

    def test_a_write_that_failed_is_not_committed(self, client, storage, monkeypatch):
        """Once a write has failed nothing is published, whatever the caller does with the error: there is a hole."""
        client.put_file("file.txt", "old")
        if own := getattr(type(client), "open_writer", None):
            monkeypatch.setattr(type(client), "open_writer", lambda self, *asked: _FailsAtFF(own(self, *asked)))
        with pytest.raises(StorageError, match="could not be written"), storage.open_writer("file.txt") as file:
            file.write(b"one")
            for data in (b"\xff", b"three"):  # the first is no text, which five methods cannot carry
                with suppress(StorageError):
                    file.write(data)

        self.expect_only_old(client, storage)

    def test_an_abort_may_be_repeated(self, client, storage):
        """``abort`` may be called twice, and does nothing after a ``commit``."""
        client.put_file("file.txt", "old")
        if not hasattr(client, "open_writer"):
            return  # the writer is the program's own
        writer = client.open_writer("file.txt", WriteRequest())
        writer.write(b"half")
        writer.abort()
        writer.abort()
        self.expect_only_old(client, storage)
        writer = client.open_writer("file.txt", WriteRequest())
        writer.write(b"whole")
        writer.commit(sha256(b"whole").hexdigest())
        writer.abort()

        assert self.raw(client, "file.txt") == b"whole"
        self.expect_names(client, storage, ["file.txt"])

    def test_a_failed_expectation_publishes_nothing(self, client, storage):
        """A file that turns out not to have the announced size or SHA-256 is not published."""
        client.put_file("file.txt", "old")
        with pytest.raises(StorageCorrupt):
            storage.write("file.txt", b"new", sha256="0" * 64)
        with pytest.raises(StorageCorrupt), storage.open_writer("file.txt", size_bytes=4) as file:
            file.write(b"new")

        self.expect_only_old(client, storage)


class _FailsAtFF:
    """A client's writer that loses one piece, and says so."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def write(self, data: bytes) -> None:
        if bytes(data) == b"\xff":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._writer.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)

"""Clients that publish too early, too late, too much or nothing when a file is written."""

import threading
from contextlib import suppress
from pathlib import Path

from core.clients.persistient_storage.local.writer import stat_of

from ._mutant import Around, LocalMutant, S3Mutant


class _InPlace:
    """Writes into the file that readers see."""

    def __init__(self, client, file_name, request):
        client_writer = LocalMutant.open_writer(client, file_name, request)  # makes the folders
        client_writer.abort()
        self._name, self._place, self._request = file_name, Path(client.file_path(file_name)), request
        self._file = None

    def _open(self):
        if self._file is None:
            self._file = self._place.open("wb", buffering=0)
        return self._file

    def write(self, data):
        self._open().write(data)

    def commit(self, sha256):
        self._open().close()
        return stat_of(self._name, self._place.stat(), self._request.metadata, sha256), "stored"

    def abort(self):
        if self._file is not None:
            self._file.close()


class WritesInPlace(LocalMutant):
    """Writes into the file that readers see, from the first byte on."""

    PREFIX = "local-in-place://"
    CAUGHT_BY = (
        *("test_a_clean_end_publishes", "test_an_exception_publishes_nothing", "test_killed_while_writing"),
        *("test_a_reader_that_began_sees_one_file", "test_a_source_that_dies_publishes_nothing"),
        *("test_a_writer_that_is_dropped_publishes_nothing", "test_a_generator_that_is_closed_publishes_nothing"),
        *("test_an_exception_in_a_text_writer_publishes_nothing", "test_a_failed_expectation_publishes_nothing"),
        *("test_an_exception_under_a_wrapper_publishes_nothing", "test_a_full_disk_publishes_nothing"),
        *("test_an_exception_in_a_compressed_write_publishes_nothing", "test_a_close_publishes_nothing"),
    )

    def open_writer(self, file_name, request):
        return _InPlace(self, file_name, request)


class _CopiesAtTheEnd(_InPlace):
    def __init__(self, client, file_name, request):
        super().__init__(client, file_name, request)
        self._data = bytearray()

    def write(self, data):
        self._data += data

    def commit(self, sha256):
        for start in range(0, len(self._data), 1 << 14):
            self._open().write(self._data[start : start + (1 << 14)])
        return super().commit(sha256)


class CopiesAtTheEnd(LocalMutant):
    """Collects everything and copies it into the file that readers see in the end."""

    PREFIX = "local-copy://"
    CAUGHT_BY = ("test_killed_while_committing", "test_a_reader_that_began_sees_one_file")

    def open_writer(self, file_name, request):
        return _CopiesAtTheEnd(self, file_name, request)


class _CopiesInAThread(_CopiesAtTheEnd):
    def _copy(self):
        for start in range(0, len(self._data), 1 << 14):
            self._open().write(self._data[start : start + (1 << 14)])

    def commit(self, sha256):
        thread = threading.Thread(target=self._copy)
        thread.start()
        thread.join()
        return _InPlace.commit(self, sha256)


class CopiesInAThread(LocalMutant):
    """The same in a thread of its own."""

    PREFIX = "local-copy-thread://"
    CAUGHT_BY = ("test_killed_while_committing",)

    def open_writer(self, file_name, request):
        return _CopiesInAThread(self, file_name, request)


class _RemovesFirst(Around):
    def commit(self, sha256):
        with suppress(FileNotFoundError):
            Path(self.client.file_path(self.name)).unlink()
        return super().commit(sha256)


class RemovesFirst(LocalMutant):
    """Removes the old file and then gives the new one its name; in between there is none."""

    PREFIX = "local-remove-first://"
    CAUGHT_BY = ("test_killed_while_committing",)

    def open_writer(self, file_name, request):
        writer = _RemovesFirst(super().open_writer(file_name, request), self)
        writer.name = file_name
        return writer


class _PublishesAlways(Around):
    is_done = False

    def commit(self, sha256):
        self.is_done = True
        return super().commit(sha256)

    def abort(self):
        if not self.is_done:
            self.commit("0" * 64)
        super().abort()


class _PublishesOnException:
    """Publishes what there is when the writing is given up."""

    def open_writer(self, file_name, request):
        return _PublishesAlways(super().open_writer(file_name, request))


class LocalPublishesOnException(_PublishesOnException, LocalMutant):
    PREFIX = "local-always://"
    CAUGHT_BY = ("test_an_exception_publishes_nothing", "test_a_writer_that_is_dropped_publishes_nothing")


class S3PublishesOnException(_PublishesOnException, S3Mutant):
    PREFIX = "s3-always://"
    CAUGHT_BY = ("test_an_exception_publishes_nothing", "test_a_source_that_dies_publishes_nothing")


class _NeverAborts(Around):
    def abort(self):
        pass


class _LeavesParts:
    """Leaves the part file, or the parts that were sent, when the writing is given up."""

    def open_writer(self, file_name, request):
        return _NeverAborts(super().open_writer(file_name, request))


class LocalLeavesParts(_LeavesParts, LocalMutant):
    PREFIX = "local-part://"
    CAUGHT_BY = (
        *("test_an_exception_publishes_nothing", "test_a_full_disk_publishes_nothing"),
        *("test_a_write_that_failed_is_not_committed", "test_an_abort_may_be_repeated"),
    )


class S3LeavesParts(_LeavesParts, S3Mutant):
    PREFIX = "s3-no-abort://"
    CAUGHT_BY = (
        *("test_an_exception_publishes_nothing", "test_a_writer_that_is_dropped_publishes_nothing"),
        "test_a_large_put_that_meets_a_fault_midway[500]",
    )


class _AbortsWhatIsDone(Around):
    def abort(self):
        super().abort()
        with suppress(FileNotFoundError):
            Path(self.client.file_path("file.txt")).unlink()


class AbortsWhatIsDone(LocalMutant):
    """Removes the file that was published, too, when the writer is given up after its commit."""

    PREFIX = "local-abort-late://"
    CAUGHT_BY = ("test_an_abort_may_be_repeated",)

    def open_writer(self, file_name, request):
        return _AbortsWhatIsDone(super().open_writer(file_name, request), self)


class _KeepsTheBuffer(Around):
    def __init__(self, writer):
        super().__init__(writer)
        self.chunks = []

    def write(self, data):
        self.chunks.append(memoryview(data))

    def commit(self, sha256):
        for chunk in self.chunks:
            self.writer.write(chunk)
        return super().commit(sha256)


class KeepsTheBuffer(LocalMutant):
    """Writes the caller's own buffers in the end, whatever is in them by then."""

    PREFIX = "local-buffer://"
    CAUGHT_BY = ("test_a_buffer_may_be_used_again",)

    def open_writer(self, file_name, request):
        return _KeepsTheBuffer(super().open_writer(file_name, request))


class _SwallowsErrors(Around):
    def write(self, data):
        for start in range(0, len(data), 1 << 16):
            with suppress(OSError):
                super().write(data[start : start + (1 << 16)])


class SwallowsFullDisk(LocalMutant):
    """Takes no notice of a disk that is full."""

    PREFIX = "local-full://"
    CAUGHT_BY = ("test_a_full_disk_publishes_nothing", "test_a_put_onto_a_full_disk_is_whole_or_told")

    def open_writer(self, file_name, request):
        return _SwallowsErrors(super().open_writer(file_name, request))


class _LosesTheEnd(Around):
    held = b""

    def write(self, data):
        data = self.held + bytes(data)
        self.writer.write(data[:-1])
        self.held = data[-1:]


class LosesTheLastByte(S3Mutant):
    """Does not send the last byte."""

    PREFIX = "s3-last-byte://"
    CAUGHT_BY = ("test_what_was_put_comes_back", "test_a_large_file_streams", "test_a_clean_end_publishes")

    def open_writer(self, file_name, request):
        return _LosesTheEnd(super().open_writer(file_name, request))

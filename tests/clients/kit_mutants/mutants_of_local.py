"""The local client, each of its optional methods broken in one way."""

import io
import os
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from core.clients.persistient_storage.local.writer import stat_of
from core.clients.persistient_storage.policies import Create, IfMatch, Replace
from core.clients.persistient_storage.receipts import Metadata, Stat, WriteRequest
from core.errors import FileExists, PreconditionFailed, StorageError

from ._mutant import Around, LocalMutant


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
    def commit(self, sha256):
        self.is_done = True
        return super().commit(sha256)

    def abort(self):
        if not hasattr(self, "is_done"):
            self.commit("0" * 64)


class PublishesOnException(LocalMutant):
    """Publishes what there is when the writing is given up."""

    PREFIX = "local-always://"
    CAUGHT_BY = ("test_an_exception_publishes_nothing", "test_a_writer_that_is_dropped_publishes_nothing")

    def open_writer(self, file_name, request):
        return _PublishesAlways(super().open_writer(file_name, request))


class _LeavesPart(Around):
    def abort(self):
        pass


class LeavesPartFile(LocalMutant):
    """Leaves the part file where it is when the writing is given up."""

    PREFIX = "local-part://"
    CAUGHT_BY = (
        *("test_an_exception_publishes_nothing", "test_a_full_disk_publishes_nothing"),
        *("test_a_write_that_failed_is_not_committed", "test_an_abort_may_be_repeated"),
    )

    def open_writer(self, file_name, request):
        return _LeavesPart(super().open_writer(file_name, request))


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


class CreateOverwrites(LocalMutant):
    """Takes policy ``Create`` for ``Replace``."""

    PREFIX = "local-create://"
    CAUGHT_BY = (
        *("test_create_never_overwrites", "test_of_several_creators_one_wins"),
        *("test_of_several_creating_processes_one_wins", "test_large_files_keep_to_their_policy"),
    )

    def open_writer(self, file_name, request):
        return super().open_writer(file_name, _without(request, Create))


class CreateLooksFirst(LocalMutant):
    """Looks whether the name is free when the writer is opened, and overwrites later."""

    PREFIX = "local-look-first://"
    CAUGHT_BY = ("test_what_happens_meanwhile_counts",)

    def open_writer(self, file_name, request):
        if request.policy == Create() and Path(self.file_path(file_name)).exists():
            raise FileExists(file_name)
        return super().open_writer(file_name, _without(request, Create))


class _LooksLate(Around):
    def commit(self, sha256):
        if self.is_create and Path(self.place).exists():
            raise FileExists(self.place)
        time.sleep(0.02)
        return super().commit(sha256)


class CreateLooksLate(LocalMutant):
    """Looks whether the name is free just before it overwrites."""

    PREFIX = "local-look-late://"
    CAUGHT_BY = ("test_of_several_creators_one_wins", "test_of_several_creating_processes_one_wins")

    def open_writer(self, file_name, request):
        writer = _LooksLate(super().open_writer(file_name, _without(request, Create)))
        writer.place, writer.is_create = self.file_path(file_name), request.policy == Create()
        return writer


class IgnoresIfMatch(LocalMutant):
    """Takes policy ``IfMatch`` for ``Replace``."""

    PREFIX = "local-if-match://"
    CAUGHT_BY = ("test_if_match_only_replaces_what_was_meant", "test_large_files_keep_to_their_policy")

    def open_writer(self, file_name, request):
        return super().open_writer(file_name, _without(request, IfMatch))


class IfMatchLooksFirst(LocalMutant):
    """Compares the ETag when the writer is opened, and overwrites later."""

    PREFIX = "local-if-match-first://"
    CAUGHT_BY = ("test_what_happens_meanwhile_counts",)

    def open_writer(self, file_name, request):
        if isinstance(request.policy, IfMatch) and self.stat(file_name).etag != request.policy.etag:
            raise PreconditionFailed(file_name)
        return super().open_writer(file_name, _without(request, IfMatch))


class ForgetsContentType(LocalMutant):
    """Has one content type for everything."""

    PREFIX = "local-octets://"
    CAUGHT_BY = ("test_the_content_type_is_that_of_the_name", "test_metadata_comes_back_or_is_refused")

    def stat(self, file_name):
        stat = super().stat(file_name)
        return replace(stat, metadata=replace(stat.metadata, content_type="application/octet-stream"))


class LosesUserMetadata(LocalMutant):
    """Drops what the caller wanted to keep with the file, and does not say so."""

    PREFIX = "local-items://"
    CAUGHT_BY = ("test_metadata_comes_back_or_is_refused",)

    def open_writer(self, file_name, request):
        return super().open_writer(file_name, replace(request, metadata=replace(request.metadata, items={})))


class LosesDisposition(LocalMutant):
    """Drops one header, in the file only: the receipt still says that it is kept."""

    PREFIX = "local-disposition://"
    CAUGHT_BY = ("test_metadata_comes_back_or_is_refused",)

    def stat(self, file_name):
        stat = super().stat(file_name)
        return replace(stat, metadata=replace(stat.metadata, content_disposition=None))


class KeepsOldMetadata(LocalMutant):
    """Keeps the metadata of the file that was replaced, where the new one has none."""

    PREFIX = "local-old-metadata://"
    CAUGHT_BY = ("test_a_replacement_has_its_own_metadata",)

    def open_writer(self, file_name, request):
        with suppress(FileNotFoundError):
            old, new = self.stat(file_name).metadata, request.metadata
            request = replace(request, metadata=replace(new, items={**old.items, **new.items}))
        return super().open_writer(file_name, request)


class EndsEarly(LocalMutant):
    """Gives the first 4 MiB of a file and says that this is all."""

    PREFIX = "local-short://"
    CAUGHT_BY = ("test_a_large_file_streams",)

    def open_reader(self, file_name):
        with super().open_reader(file_name) as file:
            return io.BytesIO(file.read(4 << 20))


class _ReadsLines(io.BytesIO):
    def read(self, size=-1):
        return super().readline(size)


class ReadsLines(LocalMutant):
    """Gives a line where so many bytes were asked for."""

    PREFIX = "local-lines://"
    CAUGHT_BY = ("test_a_reader_gives_just_what_is_asked_for",)

    def open_reader(self, file_name):
        with super().open_reader(file_name) as file:
            return _ReadsLines(file.read())


class _StaysOpen(io.BytesIO):
    def close(self):
        pass


class ReaderStaysOpen(LocalMutant):
    """Does not close what it opened."""

    PREFIX = "local-open://"
    CAUGHT_BY = ("test_a_reader_that_is_closed_gives_its_file_back",)

    def open_reader(self, file_name):
        with super().open_reader(file_name) as file:
            return _StaysOpen(file.read())


class EtagStays(LocalMutant):
    """Has one ETag for a name."""

    PREFIX = "local-etag://"
    CAUGHT_BY = ("test_each_replacement_has_another_etag",)

    def stat(self, file_name):
        return replace(super().stat(file_name), etag=file_name)


class EtagIsTheSize(LocalMutant):
    """Has an ETag that only a change of the size changes."""

    PREFIX = "local-etag-size://"
    CAUGHT_BY = ("test_each_replacement_has_another_etag",)

    def stat(self, file_name):
        stat = super().stat(file_name)
        return replace(stat, etag=str(stat.size_bytes))


class StatCountsLetters(LocalMutant):
    """Says a size that is not that of the bytes."""

    PREFIX = "local-size://"
    CAUGHT_BY = ("test_stat_says_what_is_stored",)

    def stat(self, file_name):
        stat = super().stat(file_name)
        return replace(stat, size_bytes=stat.size_bytes + 1)


class StatReads(LocalMutant):
    """Reads the file to say how long it is."""

    PREFIX = "local-stat-reads://"
    CAUGHT_BY = ("test_stat_says_what_is_stored",)

    def stat(self, file_name):
        with self.open_reader(file_name) as file:
            return replace(super().stat(file_name), size_bytes=len(file.read()))


class ListsPartFiles(LocalMutant):
    """Lists what is being written."""

    PREFIX = "local-list-parts://"
    CAUGHT_BY = ("test_a_clean_end_publishes", "test_killed_while_writing")

    def list(self, prefix=""):
        for path in self._root.rglob(".yeti-*.part"):
            yield Stat(path.name, path.stat().st_size)
        yield from super().list(prefix)


class ListsByLetters(LocalMutant):
    """Lists ``ab`` below ``a``."""

    PREFIX = "local-list-letters://"
    CAUGHT_BY = ("test_list_gives_what_is_stored",)

    def list(self, prefix=""):
        return (stat for stat in super().list() if stat.name.startswith(prefix))


class ListsOneLevel(LocalMutant):
    """Lists a folder, and not what is below its folders."""

    PREFIX = "local-list-level://"
    CAUGHT_BY = ("test_list_gives_what_is_stored",)

    def list(self, prefix=""):
        return (stat for stat in super().list(prefix) if "/" not in stat.name.removeprefix(prefix).strip("/"))


class FindsNoLeftovers(LocalMutant):
    """Does not find what killed writers left."""

    PREFIX = "local-leftovers://"
    CAUGHT_BY = ("test_killed_while_writing", "test_killed_while_committing")

    def leftovers(self):
        return iter(())


class KeepsLeftovers(LocalMutant):
    """Does not remove what killed writers left."""

    PREFIX = "local-keep-leftovers://"
    CAUGHT_BY = ("test_killed_while_writing",)

    def remove_leftover(self, leftover):
        pass


class RemovesLeftoversOnce(LocalMutant):
    """Complains when a left-over is gone already."""

    PREFIX = "local-leftover-once://"
    CAUGHT_BY = ("test_killed_while_writing",)

    def remove_leftover(self, leftover):
        Path(leftover.location).unlink()


class HangsInAChild(LocalMutant):
    """Waits in a forked child for a lock that nobody there will release."""

    PREFIX = "local-fork-lock://"
    CAUGHT_BY = ("test_a_forked_child_can_use_it_or_is_refused",)

    def __init__(self, path):
        super().__init__(path)
        self.process = os.getpid()

    def open_writer(self, file_name, request):
        if os.getpid() != self.process:
            threading.Event().wait(60)
        return super().open_writer(file_name, request)


class HangsAsDeclared(HangsInAChild):
    """Says that it cannot promise ``fork``, and hangs all the same when it is called past `Storage`."""

    PREFIX = "local-fork-declared://"
    CANNOT_PROMISE = frozenset({"fork"})
    CAUGHT_BY = ("test_a_forked_child_never_hangs",)


class _SharedChunks(Around):
    def write(self, data):
        self.client.chunks.append(bytes(data))
        time.sleep(0.01)

    def commit(self, sha256):
        for chunk in self.client.chunks:
            self.writer.write(chunk)
        self.client.chunks = []
        return super().commit(sha256)


class MixesThreads(LocalMutant):
    """Collects what is written in one place for all threads."""

    PREFIX = "local-threads://"
    CAUGHT_BY = ("test_threads_share_a_client_or_are_refused",)

    def open_writer(self, file_name, request):
        self.chunks = []
        return _SharedChunks(super().open_writer(file_name, request), self)


class WorksInOneThread(LocalMutant):
    """Can be made in the main thread only."""

    PREFIX = "local-main-thread://"
    CAUGHT_BY = ("test_a_client_per_thread_always_works",)

    def __init__(self, path):
        if threading.current_thread() is not threading.main_thread():
            raise StorageError("not in this thread")
        super().__init__(path)


class SaysAnUnknownWord(LocalMutant):
    """Declares a word that the contract does not know."""

    PREFIX = "local-word://"
    CANNOT_PROMISE = frozenset({"metadata"})
    CAUGHT_BY = ("test_only_known_words_are_declared",)

    def __init__(self, path):
        super().__init__(path)
        self.CANNOT_PROMISE = frozenset({"speed"})


class TouchesWhatIsUnchanged(LocalMutant):
    """Says that nothing has changed, and stores it all the same."""

    PREFIX = "local-unchanged://"
    COMPARES = True
    CAUGHT_BY = ("test_if_changed_leaves_the_same_bytes_alone",)

    def open_writer(self, file_name, request):
        return super().open_writer(file_name, WriteRequest(metadata=request.metadata))


class MakesUpMetadata(LocalMutant):
    """Says metadata that nobody asked for."""

    PREFIX = "local-made-up://"
    CAUGHT_BY = ("test_a_replacement_has_its_own_metadata", "test_metadata_comes_back_or_is_refused")

    def stat(self, file_name):
        stat = super().stat(file_name)
        made_up = Metadata(**stat.metadata.headers(), items={**stat.metadata.items, "made": "up"})
        return replace(stat, metadata=made_up)


class _OpensAgain(io.FileIO):
    def seek(self, offset, whence=io.SEEK_SET):
        super().__init__(self.name)
        return super().seek(offset, whence)


class SeeksInWhatIsThere(LocalMutant):
    """Opens the name again for each seek: part of the old file, and then part of the new one."""

    PREFIX = "local-seek://"
    CAUGHT_BY = ("test_a_seek_stays_in_the_same_file",)

    def open_reader(self, file_name):
        return _OpensAgain(self.file_path(file_name))


def _without(request, policy):
    return replace(request, policy=Replace()) if isinstance(request.policy, policy) else request

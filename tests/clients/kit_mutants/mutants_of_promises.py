"""Clients that hang in a child, mix up their threads, or do not tell of what killed writers left."""

import os
import threading
import time
from pathlib import Path

from core.errors import StorageError

from ._mutant import Around, LocalMutant, S3Mutant


class _FindsNoLeftovers:
    """Does not find what killed writers left, which takes room and may cost money."""

    def leftovers(self):
        return iter(())


class LocalFindsNoLeftovers(_FindsNoLeftovers, LocalMutant):
    PREFIX = "local-leftovers://"
    CAUGHT_BY = ("test_killed_while_writing", "test_killed_while_committing")


class S3FindsNoLeftovers(_FindsNoLeftovers, S3Mutant):
    PREFIX = "s3-leftovers://"
    CAUGHT_BY = ("test_killed_while_writing",)


class _KeepsLeftovers:
    """Does not remove what killed writers left."""

    def remove_leftover(self, leftover):
        pass


class LocalKeepsLeftovers(_KeepsLeftovers, LocalMutant):
    PREFIX = "local-keep-leftovers://"
    CAUGHT_BY = ("test_killed_while_writing",)


class S3KeepsLeftovers(_KeepsLeftovers, S3Mutant):
    PREFIX = "s3-keep-leftovers://"
    CAUGHT_BY = ("test_killed_while_writing",)


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


class PutsInPlace(LocalMutant):
    """Puts text into the file that readers see."""

    PREFIX = "local-puts-in-place://"
    CAUGHT_BY = ("test_racing_puts_never_mix",)

    def put_file(self, file_name, contents):
        place = Path(self.file_path(file_name))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(contents.encode())

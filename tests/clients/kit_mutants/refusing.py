"""Clients that keep everything, and say that they cannot promise it: `Storage` has to refuse for them."""

from contextlib import suppress
from pathlib import Path

from core.clients.persistient_storage.spec import PROMISES

from ._mutant import LocalMutant, MemoryMutant


class RefusesFork(LocalMutant):
    PREFIX = "refuses-fork://"
    CANNOT_PROMISE = frozenset({"fork"})


class RefusesThreads(LocalMutant):
    PREFIX = "refuses-threads://"
    CANNOT_PROMISE = frozenset({"threads"})


class RefusesNested(LocalMutant):
    PREFIX = "refuses-nested://"
    CANNOT_PROMISE = frozenset({"nested"})


class RefusesMetadata(LocalMutant):
    PREFIX = "refuses-metadata://"
    CANNOT_PROMISE = frozenset({"metadata"})

    def open_writer(self, file_name, request):
        from dataclasses import replace

        from core.clients.persistient_storage.receipts import Metadata

        return super().open_writer(file_name, replace(request, metadata=Metadata()))


class RefusesCreate(LocalMutant):
    PREFIX = "refuses-create://"
    CANNOT_PROMISE = frozenset({"create"})


class RefusesIfMatch(LocalMutant):
    PREFIX = "refuses-if_match://"
    CANNOT_PROMISE = frozenset({"if_match"})


class IsNotAtomic(LocalMutant):
    """Removes the old file before it puts the new one: a reader may find none."""

    PREFIX = "refuses-atomic://"
    CANNOT_PROMISE = frozenset({"atomic"})

    def put_file(self, file_name, contents):
        with suppress(FileNotFoundError):
            Path(self.file_path(file_name)).unlink()
        super().put_file(file_name, contents)


class RefusesAll(MemoryMutant):
    PREFIX = "refuses-all://"
    CANNOT_PROMISE = PROMISES

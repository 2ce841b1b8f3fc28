"""Disk full: where no space is left nothing is published, and nothing is left that would take more of it."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import StorageError, StorageFull
from core.testing.storage.under_test import ClientUnderTest, cannot
from core.testing.together import in_child

_ROOM_BYTES = 256 << 10
_TEXT = "0123456789abcde\n" * (64 << 10)


class DiskFullTests(ClientUnderTest):
    """What happens when files of this machine cannot grow: a limit of the process stands for the full disk."""

    def test_a_full_disk_publishes_nothing(self, path, client, storage):
        """Where a write ends for want of space, the error is `StorageFull` and the old file stands, alone.

        A client that needs no space on this machine stores the file.
        """
        client.put_file("file.txt", "old")

        def write() -> None:
            with pytest.raises(StorageFull):
                Storage(get_client(path)).write("file.txt", _TEXT)

        outcome = _with_little_room(client, write)

        there = self.what_stands(client)
        if cannot(client, "atomic"):
            assert there in (b"old", _TEXT.encode(), None)
            return
        if there == b"old":
            assert outcome == "done", "the old file stands, but StorageFull was not raised"
        else:
            assert there == _TEXT.encode()
        self.expect_names(client, storage, ["file.txt"])

    def test_a_put_onto_a_full_disk_is_whole_or_told(self, path, client, storage):
        """``put_file`` raises and the old file stands, or it returns and the new one does."""
        client.put_file("file.txt", "old")
        outcome = _with_little_room(client, lambda: get_client(path).put_file("file.txt", _TEXT))

        if outcome == "done":
            assert self.raw(client, "file.txt") == _TEXT.encode()
        elif not cannot(client, "atomic"):
            self.expect_only_old(client, storage)
        client.put_file("file.txt", "room again")
        assert self.raw(client, "file.txt") == b"room again"
        self.expect_names(client, storage, ["file.txt"])


def _with_little_room(client: object, run: Any) -> str:
    """Run it where no file may grow large; say ``done`` or ``failed``."""

    def limited() -> None:
        with _no_large_files():
            run()

    if not cannot(client, "fork"):
        return in_child(limited)
    try:
        limited()
    except (StorageError, OSError, pytest.fail.Exception):
        return "failed"
    return "done"


@contextmanager
def _no_large_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_ROOM_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

"""What goes wrong in a local folder: a full disk, missing rights, locks, no hard links; the old file stands."""

import errno
import fcntl
import os
import subprocess
import sys

import pytest
from folder_of_tests import entries
from unprivileged import as_nobody, folder_of_nobody

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.local import walk
from core.clients.persistient_storage.policies import Create, IfChanged, IfMatch
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    FileExists,
    InvalidStoragePath,
    StorageFull,
    StoragePermissionDenied,
    StorageTimeout,
    UnsupportedOperation,
)

WRITE_TOO_MUCH = """
import resource, sys
from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import StorageFull
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
for write in (
    lambda: get_client(sys.argv[1]).put_file("a.txt", "x" * (2 << 20)),
    lambda: Storage(get_client(sys.argv[1])).write("a.txt", (b"x" * 1000 for _ in range(2000))),
):
    try:
        write()
    except StorageFull as error:
        print(error)
"""


def test_a_full_disk_leaves_the_old_file(root):
    """The error says so, the old file stands, and no part file stays; the limit of the process plays the disk."""
    get_client(root).put_file("a.txt", "old")
    done = subprocess.run(
        [sys.executable, "-c", WRITE_TOO_MUCH, str(root)], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout.count("what was stored before still stands") == 2
    assert entries(root) == ["a.txt"]
    assert (root / "a.txt").read_text() == "old"


def test_no_space_is_storage_full(root, monkeypatch):
    """The same when the last flush finds no space."""
    client = get_client(root)
    client.put_file("a.txt", "old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageFull):
            client.put_file("a.txt", "new")

    assert entries(root) == ["a.txt"]
    assert client.get_file("a.txt") == "old"


def test_a_folder_that_is_read_only():
    """The error names the place and the remedy; it is a ``PermissionError``, and the old file stands."""

    def check() -> None:
        client = get_client(root)
        client.put_file("a.txt", "old")
        root.chmod(0o555)
        try:
            for call in (lambda: client.put_file("a.txt", "x"), lambda: client.delete_file("a.txt")):
                with pytest.raises(StoragePermissionDenied, match=r"a\.txt: .*check the rights") as caught:
                    call()
                assert isinstance(caught.value, PermissionError)
        finally:
            root.chmod(0o755)
        assert client.get_file("a.txt") == "old"
        assert entries(root) == ["a.txt"]

    with folder_of_nobody() as root:
        as_nobody(check)


def test_a_file_that_may_not_be_read():
    """Reading is refused in words; ``IfChanged`` cannot compare, and replaces it, since the folder may be written."""

    def check() -> None:
        storage = Storage(get_client(root))
        storage.write("a.txt", "old")
        (root / "a.txt").chmod(0)
        with pytest.raises(StoragePermissionDenied, match="check the rights"):
            storage.read_text("a.txt")
        assert storage.write("a.txt", "new", policy=IfChanged()).outcome == "replaced"
        assert storage.read_text("a.txt") == "new"

    with folder_of_nobody() as root:
        as_nobody(check)


def test_a_file_that_may_not_be_read_is_listed():
    """It is there, with its size, and does not keep the others from being listed; its own metadata is left out."""

    def check() -> None:
        storage = Storage(get_client(root))
        storage.write("a.csv", "old", content_type="text/plain")
        storage.write("b.txt", "x")
        (root / "a.csv").chmod(0)

        found = [(stat.name, stat.size_bytes, stat.content_type) for stat in storage.list()]
        assert found == [("a.csv", 3, "text/csv; charset=utf-8"), ("b.txt", 1, "text/plain; charset=utf-8")]
        assert [stat.name for stat in storage.list("a.csv")] == ["a.csv"]
        etag = storage.stat("b.txt").etag
        (root / "b.txt").chmod(0)
        assert [stat.etag for stat in storage.list("b.txt")] == [etag]

    with folder_of_nobody() as root:
        as_nobody(check)


def test_a_path_that_is_too_long(root):
    """A path that no file system takes is refused in words."""
    with pytest.raises(InvalidStoragePath, match="too long"):
        get_client(root / "/".join(["x" * 200] * 30)).put_file("a.txt", "x")


def test_a_folder_that_others_keep_locked(root, monkeypatch):
    """A writer waits for the lock of another, and gives up in words."""
    monkeypatch.setattr(walk, "_LOCK_WAIT_S", 0.05)
    client = get_client(root)
    client.put_file("a.txt", "old")
    folder = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        with pytest.raises(StorageTimeout):
            client.put_file("a.txt", "new")
    finally:
        os.close(folder)

    assert entries(root) == ["a.txt"]
    assert client.get_file("a.txt") == "old"


def test_create_without_hard_links(root, monkeypatch):
    """On a file system without them, the lock of the folder keeps the promise."""

    def no_links(*args, **options) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    storage = Storage(get_client(root))
    storage.write("a.txt", "first", policy=Create())

    with pytest.raises(FileExists):
        storage.write("a.txt", "second", policy=Create())
    assert (root / "a.txt").read_text() == "first"
    assert entries(root) == ["a.txt"]


def test_conditions_without_locks_and_links_are_refused(root, monkeypatch):
    """Where nothing keeps the promise, it is not made."""

    def unsupported(*args, **options) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    storage = Storage(get_client(root))
    etag = storage.write("a.txt", "first").etag
    monkeypatch.setattr(os, "link", unsupported)
    monkeypatch.setattr(fcntl, "flock", unsupported)

    with pytest.raises(UnsupportedOperation):
        storage.write("b.txt", "x", policy=Create())
    with pytest.raises(UnsupportedOperation):
        storage.write("a.txt", "x", policy=IfMatch(etag))
    storage.write("a.txt", "second")
    assert entries(root) == ["a.txt"]
    assert (root / "a.txt").read_text() == "second"

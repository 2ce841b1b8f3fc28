"""What the local client stores: text only, with the rights of the umask, durable, and nothing beside it."""

import os
import stat

import pytest
from folder_of_tests import entries

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.policies import Create
from core.clients.persistient_storage.storage import Storage
from core.errors import FileExists, InvalidContents, StorageCorrupt


def test_what_is_no_text_is_refused(root):
    """A wrong argument touches nothing; a stored file that is not UTF-8 is said to be."""
    client = get_client(root)
    client.put_file("a", "old")
    with pytest.raises(TypeError):
        client.put_file("a", b"bytes")
    with pytest.raises(InvalidContents):
        client.put_file("a", "\udc80")
    assert (root / "a").read_bytes() == b"old"
    (root / "a").write_bytes(b"caf\xe9")

    with pytest.raises(StorageCorrupt, match="not UTF-8"):
        client.get_file("a")


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_rights_follow_the_umask(root, umask, mode):
    """New files and folders have the rights that the umask leaves, as for any program."""
    before = os.umask(umask)
    try:
        get_client(root).put_file("d/a.txt", "x")
    finally:
        os.umask(before)

    assert stat.S_IMODE((root / "d/a.txt").stat().st_mode) == mode
    assert stat.S_IMODE((root / "d").stat().st_mode) == 0o777 & ~umask


def test_a_put_is_a_new_file(root):
    """A put never writes into the old file: its inode changes, and a reader that has it open keeps the old text."""
    client = get_client(root)
    client.put_file("a.txt", "old")
    before = (root / "a.txt").stat().st_ino
    with (root / "a.txt").open() as reader:
        client.put_file("a.txt", "new")
        assert reader.read() == "old"

    assert (root / "a.txt").stat().st_ino != before


def test_file_and_folder_are_flushed_before_a_put_returns(root, monkeypatch):
    """The file is on the disk before it gets its name, the name and new folders before the put returns."""
    events = []
    real_sync, real_replace = os.fsync, os.replace

    def sync(descriptor: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        events.append(f"sync {kind}")
        real_sync(descriptor)

    def replace(*args, **options) -> None:
        events.append("rename")
        real_replace(*args, **options)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", replace)
    get_client(root).put_file("d/a.txt", "x")

    assert events == ["sync folder", "sync file", "rename", "sync folder"]


def test_no_part_file_stays(root):
    """After writes that succeed and writes that fail there is nothing but the files."""
    storage = Storage(get_client(root))
    storage.write("a.txt", "one")
    with pytest.raises(FileExists):
        storage.write("a.txt", "two", policy=Create())
    with pytest.raises(RuntimeError), storage.open_writer("b.txt"):
        raise RuntimeError

    assert entries(root) == ["a.txt"]


def test_part_files_are_not_listed(root):
    """What a killed process left is nobody's export."""
    storage = Storage(get_client(root))
    with storage.open_writer("d/a.txt") as file:
        file.write(b"half")
        assert any(name.endswith(".part") for name in entries(root))
        assert list(storage.list()) == []

"""Where the local client reads and writes: below its folder, never beside it, and regular files only."""

import os
import socket

import pytest
from folder_of_tests import entries

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import FileExists, FileMissing, InvalidFileName, InvalidStoragePath


def test_nothing_is_made_before_the_first_write(tmp_path):
    """Neither the client nor ``file_path`` nor a read makes the folder."""
    client = get_client(tmp_path / "exports")

    assert client.file_path("a/b.txt") == str(tmp_path / "exports" / "a" / "b.txt")
    client.delete_file("a/b.txt")
    with pytest.raises(FileNotFoundError):
        client.get_file("a/b.txt")
    assert list(Storage(client).list()) == []
    assert entries(tmp_path) == []


def test_a_relative_path_is_fixed_at_once(tmp_path, monkeypatch):
    """A working folder that changes later changes nothing."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    client = get_client("exports")
    monkeypatch.chdir(tmp_path / "elsewhere")
    client.put_file("a.txt", "x")

    assert (tmp_path / "exports" / "a.txt").read_text() == "x"


def test_the_home_folder_is_expanded(tmp_path, monkeypatch):
    """``~/exports`` is in the home folder, not in one called ``~``."""
    monkeypatch.setenv("HOME", str(tmp_path))

    assert get_client("~/exports").file_path("a") == str(tmp_path / "exports" / "a")
    with pytest.raises(InvalidStoragePath):
        get_client("~no-such-user-here/exports")


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_a_path_that_is_no_place_is_refused(path):
    """An empty path is not the working folder."""
    with pytest.raises(InvalidStoragePath):
        get_client(path)


def test_a_file_is_no_folder(tmp_path):
    """A path that is a file is refused in words, when it is used."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(InvalidStoragePath, match="is not a folder"):
        get_client(tmp_path / "file").put_file("a", "x")
    with pytest.raises(InvalidStoragePath, match="is not a folder"):
        get_client(tmp_path / "file").get_file("a")


def test_a_file_where_a_folder_is_needed(root):
    """A name below a file is refused, and so is a file where a folder stands; both stay."""
    client = get_client(root)
    client.put_file("a", "file")
    client.put_file("d/x", "file")

    with pytest.raises(FileExists):
        client.put_file("a/b", "x")
    with pytest.raises(FileMissing):
        client.get_file("a/b")
    with pytest.raises(FileExists):
        client.put_file("d", "x")
    with pytest.raises(FileExists):
        client.delete_file("d")
    client.delete_file("a/b")
    assert entries(root) == ["a", "d", "d/x"]


@pytest.mark.parametrize("name", ["../victim", "../../etc/passwd", "/etc/passwd", "a/../../victim", "..", "."])
def test_no_name_leaves_the_folder(tmp_path, root, name):
    """Each of the methods refuses it, and nothing outside is touched."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    client = get_client(root)
    for call in (client.file_path, client.get_file, client.delete_file, lambda name: client.put_file(name, "x")):
        with pytest.raises(InvalidFileName):
            call(name)

    assert victim.read_text() == "precious"
    assert entries(root) == []


@pytest.mark.scoreboard("symlinked folder", subject="local")
def test_a_linked_folder_is_not_followed(tmp_path, root):
    """Through a symbolic link below the root nothing is read, written, deleted or listed."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim").write_text("precious")
    (root / "link").symlink_to(outside)
    client = get_client(root)
    for call in (client.file_path, client.get_file, client.delete_file, lambda name: client.put_file(name, "x")):
        with pytest.raises(InvalidFileName, match="symbolic link"):
            call("link/victim")
    with pytest.raises(InvalidFileName):
        client.put_file("link/new/file", "x")

    assert entries(outside) == ["victim"]
    assert (outside / "victim").read_text() == "precious"
    assert list(Storage(client).list()) == []


@pytest.mark.scoreboard("symlinked file", subject="local")
def test_a_linked_file_is_not_followed(tmp_path, root):
    """A read is refused; a put and a delete replace and remove the link, and its target stays."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    client = get_client(root)
    for name in ("read", "put", "delete"):
        (root / name).symlink_to(victim)
    with pytest.raises(InvalidFileName, match="symbolic link"):
        client.get_file("read")
    with pytest.raises(InvalidFileName):
        Storage(client).stat("read")
    client.put_file("put", "new")
    client.delete_file("delete")

    assert victim.read_text() == "precious"
    assert not (root / "put").is_symlink()
    assert (root / "put").read_text() == "new"
    assert [stat.name for stat in Storage(client).list()] == ["put"]


@pytest.mark.scoreboard("symlinked folder", subject="local")
def test_a_folder_that_is_swapped_for_a_link_is_not_followed(tmp_path, root):
    """A writer that has its folder open publishes into that folder, whatever its name is now."""
    outside = tmp_path / "outside"
    outside.mkdir()
    client = get_client(root)
    with Storage(client).open_writer("d/file") as file:
        file.write(b"new")
        (root / "d").rename(root / "moved")
        (root / "d").symlink_to(outside)

    assert entries(outside) == []
    assert (root / "moved" / "file").read_bytes() == b"new"


def test_the_root_itself_may_be_a_link(tmp_path, root):
    """That is the operator's choice."""
    (tmp_path / "link").symlink_to(root)
    client = get_client(tmp_path / "link")
    client.put_file("d/a.txt", "x")

    assert (root / "d" / "a.txt").read_text() == "x"
    assert client.file_path("d/a.txt") == str(tmp_path / "link" / "d" / "a.txt")
    assert client.get_file("d/a.txt") == "x"


def test_only_files_are_read(root):
    """A pipe does not make a reader wait for ever; it is no file."""
    os.mkfifo(root / "pipe")
    (root / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(FileMissing, match="not a file"):
            get_client(root).get_file(name)


def test_a_list_holds_regular_files_only(root):
    """Neither a socket nor a pipe in the folder is an export, and neither keeps the others from being listed."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "socket"))
        os.mkfifo(root / "pipe")
        (root / "a.txt").write_text("x")
        storage = Storage(get_client(root))

        assert [stat.name for stat in storage.list()] == ["a.txt"]
        assert list(storage.list("socket")) == []
        with pytest.raises(FileMissing, match="not a file"):
            storage.stat("socket")

"""SSH servers that are away, silent, full, or lack what is needed: errors with remedies, and the old file stands."""
# ruff: noqa: PT012 - what a block does after its first statement is what is tested

import socket
import threading
import time

import pytest
from file_servers import ssh_server
from remote_trees import names_in

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.patience import waiting_at_most
from core.clients.persistient_storage.policies import Create
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    StorageFull,
    StoragePermissionDenied,
    StorageTimeout,
    StorageUnavailable,
    UnsupportedOperation,
)
from core.testing.together import at_once


def test_a_server_that_says_nothing_is_given_up_soon(other_home):
    """It takes the connection and is silent; also eight threads at once do not wait one after the other."""
    with socket.create_server(("127.0.0.1", 0), backlog=20) as silent, waiting_at_most(2):
        storage = Storage(get_client(f"sftp://127.0.0.1:{silent.getsockname()[1]}/srv"))

        def ask(_):
            with pytest.raises(StorageTimeout):
                storage.read_text("file.txt")

        _timed(lambda: at_once(ask, 8))


def test_what_is_no_ssh_server_is_told(other_home):
    """Something else answers: an error that says so."""
    with socket.create_server(("127.0.0.1", 0)) as other:

        def answer():
            connection, _ = other.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                connection.recv(100)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(StorageUnavailable, match="no SSH connection"):
            _timed(lambda: get_client(f"sftp://127.0.0.1:{other.getsockname()[1]}/srv").get_file("file.txt"))
        thread.join()


@pytest.mark.parametrize("host", ["host.invalid", "unsure.invalid"])
def test_a_host_that_does_not_exist_is_told(other_home, unknown_names, host):
    """The name cannot be found; the message says that it may be the name service that is away."""
    with pytest.raises(StorageUnavailable, match="no such host, or the name service is away"):
        _timed(lambda: Storage(get_client(f"sftp://{host}/srv")).read_text("file.txt"))


@pytest.mark.parametrize("size", [3 << 20, (1 << 20) + 1], ids=["much", "little"])
def test_a_full_disk_keeps_the_old_file(tmp_path, monkeypatch, size):
    """The server can write no more: `StorageFull`, the old file stands, and nothing is left behind."""
    with ssh_server(tmp_path, longest_file_bytes=1 << 20) as server:
        monkeypatch.setenv("HOME", str(server.home))
        storage = Storage(get_client(server.path(server.folder)))
        storage.write("file.txt", "old")
        with pytest.raises(StorageFull):
            storage.write("file.txt", b"x" * size)

        assert (server.folder / "file.txt").read_text() == "old"
        assert names_in(server.folder) == ["file.txt"]


def test_a_part_file_of_another_length_is_not_published(server, folder):
    """Somebody else wrote into the part file: an error, the old file stands, nothing is left behind."""
    storage = Storage(get_client(server.path(folder)))
    storage.write("file.txt", "old")
    with pytest.raises(StorageFull, match="kept 9 of 3 bytes"), storage.open_writer("file.txt") as file:
        next(folder.glob(".yeti-*.part")).write_text("other....")
        file.write(b"new")

    assert (folder / "file.txt").read_text() == "old"
    assert names_in(folder) == ["file.txt"]


def test_a_server_that_lets_nobody_write_is_told(tmp_path, monkeypatch):
    """No right to write is `StoragePermissionDenied`."""
    with ssh_server(tmp_path, subsystem="internal-sftp -R") as server:
        monkeypatch.setenv("HOME", str(server.home))
        with pytest.raises(StoragePermissionDenied):
            Storage(get_client(server.path(server.folder))).write("file.txt", "x")


@pytest.mark.parametrize(
    ("lacks", "policy", "error"),
    [("hardlink", {"policy": Create()}, UnsupportedOperation), ("posix-rename", {}, StoragePermissionDenied)],
)
def test_a_server_that_lacks_a_request_is_refused(tmp_path, monkeypatch, lacks, policy, error):
    """Without hard links there is no create-only, and without the rename nothing is replaced; nothing is left."""
    with ssh_server(tmp_path, subsystem=f"internal-sftp -P {lacks}") as server:
        monkeypatch.setenv("HOME", str(server.home))
        with pytest.raises(error):
            Storage(get_client(server.path(server.folder))).write("file.txt", "new", **policy)

        assert names_in(server.folder) == []


def _timed(run) -> None:
    began = time.monotonic()
    try:
        run()
    finally:
        assert time.monotonic() - began < 10

"""Connections over SSH: shared by threads, made anew when they break, never used again when that cannot be trusted."""
# ruff: noqa: PT012 - what a block does after its first statement is what is tested

import os

import paramiko
import pytest
from file_servers import sshd, stop
from remote_trees import names_in

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.patience import waiting_at_most
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    StorageError,
    StorageUnavailable,
)
from core.testing.faults import Proxy
from core.testing.together import at_once


def test_threads_share_one_connection(server, folder, tmp_path, monkeypatch):
    """Eight threads publish and read with one client over one connection."""
    with Proxy() as proxy:
        monkeypatch.setenv("YETI_SFTP_KNOWN_HOSTS", str(tmp_path / "known"))
        client = get_client(server.path_through(proxy, server.path(folder), tmp_path / "known"))

        def use(number):
            for turn in range(5):
                client.put_file(f"{number}.txt", f"{number} {turn}\n" * 20_000)
                assert client.get_file(f"{number}.txt") == f"{number} {turn}\n" * 20_000

        at_once(use, 8)

        assert proxy.requests == 1
        assert len(names_in(folder)) == 8


def test_more_files_can_be_open_than_one_connection_carries(server, folder):
    """OpenSSH lets a connection have ten sessions; thirty files that are open at once need more, and get them."""
    storage = Storage(get_client(server.path(folder)))
    writers = [storage.open_writer(f"{number}.txt") for number in range(15)]
    for number, writer in enumerate(writers):
        with writer:
            writer.write(str(number).encode())
    readers = [storage.open_reader(f"{number}.txt") for number in range(15)]
    found = [reader.read() for reader in readers]
    for reader in readers:
        reader.close()

    assert found == [str(number).encode() for number in range(15)]


def test_a_broken_connection_is_made_anew(tmp_path, own_server):
    """The server was started anew meanwhile: nobody notices."""
    client = get_client(own_server.path(own_server.folder))
    client.put_file("file.txt", "first")
    stop(own_server.process)

    with sshd(tmp_path, own_server.port):
        assert client.get_file("file.txt") == "first"
        client.put_file("file.txt", "second")
        assert Storage(client).stat("file.txt").size_bytes == 6


def test_a_connection_that_breaks_under_a_question_is_made_anew_once(server, folder, monkeypatch):
    """The question is asked again over a new connection; if that breaks too, it is an error."""
    storage = Storage(get_client(server.path(folder)))
    storage.write("file.txt", "x")
    stat, breaks = paramiko.SFTPClient.stat, [1]

    def breaking(self, path):
        if breaks:
            breaks.pop()
            self.get_channel().get_transport().close()
            raise EOFError
        return stat(self, path)

    monkeypatch.setattr(paramiko.SFTPClient, "stat", breaking)

    assert storage.stat("file.txt").size_bytes == 1
    breaks += [1, 1]
    with pytest.raises(StorageUnavailable):
        storage.stat("file.txt")


@pytest.mark.parametrize("is_replaced", [False, True], ids=["same file", "replaced"])
def test_reading_goes_on_with_the_same_file_or_ends_in_an_error(tmp_path, own_server, is_replaced):
    """The connection breaks midway: the rest comes from the same file, and never from another one."""
    data, other = os.urandom(6 << 20), os.urandom(6 << 20)
    storage = Storage(get_client(own_server.path(own_server.folder)))
    storage.write("file.bin", data)
    with storage.open_reader("file.bin") as file:
        begin = file.read(1 << 20)
        stop(own_server.process)
        with sshd(tmp_path, own_server.port):
            if is_replaced:
                storage.write("file.bin", other)
                with pytest.raises(StorageUnavailable, match="replaced"):
                    file.read()
                return
            assert begin + file.read() == data


@pytest.mark.parametrize("direction", ["send", "recv"])
@pytest.mark.parametrize("verb", ["read", "write", "stat"])
@pytest.mark.parametrize("interruption", [KeyboardInterrupt, LookupError], ids=["ctrl-c", "signal handler"])
def test_a_channel_that_was_interrupted_in_a_packet_is_not_used_again(
    server, folder, monkeypatch, direction, verb, interruption
):
    """Something ends a call in the middle of a packet: the next files work at once, and no part file stays."""
    storage = Storage(get_client(server.path(folder)))
    storage.write("file.txt", b"x" * 100_000)

    with pytest.raises((interruption, StorageError)):
        if verb == "stat":
            _interrupt(monkeypatch, direction, interruption)
            storage.stat("file.txt")
        elif verb == "read":
            with storage.open_reader("file.txt") as reader:
                _interrupt(monkeypatch, direction, interruption)
                reader.read()
        else:
            with storage.open_writer("other.txt") as writer:
                _interrupt(monkeypatch, direction, interruption)
                writer.write(b"y" * 1_000_000)

    with waiting_at_most(5):
        for number in range(3):
            storage.write("file.txt", str(number))
            assert storage.read_text("file.txt") == str(number)
    assert names_in(folder) == ["file.txt"]


def test_a_channel_that_speaks_garbage_is_not_used_again(server, folder, monkeypatch):
    """What paramiko cannot understand is an error once, and not for the next question."""
    storage = Storage(get_client(server.path(folder)))
    storage.write("file.txt", "x")
    recv, garbage = paramiko.Channel.recv, [b"\xff" * 4]
    monkeypatch.setattr(
        paramiko.Channel,
        "recv",
        lambda self, count: recv(self, 3) and garbage.pop() if garbage else recv(self, count),
    )

    with pytest.raises(StorageError, match="Garbage"):
        storage.stat("file.txt")
    with waiting_at_most(5):
        assert storage.stat("file.txt").size_bytes == 1


def _interrupt(monkeypatch, direction: str, interruption: type[BaseException]) -> None:
    """Let the next packet go or come only in part, and raise *interruption* then."""
    whole, left = getattr(paramiko.Channel, direction), [2, 1]

    def cut(self, what):
        if left:
            left.pop()
            if not left:
                raise interruption
            return whole(self, what[:3] if direction == "send" else 3)
        return whole(self, what)

    monkeypatch.setattr(paramiko.Channel, direction, cut)

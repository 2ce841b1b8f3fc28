"""The SFTP client against OpenSSH: the kit, who is let in and whose keys are believed, errors with remedies."""
# ruff: noqa: PT012 - what a block does after its first statement is what is tested

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import paramiko
import pytest
from file_servers import free_port, ssh_server, sshd, stop

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.patience import waiting_at_most
from core.clients.persistient_storage.policies import Create
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    FileExists,
    FileMissing,
    InvalidStoragePath,
    StorageError,
    StorageFull,
    StoragePermissionDenied,
    StorageTimeout,
    StorageUnavailable,
    UnsupportedOperation,
)
from core.testing.faults import Proxy
from core.testing.storage import StorageClientTests
from core.testing.together import at_once

_SECRET = "a-pässword-that-nobody-sees"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch):
    for name in ("YETI_SFTP_KEY_FILE", "YETI_SFTP_PASSWORD_FILE", "YETI_SFTP_KNOWN_HOSTS", "SSH_AUTH_SOCK"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def openssh(tmp_path_factory):
    """OpenSSH, with its data in a temporary folder."""
    with ssh_server(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def server(openssh, monkeypatch):
    """OpenSSH, with a home folder that opens it."""
    monkeypatch.setenv("HOME", str(openssh.home))
    return openssh


@pytest.fixture
def own_server(tmp_path, monkeypatch):
    """OpenSSH for this test alone."""
    with ssh_server(tmp_path) as server:
        monkeypatch.setenv("HOME", str(server.home))
        yield server


@pytest.fixture
def other_home(server, tmp_path, monkeypatch):
    """A home folder like the one that opens the server, to be changed by the test."""
    home = tmp_path / "home"
    shutil.copytree(server.home, home)
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture
def folder(server):
    """A folder of the server that nobody else uses."""
    folder = server.folder / os.urandom(4).hex()
    folder.mkdir()
    return folder


def path_of(server, folder):
    return f"sftp://127.0.0.1:{server.port}{folder}"


def names_in(folder):
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if not file.is_dir())


class TestSftp(StorageClientTests):
    """The kit on OpenSSH."""

    @pytest.fixture
    def path(self, server, folder):
        self.server, self.folder = server, folder / "exports"
        return path_of(server, self.folder)

    def raw(self, client, file_name):
        return (self.folder / file_name).read_bytes()

    def raw_names(self, client):
        return names_in(self.folder)

    def path_through(self, proxy, path, monkeypatch):
        far = proxy.to(path)
        known, port = self.server.known_hosts.read_text(), far.split(":")[2].split("/")[0]
        file = self.folder.parent / "known_hosts"
        file.write_text(known + known.replace(f":{self.server.port} ", f":{port} "))
        monkeypatch.setenv("YETI_SFTP_KNOWN_HOSTS", str(file))
        return far


# --- paths ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("sftp://host/srv/exports", "sftp://host/srv/exports/d/a.txt"),
        ("sftp://host/srv/exports/", "sftp://host/srv/exports/d/a.txt"),
        ("sftp://host/", "sftp://host/d/a.txt"),
        ("sftp://user@host:2222/srv", "sftp://user@host:2222/srv/d/a.txt"),
        ("sftp://[::1]:22/srv", "sftp://[::1]:22/srv/d/a.txt"),
        ("sftp://alias_of-config/ü b", "sftp://alias_of-config/ü b/d/a.txt"),
    ],
)
def test_a_path_names_account_and_folder(path, place):
    """User and port may be missing, and a slash at the end makes no difference."""
    assert get_client(path).file_path("d/a.txt") == place


@pytest.mark.parametrize(
    "path",
    ["sftp://", "sftp://host", "sftp:///srv", "sftp://host:0/srv", "sftp://host:x/srv", "sftp://host/a/../b"],
)
def test_other_paths_are_refused(path):
    """A path without host or folder, or with parts that are no names, is refused."""
    with pytest.raises(InvalidStoragePath):
        get_client(path)


def test_a_password_in_the_path_is_refused():
    """It is not repeated, and the remedy is named."""
    with pytest.raises(InvalidStoragePath, match="YETI_SFTP_PASSWORD_FILE") as caught:
        get_client(f"sftp://user:{_SECRET}@host/srv")

    assert _SECRET not in str(caught.value)


def test_a_missing_package_is_asked_for(monkeypatch):
    """Without paramiko the first use says what to install; taking the path does not need it."""
    client = get_client("sftp://host/srv")
    monkeypatch.setitem(sys.modules, "paramiko", None)

    with pytest.raises(StorageError, match=r"pip install 'yeti-exports\[sftp\]'"):
        Storage(client).write("file.txt", "x")


# --- who is let in, and whose keys are believed --------------------------------------------------------------------


def test_an_unknown_host_key_is_refused(server, folder, other_home):
    """A server that no file of known hosts has is not talked to; the error says how to make it known."""
    (other_home / ".ssh" / "known_hosts").unlink()

    with pytest.raises(StoragePermissionDenied, match=rf"ssh-keyscan -p {server.port} 127\.0\.0\.1 >>"):
        Storage(get_client(path_of(server, folder))).write("file.txt", "x")
    assert names_in(folder) == []


def test_a_changed_host_key_is_refused(server, folder, other_home):
    """A server with another key than the known one is not talked to."""
    known = other_home / ".ssh" / "known_hosts"
    public = (other_home / ".ssh" / "id_ed25519.pub").read_text().split()[:2]  # any other key
    known.write_text(f"[127.0.0.1]:{server.port} {' '.join(public)}\n")

    with pytest.raises(StoragePermissionDenied, match="ssh-keygen -R"):
        Storage(get_client(path_of(server, folder))).write("file.txt", "x")
    assert names_in(folder) == []


def test_known_hosts_can_be_elsewhere(server, folder, other_home, monkeypatch):
    """``YETI_SFTP_KNOWN_HOSTS`` names the file that counts."""
    moved = (other_home / ".ssh" / "known_hosts").rename(other_home / "hosts")
    monkeypatch.setenv("YETI_SFTP_KNOWN_HOSTS", str(moved))

    get_client(path_of(server, folder)).put_file("file.txt", "x")
    assert names_in(folder) == ["file.txt"]


def test_a_refused_key_is_told(server, folder, other_home):
    """A key that the server does not take is an error with the places where keys are looked for."""
    _new_key(other_home / ".ssh" / "id_ed25519")

    with pytest.raises(StoragePermissionDenied, match="YETI_SFTP_KEY_FILE"):
        Storage(get_client(path_of(server, folder))).write("file.txt", "x")


def test_the_key_can_be_named(server, folder, other_home, monkeypatch):
    """``YETI_SFTP_KEY_FILE`` names the key that is used, and no other is tried then."""
    own = (other_home / ".ssh" / "id_ed25519").rename(other_home / "own")
    monkeypatch.setenv("YETI_SFTP_KEY_FILE", str(own))
    get_client(path_of(server, folder)).put_file("file.txt", "x")
    shutil.copy(own, other_home / ".ssh" / "id_ed25519")
    _new_key(other_home / "other")
    monkeypatch.setenv("YETI_SFTP_KEY_FILE", str(other_home / "other"))

    with pytest.raises(StoragePermissionDenied):
        Storage(get_client(path_of(server, folder))).read_text("file.txt")


@pytest.mark.parametrize("variable", ["YETI_SFTP_KEY_FILE", "YETI_SFTP_PASSWORD_FILE"])
def test_a_file_that_is_not_there_is_told(server, folder, monkeypatch, variable):
    """A variable that names no file is named."""
    monkeypatch.setenv(variable, "/nowhere/file")

    with pytest.raises(StoragePermissionDenied, match=f"{variable} names /nowhere/file"):
        Storage(get_client(path_of(server, folder))).read_text("file.txt")


def test_a_locked_key_is_told(server, folder, other_home, monkeypatch):
    """A key with a passphrase cannot be opened; the agent is the remedy."""
    _new_key(other_home / "locked", passphrase="12345")
    monkeypatch.setenv("YETI_SFTP_KEY_FILE", str(other_home / "locked"))

    with pytest.raises(StoragePermissionDenied, match="passphrase"):
        Storage(get_client(path_of(server, folder))).read_text("file.txt")


def test_the_configuration_of_ssh_counts(server, folder, other_home):
    """``HostName``, ``Port``, ``User`` and ``IdentityFile`` of ``~/.ssh/config`` are used."""
    (other_home / ".ssh" / "id_ed25519").rename(other_home / "own")
    (other_home / ".ssh" / "config").write_text(
        f"Host exports\n HostName 127.0.0.1\n Port {server.port}\n User root\n IdentityFile ~/own\n"
        if os.geteuid() == 0
        else f"Host exports\n HostName 127.0.0.1\n Port {server.port}\n IdentityFile ~/own\n"
    )

    get_client(f"sftp://exports{folder}").put_file("file.txt", "x")
    assert names_in(folder) == ["file.txt"]


def test_a_password_comes_from_a_file_and_is_never_shown(tmp_path, monkeypatch, caplog):
    """``YETI_SFTP_PASSWORD_FILE`` holds it; a server that refuses it does not learn keys, and no message shows it."""
    caplog.set_level("DEBUG")
    (tmp_path / "password").write_text(_SECRET + "\n")
    monkeypatch.setenv("YETI_SFTP_PASSWORD_FILE", str(tmp_path / "password"))
    with (
        _password_server(tmp_path, monkeypatch) as (port, tried),
        pytest.raises(StoragePermissionDenied) as caught,
    ):
        Storage(get_client(f"sftp://user@127.0.0.1:{port}/srv")).read_text("file.txt")

    assert tried == [("user", _SECRET)]
    assert _SECRET not in str(caught.value) + caplog.text


# --- servers that do not do their part -----------------------------------------------------------------------------


def test_a_server_that_is_away_is_told_soon(other_home):
    """Nobody listens: an error that says so, and to try again later."""
    with pytest.raises(StorageUnavailable, match="nothing answers"):
        _timed(lambda: Storage(get_client(f"sftp://127.0.0.1:{free_port()}/srv")).read_text("file.txt"))


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


def test_a_host_that_does_not_exist_is_told(other_home):
    """The name cannot be found."""
    with pytest.raises(StorageUnavailable, match="no such host"):
        _timed(lambda: Storage(get_client("sftp://host.invalid/srv")).read_text("file.txt"))


@pytest.mark.parametrize("size", [3 << 20, (1 << 20) + 1], ids=["much", "little"])
def test_a_full_disk_keeps_the_old_file(tmp_path, monkeypatch, size):
    """The server can write no more: `StorageFull`, the old file stands, and nothing is left behind."""
    with ssh_server(tmp_path, longest_file_bytes=1 << 20) as server:
        monkeypatch.setenv("HOME", str(server.home))
        storage = Storage(get_client(path_of(server, server.folder)))
        storage.write("file.txt", "old")
        with pytest.raises(StorageFull):
            storage.write("file.txt", b"x" * size)

        assert (server.folder / "file.txt").read_text() == "old"
        assert names_in(server.folder) == ["file.txt"]


def test_a_part_file_of_another_length_is_not_published(server, folder):
    """Somebody else wrote into the part file: an error, the old file stands, nothing is left behind."""
    storage = Storage(get_client(path_of(server, folder)))
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
            Storage(get_client(path_of(server, server.folder))).write("file.txt", "x")


@pytest.mark.parametrize(
    ("lacks", "policy", "error"),
    [("hardlink", {"policy": Create()}, UnsupportedOperation), ("posix-rename", {}, StoragePermissionDenied)],
)
def test_a_server_that_lacks_a_request_is_refused(tmp_path, monkeypatch, lacks, policy, error):
    """Without hard links there is no create-only, and without the rename nothing is replaced; nothing is left."""
    with ssh_server(tmp_path, subsystem=f"internal-sftp -P {lacks}") as server:
        monkeypatch.setenv("HOME", str(server.home))
        with pytest.raises(error):
            Storage(get_client(path_of(server, server.folder))).write("file.txt", "new", **policy)

        assert names_in(server.folder) == []


def test_a_broken_connection_is_made_anew(tmp_path, own_server):
    """The server was started anew meanwhile: nobody notices."""
    client = get_client(path_of(own_server, own_server.folder))
    client.put_file("file.txt", "first")
    stop(own_server.process)

    with sshd(tmp_path, own_server.port):
        assert client.get_file("file.txt") == "first"
        client.put_file("file.txt", "second")
        assert Storage(client).stat("file.txt").size_bytes == 6


def test_a_connection_that_breaks_under_a_question_is_made_anew_once(server, folder, monkeypatch):
    """The question is asked again over a new connection; if that breaks too, it is an error."""
    storage = Storage(get_client(path_of(server, folder)))
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
    storage = Storage(get_client(path_of(own_server, own_server.folder)))
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
    storage = Storage(get_client(path_of(server, folder)))
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
    storage = Storage(get_client(path_of(server, folder)))
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


# --- connections ---------------------------------------------------------------------------------------------------


def test_threads_share_one_connection(server, folder, tmp_path, monkeypatch):
    """Eight threads publish and read with one client over one connection."""
    with Proxy() as proxy:
        far = proxy.to(path_of(server, folder))
        known, port = server.known_hosts.read_text(), far.split(":")[2].split("/")[0]
        (tmp_path / "known").write_text(known.replace(f":{server.port} ", f":{port} "))
        monkeypatch.setenv("YETI_SFTP_KNOWN_HOSTS", str(tmp_path / "known"))
        client = get_client(far)

        def use(number):
            for turn in range(5):
                client.put_file(f"{number}.txt", f"{number} {turn}\n" * 20_000)
                assert client.get_file(f"{number}.txt") == f"{number} {turn}\n" * 20_000

        at_once(use, 8)

        assert proxy.requests == 1
        assert len(names_in(folder)) == 8


def test_more_files_can_be_open_than_one_connection_carries(server, folder):
    """OpenSSH lets a connection have ten sessions; thirty files that are open at once need more, and get them."""
    storage = Storage(get_client(path_of(server, folder)))
    writers = [storage.open_writer(f"{number}.txt") for number in range(15)]
    for number, writer in enumerate(writers):
        with writer:
            writer.write(str(number).encode())
    readers = [storage.open_reader(f"{number}.txt") for number in range(15)]
    found = [reader.read() for reader in readers]
    for reader in readers:
        reader.close()

    assert found == [str(number).encode() for number in range(15)]


# --- folders, links, what was left behind ---------------------------------------------------------------------------


def test_a_link_is_replaced_and_not_written_through(server, folder):
    """A put replaces a link on the server; what it led to stays.  Lists leave links out."""
    (folder / "target.txt").write_text("target")
    (folder / "file.txt").symlink_to(folder / "target.txt")
    storage = Storage(get_client(path_of(server, folder)))
    before = [stat.name for stat in storage.list()]
    storage.write("file.txt", "new")

    assert before == ["target.txt"]
    assert (folder / "target.txt").read_text() == "target"
    assert not (folder / "file.txt").is_symlink()


def test_folders_are_not_files(server, folder):
    """A folder is not read, not replaced and not deleted as if it were a file; a file is no folder."""
    (folder / "name" / "below").mkdir(parents=True)
    storage = Storage(get_client(path_of(server, folder)))
    for verb in (lambda: storage.write("name", "x"), lambda: storage.delete("name")):
        with pytest.raises(FileExists, match="folder of that name"):
            verb()
    for verb in (lambda: storage.stat("name"), lambda: storage.read_text("name")):
        with pytest.raises(FileMissing):
            verb()
    storage.write("file", "x")
    with pytest.raises(FileExists, match="file stands where a folder is needed"):
        storage.write("file/below/it.txt", "x")

    assert names_in(folder) == ["file"]


def test_times_never_go_back(server, folder):
    """A file that replaces one from the future is dated after it, so that nobody who looks at the time misses it."""
    storage = Storage(get_client(path_of(server, folder)))
    storage.write("file.txt", "old")
    ahead = int(time.time()) + 1_000
    os.utime(folder / "file.txt", (ahead, ahead))
    receipt = storage.write("file.txt", "new")

    assert int((folder / "file.txt").stat().st_mtime) == ahead + 1
    assert receipt.etag == storage.stat("file.txt").etag


def test_what_was_left_behind_is_found_and_removed(server, folder):
    """Part files are listed with their age and size, and removed; nothing else is."""
    (folder / "d").mkdir()
    (folder / "d" / ".yeti-0123456789abcdef.part").write_text("half")
    (folder / "d" / "file.txt").write_text("whole")
    storage = Storage(get_client(path_of(server, folder)))
    listed = [stat.name for stat in storage.list()]
    found = list(storage.leftovers())
    for leftover in found:
        storage.remove_leftover(leftover)
        storage.remove_leftover(leftover)

    place = path_of(server, folder) + "/d/.yeti-0123456789abcdef.part"
    assert [(leftover.location, leftover.size_bytes) for leftover in found] == [(place, 4)]
    assert listed == ["d/file.txt"]
    assert names_in(folder) == ["d/file.txt"]


# --- help ----------------------------------------------------------------------------------------------------------


def _new_key(file: Path, passphrase: str = "") -> None:
    file.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", file], check=True)


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


def _timed(run) -> None:
    began = time.monotonic()
    try:
        run()
    finally:
        assert time.monotonic() - began < 10


def _password_server(folder: Path, monkeypatch):
    """Run a server that wants a password and takes none: OpenSSH would ask the accounts of this machine."""
    from contextlib import contextmanager

    tried = []

    class Refusing(paramiko.ServerInterface):
        def get_allowed_auths(self, username):
            return "password,publickey"

        def check_auth_password(self, username, password):
            tried.append((username, password))
            return paramiko.AUTH_FAILED

        def check_auth_publickey(self, username, key):
            tried.append((username, "a key"))
            return paramiko.AUTH_FAILED

    @contextmanager
    def running():
        key = paramiko.ECDSAKey.generate()
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]

            def serve():
                transport = paramiko.Transport(listening.accept()[0])
                transport.add_server_key(key)
                transport.start_server(server=Refusing())
                transport.join(10)

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            (folder / "known").write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")
            monkeypatch.setenv("YETI_SFTP_KNOWN_HOSTS", str(folder / "known"))
            monkeypatch.setenv("HOME", str(folder))
            yield port, tried
            thread.join(10)

    return running()

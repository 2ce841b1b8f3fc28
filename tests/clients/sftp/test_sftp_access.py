"""Who is let in over SFTP, by which key or password, and whose keys are believed."""

import os
import shutil
import socket
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import paramiko
import pytest
from remote_trees import PASSWORD, names_in
from unprivileged import as_nobody, folder_of_nobody

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.sftp.account import check_key
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    InvalidStoragePath,
    StoragePermissionDenied,
    UnsupportedOperation,
)

# --- whose keys are believed -------------------------------------------------------------------------------------


def test_an_unknown_host_key_is_refused(server, folder, other_home):
    """A server that no file of known hosts has is not talked to; the error says how to make it known."""
    (other_home / ".ssh" / "known_hosts").unlink()

    with pytest.raises(StoragePermissionDenied, match=rf"ssh-keyscan -p {server.port} 127\.0\.0\.1 >>"):
        Storage(get_client(server.path(folder))).write("file.txt", "x")
    assert names_in(folder) == []


def test_a_changed_host_key_is_refused(server, folder, other_home):
    """A server with another key than the known one is not talked to."""
    known = other_home / ".ssh" / "known_hosts"
    public = (other_home / ".ssh" / "id_ed25519.pub").read_text().split()[:2]  # any other key
    known.write_text(f"[127.0.0.1]:{server.port} {' '.join(public)}\n")

    with pytest.raises(StoragePermissionDenied, match="ssh-keygen -R"):
        Storage(get_client(server.path(folder))).write("file.txt", "x")
    assert names_in(folder) == []


def test_known_hosts_can_be_elsewhere(server, folder, other_home, monkeypatch):
    """``YETI_SFTP_KNOWN_HOSTS`` names the file that counts."""
    moved = (other_home / ".ssh" / "known_hosts").rename(other_home / "hosts")
    monkeypatch.setenv("YETI_SFTP_KNOWN_HOSTS", str(moved))

    get_client(server.path(folder)).put_file("file.txt", "x")
    assert names_in(folder) == ["file.txt"]


# --- who is let in -----------------------------------------------------------------------------------------------


def test_a_refused_key_is_told(server, folder, other_home):
    """A key that the server does not take is an error with the places where keys are looked for."""
    _new_key(other_home / ".ssh" / "id_ed25519")

    with pytest.raises(StoragePermissionDenied, match="YETI_SFTP_KEY_FILE"):
        Storage(get_client(server.path(folder))).write("file.txt", "x")


def test_the_key_can_be_named(server, folder, other_home, monkeypatch):
    """``YETI_SFTP_KEY_FILE`` names the key that is used, and no other is tried then."""
    own = (other_home / ".ssh" / "id_ed25519").rename(other_home / "own")
    monkeypatch.setenv("YETI_SFTP_KEY_FILE", str(own))
    get_client(server.path(folder)).put_file("file.txt", "x")
    shutil.copy(own, other_home / ".ssh" / "id_ed25519")
    _new_key(other_home / "other")
    monkeypatch.setenv("YETI_SFTP_KEY_FILE", str(other_home / "other"))

    with pytest.raises(StoragePermissionDenied):
        Storage(get_client(server.path(folder))).read_text("file.txt")


@pytest.mark.parametrize("variable", ["YETI_SFTP_KEY_FILE", "YETI_SFTP_PASSWORD_FILE"])
def test_a_file_that_is_not_there_is_told(server, folder, monkeypatch, variable):
    """A variable that names no file is named."""
    monkeypatch.setenv(variable, "/nowhere/file")

    with pytest.raises(StoragePermissionDenied, match=f"{variable} names /nowhere/file"):
        Storage(get_client(server.path(folder))).read_text("file.txt")


def test_a_locked_key_is_told(server, folder, other_home, monkeypatch):
    """A key with a passphrase cannot be opened; the agent is the remedy."""
    _new_key(other_home / "locked", passphrase="12345")
    monkeypatch.setenv("YETI_SFTP_KEY_FILE", str(other_home / "locked"))

    with pytest.raises(StoragePermissionDenied, match="passphrase"):
        Storage(get_client(server.path(folder))).read_text("file.txt")


@pytest.mark.parametrize(
    "content", [b"", b"no key", b"\xff\x00", None], ids=["empty", "text", "bytes", "public key"]
)
def test_what_is_no_key_is_told(server, folder, other_home, monkeypatch, content):
    """A file without a key that can be used is named, with its variable; nobody is asked."""
    file = other_home / ".ssh" / "id_ed25519.pub" if content is None else other_home / "key"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("YETI_SFTP_KEY_FILE", str(file))

    with pytest.raises(
        StoragePermissionDenied, match=f"YETI_SFTP_KEY_FILE names {file}, which holds no private key"
    ):
        Storage(get_client(server.path(folder))).read_text("file.txt")


def test_a_key_that_may_not_be_read_is_told():
    """The rights of the file are at fault, not those on the server."""
    with folder_of_nobody() as folder:
        (folder / "key").write_text("locked away")
        (folder / "key").chmod(0)

        def check():
            with pytest.raises(StoragePermissionDenied, match="key, which cannot be read"):
                check_key(str(folder / "key"), None, paramiko)

        as_nobody(check)


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


@pytest.mark.parametrize("option", ["ProxyJump jump", "ProxyCommand nc %h %p"])
def test_a_proxy_is_refused(server, folder, other_home, option):
    """A configuration that leads through another host is not left out of account; the tunnel is the remedy."""
    config = other_home / ".ssh" / "config"
    config.write_text(f"Host 127.0.0.1\n {option}\n")
    storage = Storage(get_client(server.path(folder)))

    with pytest.raises(UnsupportedOperation, match=f"leads there by {option.split()[0].lower()}.*ssh -N -L"):
        storage.write("file.txt", "x")
    config.write_text(f"Host 127.0.0.1\n {option.split()[0]} none\n")
    storage.write("file.txt", "x")
    assert names_in(folder) == ["file.txt"]


@pytest.mark.parametrize("port", ["ssh", "0", "65536"])
def test_a_port_that_is_none_is_told(server, folder, other_home, port):
    """The configuration is named, with what is wrong in it."""
    (other_home / ".ssh" / "config").write_text(f"Host exports\n Port {port}\n")

    with pytest.raises(InvalidStoragePath, match=f"ssh/config: '{port}' is not a port"):
        get_client(f"sftp://exports{folder}").get_file("file.txt")


def test_a_password_comes_from_a_file_and_is_never_shown(tmp_path, monkeypatch, caplog):
    """``YETI_SFTP_PASSWORD_FILE`` holds it; a server that refuses it does not learn keys, and no message shows it."""
    caplog.set_level("DEBUG")
    (tmp_path / "password").write_text(PASSWORD + "\n")
    monkeypatch.setenv("YETI_SFTP_PASSWORD_FILE", str(tmp_path / "password"))
    with (
        _password_server(tmp_path, monkeypatch) as (port, tried),
        pytest.raises(StoragePermissionDenied) as caught,
    ):
        Storage(get_client(f"sftp://user@127.0.0.1:{port}/srv")).read_text("file.txt")

    assert tried == [("user", PASSWORD)]
    assert PASSWORD not in str(caught.value) + caplog.text


def _new_key(file: Path, passphrase: str = "") -> None:
    file.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", file], check=True)


class Refusing(paramiko.ServerInterface):
    """Takes no password and no key, and keeps what was tried."""

    def __init__(self):
        self.tried = []

    def get_allowed_auths(self, username):
        return "password,publickey"

    def check_auth_password(self, username, password):
        self.tried.append((username, password))
        return paramiko.AUTH_FAILED

    def check_auth_publickey(self, username, key):
        self.tried.append((username, "a key"))
        return paramiko.AUTH_FAILED


@contextmanager
def _password_server(folder: Path, monkeypatch):
    """Run a server that wants a password and takes none: OpenSSH would ask the accounts of this machine."""
    key, refusing = paramiko.ECDSAKey.generate(), Refusing()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def serve():
            transport = paramiko.Transport(listening.accept()[0])
            transport.add_server_key(key)
            transport.start_server(server=refusing)
            transport.join(10)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        (folder / "known").write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")
        monkeypatch.setenv("YETI_SFTP_KNOWN_HOSTS", str(folder / "known"))
        monkeypatch.setenv("HOME", str(folder))
        yield port, refusing.tried
        thread.join(10)

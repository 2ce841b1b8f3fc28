"""The SFTP client against OpenSSH: the kit, who is let in and whose keys are believed, errors with remedies."""
# ruff: noqa: PT012 - what a block does after its first statement is what is tested

import os

import pytest
from file_servers import ssh_server

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.testing.storage import StorageClientTests


@pytest.fixture(scope="session")
def openssh(tmp_path_factory):
    """OpenSSH, with its data in a temporary folder."""
    with ssh_server(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def server(openssh, monkeypatch):
    """OpenSSH, with a home folder that opens it."""
    monkeypatch.setenv("HOME", str(openssh.home))
    for name in ("YETI_SFTP_KEY_FILE", "YETI_SFTP_PASSWORD_FILE", "YETI_SFTP_KNOWN_HOSTS", "SSH_AUTH_SOCK"):
        monkeypatch.delenv(name, raising=False)
    return openssh


@pytest.fixture
def folder(server, tmp_path_factory):
    """A folder that the server can reach and nobody else uses."""
    folder = server.folder / os.urandom(4).hex()
    folder.mkdir()
    return folder


@pytest.fixture
def path(server, folder):
    """The storage path of that folder."""
    return f"sftp://127.0.0.1:{server.port}{folder}"


class TestSftp(StorageClientTests):
    """The kit on OpenSSH."""

    @pytest.fixture
    def path(self, server):
        self.folder = server.folder / os.urandom(4).hex() / "exports"
        return f"sftp://127.0.0.1:{server.port}{self.folder}"

    def raw(self, client, file_name):
        return (self.folder / file_name).read_bytes()

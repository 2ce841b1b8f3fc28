"""The SFTP client against OpenSSH: the kit, who is let in and whose keys are believed, errors with remedies."""

import os

import pytest
from file_servers import ssh_server

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
        self.server = server
        self.folder = server.folder / os.urandom(4).hex() / "exports"
        return f"sftp://127.0.0.1:{server.port}{self.folder}"

    def raw(self, client, file_name):
        return (self.folder / file_name).read_bytes()

    def raw_names(self, client):
        return [str(file.relative_to(self.folder)) for file in self.folder.rglob("*") if file.is_file()]

    def path_through(self, proxy, path, monkeypatch):
        far = proxy.to(path)
        known = self.server.known_hosts.read_text().replace(
            f":{self.server.port} ", f":{far.split(':')[2].split('/')[0]} "
        )
        file = self.folder.parent / "known_hosts"
        file.parent.mkdir(exist_ok=True)
        file.write_text(self.server.known_hosts.read_text() + known)
        monkeypatch.setenv("YETI_SFTP_KNOWN_HOSTS", str(file))
        return far

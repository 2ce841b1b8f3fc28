"""OpenSSH for the tests of ``sftp://``."""

import os
import shutil

import pytest
from file_servers import ssh_server


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

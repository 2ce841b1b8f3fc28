"""WsgiDAV for the tests of ``webdav://``."""

import os

import pytest
from file_servers import dav_server

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch, tmp_path):
    own = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
    for name in list(os.environ):
        if name.startswith("YETI_WEBDAV_") or name.lower().endswith("_proxy") or name in own:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))


@pytest.fixture(scope="session")
def open_server(tmp_path_factory):
    """WsgiDAV, for everybody."""
    with dav_server(tmp_path_factory.mktemp("wsgidav")) as server:
        yield server


@pytest.fixture
def folder(open_server):
    """A folder of the open server that nobody else uses."""
    folder = open_server.folder / os.urandom(4).hex()
    folder.mkdir()
    return folder


@pytest.fixture
def storage(open_server, folder):
    """All verbs over that folder."""
    return Storage(get_client(f"webdav://{open_server.address}/{folder.name}"))

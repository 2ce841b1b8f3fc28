"""The WebDAV client against WsgiDAV: the kit, whole files or errors, who is let in, hostile servers."""

import os

import pytest
from file_servers import dav_server

from core.testing.storage import StorageClientTests
from core.testing.storage.file_names import NAMES

USER, PASSWORD = "pub/lïsher", "a-pässword-that-nobody-sees"


@pytest.fixture(scope="session")
def open_server(tmp_path_factory):
    """WsgiDAV, for everybody."""
    with dav_server(tmp_path_factory.mktemp("wsgidav")) as server:
        yield server


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch, tmp_path):
    for name in [
        name for name in os.environ if name.startswith("YETI_WEBDAV_") or name.lower().endswith("_proxy")
    ]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))


class TestWebDav(StorageClientTests):
    """The kit on WsgiDAV."""

    @pytest.fixture
    def path(self, open_server):
        folder = os.urandom(4).hex()
        self.folder = open_server.folder / folder / "some exports"
        return f"webdav://{open_server.address}/{folder}/some exports/"

    def raw(self, client, file_name):
        return (self.folder / file_name).read_bytes()

    def raw_names(self, client):
        return [str(file.relative_to(self.folder)) for file in self.folder.rglob("*") if file.is_file()]

    def path_through(self, proxy, path, monkeypatch):
        return proxy.to(path.replace("webdav://", "http://")).replace("http://", "webdav://")

    @pytest.mark.parametrize("name", [name for name in NAMES if not set(name) & set(";?")])
    def test_portable_names_work(self, client, storage, name):
        """Every portable name without ``;`` and ``?``, which WsgiDAV cannot move a file to."""
        super().test_portable_names_work(client, storage, name)

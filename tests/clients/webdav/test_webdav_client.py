"""The WebDAV client against WsgiDAV: the kit, paths, names, dates, forks."""

import os
import time
import warnings

import pytest
from remote_trees import RemoteTreeTests, names_in

from core.clients.persistient_storage import get_client
from core.errors import (
    InvalidStoragePath,
    UnsupportedOperation,
)
from core.testing.storage import StorageClientTests
from core.testing.storage.file_names import NAMES


class TestWebDav(RemoteTreeTests, StorageClientTests):
    """The kit on WsgiDAV, and what every remote tree must do."""

    PACKAGE, EXTRA, PASSWORD_FILE = "requests", "webdav", "YETI_WEBDAV_PASSWORD_FILE"

    @pytest.fixture
    def path(self, open_server, folder):
        self.folder = folder / "some exports"
        return f"webdav://{open_server.address}/{folder.name}/some exports/"

    def path_through(self, proxy, path, monkeypatch):
        return proxy.to(path.replace("webdav://", "http://")).replace("http://", "webdav://")

    @pytest.mark.parametrize("name", [name for name in NAMES if not set(name) & set(";?")])
    def test_portable_names_work(self, client, storage, name):
        """Every portable name without ``;`` and ``?``, which WsgiDAV cannot move a file to."""
        super().test_portable_names_work(client, storage, name)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("webdav://host", "webdav://host/d/a.txt"),
        ("webdav://host:8080/", "webdav://host:8080/d/a.txt"),
        ("webdavs://host/remote.php/dav/ü b/", "webdavs://host/remote.php/dav/ü b/d/a.txt"),
        ("webdavs://[::1]:443/x", "webdavs://[::1]:443/x/d/a.txt"),
    ],
)
def test_a_path_names_server_and_folder(path, place):
    """The folder may be missing, and a slash at the end makes no difference."""
    assert get_client(path).file_path("d/a.txt") == place


@pytest.mark.parametrize(
    "path", ["webdav://", "webdav:///x", "webdavs://host:0/x", "webdav://ho st/x", "webdav://h/../x"]
)
def test_other_paths_are_refused(path):
    """A path without host, or with parts that are no names, is refused."""
    with pytest.raises(InvalidStoragePath):
        get_client(path)


def test_names_that_servers_cut_off_are_refused(storage, folder):
    """WsgiDAV would move ``a;b`` to ``a``: writing such a name is refused, and ``a`` stands."""
    storage.write("a", "old")
    for name in ("a;b", "a?b"):
        with pytest.raises(UnsupportedOperation, match="overwrite another"):
            storage.write(name, "new")

    assert (names_in(folder), storage.read_text("a")) == (["a"], "old")


def test_a_replacement_is_never_dated_like_the_replaced(storage, folder):
    """A file that would have the date of the one it replaces is sent again in the next second: ETags differ."""
    storage.write("file.txt", "old")
    second = int(time.time()) + 1
    os.utime(folder / "file.txt", (second, second))
    time.sleep(second + 0.01 - time.time())
    receipt = storage.write("file.txt", "new")

    assert storage.stat("file.txt").modified_at > second * 1_000_000
    assert storage.stat("file.txt").etag == receipt.etag
    assert names_in(folder) == ["file.txt"]


def test_a_child_has_connections_of_its_own(storage):
    """Parent and child read different files at once after a fork, and each gets its own."""

    def reads(name):
        return all(storage.read_text(name) == name * 5_000 for _ in range(25))

    for name in ("parent", "child"):
        storage.write(name, name * 5_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # about forking with threads
        child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if reads("child") else 1
        finally:
            os._exit(status)
    is_sound = reads("parent")

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert is_sound

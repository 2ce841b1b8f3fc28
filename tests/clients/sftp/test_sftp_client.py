"""The SFTP client against OpenSSH: the kit, paths, links, dates."""

import os
import time

import pytest
from remote_trees import RemoteTreeTests

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    InvalidStoragePath,
)
from core.testing.storage import StorageClientTests


class TestSftp(RemoteTreeTests, StorageClientTests):
    """The kit on OpenSSH, and what every remote tree must do."""

    PACKAGE, EXTRA, PASSWORD_FILE = "paramiko", "sftp", "YETI_SFTP_PASSWORD_FILE"

    @pytest.fixture
    def path(self, server, folder):
        self.server, self.folder = server, folder / "exports"
        return server.path(self.folder)

    def path_through(self, proxy, path, monkeypatch):
        known_hosts = self.folder.parent / "known_hosts"
        monkeypatch.setenv("YETI_SFTP_KNOWN_HOSTS", str(known_hosts))
        return self.server.path_through(proxy, path, known_hosts)

    def test_a_name_that_is_not_utf_8_stops_no_list(self, storage):
        """Files and folders of such names, which others have put there, are left out; all else is listed and found."""
        storage.write("d/file.txt", "x")
        (self.folder / "d" / os.fsdecode(b"latin-\xe4.txt")).write_text("x")
        (self.folder / os.fsdecode(b"latin-\xe4")).mkdir()
        (self.folder / os.fsdecode(b"latin-\xe4") / "file.txt").write_text("x")
        (self.folder / "d" / ".yeti-0123456789abcdef.part").write_text("half")

        assert [stat.name for stat in storage.list()] == ["d/file.txt"]
        assert [stat.name for stat in storage.list("d")] == ["d/file.txt"]
        assert [leftover.size_bytes for leftover in storage.leftovers()] == [4]


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


def test_a_link_is_replaced_and_not_written_through(server, folder):
    """A put replaces a link on the server; what it led to stays.  Lists leave links out."""
    (folder / "target.txt").write_text("target")
    (folder / "file.txt").symlink_to(folder / "target.txt")
    storage = Storage(get_client(server.path(folder)))
    before = [stat.name for stat in storage.list()]
    storage.write("file.txt", "new")

    assert before == ["target.txt"]
    assert (folder / "target.txt").read_text() == "target"
    assert not (folder / "file.txt").is_symlink()


def test_times_never_go_back(server, folder):
    """A file that replaces one from the future is dated after it, so that nobody who looks at the time misses it."""
    storage = Storage(get_client(server.path(folder)))
    storage.write("file.txt", "old")
    ahead = int(time.time()) + 1_000
    os.utime(folder / "file.txt", (ahead, ahead))
    receipt = storage.write("file.txt", "new")

    assert int((folder / "file.txt").stat().st_mtime) == ahead + 1
    assert receipt.etag == storage.stat("file.txt").etag

"""What every client must do that keeps files in folders of a server: those of ``sftp://`` and of ``webdav://``."""

import sys
import time

import pytest
from ports import free_port

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import FileExists, FileMissing, InvalidStoragePath, StorageError, StorageUnavailable

PASSWORD = "a-pässword-that-nobody-sees"


def names_in(folder):
    """Return the names of all files below *folder*, hidden ones too."""
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if not file.is_dir())


class RemoteTreeTests:
    """Beside the kit.

    Attributes:
        folder: What the path under test is on this machine; set by the fixture ``path``.
        PACKAGE, EXTRA: What the client needs, and how to install it.
        PASSWORD_FILE: The variable that names a file with the password.
    """

    PACKAGE = EXTRA = PASSWORD_FILE = ""

    def raw(self, client, file_name):
        return (self.folder / file_name).read_bytes()

    def raw_names(self, client):
        return names_in(self.folder)

    def test_a_missing_package_is_asked_for(self, client, monkeypatch):
        """Without its package the first use says what to install; taking the path does not need it."""
        monkeypatch.setitem(sys.modules, self.PACKAGE, None)

        with pytest.raises(StorageError, match=rf"pip install '\.\[{self.EXTRA}\]'"):
            Storage(client).write("file.txt", "x")

    def test_a_password_in_the_path_is_refused(self, client):
        """It is not repeated, and the remedy is named."""
        with pytest.raises(InvalidStoragePath, match=self.PASSWORD_FILE) as caught:
            get_client(f"{client.PREFIX}user:{PASSWORD}@host/srv")

        assert PASSWORD not in str(caught.value)

    def test_a_server_that_is_away_is_told_soon(self, client):
        """Nobody listens: an error that says so, and to try again later."""
        began = time.monotonic()
        with pytest.raises(StorageUnavailable, match="check host, port and network"):
            Storage(get_client(f"{client.PREFIX}127.0.0.1:{free_port()}/srv")).read_text("file.txt")

        assert time.monotonic() - began < 10

    def test_folders_are_never_read_replaced_or_removed(self, client, storage):
        """A folder is not a file, whatever the server would make of it; a file is no folder."""
        storage.write("name/below.txt", "keep")
        for verb in (lambda: storage.write("name", "x"), lambda: storage.delete("name")):
            with pytest.raises(FileExists, match="folder of that name"):
                verb()
        for verb in (lambda: storage.stat("name"), lambda: storage.read_text("name")):
            with pytest.raises(FileMissing):
                verb()
        with pytest.raises(FileExists, match="file stands where a folder is needed"):
            storage.write("name/below.txt/more.txt", "x")

        self.expect_names(client, storage, ["name/below.txt"])

    def test_what_was_left_behind_is_found_and_removed(self, client, storage):
        """Part files are listed with their age and size, and removed; nothing else is."""
        part = "d/.yeti-0123456789abcdef.part"
        storage.write("d/file.txt", "whole")
        (self.folder / part).write_text("half")
        listed = [stat.name for stat in storage.list()]
        found = list(storage.leftovers())
        for leftover in found:
            storage.remove_leftover(leftover)
            storage.remove_leftover(leftover)

        place = f"{client.file_path('d/file.txt').removesuffix('d/file.txt')}{part}"
        assert [(leftover.location, leftover.size_bytes) for leftover in found] == [(place, 4)]
        assert abs(found[0].began_at / 1_000_000 - time.time()) < 60
        assert listed == ["d/file.txt"]
        self.expect_names(client, storage, ["d/file.txt"])

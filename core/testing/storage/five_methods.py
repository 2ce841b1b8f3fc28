"""The five methods: what is put comes back, lies there as UTF-8, is replaced and deleted."""

import pytest

from core.clients.persistient_storage import get_client
from core.errors import FileMissing, InvalidContents, StorageError
from core.testing.storage.under_test import ClientUnderTest

TEXTS = {
    "empty": "",
    "CRLF and CR": "a,b\r\nc,d\re\n",
    "not ASCII": "домен.example\n日本語\n🦊 e\u0301 \ufeff\n",
    "byte order mark": "\ufeffa,b\n",
    "no final newline": "198.51.100.7",
    "several final newlines": "198.51.100.7\n\n \n",
    "other line ends": "a\x0bb\x0cc\x1cd\x85e\u2028f\u2029",
    "NUL": "a\0b\n",
    "1 MiB": "0123456789abcde\n" * 65_536,
}


class FiveMethodTests(ClientUnderTest):
    """What every client has to do."""

    def test_the_prefix_leads_to_this_client(self, path, client):
        """A path that begins with the prefix gives this class, and not the one for folders."""
        prefix = type(client).PREFIX
        assert path.startswith(prefix)
        assert prefix or "://" not in path, (
            f"no client serves {path.partition('://')[0]}://, so it passes for a folder; "
            "is yours found? yetictl storage list"
        )

    def test_taking_a_path_makes_nothing(self, client):
        """A client that was only made has stored nothing."""
        assert self.raw_names(client) in (None, []), "the constructor is to make nothing (__init__)"
        with pytest.raises(FileNotFoundError):
            client.get_file("file.txt")

    @pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
    def test_what_was_put_comes_back(self, client, text):
        """Text comes back as it was put, and lies there as UTF-8."""
        client.put_file("file.txt", text)

        assert client.get_file("file.txt") == text, "nothing may be translated, stripped or added (get_file)"
        assert self.raw(client, "file.txt") == text.encode(), (
            "what is stored is to be the text as UTF-8 (put_file)"
        )

    def test_a_put_replaces(self, client, storage):
        """A second put replaces the first, also when it is shorter or empty, and nothing stays of the first."""
        for text in ("a long first text\n" * 100, "short", ""):
            client.put_file("file.txt", text)

            assert self.raw(client, "file.txt") == text.encode()
        self.expect_names(client, storage, ["file.txt"])

    def test_a_second_client_sees_it(self, path, client):
        """What one client stored, another of the same path reads, replaces and deletes."""
        other = get_client(path)
        client.put_file("file.txt", "here")

        assert other.get_file("file.txt") == "here", "another client of the path is to see it at once (put_file)"
        other.put_file("file.txt", "there")
        assert client.get_file("file.txt") == "there", "what was read before may not be remembered (put_file)"
        other.delete_file("file.txt")
        with pytest.raises(FileNotFoundError):
            client.get_file("file.txt")

    def test_a_missing_file_is_missing(self, client, storage):
        """Reading what is not there is a ``FileNotFoundError``, also in a "folder" that is not there."""
        for name in ("missing.txt", "missing/missing.txt"):
            with pytest.raises(FileNotFoundError):
                client.get_file(name)
        with pytest.raises(FileMissing):
            storage.read_text("missing.txt")
        with pytest.raises(FileMissing):
            storage.stat("missing.txt")

    def test_deleting_twice_is_fine(self, client, storage):
        """A delete makes the file not be there; it is fine if it was not."""
        client.put_file("file.txt", "x")
        client.delete_file("file.txt")
        client.delete_file("file.txt")
        client.delete_file("never/there.txt")
        storage.delete("file.txt")

        with pytest.raises(FileNotFoundError):
            client.get_file("file.txt")
        self.expect_names(client, storage, [])

    def test_file_path_stores_nothing(self, client):
        """``file_path`` says where a file would be; it is text, the same every time, and nothing is made."""
        first = client.file_path("file.txt")

        assert isinstance(first, str)
        assert client.file_path("file.txt") == first
        assert client.file_path("other.txt") != first
        assert self.raw_names(client) in (None, []), "file_path is to make nothing (file_path)"
        with pytest.raises(FileNotFoundError):
            client.get_file("file.txt")

    def test_contents_must_be_text(self, storage, client):
        """Half a surrogate pair is refused, and what was there stays."""
        client.put_file("file.txt", "old")
        with pytest.raises(InvalidContents):
            storage.write("file.txt", "\ud800")
        with pytest.raises((StorageError, UnicodeError)):
            client.put_file("file.txt", "whole\ud800")

        self.expect_only_old(client, storage)

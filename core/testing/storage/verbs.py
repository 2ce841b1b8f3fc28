"""The verbs of `Storage`: bytes, streams, stat, list, links, verify."""

import io
import urllib.request
from hashlib import sha256
from typing import Any

import pytest

from core.errors import FileMissing, StorageCorrupt, UnsupportedOperation
from core.testing.storage.under_test import ClientUnderTest, cannot


class VerbTests(ClientUnderTest):
    """What `Storage` does with the client, or refuses by name."""

    def test_bytes_come_back_or_are_refused(self, client, storage):
        """Any bytes can be stored, or those that are not UTF-8 are refused before ``put_file`` is called."""
        data = bytes(range(256)) * 4
        client.put_file("file.bin", "old")
        if not hasattr(client, "open_writer"):
            with pytest.raises(UnsupportedOperation, match="open_writer"):
                storage.write("file.bin", data)
            assert self.raw(client, "file.bin") == b"old"
            return
        storage.write("file.bin", data)

        assert self.raw(client, "file.bin") == data
        assert storage.read_bytes("file.bin") == data
        with pytest.raises(StorageCorrupt):
            storage.read_text("file.bin")
        with pytest.raises(StorageCorrupt):
            client.get_file("file.bin")

    def test_a_large_file_streams(self, client, storage):
        """10 MiB in small pieces of text come back whole, also line by line."""
        line = "0123456789abcdefghijklmnopqrstuvwxyz 日本語\n"
        count = (10 << 20) // len(line.encode())
        with storage.open_text_writer("large.txt") as file:
            for _ in range(count):
                file.write(line)

        assert file.receipt.size_bytes == count * len(line.encode())
        storage.verify(file.receipt)
        with storage.open_reader("large.txt") as read:
            assert sum(1 for text in read if text == line.encode()) == count
        assert sha256(self.raw(client, "large.txt")).hexdigest() == file.receipt.sha256

    def test_a_reader_gives_just_what_is_asked_for(self, storage):
        """Reads of a few bytes at a time give them in order; after the end there is nothing."""
        storage.write("file.txt", "01\n34\n6789")
        with storage.open_reader("file.txt") as file:
            read = [file.read(size) for size in (4, 0, 3, 100, 1)]

        assert read == [b"01\n3", b"", b"4\n6", b"789", b""]

    def test_a_seek_stays_in_the_same_file(self, storage):
        """What is read after a seek is that part of the file that was opened, or an error when it was replaced."""
        old = b"".join(b"%07d\n" % number for number in range(1 << 18))
        storage.write("file.txt", old)
        with storage.open_reader("file.txt") as file:
            if not file.seekable():
                return
            for start, size in ((1_500_000, 300), (10, 300), (10, 500_000), (len(old) + 1, 10), (0, 20)):
                assert file.seek(start) == file.tell() == start
                assert file.read(size) == old[start : start + size]
            assert file.seek(-500, io.SEEK_END) == len(old) - 500
            assert file.read() == old[-500:]
            storage.write("file.txt", b"new\n" * (len(old) // 4))
            try:
                file.seek(1_000_000)
                read = file.read()
            except OSError:
                read = old[1_000_000:]  # said so, which is as good

        assert read == old[1_000_000:], "after a seek it is the file that was opened, or an error (open_reader)"

    def test_a_reader_that_is_closed_gives_its_file_back(self, client, storage, monkeypatch):
        """Closing the reader closes the client's own file, also when reading was not finished."""
        opened = []
        if own := getattr(type(client), "open_reader", None):

            def spying(self, file_name):
                opened.append(own(self, file_name))
                return opened[-1]

            monkeypatch.setattr(type(client), "open_reader", spying)
        storage.write("file.txt", "x" * 100_000)
        with storage.open_reader("file.txt") as file:
            file.read(1)

        assert file.closed
        assert [reader.closed for reader in opened] == ([True] if own else [])

    def test_stat_says_what_is_stored(self, client, storage, monkeypatch):
        """Size and ETag, which the receipt gave already; the SHA-256 where it is known; the file is not read."""
        receipt = storage.write("file.txt", "three")
        with monkeypatch.context() as patch:
            for reads in ("get_file", "open_reader") if hasattr(client, "stat") else ():
                patch.setattr(type(client), reads, _not_to_be_called(reads), raising=False)
            stat = storage.stat("file.txt")

        assert (stat.name, stat.size_bytes) == ("file.txt", 5)
        assert stat.etag
        assert receipt.etag in (None, stat.etag)
        assert stat.sha256 in (None, sha256(b"three").hexdigest())
        assert storage.stat("file.txt") == stat
        client.delete_file("file.txt")
        with pytest.raises(FileMissing):
            storage.stat("file.txt")

    def test_each_replacement_has_another_etag(self, storage):
        """The ETag changes with every new content, also of the same length and at once."""
        texts = ["one", "two", "six", "ten", "one!"]
        etags = []
        for text in texts:
            storage.write("file.txt", text)
            etags.append(storage.stat("file.txt").etag)

        assert len(set(etags)) == len(texts), f"each new content is to have another ETag (stat): {etags}"

    def test_a_changed_file_does_not_pass_for_the_stored_one(self, client, storage):
        """`verify` notices that a file is not the one of its receipt any more."""
        receipt = storage.write("file.txt", "mine")
        storage.verify(receipt)
        client.put_file("file.txt", "othr")

        with pytest.raises(StorageCorrupt):
            storage.verify(receipt)

    def test_unchanged_tells_the_same_file(self, storage):
        """`unchanged` gives a receipt for a file with just these bytes, and for no other."""
        same = sha256(b"same").hexdigest()

        assert storage.unchanged("file.txt", 4, same) is None
        storage.write("file.txt", "same")
        there = storage.unchanged("file.txt", 4, same)
        assert there is not None
        assert (there.outcome, there.size_bytes, there.sha256) == ("unchanged", 4, same)
        assert there.etag == storage.stat("file.txt").etag
        assert storage.unchanged("file.txt", 4, "0" * 64) is None
        assert storage.unchanged("file.txt", 5, same) is None
        storage.write("file.txt", "else")
        assert storage.unchanged("file.txt", 4, same) is None

    def test_list_gives_what_is_stored(self, client, storage):
        """A list is of whole name parts; or it is refused, naming the method that would allow it."""
        if not hasattr(client, "list"):
            with pytest.raises(UnsupportedOperation, match="list"):
                storage.list()
            return
        assert list(storage.list()) == []
        names = (
            ["a", "ab.txt", "top.txt"]
            if cannot(client, "nested")
            else ["a.b/c", "a/b/two", "a/one", "ab/x", "top"]
        )
        for name in names:
            storage.write(name, name)

        assert sorted((stat.name, stat.size_bytes) for stat in storage.list()) == [(n, len(n)) for n in names]
        assert sorted(stat.name for stat in storage.list("a")) == [n for n in names if n == "a" or n[:2] == "a/"]
        assert [(stat.name, stat.size_bytes) for stat in storage.list(names[0])] == [(names[0], len(names[0]))]
        assert list(storage.list("nothing")) == []
        client.delete_file(names[0])
        assert sorted(stat.name for stat in storage.list()) == names[1:]

    def test_links_give_the_file(self, client, storage):
        """A presigned link serves the file under the name that was asked for; without ``presign`` it is refused."""
        storage.write("file.txt", "linked")
        if not hasattr(client, "presign"):
            with pytest.raises(UnsupportedOperation, match="presign"):
                storage.presign("file.txt", 60)
            return
        with urllib.request.urlopen(storage.presign("file.txt", 60), timeout=10) as answer:  # noqa: S310
            assert answer.read() == b"linked"
        named = storage.presign("file.txt", 60, download_name="für dich.txt")
        with urllib.request.urlopen(named, timeout=10) as answer:  # noqa: S310
            assert "f%C3%BCr%20dich.txt" in answer.headers["Content-Disposition"]
            assert answer.read() == b"linked"
        for seconds in (0, 8 * 24 * 3600):
            with pytest.raises(UnsupportedOperation):
                storage.presign("file.txt", seconds)


def _not_to_be_called(method: str) -> Any:
    def called(*arguments: Any) -> None:
        pytest.fail(f"stat is to say what is stored without reading it, and calls {method}")

    return called

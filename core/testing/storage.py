"""The conformance kit for storage clients: what the contract says, as tests.

The test of a new client is one fixture and one method::

    class TestMine(StorageClientTests):
        @pytest.fixture
        def path(self, server):
            return f"mine://{server.address}/a-place-of-its-own"

        def raw(self, client, file_name):
            return server.bytes_of(file_name)       # behind the client's back

``path`` must be a new, empty place for every test.  ``raw`` reads the stored bytes by other means than the client:
otherwise a wrong put and a wrong get could agree with each other.  What a client says it cannot promise
(`spec.CANNOT_PROMISE`), and what it lacks the optional methods for, must be refused in words; the kit checks that.
"""
# ruff: noqa: PT012 - what a block does after its first statement is what is tested

import csv
import gc
import gzip
import io
import urllib.request
from collections.abc import Generator, Iterator
from hashlib import sha256

import pytest

from core.clients.persistient_storage import PersistientStorageClient, get_client
from core.clients.persistient_storage.policies import Create, IfChanged, IfMatch
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    FileExists,
    FileMissing,
    InvalidContents,
    InvalidFileName,
    PreconditionFailed,
    StorageCorrupt,
    UnsupportedOperation,
)
from core.testing.together import at_once, in_child

TEXTS = {
    "empty": "",
    "CRLF and CR": "a,b\r\nc,d\re\n",
    "not ASCII": "домен.example\n日本語\n🦊 e\u0301 \ufeff\n",
    "no final newline": "198.51.100.7",
    "NUL": "a\0b\n",
    "1 MiB": "0123456789abcde\n" * 65_536,
}
NAMES = (
    "plain.txt",
    "no-suffix",
    ".hidden",
    "two words & 100%.csv",
    'quote\'d "name"+~.txt',
    "ü/日本語/🦊.json",
    "deep/er/and/deeper/file.txt",
    "a=b;c,d@e!$(f)[g]{h}#i?j.txt",
    "x" * 200,
)
REFUSED_NAMES = (
    *("", "/etc/passwd", "..", ".", "../x", "a/../b", "a/./b", "a//b", "a/", "a\\b", "C:x", "~/x"),
    *("a\0b", "a\nb", "\ud800", "x" * 256, ".yeti-0123456789abcdef.part"),
)


class _Stop(Exception):
    """Raised inside a block by a test."""


class StorageClientTests:
    """Subclass it, give ``path`` and ``raw``, and every test below is run on your client."""

    @pytest.fixture
    def path(self) -> str:
        """Return a storage path that is empty and used by nobody else."""
        raise NotImplementedError("give a fixture path")

    def raw(self, client: PersistientStorageClient, file_name: str) -> bytes:
        """Return the stored bytes without using the client."""
        raise NotImplementedError("give a method raw")

    @pytest.fixture
    def client(self, path: str) -> PersistientStorageClient:
        """The client under test."""
        return get_client(path)

    @pytest.fixture
    def storage(self, client: PersistientStorageClient) -> Storage:
        """All verbs over the client under test."""
        return Storage(client)

    # --- the five methods -----------------------------------------------------------------------------------

    def test_the_prefix_leads_to_this_client(self, path, client):
        """A path that begins with the prefix gives this class."""
        assert path.startswith(type(client).PREFIX)

    @pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
    def test_what_was_put_comes_back(self, client, text):
        """Text comes back as it was put, and lies there as UTF-8."""
        client.put_file("file.txt", text)

        assert client.get_file("file.txt") == text
        assert self.raw(client, "file.txt") == text.encode()

    def test_a_put_replaces(self, client):
        """A second put replaces the first, also when it is shorter."""
        client.put_file("file.txt", "a long first text\n" * 100)
        client.put_file("file.txt", "short")

        assert self.raw(client, "file.txt") == b"short"

    def test_a_second_client_sees_it(self, path, client):
        """What one client stored, another of the same path reads."""
        client.put_file("file.txt", "here")

        assert get_client(path).get_file("file.txt") == "here"

    @pytest.mark.parametrize("name", NAMES)
    def test_portable_names_work(self, client, name):
        """Every portable name can be put, read and deleted, nested ones without making folders first."""
        if "/" in name and _cannot(client, "nested"):
            pytest.skip("this client does not promise nested names")
        client.put_file(name, name)

        assert client.get_file(name) == name
        client.delete_file(name)
        with pytest.raises(FileNotFoundError):
            client.get_file(name)

    def test_names_do_not_run_into_each_other(self, client):
        """A name that begins like another is another file, and so is one in other letters."""
        names = ["ab", "abc", "ab.c", "AB"] + ([] if _cannot(client, "nested") else ["d/ab", "d/abc"])
        for name in names:
            client.put_file(name, name)
        client.delete_file("ab")

        assert [client.get_file(name) for name in names[1:]] == names[1:]

    @pytest.mark.parametrize("name", REFUSED_NAMES, ids=lambda name: ascii(name)[:20])
    def test_other_names_are_refused(self, storage, name):
        """A name that is not portable is refused before the client is asked."""
        for verb in (storage.open_writer, storage.open_reader, storage.stat, storage.delete):
            with pytest.raises(InvalidFileName):
                verb(name)

    def test_a_missing_file_is_missing(self, client, storage):
        """Reading what is not there is a ``FileNotFoundError``."""
        with pytest.raises(FileNotFoundError):
            client.get_file("missing.txt")
        with pytest.raises(FileMissing):
            storage.read_text("missing.txt")
        with pytest.raises(FileMissing):
            storage.stat("missing.txt")

    def test_deleting_twice_is_fine(self, client):
        """A delete makes the file not be there; it is fine if it was not."""
        client.put_file("file.txt", "x")
        client.delete_file("file.txt")
        client.delete_file("file.txt")

        with pytest.raises(FileNotFoundError):
            client.get_file("file.txt")

    def test_file_path_stores_nothing(self, client):
        """``file_path`` says where a file would be; it is text, the same every time, and nothing is made."""
        first = client.file_path("file.txt")

        assert isinstance(first, str)
        assert client.file_path("file.txt") == first
        assert client.file_path("other.txt") != first
        with pytest.raises(FileNotFoundError):
            client.get_file("file.txt")

    def test_contents_must_be_text(self, storage, client):
        """Half a surrogate pair is refused, and what was there stays."""
        client.put_file("file.txt", "old")
        with pytest.raises(InvalidContents):
            storage.write("file.txt", "\ud800")

        assert self.raw(client, "file.txt") == b"old"

    # --- commit or nothing ----------------------------------------------------------------------------------

    def test_a_clean_end_publishes(self, client, storage):
        """The file is there after the block, not before, and the receipt says what was stored."""
        with storage.open_writer("file.txt") as file:
            file.write(b"one\n")
            file.write(b"two\n")
            with pytest.raises(FileNotFoundError):
                self.raw_or_missing(client, "file.txt")

        assert self.raw(client, "file.txt") == b"one\ntwo\n"
        assert file.receipt.size_bytes == 8
        assert file.receipt.sha256 == sha256(b"one\ntwo\n").hexdigest()
        assert file.receipt.location == client.file_path("file.txt")

    @pytest.mark.parametrize("error", [_Stop, KeyboardInterrupt, SystemExit, GeneratorExit])
    @pytest.mark.parametrize("size", [8, 10 << 20], ids=["small", "large"])
    def test_an_exception_publishes_nothing(self, client, storage, error, size):
        """An exception of any kind in the block leaves the old file as it was."""
        client.put_file("file.txt", "old")
        with pytest.raises(error), storage.open_writer("file.txt") as file:
            for _ in range(8):
                file.write(b"x" * (size // 8))
            raise error

        self.expect_only_old(client, storage)

    def test_an_exception_under_a_wrapper_publishes_nothing(self, client, storage):
        """A text wrapper that closes the file on the way out does not publish it."""
        client.put_file("file.txt", "old")
        with (
            pytest.raises(_Stop),
            storage.open_writer("file.txt") as file,
            io.TextIOWrapper(file, "utf-8") as text,
        ):
            csv.writer(text).writerow(["half", "a", "row"])
            raise _Stop

        self.expect_only_old(client, storage)

    def test_an_exception_in_a_text_writer_publishes_nothing(self, client, storage):
        """The same for `open_text_writer`."""
        client.put_file("file.txt", "old")
        with pytest.raises(_Stop), storage.open_text_writer("file.txt") as file:
            file.write("half" * 100_000)
            raise _Stop

        self.expect_only_old(client, storage)

    def test_a_source_that_dies_publishes_nothing(self, client, storage):
        """Chunks that come from a generator which raises midway are not published."""
        client.put_file("file.txt", "old")

        def chunks() -> Iterator[bytes]:
            yield b"half"
            raise _Stop

        with pytest.raises(_Stop):
            storage.write("file.txt", chunks())

        self.expect_only_old(client, storage)

    def test_a_generator_that_is_closed_publishes_nothing(self, client, storage):
        """A writer inside a generator that nobody runs to its end publishes nothing."""
        client.put_file("file.txt", "old")

        def run() -> Generator[None, None, None]:
            with storage.open_writer("file.txt") as file:
                file.write(b"half")
                yield
                file.write(b"the rest")

        generator = run()
        next(generator)
        generator.close()

        self.expect_only_old(client, storage)

    def test_a_writer_that_is_dropped_publishes_nothing(self, client, storage):
        """The garbage collector does not publish."""
        client.put_file("file.txt", "old")
        file = storage.open_writer("file.txt")
        file.write(b"half")
        del file
        gc.collect()

        self.expect_only_old(client, storage)

    def test_a_failed_expectation_publishes_nothing(self, client, storage):
        """A file that turns out not to have the announced SHA-256 is not published."""
        client.put_file("file.txt", "old")
        with pytest.raises(StorageCorrupt):
            storage.write("file.txt", b"new", sha256="0" * 64)

        self.expect_only_old(client, storage)

    def test_compressed_writes_are_whole_or_refused(self, client, storage):
        """Compression: the same bytes give the same file, an exception gives none; or it is refused on opening."""
        if not hasattr(client, "open_writer"):
            with pytest.raises(UnsupportedOperation, match="open_writer"):
                storage.open_writer("file.csv.gz", compression="gzip")
            return
        for name in ("one.csv.gz", "two.csv.gz"):
            with storage.open_writer(name, compression="gzip") as file:
                file.write(b"a,b\n" * 1000)
        with pytest.raises(_Stop), storage.open_writer("three.csv.gz", compression="gzip") as file:
            file.write(b"half")
            raise _Stop

        assert gzip.decompress(self.raw(client, "one.csv.gz")) == b"a,b\n" * 1000
        assert self.raw(client, "one.csv.gz") == self.raw(client, "two.csv.gz")
        with pytest.raises(FileNotFoundError):
            client.get_file("three.csv.gz")

    # --- bytes, streams, stat -------------------------------------------------------------------------------

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

    def test_stat_says_what_is_stored(self, storage):
        """Size, a changed ETag after a change, the SHA-256 where it is known."""
        storage.write("file.txt", "one")
        first = storage.stat("file.txt")
        storage.write("file.txt", "three")
        second = storage.stat("file.txt")

        assert (first.name, first.size_bytes, second.size_bytes) == ("file.txt", 3, 5)
        assert first.etag != second.etag
        assert second.sha256 in (None, sha256(b"three").hexdigest())
        assert storage.stat("file.txt") == second

    def test_a_changed_file_does_not_pass_for_the_stored_one(self, client, storage):
        """`verify` notices that a file is not the one of its receipt any more."""
        receipt = storage.write("file.txt", "mine")
        storage.verify(receipt)
        client.put_file("file.txt", "othr")

        with pytest.raises(StorageCorrupt):
            storage.verify(receipt)

    def test_list_gives_what_is_stored(self, client, storage):
        """A list is of whole name parts; or it is refused, naming the method that would allow it."""
        if not hasattr(client, "list"):
            with pytest.raises(UnsupportedOperation, match="list"):
                storage.list()
            return
        assert list(storage.list()) == []
        for name in ("top.txt", "a/one.txt", "a/b/two.txt", "ab.txt"):
            storage.write(name, name)

        assert sorted(stat.name for stat in storage.list()) == ["a/b/two.txt", "a/one.txt", "ab.txt", "top.txt"]
        assert sorted(stat.name for stat in storage.list("a")) == ["a/b/two.txt", "a/one.txt"]
        assert [(stat.name, stat.size_bytes) for stat in storage.list("a/one.txt")] == [("a/one.txt", 9)]
        assert list(storage.list("nothing")) == []

    def test_links_give_the_file(self, client, storage):
        """A presigned link serves the file; without ``presign`` it is refused."""
        storage.write("file.txt", "linked")
        if not hasattr(client, "presign"):
            with pytest.raises(UnsupportedOperation, match="presign"):
                storage.presign("file.txt", 60)
            return
        with urllib.request.urlopen(storage.presign("file.txt", 60), timeout=10) as answer:  # noqa: S310
            assert answer.read() == b"linked"
        for seconds in (0, 8 * 24 * 3600):
            with pytest.raises(UnsupportedOperation):
                storage.presign("file.txt", seconds)

    # --- policies and metadata ------------------------------------------------------------------------------

    def test_create_never_overwrites(self, client, storage):
        """With policy ``Create`` a taken name is refused and the old file stands."""
        if _refuses(client, "create"):
            with pytest.raises(UnsupportedOperation):
                storage.write("file.txt", "x", policy=Create())
            return
        assert storage.write("file.txt", "first", policy=Create()).outcome == "created"
        with pytest.raises(FileExists):
            storage.write("file.txt", "second", policy=Create())
        with pytest.raises(FileExists):
            storage.write("file.txt", b"2" * (9 << 20), policy=Create())

        assert self.raw(client, "file.txt") == b"first"

    def test_of_several_creators_one_wins(self, client, storage):
        """Eight writers create one name at once: one succeeds and the file is its, or all are refused in words."""

        def create(number: int) -> str | None:
            try:
                storage.write("file.txt", f"writer {number}", policy=Create())
            except (FileExists, UnsupportedOperation):
                return None
            return f"writer {number}"

        winners = [text for text in at_once(create, 8) if text is not None]

        if _refuses(client, "create"):
            assert winners == []
            with pytest.raises(FileMissing):
                storage.stat("file.txt")
            return
        assert len(winners) == 1
        assert self.raw(client, "file.txt").decode() == winners[0]

    def test_if_match_only_replaces_what_was_meant(self, client, storage):
        """With policy ``IfMatch`` a file that somebody else changed, or removed, is not overwritten."""
        if _refuses(client, "if_match"):
            with pytest.raises(UnsupportedOperation):
                storage.write("file.txt", "x", policy=IfMatch("0"))
            return
        first = storage.write("file.txt", "first")
        second = storage.write("file.txt", "second", policy=IfMatch(first.etag or ""))
        with pytest.raises(PreconditionFailed):
            storage.write("file.txt", "third", policy=IfMatch(first.etag or ""))
        storage.delete("file.txt")
        with pytest.raises((PreconditionFailed, FileMissing)):
            storage.write("file.txt", "third", policy=IfMatch(second.etag or ""))
        with pytest.raises(FileNotFoundError):
            client.get_file("file.txt")

    def test_if_changed_leaves_the_same_bytes_alone(self, client, storage):
        """With policy ``IfChanged`` the same bytes are not stored again: ETag and time stay."""
        storage.write("file.txt", "same")
        before = storage.stat("file.txt")
        receipts = [storage.write("file.txt", b"same", policy=IfChanged())]
        with storage.open_writer("file.txt", policy=IfChanged()) as file:
            file.write(b"same")
        receipts.append(file.receipt)

        assert [receipt.outcome for receipt in receipts] == ["unchanged", "unchanged"]
        assert storage.stat("file.txt") == before
        assert storage.write("file.txt", "new", policy=IfChanged()).outcome == "replaced"
        assert storage.write("new.txt", "new", policy=IfChanged()).outcome == "created"
        assert self.raw(client, "file.txt") == b"new"

    def test_metadata_comes_back_or_is_refused(self, client, storage):
        """What the caller asks for is kept or refused; a default that is dropped is named in the receipt."""
        asked = {"content_type": "text/x-hosts", "cache_control": "max-age=60", "metadata": {"run": "17"}}
        if _refuses(client, "metadata"):
            with pytest.raises(UnsupportedOperation):
                storage.write("file.csv", "a\n", **asked)
            assert "content_type" in storage.write("file.csv", "a\n").dropped
            return
        storage.write("asked.csv", "a\n", **asked)
        storage.write("default.csv", "a\n")

        kept = storage.stat("asked.csv").metadata
        assert (kept.content_type, kept.cache_control, dict(kept.items)) == (
            "text/x-hosts",
            "max-age=60",
            {"run": "17"},
        )
        assert storage.stat("default.csv").content_type == "text/csv; charset=utf-8"
        with pytest.raises(InvalidContents):
            storage.write("file.csv", "a\n", metadata={"run": "1\r\nSet-Cookie: x"})

    # --- several at once ------------------------------------------------------------------------------------

    def test_racing_puts_never_mix(self, path, client):
        """Of several puts at once the last one stands, whole; a reader meanwhile sees one of them, whole."""
        texts = [f"{number}\n" * (1 << 16) for number in range(4)]
        client.put_file("file.txt", texts[0])
        seen = []

        def put_or_read(number: int) -> None:
            mine = client if not _cannot(client, "threads") else get_client(path)
            for _ in range(5):
                if number < len(texts):
                    mine.put_file("file.txt", texts[number])
                else:
                    seen.append(mine.get_file("file.txt"))

        at_once(put_or_read, len(texts) + 1)

        assert client.get_file("file.txt") in texts
        if not _cannot(client, "atomic"):
            assert set(seen) <= set(texts)

    def test_a_forked_child_can_use_it(self, client):
        """A client that was used before a fork works in the child; or fails there quickly, without hanging."""
        client.put_file("parent.txt", "parent")
        status = in_child(lambda: client.put_file("child.txt", client.get_file("parent.txt")))
        if _cannot(client, "fork"):
            assert status in ("done", "failed")
            return

        assert status == "done"
        assert client.get_file("child.txt") == "parent"

    # --- help for the tests above ---------------------------------------------------------------------------

    def raw_or_missing(self, client: PersistientStorageClient, file_name: str) -> bytes:
        """Return the stored bytes; the client says it if there are none."""
        client.get_file(file_name)
        return self.raw(client, file_name)

    def expect_only_old(self, client: PersistientStorageClient, storage: Storage) -> None:
        """Check that file.txt is as it was and that nothing else can be seen."""
        assert self.raw(client, "file.txt") == b"old"
        if hasattr(client, "list"):
            assert [stat.name for stat in storage.list()] == ["file.txt"]


def _cannot(client: object, word: str) -> bool:
    return word in getattr(client, "CANNOT_PROMISE", ())


def _refuses(client: object, word: str) -> bool:
    return not hasattr(client, "open_writer") or _cannot(client, word)

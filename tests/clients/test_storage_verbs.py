"""What `Storage` adds to a client: misuse, errors of others, default metadata, data of every kind."""

import contextlib
import gc
import gzip
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from clients_of_tests import FIVE_METHODS

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.policies import IfChanged
from core.clients.persistient_storage.receipts import Metadata, media_type
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    FileMissing,
    InvalidContents,
    StorageCorrupt,
    StorageError,
    StorageFull,
    StoragePermissionDenied,
    StorageTimeout,
    StorageUnavailable,
    UnsupportedOperation,
)
from core.testing.together import in_child


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage(get_client(tmp_path / "exports"))


@pytest.fixture
def five(drop_in) -> Storage:
    drop_in("five", FIVE_METHODS)
    return Storage(get_client("five://box"))


def test_data_of_every_kind(storage, tmp_path):
    """Bytes, text, a file, chunks: the same bytes, the same receipt."""
    (tmp_path / "source").write_bytes(b"one\r\ntwo\n")
    kinds = [
        b"one\r\ntwo\n",
        bytearray(b"one\r\ntwo\n"),
        "one\r\ntwo\n",
        tmp_path / "source",
        [b"one\r\n", b"two\n"],
    ]
    receipts = [storage.write(f"{number}.txt", kind) for number, kind in enumerate(kinds)]

    assert {receipt.sha256 for receipt in receipts} == {receipts[0].sha256}
    assert {receipt.size_bytes for receipt in receipts} == {9}
    assert [storage.read_bytes(receipt.name) for receipt in receipts] == [b"one\r\ntwo\n"] * 5


def test_text_and_bytes_are_not_mixed_up(storage):
    """A binary writer refuses text and a text writer refuses bytes; nothing is published."""
    with pytest.raises(TypeError), storage.open_writer("a.txt") as file:
        file.write("text")
    with pytest.raises(TypeError), storage.open_text_writer("a.txt") as text:
        text.write(b"bytes")

    assert list(storage.list()) == []


def test_close_does_not_publish(storage):
    """Outside of a ``with`` block, close says that nothing was published."""
    file = storage.open_writer("a.txt")
    file.write(b"x")
    with pytest.raises(StorageError, match="not published"):
        file.close()
    with pytest.raises(StorageError, match="not been published"):
        _ = file.receipt

    assert list(storage.list()) == []


def test_close_inside_of_the_block_only_ends_the_writing(storage):
    """A wrapper may close the file; it is published at the end of the block."""
    with storage.open_writer("a.txt") as file:
        file.write(b"x")
        file.close()
        with pytest.raises(ValueError, match="closed"):
            file.write(b"y")

    assert storage.read_text("a.txt") == "x"


def test_a_writer_publishes_once(storage):
    """It cannot be entered again."""
    with storage.open_writer("a.txt") as file:
        file.write(b"x")
    with pytest.raises(ValueError, match="written already"), file:
        pass


def test_a_dropped_writer_is_logged(storage, caplog):
    """Nothing is published, and the log says so."""
    file = storage.open_writer("a.txt")
    file.write(b"x")
    del file
    gc.collect()

    assert [(record.levelno, record.file) for record in caplog.records] == [(logging.WARNING, "a.txt")]


def test_the_size_is_checked_before_publishing(storage):
    """A source that turns out shorter than announced is not published."""
    with pytest.raises(StorageCorrupt):
        storage.write("a.txt", [b"short"], size_bytes=100)

    assert list(storage.list()) == []


def test_a_file_that_is_unchanged_is_not_written(storage, tmp_path):
    """With ``IfChanged`` and a file, its SHA-256 is compared before anything is opened for writing."""
    (tmp_path / "source").write_text("same")
    storage.write("a.txt", tmp_path / "source")
    storage.client.open_writer = lambda *args: pytest.fail("a writer was opened")
    receipt = storage.write("a.txt", tmp_path / "source", policy=IfChanged())

    assert receipt.outcome == "unchanged"
    assert receipt.etag == storage.stat("a.txt").etag


def test_a_file_that_was_altered_is_written_again(storage, tmp_path):
    """``IfChanged`` compares with what is stored, not with what was stored once."""
    receipt = storage.write("a.txt", "same")
    (tmp_path / "exports" / "a.txt").write_text("sane")

    assert storage.write("a.txt", "same", policy=IfChanged()).outcome == "replaced"
    storage.verify(receipt)


@pytest.mark.parametrize("path", ["five://anna:geheim@box", "ftp://anna:geheim@box"])
def test_no_receipt_shows_a_password(drop_in, tmp_path, monkeypatch, path):
    """Whoever writes a password into a path, and whichever client serves it: receipt and error go without."""
    monkeypatch.chdir(tmp_path)
    drop_in("five", FIVE_METHODS)
    storage = Storage(get_client(path))
    receipt = storage.write("a.txt", "x")
    with pytest.raises(FileMissing) as caught:
        storage.read_text("b.txt")

    assert "anna:***@box" in receipt.location
    assert "geheim" not in receipt.location + str(caught.value)


def test_a_place_that_is_no_text(drop_in):
    """A plug-in whose ``file_path`` gives something else is named, before anything is stored."""
    drop_in("five", FIVE_METHODS.replace('f"{self.path}/{file_name}"', "7"))
    storage = Storage(get_client("five://box"))
    with pytest.raises(StorageError, match="file_path returned int, not str"):
        storage.write("a.txt", "x")

    assert storage.client.box == {}


@pytest.mark.parametrize(("name", "encoding"), [("a.csv.gz", None), ("a.csv", "gzip")])
def test_compressed_files(storage, name, encoding):
    """A name that does not say so gets a content encoding; the receipt is about the stored bytes."""
    with storage.open_writer(name, compression="gzip") as file:
        file.write(b"a,b\n" * 100)
    stored = storage.read_bytes(name)

    assert gzip.decompress(stored) == b"a,b\n" * 100
    assert file.receipt.size_bytes == len(stored)
    assert storage.stat(name).metadata.content_encoding == encoding


def test_content_types_go_by_the_name():
    """By a table of our own, which is the same on every machine."""
    assert media_type("d.x/a.csv") == "text/csv; charset=utf-8"
    assert media_type("A.JSON") == "application/json"
    assert media_type("a.csv.gz") == "application/gzip"
    assert media_type(".csv") == media_type("csv") == media_type("a.xyz") == "application/octet-stream"
    assert media_type("list", otherwise="text/plain") == "text/plain"


@pytest.mark.parametrize("value", ["a\r\nb", "ü", "", " x", "x\n"])
def test_metadata_must_fit_into_a_header(value):
    """A value that could break out of a header is refused when it is given."""
    for fields in ({"content_type": value}, {"items": {"key": value}}):
        with pytest.raises(InvalidContents):
            Metadata(**fields)
    with pytest.raises(InvalidContents):
        Metadata(items={f"k{value}": "x", "Upper": "x"})


def test_a_five_method_client_gets_one_put(five):
    """A write is one ``put_file`` with the whole text, at the clean end."""
    puts = []
    five.client.put_file = lambda name, contents: puts.append((name, contents))
    with five.open_text_writer("a.txt") as file:
        file.write("one\r\n")
        file.write("zwölf")
        assert puts == []

    assert puts == [("a.txt", "one\r\nzwölf")]
    assert file.receipt.size_bytes == 11
    assert file.receipt.outcome == "stored"
    assert file.receipt.dropped == ("content_type",)


def test_a_character_may_lie_across_two_chunks(five):
    """Bytes are checked as one text; half a character at the end is refused."""
    five.write("a.txt", ["ü".encode()[:1], "ü".encode()[1:]])

    assert five.read_text("a.txt") == "ü"
    with pytest.raises(UnsupportedOperation, match="not UTF-8"):
        five.write("b.txt", ["ü".encode()[:1]])
    with pytest.raises(FileMissing):
        five.stat("b.txt")


def test_a_client_that_returns_bytes_is_told_so(five):
    """The contract says text."""
    five.client.get_file = lambda name: b"bytes"
    with pytest.raises(StorageError, match="get_file returned bytes, not str"):
        five.read_text("a.txt")


def test_a_client_that_raises_on_a_second_delete_is_forgiven(five):
    """Older clients do; what is wanted is that the file is not there."""

    def delete(name: str) -> None:
        raise FileNotFoundError(name)

    five.client.delete_file = delete
    five.delete("a.txt")


class VendorError(Exception):
    pass


@pytest.mark.parametrize(
    ("raised", "ours"),
    [
        (VendorError("https://u:secret@host/x refused"), StorageError),
        (ConnectionResetError("gone"), StorageUnavailable),
        (TimeoutError("slow"), StorageTimeout),
        (PermissionError("https://u:secret@host/x"), StoragePermissionDenied),
        (OSError(28, "No space left on device"), StorageFull),
        (KeyError("x"), StorageError),
    ],
)
def test_no_exception_of_a_client_escapes(five, raised, ours):
    """Each becomes the error of ours that resembles it, with file and place, and without passwords."""

    def fail(*args: object) -> None:
        raise raised

    five.client.get_file = five.client.put_file = five.client.delete_file = fail
    for call in (five.read_text, five.stat, five.delete, lambda name: five.write(name, "x")):
        with pytest.raises(ours) as caught:
            call("a.txt")
        assert "five://box/a.txt" in str(caught.value)
        assert "secret" not in str(caught.value)


def test_an_interrupt_is_not_wrapped(five):
    """``KeyboardInterrupt`` in a client passes as it is."""

    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    five.client.put_file = interrupt
    with pytest.raises(KeyboardInterrupt):
        five.write("a.txt", "x")


class _Fails:
    """A writer that loses what it is given the second time, and says so."""

    def __init__(self, error: OSError) -> None:
        self.error = error
        self.calls = 0
        self.committed = False

    def write(self, data: bytes) -> None:
        self.calls += 1
        if self.calls == 2:
            raise self.error

    def commit(self, sha256: str) -> None:
        self.committed = True

    def abort(self) -> None:
        pass


@pytest.mark.parametrize(
    ("error", "is_transient"), [(OSError(28, "No space left on device"), False), (ConnectionError("gone"), True)]
)
def test_a_write_error_that_is_swallowed_publishes_nothing(storage, monkeypatch, error, is_transient):
    """A file with a hole in it is never published, whatever the caller does with the error; it says if that may pass."""
    storage.write("a.txt", "old")
    writer = _Fails(error)
    monkeypatch.setattr(type(storage.client), "open_writer", lambda self, name, request: writer)
    with (  # noqa: PT012
        pytest.raises(StorageError, match="could not be written") as caught,
        storage.open_writer("a.txt") as file,
    ):
        file.write(b"one")
        for data in (b"two", b"three"):
            with contextlib.suppress(StorageError):
                file.write(data)

    assert caught.value.transient == is_transient
    assert not writer.committed
    assert writer.calls == 2


@pytest.mark.parametrize("leaves", ["cleanly", "with an error"])
def test_a_forked_child_does_not_touch_its_parents_writer(storage, leaves):
    """Whatever a child does with a writer that was open when it was forked: the parent's file is whole."""

    def child(file) -> None:
        if leaves == "cleanly":
            for step in (lambda: file.write(b"of the child"), lambda: file.__exit__(None, None, None)):
                with pytest.raises(StorageError, match="forked"):
                    step()
        else:
            file.__exit__(SystemExit, SystemExit(), None)
            file.close()

    with storage.open_writer("a.txt") as file:
        file.write(b"half")
        assert in_child(lambda: child(file)) == "done"
        with pytest.raises(FileMissing):
            storage.stat("a.txt")
        file.write(b" and half")

    assert storage.read_bytes("a.txt") == b"half and half"


@pytest.mark.parametrize("data", [b"new", "new", [b"n", b"ew"], "path"])
def test_an_announced_size_that_is_wrong_is_refused(storage, tmp_path, data):
    """However the bytes are given, they must be as many as was said; the old file stands."""
    storage.write("a.txt", "old")
    if data == "path":
        data = tmp_path / "source"
        data.write_text("new")
    with pytest.raises(StorageCorrupt):
        storage.write("a.txt", data, size_bytes=4)

    assert storage.read_text("a.txt") == "old"


def test_a_writer_stays_where_its_client_may_be_used(drop_in):
    """A client that cannot promise ``threads`` is not written to by another thread either."""
    drop_in("five", FIVE_METHODS.replace('{"fork"}', '{"fork", "threads"}'))
    storage = Storage(get_client("five://box"))
    file = storage.open_writer("a.txt")
    with ThreadPoolExecutor(1) as other, pytest.raises(UnsupportedOperation, match="threads"):
        other.submit(file.write, b"x").result()
    file.abandon()

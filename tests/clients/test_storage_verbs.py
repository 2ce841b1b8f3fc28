"""What `Storage` adds to a client: misuse, default metadata, data of every kind."""

import gc
import gzip
import logging

import pytest

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.policies import IfChanged
from core.clients.persistient_storage.receipts import Metadata, media_type
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    InvalidContents,
    StorageCorrupt,
    StorageError,
)


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage(get_client(tmp_path / "exports"))


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


class _Steps:
    """A writer that takes down what it is asked for."""

    def __init__(self, writer, steps) -> None:
        self._writer, self._steps = writer, steps

    def __getattr__(self, step):
        self._steps.append(step)
        return getattr(self._writer, step)


def test_a_writer_is_prepared_before_its_commit(storage, monkeypatch):
    """The client's ``prepare`` is called when all bytes are written and nothing is published yet."""
    steps, own = [], type(storage.client).open_writer
    monkeypatch.setattr(type(storage.client), "open_writer", lambda self, *asked: _Steps(own(self, *asked), steps))
    storage.write("a.txt", [b"one", b"two"])

    assert steps[:4] == ["write", "write", "prepare", "commit"]


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

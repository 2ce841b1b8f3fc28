"""What `Storage` makes of a client of five methods, and of what such a client may do wrong."""

import pytest
from clients_of_tests import FIVE_METHODS

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    FileMissing,
    StorageError,
    StorageFull,
    StoragePermissionDenied,
    StorageTimeout,
    StorageUnavailable,
    UnsupportedOperation,
)


@pytest.fixture
def five(drop_in) -> Storage:
    drop_in("five", FIVE_METHODS)
    return Storage(get_client("five://box"))


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

"""Metadata of local files: in an extended attribute, beside the file where there are none, and never those of others."""
# ruff: noqa: PT012 - what a block does after its first statement is what is tested

import errno
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.clients.persistient_storage import get_client, names
from core.clients.persistient_storage.local import metadata
from core.clients.persistient_storage.policies import Create
from core.clients.persistient_storage.receipts import attachment
from core.clients.persistient_storage.storage import Storage
from core.errors import FileExists, StorageFull, UnsupportedOperation

ASKED = {
    "content_type": "text/x-hosts; charset=utf-8",
    "cache_control": "max-age=300",
    "content_encoding": "identity",
    "content_disposition": attachment("Listen für heute.txt"),
    "metadata": {"run": "17", "tlp": "clear"},
}


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch) -> None:
    """What was found out about the file system by another test does not count."""
    monkeypatch.setattr(metadata, "_devices", {})


@pytest.fixture(params=["attribute", "beside"])
def storage(tmp_path, monkeypatch, request) -> Storage:
    """A folder on a file system with extended attributes, and on one that answers as one without does."""
    if request.param == "beside":
        for name in ("setxattr", "getxattr"):
            monkeypatch.setattr(os, name, _unsupported)
    return Storage(get_client(tmp_path / "exports"))


def _unsupported(*args: object) -> None:
    raise OSError(errno.EOPNOTSUPP, "Operation not supported")


def entries(storage: Storage) -> list[str]:
    root = Path(storage.client.file_path("x")).parent
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def hidden(storage: Storage) -> list[str]:
    return [name for name in entries(storage) if names.METADATA_FILE.fullmatch(name.rpartition("/")[2])]


def test_every_field_comes_back(storage):
    """The same call works on both, and a client made later reads the same."""
    receipt = storage.write("d/hosts", "127.0.0.1 x\n", **ASKED)
    kept = storage.stat("d/hosts").metadata

    assert receipt.metadata == kept
    assert {**kept.headers(), "metadata": dict(kept.items)} == ASKED
    assert receipt.dropped == ()


def test_what_the_name_says_is_kept_nowhere(storage):
    """A content type that follows from the suffix costs neither an attribute nor a file."""
    storage.write("a.csv", "x")

    assert entries(storage) == ["a.csv"]
    assert storage.stat("a.csv").content_type == "text/csv; charset=utf-8"


def test_a_replacement_brings_its_own(storage):
    """Metadata belong to one state of a file: new bytes without any have none, and nothing of the old is left."""
    storage.write("a.txt", "one", metadata={"run": "1"})
    storage.write("a.txt", "two", metadata={"run": "2"})
    assert dict(storage.stat("a.txt").metadata.items) == {"run": "2"}
    storage.write("a.txt", "three")

    assert dict(storage.stat("a.txt").metadata.items) == {}
    assert entries(storage) == ["a.txt"]


def test_a_delete_takes_it_along(storage):
    """Nothing stays, and a later file of that name has nothing of it."""
    storage.write("a.txt", "one", metadata={"run": "1"})
    storage.delete("a.txt")

    assert entries(storage) == []


def test_it_is_not_in_lists(storage):
    """What lies beside a file is not a file of anybody's, and its name is refused."""
    storage.write("d/a.txt", "one", metadata={"run": "1"})

    assert [stat.name for stat in storage.list()] == ["d/a.txt"]
    for name in hidden(storage):
        with pytest.raises(ValueError, match="kept with files"):
            storage.read_bytes(name)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_leaves_nothing(storage, error):
    """Neither file nor metadata, and those of the old file stand."""
    storage.write("a.txt", "old", metadata={"run": "1"})
    before = entries(storage)
    with pytest.raises(error), storage.open_writer("a.txt", metadata={"run": "2"}) as file:
        file.write(b"half")
        raise error

    assert entries(storage) == before
    assert dict(storage.stat("a.txt").metadata.items) == {"run": "1"}


def test_a_name_that_is_taken_leaves_nothing(storage):
    """A refused ``Create`` removes what it laid beside."""
    storage.write("a.txt", "old", metadata={"run": "1"}, policy=Create())
    before = entries(storage)
    with pytest.raises(FileExists):
        storage.write("a.txt", "new", metadata={"run": "2"}, policy=Create())

    assert entries(storage) == before
    assert dict(storage.stat("a.txt").metadata.items) == {"run": "1"}


def test_readers_never_see_a_mixture(storage):
    """Who asks while it is replaced gets the metadata of the very bytes, or none."""
    storage.write("a.txt", "0", metadata={"run": "0"})
    is_done, wrong = threading.Event(), []

    def read() -> None:
        while not is_done.is_set():
            stat = storage.stat("a.txt")
            if stat.metadata.items and int(stat.metadata.items["run"]) != stat.size_bytes - 1:
                wrong.append(stat)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(100):
            storage.write("a.txt", "0" * (number + 1), metadata={"run": str(number)})
    finally:
        is_done.set()
        reader.join()

    assert wrong == []


def test_a_disk_that_is_full_is_said_to_be(tmp_path, monkeypatch):
    """If there is no room for the metadata either, the write fails as a whole and the old file stands."""
    storage = Storage(get_client(tmp_path))
    storage.write("a.txt", "old")
    for name in ("setxattr", "getxattr"):
        monkeypatch.setattr(os, name, _unsupported)
    real = os.fdopen

    def full(descriptor: int, *args: object) -> object:
        os.close(descriptor)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(StorageFull):
        storage.write("a.txt", "new", metadata={"run": "1"})
    monkeypatch.setattr(os, "fdopen", real)

    assert entries(storage) == ["a.txt"]
    assert storage.read_text("a.txt") == "old"


def test_metadata_that_are_too_long_are_refused(tmp_path, monkeypatch):
    """Where a file system has attributes but little room for them; the old file stands."""

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    storage = Storage(get_client(tmp_path))
    storage.write("a.txt", "old")
    monkeypatch.setattr(os, "setxattr", full)
    with pytest.raises(UnsupportedOperation, match="too long"):
        storage.write("a.txt", "new", metadata={"run": "1" * 9_000})

    assert entries(storage) == ["a.txt"]
    assert storage.read_text("a.txt") == "old"


def test_a_killed_create_keeps_the_metadata_of_its_file(tmp_path, monkeypatch):
    """A part file that is the published file under a second name takes nothing along when it is removed."""
    for name in ("setxattr", "getxattr"):
        monkeypatch.setattr(os, name, _unsupported)
    storage = Storage(get_client(tmp_path))
    storage.write("a.txt", "one", metadata={"run": "1"}, policy=Create())
    os.link(tmp_path / "a.txt", tmp_path / names.part_file("0" * 16))
    for leftover in list(storage.leftovers()):
        storage.remove_leftover(leftover)

    assert list(storage.leftovers()) == []
    assert dict(storage.stat("a.txt").metadata.items) == {"run": "1"}


def test_a_file_that_somebody_changed_has_lost_them(tmp_path, monkeypatch):
    """Beside a file, they are found only while the file is as it was; what is left then is found as a left-over."""
    for name in ("setxattr", "getxattr"):
        monkeypatch.setattr(os, name, _unsupported)
    storage = Storage(get_client(tmp_path))
    storage.write("d/a.txt", "one", metadata={"run": "1"})
    assert list(storage.leftovers()) == []
    (tmp_path / "d" / "a.txt").write_text("other bytes")

    assert dict(storage.stat("d/a.txt").metadata.items) == {}
    [leftover] = storage.leftovers()
    assert leftover.kind == "metadata file"
    storage.remove_leftover(leftover)
    assert entries(storage) == ["d/a.txt"]


def test_left_overs_are_found_by_their_age(tmp_path):
    """Part files of killed writers, in any folder; those that are being written just now are told apart by age alone."""
    storage = Storage(get_client(tmp_path))
    storage.write("d/a.txt", "one")
    old, new = (tmp_path / "d" / names.part_file(digit * 16) for digit in "01")
    old.write_bytes(b"half")
    new.write_bytes(b"half a file")
    now = datetime.now(UTC)
    yesterday = (now - timedelta(hours=25)).timestamp()
    os.utime(old, (yesterday, yesterday))

    assert [leftover.location for leftover in storage.leftovers(now - timedelta(days=1))] == [str(old)]
    assert [leftover.size_bytes for leftover in storage.leftovers()] == [4, 11]
    for leftover in list(storage.leftovers()) * 2:
        storage.remove_leftover(leftover)
    assert entries(storage) == ["d/a.txt"]

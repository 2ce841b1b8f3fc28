"""What a file system of fsspec says is there."""

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import fsspec
import pytest

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.classes.memory import MemoryClient
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    InvalidFileName,
    StorageUnavailable,
    UnsupportedOperation,
)


def test_folders_are_made_of_names(fs):
    """One level at a time, or all; a name that only begins alike is another."""
    assert ["/a.csv", "/lists", "/lists.txt"] == fs.ls("", detail=False)
    assert ["/lists/b.csv", "/lists/deep"] == fs.ls("yeti://lists/", detail=False)
    assert ["/lists/b.csv"] == fs.ls("lists/b.csv", detail=False)
    assert ["/a.csv", "/lists.txt", "/lists/b.csv", "/lists/deep/c.csv"] == fs.find("")
    assert ["/lists/b.csv", "/lists/deep/c.csv"] == fs.find("lists")
    assert ["/lists", "/lists/b.csv", "/lists/deep"] == fs.find("lists", maxdepth=1, withdirs=True)
    assert ["/a.csv"] == fs.glob("*.csv")
    assert ["/a.csv", "/lists/b.csv", "/lists/deep/c.csv"] == fs.glob("**/*.csv")
    assert [("/", ["lists"], ["a.csv", "lists.txt"]), ("/lists", ["deep"], ["b.csv"])] == list(fs.walk(""))[:2]
    assert (10, {"/lists/b.csv": 2, "/lists/deep/c.csv": 3}) == (fs.du(""), fs.du("lists", total=False))


def test_a_file_and_a_folder_may_have_one_name():
    """Where a storage allows that, the name is that of the file."""
    fs = fsspec.filesystem("yeti", path=f"memory://{uuid4()}")
    fs.pipe({"lists": b"file", "lists/b.csv": b""})

    assert ["file"] == [entry["type"] for entry in fs.ls("")]
    assert ["/lists", "/lists/b.csv"] == fs.ls("lists", detail=False)
    assert b"file" == fs.cat("lists")


def test_a_level_is_what_info_says(fs):
    """Names, sizes and types are the same wherever one asks."""
    keys = ("name", "size", "type")
    for entry in fs.ls("") + fs.ls("lists"):
        assert {key: entry[key] for key in keys} == {key: fs.info(entry["name"])[key] for key in keys}
    assert {"name": "/", "size": 0, "type": "directory"} == fs.info("/")


def test_what_is_not_there(fs):
    """Files and folders are there or not; a name that nothing can have is not there either."""
    kinds = {
        name: (fs.exists(name), fs.isfile(name), fs.isdir(name)) for name in ("a.csv", "lists", "none", "../a.csv")
    }

    assert {
        "a.csv": (True, True, False),
        "lists": (True, False, True),
        "none": (False, False, False),
        "../a.csv": (False, False, False),
    } == kinds
    for ask in (fs.info, fs.ls, fs.cat, fs.rm, fs.open):
        with pytest.raises(FileNotFoundError):
            ask("none")
    with pytest.raises(InvalidFileName):
        fs.open("../a.csv", "wb")


def test_a_storage_that_does_not_answer_is_no_empty_one(monkeypatch):
    """``exists`` must not say no when nothing is known."""
    for name, value in {
        "ENDPOINT_URL": "http://127.0.0.1:9",
        "ACCESS_KEY_ID": "x",
        "SECRET_ACCESS_KEY": "x",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    fs = fsspec.filesystem("yeti", path="s3://bucket")

    for ask in (fs.exists, fs.isfile, fs.isdir):
        with pytest.raises(StorageUnavailable):
            ask("a.csv")


def test_nothing_that_was_listed_is_remembered(fs, path):
    """What another program published or removed is seen by the next question."""
    assert 4 == len(fs.find(""))
    storage = Storage(get_client(path))
    storage.write("e.csv", "new")
    storage.delete("lists/deep/c.csv")

    assert ["/a.csv", "/e.csv", "/lists", "/lists.txt"] == fs.ls("", detail=False)
    assert ["/lists/b.csv"] == fs.ls("lists", detail=False)
    assert not fs.exists("lists/deep")


def test_folders_are_known_by_their_first_file(monkeypatch):
    """``isdir`` reads no more of a list than that."""
    given = []

    def listed(self, prefix):
        for number in range(1000):
            given.append(number)
            yield self.stat(f"lists/{number}.csv")

    fs = fsspec.filesystem("yeti", path=f"memory://{uuid4()}")
    fs.pipe({f"lists/{number}.csv": b"" for number in range(1000)})
    monkeypatch.setattr(MemoryClient, "list", listed)

    assert fs.isdir("lists")
    assert [0] == given


def test_when_and_which_version(fs):
    """A file's time is when it was stored; its keys change with it, and only then."""
    before = (fs.ukey("a.csv"), fs.checksum("a.csv"))
    assert timedelta(seconds=-5) < datetime.now(UTC) - fs.modified("a.csv") < timedelta(minutes=5)
    assert fs.created("a.csv") == fs.modified("a.csv")
    assert before == (fs.ukey("a.csv"), fs.checksum("a.csv"))
    fs.pipe("a.csv", b"z")

    assert before[0] != fs.ukey("a.csv")
    assert before[1] != fs.checksum("a.csv")


def test_what_it_says_of_a_file_is_plain_data(fs):
    """Every entry can be written as JSON, once its time is text."""
    entry = json.loads(json.dumps(fs.info("a.csv"), default=str))

    assert ("/a.csv", 1, "file", "text/csv; charset=utf-8") == tuple(
        entry[key] for key in ("name", "size", "type", "content_type")
    )


@pytest.mark.s3
def test_a_link_can_be_given_away(weed_server):
    """``sign`` gives one for so many seconds; where there are none, that is said."""
    fs = fsspec.filesystem("yeti", path=f"s3://{weed_server.new_bucket()}")
    fs.pipe("a.csv", b"linked")

    with urllib.request.urlopen(fs.sign("a.csv", 60, download_name="c2.csv"), timeout=10) as answer:
        assert (b"linked", True) == (answer.read(), "c2.csv" in answer.headers["Content-Disposition"])
    with pytest.raises(UnsupportedOperation, match="1 second to 7 days"):
        fs.sign("a.csv", 0)
    with pytest.raises(UnsupportedOperation, match="presign"):
        fsspec.filesystem("yeti", path=f"memory://{uuid4()}").sign("a.csv")

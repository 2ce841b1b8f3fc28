"""Storages as file systems of fsspec."""

import io
import json
import multiprocessing
import pickle
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import fsspec
import pytest
from clients_of_tests import FIVE_METHODS

from core.clients import fsspec_files
from core.clients.fsspec import YetiFileSystem
from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.classes.memory import MemoryClient
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    FileExists,
    FileMissing,
    InvalidFileName,
    InvalidStoragePath,
    StorageCorrupt,
    StorageUnavailable,
    UnsupportedOperation,
)

FILES = {"a.csv": b"a", "lists/b.csv": b"bb", "lists/deep/c.csv": b"ccc", "lists.txt": b"dddd"}


@pytest.fixture(params=["memory", "local", pytest.param("weed", marks=pytest.mark.s3)])
def path(request, tmp_path):
    if request.param == "weed":
        return f"s3://{request.getfixturevalue('weed_server').new_bucket()}/some/prefix"
    return f"memory://{uuid4()}" if request.param == "memory" else str(tmp_path / "exports")


@pytest.fixture
def fs(path):
    fs = fsspec.filesystem("yeti", path=path)
    fs.pipe(FILES)
    return fs


@pytest.fixture
def local(tmp_path):
    return fsspec.filesystem("yeti", path=str(tmp_path / "exports"))


# --- getting there --------------------------------------------------------------------------------------


def test_a_url_and_a_path_are_all_it_takes(fs, path):
    """``yeti://`` stands before the file's name, the storage path beside it."""
    with fsspec.open("yeti://lists/b.csv", path=path) as file:
        assert b"bb" == file.read()


def test_what_is_published_can_be_read_and_the_other_way_round(fs, path):
    """It is the same place as for `Storage`."""
    storage = Storage(get_client(path))
    storage.write("e.csv", "published")

    assert b"published" == fs.cat("yeti://e.csv")
    assert "bb" == storage.read_text("lists/b.csv")


def test_without_a_path_it_says_how_to_give_one():
    """The message has the words to type."""
    with pytest.raises(InvalidStoragePath, match=r"storage_options=.*FSSPEC_YETI_PATH"):
        fsspec.filesystem("yeti")


def test_the_environment_may_give_the_path(tmp_path):
    """``FSSPEC_YETI_PATH`` is the default of all programs."""
    (tmp_path / "a.csv").write_bytes(b"found")
    code = "import fsspec; print(fsspec.open('yeti://a.csv', 'r').open().read())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"FSSPEC_YETI_PATH": str(tmp_path)},
    )

    assert ("found\n", "") == (done.stdout, done.stderr)


def test_without_fsspec_it_says_what_to_install():
    """Importing the module is an error with the command in it."""
    code = "import sys; sys.modules['fsspec'] = None; import core.clients.fsspec"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert "yeti:// needs a package that is not installed (fsspec)" in done.stderr
    assert "pip install 'yeti-exports[fsspec]'" in done.stderr


def test_it_can_be_sent_to_another_process(fs):
    """By pickle and as JSON."""
    assert fs.find("") == pickle.loads(pickle.dumps(fs)).find("")
    assert fs.find("") == YetiFileSystem.from_json(fs.to_json()).find("")


def test_a_client_that_was_changed_is_used_at_once(drop_in, tmp_path):
    """Neither fsspec nor we keep an old one."""
    drop_in("five", FIVE_METHODS)
    fsspec.filesystem("yeti", path="five://box").pipe("a.csv", b"old")
    drop_in("five", FIVE_METHODS + "        # changed\n")

    with pytest.raises(FileMissing):
        fsspec.filesystem("yeti", path="five://box").cat("a.csv")


# --- what is there --------------------------------------------------------------------------------------


def test_folders_are_made_of_names(fs):
    """One level at a time, or all; a name that only begins alike is another."""
    assert ["/a.csv", "/lists", "/lists.txt"] == fs.ls("", detail=False)
    assert ["/lists/b.csv", "/lists/deep"] == fs.ls("yeti://lists/", detail=False)
    assert ["/lists/b.csv"] == fs.ls("lists/b.csv", detail=False)
    assert sorted(f"/{name}" for name in FILES) == fs.find("")
    assert ["/lists/b.csv", "/lists/deep/c.csv"] == fs.find("lists")
    assert ["/lists", "/lists/b.csv", "/lists/deep"] == fs.find("lists", maxdepth=1, withdirs=True)
    assert ["/a.csv"] == fs.glob("*.csv")
    assert ["/a.csv", "/lists/b.csv", "/lists/deep/c.csv"] == fs.glob("**/*.csv")
    assert [("/", ["lists"], ["a.csv", "lists.txt"]), ("/lists", ["deep"], ["b.csv"])] == list(fs.walk(""))[:2]
    assert (10, {"/lists/b.csv": 2, "/lists/deep/c.csv": 3}) == (fs.du(""), fs.du("lists", total=False))


def test_a_file_at_the_top_goes_into_a_folder(fs, tmp_path):
    """As one that is in a folder does."""
    fs.cp("a.csv", "lists")
    fs.mv("lists.txt", "new/")
    fs.cp("lists/deep", "new", recursive=True)
    fs.get("a.csv", f"{tmp_path}/here/")

    assert [
        "/a.csv",
        "/lists/a.csv",
        "/lists/b.csv",
        "/lists/deep/c.csv",
        "/new/deep/c.csv",
        "/new/lists.txt",
    ] == (fs.find(""))
    assert b"a" == (tmp_path / "here" / "a.csv").read_bytes()


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


# --- writing --------------------------------------------------------------------------------------------


def test_a_copy_has_the_metadata(fs, path):
    """Content type and the rest go with the bytes."""
    fs.pipe("page", b"<p>", content_type="text/html; charset=utf-8", cache_control="max-age=60")
    fs.cp("page", "lists/page.bin")
    fs.mv("lists/page.bin", "moved.bin")

    assert Storage(get_client(path)).stat("moved.bin").metadata == Storage(get_client(path)).stat("page").metadata
    assert b"<p>" == fs.cat("moved.bin")
    assert not fs.exists("lists/page.bin")


def test_nothing_is_moved_onto_itself(fs):
    """However the name is spelled, the file stays."""
    fs.mv("a.csv", "yeti://a.csv")
    with pytest.raises(FileExists, match="onto itself"):
        fs.mv("lists/b.csv", "lists/")

    assert (b"a", b"bb") == (fs.cat("a.csv"), fs.cat("lists/b.csv"))


def test_moving_leaves_what_came_meanwhile(fs, monkeypatch):
    """Only files that were copied are deleted."""
    copy = fs.copy

    def copy_late(*arguments, **options):
        copy(*arguments, **options)
        fs.pipe("lists/late.csv", b"late")

    monkeypatch.setattr(fs, "copy", copy_late)
    fs.mv("lists", "moved", recursive=True)

    assert ["/a.csv", "/lists.txt", "/lists/late.csv", "/moved/b.csv", "/moved/deep/c.csv"] == fs.find("")


def test_a_copy_that_fails_moves_nothing(fs):
    """The source is deleted last."""
    with pytest.raises(InvalidFileName):
        fs.mv("lists", "../out", recursive=True)

    assert sorted(f"/{name}" for name in FILES) == fs.find("")


def test_folders_go_only_when_that_is_asked_for(fs):
    """``rm`` of a folder needs ``recursive``."""
    with pytest.raises(FileExists, match="recursive=True"):
        fs.rm("lists")
    fs.rm("lists", recursive=True)

    assert ["/a.csv", "/lists.txt"] == fs.find("")
    with pytest.raises(FileNotFoundError):
        fs.rm("lists", recursive=True)


def test_a_file_that_changes_while_it_is_put_is_not_stored(local, tmp_path):
    """Its size is known before, and compared."""
    source = tmp_path / "source.csv"
    source.write_bytes(b"x" * 3_000_000)

    class Shortens(fsspec.callbacks.Callback):
        def relative_update(self, inc=1):
            source.write_bytes(b"")

    with pytest.raises(StorageCorrupt, match="nothing was published"):
        local.put_file(str(source), "a.csv", callback=Shortens())
    assert [] == local.find("")


def test_put_says_how_far_it_is(local, tmp_path):
    """The callback of fsspec is told the size and each step."""
    (tmp_path / "source.csv").write_bytes(b"x" * 3_000_000)
    callback = fsspec.callbacks.Callback()
    local.put_file(str(tmp_path / "source.csv"), "a.csv", callback=callback)

    assert (3_000_000, 3_000_000, 3_000_000) == (callback.size, callback.value, local.size("a.csv"))


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


# --- clients that can less ------------------------------------------------------------------------------


def test_five_methods_can_be_read_and_written(drop_in):
    """What five methods cannot carry is refused in words."""
    drop_in("five", FIVE_METHODS)
    fs = fsspec.filesystem("yeti", path="five://five")
    fs.pipe("a.csv", b"text")
    fs.cp("a.csv", "b.csv")
    fs.mv("b.csv", "c.csv")

    assert (b"text", 4, True, False) == (fs.cat("c.csv"), fs.size("a.csv"), fs.isfile("a.csv"), fs.exists("b.csv"))
    for refused in (
        lambda: fs.ls(""),
        lambda: fs.pipe("d.csv", b"\xff"),
        lambda: fs.pipe_file("d.csv", b"new", mode="create"),
        lambda: fs.open("d.csv", "wb", compression="gzip"),
        lambda: fs.modified("a.csv"),
    ):
        with pytest.raises(UnsupportedOperation):
            refused()
    assert not fs.exists("d.csv")


def test_threads_share_one(fs):
    """Each reads and writes what is its own."""

    def work(number):
        fs.pipe(f"many/{number}.csv", str(number).encode())
        return fs.cat(f"many/{number}.csv")

    with ThreadPoolExecutor(4) as pool:
        assert [str(number).encode() for number in range(40)] == list(pool.map(work, range(40)))


def test_a_client_for_one_thread_is_made_for_each(drop_in):
    """A client that cannot promise ``threads`` works in all of them."""
    drop_in("five", FIVE_METHODS.replace('{"fork"}', '{"fork", "threads"}'))
    fs = fsspec.filesystem("yeti", path="five://threads")
    fs.pipe("a.csv", b"text")

    with ThreadPoolExecutor(1) as pool:
        assert b"text" == pool.submit(fs.cat, "a.csv").result()


def _write_in_child(fs):
    fs.pipe("child.csv", fs.cat("a.csv"))


def exit_code_in_child(fs):
    child = multiprocessing.get_context("fork").Process(target=_write_in_child, args=(fs,))
    child.start()
    child.join(30)
    return child.exitcode


@pytest.mark.s3
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.parametrize("path", ["local", "weed"], indirect=True)
def test_it_works_in_a_forked_child(fs):
    """One that was made and used before the fork."""
    assert (0, b"a") == (exit_code_in_child(fs), fs.cat("child.csv"))


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_client_that_cannot_be_taken_along_is_made_anew(drop_in):
    """After a fork a client that cannot promise ``fork`` is another one."""
    drop_in("five", FIVE_METHODS)
    fs = fsspec.filesystem("yeti", path="five://fork")
    fs.pipe("a.csv", b"text")

    assert 0 == exit_code_in_child(fs)


def test_what_it_says_of_a_file_is_plain_data(fs):
    """Every entry can be written as JSON, once its time is text."""
    entry = json.loads(json.dumps(fs.info("a.csv"), default=str))

    assert ("/a.csv", 1, "file", "text/csv; charset=utf-8") == tuple(
        entry[key] for key in ("name", "size", "type", "content_type")
    )


def test_parts_of_a_file_are_fetched_alone(fs, monkeypatch):
    """Going back costs neither a second whole transfer nor a temporary file, and never mixes two versions."""
    monkeypatch.setattr(fsspec_files._Source, "_keep_aside", None)
    old, new = bytes(range(250)) * 20_000, b"new" * 2_000_000
    fs.pipe("large.bin", old)
    with fs.open("large.bin") as file:
        for where, size in ((4_000_000, 1000), (0, 10), (-500, 500), (10, 300_000)):
            start = file.seek(where, io.SEEK_END if where < 0 else io.SEEK_SET)
            assert old[start : start + size] == file.read(size)
        fs.pipe("large.bin", new)
        file.seek(4_000_000)
        try:
            assert old[4_000_000:] == file.read()
        except StorageUnavailable as error:
            assert "read it again" in str(error)  # noqa: PT017

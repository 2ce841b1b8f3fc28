"""Storages as file systems of fsspec: how one gets there, and what clients carry."""

import multiprocessing
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import fsspec
import pytest
from clients_of_tests import FIVE_METHODS

from core.clients.fsspec import YetiFileSystem
from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    FileMissing,
    InvalidStoragePath,
    UnsupportedOperation,
)

# --- getting there -----------------------------------------------------------------------------------------------


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
    assert "pip install '.[fsspec]'" in done.stderr


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


# --- clients that can less ---------------------------------------------------------------------------------------


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


# --- threads and forks -------------------------------------------------------------------------------------------


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

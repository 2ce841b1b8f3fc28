"""Files written through fsspec: whole or not at all."""

import contextlib
import gc
import gzip
import io
import lzma
import random
from uuid import uuid4

import fsspec
import pytest

from core.errors import FileExists, StorageError, UnsupportedOperation

OLD = b"the old content\n"


LARGE = bytes(random.Random(7).randbytes(3_000_000))


class Interrupted(BaseException):
    """Nobody catches this by ``except Exception``."""


def interrupt():
    raise Interrupted


@pytest.fixture(params=["memory", "local"])
def path(request, tmp_path):
    return f"memory://{uuid4()}" if request.param == "memory" else str(tmp_path / "exports")


@pytest.fixture
def fs(path):
    fs = fsspec.filesystem("yeti", path=path)
    fs.pipe("a.csv", OLD)
    return fs


def dropped_generator(fs):
    def steps():
        with fs.open("a.csv", "w") as file:
            file.write("new")
            yield

    running = steps()
    next(running)
    running.close()
    raise Interrupted


def failing(open_file, data):
    def write(fs):
        with open_file(fs) as file:
            file.write(data)
            raise Interrupted

    return write


def closed_by_finally(fs):
    file = fs.open("a.csv", "wb")
    try:
        file.write(b"new")
        raise Interrupted
    finally:
        file.close()


def closed_by_closing(fs):
    with contextlib.closing(fs.open("a.csv", "w")) as file:
        file.write("new")
        raise Interrupted


def raised_again(fs):
    try:
        interrupt()
    except Interrupted:
        with fs.open("a.csv", "w") as file:
            file.write("new")
            raise


def url(fs):
    return {"urlpath": "yeti://a.csv", "path": fs.storage_options["path"]}


FAILURES = {
    "binary": failing(lambda fs: fs.open("a.csv", "wb"), b"new"),
    "large": failing(lambda fs: fs.open("a.csv", "wb"), LARGE),
    "text": failing(lambda fs: fs.open("a.csv", "w"), "new"),
    "gzip": failing(lambda fs: fs.open("a.csv", "wb", compression="gzip"), b"new"),
    "gzip text": failing(lambda fs: fs.open("a.csv", "wt", compression="gzip"), "new"),
    "xz": failing(lambda fs: fs.open("a.csv", "wb", compression="xz"), b"new"),
    "url": failing(lambda fs: fsspec.open(mode="wb", **url(fs)), b"new"),
    "url text": failing(lambda fs: fsspec.open(mode="w", **url(fs)), "new"),
    "url gzip text": failing(lambda fs: fsspec.open(mode="w", compression="gzip", **url(fs)), "new"),
    "buffered": failing(lambda fs: io.BufferedWriter(fs.open("a.csv", "wb")), b"new"),
    "finally": closed_by_finally,
    "closing": closed_by_closing,
    "raised again": raised_again,
    "generator": dropped_generator,
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_an_exception_publishes_nothing(fs, failure):
    """Whatever way a file is written, an exception of any kind leaves the old one as it was, and no trace."""
    with pytest.raises(Interrupted):
        failure(fs)
    gc.collect()

    assert OLD == fs.cat("a.csv")
    assert ["/a.csv"] == fs.find("")


DROPS = {
    "binary": lambda fs: fs.open("a.csv", "wb"),
    "text": lambda fs: fs.open("a.csv", "w"),
    "gzip": lambda fs: fs.open("a.csv", "wb", compression="gzip"),
    "xz": lambda fs: fs.open("a.csv", "wb", compression="xz"),
    "url": lambda fs: fsspec.open(mode="wb", **url(fs)).open(),
    "url text": lambda fs: fsspec.open(mode="w", **url(fs)).open(),
    "buffered": lambda fs: io.BufferedWriter(fs.open("a.csv", "wb")),
}


@pytest.mark.filterwarnings("ignore:Exception ignored in. <_io.FileIO")  # of a cycle, Python ends the file first
@pytest.mark.parametrize("is_cycle", [False, True])
@pytest.mark.parametrize("drop", DROPS.values(), ids=DROPS)
def test_the_garbage_collector_publishes_nothing(fs, drop, is_cycle):
    """A file that is dropped before it was closed is not published, nor is one whose wrapper is."""
    file = drop(fs)
    file.write("new" if isinstance(file, io.TextIOBase) else b"new")
    if is_cycle:
        cycle = [file]
        cycle.append(cycle)
        del cycle
    del file
    gc.collect()

    assert OLD == fs.cat("a.csv")
    assert ["/a.csv"] == fs.find("")


ENDS = {
    "binary": (lambda fs: fs.open("a.csv", "wb"), b"new", lambda data: data),
    "text": (lambda fs: fs.open("a.csv", "w"), "ä\n", bytes.decode),
    "gzip": (lambda fs: fs.open("a.csv", "wb", compression="gzip"), b"new", gzip.decompress),
    "xz": (lambda fs: fs.open("a.csv", "wb", compression="xz"), b"new", lzma.decompress),
    "url text": (lambda fs: fsspec.open(mode="w", encoding="utf-8", **url(fs)), "ä\n", bytes.decode),
    "url gzip": (lambda fs: fsspec.open(mode="wb", compression="gzip", **url(fs)), b"new", gzip.decompress),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_the_clean_end_of_the_block_publishes(fs, end):
    """Until then readers get the old content."""
    open_file, data, plain = end
    with open_file(fs) as file:
        file.write(data)
        assert OLD == fs.cat("a.csv")

    assert data == plain(fs.cat("a.csv"))


def test_close_publishes(fs):
    """Programs that know nothing of ``with`` end a file by ``close``; a second one does nothing."""
    file = fs.open("a.csv", "wb")
    file.write(b"new")
    assert 3 == file.tell()
    file.close()
    file.close()

    assert b"new" == fs.cat("a.csv")
    with pytest.raises(ValueError, match="closed"):
        file.write(b"more")


def test_an_exception_that_is_being_handled_already_forbids_nothing(fs):
    """A report of an error may be published where that is handled."""
    try:
        interrupt()
    except Interrupted:
        with fs.open("a.csv", "w") as file:
            file.write("it failed")

    assert b"it failed" == fs.cat("a.csv")


def test_after_a_failed_write_nothing_is_published(fs):
    """Closing such a file does not publish what came before."""
    file = fs.open("a.csv", "wb")
    file.write(b"new")
    with pytest.raises(TypeError):
        file.write("text")
    file.close()

    assert OLD == fs.cat("a.csv")


def test_the_same_bytes_compressed_twice_are_the_same_file(fs):
    """``compression="gzip"`` puts neither time nor name into the file."""
    for name in ("one.csv.gz", "two.csv.gz"):
        with fs.open(name, "wb", compression="infer") as file:
            file.write(b"a,b\n")

    assert fs.cat("one.csv.gz") == fs.cat("two.csv.gz")
    assert b"a,b\n" == fs.open("one.csv.gz", compression="infer").read()


def test_files_are_not_changed_in_place(fs):
    """Appending and writing into a file are refused."""
    for mode in ("ab", "a", "r+b", "w+b"):
        with pytest.raises(UnsupportedOperation, match="published whole"):
            fs.open("a.csv", mode)

    assert OLD == fs.cat("a.csv")


def test_create_only(fs):
    """``x`` refuses a name that is taken, and one that was taken meanwhile."""
    with pytest.raises(FileExists):
        fs.open("a.csv", "xb")
    with pytest.raises(FileExists), fs.open("b.csv", "x") as file:  # noqa: PT012
        file.write("mine")
        fs.pipe("b.csv", b"theirs")

    assert b"theirs" == fs.cat("b.csv")


def test_a_transaction_publishes_at_its_end(fs):
    """Until then nothing is published, whatever was closed."""
    with fs.transaction:
        with fs.open("a.csv", "w", compression="xz") as file:
            file.write("new")
        fs.pipe("b.csv", b"new")
        assert OLD == fs.cat("a.csv")
        assert ["/a.csv"] == fs.find("")

    assert b"new" == lzma.decompress(fs.cat("a.csv"))
    assert b"new" == fs.cat("b.csv")


def test_a_transaction_that_fails_publishes_nothing(fs):
    """Files that were closed well are given up with the others."""
    with pytest.raises(Interrupted), fs.transaction:  # noqa: PT012
        fs.pipe("b.csv", b"new")
        raise Interrupted

    assert ["/a.csv"] == fs.find("")


def test_a_transaction_does_not_publish_what_failed(fs):
    """Neither a file whose block failed, nor one that is still open."""
    with fs.transaction, contextlib.suppress(Interrupted), fs.open("b.csv", "wb") as file:
        file.write(b"half")
        raise Interrupted
    with pytest.raises(StorageError, match="still open"), fs.transaction:  # noqa: PT012
        left_open = fs.open("c.csv", "wb")
        left_open.write(b"half")

    assert ["/a.csv"] == fs.find("")

"""Large files on S3: a part is sent while the next is filled; nothing of that can be seen but the time."""
# ruff: noqa: PT012 - what a block does after its first statement is what is tested

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.receipts import WriteRequest
from core.clients.persistient_storage.s3 import writer as writers
from core.clients.persistient_storage.storage import Storage
from core.errors import StorageError, StorageUnavailable
from core.testing.together import in_child

ROOT = Path(__file__).parents[2]
STREAMS = """
import resource, sys

bare = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage

with Storage(get_client("s3://bucket/x")).open_text_writer("l.txt") as file:
    for _ in range(int(sys.argv[1]) >> 16):
        file.write("x" * (1 << 16))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - bare) * 1024)
"""
PART_BYTES = 1 << 18
PIECE = bytes(range(256)) * 128


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """A quarter MiB instead of eight: no server of these tests minds, and they are sooner done."""
    monkeypatch.setattr(writers, "PART_BYTES", PART_BYTES)


def content(size):
    return (PIECE * (size // len(PIECE) + 1))[:size]


def parts_of(server):
    return sorted(number for _, parts in server.uploads.values() for number in parts)


def wait_for(condition, within_s=30):
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def held_parts(server):
    """Let no part get through to *server* until the event that this gives is set."""
    release = threading.Event()
    server.watch = lambda method, path: release.wait(20) if method == "PUT" else None
    try:
        yield release
    finally:
        release.set()


def after_a_while(release):
    """Set it when whoever is to wait for it would have gone on long ago, did he not wait."""
    threading.Timer(0.3, release.set).start()


def threads():
    return [thread.name for thread in threading.enumerate() if thread.name == "s3-part"]


@pytest.mark.parametrize("extra", [-1, 0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1])
@pytest.mark.parametrize("step", [PART_BYTES * 3, len(PIECE) - 1])
def test_every_length_is_whole(small, extra, step):
    """Around the borders of parts too, in whatever pieces it is written; up to one part it is one request."""
    data = content(PART_BYTES + extra)
    with Storage(get_client("s3://bucket/x")).open_writer("l.bin") as file:
        for start in range(0, len(data), step):
            file.write(data[start : start + step])

    assert small.objects["/bucket/x/l.bin"] == data
    parts = -(-len(data) // PART_BYTES)
    assert small.methods() == (["PUT"] if parts == 1 else ["POST", *["PUT"] * parts, "POST"])


def test_a_part_is_sent_while_the_next_is_filled(small):
    """The writer goes on while the server takes its time; it waits only when the next part is full too."""
    with held_parts(small) as release, Storage(get_client("s3://bucket/x")).open_writer("l.bin") as file:
        file.write(b"x" * (PART_BYTES + 1))
        file.write(b"x" * (PART_BYTES - 1))
        assert (threads(), parts_of(small)) == (["s3-part"], [])
        after_a_while(release)
        file.write(b"x")
        assert 1 in parts_of(small)

    assert threads() == []
    assert len(small.objects["/bucket/x/l.bin"]) == 2 * PART_BYTES + 1


def test_bytes_may_be_reused_by_the_caller(small):
    """What was handed over is sent as it was then, however late."""
    small.slowness_s = 0.05
    buffer = bytearray(b"a" * PART_BYTES)
    with Storage(get_client("s3://bucket/x")).open_writer("l.bin") as file:
        for letter in (b"a", b"b", b"c"):
            buffer[:] = letter * PART_BYTES
            file.write(buffer)

    assert small.objects["/bucket/x/l.bin"] == b"a" * PART_BYTES + b"b" * PART_BYTES + b"c" * PART_BYTES


@pytest.mark.parametrize("later", [1, PART_BYTES])
def test_a_part_that_fails_is_an_error_of_the_write(small, monkeypatch, later):
    """At the next part or at the end: the object is not stored, and the upload is forgotten."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    small.objects["/bucket/x/l.bin"] = b"old"
    small.failures = [0, 503]
    with pytest.raises(StorageUnavailable, match=r"s3://bucket/x/l\.bin"):  # noqa: SIM117
        with Storage(get_client("s3://bucket/x")).open_writer("l.bin") as file:
            file.write(b"x" * (PART_BYTES + 1))
            file.write(b"x" * later)

    assert (small.objects, small.uploads, threads()) == ({"/bucket/x/l.bin": b"old"}, {}, [])


def test_an_error_that_is_swallowed_comes_again(small, monkeypatch):
    """Who catches the error of a write and goes on does not publish a file with a hole."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    small.failures = [0, 503]
    writer = get_client("s3://bucket/x").open_writer("l.bin", WriteRequest())
    writer.write(b"x" * (PART_BYTES + 1))
    wait_for(lambda: not small.failures)
    with pytest.raises(StorageUnavailable):
        writer.write(b"x" * PART_BYTES)
    with pytest.raises(StorageUnavailable):
        writer.commit("0" * 64)
    writer.abort()

    assert (small.objects, small.uploads) == ({}, {})
    assert small.methods().count("POST") == 1


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_giving_up_waits_for_the_part_on_its_way(small, error):
    """A part that arrives after the abort would stay for ever."""
    with held_parts(small) as release, pytest.raises(error):  # noqa: SIM117
        with Storage(get_client("s3://bucket/x")).open_writer("l.bin") as file:
            file.write(b"x" * (PART_BYTES + 1))
            assert threads() == ["s3-part"]
            arrived = noted_at_aborts(small)
            after_a_while(release)
            raise error

    assert arrived == [[1]]
    assert (small.objects, small.uploads, threads()) == ({}, {}, [])
    assert small.methods() == ["POST", "PUT", "DELETE", "GET"]


def noted_at_aborts(server):
    """Return a list that gets the numbers of the parts that *server* has whenever an upload is aborted."""
    noted, watch = [], server.watch
    server.watch = lambda method, path: (
        noted.append(parts_of(server)) if method == "DELETE" else watch(method, path)
    )
    return noted


def test_an_interrupt_that_is_swallowed_comes_again(small):
    """Who catches ``KeyboardInterrupt`` in the middle and goes on does not publish a part twice."""
    caller = threading.get_ident()

    def interrupt(*_):
        release.set()
        raise KeyboardInterrupt

    def watch(method, path):
        if "partNumber=2" in path:  # both are on their way: the caller waits for the first, which is held
            signal.pthread_kill(caller, signal.SIGURG)
        held(method, path)

    before = signal.signal(signal.SIGURG, interrupt)
    try:
        with held_parts(small) as release:
            held, small.watch = small.watch, watch
            writer = get_client("s3://bucket/x").open_writer("l.bin", WriteRequest())
            writer.write(b"x" * (2 * PART_BYTES))
            with pytest.raises(KeyboardInterrupt):
                writer.write(b"y")
            with pytest.raises(KeyboardInterrupt):
                writer.commit("0" * 64)
            writer.abort()
    finally:
        signal.signal(signal.SIGURG, before)

    assert (small.objects, small.uploads, threads()) == ({}, {}, [])


def test_an_interrupt_while_a_part_begins_leaves_no_part(small, monkeypatch):
    """The thread that sends it is started, and whoever waits for that is interrupted: it is waited for all the same."""
    start = threading.Thread.start

    def interrupted(thread):
        start(thread)
        if thread.name == "s3-part":
            raise KeyboardInterrupt

    with held_parts(small) as release:
        monkeypatch.setattr(threading.Thread, "start", interrupted)
        writer = get_client("s3://bucket/x").open_writer("l.bin", WriteRequest())
        with pytest.raises(KeyboardInterrupt):
            writer.write(b"x" * (PART_BYTES + 1))
        with pytest.raises(KeyboardInterrupt):
            writer.commit("0" * 64)
        arrived = noted_at_aborts(small)
        after_a_while(release)
        writer.abort()

    assert arrived == [[1]]
    assert (small.objects, small.uploads, threads()) == ({}, {}, [])


def test_an_abort_is_tried_again(small):
    """Errors of the server do not leave parts behind."""
    with pytest.raises(RuntimeError), Storage(get_client("s3://bucket/x")).open_writer("l.bin") as file:
        file.write(b"x" * (PART_BYTES + 1))
        wait_for(lambda: parts_of(small))
        small.failures = [500] * 5  # more than boto3 tries for one abort
        raise RuntimeError

    assert small.uploads == {}


def test_an_abort_that_never_works_is_said(small, monkeypatch, caplog):
    """In the log, with the upload's id: what the caller gets is the error that led there."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(RuntimeError), Storage(get_client("s3://bucket/x")).open_writer("l.bin") as file:
        file.write(b"x" * (PART_BYTES + 1))
        wait_for(lambda: parts_of(small))
        small.failures = [500] * 20
        raise RuntimeError

    [record] = [record for record in caplog.records if "could not be removed" in record.getMessage()]
    assert record.upload in small.uploads


def test_an_end_whose_answer_was_lost_is_no_error(small):
    """The object was stored, the answer was lost, and on the second try the upload is not known any more."""
    data = content(2 * PART_BYTES + 5)

    def lose_the_end(method, path):
        if method == "POST" and "uploadId=" in path and small.uploads:
            small.loses_answers = 1

    small.watch = lose_the_end
    with Storage(get_client("s3://bucket/x")).open_writer("m.bin") as file:
        file.write(data)

    assert small.objects["/bucket/x/m.bin"] == data
    assert small.methods()[-3:] == ["POST", "POST", "HEAD"]
    assert file.receipt.etag.endswith("-3")


@pytest.mark.parametrize(("answers", "asked"), [([], ["POST"]), ([0, 0, 0, 500], ["POST", "POST", "HEAD"])])
def test_an_upload_that_is_gone_is_an_error(small, answers, asked):
    """If somebody removed it meanwhile, that is said, even if an object of that name is there."""
    small.objects["/bucket/x/l.bin"] = b"old"
    small.failures = answers

    def remove(method, path):
        if method == "POST" and "uploadId=" in path:
            small.uploads.clear()

    small.watch = remove
    with pytest.raises(StorageError, match="forgot the upload"):
        Storage(get_client("s3://bucket/x")).write("l.bin", iter([b"x" * (PART_BYTES + 1)]))

    assert small.objects == {"/bucket/x/l.bin": b"old"}
    assert small.methods() == ["POST", "PUT", "PUT", *asked, "DELETE"]


@pytest.mark.scoreboard("forked child")
def test_a_forked_child_does_not_touch_its_parents_upload(small):
    """It holds a copy of the writer: it can neither go on with it nor abort it; the parent goes on."""
    writer = get_client("s3://bucket/x").open_writer("l.bin", WriteRequest())
    writer.write(b"x" * (PART_BYTES + 1))

    def in_the_child():
        with pytest.raises(StorageUnavailable, match="begun by another process"):
            writer.write(b"x" * (2 * PART_BYTES))
        writer.abort()

    assert in_child(in_the_child) == "done"
    assert len(small.uploads) == 1
    writer.commit("0" * 64)
    assert len(small.objects["/bucket/x/l.bin"]) == PART_BYTES + 1


def test_without_threads_a_part_is_sent_at_once(small, monkeypatch):
    """Where no thread can be had, the same is done more slowly."""

    start = threading.Thread.start

    def refuse(thread):
        if thread.name == "s3-part":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    data = content(2 * PART_BYTES + 1)
    Storage(get_client("s3://bucket/x")).write("l.bin", iter([data]))

    assert small.objects["/bucket/x/l.bin"] == data


def test_a_long_stream_takes_little_memory(small):
    """Two parts and boto3 itself: at most 64 MiB above the bare interpreter, of which boto3 takes some 40."""
    done = subprocess.run(
        [sys.executable, "-c", STREAMS, str(64 << 20)],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        check=True,
    )

    assert len(small.objects["/bucket/x/l.txt"]) == 64 << 20
    assert int(done.stdout) <= 64 << 20


def test_small_files_start_no_thread(small, monkeypatch):
    """A thread costs more than a small file."""
    started, start = [], threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", lambda thread: started.append(thread.name) or start(thread))
    storage = Storage(get_client("s3://bucket/x"))
    storage.write("a.txt", "one")
    storage.write("a.bin", iter([b"x" * (PART_BYTES - 1), b"x"]))
    assert "s3-part" not in started
    storage.write("l.bin", iter([b"x" * (PART_BYTES + 1)]))

    assert started.count("s3-part") == 2


def test_the_server_is_asked_before_it_is_sent_much(small):
    """``Expect: 100-continue`` goes with what is large; a small body is sent along, which saves a round trip."""
    storage = Storage(get_client("s3://bucket/x"))
    for size in (0, 1024, 1 << 16, (1 << 16) + 1, PART_BYTES):
        storage.write(f"{size}.bin", b"x" * size)

    assert ["Expect" in headers for _, _, headers in small.requests] == [False, False, False, True, True]
    assert sorted(len(body) for body in small.objects.values()) == [0, 1024, 1 << 16, (1 << 16) + 1, PART_BYTES]

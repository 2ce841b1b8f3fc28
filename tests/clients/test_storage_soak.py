"""Publishing under fire: readers that poll all the time, and writers that are killed at any point.

``YETI_TEST_S3_POLLS`` and ``YETI_TEST_S3_KILLS`` set how often on a bucket, which takes 5 ms a read and 1 s a kill.
"""

import hashlib
import os
import random
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from core.clients.persistient_storage import get_client, names
from core.clients.persistient_storage.storage import Storage

WRITERS = 3
CONTENTS = [f"{number:07}\n".encode() * 2_000 for number in range(3 * WRITERS)]
"""16 kB each, every line the same: a mixture of two is seen by one comparison."""

PART = bytes(range(256)) * 4096


def times(variable: str, otherwise: int) -> int:
    return int(os.environ.get(variable) or otherwise)


@contextmanager
def in_children(run: Callable[[int], None], count: int) -> Iterator[None]:
    """Run it over and over in forked children, which are killed at the end; none may have failed before."""
    children = []
    for number in range(count):
        child = os.fork()
        if child == 0:
            try:
                while True:
                    run(number)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        children.append(child)
    try:
        yield
    finally:
        failed = [child for child in children if os.waitpid(child, os.WNOHANG)[0]]
        for child in set(children) - set(failed):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    assert failed == [], "a writer failed; its traceback is on standard error"


def poll(path: str, count: int, rest_s: float = 0) -> dict[bytes, int]:
    """Read *count* times while three processes replace the file; return what was seen, how often.

    Each writer rests that long after a publication: on few cores they would leave the readers nothing otherwise.
    """
    storage = Storage(get_client(path))
    storage.write("list.txt", CONTENTS[0])

    def replace(number: int) -> None:
        mine = Storage(get_client(path))
        for content in CONTENTS[number::WRITERS]:
            mine.write("list.txt", content)
            time.sleep(rest_s)

    seen: dict[bytes, int] = {}
    with in_children(replace, WRITERS):
        for _ in range(count):
            data = storage.read_bytes("list.txt")
            seen[data] = seen.get(data, 0) + 1
    return seen


@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
@pytest.mark.scoreboard("reader never sees partial", subject="local")
def test_a_hundred_thousand_reads_of_a_folder(tmp_path):
    """Under three writers, 100,000 reads of a local file see whole files only, and those of every writer."""
    count = 100_000
    seen = poll(str(tmp_path), count)

    assert set(seen) <= set(CONTENTS)
    assert sum(seen.values()) == count
    assert {CONTENTS.index(data) % WRITERS for data in seen} == set(range(WRITERS))


@pytest.mark.s3
@pytest.mark.timeout(1200)
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
@pytest.mark.scoreboard("reader never sees partial")
def test_polled_reads_of_a_bucket(weed_server):
    """The same on a real S3 server, which takes longer: 3,000 reads, or ``YETI_TEST_S3_POLLS``."""
    count = times("YETI_TEST_S3_POLLS", 3_000)
    seen = poll(f"s3://{weed_server.new_bucket()}/x", count, rest_s=0.05)

    assert set(seen) <= set(CONTENTS)
    assert sum(seen.values()) == count
    assert {CONTENTS.index(data) % WRITERS for data in seen} == set(range(WRITERS))


def version(number: int, parts: int) -> bytes:
    return b"%08d" % number + PART * parts


def publish(path: str, data: bytes, *, ends: bool = True) -> int:
    """Begin to publish *data* in a child, and return that; unless it *ends*, it kills itself before the commit."""
    child = os.fork()
    if child == 0:
        try:
            with Storage(get_client(path)).open_writer("list.bin") as file:
                for start in range(0, len(data), 1 << 18):
                    file.write(data[start : start + (1 << 18)])
                if not ends:
                    os.kill(os.getpid(), signal.SIGKILL)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    return child


def publish_and_die(path: str, data: bytes, after_s: float) -> None:
    """Publish *data* in a child that is killed so long after it began."""
    child = publish(path, data)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def kill_at_random(path: str, parts: int, count: int, *, ends_late: bool = False) -> list[bool]:
    """Kill *count* publishers at random points; return for each whether the new version was there afterwards.

    Before them one publishes that nobody kills, and one dies just before its commit, so that there is something left
    behind.  How long a publication takes is measured by the first and followed from there: another while, the machine
    may be slower.

    Args:
        path: Where to publish.
        parts: How many MiB.
        count: How many to kill.
        ends_late: A commit that was on its way to the server when its publisher was killed may still take place,
            after the file was looked at.
    """
    storage, luck = Storage(get_client(path)), random.Random(20261124)

    def digest() -> str:
        return hashlib.sha256(storage.read_bytes("list.bin")).hexdigest()

    def digest_of(number: int) -> str:
        return hashlib.sha256(version(number, parts)).hexdigest()

    storage.write("list.bin", version(0, parts))
    began = time.monotonic()
    assert os.waitpid(publish(path, version(1, parts)), 0)[1] == 0, "see its traceback on standard error"
    usual_s = time.monotonic() - began
    assert digest() == digest_of(1)
    _, status = os.waitpid(publish(path, version(2, parts), ends=False), 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, "see its traceback on standard error"
    assert digest() == digest_of(1)

    current = before = digest_of(1)
    outcomes: list[bool] = []
    for number in range(3, 3 + count):
        publish_and_die(path, version(number, parts), luck.uniform(0, 2 * usual_s))
        found, wanted = digest(), digest_of(number)
        allowed = {current, wanted, before} if ends_late else {current, wanted}
        assert found in allowed, f"neither the old file nor the new one after kill {number}"
        outcomes.append(found == wanted)
        usual_s *= 1 / 1.1 if outcomes[-1] else 1.1
        current, before = found, wanted
    return outcomes


@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_two_hundred_kills_of_a_local_publish(tmp_path):
    """``kill -9`` at 200 random points: the file is always the old or the new one, and the janitor finds every left-over."""
    outcomes = kill_at_random(str(tmp_path), 4, 200)
    storage = Storage(get_client(tmp_path))
    hidden = sorted(path for path in tmp_path.iterdir() if path.name != "list.bin")

    assert {True, False} == set(outcomes), "the kills did not hit before and after the publication"
    assert all(names.is_part_file(path.name) for path in hidden)
    assert len(hidden) > 1, "no kill hit a writer at work"
    assert sorted(leftover.location for leftover in storage.leftovers()) == [str(path) for path in hidden]
    for leftover in list(storage.leftovers()):
        storage.remove_leftover(leftover)
    assert [path.name for path in tmp_path.iterdir()] == ["list.bin"]


@pytest.mark.s3
@pytest.mark.timeout(1200)
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_kills_of_an_s3_publish(weed_server):
    """The same on a real S3 server, in parts: 40 kills, or ``YETI_TEST_S3_KILLS``."""
    bucket = weed_server.new_bucket()
    path = f"s3://{bucket}/x"
    outcomes = kill_at_random(path, 10, times("YETI_TEST_S3_KILLS", 40), ends_late=True)
    storage = Storage(get_client(path))

    def uploads() -> list[str]:
        return sorted(
            upload["UploadId"]
            for page in weed_server.client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket)
            for upload in page.get("Uploads", ())
        )

    open_ones: list[str] | None = None
    while open_ones != uploads():  # what the last one asked for before it was killed may only be done now
        open_ones, found = uploads(), list(storage.leftovers())

    assert {True, False} == set(outcomes), "the kills did not hit before and after the publication"
    assert open_ones is not None
    assert len(open_ones) > 1, "no kill hit a writer at work"
    assert len(found) == len(open_ones)
    assert all(any(upload in leftover.token for leftover in found) for upload in open_ones)
    for leftover in found:
        storage.remove_leftover(leftover)
    assert uploads() == []
    assert [stat.name for stat in storage.list()] == ["list.bin"]

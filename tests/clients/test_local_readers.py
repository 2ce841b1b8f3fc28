"""Who reads a local file while it is published, and what writers leave that are dropped or killed."""

import gc
import random
import resource
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest
from folder_of_tests import entries

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.policies import Create
from core.clients.persistient_storage.storage import Storage
from core.errors import FileExists, FileMissing


def test_a_writer_that_is_dropped_in_a_cycle_leaves_nothing(root):
    """The garbage collector ends what refers to itself in any order: no warning, no part file, nothing published."""
    writer = Storage(get_client(root)).open_writer("a.txt")
    writer.write(b"half" * 200_000)
    writer.itself = [writer]
    del writer
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gc.collect()

    assert caught == []
    assert entries(root) == []


@pytest.mark.scoreboard("reader never sees partial", subject="local")
def test_a_reader_never_sees_half_a_file(root):
    """Somebody who reads all the time during 200 re-publishes sees whole files only."""
    storage = Storage(get_client(root))
    contents = [f"{number % 10}\n".encode() * 50_000 for number in range(10)]
    storage.write("list.txt", contents[0])
    is_done = threading.Event()
    torn, reads = [], 0

    def read() -> None:
        nonlocal reads
        while not is_done.is_set():
            data = (root / "list.txt").read_bytes()
            reads += 1
            if data not in contents:
                torn.append(len(data))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(200):
        with storage.open_writer("list.txt") as file:
            for start in range(0, 100_000, 10_000):
                file.write(contents[number % 10][start : start + 10_000])
    is_done.set()
    reader.join()

    assert torn == []
    assert reads > 10


WRITE_FOR_EVER = """
import sys
from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
storage = Storage(get_client(sys.argv[1]))
number = 0
while True:
    number += 1
    with storage.open_writer("list.txt") as file:
        for _ in range(50):
            file.write(str(number % 10).encode() * 20_000)
    print(number, flush=True)
"""


def test_a_killed_writer_leaves_a_whole_file(root):
    """SIGKILL at random moments of a publish: the file is the old one or the new one, and whole."""
    chance = random.Random(20_260_101)
    for _ in range(8):
        process = subprocess.Popen([sys.executable, "-c", WRITE_FOR_EVER, str(root)], stdout=subprocess.PIPE)
        try:
            assert process.stdout.readline()
            time.sleep(chance.random() * 0.05)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        data = (root / "list.txt").read_bytes()
        assert len(data) == 1_000_000
        assert data == data[:1] * 1_000_000

    left = [name for name in entries(root) if name != "list.txt"]
    assert all(name.startswith(".yeti-") and name.endswith(".part") for name in left)
    assert [stat.name for stat in Storage(get_client(root)).list()] == ["list.txt"]
    assert -signal.SIGKILL == process.returncode


def test_no_descriptor_stays_open(root):
    """Writes, failed writes, reads and lists give every descriptor back."""
    storage = Storage(get_client(root))
    before = sum(1 for _ in Path("/proc/self/fd").iterdir())
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    for _ in range(min(limit, 50)):
        storage.write("d/a.txt", "x")
        storage.read_text("d/a.txt")
        list(storage.list())
        with pytest.raises(FileExists):
            storage.write("d/a.txt", "x", policy=Create())
        with pytest.raises(FileMissing):
            storage.stat("d/missing")
        storage.delete("d/missing")

    assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == before

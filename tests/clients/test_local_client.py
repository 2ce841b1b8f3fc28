"""The local client: a folder of this machine, published to as one and never left."""

import errno
import fcntl
import gc
import os
import random
import resource
import signal
import stat
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest
from unprivileged import as_nobody, folder_of_nobody

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.local import walk
from core.clients.persistient_storage.policies import Create, IfChanged, IfMatch
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    FileExists,
    FileMissing,
    InvalidContents,
    InvalidFileName,
    InvalidStoragePath,
    StorageCorrupt,
    StorageFull,
    StoragePermissionDenied,
    StorageTimeout,
    UnsupportedOperation,
)


@pytest.fixture
def root(tmp_path) -> Path:
    folder = tmp_path / "exports"
    folder.mkdir()
    return folder


def entries(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# --- places -----------------------------------------------------------------------------------------------------


def test_nothing_is_made_before_the_first_write(tmp_path):
    """Neither the client nor ``file_path`` nor a read makes the folder."""
    client = get_client(tmp_path / "exports")

    assert client.file_path("a/b.txt") == str(tmp_path / "exports" / "a" / "b.txt")
    client.delete_file("a/b.txt")
    with pytest.raises(FileNotFoundError):
        client.get_file("a/b.txt")
    assert list(Storage(client).list()) == []
    assert entries(tmp_path) == []


def test_a_relative_path_is_fixed_at_once(tmp_path, monkeypatch):
    """A working folder that changes later changes nothing."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    client = get_client("exports")
    monkeypatch.chdir(tmp_path / "elsewhere")
    client.put_file("a.txt", "x")

    assert (tmp_path / "exports" / "a.txt").read_text() == "x"


def test_the_home_folder_is_expanded(tmp_path, monkeypatch):
    """``~/exports`` is in the home folder, not in one called ``~``."""
    monkeypatch.setenv("HOME", str(tmp_path))

    assert get_client("~/exports").file_path("a") == str(tmp_path / "exports" / "a")
    with pytest.raises(InvalidStoragePath):
        get_client("~no-such-user-here/exports")


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_a_path_that_is_no_place_is_refused(path):
    """An empty path is not the working folder."""
    with pytest.raises(InvalidStoragePath):
        get_client(path)


def test_a_file_is_no_folder(tmp_path):
    """A path that is a file is refused in words, when it is used."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(InvalidStoragePath, match="is not a folder"):
        get_client(tmp_path / "file").put_file("a", "x")
    with pytest.raises(InvalidStoragePath, match="is not a folder"):
        get_client(tmp_path / "file").get_file("a")


def test_a_file_where_a_folder_is_needed(root):
    """A name below a file is refused, and so is a file where a folder stands; both stay."""
    client = get_client(root)
    client.put_file("a", "file")
    client.put_file("d/x", "file")

    with pytest.raises(FileExists):
        client.put_file("a/b", "x")
    with pytest.raises(FileMissing):
        client.get_file("a/b")
    with pytest.raises(FileExists):
        client.put_file("d", "x")
    with pytest.raises(FileExists):
        client.delete_file("d")
    client.delete_file("a/b")
    assert entries(root) == ["a", "d", "d/x"]


# --- containment ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../victim", "../../etc/passwd", "/etc/passwd", "a/../../victim", "..", "."])
def test_no_name_leaves_the_folder(tmp_path, root, name):
    """Each of the methods refuses it, and nothing outside is touched."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    client = get_client(root)
    for call in (client.file_path, client.get_file, client.delete_file, lambda name: client.put_file(name, "x")):
        with pytest.raises(InvalidFileName):
            call(name)

    assert victim.read_text() == "precious"
    assert entries(root) == []


@pytest.mark.scoreboard("symlinked folder", subject="local")
def test_a_linked_folder_is_not_followed(tmp_path, root):
    """Through a symbolic link below the root nothing is read, written, deleted or listed."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim").write_text("precious")
    (root / "link").symlink_to(outside)
    client = get_client(root)
    for call in (client.file_path, client.get_file, client.delete_file, lambda name: client.put_file(name, "x")):
        with pytest.raises(InvalidFileName, match="symbolic link"):
            call("link/victim")
    with pytest.raises(InvalidFileName):
        client.put_file("link/new/file", "x")

    assert entries(outside) == ["victim"]
    assert (outside / "victim").read_text() == "precious"
    assert list(Storage(client).list()) == []


@pytest.mark.scoreboard("symlinked file", subject="local")
def test_a_linked_file_is_not_followed(tmp_path, root):
    """A read is refused; a put and a delete replace and remove the link, and its target stays."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    client = get_client(root)
    for name in ("read", "put", "delete"):
        (root / name).symlink_to(victim)
    with pytest.raises(InvalidFileName, match="symbolic link"):
        client.get_file("read")
    with pytest.raises(InvalidFileName):
        Storage(client).stat("read")
    client.put_file("put", "new")
    client.delete_file("delete")

    assert victim.read_text() == "precious"
    assert not (root / "put").is_symlink()
    assert (root / "put").read_text() == "new"
    assert [stat.name for stat in Storage(client).list()] == ["put"]


@pytest.mark.scoreboard("symlinked folder", subject="local")
def test_a_folder_that_is_swapped_for_a_link_is_not_followed(tmp_path, root):
    """A writer that has its folder open publishes into that folder, whatever its name is now."""
    outside = tmp_path / "outside"
    outside.mkdir()
    client = get_client(root)
    with Storage(client).open_writer("d/file") as file:
        file.write(b"new")
        (root / "d").rename(root / "moved")
        (root / "d").symlink_to(outside)

    assert entries(outside) == []
    assert (root / "moved" / "file").read_bytes() == b"new"


def test_the_root_itself_may_be_a_link(tmp_path, root):
    """That is the operator's choice."""
    (tmp_path / "link").symlink_to(root)
    client = get_client(tmp_path / "link")
    client.put_file("d/a.txt", "x")

    assert (root / "d" / "a.txt").read_text() == "x"
    assert client.file_path("d/a.txt") == str(tmp_path / "link" / "d" / "a.txt")
    assert client.get_file("d/a.txt") == "x"


def test_only_files_are_read(root):
    """A pipe does not make a reader wait for ever; it is no file."""
    os.mkfifo(root / "pipe")
    (root / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(FileMissing, match="not a file"):
            get_client(root).get_file(name)


# --- contents ---------------------------------------------------------------------------------------------------


def test_what_is_no_text_is_refused(root):
    """A wrong argument touches nothing; a stored file that is not UTF-8 is said to be."""
    client = get_client(root)
    client.put_file("a", "old")
    with pytest.raises(TypeError):
        client.put_file("a", b"bytes")
    with pytest.raises(InvalidContents):
        client.put_file("a", "\udc80")
    assert (root / "a").read_bytes() == b"old"
    (root / "a").write_bytes(b"caf\xe9")

    with pytest.raises(StorageCorrupt, match="not UTF-8"):
        client.get_file("a")


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_rights_follow_the_umask(root, umask, mode):
    """New files and folders have the rights that the umask leaves, as for any program."""
    before = os.umask(umask)
    try:
        get_client(root).put_file("d/a.txt", "x")
    finally:
        os.umask(before)

    assert stat.S_IMODE((root / "d/a.txt").stat().st_mode) == mode
    assert stat.S_IMODE((root / "d").stat().st_mode) == 0o777 & ~umask


def test_a_put_is_a_new_file(root):
    """A put never writes into the old file: its inode changes, and a reader that has it open keeps the old text."""
    client = get_client(root)
    client.put_file("a.txt", "old")
    before = (root / "a.txt").stat().st_ino
    with (root / "a.txt").open() as reader:
        client.put_file("a.txt", "new")
        assert reader.read() == "old"

    assert (root / "a.txt").stat().st_ino != before


def test_file_and_folder_are_flushed_before_a_put_returns(root, monkeypatch):
    """The file is on the disk before it gets its name, the name and new folders before the put returns."""
    events = []
    real_sync, real_replace = os.fsync, os.replace

    def sync(descriptor: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        events.append(f"sync {kind}")
        real_sync(descriptor)

    def replace(*args, **options) -> None:
        events.append("rename")
        real_replace(*args, **options)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", replace)
    get_client(root).put_file("d/a.txt", "x")

    assert events == ["sync folder", "sync file", "rename", "sync folder"]


def test_no_part_file_stays(root):
    """After writes that succeed and writes that fail there is nothing but the files."""
    storage = Storage(get_client(root))
    storage.write("a.txt", "one")
    with pytest.raises(FileExists):
        storage.write("a.txt", "two", policy=Create())
    with pytest.raises(RuntimeError), storage.open_writer("b.txt"):
        raise RuntimeError

    assert entries(root) == ["a.txt"]


def test_part_files_are_not_listed(root):
    """What a killed process left is nobody's export."""
    storage = Storage(get_client(root))
    with storage.open_writer("d/a.txt") as file:
        file.write(b"half")
        assert any(name.endswith(".part") for name in entries(root))
        assert list(storage.list()) == []


# --- when it goes wrong -----------------------------------------------------------------------------------------

WRITE_TOO_MUCH = """
import resource, sys
from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import StorageFull
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
for write in (
    lambda: get_client(sys.argv[1]).put_file("a.txt", "x" * (2 << 20)),
    lambda: Storage(get_client(sys.argv[1])).write("a.txt", (b"x" * 1000 for _ in range(2000))),
):
    try:
        write()
    except StorageFull as error:
        print(error)
"""


def test_a_full_disk_leaves_the_old_file(root):
    """The error says so, the old file stands, and no part file stays; the limit of the process plays the disk."""
    get_client(root).put_file("a.txt", "old")
    done = subprocess.run(
        [sys.executable, "-c", WRITE_TOO_MUCH, str(root)], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout.count("what was stored before still stands") == 2
    assert entries(root) == ["a.txt"]
    assert (root / "a.txt").read_text() == "old"


def test_no_space_is_storage_full(root, monkeypatch):
    """The same when the last flush finds no space."""
    client = get_client(root)
    client.put_file("a.txt", "old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageFull):
            client.put_file("a.txt", "new")

    assert entries(root) == ["a.txt"]
    assert client.get_file("a.txt") == "old"


def test_a_folder_that_is_read_only():
    """The error names the place and the remedy; it is a ``PermissionError``, and the old file stands."""

    def check() -> None:
        client = get_client(root)
        client.put_file("a.txt", "old")
        root.chmod(0o555)
        try:
            for call in (lambda: client.put_file("a.txt", "x"), lambda: client.delete_file("a.txt")):
                with pytest.raises(StoragePermissionDenied, match=r"a\.txt: .*check the rights") as caught:
                    call()
                assert isinstance(caught.value, PermissionError)
        finally:
            root.chmod(0o755)
        assert client.get_file("a.txt") == "old"
        assert entries(root) == ["a.txt"]

    with folder_of_nobody() as root:
        as_nobody(check)


def test_a_file_that_may_not_be_read():
    """Reading is refused in words; ``IfChanged`` cannot compare, and replaces it, since the folder may be written."""

    def check() -> None:
        storage = Storage(get_client(root))
        storage.write("a.txt", "old")
        (root / "a.txt").chmod(0)
        with pytest.raises(StoragePermissionDenied, match="check the rights"):
            storage.read_text("a.txt")
        assert storage.write("a.txt", "new", policy=IfChanged()).outcome == "replaced"
        assert storage.read_text("a.txt") == "new"

    with folder_of_nobody() as root:
        as_nobody(check)


def test_a_path_that_is_too_long(root):
    """A path that no file system takes is refused in words."""
    with pytest.raises(InvalidStoragePath, match="too long"):
        get_client(root / "/".join(["x" * 200] * 30)).put_file("a.txt", "x")


def test_a_folder_that_others_keep_locked(root, monkeypatch):
    """A writer waits for the lock of another, and gives up in words."""
    monkeypatch.setattr(walk, "_LOCK_WAIT_S", 0.05)
    client = get_client(root)
    client.put_file("a.txt", "old")
    folder = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        with pytest.raises(StorageTimeout):
            client.put_file("a.txt", "new")
    finally:
        os.close(folder)

    assert entries(root) == ["a.txt"]
    assert client.get_file("a.txt") == "old"


def test_create_without_hard_links(root, monkeypatch):
    """On a file system without them, the lock of the folder keeps the promise."""

    def no_links(*args, **options) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    storage = Storage(get_client(root))
    storage.write("a.txt", "first", policy=Create())

    with pytest.raises(FileExists):
        storage.write("a.txt", "second", policy=Create())
    assert (root / "a.txt").read_text() == "first"
    assert entries(root) == ["a.txt"]


def test_conditions_without_locks_and_links_are_refused(root, monkeypatch):
    """Where nothing keeps the promise, it is not made."""

    def unsupported(*args, **options) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    storage = Storage(get_client(root))
    etag = storage.write("a.txt", "first").etag
    monkeypatch.setattr(os, "link", unsupported)
    monkeypatch.setattr(fcntl, "flock", unsupported)

    with pytest.raises(UnsupportedOperation):
        storage.write("b.txt", "x", policy=Create())
    with pytest.raises(UnsupportedOperation):
        storage.write("a.txt", "x", policy=IfMatch(etag))
    storage.write("a.txt", "second")
    assert entries(root) == ["a.txt"]
    assert (root / "a.txt").read_text() == "second"


# --- readers and killed writers -----------------------------------------------------------------------------------


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

"""Clients that are dropped into a folder: used at once, read again when they change, gone with their file."""

import os
import secrets
import shutil
import threading
import time
from pathlib import Path

import pytest
from clients_of_tests import FIVE_METHODS, listed, source

from core.clients.persistient_storage import PersistientStorageClient, classes, get_client, registry
from core.clients.persistient_storage.classes.local import LocalStorageClient
from core.clients.persistient_storage.classes.s3 import S3Client
from core.errors import PluginError


def test_our_own_inherit_from_the_contract():
    """The class of the published page is importable from the package and is the base of our clients."""
    assert issubclass(LocalStorageClient, PersistientStorageClient)
    assert issubclass(S3Client, PersistientStorageClient)


def test_a_file_in_the_folder_of_classes_is_used_at_once():
    """A class in a new file in ``classes/`` is used by the next `get_client`, and gone with the file."""
    prefix = f"t{secrets.token_hex(4)}://"
    file = Path(classes.__file__).with_name(f"dropped_{secrets.token_hex(4)}.py")
    try:
        file.write_text(source("Dropped", prefix))
        assert type(get_client(prefix + "x")).__name__ == "Dropped"
    finally:
        file.unlink(missing_ok=True)

    assert listed(prefix) == []
    assert registry.folders()[0] == file.parent


def test_a_file_in_the_second_folder_is_used_at_once(plugins_path):
    """The same for the folder that `use_plugins_path` named."""
    (plugins_path / "mine.py").write_text(source())

    assert get_client("mine://x").path == "mine://x"
    assert registry.folders()[1] == plugins_path


def test_the_second_folder_need_not_exist(tmp_path):
    """A folder that comes later is found when it comes."""
    folder = tmp_path / "later"
    registry.use_plugins_path(folder)
    try:
        assert listed("mine://") == []
        folder.mkdir()
        (folder / "mine.py").write_text(source())
        assert type(get_client("mine://x")).__name__ == "Mine"
    finally:
        registry.use_plugins_path(None)
    assert listed("mine://") == []


def test_a_class_need_not_inherit(drop_in, tmp_path):
    """A class with the names of the contract is enough."""
    drop_in("five", FIVE_METHODS)
    client = get_client("five://box")
    client.put_file("a.txt", "text")

    assert not isinstance(client, PersistientStorageClient)
    assert get_client("five://box").get_file("a.txt") == "text"


def test_a_class_may_inherit(drop_in):
    """A class that inherits is used too; without a constructor of its own it has the contract's."""
    drop_in(
        "heir",
        "from core.clients.persistient_storage import PersistientStorageClient\n"
        + source("Heir(PersistientStorageClient)", "heir://").replace(
            "    def __init__(self, path): self.path = path\n", ""
        ),
    )

    assert isinstance(get_client("heir://x"), PersistientStorageClient)


def test_a_changed_file_is_read_again(drop_in):
    """Also when size and time of modification, in seconds, are those of before."""
    file = drop_in("mine", source(says="one "))
    assert get_client("mine://x").file_path("f") == "one f"
    before = file.stat()
    file.write_text(source(says="two "))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))

    assert get_client("mine://x").file_path("f") == "two f"


def test_a_file_that_is_replaced_is_read_again(drop_in, tmp_path):
    """A new file moved over the old one is noticed even with the same size and time."""
    file = drop_in("mine", source(says="one "))
    assert get_client("mine://x").file_path("f") == "one f"
    status = file.stat()
    new = tmp_path / "new.py"
    new.write_text(source(says="two "))
    os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns))
    new.replace(file)

    assert get_client("mine://x").file_path("f") == "two f"


def settle(folder: Path) -> None:
    """Make it look as if nobody had changed the folder for long; from then on it is not listed each time."""
    long_ago = time.time() - 3600
    os.utime(folder, (long_ago, long_ago))
    get_client("mine://x")


def test_a_folder_that_nobody_changes_is_not_listed_again(drop_in, plugins_path, monkeypatch):
    """Once it is settled, a call costs a look at each file; listing a folder costs several times as much."""
    drop_in("mine", source())
    settle(plugins_path)
    listings = []
    real = os.scandir
    monkeypatch.setattr(os, "scandir", lambda place: listings.append(str(place)) or real(place))
    get_client("mine://x")

    assert str(plugins_path) not in listings


@pytest.mark.parametrize("step", ["changed", "replaced", "added", "removed", "folder removed"])
def test_a_settled_folder_is_watched_all_the_same(drop_in, plugins_path, tmp_path, monkeypatch, step):
    """Whatever changes in it is noticed by the next call."""
    monkeypatch.chdir(tmp_path)
    file = drop_in("mine", source(says="one "))
    settle(plugins_path)
    status = file.stat()
    match step:
        case "changed":
            with file.open("r+") as opened:
                opened.write(source(says="two "))
        case "replaced":
            (tmp_path / "new.py").write_text(source(says="two "))
            os.utime(tmp_path / "new.py", ns=(status.st_atime_ns, status.st_mtime_ns))
            (tmp_path / "new.py").replace(file)
        case "added":
            drop_in("more", source(name="Longer", prefix="mine://x", says="two "))
        case "removed":
            file.unlink()
        case "folder removed":
            shutil.rmtree(plugins_path)

    expected = "two f" if "removed" not in step else str(tmp_path / "mine:/x/f")
    assert get_client("mine://x").file_path("f") == expected


def test_a_removed_file_is_forgotten(drop_in, tmp_path, monkeypatch):
    """Its prefix is nobody's then, and the path a local folder, with a warning."""
    monkeypatch.chdir(tmp_path)
    file = drop_in("mine", source())
    assert type(get_client("mine://x")).__name__ == "Mine"
    file.unlink()

    assert type(get_client("mine://x")) is LocalStorageClient


def test_no_bytecode_is_left_beside_a_plug_in(drop_in, plugins_path):
    """A folder of plug-ins may be read-only; nothing is written there."""
    drop_in("mine", source())
    get_client("mine://x")

    assert [path.name for path in plugins_path.iterdir()] == ["mine.py"]


def test_plug_ins_may_share_a_helper(drop_in, plugins_path):
    """A file that begins with an underscore is no plug-in, and may be imported by those that are."""
    (plugins_path / "_helper.py").write_text("SCHEME = 'mine://'\n")
    drop_in("mine", "from ._helper import SCHEME\n" + source().replace('"mine://"', "SCHEME"))

    assert type(get_client("mine://x")).__name__ == "Mine"


def test_a_plug_in_may_use_dataclasses_and_clients(drop_in, tmp_path):
    """Its module can be found by its name while it is loaded, and it may ask for clients itself."""
    drop_in(
        "mine",
        "from __future__ import annotations\n"
        "from dataclasses import dataclass, field\n"
        "from core.clients.persistient_storage import get_client\n"
        "@dataclass\nclass Options:\n    size: int = field(default=3)\n" + source(),
    )

    assert type(get_client("mine://x")).__name__ == "Mine"


@pytest.mark.parametrize("text", ["", "class Mine:\n    PRE", "import nothing_of_this_name\n"])
def test_a_file_whose_writing_does_not_end_keeps_its_prefix(drop_in, text):
    """Half a file, or an empty one, does not turn the paths of the client into local folders."""
    drop_in("mine", source())
    get_client("mine://x")

    drop_in("mine", text)
    assert type(get_client("mine://x")).__name__ == "Mine"  # as it was, for a second
    time.sleep(1.1)

    with pytest.raises(PluginError, match=r"mine\.py"):
        get_client("mine://x")
    assert [row.status for row in listed("mine://")] == ["broken"]
    drop_in("mine", source())
    assert type(get_client("mine://x")).__name__ == "Mine"


def test_threads_may_ask_while_files_change(drop_in):
    """Many threads get a sound client, old or new, while the file is written again and again."""
    drop_in("mine", source())
    problems = []

    def ask() -> None:
        for _ in range(200):
            try:
                assert type(get_client("mine://x")).__name__ == "Mine"
            except Exception as error:
                problems.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(20):
        drop_in("mine", source(says=str(number)))
    for thread in threads:
        thread.join()

    assert [error for error in problems if not isinstance(error, PluginError)] == []


def test_looking_again_is_cheap(tmp_path, monkeypatch):
    """While nothing has changed no file is opened and nothing is compiled."""
    get_client(tmp_path)
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail(f"{self} was read"))

    assert type(get_client(tmp_path)) is LocalStorageClient

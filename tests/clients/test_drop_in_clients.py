"""Clients that are dropped into a folder or installed as a package, and which one serves a path."""

import logging
import os
import secrets
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from clients_of_tests import FIVE_METHODS
from unprivileged import as_nobody, folder_of_nobody

from core.clients.persistient_storage import PersistientStorageClient, classes, get_client, registry
from core.clients.persistient_storage.classes.local import LocalStorageClient
from core.clients.persistient_storage.classes.s3 import S3Client
from core.errors import PluginError

CLIENT = """
class {name}:
    PREFIX = "{prefix}"
    def __init__(self, path): self.path = path
    def file_path(self, file_name): return "{says}" + file_name
    def get_file(self, file_name): raise FileNotFoundError(file_name)
    def put_file(self, file_name, contents): pass
    def delete_file(self, file_name): pass
"""


def source(name="Mine", prefix="mine://", says="") -> str:
    return CLIENT.format(name=name, prefix=prefix, says=says)


def listed(prefix: str) -> list[registry.Listed]:
    return [row for row in registry.clients() if row.prefix == prefix]


def test_local_is_the_default(tmp_path):
    """A path that no prefix matches goes to the local client."""
    assert type(get_client(str(tmp_path))) is LocalStorageClient
    assert type(get_client(tmp_path)) is LocalStorageClient
    assert type(get_client("relative/folder")) is LocalStorageClient


def test_s3_serves_its_prefix():
    """``s3://bucketname/prefix`` goes to the S3 client, and nothing is contacted for that."""
    assert type(get_client("s3://bucketname/prefix")) is S3Client


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


def test_a_client_may_be_built_on_another(drop_in):
    """A subclass of our S3 client with a longer prefix serves that prefix, and S3 the others."""
    drop_in(
        "special",
        "from core.clients.persistient_storage.classes.s3 import S3Client\n\n\n"
        "class Special(S3Client):\n    PREFIX = 's3://special/'\n",
    )

    assert type(get_client("s3://special/x")).__name__ == "Special"
    assert type(get_client("s3://other/x")) is S3Client


def test_the_longest_prefix_wins(drop_in):
    """Of two prefixes that match, the longer one decides, whatever the files are called."""
    drop_in("a_short", source("Short", "mine://"))
    drop_in("b_long", source("Long", "mine://special/"))
    drop_in("c_middle", source("Middle", "mine://spec"))

    assert type(get_client("mine://special/x")).__name__ == "Long"
    assert type(get_client("mine://species")).__name__ == "Middle"
    assert type(get_client("mine://x")).__name__ == "Short"


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


@pytest.mark.parametrize("prefix", ["/", "~", ".", "mine", "//"])
def test_a_prefix_must_look_like_a_url(drop_in, tmp_path, prefix):
    """Otherwise a plug-in could take the paths of folders from the local client."""
    drop_in("mine", source(prefix=prefix))

    assert type(get_client(tmp_path)) is LocalStorageClient
    [row] = [row for row in registry.clients() if row.origin.endswith("mine.py")]
    assert row.status == "broken"
    assert "such as 'name://'" in row.reason


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


BROKEN = {
    "a syntax error": ("def (:\n", "SyntaxError", "1"),
    "an import that fails": ("import a_package_that_is_missing\n", "a_package_that_is_missing", "1"),
    "an error at import": ("x = 1\nraise RuntimeError('no licence')\n", "no licence", "2"),
    "an exit at import": ("import sys\nsys.exit(3)\n", "SystemExit", "2"),
    "no client in it": ("x = 1\n", "no class of its own has a PREFIX", ""),
    "a method that is missing": (source().replace("def get_file", "def got_file"), "lacks get_file", ""),
    "a prefix that is no text": (source().replace('"mine://"', "17"), "must be a str", ""),
    "an empty prefix": (source(prefix=""), "empty PREFIX", ""),
    "an unknown promise": (source() + "    CANNOT_PROMISE = {'speed'}\n", "'speed'", ""),
    "a constructor without path": (
        source().replace("def __init__(self, path): self.path = path", "pass"),
        "constructor",
        "",
    ),
    "a contract half kept": (
        "from core.clients.persistient_storage import PersistientStorageClient\n\n\n"
        "class Half(PersistientStorageClient):\n    PREFIX = 'half://'\n",
        "lacks file_path, get_file, put_file, delete_file",
        "",
    ),
    "a class without prefix": (
        "from core.clients.persistient_storage import PersistientStorageClient\n\n\n"
        "class NoPrefix(PersistientStorageClient):\n    pass\n",
        "PREFIX must be a str",
        "",
    ),
}


@pytest.mark.parametrize(("text", "reason", "line"), BROKEN.values(), ids=BROKEN)
def test_a_broken_plug_in_breaks_no_other(drop_in, tmp_path, text, reason, line):
    """Every other client works, and the broken one is listed with its reason, and the line if there is one."""
    file = drop_in("broken", text)
    drop_in("sound", source("Sound", "sound://"))

    assert type(get_client(tmp_path)) is LocalStorageClient
    assert type(get_client("s3://bucket/x")) is S3Client
    assert type(get_client("sound://x")).__name__ == "Sound"
    rows = [row for row in registry.clients() if row.origin == str(file)]
    assert {row.status for row in rows} == {"broken"}
    assert reason in rows[0].reason
    assert f"line {line}" in rows[0].reason if line else "line" not in rows[0].reason


def test_a_folder_that_cannot_be_read_is_listed():
    """A second folder that we may not look into is said to be so: what is in it must not just be missing."""

    def check() -> None:
        (root / "mine.py").write_text(source())
        registry.use_plugins_path(root)
        get_client("mine://x")
        root.chmod(0)
        try:
            [row] = [row for row in registry.clients() if row.status == "broken"]
        finally:
            root.chmod(0o755)
        assert (row.origin, row.reason) == (str(root), "the folder cannot be read: Permission denied")
        assert type(get_client("mine://x")).__name__ == "Mine"

    with folder_of_nobody() as root:
        as_nobody(check)


def test_a_broken_file_is_logged_once(drop_in, caplog):
    """The reason is in the log once, not on every call."""
    drop_in("broken", "raise RuntimeError('no licence')\n")
    for _ in range(3):
        get_client("/somewhere")

    assert [record.reason for record in caplog.records].count("RuntimeError: no licence (line 1)") == 1


def test_the_prefix_of_a_broken_file_is_not_a_local_folder(drop_in):
    """Its paths fail with the reason, instead of becoming folders called ``mine:``."""
    drop_in("mine", source() + "raise RuntimeError('no licence')\n")

    with pytest.raises(PluginError, match=r"mine\.py: RuntimeError: no licence"):
        get_client("mine://x")


def test_a_repaired_file_works(drop_in):
    """As soon as the file is sound, it is used."""
    drop_in("mine", "def (:\n")
    registry.clients()
    drop_in("mine", source())

    assert type(get_client("mine://x")).__name__ == "Mine"


def test_a_file_that_is_being_saved_does_not_interrupt(drop_in):
    """A half-written new version leaves the old one in use for a moment, and the whole one is taken at once."""
    file = drop_in("mine", source(says="one "))
    assert get_client("mine://x").file_path("f") == "one f"
    whole = source(says="two ")
    file.write_text(whole[:60])
    assert get_client("mine://x").file_path("f") == "one f"
    file.write_text(whole)

    assert get_client("mine://x").file_path("f") == "two f"


def test_a_half_written_new_file_is_read_again(plugins_path):
    """A new file that is young and broken is tried again even if nothing but time has passed."""
    file = plugins_path / "mine.py"
    file.write_text("import sys\nif not hasattr(sys, 'ready_for_test'): raise RuntimeError\n" + source())
    registry.clients()
    sys.ready_for_test = True
    try:
        assert type(get_client("mine://x")).__name__ == "Mine"
    finally:
        del sys.ready_for_test


def test_an_imported_class_is_not_the_importers(drop_in, tmp_path):
    """A plug-in that imports the local client does not take its paths."""
    drop_in(
        "mine",
        "from core.clients.persistient_storage.classes.local import LocalStorageClient\n"
        "from core.clients.persistient_storage.classes.s3 import *\n" + source(),
    )

    assert type(get_client(tmp_path)) is LocalStorageClient
    assert type(get_client("s3://bucket/x")) is S3Client
    prefixes = [row.prefix for row in registry.clients() if row.status == "ok"]
    assert len(prefixes) == len(set(prefixes)) == len(registry.clients())
    assert {"", "s3://", "mine://"} <= set(prefixes)


def test_two_claims_fail_only_for_their_prefix(drop_in, tmp_path):
    """The error names both files; every other path works."""
    first = drop_in("one", source("One", "same://"))
    second = drop_in("two", source("Two", "same://"))
    drop_in("longer", source("Longer", "same://longer/"))

    with pytest.raises(PluginError) as caught:
        get_client("same://x")
    assert str(first) in str(caught.value)
    assert str(second) in str(caught.value)
    assert type(get_client("same://longer/x")).__name__ == "Longer"
    assert type(get_client(tmp_path)) is LocalStorageClient
    assert [row.status for row in listed("same://")] == ["conflict", "conflict"]


def test_a_claim_on_s3_is_a_conflict(drop_in):
    """Nobody takes a prefix of ours without a word."""
    drop_in("mine", source(prefix="s3://"))

    with pytest.raises(PluginError, match="two storage clients claim the prefix 's3://'"):
        get_client("s3://bucket/x")


def test_a_constructor_that_fails_is_an_error_of_ours(drop_in):
    """Its message names the class, the file and the path, without the password in it."""
    drop_in("mine", source().replace("self.path = path", "raise KeyError('boom')"))

    with pytest.raises(PluginError, match=r"Mine \(.*mine\.py\) could not be set up for mine://u:\*\*\*@host/x"):
        get_client("mine://u:secret@host/x")


@pytest.mark.parametrize("path", ["hdfs://bucket/x", "S3://bucket/x", "file:///tmp/x", "ftp://c/x"])
def test_an_unknown_scheme_is_local_but_not_silently(path, caplog, tmp_path, monkeypatch):
    """As published, it goes to the local client; the log names the prefixes that are known."""
    monkeypatch.chdir(tmp_path)

    assert type(get_client(path)) is LocalStorageClient
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert path in record.getMessage()
    known = record.getMessage().rpartition("known: ")[2].split(", ")
    assert {"az://", "gs://", "s3://"} <= set(known)
    assert registry.warning_for(path) == record.getMessage()
    assert list(tmp_path.iterdir()) == []


def test_a_known_path_is_not_warned_about(caplog, tmp_path):
    """Neither a folder nor a known scheme is worth a word."""
    for path in (str(tmp_path), "s3://bucket/x", "~/x", "a:b", "./x"):
        get_client(path)
        assert registry.warning_for(path) == ""

    assert caplog.records == []


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


def test_a_private_class_is_no_client(drop_in):
    """A base class whose name begins with an underscore claims nothing."""
    drop_in("mine", source("_Base", "base://") + "\n\nclass Real(_Base):\n    PREFIX = 'real://'\n")

    assert type(get_client("real://x")).__name__ == "Real"
    assert listed("base://") == []


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


def installed(site: Path, value: str, package: str = "fake-plugin") -> Path:
    """Make the traces of an installed package with one entry point."""
    info = site / f"{package.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[core.persistient_storage]\nmine = {value}\n")
    return info


def test_an_installed_package_offers_a_client(tmp_path, monkeypatch):
    """An entry point of the group is used at once, and gone when the package is."""
    site = tmp_path / "site"
    info = installed(site, "plugin_of_a_package:Mine")
    (site / "plugin_of_a_package.py").write_text(source())
    monkeypatch.syspath_prepend(site)

    assert type(get_client("mine://x")).__name__ == "Mine"
    assert "fake-plugin" in listed("mine://")[0].origin
    for file in info.iterdir():
        file.unlink()
    info.rmdir()
    assert listed("mine://") == []


def test_an_entry_point_may_name_a_module(tmp_path, monkeypatch):
    """All client classes of the module count."""
    site = tmp_path / "site"
    installed(site, "plugin_that_is_a_module")
    (site / "plugin_that_is_a_module.py").write_text(source())
    monkeypatch.syspath_prepend(site)

    assert type(get_client("mine://x")).__name__ == "Mine"


def test_a_broken_entry_point_breaks_no_other(tmp_path, monkeypatch):
    """It is listed with its package and its reason."""
    site = tmp_path / "site"
    installed(site, "a_module_that_is_missing:Mine")
    monkeypatch.syspath_prepend(site)

    assert type(get_client(tmp_path)) is LocalStorageClient
    [row] = [row for row in registry.clients() if row.status == "broken"]
    assert "fake-plugin" in row.origin
    assert "a_module_that_is_missing" in row.reason


def test_no_vendors_library_is_loaded_for_a_local_folder(tmp_path):
    """A program that publishes to a folder never imports boto3, nor what this takes with it."""
    program = (
        "import sys\n"
        "from core.clients.persistient_storage import get_client\n"
        "from core.clients.persistient_storage.storage import Storage\n"
        "Storage(get_client(sys.argv[1])).write('a.txt', 'text')\n"
        "get_client('s3://bucket/prefix').file_path('x')\n"
        "print(*(name for name in ('boto3', 'botocore', 'urllib3', 'sqlalchemy') if name in sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout.strip() == ""


def test_looking_again_is_cheap(tmp_path, monkeypatch):
    """While nothing has changed no file is opened and nothing is compiled."""
    get_client(tmp_path)
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail(f"{self} was read"))

    assert type(get_client(tmp_path)) is LocalStorageClient


def test_a_file_that_stays_broken_is_broken(drop_in, monkeypatch):
    """After that moment a new version that does not work is reported, and the old one is not used any more."""
    drop_in("mine", source())
    get_client("mine://x")
    monkeypatch.setattr("core.plugins._SETTLING_NS", 0)
    drop_in("mine", source() + "raise RuntimeError('no licence')\n")

    with pytest.raises(PluginError, match="no licence"):
        get_client("mine://x")

"""Files of clients that cannot be used: they break no other, and tell why."""

import sys

import pytest
from clients_of_tests import source
from unprivileged import as_nobody, folder_of_nobody

from core.clients.persistient_storage import get_client, registry
from core.clients.persistient_storage.classes.local import LocalStorageClient
from core.clients.persistient_storage.classes.s3 import S3Client
from core.errors import PluginError

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


def test_a_constructor_that_fails_is_an_error_of_ours(drop_in):
    """Its message names the class, the file and the path, without the password in it."""
    drop_in("mine", source().replace("self.path = path", "raise KeyError('boom')"))

    with pytest.raises(PluginError, match=r"Mine \(.*mine\.py\) could not be set up for mine://u:\*\*\*@host/x"):
        get_client("mine://u:secret@host/x")


def test_a_file_that_stays_broken_is_broken(drop_in, monkeypatch):
    """After that moment a new version that does not work is reported, and the old one is not used any more."""
    drop_in("mine", source())
    get_client("mine://x")
    monkeypatch.setattr("core.plugins.folder._SETTLING_NS", 0)
    drop_in("mine", source() + "raise RuntimeError('no licence')\n")

    with pytest.raises(PluginError, match="no licence"):
        get_client("mine://x")

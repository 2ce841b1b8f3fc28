"""Which client serves a path: the longest prefix, the local one for folders, nobody for a claim of two."""

import logging
import subprocess
import sys

import pytest
from clients_of_tests import listed, source

from core.clients.persistient_storage import get_client, registry
from core.clients.persistient_storage.classes.local import LocalStorageClient
from core.clients.persistient_storage.classes.s3 import S3Client
from core.errors import PluginError


def test_local_is_the_default(tmp_path):
    """A path that no prefix matches goes to the local client."""
    assert type(get_client(str(tmp_path))) is LocalStorageClient
    assert type(get_client(tmp_path)) is LocalStorageClient
    assert type(get_client("relative/folder")) is LocalStorageClient


def test_s3_serves_its_prefix():
    """``s3://bucketname/prefix`` goes to the S3 client, and nothing is contacted for that."""
    assert type(get_client("s3://bucketname/prefix")) is S3Client


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


@pytest.mark.parametrize("prefix", ["/", "~", ".", "mine", "//"])
def test_a_prefix_must_look_like_a_url(drop_in, tmp_path, prefix):
    """Otherwise a plug-in could take the paths of folders from the local client."""
    drop_in("mine", source(prefix=prefix))

    assert type(get_client(tmp_path)) is LocalStorageClient
    [row] = [row for row in registry.clients() if row.origin.endswith("mine.py")]
    assert row.status == "broken"
    assert "such as 'name://'" in row.reason


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


def test_a_private_class_is_no_client(drop_in):
    """A base class whose name begins with an underscore claims nothing."""
    drop_in("mine", source("_Base", "base://") + "\n\nclass Real(_Base):\n    PREFIX = 'real://'\n")

    assert type(get_client("real://x")).__name__ == "Real"
    assert listed("base://") == []


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

"""The Azure client on Azurite: the kit, and what is Azure's own."""

# ruff: noqa: PT012 - what a block does after its first statement is what is tested

import os
import re
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from azure.storage.blob import BlobServiceClient, generate_account_sas
from bucket_of_a_vendor import SECRET, BucketTests
from cloud_relay import relaying
from cloud_servers import ACCOUNT, ACCOUNT_KEY, AzureServer, Missing, azurite
from hypothesis import example, given
from hypothesis.strategies import text

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.azure.writer import found_metadata, stored_name
from core.clients.persistient_storage.bucket_client import PART_BYTES
from core.clients.persistient_storage.classes import azure
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    FileMissing,
    InvalidStoragePath,
    StoragePermissionDenied,
    StorageUnavailable,
    UnsupportedOperation,
)
from core.testing.storage import StorageClientTests


@pytest.fixture(scope="session")
def azure_server(tmp_path_factory):
    """Azurite; its absence is told loudly."""
    try:
        with azurite(tmp_path_factory.mktemp("azurite")) as server:
            yield server
    except Missing as reason:
        pytest.skip(str(reason))


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch):
    for name in [name for name in os.environ if name.startswith("AZURE_")]:
        monkeypatch.delenv(name)
    for name, value in AzureServer("http://127.0.0.1:9").environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def server(azure_server, monkeypatch):
    """Azurite; the environment points at it."""
    for name, value in azure_server.environment().items():
        monkeypatch.setenv(name, value)
    return azure_server


@pytest.fixture
def bucket(server):
    """A container of one's own."""
    return server.new_container()


@pytest.fixture
def relay(server, monkeypatch):
    """A relay in front of the server, in use."""
    with relaying(server.url) as relay:
        monkeypatch.setenv("AZURE_STORAGE_BLOB_ENDPOINT", f"{relay.url}/{ACCOUNT}")
        yield relay


class TestAzure(StorageClientTests):
    """The conformance kit."""

    @pytest.fixture
    def path(self, server):
        self.server, self.bucket = server, server.new_container()
        return f"az://{self.bucket}/some/prefix/"

    def raw(self, client, file_name):
        return self.server.stored(self.bucket, f"some/prefix/{file_name}")

    def raw_names(self, client):
        return [name.removeprefix("some/prefix/") for name in self.server.names(self.bucket)]

    def path_through(self, proxy, path, monkeypatch):
        endpoint = proxy.to(os.environ["AZURE_STORAGE_BLOB_ENDPOINT"])
        monkeypatch.setenv("AZURE_STORAGE_BLOB_ENDPOINT", endpoint)
        return path


class TestAzureBucket(BucketTests):
    """What every vendor's bucket must do."""

    SCHEME, CLIENT, PACKAGE = "az://", azure, ("azure.storage.blob", "azure")
    PUT, LOOK, CUTS = "PUT", "HEAD", 1
    SETTING, VARIABLES = "AZURE_STORAGE_CONNECTION_STRING", "AZURE_"
    ENDPOINT = ("AZURE_STORAGE_BLOB_ENDPOINT", f"{{}}/{ACCOUNT}")


# --- writing ------------------------------------------------------------------------------------------------------


def test_a_large_file_becomes_visible_as_one(relay, bucket):
    """A request for each 8 MiB and one that commits; nothing is visible before, and the SHA-256 is kept."""
    storage = Storage(get_client(f"az://{bucket}/x"))
    with storage.open_writer("a.bin") as file:
        for _ in range(5):
            file.write(b"x" * (4 << 20))
        with pytest.raises(FileMissing):
            storage.stat("a.bin")
        assert relay.methods() == ["PUT", "PUT", "HEAD"]
    assert relay.methods() == ["PUT", "PUT"]

    assert storage.stat("a.bin").sha256 == file.receipt.sha256


def test_what_an_ended_write_has_sent_is_nobodys_file(server, bucket):
    """Blocks that nobody committed are no file, not even an empty one; the next write of the name drops them.

    So does a small one at Microsoft's, which Azurite does not do.
    """
    storage = Storage(get_client(f"az://{bucket}/x"))
    with pytest.raises(KeyboardInterrupt), storage.open_writer("a.bin") as file:
        file.write(b"x" * (PART_BYTES + 1))
        raise KeyboardInterrupt
    blob = BlobServiceClient.from_connection_string(server.connection_string()).get_blob_client(bucket, "x/a.bin")

    assert len(blob.get_block_list("uncommitted")[1]) == 1
    with pytest.raises(FileMissing):
        storage.stat("a.bin")
    assert list(storage.list()) == server.names(bucket) == []
    receipt = storage.write("a.bin", b"y" * (PART_BYTES + 1))
    assert blob.get_block_list("uncommitted")[1] == []
    storage.verify(receipt)


# --- metadata -----------------------------------------------------------------------------------------------------


@example("a_x2d_")
@example("a_x2d-")
@given(text("abx_-0129fd", min_size=1, max_size=12))
def test_names_of_metadata_survive(name):
    """Azure takes letters, digits and ``_``; what it does not take comes back, and no two names become one."""
    stored = stored_name(name)

    assert re.fullmatch("[a-z_][a-z0-9_]*", stored)
    properties = SimpleNamespace(metadata={stored: "x"}, content_settings={})
    assert list(found_metadata(properties)[0].items) == ([name] if re.match("[a-z0-9]", name) else [])


def test_metadata_with_a_hyphen_comes_back(server, bucket):
    """The same call works here as on other storages."""
    storage = Storage(get_client(f"az://{bucket}"))
    storage.write("a.txt", "x", metadata={"run-id": "17", "7": "y"})

    assert dict(storage.stat("a.txt").metadata.items) == {"run-id": "17", "7": "y"}


# --- the environment, and what goes wrong -------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["connection string", "short names", "token", "token with ?"])
def test_the_environment_alone_says_who_and_where(server, bucket, monkeypatch, form):
    """As Microsoft documents it; empty variables count as unset."""
    names = ("CONNECTION_STRING", "ACCOUNT_NAME", "ACCOUNT_KEY", "BLOB_ENDPOINT", "SAS_TOKEN", "KEY")
    for name in names:
        monkeypatch.setenv(f"AZURE_STORAGE_{name}", "")
    endpoint = f"{server.url}/{ACCOUNT}"
    if form == "connection string":
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", server.connection_string())
    elif form == "short names":
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", ACCOUNT)
        monkeypatch.setenv("AZURE_STORAGE_KEY", ACCOUNT_KEY)
        monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", endpoint)
    else:
        until = datetime.now(UTC) + timedelta(hours=1)
        token = generate_account_sas(ACCOUNT, ACCOUNT_KEY, "co", "rwdlac", until, services="b")
        monkeypatch.setenv("AZURE_STORAGE_BLOB_ENDPOINT", endpoint)
        monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", "?" * form.endswith("?") + token)
    client = get_client(f"az://{bucket}/x")
    client.put_file("a.txt", "here")

    assert server.stored(bucket, "x/a.txt") == b"here"
    if form.startswith("token"):
        with pytest.raises(UnsupportedOperation, match="AZURE_STORAGE_ACCOUNT_KEY"):
            client.presign("a.txt", 60, None)


def test_a_link_is_good_for_its_file_only(server, bucket):
    """The server refuses it for another file, and without its signature."""
    storage = Storage(get_client(f"az://{bucket}"))
    storage.write("a.txt", "a")
    storage.write("b.txt", "b")
    link = storage.presign("a.txt", 60)

    assert urllib.request.urlopen(link, timeout=10).read() == b"a"
    for other in (link.replace("a.txt", "b.txt"), link.partition("?")[0]):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(other, timeout=10)
        caught.value.close()


@pytest.mark.parametrize(
    ("variables", "error", "remedy"),
    [
        (
            {"ACCOUNT_NAME": "", "BLOB_ENDPOINT": ""},
            StoragePermissionDenied,
            "set AZURE_STORAGE_CONNECTION_STRING",
        ),
        ({"ACCOUNT_KEY": ""}, StoragePermissionDenied, "AZURE_STORAGE_SAS_TOKEN, or install azure-identity"),
        ({"ACCOUNT_KEY": SECRET}, StoragePermissionDenied, "AZURE_STORAGE_ACCOUNT_KEY"),
        ({"ACCOUNT_KEY": "no base64 " + SECRET}, StoragePermissionDenied, "AZURE_STORAGE_ACCOUNT_KEY"),
        ({"CONNECTION_STRING": SECRET}, InvalidStoragePath, "AZURE_STORAGE_CONNECTION_STRING"),
        ({"CONNECTION_STRING": f"AccountKey={SECRET}"}, InvalidStoragePath, "AZURE_STORAGE_CONNECTION_STRING"),
        ({"BLOB_ENDPOINT": f"http://127.0.0.1:9/{ACCOUNT}"}, StorageUnavailable, "AZURE_STORAGE_BLOB_ENDPOINT"),
        (
            {"BLOB_ENDPOINT": f"http://no-host.invalid/{ACCOUNT}"},
            StorageUnavailable,
            "AZURE_STORAGE_BLOB_ENDPOINT",
        ),
    ],
)
def test_what_is_wrong_is_said_with_the_remedy(bucket, monkeypatch, variables, error, remedy):
    """Within ten seconds, and without the secret; nothing of the vendor's library passes."""
    for name, value in variables.items():
        monkeypatch.setenv(f"AZURE_STORAGE_{name}", value)
    client = get_client(f"az://{bucket}/x")
    for use in (
        lambda: client.put_file("a.txt", "x"),
        lambda: client.get_file("a.txt"),
        lambda: list(client.list()),
    ):
        began = time.monotonic()
        with pytest.raises(error, match=remedy) as caught:
            use()
        assert time.monotonic() - began < 10
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", ["there-is-no-such-container", "x", "NoContainerName"])
def test_a_missing_container_is_said(server, name):
    """It is a fault of the path, not a missing file, whatever is asked for; containers are not made."""
    client = get_client(f"az://{name}/x")
    storage = Storage(client)
    for use in (
        lambda: storage.write("a.bin", b"x"),
        lambda: storage.write("a.bin", b"x" * (PART_BYTES + 1)),
        lambda: storage.read_text("a.bin"),
        lambda: storage.stat("a.bin"),
        lambda: storage.delete("a.bin"),
        lambda: list(storage.list()),
    ):
        with pytest.raises(InvalidStoragePath, match="container"):
            use()

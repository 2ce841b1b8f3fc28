"""The Azure client on Azurite: the kit, and what is Azure's own."""

# ruff: noqa: PT012 - what a block does after its first statement is what is tested

import gzip
import os
import re
import socket
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest
from azure.storage.blob import BlobServiceClient, generate_account_sas
from cloud_relay import relaying
from cloud_servers import ACCOUNT, ACCOUNT_KEY, AzureServer, Missing, azurite
from hypothesis import example, given
from hypothesis.strategies import text

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.azure.writer import found_metadata, stored_name
from core.clients.persistient_storage.bucket_client import PART_BYTES
from core.clients.persistient_storage.classes import azure as azure_module
from core.clients.persistient_storage.patience import waiting_at_most
from core.clients.persistient_storage.policies import Create, Replace
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    FileMissing,
    InvalidStoragePath,
    StorageError,
    StoragePermissionDenied,
    StorageTimeout,
    StorageUnavailable,
    UnsupportedOperation,
)
from core.schemas.instant import to_datetime
from core.testing.storage import StorageClientTests

SECRET = "YS1zZWNyZXQtdGhhdC1ub2JvZHktc2Vlcw=="


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
def azure(azure_server, monkeypatch):
    """Azurite; the environment points at it."""
    for name, value in azure_server.environment().items():
        monkeypatch.setenv(name, value)
    return azure_server


class TestAzure(StorageClientTests):
    """The conformance kit."""

    @pytest.fixture
    def path(self, azure):
        self.server, self.container = azure, azure.new_container()
        return f"az://{self.container}/some/prefix/"

    def raw(self, client, file_name):
        return self.server.stored(self.container, f"some/prefix/{file_name}")

    def raw_names(self, client):
        return [name.removeprefix("some/prefix/") for name in self.server.names(self.container)]

    def path_through(self, proxy, path, monkeypatch):
        endpoint = proxy.to(os.environ["AZURE_STORAGE_BLOB_ENDPOINT"])
        monkeypatch.setenv("AZURE_STORAGE_BLOB_ENDPOINT", endpoint)
        return path


# --- requests -----------------------------------------------------------------------------------------------------


@pytest.fixture
def container(azure):
    """A container of one's own."""
    return azure.new_container()


@pytest.fixture
def relay(azure, monkeypatch):
    """A relay in front of the server, in use."""
    with relaying(azure.url) as relay:
        monkeypatch.setenv("AZURE_STORAGE_BLOB_ENDPOINT", f"{relay.url}/{ACCOUNT}")
        yield relay


@pytest.mark.parametrize("policy", [Replace(), Create()])
def test_a_small_file_is_one_request(relay, container, policy):
    """A file of up to 8 MiB is one request, whether it is new or not."""
    storage = Storage(get_client(f"az://{container}/x"))
    storage.write("a.txt", b"x" * PART_BYTES, policy=policy)

    assert relay.methods() == ["PUT"]
    storage.write("a.txt", "small")
    assert relay.methods() == ["PUT"]


def test_reading_and_looking_are_one_request_each(relay, container):
    """Reading, asking for a stat, listing and deleting are one request each."""
    storage = Storage(get_client(f"az://{container}/x"))
    storage.write("a.txt", "one")
    relay.methods()

    assert storage.read_text("a.txt") == "one"
    assert storage.stat("a.txt").sha256 == sha256(b"one").hexdigest()
    assert [stat.sha256 for stat in storage.list()] == [sha256(b"one").hexdigest()]
    storage.delete("a.txt")
    assert relay.methods() == ["GET", "HEAD", "GET", "DELETE"]


def test_a_large_file_becomes_visible_as_one(relay, container):
    """A request for each 8 MiB and one that commits; nothing is visible before, and the SHA-256 is kept."""
    storage = Storage(get_client(f"az://{container}/x"))
    with storage.open_writer("a.bin") as file:
        for _ in range(5):
            file.write(b"x" * (4 << 20))
        with pytest.raises(FileMissing):
            storage.stat("a.bin")
        assert relay.methods() == ["PUT", "PUT", "HEAD"]
    assert relay.methods() == ["PUT", "PUT"]

    assert storage.stat("a.bin").sha256 == file.receipt.sha256


@pytest.mark.parametrize("size", [PART_BYTES + 1, 2 * PART_BYTES, 2 * PART_BYTES + 1])
def test_blocks_come_together_at_their_bounds(azure, container, size):
    """Lengths at the bounds of blocks are stored whole, and read whole."""
    data = os.urandom(1 << 10) * (size // 1024) + b"x" * (size % 1024)
    storage = Storage(get_client(f"az://{container}"))
    storage.write("a.bin", data)

    assert azure.stored(container, "a.bin") == data
    assert storage.read_bytes("a.bin") == data


def test_a_busy_server_is_asked_again(relay, container):
    """A 503 is tried again, and a connection that broke off; a conditional write is not, and says so."""
    storage = Storage(get_client(f"az://{container}/x"))
    for failure in (503, 0):
        relay.failures = [failure]
        storage.write("a.txt", f"after {failure}")
        assert storage.read_text("a.txt") == f"after {failure}"

        relay.failures = [failure]
        with pytest.raises(StorageUnavailable):
            storage.write("b.txt", "one", policy=Create())
        with pytest.raises(FileMissing):
            storage.stat("b.txt")


def test_a_server_that_stays_busy_is_given_up(relay, container):
    """The error is one that may pass, and it comes within ten seconds."""
    relay.failures = [503] * 100
    began = time.monotonic()
    with pytest.raises(StorageUnavailable, match="busy") as caught:
        get_client(f"az://{container}").put_file("a.txt", "x")

    assert caught.value.transient
    assert time.monotonic() - began < 10


def test_a_download_that_breaks_off_is_taken_up_or_given_up(relay, container):
    """It is asked for again; if it goes on breaking off, or the file was replaced meanwhile, that is an error."""
    data = bytes(range(256)) * (70 << 10)
    storage = Storage(get_client(f"az://{container}"))
    storage.write("a.bin", data)
    relay.cuts = 1

    assert storage.read_bytes("a.bin") == data
    relay.cuts = 100
    with pytest.raises(StorageUnavailable):
        storage.read_bytes("a.bin")
    relay.cuts = 0
    with storage.open_reader("a.bin") as file:
        assert file.read(1) == data[:1]
        get_client(f"az://{container}").put_file("a.bin", "another")
        with pytest.raises(StorageUnavailable, match="replaced"):
            file.read()


def test_compressed_files_are_read_as_they_are_stored(azure, container):
    """The library would undo the compression; whoever reads gets what was stored."""
    storage = Storage(get_client(f"az://{container}"))
    with storage.open_writer("a.csv", compression="gzip") as file:
        file.write(b"a,b\n" * 1000)

    assert storage.stat("a.csv").metadata.content_encoding == "gzip"
    assert gzip.decompress(storage.read_bytes("a.csv")) == b"a,b\n" * 1000
    storage.verify(file.receipt)


# --- what was left behind -----------------------------------------------------------------------------------------


def test_blocks_that_nobody_committed_are_found_and_removed(azure, container):
    """With their age and size; blocks of other programs are let be, and so is what is stored."""
    storage = Storage(get_client(f"az://{container}/x"))
    storage.write("empty.txt", "")
    storage.write("over.bin", "old")
    for name in ("new.bin", "over.bin"):
        with pytest.raises(KeyboardInterrupt), storage.open_writer(name) as file:
            file.write(b"x" * (PART_BYTES + 1))
            raise KeyboardInterrupt
    foreign = needed_sdk(azure).get_blob_client(container, "x/foreign.bin")
    foreign.stage_block("of-another-program", b"x")
    now = datetime.now(UTC)

    assert list(storage.leftovers(now - timedelta(hours=1))) == []
    (leftover,) = storage.leftovers()
    assert (leftover.kind, leftover.location) == ("incomplete upload", f"az://{container}/x/new.bin")
    assert leftover.size_bytes == PART_BYTES
    assert abs(to_datetime(leftover.began_at) - now) < timedelta(minutes=5)

    storage.remove_leftover(leftover)
    storage.remove_leftover(leftover)
    assert list(storage.leftovers()) == []
    assert sorted(azure.names(container)) == ["x/empty.txt", "x/over.bin"]
    assert len(foreign.get_block_list("uncommitted")[1]) == 1


def test_a_leftover_that_was_stored_meanwhile_is_not_removed(azure, container):
    """The upload that was thought dead went on: its file stands."""
    storage = Storage(get_client(f"az://{container}"))
    with storage.open_writer("a.bin") as file:
        file.write(b"x" * (PART_BYTES + 1))
        (leftover,) = storage.client.leftovers()
    storage.remove_leftover(leftover)

    storage.verify(file.receipt)


def test_while_a_leftover_is_removed_no_empty_file_can_be_read(relay, container):
    """Removing takes two requests; between them the name is there, but reading it is an error."""
    storage = Storage(get_client(f"az://{container}"))
    writer = storage.open_writer("a.bin")
    writer.write(b"x" * (PART_BYTES + 1))
    (leftover,) = storage.client.leftovers()
    relay.failures = [None, *[500] * 10]
    with pytest.raises(StorageUnavailable):
        storage.remove_leftover(leftover)
    relay.failures = []

    with pytest.raises(StorageUnavailable, match="archive"):
        storage.read_text("a.bin")
    with pytest.raises(StorageError, match="not published"):
        writer.close()


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


def test_metadata_with_a_hyphen_comes_back(azure, container):
    """The same call works here as on other storages."""
    storage = Storage(get_client(f"az://{container}"))
    storage.write("a.txt", "x", metadata={"run-id": "17", "7": "y"})

    assert dict(storage.stat("a.txt").metadata.items) == {"run-id": "17", "7": "y"}


# --- the environment, and what goes wrong -------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["connection string", "short names", "token", "token with ?"])
def test_the_environment_alone_says_who_and_where(azure, container, monkeypatch, form):
    """As Microsoft documents it; empty variables count as unset."""
    names = ("CONNECTION_STRING", "ACCOUNT_NAME", "ACCOUNT_KEY", "BLOB_ENDPOINT", "SAS_TOKEN", "KEY")
    for name in names:
        monkeypatch.setenv(f"AZURE_STORAGE_{name}", "")
    endpoint = f"{azure.url}/{ACCOUNT}"
    if form == "connection string":
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azure.connection_string())
    elif form == "short names":
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", ACCOUNT)
        monkeypatch.setenv("AZURE_STORAGE_KEY", ACCOUNT_KEY)
        monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", endpoint)
    else:
        until = datetime.now(UTC) + timedelta(hours=1)
        token = generate_account_sas(ACCOUNT, ACCOUNT_KEY, "co", "rwdlac", until, services="b")
        monkeypatch.setenv("AZURE_STORAGE_BLOB_ENDPOINT", endpoint)
        monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", "?" * form.endswith("?") + token)
    client = get_client(f"az://{container}/x")
    client.put_file("a.txt", "here")

    assert azure.stored(container, "x/a.txt") == b"here"
    if form.startswith("token"):
        with pytest.raises(UnsupportedOperation, match="AZURE_STORAGE_ACCOUNT_KEY"):
            client.presign("a.txt", 60, None)


def test_a_link_is_good_for_its_file_only(azure, container):
    """The server refuses it for another file, and without its signature."""
    storage = Storage(get_client(f"az://{container}"))
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
def test_what_is_wrong_is_said_with_the_remedy(container, monkeypatch, variables, error, remedy):
    """Within ten seconds, and without the secret; nothing of the vendor's library passes."""
    for name, value in variables.items():
        monkeypatch.setenv(f"AZURE_STORAGE_{name}", value)
    client = get_client(f"az://{container}/x")
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


def test_a_silent_server_is_given_up(monkeypatch):
    """After as long as whoever asks has patience for."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AZURE_STORAGE_BLOB_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}/{ACCOUNT}")
        client = get_client("az://container/x")
        for use in (lambda: client.put_file("a.txt", "x"), lambda: client.get_file("a.txt")):
            began = time.monotonic()
            with waiting_at_most(2), pytest.raises(StorageTimeout):
                use()
            assert time.monotonic() - began < 10


@pytest.mark.parametrize("name", ["there-is-no-such-container", "x", "NoContainerName"])
def test_a_missing_container_is_said(azure, name):
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


# --- the file -----------------------------------------------------------------------------------------------------


def test_without_its_package_the_client_says_what_to_install(monkeypatch):
    """The package of the vendor is one that only some users need."""
    monkeypatch.setitem(sys.modules, "azure.storage.blob", None)
    monkeypatch.setenv("AZURE_FOR_THIS_TEST", "no connection of another test")
    for use in (lambda client: client.put_file("a.txt", "x"), lambda client: client.get_file("a.txt")):
        with pytest.raises(StorageError, match=r"pip install 'yeti-exports\[azure\]'"):
            use(get_client("az://container/x"))


def test_it_is_one_file_that_can_be_dropped_in(azure, container, drop_in):
    """At most 120 lines, and of no use that its place would matter for."""
    source = Path(azure_module.__file__).read_text("utf-8")
    drop_in("copied", source.replace("PREFIX = SCHEME", 'PREFIX = "copied://"'))
    get_client(f"copied://{container}/x").put_file("a.txt", "dropped in")

    assert azure.stored(container, "x/a.txt") == b"dropped in"
    assert len(source.splitlines()) <= 120


@pytest.mark.parametrize(
    "path", ["az://", "az:///x", "az://b ucket", "az://container/../x", "az://container/a//b"]
)
def test_a_path_that_is_no_place_is_refused(path):
    """The form is said."""
    with pytest.raises(InvalidStoragePath):
        get_client(path)


def test_credentials_in_a_path_are_refused_and_not_repeated():
    """They belong into the environment; the message does not show them."""
    with pytest.raises(InvalidStoragePath, match="AZURE_STORAGE_CONNECTION_STRING") as caught:
        get_client(f"az://name:{SECRET}@container/x")

    assert SECRET not in str(caught.value)


def needed_sdk(azure):
    """The vendor's client, for what another program would do."""
    return BlobServiceClient.from_connection_string(azure.connection_string())

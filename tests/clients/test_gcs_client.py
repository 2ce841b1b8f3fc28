"""The Google client on fake-gcs-server: the kit, and what is Google's own."""
# ruff: noqa: PT012 - what a block does after its first statement is what is tested

import json
import os
import socket
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from bucket_of_a_vendor import BucketTests
from cloud_relay import relaying
from cloud_servers import Missing, fake_gcs, service_account

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.bucket_client import PART_BYTES
from core.clients.persistient_storage.classes import gcs
from core.clients.persistient_storage.gcs.connection import connection
from core.clients.persistient_storage.names import part_file
from core.clients.persistient_storage.policies import Create, IfMatch, Replace
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    FileMissing,
    PreconditionFailed,
    StoragePermissionDenied,
    StorageUnavailable,
    UnsupportedOperation,
)
from core.testing.storage import StorageClientTests


@pytest.fixture(scope="session")
def google_server(tmp_path_factory):
    """fake-gcs-server; its absence is told loudly."""
    try:
        with fake_gcs(tmp_path_factory.mktemp("fake-gcs")) as server:
            yield server
    except Missing as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def key_file(tmp_path_factory):
    """The key file of a service account that nobody knows."""
    file = tmp_path_factory.mktemp("google") / "key.json"
    file.write_text(json.dumps(service_account()), "utf-8")
    return file


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith(("GOOGLE_", "STORAGE_", "CLOUDSDK_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "no-gcloud"))


@pytest.fixture
def server(google_server, monkeypatch):
    """The server as it is; the environment points at it."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", google_server.url)
    return google_server


@pytest.fixture
def relay(server, monkeypatch):
    """The same server, but with conditions as Google honours them."""
    with relaying(server.url, is_like_google=True) as relay:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", relay.url)
        yield relay


@pytest.fixture
def bucket(server):
    """A bucket of one's own."""
    return server.new_bucket()


class TestGoogle(StorageClientTests):
    """The conformance kit."""

    @pytest.fixture
    def path(self, server, relay, key_file, monkeypatch):
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file))
        self.relay, self.server, self.bucket = relay, server, server.new_bucket()
        return f"gs://{self.bucket}/some/prefix/"

    def raw(self, client, file_name):
        return self.server.stored(self.bucket, f"some/prefix/{file_name}")

    def what_stands(self, client):
        self.relay.wait_until_idle()  # a request of a killed process may still be on its way
        return super().what_stands(client)

    def raw_names(self, client):
        return [name.removeprefix("some/prefix/") for name in self.server.names(self.bucket)]

    def path_through(self, proxy, path, monkeypatch):
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", proxy.to(os.environ["STORAGE_EMULATOR_HOST"]))
        return path


class TestGoogleBucket(BucketTests):
    """What every vendor's bucket must do."""

    SCHEME, CLIENT, PACKAGE = "gs://", gcs, ("google.cloud.storage", "gcs")
    PUT, LOOK, CUTS = "POST", "GET", 2
    SETTING, VARIABLES = "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_"
    ENDPOINT = ("STORAGE_EMULATOR_HOST", "{}")


# --- uploads in parts ---------------------------------------------------------------------------------------------


def test_a_large_file_is_sent_in_parts_and_an_upload_that_fails_is_cancelled(relay, bucket):
    """A session, a request for each 8 MiB; nothing is visible before the last; giving up cancels the session."""
    storage = Storage(get_client(f"gs://{bucket}/x"))
    with storage.open_writer("a.bin") as file:
        for _ in range(5):
            file.write(b"x" * (4 << 20))
        with pytest.raises(FileMissing):
            storage.stat("a.bin")
        relay.methods()
    assert relay.methods() == ["PUT"]

    with pytest.raises(KeyboardInterrupt), storage.open_writer("b.bin") as file:
        file.write(b"x" * (PART_BYTES + 1))
        raise KeyboardInterrupt
    assert relay.methods() == ["POST", "PUT", "DELETE"]
    assert storage.stat("a.bin").size_bytes == 20 << 20


@pytest.mark.parametrize("shortages", [[1 << 20], [0, 3 << 18, 1 << 18], [0, 0, 5], [0, 0, 4 << 20]])
def test_what_the_server_has_not_kept_is_sent_again(relay, bucket, server, shortages):
    """Google may keep less of a part than it was sent, also of the last, and says how much: the file is whole."""
    data = os.urandom(1 << 20) * 20 + b"end"
    relay.shortages = shortages
    Storage(get_client(f"gs://{bucket}")).write("a.bin", data)

    assert server.stored(bucket, "a.bin") == data


def test_an_upload_that_does_not_get_on_is_given_up(relay, bucket, server):
    """A server that keeps nothing of what it is sent is not asked for ever, and nothing is published."""
    relay.shortages = [PART_BYTES]
    with pytest.raises(StorageUnavailable, match="has kept 0 bytes of 8388608"):
        Storage(get_client(f"gs://{bucket}")).write("a.bin", b"x" * (PART_BYTES + 1))

    assert server.names(bucket) == []


def test_an_upload_that_the_server_forgot_is_said(relay, bucket, server):
    """It is not taken for a missing bucket: trying again helps."""
    with pytest.raises(StorageUnavailable, match="forgot the upload"):  # noqa: SIM117
        with Storage(get_client(f"gs://{bucket}")).open_writer("a.bin") as file:
            file.write(b"x" * (PART_BYTES + 1))
            relay.failures = [404]

    assert server.names(bucket) == []


@pytest.mark.parametrize("failure", [503, 0, "lost"])
@pytest.mark.parametrize("policy", [Replace(), Create()])
def test_each_request_of_an_upload_is_made_again(relay, bucket, failure, policy):
    """Also the last, and after an answer that was lost: Google ignores what it has, and says again what it stored."""

    def fail():
        relay.methods()
        if failure == "lost":
            relay.losses = 1
        else:
            relay.failures = [failure]

    data = os.urandom(PART_BYTES) * 2 + b"end"
    storage = Storage(get_client(f"gs://{bucket}"))
    with storage.open_writer("a.bin", policy=policy) as file:
        file.write(data[: PART_BYTES + 1])
        fail()
        file.write(data[PART_BYTES + 1 :])
        assert relay.methods() == ["PUT", "PUT"]
        fail()

    assert relay.methods() == ["PUT", "PUT"]
    storage.verify(file.receipt)


# --- conditions ---------------------------------------------------------------------------------------------------


def test_a_large_conditional_write_is_refused_where_the_condition_is_forgotten(server, bucket):
    """The server of the wheel would overwrite: it is found out, and what was stored stands."""
    storage = Storage(get_client(f"gs://{bucket}/x"))
    storage.write("a.bin", b"old")
    for policy in (Create(), IfMatch(storage.stat("a.bin").etag or "")):
        with pytest.raises(UnsupportedOperation, match="ignores"):
            storage.write("a.bin", b"x" * (PART_BYTES + 1), policy=policy)

    assert server.stored(bucket, "x/a.bin") == b"old"
    assert server.names(bucket) == ["x/a.bin"]


def test_conditions_are_tried_out_once(relay, bucket):
    """Four requests more for the first large conditional write to a bucket, none for the second."""
    storage = Storage(get_client(f"gs://{bucket}"))
    for name, more in (("a.bin", ["POST", "POST", "PUT", "DELETE"]), ("b.bin", [])):
        storage.write(name, b"x" * (PART_BYTES + 1), policy=Create())
        assert relay.methods() == [*more, "POST", "PUT", "PUT"]


def test_what_a_killed_trial_left_is_found_and_removed(relay, bucket):
    """The object that conditions are tried out with is in no list; what is published stays."""
    storage = Storage(get_client(f"gs://{bucket}/x"))
    storage.write("a.txt", "x")
    part, other = (f"{prefix}/{part_file('0' * 16)}" for prefix in ("x", "xy"))
    for key in (part, other):
        connection().bucket(bucket).blob(key).upload_from_string(b"")
    [leftover] = storage.leftovers()

    assert (leftover.kind, leftover.location) == ("part file", f"gs://{bucket}/{part}")
    assert [stat.name for stat in storage.list()] == ["a.txt"]
    storage.remove_leftover(leftover)
    storage.remove_leftover(leftover)
    assert list(storage.leftovers()) == []
    assert [blob.name for blob in connection().list_blobs(bucket)] == ["x/a.txt", other]


@pytest.mark.parametrize("etag", ["0", "", "not-a-number", "-1"])
@pytest.mark.parametrize("size", [1, PART_BYTES + 1])
def test_an_etag_of_another_storage_matches_nothing(relay, bucket, etag, size):
    """To Google a generation of 0 means that there is none: the ETag 0 must not create the file."""
    storage = Storage(get_client(f"gs://{bucket}"))
    with pytest.raises(PreconditionFailed):
        storage.write("a.bin", b"x" * size, policy=IfMatch(etag))

    with pytest.raises(FileMissing):
        storage.stat("a.bin")


# --- the environment, and what goes wrong -------------------------------------------------------------------------


def test_links_need_a_key_file(server, bucket, key_file, monkeypatch, tmp_path):
    """Without the key file of a service account, or with another kind of file, a link is refused with the remedy."""
    client = get_client(f"gs://{bucket}")
    person = tmp_path / "person.json"
    person.write_text('{"type": "authorized_user", "refresh_token": "a-token-that-nobody-sees"}', "utf-8")
    for file in ("", str(tmp_path / "missing.json"), str(person)):
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
        with pytest.raises(UnsupportedOperation, match="GOOGLE_APPLICATION_CREDENTIALS") as caught:
            client.presign("a.txt", 60, None)
        assert "nobody-sees" not in str(caught.value)

    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file))
    query = parse_qs(urlsplit(client.presign("a.txt", 60, None)).query)
    assert query["X-Goog-Expires"] == ["60"]
    assert query["X-Goog-Credential"][0].startswith("nobody@example.com/")


@pytest.mark.parametrize("silent_metadata_server", [False, True])
def test_without_credentials_the_remedy_is_said(monkeypatch, silent_metadata_server):
    """Within ten seconds, even where the question whether this is a machine of Google's is never answered."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1] if silent_metadata_server else 9}"
        monkeypatch.setenv("GCE_METADATA_IP", address)
        monkeypatch.setenv("GOOGLE_FOR_THIS_TEST", address)
        began = time.monotonic()
        with pytest.raises(StoragePermissionDenied, match="GOOGLE_APPLICATION_CREDENTIALS"):
            get_client("gs://bucket/x").put_file("a.txt", "x")
        assert time.monotonic() - began < 10

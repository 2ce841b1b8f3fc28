"""The Google client on fake-gcs-server: the kit, and what is Google's own."""
# ruff: noqa: PT012 - what a block does after its first statement is what is tested

import gzip
import json
import os
import socket
import sys
import time
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cloud_relay import relaying
from cloud_servers import Missing, fake_gcs, service_account

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.bucket_client import PART_BYTES
from core.clients.persistient_storage.classes import gcs
from core.clients.persistient_storage.patience import waiting_at_most
from core.clients.persistient_storage.policies import Create, IfMatch, Replace
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    FileMissing,
    InvalidStoragePath,
    PreconditionFailed,
    StorageError,
    StoragePermissionDenied,
    StorageTimeout,
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
def google(google_server, monkeypatch):
    """The server as it is; the environment points at it."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", google_server.url)
    return google_server


@pytest.fixture
def relay(google, monkeypatch):
    """The same server, but with conditions as Google honours them."""
    with relaying(google.url, is_like_google=True) as relay:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", relay.url)
        yield relay


class TestGoogle(StorageClientTests):
    """The conformance kit."""

    @pytest.fixture
    def path(self, google, relay, key_file, monkeypatch):
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file))
        self.relay, self.server, self.bucket = relay, google, google.new_bucket()
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


# --- requests -----------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(google):
    """A bucket of one's own."""
    return google.new_bucket()


@pytest.mark.parametrize("policy", [Replace(), Create()])
def test_a_small_file_is_one_request(relay, bucket, policy):
    """A file of up to 8 MiB is one request, whether it is new or not; a bucket's metadata is not asked for."""
    storage = Storage(get_client(f"gs://{bucket}/x"))
    storage.write("a.txt", b"x" * PART_BYTES, policy=policy)

    assert relay.methods() == ["POST"]
    storage.write("a.txt", "small")
    assert relay.methods() == ["POST"]


def test_reading_and_looking_are_one_request_each(relay, bucket):
    """Reading, asking for a stat, listing and deleting are one request each."""
    storage = Storage(get_client(f"gs://{bucket}/x"))
    storage.write("a.txt", "one")
    relay.methods()

    assert storage.read_text("a.txt") == "one"
    assert storage.stat("a.txt").sha256 == sha256(b"one").hexdigest()
    assert [stat.sha256 for stat in storage.list()] == [sha256(b"one").hexdigest()]
    storage.delete("a.txt")
    assert relay.methods() == ["GET", "GET", "GET", "DELETE"]


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


@pytest.mark.parametrize("size", [PART_BYTES + 1, 2 * PART_BYTES, 2 * PART_BYTES + 1])
def test_parts_come_together_at_their_bounds(google, bucket, size):
    """Lengths at the bounds of parts are stored whole."""
    data = os.urandom(1 << 10) * (size // 1024) + b"x" * (size % 1024)
    Storage(get_client(f"gs://{bucket}")).write("a.bin", data)

    assert google.stored(bucket, "a.bin") == data


def test_a_busy_server_is_asked_again(relay, bucket):
    """A 503, also in the middle of a large file, is tried again; a conditional write is not, and says so."""
    storage = Storage(get_client(f"gs://{bucket}/x"))
    relay.failures = [503]
    storage.write("a.txt", "one")
    with storage.open_writer("a.bin") as file:
        file.write(b"x" * (PART_BYTES + 1))
        relay.failures = [503]
        file.write(b"x" * PART_BYTES)
    relay.failures = [503]

    assert storage.read_text("a.txt") == "one"
    assert storage.stat("a.bin").size_bytes == 2 * PART_BYTES + 1
    relay.failures = [503]
    with pytest.raises(StorageUnavailable):
        storage.write("b.txt", "one", policy=Create())
    with pytest.raises(FileMissing):
        storage.stat("b.txt")


@pytest.mark.parametrize("shortages", [[1 << 20], [0, 3 << 18, 1 << 18], [0, 0, 5], [0, 0, 4 << 20]])
def test_what_the_server_has_not_kept_is_sent_again(relay, bucket, google, shortages):
    """Google may keep less of a part than it was sent, also of the last, and says how much: the file is whole."""
    data = os.urandom(1 << 20) * 20 + b"end"
    relay.shortages = shortages
    Storage(get_client(f"gs://{bucket}")).write("a.bin", data)

    assert google.stored(bucket, "a.bin") == data


def test_an_upload_that_does_not_get_on_is_given_up(relay, bucket, google):
    """A server that keeps nothing of what it is sent is not asked for ever, and nothing is published."""
    relay.shortages = [PART_BYTES]
    with pytest.raises(StorageUnavailable, match="has kept 0 bytes of 8388608"):
        Storage(get_client(f"gs://{bucket}")).write("a.bin", b"x" * (PART_BYTES + 1))

    assert google.names(bucket) == []


def test_an_upload_that_the_server_forgot_is_said(relay, bucket, google):
    """It is not taken for a missing bucket: trying again helps."""
    with pytest.raises(StorageUnavailable, match="forgot the upload"):  # noqa: SIM117
        with Storage(get_client(f"gs://{bucket}")).open_writer("a.bin") as file:
            file.write(b"x" * (PART_BYTES + 1))
            relay.failures = [404]

    assert google.names(bucket) == []


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


def test_a_server_that_stays_busy_is_given_up(relay, bucket):
    """The error is one that may pass, and it comes within ten seconds."""
    relay.failures = [503] * 100
    began = time.monotonic()
    with pytest.raises(StorageUnavailable, match="busy") as caught:
        get_client(f"gs://{bucket}").put_file("a.txt", "x")

    assert caught.value.transient
    assert time.monotonic() - began < 10


def test_a_download_that_breaks_off_is_taken_up_or_given_up(relay, bucket):
    """The rest of the same object is asked for; if it was replaced meanwhile, or breaks off again, it is an error."""
    data = bytes(range(256)) * 8192
    storage = Storage(get_client(f"gs://{bucket}"))
    storage.write("a.bin", data)
    relay.cuts = 2

    assert storage.read_bytes("a.bin") == data
    relay.cuts = 100
    with pytest.raises(StorageUnavailable):
        storage.read_bytes("a.bin")
    relay.cuts = 1
    with storage.open_reader("a.bin") as file:
        assert file.read(1) == data[:1]
        get_client(f"gs://{bucket}").put_file("a.bin", "another")
        with pytest.raises(StorageUnavailable, match="replaced"):
            file.read()


def test_compressed_files_are_read_as_they_are_stored(relay, bucket):
    """Google would undo the compression on the way; whoever reads gets what was stored."""
    storage = Storage(get_client(f"gs://{bucket}"))
    with storage.open_writer("a.csv", compression="gzip") as file:
        file.write(b"a,b\n" * 1000)

    assert storage.stat("a.csv").metadata.content_encoding == "gzip"
    assert gzip.decompress(storage.read_bytes("a.csv")) == b"a,b\n" * 1000
    storage.verify(file.receipt)


# --- conditions ---------------------------------------------------------------------------------------------------


def test_a_large_conditional_write_is_refused_where_the_condition_is_forgotten(google, bucket):
    """The server of the wheel would overwrite: it is found out, and what was stored stands."""
    storage = Storage(get_client(f"gs://{bucket}/x"))
    storage.write("a.bin", b"old")
    for policy in (Create(), IfMatch(storage.stat("a.bin").etag or "")):
        with pytest.raises(UnsupportedOperation, match="ignores"):
            storage.write("a.bin", b"x" * (PART_BYTES + 1), policy=policy)

    assert google.stored(bucket, "x/a.bin") == b"old"
    assert google.names(bucket) == ["x/a.bin"]


def test_conditions_are_tried_out_once(relay, bucket):
    """Four requests more for the first large conditional write to a bucket, none for the second."""
    storage = Storage(get_client(f"gs://{bucket}"))
    for name, more in (("a.bin", ["POST", "POST", "PUT", "DELETE"]), ("b.bin", [])):
        storage.write(name, b"x" * (PART_BYTES + 1), policy=Create())
        assert relay.methods() == [*more, "POST", "PUT", "PUT"]


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


def test_links_need_a_key_file(google, bucket, key_file, monkeypatch, tmp_path):
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


def test_a_missing_bucket_is_said(google):
    """It is a fault of the path, not a missing file; buckets are not made."""
    storage = Storage(get_client("gs://there-is-no-such-bucket/x"))
    for data in (b"x", b"x" * (PART_BYTES + 1)):
        with pytest.raises(InvalidStoragePath, match="no such bucket"):
            storage.write("a.bin", data)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://no-host.invalid", "127.0.0.1:9"])
def test_a_server_that_cannot_be_reached_is_said(monkeypatch, address):
    """Within ten seconds, with what to check."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
    began = time.monotonic()
    with pytest.raises((StorageUnavailable, InvalidStoragePath), match="check STORAGE_EMULATOR_HOST"):
        get_client("gs://bucket/x").put_file("a.txt", "x")

    assert time.monotonic() - began < 10


def test_a_silent_server_is_given_up(monkeypatch):
    """After as long as whoever asks has patience for."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{silent.getsockname()[1]}")
        client = get_client("gs://bucket/x")
        for use in (lambda: client.put_file("a.txt", "x"), lambda: client.get_file("a.txt")):
            began = time.monotonic()
            with waiting_at_most(2), pytest.raises(StorageTimeout):
                use()
            assert time.monotonic() - began < 10


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_said(relay, bucket, status):
    """Wrong credentials, or ones that lack the right."""
    relay.failures = [status]
    with pytest.raises(StoragePermissionDenied, match="credentials"):
        get_client(f"gs://{bucket}").put_file("a.txt", "x")


# --- the file -----------------------------------------------------------------------------------------------------


def test_without_its_package_the_client_says_what_to_install(google, monkeypatch):
    """The package of the vendor is one that only some users need."""
    monkeypatch.setitem(sys.modules, "google.cloud.storage", None)
    monkeypatch.setenv("GOOGLE_FOR_THIS_TEST", "no connection of another test")
    for use in (lambda client: client.put_file("a.txt", "x"), lambda client: client.get_file("a.txt")):
        with pytest.raises(StorageError, match=r"pip install 'yeti-exports\[gcs\]'"):
            use(get_client("gs://bucket/x"))


def test_it_is_one_file_that_can_be_dropped_in(google, bucket, drop_in):
    """At most 120 lines, and of no use that its place would matter for."""
    source = Path(gcs.__file__).read_text("utf-8")
    drop_in("copied", source.replace("PREFIX = SCHEME", 'PREFIX = "copied://"'))
    get_client(f"copied://{bucket}/x").put_file("a.txt", "dropped in")

    assert google.stored(bucket, "x/a.txt") == b"dropped in"
    assert len(source.splitlines()) <= 120


@pytest.mark.parametrize("path", ["gs://", "gs:///x", "gs://b ucket", "gs://bucket/../x", "gs://bucket/a//b"])
def test_a_path_that_is_no_place_is_refused(path):
    """The form is said."""
    with pytest.raises(InvalidStoragePath):
        get_client(path)


def test_credentials_in_a_path_are_refused_and_not_repeated():
    """They belong into a file; the message does not show them."""
    with pytest.raises(InvalidStoragePath, match="GOOGLE_APPLICATION_CREDENTIALS") as caught:
        get_client("gs://name:a-secret-that-nobody-sees@bucket/x")

    assert "nobody-sees" not in str(caught.value)

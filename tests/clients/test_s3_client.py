"""The S3 client: configured by the environment alone, whole files or none, errors with remedies."""
# ruff: noqa: PT012 - what a block does after its first statement is what is tested

import base64
import io
import os
import threading

import pytest
from small_s3 import small_s3

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.policies import Create, IfChanged, IfMatch
from core.clients.persistient_storage.s3 import connection
from core.clients.persistient_storage.s3.connection import boto3_client
from core.clients.persistient_storage.s3.writer import PART_BYTES
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    FileMissing,
    InvalidStoragePath,
    StorageCorrupt,
    StorageError,
    StoragePermissionDenied,
    StorageUnavailable,
    UnsupportedOperation,
)
from core.testing.together import at_once, in_child

SECRETS = ("a-secret-key-that-nobody-sees", "a-token-that-nobody-sees")


@pytest.fixture
def small(monkeypatch):
    """A server that misbehaves on demand; the environment points at it."""
    with small_s3() as server:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": SECRETS[0],
            "AWS_ENDPOINT_URL_S3": server.url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            monkeypatch.setenv(name, value)
        yield server


# --- paths ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("s3://bucket", "s3://bucket/d/a.txt"),
        ("s3://bucket/", "s3://bucket/d/a.txt"),
        ("s3://bucket/prefix", "s3://bucket/prefix/d/a.txt"),
        ("s3://bucket/prefix/", "s3://bucket/prefix/d/a.txt"),
        ("s3://bucket/pre/fix/", "s3://bucket/pre/fix/d/a.txt"),
        ("s3://bucket//prefix", "s3://bucket/prefix/d/a.txt"),
        ("s3://my.Bucket_1/ü x", "s3://my.Bucket_1/ü x/d/a.txt"),
    ],
)
def test_the_prefix_may_end_with_a_slash_or_be_missing(path, place):
    """``file_path`` is the canonical address, and asks nobody for it."""
    assert get_client(path).file_path("d/a.txt") == place


@pytest.mark.parametrize(
    "path",
    ["s3://", "s3:///prefix", "s3://b ucket/x", "s3://bucket/a//b", "s3://bucket/../x", "s3://bucket/a\\b"],
)
def test_a_path_that_is_no_place_is_refused(path):
    """The form is said."""
    with pytest.raises(InvalidStoragePath):
        get_client(path)


def test_credentials_in_a_path_are_refused_and_not_repeated():
    """They belong into the environment; the message does not show them."""
    with pytest.raises(InvalidStoragePath, match="AWS_SECRET_ACCESS_KEY") as caught:
        get_client(f"s3://key:{SECRETS[0]}@bucket/prefix")

    assert SECRETS[0] not in str(caught.value)


def test_a_prefix_keeps_apart(s3_server):
    """A client neither lists nor reaches what is beside its prefix."""
    bucket = s3_server.new_bucket()
    get_client(f"s3://{bucket}").put_file("ab/secret.txt", "x")
    client = get_client(f"s3://{bucket}/a")
    client.put_file("mine.txt", "x")

    assert [stat.name for stat in Storage(client).list()] == ["mine.txt"]
    with pytest.raises(ValueError, match="refused"):
        client.get_file("../ab/secret.txt")


# --- the environment ----------------------------------------------------------------------------------------------


def test_the_s3_endpoint_beats_the_general_one(small, monkeypatch):
    """``AWS_ENDPOINT_URL_S3`` wins over ``AWS_ENDPOINT_URL``, which is used where it stands alone."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    get_client("s3://bucket/x").put_file("a.txt", "one")
    monkeypatch.setenv("AWS_ENDPOINT_URL", small.url)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    get_client("s3://bucket/x").put_file("b.txt", "two")

    assert small.objects == {"/bucket/x/a.txt": b"one", "/bucket/x/b.txt": b"two"}


def test_empty_variables_count_as_unset(small, monkeypatch):
    """As compose files pass them on: an empty profile is no profile."""
    for name in (
        "AWS_PROFILE",
        "AWS_ENDPOINT_URL",
        "AWS_MAX_ATTEMPTS",
        "AWS_RETRY_MODE",
        "AWS_CA_BUNDLE",
        "AWS_REGION",
    ):
        monkeypatch.setenv(name, "")
    get_client("s3://bucket/x").put_file("a.txt", "one")

    assert small.objects == {"/bucket/x/a.txt": b"one"}


@pytest.mark.parametrize(
    ("variables", "region"),
    [
        ({"AWS_DEFAULT_REGION": "eu-one", "AWS_REGION": "eu-two"}, "eu-one"),
        ({"AWS_DEFAULT_REGION": "", "AWS_REGION": "eu-two"}, "eu-two"),
        ({"AWS_DEFAULT_REGION": ""}, "us-east-1"),
    ],
)
def test_the_region(small, monkeypatch, variables, region):
    """``AWS_DEFAULT_REGION``, else ``AWS_REGION``, else the one that a server of one's own does not mind."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    get_client("s3://bucket/x").put_file("a.txt", "one")

    assert f"/{region}/s3/aws4_request" in small.requests[0][2]["Authorization"]


def test_profiles_are_botocores(small, monkeypatch, tmp_path):
    """``AWS_PROFILE`` and the files of profiles are read: keys, region, endpoint, retries."""
    (tmp_path / "config").write_text(
        f"[profile lists]\nregion = eu-three\nretry_mode = legacy\nmax_attempts = 2\nendpoint_url = {small.url}\n"
        "aws_access_key_id = from-profile\naws_secret_access_key = x\n"
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_S3", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "lists")
    get_client("s3://bucket/x").put_file("a.txt", "one")

    assert "Credential=from-profile/" in small.requests[0][2]["Authorization"]
    assert "/eu-three/s3/" in small.requests[0][2]["Authorization"]
    assert boto3_client().meta.config.retries["mode"] == "legacy"


def test_what_is_set_beyond_boto3(small, monkeypatch):
    """Signature 4, standard retries, short time-outs, checksums only where they must be; users may say otherwise."""
    config = boto3_client().meta.config
    assert config.signature_version == "s3v4"
    assert (config.connect_timeout, config.read_timeout) == (5, 30)
    assert config.retries == {"mode": "standard", "total_max_attempts": 4}
    assert config.request_checksum_calculation == config.response_checksum_validation == "when_required"
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "7")
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_supported")
    config = boto3_client().meta.config

    assert config.retries["total_max_attempts"] == 7
    assert config.request_checksum_calculation == "when_supported"


def test_one_connection_per_process(small):
    """All clients and threads share it; a forked child makes its own, even if the lock was held while forking."""
    mine = boto3_client()
    assert set(at_once(lambda number: boto3_client(), 8)) == {mine}
    assert in_child(lambda: None if boto3_client() is not mine else os.abort()) == "done"
    with connection._lock:
        assert in_child(lambda: get_client("s3://bucket/x").put_file("a.txt", "child")) == "done"
    assert small.objects == {"/bucket/x/a.txt": b"child"}


# --- writing ------------------------------------------------------------------------------------------------------


def test_a_small_file_is_one_request(small):
    """New or not: one PUT, with the content type of its name, and no right but that one is needed."""
    storage = Storage(get_client("s3://bucket/x"))
    storage.write("a.csv", "one")
    storage.client.put_file("a.csv", "two")

    assert small.methods() == ["PUT", "PUT"]
    assert [headers["Content-Type"] for _, _, headers in small.requests] == ["text/csv; charset=utf-8"] * 2


def test_an_unchanged_file_is_not_sent(small):
    """With policy ``IfChanged`` the same bytes cost no PUT."""
    storage = Storage(get_client("s3://bucket/x"))
    storage.write("a.csv", "one")
    small.requests.clear()
    storage.write("a.csv", "one", policy=IfChanged())

    assert "PUT" not in small.methods()


def test_a_writer_that_may_not_read_stores_again(small):
    """With the right to put alone, ``IfChanged`` cannot compare; the file is stored, not refused."""
    storage = Storage(get_client("s3://bucket/x"))
    for text in ("one", "one", "two"):
        small.failures = [403]
        assert storage.write("a.csv", text, policy=IfChanged()).outcome == "stored"

    assert small.methods() == ["HEAD", "PUT"] * 3
    assert small.objects == {"/bucket/x/a.csv": b"two"}


def test_a_delete_is_one_request(small):
    """It needs no other right than that to delete; it does not look first."""
    get_client("s3://bucket/x").delete_file("a.csv")

    assert small.methods() == ["DELETE"]


@pytest.mark.s3
def test_a_large_file_is_sent_in_equal_parts(weed_server):
    """All parts but the last have one size, and the object is whole."""
    bucket = weed_server.new_bucket()
    storage = Storage(get_client(f"s3://{bucket}/x"))
    chunk = bytes(range(256)) * 1000
    count = (2 * PART_BYTES + 12_345) // len(chunk) + 1
    with storage.open_writer("large.bin") as file:
        for _ in range(count):
            file.write(chunk)

    assert weed_server.stored(bucket, "x/large.bin") == chunk * count
    assert file.receipt.etag.endswith("-3")
    assert storage.stat("large.bin").size_bytes == len(chunk) * count


@pytest.mark.s3
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_abandoned_upload_is_aborted(weed_server, error):
    """After an exception the server holds no parts, which would be paid for and never seen."""
    bucket = weed_server.new_bucket()
    storage = Storage(get_client(f"s3://{bucket}/x"))
    with pytest.raises(error), storage.open_writer("large.bin") as file:
        file.write(b"x" * (2 * PART_BYTES))
        assert weed_server.client.list_multipart_uploads(Bucket=bucket)["Uploads"]
        raise error

    assert "Uploads" not in weed_server.client.list_multipart_uploads(Bucket=bucket)
    assert "Contents" not in weed_server.client.list_objects_v2(Bucket=bucket)


def test_a_server_that_fails_twice_is_asked_again(small):
    """Two errors of the server are overcome by retries."""
    small.failures = [503, 500]
    get_client("s3://bucket/x").put_file("a.txt", "one")

    assert small.objects == {"/bucket/x/a.txt": b"one"}


def test_a_server_that_keeps_failing(small, monkeypatch):
    """It is said to be busy or failing, which may pass; the old file stands."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    small.objects["/bucket/x/a.txt"] = b"old"
    small.failures = [503]
    with pytest.raises(StorageUnavailable, match="try again later") as caught:
        get_client("s3://bucket/x").put_file("a.txt", "one")

    assert caught.value.transient
    assert small.objects == {"/bucket/x/a.txt": b"old"}


@pytest.mark.parametrize("policy", [Create(), IfMatch("0" * 32)])
def test_a_condition_that_the_server_ignores_is_refused(small, policy):
    """Instead of overwriting: the server is tried out once, and nothing of that stays."""
    small.ignores_conditions = True
    small.objects["/bucket/x/a.txt"] = b"old"
    storage = Storage(get_client("s3://bucket/x"))
    for _ in range(2):
        with pytest.raises(UnsupportedOperation, match="does not honour"):
            storage.write("a.txt", "new", policy=policy)

    assert small.objects == {"/bucket/x/a.txt": b"old"}
    assert small.methods() == ["PUT", "PUT", "PUT", "DELETE"]


def test_a_server_is_tried_out_once(small):
    """Where conditions are honoured, a second create costs one request."""
    storage = Storage(get_client("s3://bucket/x"))
    storage.write("a.txt", "one", policy=Create())
    small.requests.clear()
    storage.write("b.txt", "two", policy=Create())

    assert small.methods() == ["PUT"]
    assert sorted(small.objects) == ["/bucket/x/a.txt", "/bucket/x/b.txt"]


# --- reading ------------------------------------------------------------------------------------------------------


def test_a_body_that_ends_early_is_taken_up_again(small):
    """The rest of the very same object is asked for, and the text is whole."""
    text = "0123456789\n" * 10_000
    small.objects["/bucket/x/a.txt"] = text.encode()
    for read in (
        lambda client: client.get_file("a.txt"),
        lambda client: Storage(client).read_text("a.txt"),
        lambda client: io.TextIOWrapper(Storage(client).open_reader("a.txt"), "utf-8").read(),
    ):
        small.fault = "short-once"
        assert read(get_client("s3://bucket/x")) == text

    assert [headers["Range"] for _, _, headers in small.requests if "Range" in headers] == ["bytes=55000-"] * 3


def test_a_body_that_always_ends_early_is_an_error(small):
    """Short data is never returned."""
    small.objects["/bucket/x/a.txt"] = b"0123456789\n" * 10_000
    small.fault = "short"
    with pytest.raises(StorageUnavailable):
        get_client("s3://bucket/x").get_file("a.txt")
    with pytest.raises(StorageUnavailable), Storage(get_client("s3://bucket/x")).open_reader("a.txt") as file:
        file.read()


def test_a_body_without_length_is_refused(small):
    """Nobody could tell whether it is whole."""
    small.objects["/bucket/x/a.txt"] = b"0123456789\n"
    small.fault = "no-length"
    with pytest.raises(StorageCorrupt, match="how long"):
        get_client("s3://bucket/x").get_file("a.txt")


def test_a_file_that_is_replaced_while_it_is_read(small):
    """Halves of two files are never put together."""
    small.objects["/bucket/x/a.txt"] = b"1" * 300_000
    small.fault = "short-once"
    with Storage(get_client("s3://bucket/x")).open_reader("a.txt") as file:
        assert file.read(10) == b"1" * 10
        small.objects["/bucket/x/a.txt"] = b"2" * 300_000
        with pytest.raises(StorageUnavailable, match="replaced while it was read"):
            file.read()


# --- errors -------------------------------------------------------------------------------------------------------


def test_a_missing_object_is_a_missing_file(s3_server):
    """``FileNotFoundError`` for get, read and stat; a delete is fine."""
    client = get_client(f"s3://{s3_server.new_bucket()}/x")
    for call in (client.get_file, Storage(client).read_text, Storage(client).stat):
        with pytest.raises(FileMissing) as caught:
            call("missing.txt")
        assert isinstance(caught.value, FileNotFoundError)
    client.delete_file("missing.txt")


def test_a_missing_bucket_is_said_to_be_missing(s3_server):
    """It is not taken for a missing file, and not made."""
    client = get_client("s3://no-such-bucket-anywhere/x")
    for call in (client.get_file, lambda name: client.put_file(name, "x")):
        with pytest.raises(InvalidStoragePath, match="no such bucket"):
            call("a.txt")


@pytest.mark.s3
@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("AWS_SECRET_ACCESS_KEY", SECRETS[0], "secret key is wrong"),
        ("AWS_ACCESS_KEY_ID", "nobody", "does not know the access key"),
    ],
)
def test_wrong_credentials(weed_server, monkeypatch, variable, value, message):
    """The message says which of the two is wrong, and shows neither."""
    bucket = weed_server.new_bucket()
    monkeypatch.setenv(variable, value)
    with pytest.raises(StoragePermissionDenied, match=message) as caught:
        get_client(f"s3://{bucket}/x").put_file("a.txt", "x")

    assert isinstance(caught.value, PermissionError)
    assert value not in str(caught.value)


def test_no_credentials(small, monkeypatch):
    """The message names the variables to set."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StoragePermissionDenied, match="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        get_client("s3://bucket/x").put_file("a.txt", "x")


@pytest.mark.parametrize(
    ("variable", "value", "kind", "message"),
    [
        ("AWS_PROFILE", "nobody", StoragePermissionDenied, "AWS_PROFILE"),
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9", StorageUnavailable, "http://127.0.0.1:9"),
        ("AWS_ENDPOINT_URL_S3", "127.0.0.1:9000", InvalidStoragePath, "AWS_"),
        ("AWS_RETRY_MODE", "sometimes", InvalidStoragePath, "AWS_"),
        ("AWS_MAX_ATTEMPTS", "many", InvalidStoragePath, "AWS_"),
    ],
)
def test_settings_that_cannot_be_used(small, monkeypatch, variable, value, kind, message):
    """Each is an error of ours that leads to the setting; no secret is in it, nor in what caused it."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", SECRETS[1])
    monkeypatch.setenv(variable, value)
    with pytest.raises(kind, match=message) as caught:
        get_client("s3://bucket/x").put_file("a.txt", "x")

    assert not any(secret in str(caught.value) + repr(caught.value.__cause__) for secret in SECRETS)


def test_refused_without_a_reason(small):
    """The answer to a HEAD has no body; the message names both that it may mean: wrong credentials, missing rights."""
    small.failures = [403]
    with pytest.raises(
        StoragePermissionDenied, match=r"wrong .*AWS_ACCESS_KEY_ID.*s3:GetObject and s3:ListBucket"
    ):
        Storage(get_client("s3://bucket/x")).stat("a.txt")


@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"])
def test_a_line_break_in_a_credential(small, monkeypatch, variable):
    """The usual fault of a secret that came from a file is named, and the secret is not shown."""
    monkeypatch.setenv(variable, f"{SECRETS[1]}\n")
    with pytest.raises(StoragePermissionDenied, match="holds a line break") as caught:
        get_client("s3://bucket/x").put_file("a.txt", "x")

    assert SECRETS[1] not in str(caught.value)


def test_a_server_without_https(small, monkeypatch):
    """``https://`` in front of a server that speaks plain HTTP is not called a matter of certificates."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", small.url.replace("http:", "https:"))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(StorageUnavailable, match="does not speak https; check AWS_ENDPOINT_URL_S3"):
        get_client("s3://bucket/x").put_file("a.txt", "x")


@pytest.mark.parametrize("content", [None, "no certificate\n"])
def test_a_bundle_of_certificates_that_is_none(small, monkeypatch, tmp_path, content):
    """A file that is missing or holds none is said to be the fault."""
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", small.url.replace("http:", "https:"))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(StorageUnavailable, match="AWS_CA_BUNDLE holds no certificates"):
        get_client("s3://bucket/x").put_file("a.txt", "x")


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 405, 409, 412, 429, 500, 501, 503, 507])
def test_every_answer_becomes_an_error_of_ours(small, monkeypatch, status):
    """Whatever the server answers to a put, a get and a stat, no exception of botocore escapes."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    client = get_client("s3://bucket/x")
    for call in (
        lambda: client.put_file("a.txt", "x"),
        lambda: client.get_file("a.txt"),
        lambda: client.stat("a.txt"),
    ):
        small.failures = [status] * 8
        with pytest.raises(StorageError):
            call()


def test_a_name_with_slashes_and_signs_is_one_key(small):
    """The key is prefix and name, byte for byte."""
    get_client("s3://bucket/x/").put_file("a b/ü+%.txt", "x")

    assert list(small.objects) == ["/bucket/x/a%20b/%C3%BC%2B%25.txt"]


def test_threads_share_a_client(s3_server):
    """Sixteen threads put and get through one client at once."""
    client = get_client(f"s3://{s3_server.new_bucket()}/x")

    def work(number: int) -> str:
        client.put_file(f"{number}.txt", f"text {number}")
        return client.get_file(f"{number}.txt")

    assert at_once(work, 16) == [f"text {number}" for number in range(16)]
    assert threading.active_count() < 50


def test_amazon_itself_gets_a_checksum(monkeypatch):
    """Without an endpoint the client talks to Amazon, here an emulator inside of boto3, and sends the digest along."""
    import boto3
    from moto import mock_aws

    variables = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    sent = []
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="bucket")
        boto3_client().meta.events.register_first(
            "before-send.s3.PutObject", lambda request, **_: sent.append((request.url, dict(request.headers)))
        )
        storage = Storage(get_client("s3://bucket/x"))
        receipt = storage.write("a.txt", "text")
        storage.write("large.bin", b"x" * (PART_BYTES + 1))

        assert storage.read_text("a.txt") == "text"
        assert storage.stat("large.bin").size_bytes == PART_BYTES + 1
    [(url, headers)] = sent
    assert url == "https://bucket.s3.amazonaws.com/x/a.txt"
    assert base64.b64decode(headers["x-amz-checksum-sha256"]).hex() == receipt.sha256
    assert "x-amz-trailer" not in headers

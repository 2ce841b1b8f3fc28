"""The S3 client: configured by the environment alone, small files as one request, large ones in parts."""
# ruff: noqa: PT012 - what a block does after its first statement is what is tested

import os
import threading

import pytest

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.policies import IfChanged
from core.clients.persistient_storage.s3 import connection
from core.clients.persistient_storage.s3.connection import boto3_client
from core.clients.persistient_storage.s3.writer import PART_BYTES
from core.clients.persistient_storage.storage import Storage
from core.errors import InvalidStoragePath, StoragePermissionDenied, StorageUnavailable
from core.testing.together import at_once, in_child

SECRETS = ("a-secret-key-that-nobody-sees", "a-token-that-nobody-sees")


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
    [
        "s3://",
        "s3:///prefix",
        "s3://b ucket/x",
        "s3://$BUCKET/x",
        "s3://bucket/a//b",
        "s3://bucket/../x",
        "s3://bucket/a\\b",
    ],
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


@pytest.mark.scoreboard("AWS_ENDPOINT_URL_S3 alone")
def test_the_s3_endpoint_alone_is_enough(small):
    """``AWS_ENDPOINT_URL_S3`` and credentials are all that another server than Amazon's needs."""
    get_client("s3://bucket/x").put_file("a.txt", "one")

    assert "AWS_ENDPOINT_URL" not in os.environ
    assert small.objects == {"/bucket/x/a.txt": b"one"}


@pytest.mark.scoreboard("both set: _S3 wins")
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


@pytest.mark.scoreboard("forked child")
def test_one_connection_per_process(small):
    """All clients and threads share it; a forked child makes its own, even if the lock was held while forking."""
    mine = boto3_client()
    assert set(at_once(lambda number: boto3_client(), 8)) == {mine}
    assert in_child(lambda: None if boto3_client() is not mine else os.abort()) == "done"
    with connection._lock:
        assert in_child(lambda: get_client("s3://bucket/x").put_file("a.txt", "child")) == "done"
    assert small.objects == {"/bucket/x/a.txt": b"child"}


# --- writing ------------------------------------------------------------------------------------------------------


@pytest.mark.scoreboard("one request per small publish")
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


def test_a_name_with_slashes_and_signs_is_one_key(small):
    """The key is prefix and name, byte for byte."""
    get_client("s3://bucket/x/").put_file("a b/ü+%.txt", "x")

    assert list(small.objects) == ["/bucket/x/a%20b/%C3%BC%2B%25.txt"]


@pytest.mark.scoreboard("threads")
def test_threads_share_a_client(s3_server):
    """Sixteen threads put and get through one client at once."""
    client = get_client(f"s3://{s3_server.new_bucket()}/x")

    def work(number: int) -> str:
        client.put_file(f"{number}.txt", f"text {number}")
        return client.get_file(f"{number}.txt")

    assert at_once(work, 16) == [f"text {number}" for number in range(16)]
    assert threading.active_count() < 50

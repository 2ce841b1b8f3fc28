"""The S3 client: paths, small files as one request, large ones in parts."""
# ruff: noqa: PT012 - what a block does after its first statement is what is tested

import threading

import pytest

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.policies import IfChanged
from core.clients.persistient_storage.s3.writer import PART_BYTES
from core.clients.persistient_storage.storage import Storage
from core.errors import InvalidStoragePath, StoragePermissionDenied, StorageUnavailable
from core.testing.together import at_once

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


# --- writing ----------------------------------------------------------------------------------------------------


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

"""What goes wrong with S3, each as an error of its own with the remedy in it, in less than ten seconds."""

import pytest
from servers import black_hole

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import FileMissing, InvalidStoragePath, StorageError, StoragePermissionDenied, StorageUnavailable

SECRETS = ("a-secret-key-that-nobody-sees", "a-token-that-nobody-sees")


def puts(place="s3://bucket/x"):
    get_client(place).put_file("a.txt", "x")


# --- what the server says -----------------------------------------------------------------------------------------


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


# --- where the bucket is ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        puts,
        lambda: get_client("s3://bucket/x").get_file("a.txt"),
        lambda: get_client("s3://bucket/x").stat("a.txt"),
    ],
)
def test_a_bucket_in_another_region(small, within_ten_seconds, call):
    """The answer that a bucket is elsewhere becomes the variable to set."""
    small.moved_to = "eu-central-1"
    with pytest.raises(InvalidStoragePath, match="in eu-central-1; set AWS_DEFAULT_REGION=eu-central-1"):
        call()


def test_a_signature_for_another_region_is_made_anew(small):
    """Where the server names the region that it wants, the request is signed for that and goes through."""
    small.region = "eu-central-1"
    puts()

    assert small.objects == {"/bucket/x/a.txt": b"x"}


@pytest.mark.parametrize(
    "call",
    [
        puts,
        lambda: get_client("s3://bucket/x").get_file("a.txt"),
        lambda: get_client("s3://bucket/x").stat("a.txt"),
    ],
)
def test_a_signature_for_another_region_that_stays_refused(small, within_ten_seconds, call):
    """The region that the server wants is named, also where its answer has no body (HEAD)."""
    small.region, small.is_stubborn = "eu-central-1", True
    with pytest.raises(InvalidStoragePath, match="set AWS_DEFAULT_REGION=eu-central-1"):
        call()


# --- who is asked -------------------------------------------------------------------------------------------------


def test_no_credentials_anywhere(small, monkeypatch, within_ten_seconds):
    """Neither variables nor files nor a machine that lends them: said at once, with the address and the remedy."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(
        StoragePermissionDenied, match=r"^s3://bucket/x/a.txt: no usable credentials; set AWS_ACCESS"
    ):
        puts()

    assert small.requests == []


def test_no_credentials_where_the_metadata_service_is_firewalled(small, monkeypatch, within_ten_seconds):
    """boto3 looks for a machine's own credentials too; that packets to there are dropped costs seconds, not minutes."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    with black_hole() as url:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
        with pytest.raises(StoragePermissionDenied, match="no usable credentials"):
            puts()


def test_credentials_that_come_later_are_found(small, monkeypatch, tmp_path):
    """That there were none is not remembered: a file that is put there meanwhile is read."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    with pytest.raises(StoragePermissionDenied):
        puts()
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = k\naws_secret_access_key = s\n")
    puts()

    assert small.objects == {"/bucket/x/a.txt": b"x"}

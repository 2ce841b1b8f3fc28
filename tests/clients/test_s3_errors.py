"""What goes wrong with S3, each as an error of its own with the remedy in it, in less than ten seconds."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from servers import black_hole
from small_s3 import small_s3

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.patience import waiting_at_most
from core.clients.persistient_storage.s3 import connection
from core.clients.persistient_storage.s3.writer import PART_BYTES
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    FileMissing,
    InvalidStoragePath,
    StorageError,
    StoragePermissionDenied,
    StorageTimeout,
    StorageUnavailable,
)

SECRETS = ("a-secret-key-that-nobody-sees", "a-token-that-nobody-sees")


@pytest.fixture
def within_ten_seconds():
    """The test fails if it takes longer, however busy the machine."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 10


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


# --- whether anybody answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:9", "no connection to http://127.0.0.1:9; check AWS_ENDPOINT_URL_S3 and the network"),
        ("http://nobody.invalid:9", "the name of the server is not known of http://nobody.invalid:9; check AWS_"),
    ],
)
def test_nobody_is_there(small, monkeypatch, within_ten_seconds, url, message):
    """A port that is closed and a name that is not known are told apart, and the variable to check is named."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
    with pytest.raises(StorageUnavailable, match=message):
        puts()


def test_a_connection_that_never_comes_about(small, monkeypatch, within_ten_seconds):
    """An address behind a firewall costs five seconds, once."""
    with black_hole() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        with pytest.raises(StorageTimeout, match=f"no connection in time to {url}; check AWS_ENDPOINT_URL_S3"):
            puts()


def test_a_server_that_says_nothing(small, within_ten_seconds):
    """One time-out for an answer, and then it is over; whoever looks on says how long that may be, at any time."""
    puts()
    small.is_silent = True
    with waiting_at_most(2), pytest.raises(StorageTimeout, match=f"no answer in time from {small.url}"):
        puts()

    assert len(small.requests) == 2


def test_a_server_that_takes_no_more_bytes(small, monkeypatch, within_ten_seconds):
    """A part that is stuck half-way is given up as well, after the time-out for connecting."""
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT_S", 1)
    monkeypatch.setenv("AWS_REGION", "us-west-1")  # a client of its own, made with the line above
    small.slowness_s = 60
    with waiting_at_most(2), pytest.raises(StorageTimeout):
        Storage(get_client("s3://bucket/x")).write("large.bin", b"x" * PART_BYTES)


def test_a_slow_line_is_not_given_up(small, monkeypatch):
    """As long as bytes flow, a part may take longer than the time-out that holds for each piece of it."""
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT_S", 1)
    monkeypatch.setenv("AWS_REGION", "us-west-1")  # a client of its own, made with the line above
    small.slowness_s = 0.3
    content = b"x" * (PART_BYTES - 1)
    with waiting_at_most(20):
        began = time.monotonic()
        Storage(get_client("s3://bucket/x")).write("large.bin", content)

    assert time.monotonic() - began > 1
    assert small.objects == {"/bucket/x/large.bin": content}


def test_what_the_user_says_of_retries_rules(small, monkeypatch):
    """With ``AWS_MAX_ATTEMPTS`` set, time-outs are tried again as often as it says."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    small.is_silent = True
    with waiting_at_most(1), pytest.raises(StorageTimeout):
        puts()

    assert len(small.requests) == 2


@pytest.mark.parametrize("answer", [429, 500, 503])
def test_what_passes_is_tried_again(small, answer):
    """Answers that a server is busy or failing are overcome, and so is a connection that is cut."""
    small.failures = [answer, 0]
    puts()
    small.loses_answers = 1
    puts()

    assert small.methods() == ["PUT"] * 4


# --- whom to trust ------------------------------------------------------------------------------------------------


def test_a_certificate_that_nobody_vouches_for(small, monkeypatch, tmp_path, within_ten_seconds):
    """It is said to be the certificate's fault, after one try; trusted by ``AWS_CA_BUNDLE``, all is well."""
    certificate = tmp_path / "server.pem"
    certificate.write_bytes(self_signed())
    with small_s3(certificate) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
        with pytest.raises(
            StorageUnavailable, match=f"certificate of {server.url} is not trusted; see AWS_CA_BUNDLE"
        ):
            puts()
        assert server.requests == []
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        puts()
        Storage(get_client("s3://bucket/x")).write("b.txt", b"x" * 300_000)

        assert server.objects == {"/bucket/x/a.txt": b"x", "/bucket/x/b.txt": b"x" * 300_000}


def self_signed():
    """Return a key and a certificate for 127.0.0.1 that nobody but itself vouches for."""
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(
        serialization.Encoding.PEM, form, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)

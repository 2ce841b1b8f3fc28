"""Whether anybody answers on S3 and whether to trust them: each its own error, in less than ten seconds."""

import time
from datetime import UTC, datetime, timedelta

import pytest
import urllib3.util.connection
from servers import black_hole
from small_s3 import small_s3

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.patience import waiting_at_most
from core.clients.persistient_storage.s3 import connection
from core.clients.persistient_storage.s3.writer import PART_BYTES
from core.clients.persistient_storage.storage import Storage
from core.errors import StorageTimeout, StorageUnavailable


def puts(place="s3://bucket/x"):
    get_client(place).put_file("a.txt", "x")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:9", "no connection to http://127.0.0.1:9; check AWS_ENDPOINT_URL_S3 and the network"),
        ("http://nobody.invalid:9", "the name of the server is not known of http://nobody.invalid:9; check AWS_"),
        ("http://unsure.invalid:9", "the name of the server is not known of http://unsure.invalid:9; check AWS_"),
    ],
)
def test_nobody_is_there(small, monkeypatch, unknown_names, within_ten_seconds, url, message):
    """A port that is closed and a name that is not known are told apart, and the variable to check is named."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
    with pytest.raises(StorageUnavailable, match=message):
        puts()


def test_a_connection_may_take_five_seconds(small):
    """That is half of what somebody waits who is looking on."""
    assert connection.boto3_client().meta.config.connect_timeout == 5


def test_a_connection_that_never_comes_about(small, monkeypatch, within_ten_seconds):
    """An address behind a firewall costs that time once: nobody knocks again."""
    knocks, connect = [], urllib3.util.connection.create_connection
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT_S", 1)
    with black_hole() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        monkeypatch.setenv("AWS_REGION", "us-west-1")  # a client of its own, made with what is set above
        monkeypatch.setattr(
            urllib3.util.connection,
            "create_connection",
            lambda address, *rest, **options: knocks.append(address) or connect(address, *rest, **options),
        )
        with pytest.raises(StorageTimeout, match=f"no connection in time to {url}; check AWS_ENDPOINT_URL_S3"):
            puts()

    assert [f"http://{host}:{port}" for host, port in knocks] == [url]


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
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT_S", 3)
    monkeypatch.setenv("AWS_REGION", "us-west-1")  # a client of its own, made with the line above
    small.slowness_s = 0.3
    content = b"x" * (PART_BYTES - 1)
    with waiting_at_most(20):
        began = time.monotonic()
        Storage(get_client("s3://bucket/x")).write("large.bin", content)

    assert time.monotonic() - began > 3
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

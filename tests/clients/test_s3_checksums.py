"""Checksums on the wire: Amazon gets and keeps them, other servers are not sent what they might not know."""

import base64
import hashlib
import zlib

import pytest

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.s3.connection import boto3_client
from core.clients.persistient_storage.s3.writer import PART_BYTES
from core.clients.persistient_storage.storage import Storage

CONTENT = bytes(range(256)) * (2 * PART_BYTES // 256) + b"the end"


@pytest.fixture
def amazon(monkeypatch):
    """Amazon, which is an emulator inside of boto3, with a bucket; no endpoint is set."""
    import boto3
    from moto import mock_aws

    variables = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="bucket")
        yield


def sent_by(write):
    """Return ``(operation, url, headers, body)`` of each request that *write* makes."""
    sent, events = [], boto3_client().meta.events

    def note(request, event_name, **_):
        headers = {
            name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
        }
        sent.append((event_name.rpartition(".")[2], request.url, headers, request.body))

    events.register_first("before-send.s3", note)
    try:
        write()
    finally:
        events.unregister("before-send.s3", note)
    return sent


def checksums(headers):
    """Return what the headers say of checksums, and whether trailers come."""
    return {
        name.lower().removeprefix("x-amz-"): value
        for name, value in headers.items()
        if "checksum" in name.lower() or "trailer" in name.lower()
    }


def encoded(crc32):
    return base64.b64encode(crc32.to_bytes(4, "big")).decode()


def test_a_small_file_has_its_sha256_at_amazon(amazon):
    """A single put carries the digest that is in the receipt; there is no trailer, and the body is plain."""
    storage = Storage(get_client("s3://bucket/x"))
    [(operation, url, headers, body)] = sent_by(lambda: storage.write("a.txt", "text"))

    digest = base64.b64encode(hashlib.sha256(b"text").digest()).decode()
    assert (operation, url) == ("PutObject", "https://bucket.s3.amazonaws.com/x/a.txt")
    assert checksums(headers) == {"checksum-sha256": digest}
    assert headers["X-Amz-Content-SHA256"] == hashlib.sha256(b"text").hexdigest()
    assert (body, headers["Content-Length"]) == (b"text", "4")


def test_a_large_file_has_one_crc32_at_amazon(amazon):
    """Each part carries its CRC-32, and the whole that of all bytes, which Amazon compares and keeps."""
    storage = Storage(get_client("s3://bucket/x"))
    sent = sent_by(lambda: storage.write("large.bin", CONTENT))

    said = [(operation, checksums(headers)) for operation, _, headers, _ in sent]
    parts = [CONTENT[start : start + PART_BYTES] for start in range(0, len(CONTENT), PART_BYTES)]
    assert said == [
        ("CreateMultipartUpload", {"checksum-algorithm": "CRC32", "checksum-type": "FULL_OBJECT"}),
        *(("UploadPart", {"checksum-crc32": encoded(zlib.crc32(part))}) for part in parts),
        (
            "CompleteMultipartUpload",
            {"checksum-crc32": encoded(zlib.crc32(CONTENT)), "checksum-type": "FULL_OBJECT"},
        ),
    ]
    assert storage.read_bytes("large.bin") == CONTENT


@pytest.mark.parametrize("wanted", ["when_supported", "when_required"])
def test_what_the_user_says_of_checksums_rules(amazon, monkeypatch, wanted):
    """With ``AWS_REQUEST_CHECKSUM_CALCULATION`` set, boto3 does what it says and nothing is added."""
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", wanted)
    storage = Storage(get_client("s3://bucket/x"))
    [(_, _, headers, _)] = sent_by(lambda: storage.write("a.txt", "text"))
    sent = sent_by(lambda: storage.write("large.bin", CONTENT))

    assert "checksum-sha256" not in checksums(headers)
    assert ("trailer" in checksums(headers)) == (wanted == "when_supported")
    assert not any("checksum-type" in checksums(headers) for _, _, headers, _ in sent)
    assert storage.read_bytes("large.bin") == CONTENT


def test_another_server_is_sent_no_checksums(small):
    """Neither with a small file nor with a large one; the signature covers every byte."""
    storage = Storage(get_client("s3://bucket/x"))
    storage.write("a.txt", "text")
    storage.write("large.bin", CONTENT)

    assert [checksums(headers) for _, _, headers in small.requests] == [{}] * 6
    parts = [headers for method, path, headers in small.requests if "partNumber=1" in path]
    assert [headers["X-Amz-Content-SHA256"] for headers in parts] == [
        hashlib.sha256(CONTENT[:PART_BYTES]).hexdigest()
    ]

"""The S3 client is configured by the environment alone, and there is one connection per process."""

import os

import pytest

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.s3 import connection
from core.clients.persistient_storage.s3.connection import boto3_client
from core.testing.together import at_once, in_child


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

"""Links to objects: for how long, under what name, and only as they were made."""

import time
import urllib.error
import urllib.request
from urllib.parse import parse_qs, urlsplit

import pytest

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import UnsupportedOperation

NAME = 'feeds "ü", 2026;.csv'


def fetched(link):
    with urllib.request.urlopen(link, timeout=10) as answer:
        return answer.read(), answer.headers


def is_open(link):
    try:
        return bool(fetched(link))
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != 403:
            raise
        return False


@pytest.mark.s3
def test_a_link_gives_the_file_under_its_name(weed_server):
    """To whoever has it, with the content type it was stored with, and a name for browsers whatever that holds."""
    storage = Storage(get_client(f"s3://{weed_server.new_bucket()}/a b/ü"))
    storage.write("a+b.csv", "one,two\r\n")
    body, headers = fetched(storage.presign("a+b.csv", 60, download_name=NAME))

    assert body == b"one,two\r\n"
    assert headers["Content-Type"] == "text/csv; charset=utf-8"
    assert headers["Content-Disposition"] == (
        "attachment; filename=\"feeds ___, 2026;.csv\"; filename*=UTF-8''feeds%20%22%C3%BC%22%2C%202026%3B.csv"
    )


@pytest.mark.s3
@pytest.mark.parametrize(
    ("written", "tampered"),
    [("X-Amz-Expires=60", "X-Amz-Expires=600"), ("a.csv", "b.csv"), ("filename", "filenames")],
)
def test_a_link_that_was_tampered_with_is_refused(weed_server, written, tampered):
    """A longer life, another file, another name: the signature covers all of them."""
    storage = Storage(get_client(f"s3://{weed_server.new_bucket()}/x"))
    storage.write("a.csv", "one")
    storage.write("b.csv", "secret")
    link = storage.presign("a.csv", 60, download_name="c.csv")
    assert written in link
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetched(link.replace(written, tampered, 1))
    caught.value.close()

    assert caught.value.code == 403


@pytest.mark.s3
def test_a_link_dies(weed_server):
    """When its time is over, the server refuses it."""
    storage = Storage(get_client(f"s3://{weed_server.new_bucket()}/x"))
    storage.write("a.csv", "one")
    link = storage.presign("a.csv", 10)  # longer than a busy machine takes until it asks
    assert is_open(link)
    deadline = time.monotonic() + 60
    while is_open(link) and time.monotonic() < deadline:
        time.sleep(0.2)

    assert not is_open(link)


@pytest.mark.parametrize("seconds", [0, -1, 7 * 24 * 3600 + 1])
def test_a_life_that_no_server_grants_is_refused(small, seconds):
    """From one second to seven days; boto3 would make a link that never works."""
    with pytest.raises(UnsupportedOperation, match="from 1 second to 7 days"):
        Storage(get_client("s3://bucket/x")).presign("a.csv", seconds)


def test_a_link_is_made_without_asking(small):
    """In the signature of today's servers, for the server and the region that are set."""
    link = Storage(get_client("s3://bucket/x")).presign("a.csv", 7 * 24 * 3600)
    query = parse_qs(urlsplit(link).query)

    assert small.requests == []
    assert link.startswith(f"{small.url}/bucket/x/a.csv?")
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Expires"] == ["604800"]
    assert "/us-east-1/s3/aws4_request" in query["X-Amz-Credential"][0]


def test_a_link_of_temporary_credentials_carries_their_token(small, monkeypatch):
    """Without it the link would not work; with the token's own end the link's life ends too."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a-token")
    link = Storage(get_client("s3://bucket/x")).presign("a.csv", 60)

    assert parse_qs(urlsplit(link).query)["X-Amz-Security-Token"] == ["a-token"]

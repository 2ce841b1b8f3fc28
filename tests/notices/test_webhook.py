"""Notices to a webhook: a real server, plain and with TLS, that takes, refuses, moves, hangs or is not there."""

import base64
import socket
import time
from contextlib import closing

import pytest
from notices_of_tests import PLAIN, notice
from ports import free_port
from receivers import hooks

from core.errors import ConfigError, NotTold
from core.notices.channels import webhook
from core.notices.channels.webhook import Webhook


def test_what_is_sent(hook):
    """An object that says all, and headers that say when, and which notice it is."""
    Webhook(f"{hook.url}/path?a=b", "", "here", clock_s=lambda: 1_790_000_006.9).tell(PLAIN)

    (posted,) = hook.posted
    assert "/path?a=b" == posted.path
    assert {
        "id": "5f0c",
        "installation": "here",
        "kind": "held",
        "subject": "x",
        "state": "held",
        "since": "2026-09-21T14:13:20Z",
        "at": "2026-09-21T14:13:25Z",
        "title": "x is held",
        "message": "The list x is held.",
        "advice": ["yetictl export release x --reason TEXT"],
        "detail": {"entries": 2},
        "follows": "",
    } == posted.json
    assert "application/json; charset=utf-8" == posted.headers["Content-Type"]
    assert ("5f0c", "1790000006") == (posted.headers["Idempotency-Key"], posted.headers["X-Yeti-Timestamp"])
    assert None is posted.headers["X-Yeti-Signature"]


def test_it_is_signed_with_the_secret(hook):
    """Whoever has the secret can tell that it is ours, and nobody else's."""
    Webhook(hook.url, "a secret of ours", "hüben").tell(notice(message="grün 💥"))

    (posted,) = hook.posted
    assert posted.is_signed_by("a secret of ours")
    assert not posted.is_signed_by("another")
    assert "grün 💥" == posted.json["message"]


def test_user_and_password_of_the_address_are_a_header(hook):
    """They are not sent as part of the address, and not shown."""
    made = Webhook(hook.url.replace("//", "//ann:s%3Acret@"), "", "here")
    made.tell(PLAIN)

    assert "Basic " + base64.b64encode(b"ann:s:cret").decode() == hook.posted[0].headers["Authorization"]
    assert hook.url == made.place


@pytest.mark.parametrize(
    ("status", "is_refusal"), [(400, True), (401, True), (404, True), (408, False), (429, False), (500, False)]
)
def test_a_status_that_is_no_yes(hook, status, is_refusal):
    """What the server does not want is refused; what it cannot take now is tried again before anything else."""
    hook.statuses.append(status)

    with pytest.raises(NotTold, match=f"answered {status} ") as caught:
        Webhook(f"{hook.url}/a-secret-path", "", "here").tell(PLAIN)
    assert is_refusal == caught.value.is_refusal
    assert "a-secret-path" not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(hook, status):
    """What is sent goes nowhere but where it was to go."""
    with hooks() as elsewhere:
        hook.statuses.append(status)
        hook.headers["Location"] = elsewhere.url

        with pytest.raises(NotTold, match="redirects are not followed"):
            Webhook(hook.url, "s", "here").tell(PLAIN)
        assert [] == elsewhere.posted


def test_a_server_that_is_not_there():
    """In words, with the name of the host alone."""
    port = free_port()

    with pytest.raises(NotTold) as caught:
        Webhook(f"http://ann:secret@127.0.0.1:{port}/T000/secret", "", "here").tell(PLAIN)
    assert f"the webhook at http://127.0.0.1:{port} was not reached: Connection refused" == str(caught.value)
    assert not caught.value.is_refusal


def test_a_server_that_hangs(monkeypatch):
    """Nobody answers: it ends after the time-out."""
    monkeypatch.setattr(webhook, "TIMEOUT_S", 0.3)
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        began = time.monotonic()
        with pytest.raises(NotTold, match=r"no answer within 0\.3 s"):
            Webhook(f"http://127.0.0.1:{server.getsockname()[1]}", "", "here").tell(PLAIN)

    assert time.monotonic() - began < 5


def test_certificates_are_checked(certificate, monkeypatch):
    """One that nobody vouches for is refused; ``SSL_CERT_FILE`` says who may."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with hooks(certificate) as hook:
        with pytest.raises(NotTold, match=r"its certificate is not trusted .*SSL_CERT_FILE"):
            Webhook(hook.url, "", "here").tell(PLAIN)
        assert [] == hook.posted

        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        Webhook(hook.url, "", "here").tell(PLAIN)
        assert 1 == len(hook.posted)


def test_a_proxy_of_the_environment_is_used(hook, monkeypatch):
    """``http_proxy`` leads there, ``no_proxy`` does not; the proxy of this test takes what it is sent for itself."""
    monkeypatch.setenv("http_proxy", hook.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    Webhook("http://hooks.example.org/yeti", "", "here").tell(PLAIN)
    assert ["http://hooks.example.org/yeti"] == [posted.path for posted in hook.posted]

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with hooks() as direct:
        Webhook(direct.url, "", "here").tell(PLAIN)
        assert 1 == len(direct.posted)


@pytest.mark.parametrize(
    "url",
    ["hooks.example.org", "ftp://x/", "https://", "https://x:99999/", "https://x/ y", "https://bücher.example"],
)
def test_what_is_no_address(url):
    """Found out at the start; what was given is not shown, since it may be a secret."""
    with pytest.raises(ConfigError, match=r"notify\.webhook_url must be an address such as") as caught:
        Webhook(url, "", "here")
    assert "secret" not in str(caught.value)

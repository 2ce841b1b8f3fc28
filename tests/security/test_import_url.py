"""Importing by a URL through the API."""

from collections.abc import Callable, Iterator

import pytest
from served import Api
from web import Web, serving

from core.store import audit, observables

PATH = "/api/v2/observables/import/url"


@pytest.fixture
def web() -> Iterator[Web]:
    """A server of a feed on loopback."""
    with serving() as web:
        web.answers["/feed.txt"] = lambda ask: ask.send(200, b"# ours\n198.51.100.7\nhxxp://evil[.]example/x\n")
        yield web


@pytest.fixture
def allowing(make_api: Callable[..., Api], monkeypatch: pytest.MonkeyPatch) -> Api:
    """An installation that may fetch from loopback."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return make_api(api_import_networks="127.0.0.1")


def test_admin_imports_by_url(allowing: Api, web: Web) -> None:
    """With tags; the answer is as of a text that was sent, and the record says who did it."""
    with allowing.client("admin") as admin:
        answer = admin.post(PATH, json={"url": web.url("/feed.txt", "127.0.0.1"), "tags": ["c2"]})

    assert 200 == answer.status_code, answer.text
    assert {"added", "failed"} == answer.json().keys()
    assert ["198.51.100.7", "http://evil.example/x"] == sorted(item["value"] for item in answer.json()["added"])
    with allowing.services.store() as store:
        assert {"ipv4": 1, "url": 1} == observables.count(store)
        (entry,) = audit.entries(store, action="observable")
    assert "admin (key 0)" == entry.actor


@pytest.mark.parametrize("role", ["reader", "editor"])
def test_nobody_else_does(allowing: Api, web: Web, role: str) -> None:
    """Nothing is asked for them."""
    with allowing.client(role) as client:
        answer = client.post(PATH, json={"url": web.url("/feed.txt", "127.0.0.1")})

    assert (403, []) == (answer.status_code, web.asked)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "2130706433"])
def test_this_machine_is_not_asked_by_default(api: Api, web: Web, host: str) -> None:
    """Nor a neighbour, nor what tells a machine its credentials; the refusal has nothing that was found out."""
    with api.client("admin") as admin:
        answer = admin.post(PATH, json={"url": web.url("/feed.txt", host)})

    assert (422, []) == (answer.status_code, web.asked)


def test_file_over_the_bound_is_refused(make_api: Callable[..., Api], web: Web) -> None:
    """The bound is that of what is sent."""
    web.answers["/big.txt"] = lambda ask: ask.send(200, b"198.51.100.7\n" * 100_000)
    with make_api(api_import_networks="127.0.0.1", api_max_upload_mib="1").client("admin") as admin:
        answer = admin.post(PATH, json={"url": web.url("/big.txt", "127.0.0.1")})

    assert 413 == answer.status_code
    assert "api.max_upload_mib" in answer.json()["detail"]


def test_compressed_file_is_refused(allowing: Api, web: Web) -> None:
    """It is not unpacked: what it unfolds to nobody knows."""
    web.answers["/feed.zip"] = lambda ask: ask.send(200, b"PK\x03\x04" + bytes(100))
    with allowing.client("admin") as admin:
        answer = admin.post(PATH, json={"url": web.url("/feed.zip", "127.0.0.1")})

    assert (422, True) == (answer.status_code, "compressed (zip)" in answer.json()["detail"])

"""Much JSON at once: understood as little of it is, and nobody waits for that."""

import asyncio
import gc
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from hypothesis import given
from hypothesis import strategies as st
from served import Api

from core.api import json_in_parts
from core.api.routing import LARGE_BYTES, LargeBodyRoute
from core.api.serving import settle

BULK = "/api/v2/observables/bulk"
TEXT = "/api/v2/observables/import/text"
MIB = 1 << 20
STALL_S = 0.5


def _asked(api: Api, ask: Callable[[httpx.AsyncClient], Awaitable[Any]]) -> tuple[Any, float]:
    """Ask within the loop that answers; return what came, and for how long at most nobody else was answered.

    That is told in seconds that this process worked meanwhile: how long others had the machine is not its fault.
    """

    async def beat(stalls: list[float]) -> None:
        while True:
            before = time.process_time()
            await asyncio.sleep(0.005)
            stalls.append(time.process_time() - before)

    async def both() -> tuple[Any, float]:
        stalls: list[float] = []
        transport = httpx.ASGITransport(app=api.app)
        headers = {"Authorization": f"Bearer {api.key('editor')}", "Content-Type": "application/json"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://x", headers=headers, timeout=300
        ) as client:
            heart = asyncio.ensure_future(beat(stalls))
            found = await ask(client)
            heart.cancel()
        return found, max(stalls)

    return asyncio.run(both())


def _bulk(**more: object) -> bytes:
    """Some 7 MB of observables; one of a hundred is an address, so that the store is not what takes long."""
    items = [
        {"value": f"198.18.{n // 25600}.{n // 100 % 256}" if not n % 100 else f"198.{n}", "type": "ipv4"}
        | {"tags": ["c2", "bad"]}
        | more
        for n in range(105_000)
    ]
    return json.dumps({"observables": items}).encode()


@pytest.fixture
def settled() -> Iterator[None]:
    """What is loaded is out of the collector's way, as it is where the server runs."""
    settle()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("kind", ["bulk", "text", "refused", "with U+0000", "no JSON"])
def test_others_are_answered_while_much_is_taken_in(api: Api, kind: str) -> None:
    """7 MB take seconds; the loop stands still for half of one at most, whatever becomes of them."""
    body, path, status = {
        "bulk": (_bulk(), BULK, 200),
        "text": (json.dumps({"text": f"http://c2.example/{'a/' * 200}\n" * (7 * MIB // 419)}).encode(), TEXT, 200),
        "refused": (_bulk(more=1), BULK, 422),
        "with U+0000": (_bulk(tags=["a\0"]), BULK, 422),
        "no JSON": (_bulk()[:-1], BULK, 422),
    }[kind]
    answer, stall_s = _asked(api, lambda client: client.post(path, content=body))

    assert status == answer.status_code, answer.text[:500]
    assert stall_s < STALL_S


@pytest.mark.parametrize("role", ["editor", "reader"])
@pytest.mark.parametrize(
    "body",
    [
        {"observables": [], "more": 1},
        {"observables": [{"value": "1.1.1.1", "type": "ipv4", "tags": ["\0"]}]},
        {"observables": [{"value": "1.1.1.1", "type": "none such"}] * 3},
        {"observables": 1},
        [1, 2],
        None,
        {"observables": [{"value": "\ud800", "type": "ipv4"}, {"value": "1.1.1.1", "type": "ipv4"}]},
    ],
)
def test_much_is_answered_as_little_is(api: Api, body: object, role: str) -> None:
    """With the same words, and to the same people."""
    with api.client(role) as client:
        client.headers["Content-Type"] = "application/json"
        little = client.post(BULK, content=json.dumps(body).encode())
        much = client.post(BULK, content=json.dumps(body).encode() + b" " * LARGE_BYTES)

    assert (little.status_code, little.json()) == (much.status_code, much.json())
    assert 400 <= little.status_code < 500 or role == "editor"


@pytest.mark.parametrize("body", [b"{", b'{"observables": [', b"\xff", b"[" * 100_000])
def test_much_that_is_no_json_is_answered_as_little_is(api: Api, body: bytes) -> None:
    """Where it breaks, or that it cannot be read."""
    with api.client("editor") as client:
        client.headers["Content-Type"] = "application/json"
        little = client.post(BULK, content=body)
        much = client.post(BULK, content=b" " * LARGE_BYTES + body)

    assert little.status_code == much.status_code
    said = [
        detail if isinstance(detail, str) else [(item["type"], item["msg"]) for item in detail]
        for detail in (little.json()["detail"], much.json()["detail"])
    ]
    assert said[0] == said[1]


def test_all_routes_that_take_json_take_much_of_it(api: Api) -> None:
    """A new one is not forgotten."""
    routes = [context.original_route for context in iter_route_contexts(api.app.routes)]
    taking = [route for route in routes if isinstance(route, APIRoute) and route.body_field is not None]

    assert len(taking) > 20
    assert [] == [route.path for route in taking if not isinstance(route, LargeBodyRoute)]


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(_json, st.sampled_from([None, 1, "\t"]), st.sampled_from(["utf-8", "utf-16", "utf-32"]))
def test_parts_are_read_as_the_whole(value: Any, indent: Any, encoding: str) -> None:
    """What the standard library reads, whatever it is and however it is written."""
    data = json.dumps(value, indent=indent).encode(encoding)

    assert repr(json.loads(data)) == repr(json_in_parts.loads(data))


@given(st.text(alphabet='[]{}:,"ab1 \\u0\n-.eE'))
def test_what_is_no_json_is_none_in_parts(text: str) -> None:
    """At the same place, for the same reason."""

    def said(loads: Callable[[bytes], Any]) -> str:
        try:
            return repr(loads(text.encode()))
        except json.JSONDecodeError as error:
            return str(error)

    assert said(json.loads) == said(json_in_parts.loads)

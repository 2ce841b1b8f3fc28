"""What is too much: refused before it is read, or at the bound; never in memory."""

import asyncio
import io
import socket
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import httpx
import pytest
from served import PASSWORD, Api

from core.api import lingering
from core.api.access import MOST_LENT
from core.store import Store, observables

FILE = "/api/v2/observables/import/file"
TEXT = "/api/v2/observables/import/text"
GIB = 1 << 30


def _asked(
    api: Api, head: str, chunks: Iterable[bytes] = (), *, key: str | None = None, pause_s: float = 0.0001
) -> tuple[int, int]:
    """Send a request by hand until there is an answer; return its status, and how many bytes of the body were sent.

    It is sent with *key*, with that of an admin if it is left out, with none if it is empty; after each chunk it is
    waited for the answer for *pause_s*.
    """
    parts = urlsplit(api.url)
    key = api.key("admin") if key is None else key
    sent, body = 0, iter(chunks)
    with closing(socket.create_connection((parts.hostname, parts.port), timeout=30)) as connection:
        credentials = f"Authorization: Bearer {key}\r\n" if key else ""
        lines = f"{head}\r\nHost: x\r\n{credentials}\r\n"
        connection.sendall(lines.encode())
        connection.settimeout(0.05)
        answer = b""
        until = time.monotonic() + 60
        while b"\r\n" not in answer and time.monotonic() < until:
            try:
                answer += connection.recv(65_536)
                if not answer:
                    return 0, sent
            except TimeoutError:
                chunk = next(body, b"")
                try:
                    connection.settimeout(30)
                    connection.sendall(chunk)
                    sent += len(chunk)
                except OSError:
                    pass
                connection.settimeout(pause_s if chunk else 0.05)
    return int(answer.split()[1]), sent


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        (FILE, "multipart/form-data; boundary=x"),
        (TEXT, "application/json"),
        ("/api/v2/exports/plan", "application/json"),
        ("/api/v2/auth/token", "application/x-www-form-urlencoded"),
    ],
)
def test_upload_of_5_gib_is_refused_before_a_byte(api: Api, path: str, media_type: str) -> None:
    """Its length is said first, and nobody has to send it."""
    head = f"POST {path} HTTP/1.1\r\nContent-Type: {media_type}\r\nContent-Length: {5 * GIB}"

    assert (413, 0) == _asked(api, head)


@pytest.mark.parametrize("key", ["", f"yeti_00000000_{'x' * 43}", "a.b.c"])
@pytest.mark.parametrize("length", ["Content-Length: 1048576", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("path", [FILE, TEXT, "/api/v2/observables/bulk", "/api/v2/exports/plan"])
def test_much_of_somebody_unknown_is_not_read(api: Api, path: str, length: str, key: str) -> None:
    """To take JSON apart stops all else for a while: nobody can have that done without being let in."""
    head = f"POST {path} HTTP/1.1\r\nContent-Type: application/json\r\n{length}"

    assert (401, 0) == _asked(api, head, key=key)


@pytest.mark.parametrize("length", ["Content-Length: 1048576", "Transfer-Encoding: chunked"])
def test_a_login_is_short(api: Api, length: str) -> None:
    """What anybody may send is bounded far below what is taken of users."""
    head = f"POST /api/v2/auth/token HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n{length}"
    status, sent = _asked(
        api, head, (b"10000\r\n" + b"x" * 65_536 + b"\r\n" for _ in range(8)), key="", pause_s=0.5
    )

    assert 413 == status
    assert sent <= 4 * 65_552


def test_much_of_a_user_is_read(api: Api) -> None:
    """By key, by token, and by cookie, with a length and without."""
    body = {"text": "198.51.100.7\n" * 20_000}
    with api.client("editor") as editor:
        answers = [editor.post(TEXT, json=body)]
        content = editor.build_request("POST", TEXT, json=body).content
        answers.append(editor.post(TEXT, content=iter([content]), headers={"Content-Type": "application/json"}))
        del editor.headers["Authorization"]
        editor.post("/api/v2/auth/token", data={"username": "editor", "password": PASSWORD})
        answers.append(editor.post(TEXT, json=body))

    assert [200] * 3 == [answer.status_code for answer in answers]


@pytest.mark.parametrize("coding", ["gzip", "zstd, gzip", "nonsense"])
def test_what_comes_compressed_is_refused(api: Api, coding: str) -> None:
    """In words, and not taken for what it says unpacked, nor for nonsense; ``identity`` is as it is."""
    with api.client("admin") as client:
        packed = client.post(
            TEXT, content=zlib.compress(b'{"text": "1.1.1.1"}'), headers={"Content-Encoding": coding}
        )
        plain = client.post(TEXT, json={"text": "1.1.1.1"}, headers={"Content-Encoding": coding})
        ours = client.put("/api/v2/exports/definitions/x", json={}, headers={"Content-Encoding": coding})
        as_it_is = client.post(TEXT, json={"text": "1.1.1.1"}, headers={"Content-Encoding": "Identity"})

    assert [415, 415, 415, 200] == [answer.status_code for answer in (packed, plain, ours, as_it_is)]
    assert "send it as it is" in plain.json()["detail"]
    assert ("application/problem+json", "identity") == (
        ours.headers["content-type"],
        ours.headers["accept-encoding"],
    )


def test_upload_without_a_length_is_refused_at_the_bound(make_api: Callable[..., Api]) -> None:
    """However much would come: what was read is not much more than the bound."""
    api = make_api(api_max_upload_mib="1")

    def chunks() -> Iterator[bytes]:
        block = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        for _ in range(5 * GIB // 65_536):
            yield block

    head = f"POST {TEXT} HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked"
    status, sent = _asked(api, head, chunks())

    assert 413 == status
    assert sent < 64 << 20


def _trickled(api: Api, path: str, piece: bytes, pieces: int, every_s: float, *, key: str) -> tuple[int, float]:
    """Send a body piece by piece, until it is all there or there is an answer; its status, and when it came."""
    parts = urlsplit(api.url)
    body = piece * pieces
    credentials = f"Authorization: Bearer {key}\r\n" if key else ""
    kind = "application/x-www-form-urlencoded" if path.endswith("/token") else "application/json"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\n{credentials}Content-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with closing(socket.create_connection((parts.hostname, parts.port), timeout=30)) as connection:
        connection.sendall(head.encode())
        began = time.monotonic()
        for _ in range(pieces):
            connection.sendall(piece)
            connection.settimeout(every_s)
            try:
                answer = connection.recv(100)
                break
            except TimeoutError:
                connection.settimeout(60)
        else:
            answer = connection.recv(100)
        return int(answer.split()[1]), time.monotonic() - began


@pytest.mark.parametrize("path", [TEXT, "/api/v2/auth/token", "/api/v2/exports/plan"])
def test_a_body_that_trickles_is_ended(make_api: Callable[..., Api], path: str) -> None:
    """With 408, when its time is over; whoever sends a byte now and then keeps nothing open, known or not."""
    api = make_api(api_upload_grace_s="2")
    key = "" if path.endswith("token") else api.key("editor")
    status, took_s = _trickled(api, path, b" ", 600, 0.1, key=key)

    assert 408 == status
    assert 2 <= took_s < 20


def test_a_slow_link_is_not_turned_away(make_api: Callable[..., Api]) -> None:
    """What comes faster than a KiB a second may take longer than any time that is set."""
    api = make_api(api_upload_grace_s="1")
    status, took_s = _trickled(api, TEXT, b" " * 1_200, 8, 0.4, key=api.key("editor"))

    assert 422 == status
    assert took_s > 2


def test_header_without_end_is_refused(api: Api) -> None:
    """A long line, and many of them; others are served meanwhile."""
    parts = urlsplit(api.url)
    with closing(socket.create_connection((parts.hostname, parts.port), timeout=30)) as connection:
        received = b"no answer"
        try:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
            for _ in range(64):
                connection.sendall(b"y" * 65_536)
            received = connection.recv(1_000)
        except OSError:
            received = b""
        with api.client(None) as client:
            alive = client.get("/openapi.json").status_code

    assert 200 == alive
    assert b" 200 " not in received


@pytest.mark.parametrize("key", ["made-up", "right"])
def test_requests_at_once_keep_few_stores_open(api: Api, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """However many ask, known or not: each store is a connection to the database."""
    opened: list[Store] = []
    closed: list[Store] = []
    open_store, close = api.services.open_store, Store.close

    def counted() -> Store:
        opened.append(open_store())
        return opened[-1]

    def counted_close(store: Store) -> None:
        if store in opened:
            closed.append(store)
            most.append(len(opened) - len(closed))
        close(store)

    most: list[int] = []
    text = api.key() if key == "right" else f"yeti_00000000_{'x' * 43}"
    monkeypatch.setattr(api.services, "open_store", counted)
    monkeypatch.setattr(Store, "close", counted_close)

    async def ask() -> list[int]:
        transport = httpx.ASGITransport(app=api.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x", timeout=60) as client:
            client.headers["Authorization"] = f"Bearer {text}"
            answers = await asyncio.gather(*(client.get("/api/v2/auth/me") for _ in range(150)))
        return [answer.status_code for answer in answers]

    statuses = asyncio.run(ask())

    assert {200 if key == "right" else 401} == set(statuses)
    assert max(most, default=len(opened)) <= MOST_LENT
    assert len(opened) - len(closed) <= 8


def test_a_store_is_given_back_before_the_answer_is_sent(api: Api) -> None:
    """Whoever reads slowly holds no connection to the database."""
    lent: list[int] = []
    number = 0

    @contextmanager
    def counted() -> Iterator[Store]:
        nonlocal number
        with lend() as store:
            number += 1
            try:
                yield store
            finally:
                number -= 1

    lend, api.services.store = api.services.store, counted  # type: ignore[method-assign]
    headers = [(b"authorization", f"Bearer {api.key()}".encode())]
    scope = {"type": "http", "method": "GET", "path": "/api/v2/auth/me", "query_string": b"", "headers": headers}

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: object) -> None:
        lent.append(number)

    asyncio.run(api.app(scope | {"raw_path": b"", "scheme": "http", "server": ("x", 80)}, receive, send))

    assert [0, 0] == lent


def _bomb(kind: str) -> bytes:
    """Return some kilobytes that would be 100 MiB."""
    if kind == "zip":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("feed.txt", "w") as file:
            for _ in range(100):
                file.write(b"198.51.100.1\n" * 80_000)
        return packed.getvalue()
    packer = zlib.compressobj(wbits=31)
    return b"".join(packer.compress(b"0" * (1 << 20)) for _ in range(100)) + packer.flush()


@pytest.mark.parametrize("kind", ["zip", "gzip"])
def test_bombs_are_not_unpacked(api: Api, kind: str) -> None:
    """A compressed file is refused in words, and so is a body that says it is compressed."""
    bomb = _bomb(kind)
    with api.client("admin") as admin:
        file = admin.post(FILE, files={"file": ("feed.txt", bomb)})
        body = admin.post(
            TEXT, content=_bomb("gzip"), headers={"Content-Encoding": "gzip", "Content-Type": "application/json"}
        )

    assert (422, True) == (file.status_code, f"compressed ({kind})" in file.text)
    assert 415 == body.status_code
    with api.services.store() as store:
        assert {} == observables.count(store)


def test_parts_of_a_form_are_bounded(api: Api) -> None:
    """Ten thousand fields in little space are refused, as are parts without an end."""
    boundary = "x"
    part = f'--{boundary}\r\nContent-Disposition: form-data; name="tags"\r\n\r\na\r\n'
    with api.client("admin") as admin:
        answer = admin.post(
            FILE,
            content=part.encode() * 20_000,
            headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
        )

    assert 400 <= answer.status_code < 500


def test_who_sends_on_hears_why_it_was_refused(api: Api) -> None:
    """The connection is not reset under whoever still sends, as proxies do, while the answer is there."""
    parts = urlsplit(api.url)
    body = b"username=" + b"x" * (11 << 20)
    head = f"POST /api/v2/auth/token HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    for _ in range(5):
        with closing(socket.create_connection((parts.hostname, parts.port), timeout=30)) as connection:
            connection.sendall(head.encode() + body)
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))
        assert b" 413 " in answer.partition(b"\r\n")[0]


def _lingered(chunks: Iterable[bytes], closes: bool = True) -> tuple[int, list[dict]]:
    """Answer at once while a body comes in chunks that never end; return how many were taken, and what was sent."""
    sent, taken = [], 0

    async def receive() -> dict:
        nonlocal taken
        chunk = next(chunks, None)
        if chunk is None:
            await asyncio.Event().wait()
        taken += 1
        return {"type": "http.request", "body": chunk, "more_body": True}

    async def send(message: dict) -> None:
        sent.append(message)

    async def answer() -> None:
        one = lingering.Lingering(receive, send)
        headers = [(b"connection", b"close")] if closes else []
        await one.send({"type": "http.response.start", "status": 413, "headers": headers})
        await one.send({"type": "http.response.body", "body": b"no"})

    chunks = iter(chunks)
    asyncio.run(answer())
    return taken, sent[1:]


def test_a_body_without_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that goes on for ever, nor one that stops; what was to be said is said before."""
    monkeypatch.setattr(lingering, "MOST_BYTES", 10)
    monkeypatch.setattr(lingering, "MOST_S", 0.1)
    said = {"type": "http.response.body", "body": b"no", "more_body": True}
    end = {"type": "http.response.body", "body": b"", "more_body": False}

    assert (5, [said, end]) == _lingered(b"xx" for _ in range(1_000))
    assert (1, [said, end]) == _lingered([b"x"])
    assert (0, [{"type": "http.response.body", "body": b"no"}]) == _lingered([b"x"], closes=False)

"""What is too much: refused before it is read, or at the bound; never in memory."""

import asyncio
import io
import logging
import re
import socket
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from urllib.parse import urlsplit

import httpx
import pytest
from served import PASSWORD, Api

from core.api import bounded_protocol, lingering
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
        began = time.monotonic()  # the server's time may begin before this thread goes on
        connection.sendall(head.encode())
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


def _dialogue(api: Api, head: bytes, piece: bytes) -> tuple[bytes, int]:
    """Send *head*, then *piece* now and again until there is an answer, or an end; return it, and how many."""
    parts = urlsplit(api.url)
    said, sent = b"", 0
    with closing(socket.create_connection((parts.hostname, parts.port), timeout=10)) as connection:
        with suppress(ConnectionError):
            connection.sendall(head)
            connection.settimeout(0.02)
            while sent < 500:
                connection.sendall(piece)
                sent += 1
                with suppress(TimeoutError):
                    said = connection.recv(1_000)
                    break
        with suppress(ConnectionError):
            connection.settimeout(10)
            said = said or connection.recv(1_000)
    return said.partition(b"\r\n")[0], sent


CHUNKED = (
    b"POST /api/v2/auth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"
)


@pytest.mark.parametrize(
    ("head", "piece", "answer"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"y" * 4_096, b"HTTP/1.1 431 Request Header Fields Too Large"),
        (b"GET / HTTP/1.1\r\n", b"x: y\r\n" * 1_000, b"HTTP/1.1 431 Request Header Fields Too Large"),
        (b"GET /", b"y" * 4_096, b"HTTP/1.1 431 Request Header Fields Too Large"),
        (CHUNKED + b"0\r\n", b"x: y\r\n" * 1_000, b""),
    ],
    ids=["a line", "lines", "a path", "lines behind a body"],
)
def test_what_is_no_body_has_a_size(api: Api, head: bytes, piece: bytes, answer: bytes) -> None:
    """It is kept until it is whole, of whomever it comes: 64 KiB are enough; others are served meanwhile."""
    said, sent = _dialogue(api, head, piece)
    with api.client(None) as client:
        alive = client.get("/openapi.json").status_code

    assert answer == said
    assert sent * len(piece) < 1 << 20
    assert 200 == alive


@pytest.mark.parametrize("pause_s", [0.0, 0.2])
def test_a_header_that_is_too_large_is_refused_however_it_comes(api: Api, pause_s: float) -> None:
    """In one read or in several, with a body behind it or without: the application has nothing of it."""
    parts = urlsplit(api.url)
    for method, length in (("GET", 0), ("POST", 5)):
        head = f"{method} /nowhere HTTP/1.1\r\nHost: x\r\nX: {'y' * 67_000}\r\nContent-Length: {length}\r\n\r\n"
        with closing(socket.create_connection((parts.hostname, parts.port), timeout=10)) as connection:
            connection.sendall(head.encode())
            time.sleep(pause_s)
            with suppress(ConnectionError):
                connection.sendall(b"x" * length)
            assert connection.recv(1_000).startswith(b"HTTP/1.1 431 ")


def test_what_stands_behind_a_refused_request_is_not_answered(
    api: Api, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither is it done: nobody would hear of it."""
    caplog.set_level(logging.INFO, "core.api.requests")
    monkeypatch.setattr(bounded_protocol, "MOST_BYTES", 1_000)  # both are in one read
    large = f"GET /nowhere HTTP/1.1\nHost: x\nX: {'y' * 1_100}\n\n"
    said = _raw(api, f"{large}GET /elsewhere HTTP/1.1\nHost: x\n\n", b"")

    with api.client(None) as client:
        client.get("/taxii2/")
    until = time.monotonic() + 10
    while not (asked := [vars(item)["path"] for item in caplog.records if "path" in vars(item)]):
        assert time.monotonic() < until
        time.sleep(0.01)

    assert [b"431"] == re.findall(rb"HTTP/1.1 (\d+) ", said)
    assert ["/taxii2/"] == asked


def test_a_header_of_sixty_kilobytes_is_taken(api: Api) -> None:
    """Again and again on a connection; a body behind it counts for nothing."""
    long = f"HTTP/1.1\nHost: x\nX: {'y' * 60_000}\n"
    form = "Content-Type: application/x-www-form-urlencoded\nContent-Length: 60000\nConnection: close\n"
    head = f"GET /nowhere {long}\n" * 3 + f"POST /api/v2/auth/token {long}{form}\n"

    assert [b"404"] * 3 + [b"422"] == re.findall(rb"HTTP/1.1 (\d+) ", _raw(api, head, b"x" * 60_000))


@pytest.mark.parametrize("head", [b"", b"GET / HTTP/1.1\r\nX: "], ids=["nothing", "a header"])
def test_what_is_no_body_has_a_time(api: Api, monkeypatch: pytest.MonkeyPatch, head: bytes) -> None:
    """However often a byte comes; a connection that said nothing hears nothing."""
    monkeypatch.setattr(bounded_protocol, "MOST_S", 1.0)
    parts = urlsplit(api.url)
    began = time.monotonic()
    with closing(socket.create_connection((parts.hostname, parts.port), timeout=10)) as connection:
        said = _end_of(connection, head)

    assert (b"HTTP/1.1 408 " if head else b"") == said[:13]
    assert 0.9 < time.monotonic() - began < 5


def _end_of(connection: socket.socket, head: bytes) -> bytes:
    """Send *head*, and a byte ten times a second if there is one, until there is an answer, or an end."""
    connection.sendall(head)
    connection.settimeout(0.1)
    for _ in range(100):
        try:
            return connection.recv(1_000)
        except TimeoutError:
            if head:
                connection.sendall(b"y")
    raise AssertionError("it is not ended")


def test_what_is_asked_for_may_take_longer(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that comes slowly, and a pause after the answer; the time of the next header is its own."""
    monkeypatch.setattr(bounded_protocol, "MOST_S", 0.5)
    parts = urlsplit(api.url)
    head = b"POST /api/v2/auth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    with closing(socket.create_connection((parts.hostname, parts.port), timeout=10)) as connection:
        for _ in range(2):
            connection.sendall(head + b"Content-Length: 4\r\n\r\n")
            for _ in range(4):
                time.sleep(0.3)
                connection.sendall(b"x")
            assert connection.recv(10_000).startswith(b"HTTP/1.1 422 ")
            time.sleep(1)
        assert _end_of(connection, b"GET / HTTP/1.1\r\nX: ").startswith(b"HTTP/1.1 408 ")


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


def _raw(api: Api, request: str, body: bytes) -> bytes:
    """Send a request and its body, however early it is answered, and return all that was answered."""
    parts = urlsplit(api.url)
    with closing(socket.create_connection((parts.hostname, parts.port), timeout=30)) as connection:
        connection.sendall(request.replace("\n", "\r\n").encode() + body)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.parametrize(
    ("path", "status"), [("/api/v2/auth/token", 413), ("/exports/x", 405), ("/nowhere", 404), (TEXT, 401)]
)
def test_who_sends_on_hears_why_it_was_refused(api: Api, path: str, status: int) -> None:
    """The connection is not reset under whoever still sends, as proxies do, while the answer is there."""
    body = b"username=" + b"x" * (11 << 20)
    kind = "application/x-www-form-urlencoded"
    for version in ("1.1", "1.0", "1.1\nConnection: close") * 2:
        head = f"POST {path} HTTP/{version}\nHost: x\nContent-Length: {len(body)}\nContent-Type: {kind}\n\n"
        said = _raw(api, head, body).partition(b"\r\n\r\n")[0].lower()
        assert f" {status} ".encode() in said.partition(b"\r\n")[0]
        assert b"\r\nconnection: close" in said


@pytest.mark.parametrize("path", ["/exports/x", "/nowhere", "/healthz", "/api/v2/nowhere"])
def test_what_is_not_read_is_not_taken(api: Api, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Neither 5 GiB at full speed nor a byte now and then keeps a connection that was answered."""
    monkeypatch.setattr(lingering, "MOST_S", 0.5)
    parts = urlsplit(api.url)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {5 << 30}\r\n\r\n".encode()
    for piece, pause_s in ((b"x" * 65_536, 0.0), (b"x", 0.05)):
        with closing(socket.create_connection((parts.hostname, parts.port), timeout=10)) as connection:
            connection.sendall(head)
            began, sent = time.monotonic(), 0
            with suppress(ConnectionError):
                while time.monotonic() - began < 10:
                    connection.sendall(piece)
                    sent += len(piece)
                    time.sleep(pause_s)
        assert time.monotonic() - began < 5
        assert sent < 64 << 20  # what is taken, and what lies in the buffers of the system


def test_a_small_body_that_nobody_reads_costs_no_connection(api: Api) -> None:
    """Two such requests on one; who waits to be told to send a body is not told to."""
    parts = urlsplit(api.url)
    head = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
    with closing(socket.create_connection((parts.hostname, parts.port), timeout=10)) as connection:
        for _ in range(2):
            connection.sendall(head + b"\r\n{}")
            said = connection.recv(65_536)
            assert said.startswith(b"HTTP/1.1 404 ")
            assert b"connection: close" not in said.lower()
        connection.sendall(head + b"Expect: 100-continue\r\n\r\n")
        said = connection.recv(65_536)
    assert said.startswith(b"HTTP/1.1 404 ")
    assert b"connection: close" in said.lower()


START = {"type": "http.response.start", "status": 413}
NO = {"type": "http.response.body", "body": b"no"}
SAID, END = {**NO, "more_body": True}, {"type": "http.response.body", "body": b"", "more_body": False}


class Peer:
    """Sends a body in chunks, waiting before each; what happens is written down in order."""

    def __init__(self, *chunks: bytes | None, wait_s: float = 0.0, length: int = 100) -> None:
        """Keep what is sent; ``None`` is a disconnect, and after the last chunk nothing comes."""
        self._chunks, self._wait_s = iter(chunks), wait_s
        self.happened: list[object] = []
        self.scope = {"type": "http", "headers": [(b"content-length", str(length).encode())]}

    async def receive(self) -> dict:
        """Give the next chunk."""
        await asyncio.sleep(self._wait_s)
        chunk = next(self._chunks, b"")
        if chunk is None:
            self.happened.append("gone")
            return {"type": "http.disconnect"}
        if not chunk:
            await asyncio.Event().wait()
        self.happened.append(chunk)
        return {"type": "http.request", "body": chunk, "more_body": chunk != b"end"}

    async def send(self, message: dict) -> None:
        """Write it down."""
        self.happened.append(message)

    def answered(self, *messages: dict, reads: int = 0) -> list[object]:
        """Answer after so many chunks; return what happened, the first part of the answer as whether it closes."""

        async def answer() -> None:
            self.one = lingering.Lingering(self.scope, self.receive, self.send)
            for _ in range(reads):
                await self.one.receive()
            for message in ({**START, "headers": []}, *messages):
                await asyncio.wait_for(self.one.send(message), 10)

        asyncio.run(answer())
        return [
            ("start", item["headers"]) if isinstance(item, dict) and "headers" in item else item
            for item in self.happened
        ]


CLOSES, STAYS = ("start", [(b"connection", b"close")]), ("start", [])


def test_a_body_without_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that goes on for ever, nor one that stops, nor one that trickles; all is said before it is taken."""
    monkeypatch.setattr(lingering, "MOST_BYTES", 10)
    monkeypatch.setattr(lingering, "MOST_S", 1.0)
    monkeypatch.setattr(lingering, "SMALL_S", 0.0)

    assert [CLOSES, SAID, *[b"xx"] * 5, END] == Peer(*[b"xx"] * 1_000).answered(NO)
    assert [CLOSES, SAID, b"x", END] == Peer(b"x").answered(NO)
    slow = Peer(*[b"x"] * 100, wait_s=0.3)
    assert [CLOSES, SAID] == slow.answered(NO)[:2]
    assert len(slow.happened) <= 6
    assert 1.0 <= slow.one.waited_s < 5


def test_it_is_waited_only_for_what_may_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not after the body's end, nor when who sends is gone, nor where none was announced, nor before all is said."""
    monkeypatch.setattr(lingering, "SMALL_S", 0.0)

    assert [b"end", STAYS, NO] == Peer(b"end").answered(NO, reads=1)
    assert [STAYS, NO] == Peer(b"x", length=0).answered(NO)
    chunked = Peer(b"end")
    chunked.scope["headers"] = [(b"transfer-encoding", b"chunked")]
    assert [CLOSES, SAID, b"end", END] == chunked.answered(NO)
    gone = Peer(None)
    assert [CLOSES, SAID, "gone", END] == gone.answered(NO)
    assert gone.one.waited_s < 1
    assert [CLOSES, SAID, SAID, b"x", b"end", END] == Peer(b"x", b"end").answered(SAID, NO)
    monkeypatch.setattr(lingering, "SMALL_S", 0.2)
    assert [b"x", b"end", STAYS, NO] == Peer(b"x", b"end").answered(NO)

"""A proxy that makes a server fail: between a client under test and the real server.

    with Proxy() as proxy:
        address = proxy.to("http://127.0.0.1:8333")     # where the client is to go instead
        proxy.fault = Fault("stall", "put")
        ...

For ``http://`` it understands requests and hands them on as they are, ``Host`` included, so that signatures hold.
For any other address (``tcp://``, ``sftp://``) it hands on bytes and can only cut or stop them.
"""

import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import urlsplit

HTTP_KINDS = ("500", "503", "429", "reset", "stall", "short", "no-length")
"""What can go wrong with an answer; the last two only with one that has a body."""

TCP_KINDS = ("reset", "stall")
_LONGEST_STALL_S = 60
_PASSED_BYTES = 64 << 10
"""What a fault of a bare connection lets pass: a greeting and the first bytes of a file."""

_VERBS = {
    "put": ("PUT", "POST", "PATCH", "MOVE"),
    "get": ("GET",),
    "delete": ("DELETE",),
    "look": ("HEAD", "PROPFIND"),
}
_GET_THAT_LOOKS = re.compile(
    r"[?&](list-type|uploads|versions|prefix|delimiter|comp=list)\b"  # S3, Azure; Google's list
    r"|^/storage/v1/b/(?!.*[?&]alt=media)"  # Google: a description, not the bytes
)
_RESET = struct.pack("ii", 1, 0)  # closing a socket that lingers for no time sends RST


@dataclass
class Fault:
    """What is to go wrong.

    Attributes:
        kind: One of `HTTP_KINDS` or `TCP_KINDS`.
        on: ``put``: requests that write, bytes to the server.  ``get``: requests for a body, bytes from it.
            ``delete`` and ``look``, of HTTP only: requests that remove; that ask what there is, lists included.
        times: How often; None is for ever.
        after: How many such requests go well before.
    """

    kind: str
    on: Literal["put", "get", "delete", "look"]
    times: int | None = None
    after: int = 0

    def strikes(self, on: tuple[str, ...]) -> bool:
        """Say whether this request, which is all that *on* says, is hit; and count it."""
        if self.on not in on:
            return False
        if self.after:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
            return self.times >= 0
        return True


class Proxy:
    """Goes between one client and the servers of one test.

    Attributes:
        fault: What goes wrong now; nothing if it is None.
        requests: How many requests (of a bare connection: connections) there were.
        speaks_http: Whether `to` was given an ``http://`` address last.
    """

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self.requests = 0
        self.speaks_http = False
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._running = ExitStack()

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *_: object) -> None:
        self.fault = None
        self._stop.set()
        self._running.close()

    def to(self, address: str) -> str:
        """Return the address that leads to *address* (``http://host:port``, ``tcp://host:port``) through here."""
        parts = urlsplit(address)
        self.speaks_http = parts.scheme == "http"
        target = (parts.hostname or "127.0.0.1", parts.port or 80)
        running = _http(self, target) if self.speaks_http else _tcp(self, target)
        port = self._running.enter_context(running)
        return address.replace(parts.netloc.rpartition("@")[2], f"127.0.0.1:{port}", 1)

    def begin(self, *on: str) -> str:
        """Count a request, and return what is to go wrong with it; empty if nothing."""
        with self._lock:
            self.requests += 1
            return self.fault.kind if self.fault is not None and self.fault.strikes(on) else ""

    def stall(self) -> None:
        """Wait until the test is over, or for so long that every client must have given up."""
        self._stop.wait(_LONGEST_STALL_S)

    @property
    def is_over(self) -> bool:
        """Whether the test is over."""
        return self._stop.is_set()


@contextmanager
def _http(proxy: Proxy, target: tuple[str, int]) -> Iterator[int]:
    class Handler(_Handler):
        pass

    Handler.proxy, Handler.target = proxy, target
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with _served(server):
        yield server.server_port


@contextmanager
def _served(server: ThreadingHTTPServer) -> Iterator[None]:
    server.block_on_close = False  # a connection that is kept alive is not waited for
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """Hands one request on, or does what the fault says."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    proxy: Proxy
    target: tuple[str, int]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # whatever method: WebDAV has its own
            return self._relay
        raise AttributeError(name)

    def _relay(self) -> None:
        on = [on for on, verbs in _VERBS.items() if self.command in verbs]
        if self.command == "GET" and _GET_THAT_LOOKS.search(self.path):
            on.append("look")
        match fault := self.proxy.begin(*on):
            case "reset" if on != ["get"]:
                self.rfile.read(min(int(self.headers.get("Content-Length", 0)), _PASSED_BYTES) // 2)
                self._break()
            case "stall":
                self._body()
                self.proxy.stall()
                self._break()
            case "500" | "503" | "429":
                self._body()
                self._head(int(fault), "failing", [("Content-Length", "0")])
            case _:
                self._answer(fault, *self._asked())

    def _asked(self) -> tuple[int, str, list[tuple[str, str]], bytes]:
        """Hand the request on, and return the answer."""
        body = self._body()
        server = http.client.HTTPConnection(*self.target, timeout=_LONGEST_STALL_S)
        try:
            server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in ("expect", "connection", "transfer-encoding"):
                    server.putheader(name, value)
            if "chunked" in self.headers.get("Transfer-Encoding", ""):
                server.putheader("Content-Length", str(len(body)))
            server.endheaders(body or None)
            answer = server.getresponse()
            return answer.status, answer.reason, answer.getheaders(), answer.read()
        finally:
            server.close()

    def _answer(self, fault: str, status: int, reason: str, headers: list[tuple[str, str]], body: bytes) -> None:
        own = ("connection", "transfer-encoding", "keep-alive")
        headers = [(name, value) for name, value in headers if name.lower() not in own]
        has_length = any(name.lower() == "content-length" for name, _ in headers)
        if not has_length and self.command != "HEAD" and status not in (204, 304):
            headers.append(("Content-Length", str(len(body))))
        if fault == "no-length":
            headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
        self._head(status, reason, headers)
        self.wfile.write(body[: len(body) // 2] if fault else body)
        if fault == "reset":
            self._break()
        self.close_connection = self.close_connection or bool(fault)

    def _head(self, status: int, reason: str, headers: list[tuple[str, str]]) -> None:
        self.send_response_only(status, reason)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(chunks)

    def _break(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.wfile.flush()
            time.sleep(0.05)  # what was sent before is to arrive: RST throws away what is on the way
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.connection.close()

    def handle(self) -> None:
        with suppress(OSError, ValueError):  # the client went away, or this side did on purpose
            super().handle()

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _tcp(proxy: Proxy, target: tuple[str, int]) -> Iterator[int]:
    listening = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                threading.Thread(target=_joined, args=(proxy, client, target), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def _joined(proxy: Proxy, client: socket.socket, target: tuple[str, int]) -> None:
    """Hand bytes on between a client and the server, until one of them ends or the fault strikes."""
    with proxy._lock:
        proxy.requests += 1
    with suppress(OSError), client, socket.create_connection(target) as server:
        back = threading.Thread(target=_pumped, args=(proxy, server, client, "get"), daemon=True)
        back.start()
        _pumped(proxy, client, server, "put")
        back.join()


def _pumped(proxy: Proxy, source: socket.socket, sink: socket.socket, on: str) -> None:
    passed = 0
    with suppress(OSError):
        while data := source.recv(1 << 16):
            passed += len(data)
            if passed > _PASSED_BYTES and proxy.fault is not None and proxy.fault.on == on:
                if (kind := proxy.begin(on)) == "stall":
                    proxy.stall()
                if kind:
                    for end in (source, sink):
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    break
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)

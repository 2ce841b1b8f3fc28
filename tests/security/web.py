"""A web server of a test's own, which answers as badly as it is told to."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Answer = Callable[["Handler"], None]


@dataclass
class Web:
    """What listens, what it answers by path, and what it was asked."""

    port: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def url(self, path: str, host: str = "feeds.example", scheme: str = "http") -> str:
        """Return the address of a path."""
        return f"{scheme}://{host}:{self.port}{path}"


class Handler(BaseHTTPRequestHandler):
    """Answers by `Web.answers`; what is not there is 404."""

    web: Web
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        self.web.asked.append((self.path, dict(self.headers)))
        self.close_connection = True
        answer = self.web.answers.get(self.path.partition("?")[0])
        if answer is None:
            self.send(404, b"nothing")
        else:
            answer(self)

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send an answer, with its length unless another one is given."""
        self.send_response(status)
        for name, value in {"content_length": str(len(body)), **headers}.items():
            if value:
                self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(address: str = "127.0.0.1", certificate: Path | None = None) -> Iterator[Web]:
    """Serve on a free port of an address of this machine for a block."""
    web = Web()
    handler = type("Handler", (Handler,), {"web": web})
    server = ThreadingHTTPServer((address, 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that hang up are what is tested
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    web.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)

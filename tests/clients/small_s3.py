"""A very small S3 server that misbehaves on demand; for what no real server does when asked."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class SmallS3:
    """Objects in memory, and every request that was made.

    Attributes:
        objects: Bytes by path, ``/bucket/key``.
        requests: ``(method, path, headers)`` of every request.
        failures: Statuses to answer the next requests with, one each.
        fault: What is wrong with the body of a GET: ``short``, ``no-length``, ``short-once`` or nothing.
        ignores_conditions: Overwrites whatever ``If-None-Match`` and ``If-Match`` say.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.objects: dict[str, bytes] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.failures: list[int] = []
        self.fault = ""
        self.ignores_conditions = False

    def methods(self) -> list[str]:
        """Return the methods of the requests so far."""
        return [method for method, _, _ in self.requests]


@contextmanager
def small_s3() -> Iterator[SmallS3]:
    """Run one on 127.0.0.1."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    state = server.state = SmallS3(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        if self.headers.get("Expect") == "100-continue":
            pass  # already answered by the base class
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self._begin():
            return
        state, path = self.server.state, self._path()
        there = state.objects.get(path)
        if not state.ignores_conditions:
            wanted = self.headers.get("If-Match")
            if (self.headers.get("If-None-Match") and there is not None) or (wanted and wanted != _etag(there)):
                self._error(412, "PreconditionFailed")
                return
        state.objects[path] = body
        self._answer(200, {"ETag": _etag(body)})

    def do_GET(self) -> None:
        if self._begin():
            return
        state, body = self.server.state, self.server.state.objects.get(self._path())
        if body is None:
            self._error(404, "NoSuchKey")
            return
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        rest, headers = body[start:], {"ETag": _etag(body)}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        fault, state.fault = state.fault, "" if state.fault == "short-once" else state.fault
        self.send_response(206 if start else 200)
        for name, value in headers.items():
            self.send_header(name, value)
        if fault != "no-length":
            self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: len(rest) // 2] if fault else rest)
        self.close_connection = bool(fault)

    def do_HEAD(self) -> None:
        if self._begin():
            return
        body = self.server.state.objects.get(self._path())
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.send_header("ETag", _etag(body))
        self.end_headers()

    def do_DELETE(self) -> None:
        if self._begin():
            return
        self.server.state.objects.pop(self._path(), None)
        self._answer(204, {})

    def log_message(self, *args: object) -> None:
        pass

    def _path(self) -> str:
        return self.path.partition("?")[0]

    def _begin(self) -> bool:
        """Note the request; answer it with the next failure, if one is ordered."""
        state = self.server.state
        state.requests.append((self.command, self.path, dict(self.headers)))
        if state.failures:
            self._error(state.failures.pop(0), "InternalError")
            return True
        return False

    def _answer(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _error(self, status: int, code: str) -> None:
        body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        self._answer(status, {"Content-Type": "application/xml"}, b"" if self.command == "HEAD" else body)


def _etag(body: bytes | None) -> str:
    return '"' + hashlib.md5(body or b"").hexdigest() + '"'

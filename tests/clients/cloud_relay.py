"""A relay between a client and a cloud's server: it notes requests, fails on demand, and mends one fault.

The fault: the fake-gcs-server of the wheel looks at ``ifGenerationMatch`` in single requests only; of an upload in
parts it forgets it and overwrites (its issue 1967; later versions do not).  Google looks when the upload is
finished, and so does the relay if it ``is_like_google``.
"""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlsplit

_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive", "host"}


class Relay:
    """The relay, running.

    Attributes:
        url: Where it is.
        requests: ``(method, path with query)`` of every request.
        failures: Statuses to answer the next requests with, one each; 0 breaks the connection off.
        cuts: How many of the next downloads end in the middle.
    """

    def __init__(self, url: str, server: str, is_like_google: bool) -> None:
        self.url, self.server, self.is_like_google = url, server, is_like_google
        self.requests: list[tuple[str, str]] = []
        self.failures: list[int] = []
        self.cuts = 0
        self.conditions: dict[str, tuple[str, str]] = {}
        self.finishing = threading.Lock()
        self.going_on = 0
        self.changed = threading.Condition()

    def wait_until_idle(self) -> None:
        """Return when everything that was asked has been passed on, also what a dead client has asked."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.going_on == 0, timeout=30)

    def methods(self) -> list[str]:
        """Return the methods of the requests so far, and forget them."""
        methods = [method for method, _ in self.requests]
        self.requests.clear()
        return methods


@contextmanager
def relaying(server: str, *, is_like_google: bool = False) -> Iterator[Relay]:
    """Run one in front of *server*, on 127.0.0.1."""
    relay = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    relay.daemon_threads = True
    state = relay.state = Relay(f"http://127.0.0.1:{relay.server_port}", server, is_like_google)
    thread = threading.Thread(target=relay.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        relay.shutdown()
        thread.join()
        relay.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        state = self.server.state
        with state.changed:
            state.going_on += 1
        try:
            self._be_asked()
        except ConnectionError:
            self.close_connection = True  # the client has died meanwhile
        finally:
            with state.changed:
                state.going_on -= 1
                state.changed.notify_all()

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET

    def _be_asked(self) -> None:
        state = self.server.state
        state.requests.append((self.command, self.path))
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        failure = state.failures.pop(0) if state.failures else None
        if failure == 0:
            self.close_connection = True
            return
        if failure is not None:
            self._answer(failure, {}, b"no")
            return
        upload = parse_qs(urlsplit(self.path).query).get("upload_id", [""])[0]
        if upload in state.conditions and not self.headers.get("Content-Range", "*").endswith("*"):
            with state.finishing:
                if self._generation(upload) != state.conditions[upload][1]:
                    self._answer(412, {}, b"Precondition failed")
                    return
                self._pass_on(body)
        else:
            self._pass_on(body)

    def log_message(self, *args: object) -> None:
        pass

    def _pass_on(self, body: bytes) -> None:
        state = self.server.state
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        status, found, answer = _asked(state.server, self.command, self.path, body, headers)
        if state.is_like_google:
            self._be_like_google(found)
        self._answer(status, found, answer)

    def _be_like_google(self, found: dict[str, str]) -> None:
        state, asked = self.server.state, urlsplit(self.path)
        query = parse_qs(asked.query)
        if "response-content-disposition" in query:
            found["Content-Disposition"] = query["response-content-disposition"][0]
        if "Location" not in found:
            return
        given = parse_qs(urlsplit(found["Location"]).query)
        found["Location"] = found["Location"].replace(state.server, state.url)
        if "ifGenerationMatch" in query:
            bucket = asked.path.split("/b/")[1].split("/")[0]
            object_path = f"/storage/v1/b/{bucket}/o/{quote(given['name'][0], safe='')}"
            state.conditions[given["upload_id"][0]] = object_path, query["ifGenerationMatch"][0]

    def _generation(self, upload: str) -> str:
        state = self.server.state
        status, _, answer = _asked(state.server, "GET", state.conditions[upload][0], b"", {})
        return "0" if status == 404 else json.loads(answer)["generation"]

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        state = self.server.state
        is_cut = state.cuts > 0 and self.command == "GET" and status in (200, 206)
        state.cuts -= is_cut
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if is_cut else body)
        self.close_connection = self.close_connection or is_cut


def _asked(server: str, method: str, path: str, body: bytes, headers: dict[str, str]):
    connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=30)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP}
        if method == "HEAD":
            kept["Content-Length"] = answer.getheader("Content-Length", "0")
        return answer.status, kept, data
    finally:
        connection.close()

"""A relay between a client and a cloud's server: it notes requests, fails on demand, and mends two faults.

The fake-gcs-server of the wheel looks at ``ifGenerationMatch`` in single requests only; of an upload in parts it
forgets it and overwrites (its issue 1967; later versions do not).  And it adds up whatever it is sent: bytes that
are sent once more are stored twice, and an upload ends with however many there are.  Google looks at the condition
when the upload is finished, ignores bytes that it has, ends with all that were said or not at all, and says once
more what it has stored.  So does the relay if it ``is_like_google``.
"""

import http.client
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlsplit

_SENT = re.compile(r"bytes (?:(?P<start>[0-9]+)-[0-9]+|\*)/(?P<total>[0-9]+|\*)")
_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive", "host"}


class Relay:
    """The relay, running.

    Attributes:
        url: Where it is.
        requests: ``(method, path with query)`` of every request.
        failures: Statuses to answer the next requests with, one each; 0 breaks the connection off.
        cuts: How many of the next downloads end in the middle.
        losses: How many of the next answers to uploads in parts are lost, when all is done already.
        shortages: How many bytes less are kept of each of the next parts.
    """

    def __init__(self, url: str, server: str, is_like_google: bool) -> None:
        self.url, self.server, self.is_like_google = url, server, is_like_google
        self.requests: list[tuple[str, str]] = []
        self.failures: list[int] = []
        self.cuts = self.losses = 0
        self.shortages: list[int] = []
        self.kept: dict[str, int] = {}
        self.finished: dict[str, tuple[int, dict[str, str], bytes]] = {}
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
        sent = _SENT.fullmatch(self.headers.get("Content-Range", ""))
        if state.is_like_google and upload and sent:
            with state.finishing:
                self._take(upload, body, sent)
        else:
            self._pass_on(body)

    def _take(self, upload: str, body: bytes, sent: re.Match[str]) -> None:
        """Pass on what is new of a part, and the end of an upload when all bytes are there."""
        state = self.server.state
        answer = state.finished.get(upload)
        if answer is None:
            kept = state.kept.get(upload, 0)
            fresh = body[max(0, kept - int(sent["start"] or kept)) :]
            fresh = fresh[: len(fresh) - (state.shortages.pop(0) if state.shortages else 0)]
            there = state.kept[upload] = kept + len(fresh)
            is_end = sent["total"] == str(there)
            if is_end and upload in state.conditions and self._generation(upload) != state.conditions[upload][1]:
                self._answer(412, {}, b"Precondition failed")
                return
            if fresh or is_end:
                place = f"{kept}-{there - 1}" if fresh else "*"
                answer = self._asked(fresh, {"Content-Range": f"bytes {place}/{there if is_end else '*'}"})
            if is_end:
                state.finished[upload] = answer
            else:
                answer = (308, {"Range": f"bytes=0-{there - 1}"} if there else {}, b"")
        if state.losses:
            state.losses -= 1
            self.close_connection = True
            return
        self._answer(*answer)

    def log_message(self, *args: object) -> None:
        pass

    def _pass_on(self, body: bytes) -> None:
        status, found, answer = self._asked(body, {})
        if self.server.state.is_like_google:
            self._be_like_google(found)
        self._answer(status, found, answer)

    def _asked(self, body: bytes, others: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        return _asked(self.server.state.server, self.command, self.path, body, {**headers, **others})

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

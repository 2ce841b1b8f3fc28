"""A very small S3 server that misbehaves on demand; for what no real server does when asked."""

import hashlib
import re
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

_NOW = "2026-10-01T00:00:00.000Z"


class SmallS3:
    """Objects in memory, and every request that was made.

    Attributes:
        objects: Bytes by path, ``/bucket/key``.
        uploads: Of each upload in parts that is not complete, by its id: the path, and bytes by number.
        requests: ``(method, path, headers)`` of every request.
        failures: Statuses to answer the next requests with, one each; 0 for one that is to go well.
        fault: What is wrong with the body of a GET: ``short``, ``no-length``, ``short-once`` or nothing.
        ignores_conditions: Overwrites whatever ``If-None-Match`` and ``If-Match`` say.
        ignores_at_the_end: Which of the two it ignores when an upload is completed.
        allowed: The methods that are not refused.
        region: Refuse what is signed for another, as Amazon does within a region.
        is_stubborn: Refuse what is signed for that region too.
        moved_to: Say of every request that the bucket is in this region, as Amazon does between regions.
        loses_answers: How many requests are done, but answered with the end of the connection.
        late_parts: How many aborts leave a part that arrives only then.
        is_silent: Take every request, and never answer.
        slowness_s: How long to wait after each 256 KiB of a body.
        watch: Called with method and path of every request, before it is seen to.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.objects: dict[str, bytes] = {}
        self.metadata: dict[str, dict[str, str]] = {}
        self.uploads: dict[str, tuple[str, dict[int, bytes]]] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.failures: list[int] = []
        self.fault = ""
        self.ignores_conditions = False
        self.ignores_at_the_end: frozenset[str] = frozenset()
        self.allowed = frozenset({"PUT", "GET", "HEAD", "DELETE", "POST"})
        self.region = self.moved_to = ""
        self.loses_answers = self.late_parts = 0
        self.is_silent = self.is_stubborn = False
        self.slowness_s = 0.0
        self.watch: Callable[[str, str], object] = lambda method, path: None
        self.is_over = threading.Event()

    def methods(self) -> list[str]:
        """Return the methods of the requests so far."""
        return [method for method, _, _ in self.requests]


@contextmanager
def small_s3(certificate: Path | None = None) -> Iterator[SmallS3]:
    """Run one on 127.0.0.1; with a *certificate* (and its key in one file) it speaks https."""
    server = _Server(("127.0.0.1", 0), _Handler)
    scheme = "http"
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        # The handshake is the handler's: here it would stop all others.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        scheme = "https"
    state = server.state = SmallS3(f"{scheme}://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        state.is_over.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), OSError):  # a client that gives up, or trusts no such certificate
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        body = self._body()  # whether it was wanted was answered by the base class
        if self._begin():
            return
        state, path, query = self.server.state, self._path(), self._query()
        if "uploadId" in query:
            if query["uploadId"] not in state.uploads:
                self._error(404, "NoSuchUpload")
                return
            state.uploads[query["uploadId"]][1][int(query["partNumber"])] = body
        elif self._is_forbidden(path):
            self._error(412, "PreconditionFailed")
            return
        else:
            self._keep(path, body)
        self._answer(200, {"ETag": _etag(body)})

    def do_POST(self) -> None:
        body = self._body().decode()
        if self._begin():
            return
        state, path, query = self.server.state, self._path(), self._query()
        if "uploads" in query:
            upload = f"upload-{len(state.requests)}"
            state.uploads[upload] = (path, {})
            self._xml(
                f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
            )
        elif query.get("uploadId") not in state.uploads:
            self._error(404, "NoSuchUpload")
        elif self._is_forbidden(path, state.ignores_at_the_end):
            self._error(412, "PreconditionFailed")
        else:
            _, parts = state.uploads.pop(query["uploadId"])
            numbers = [int(number) for number in re.findall(r"<PartNumber>(\d+)</PartNumber>", body)]
            self._keep(path, b"".join(parts[number] for number in numbers))
            sums = b"".join(hashlib.md5(parts[number]).digest() for number in numbers)
            etag = f"{hashlib.md5(sums).hexdigest()}-{len(numbers)}"
            state.metadata[path]["ETag"] = f'"{etag}"'
            self._xml(f'<CompleteMultipartUploadResult><ETag>"{etag}"</ETag></CompleteMultipartUploadResult>')

    def do_GET(self) -> None:
        if self._begin():
            return
        state, body, query = self.server.state, self.server.state.objects.get(self._path()), self._query()
        if "uploads" in query or "list-type" in query:
            self._list(query)
            return
        if "uploadId" in query:
            self._xml("<ListPartsResult/>") if query["uploadId"] in state.uploads else self._error(
                404, "NoSuchUpload"
            )
            return
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
        if fault == "stall":
            self.wfile.flush()
            self.server.state.is_over.wait()
        self.close_connection = bool(fault)

    def do_HEAD(self) -> None:
        if self._begin():
            return
        state, path = self.server.state, self._path()
        body = state.objects.get(path)
        headers = {"ETag": _etag(body), **state.metadata.get(path, {})}
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def do_DELETE(self) -> None:
        if self._begin():
            return
        state, upload = self.server.state, self._query().get("uploadId")
        if upload is None:
            state.objects.pop(self._path(), None)
        elif upload not in state.uploads:
            self._error(404, "NoSuchUpload")
            return
        elif state.late_parts:
            state.late_parts -= 1
        else:
            del state.uploads[upload]
        self._answer(204, {})

    def log_message(self, *args: object) -> None:
        pass

    def _path(self) -> str:
        return self.path.partition("?")[0]

    def _query(self) -> dict[str, str]:
        query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        return {name: values[0] for name, values in query.items()}

    def _body(self) -> bytes:
        left, pieces = int(self.headers.get("Content-Length", 0)), []
        while left:
            piece = self.rfile.read(min(left, 1 << 18))
            left -= len(piece)
            pieces.append(piece)
            if self.server.state.slowness_s:
                self.server.state.is_over.wait(self.server.state.slowness_s)
        return b"".join(pieces)

    def _begin(self) -> bool:
        """Note the request; answer it with what is ordered, if anything is."""
        state = self.server.state
        state.requests.append((self.command, self.path, dict(self.headers)))
        state.watch(self.command, self.path)
        region = re.search(r"Credential=[^/]+/\d+/([^/]+)/", self.headers.get("Authorization", ""))
        if state.is_silent:
            state.is_over.wait()
            self.close_connection = True
        elif state.failures and (status := state.failures.pop(0)):
            self._error(status, "AccessDenied" if status == 403 else "InternalError")
        elif self.command not in state.allowed:
            self._error(403, "AccessDenied")
        elif state.moved_to:
            self._error(301, "PermanentRedirect", {"x-amz-bucket-region": state.moved_to})
        elif state.region and region and (region[1] != state.region or state.is_stubborn):
            details = f"<Region>{state.region}</Region>"
            self._error(400, "AuthorizationHeaderMalformed", {"x-amz-bucket-region": state.region}, details)
        else:
            return False
        return True

    def _is_forbidden(self, path: str, ignored: frozenset[str] = frozenset()) -> bool:
        there = self.server.state.objects.get(path)
        if self.server.state.ignores_conditions:
            return False
        free, wanted = (
            None if name in ignored else self.headers.get(name) for name in ("If-None-Match", "If-Match")
        )
        return bool((free and there is not None) or (wanted and wanted != _etag(there)))

    def _keep(self, path: str, body: bytes) -> None:
        state = self.server.state
        state.objects[path] = body
        state.metadata[path] = {
            name: value for name, value in self.headers.items() if name.lower().startswith("x-amz-meta-")
        }

    def _list(self, query: dict[str, str]) -> None:
        state, bucket = self.server.state, self._path()
        prefix = query.get("prefix", "")
        if "uploads" in query:
            found = [(id_, path.removeprefix(f"{bucket}/")) for id_, (path, _) in state.uploads.items()]
            inner = "".join(
                f"<Upload><Key>{unquote(key)}</Key><UploadId>{id_}</UploadId><Initiated>{_NOW}</Initiated></Upload>"
                for id_, key in found
                if unquote(key).startswith(prefix)
            )
            self._xml(f"<ListMultipartUploadsResult>{inner}</ListMultipartUploadsResult>")
            return
        keys = [unquote(path.removeprefix(f"{bucket}/")) for path in state.objects]
        inner = "".join(
            f"<Contents><Key>{key}</Key><Size>0</Size><LastModified>{_NOW}</LastModified></Contents>"
            for key in keys
            if key.startswith(prefix)
        )
        self._xml(f"<ListBucketResult>{inner}</ListBucketResult>")

    def _xml(self, text: str) -> None:
        self._answer(200, {"Content-Type": "application/xml"}, text.encode())

    def _answer(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        if self.server.state.loses_answers:
            self.server.state.loses_answers -= 1
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _error(self, status: int, code: str, headers: dict[str, str] | None = None, details: str = "") -> None:
        body = f"<Error><Code>{code}</Code><Message>no</Message>{details}</Error>".encode()
        if self.command == "HEAD":
            body = b""
        self._answer(status, {"Content-Type": "application/xml", **(headers or {})}, body)


def _etag(body: bytes | None) -> str:
    return '"' + hashlib.md5(body or b"").hexdigest() + '"'

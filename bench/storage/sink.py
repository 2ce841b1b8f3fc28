"""A bare S3 server for measuring clients: it swallows what it is sent, and serves a pattern of the same size.

``python -m bench.storage.sink`` prints its port and runs until its standard input ends.  Bodies are thrown away by
the kernel (``MSG_TRUNC``) and served from a file by ``sendfile``, so that the time of a client is the client's own;
nothing is checked but lengths, which ``GET /-/state`` tells, beside how many requests there were.
"""

import json
import os
import re
import socket
import sys
import tempfile
import threading
from contextlib import suppress
from urllib.parse import parse_qs, unquote, urlsplit

from bench.storage.content import PERIOD_BYTES, pattern

_SMALL_BYTES = 1 << 16
_DISCARD_BYTES = 1 << 22
_PERIODS = 100
_ETAG = '"0123456789abcdef0123456789abcdef"'
_DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_DECODED = re.compile(rb"\r\nx-amz-decoded-content-length: *(\d+)", re.IGNORECASE)
_RANGE = re.compile(rb"\r\nrange: *bytes=(\d*)-(\d*)", re.IGNORECASE)
_DISCARD = getattr(socket, "MSG_TRUNC", 0) if sys.platform == "linux" else 0


class Sink:
    """What it was sent: sizes by place, and small bodies whole."""

    def __init__(self) -> None:
        self.requests = 0
        self.sizes: dict[str, int] = {}
        self.small: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, int]] = {}
        self.lock = threading.Lock()
        self.served = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self.served.write(pattern()[:PERIOD_BYTES] * _PERIODS)
        self.served.flush()

    def counted(self) -> int:
        """Count a request and return how many there were."""
        with self.lock:
            self.requests += 1
            return self.requests


class Connection:
    """One connection and its requests, one after the other."""

    def __init__(self, sink: Sink, connection: socket.socket) -> None:
        self.sink, self.socket = sink, connection
        self.rest = b""
        self.discarded = memoryview(bytearray(_DISCARD_BYTES))

    def serve(self) -> None:
        """Answer until the client goes."""
        with self.socket, suppress(ConnectionError):
            while head := self._head():
                method, target = head.split(b" ", 2)[:2]
                self._answer(method.decode(), target.decode("ascii"), head)

    def _head(self) -> bytes:
        while (end := self.rest.find(b"\r\n\r\n")) < 0:
            data = self.socket.recv(1 << 16)
            if not data:
                return b""
            self.rest += data
        head, self.rest = self.rest[:end], self.rest[end + 4 :]
        return head

    def _answer(self, method: str, target: str, head: bytes) -> None:
        url = urlsplit(target)
        place, query = unquote(url.path), parse_qs(url.query, keep_blank_values=True)
        length = int(found[1]) if (found := _LENGTH.search(head)) else 0
        if b"100-continue" in head:
            self.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self._body(length)
        if place == "/-/state":
            self._reply("200 OK", json.dumps({"requests": self.sink.requests, "sizes": self.sink.sizes}))
            return
        number = self.sink.counted()
        decoded = int(found[1]) if (found := _DECODED.search(head)) else length
        if method == "PUT":
            self._put(place, query, decoded, body)
        elif method == "POST":
            self._post(place, query, number)
        elif method == "DELETE":
            uploads, sizes = self.sink.uploads, self.sink.sizes
            uploads.pop(query["uploadId"][0], None) if "uploadId" in query else sizes.pop(place, None)
            self._reply("204 No Content")
        elif place.count("/") == 1 or place.endswith("/"):
            self._list(place.strip("/"), query)
        else:
            self._get(place, head, is_head=method == "HEAD")

    def _body(self, length: int) -> bytes | None:
        """Return a small body; throw a large one away."""
        left = length - len(self.rest)
        data, self.rest = self.rest[:length], self.rest[length:]
        while length <= _SMALL_BYTES and left > 0:
            more = self.socket.recv(left)
            if not more:
                raise ConnectionError
            data += more
            left -= len(more)
        while left > 0:
            got = self.socket.recv_into(self.discarded, min(left, _DISCARD_BYTES), _DISCARD)
            if not got:
                raise ConnectionError
            left -= got
        return data if length <= _SMALL_BYTES else None

    def _put(self, place: str, query: dict[str, list[str]], size: int, body: bytes | None) -> None:
        if "uploadId" in query:
            self.sink.uploads[query["uploadId"][0]][int(query["partNumber"][0])] = size
        else:
            self.sink.sizes[place] = size
            self.sink.small.pop(place, None)
            if body is not None and len(body) == size:
                self.sink.small[place] = body
        self._reply("200 OK", fields=f"ETag: {_ETAG}\r\n")

    def _post(self, place: str, query: dict[str, list[str]], number: int) -> None:
        if "uploads" in query:
            self.sink.uploads[f"upload-{number}"] = {}
            inside = f"<Bucket>b</Bucket><Key>k</Key><UploadId>upload-{number}</UploadId>"
            self._reply("200 OK", f"{_XML}<InitiateMultipartUploadResult>{inside}</InitiateMultipartUploadResult>")
        elif "uploadId" in query:
            parts = self.sink.uploads.pop(query["uploadId"][0])
            self.sink.sizes[place] = sum(parts.values())
            self.sink.small.pop(place, None)
            inside = f"<Location>{place}</Location><Bucket>b</Bucket><Key>k</Key><ETag>{_ETAG}</ETag>"
            self._reply("200 OK", f"{_XML}<CompleteMultipartUploadResult>{inside}</CompleteMultipartUploadResult>")
        else:
            self._reply("200 OK", f"{_XML}<DeleteResult></DeleteResult>")

    def _list(self, bucket: str, query: dict[str, list[str]]) -> None:
        prefix = query.get("prefix", [""])[0]
        found = [
            (place.removeprefix(f"/{bucket}/"), size)
            for place, size in sorted(self.sink.sizes.items())
            if place.startswith(f"/{bucket}/{prefix}")
        ][:1000]
        inside = "".join(
            f"<Contents><Key>{key}</Key><Size>{size}</Size><ETag>{_ETAG}</ETag>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            for key, size in found
        )
        inside += f"<Name>{bucket}</Name><Prefix>{prefix}</Prefix><KeyCount>{len(found)}</KeyCount>"
        self._reply(
            "200 OK", f"{_XML}<ListBucketResult><IsTruncated>false</IsTruncated>{inside}</ListBucketResult>"
        )

    def _get(self, place: str, head: bytes, is_head: bool) -> None:
        size = self.sink.sizes.get(place)
        if size is None:
            reason = "" if is_head else f"{_XML}<Error><Code>NoSuchKey</Code><Message>none</Message></Error>"
            self._reply("404 Not Found", reason)
            return
        fields = f"ETag: {_ETAG}\r\nLast-Modified: {_DATE}\r\nAccept-Ranges: bytes\r\n"
        status, start, end = "200 OK", 0, size
        if found := _RANGE.search(head):
            first, last = found[1].decode(), found[2].decode()
            start = int(first) if first else max(0, size - int(last))
            end = min(size, int(last) + 1) if first and last else size
            status = "206 Partial Content"
            fields += f"Content-Range: bytes {start}-{end - 1}/{size}\r\n"
        small = self.sink.small.get(place)
        if is_head:
            self._reply(status, b"", fields, length=end - start)
        elif small is not None:
            self._reply(status, small[start:end], fields)
        else:
            self._reply(status, b"", fields, length=end - start)
            self._serve(start, end)

    def _serve(self, start: int, end: int) -> None:
        whole = PERIOD_BYTES * _PERIODS
        while start < end:
            offset = start % whole
            wanted = min(end - start, whole - offset)
            start += os.sendfile(self.socket.fileno(), self.sink.served.fileno(), offset, wanted)

    def _reply(self, status: str, body: str | bytes = b"", fields: str = "", length: int | None = None) -> None:
        data = body.encode() if isinstance(body, str) else body
        length = len(data) if length is None else length
        kind = "application/xml" if isinstance(body, str) else "application/octet-stream"
        head = f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\nContent-Type: {kind}\r\n{fields}\r\n"
        self.socket.sendall(head.encode() + data)


def _accept(listening: socket.socket, sink: Sink) -> None:
    while True:
        connection, _ = listening.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=Connection(sink, connection).serve, daemon=True).start()


def main() -> None:
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(listening.getsockname()[1], flush=True)
    threading.Thread(target=_accept, args=(listening, Sink()), daemon=True).start()
    with suppress(KeyboardInterrupt):
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()

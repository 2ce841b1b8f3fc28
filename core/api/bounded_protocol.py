"""The server's side of a connection, with bounds on what is not a body: uvicorn itself takes headers without end.

A header, or the lines behind a chunked body, are kept until they are whole, by who is not known yet.  So they have a
size and a time, as at any web server; what an idle connection may cost is a time, too.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_BYTES = 1 << 16
MOST_S = 60.0
"""How long a header may take, and a connection that says nothing; proxies give as much."""

_REFUSALS = {
    408: b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
    431: b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
}


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's own, which is told of all that comes before the application is."""

    _header_bytes = 0
    """Of the lines of a header that are whole."""

    _unfinished_bytes = 0
    """What came since a header was whole, a part of a body came or a request ended."""

    _header_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, and wait for a header."""
        super().connection_made(transport)
        self._wait_for_header()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, up to the bound."""
        if self._header_timer is None and self._is_between_requests():
            self._wait_for_header()
        self._unfinished_bytes += len(data)
        super().data_received(data)
        if self._unfinished_bytes > MOST_BYTES and not self.transport.is_closing():
            self._refuse(431)

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._header_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take the path."""
        self._header_bytes += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a line."""
        self._header_bytes += len(name) + len(value)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Let the application have the request, if its header is no larger than may be."""
        self._stop_waiting()
        self._unfinished_bytes = 0
        if self.transport.is_closing():  # what stands behind a request that was refused is not looked at
            return
        if self._header_bytes > MOST_BYTES:
            self._refuse(431)
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass a part of a body on; how much of it and how slowly is the application's to say."""
        self._unfinished_bytes = 0
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self._unfinished_bytes = 0
        if not self.transport.is_closing():
            super().on_message_complete()

    def _is_between_requests(self) -> bool:
        return self.cycle is None or bool(self.cycle.response_complete)

    def _wait_for_header(self) -> None:
        self._header_timer = self.loop.call_later(MOST_S, self._too_late)

    def _stop_waiting(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _too_late(self) -> None:
        self._header_timer = None
        if not self.transport.is_closing():
            self._refuse(408)

    def _refuse(self, status: int) -> None:
        # In the midst of an answer there is none to give; a connection that said nothing is asked for nothing.
        if self._is_between_requests() and (self._unfinished_bytes or self._header_bytes):
            self.transport.write(_REFUSALS[status])
        self.transport.close()

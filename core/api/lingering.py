"""An answer that comes before its request was read to the end is heard, and ends the connection (a lingering close).

A connection that is closed while the other end still sends is reset, and what was answered may be lost with it: a proxy
then says 502 where we said 413.  One that is kept would take the rest of the body, however much that is, for as long as
it comes.  So the answer says that it closes, is sent, and what still comes is taken for a moment and thrown away.
"""

import asyncio
import time

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Receive, Scope, Send

MOST_BYTES, MOST_S = 16 << 20, 2.0
SMALL_BYTES, SMALL_S = 1 << 16, 0.01
"""What of a body is waited for before the answer, and how long: a small one, which is here, costs no connection."""


class Lingering:
    """Receives and sends as the server does; ends the connection with an answer that comes before the body.

    Args:
        scope: Of the request.
        receive: The server's.
        send: The server's.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._is_read, self._expects_continue = True, False
        self.waited_s = 0.0
        """How long the rest was waited for: the time of who sends, not ours."""
        for name, value in scope["headers"]:
            if name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0")):
                self._is_read = False
            elif name == b"expect":
                self._expects_continue = True

    async def receive(self) -> Message:
        """Return what comes next."""
        message = await self._receive()
        self._is_read = not message.get("more_body", False)  # nor is there more after a disconnect
        return message

    async def send(self, message: Message) -> None:
        """Send what comes next of the answer, and before its end what it was about may arrive."""
        if self._is_read:
            await self._send(message)
        elif message["type"] == "http.response.start":
            # Who asks before a body is sent would be told to send it.
            if not self._expects_continue:
                await self._take_the_rest(SMALL_BYTES, SMALL_S)
            if not self._is_read:
                MutableHeaders(scope=message)["Connection"] = "close"
            await self._send(message)
        elif message.get("more_body", False):
            await self._send(message)
        else:
            await self._send({**message, "more_body": True})
            await self._take_the_rest(MOST_BYTES, MOST_S)
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _take_the_rest(self, most_bytes: int, most_s: float) -> None:
        began, taken = time.monotonic(), 0
        while not self._is_read and taken < most_bytes:
            left_s = began + most_s - time.monotonic()
            try:
                message = await asyncio.wait_for(self.receive(), max(0.0, left_s))
            except TimeoutError:
                break
            taken += len(message.get("body", b""))
        self.waited_s += time.monotonic() - began

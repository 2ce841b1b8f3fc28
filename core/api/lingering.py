"""An answer that comes before its request was read to the end is heard.

A connection that is closed while the other end still sends is reset, and what was answered may be lost with it: a proxy
then says 502 where we said 413.  So what still comes is taken for a moment, and thrown away, before it is closed.
"""

import asyncio
import time

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Send

MOST_BYTES = 16 << 20
MOST_S = 2.0


class Lingering:
    """Receives and sends as the server does; lingers before it ends an answer that closes the connection.

    Args:
        receive: The server's.
        send: The server's.
    """

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._is_read = self._closes = False

    async def receive(self) -> Message:
        """Return what comes next."""
        message = await self._receive()
        self._is_read = not message.get("more_body", False)  # nor is there more after a disconnect
        return message

    async def send(self, message: Message) -> None:
        """Send what comes next of the answer, and before its end what it was about may arrive."""
        if message["type"] == "http.response.start":
            self._closes = Headers(raw=message["headers"]).get("connection", "").lower() == "close"
        elif self._closes and not self._is_read and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._take_the_rest()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def _take_the_rest(self) -> None:
        ends_at, taken = time.monotonic() + MOST_S, 0
        while not self._is_read and taken < MOST_BYTES:
            try:
                message = await asyncio.wait_for(self.receive(), max(0.0, ends_at - time.monotonic()))
            except TimeoutError:
                return
            taken += len(message.get("body", b""))

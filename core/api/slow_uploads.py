"""A body that trickles is ended: whoever sends a byte a minute would keep a connection for ever.

The rule: a body has ``api.upload_grace_s`` seconds, and one more for each KiB of it that came.  What comes faster than
a KiB a second is never ended, however large it is.  Only waiting counts: how long we take ourselves does not.
"""

import asyncio
import time

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

LEAST_BYTES_PER_S = 1 << 10


class PatientReceive:
    """Receives as the server does, and ends a body that comes too slowly.

    Args:
        receive: The server's.
        grace_s: How long a body may take, however little of it came.
    """

    def __init__(self, receive: Receive, grace_s: float) -> None:
        self._receive, self._grace_s = receive, grace_s
        self._waited_s, self._taken_bytes = 0.0, 0
        self._is_over = False

    def end(self) -> None:
        """Let it take as long as it likes from now on: the answer has begun, and nobody reads a body any more."""
        self._is_over = True

    async def __call__(self) -> Message:
        """Return what comes next.

        Raises:
            HTTPException: 408.  It comes too slowly.
        """
        if self._may_take_long():
            return await self._receive()
        left_s = self._grace_s + self._taken_bytes / LEAST_BYTES_PER_S - self._waited_s
        began = time.monotonic()
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, left_s))
        except TimeoutError:
            if self._may_take_long():  # the answer began while we waited
                return await self._receive()
            raise _too_slow() from None
        self._waited_s += time.monotonic() - began
        self._taken_bytes += len(message.get("body", b""))
        self._is_over = not message.get("more_body", False)
        return message

    def _may_take_long(self) -> bool:
        return self._is_over


def _too_slow() -> HTTPException:
    return HTTPException(
        408,
        f"The body came at less than {LEAST_BYTES_PER_S >> 10} KiB a second; send it faster, or in smaller parts",
    )

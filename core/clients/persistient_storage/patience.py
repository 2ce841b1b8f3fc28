"""How long a client waits for a server before it gives up: short enough for a person who is looking on.

Whoever tries a storage out (`check.check_storage`) wants an answer within ten seconds, even from a server that
takes the connection and then says nothing; a publication may wait longer for the server to be done with a file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 30

_read_timeout_s: ContextVar[int] = ContextVar("read_timeout_s", default=READ_TIMEOUT_S)


def read_timeout_s() -> int:
    """Return how many seconds a server may say nothing, here and now; clients ask when they connect."""
    return _read_timeout_s.get()


@contextmanager
def waiting_at_most(seconds: int) -> Iterator[None]:
    """Make the clients that are used inside wait no longer than *seconds* for each answer."""
    token = _read_timeout_s.set(seconds)
    try:
        yield
    finally:
        _read_timeout_s.reset(token)

"""Ports of 127.0.0.1 for servers that cannot choose one themselves, or that must have the same one again.

A port that was free a moment ago is not free any more when the server takes it, if others choose among the same ones.
So these are none of those that the system gives to whoever asks for any (32768 and above), and each process of the
tests has a block of them for itself, as long as it lives.
"""

import fcntl
import os
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

_HOST = "127.0.0.1"


class _Ports:
    """The *ports* in blocks of so many; with each go its *twins*, so much above it."""

    def __init__(self, ports: range, block: int, twins: tuple[int, ...] = ()) -> None:
        self._ports, self._block, self._twins = ports, block, (0, *twins)
        self._next = self._end = 0
        self._held: list[IO[bytes]] = []

    def take(self, count: int) -> int:
        """Return the first of *count* ports in a row that nobody has; none of them is given again."""
        while True:
            while self._next + count > self._end:
                self._take_block()
            first = self._next
            self._next += count
            if all(_is_free(port + twin) for port in range(first, self._next) for twin in self._twins):
                return first

    def _take_block(self) -> None:
        blocks = self._ports[:: self._block]
        begin = os.getpid() % len(blocks)  # others, with another folder of locks, begin elsewhere
        for first in (*blocks[begin:], *blocks[:begin]):
            with suppress(BlockingIOError):
                self._held.append(_locked(first))
                self._next, self._end = first, first + self._block
                return
        raise RuntimeError("all ports that tests may use are taken; do others of their processes still run?")


def _locked(first: int) -> IO[bytes]:
    """Return the open file that says whose the block is; the system lets it go with the process."""
    folder = Path(tempfile.gettempdir(), f"yeti-test-ports-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    file = (folder / str(first)).open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise
    return file


def _is_free(port: int) -> bool:
    """Say whether a server can have it for UDP and for TCP, also one that does not take what is still winding down."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as link:
            try:
                link.bind((_HOST, port))
            except OSError:
                return False
    return True


_singles = _Ports(range(22_200, 29_800), 200)
_rows = _Ports(range(20_000, 22_200), 40, twins=(10_000,))


def free_port() -> int:
    """Return a port that nobody has, for UDP and for TCP."""
    return _singles.take(1)


def first_of_free_ports(count: int) -> int:
    """Return the first of *count* ports in a row that nobody has, nor those 10,000 above, as SeaweedFS takes both."""
    return _rows.take(count)

"""What clients of object stores need beside their vendor's library: text by bytes, parts, counted reading."""

import io
import os
from collections.abc import Callable
from typing import Any, BinaryIO

from core.clients.persistient_storage import patience
from core.clients.persistient_storage.bucket_path import parsed
from core.clients.persistient_storage.reader import PieceReader
from core.clients.persistient_storage.receipts import TEXT, WriteRequest, default_metadata
from core.clients.persistient_storage.spec import PersistientStorageClient, Writer
from core.clients.persistient_storage.text import decoded, encoded, put
from core.errors import StorageCorrupt, StorageError, StorageUnavailable, YetiError

PART_BYTES = 8 << 20
_READ_BUFFER = 1 << 18
_ATTEMPTS = 4
_MOST_CONNECTIONS = 4


class BucketClient(PersistientStorageClient):
    """The five methods but one, by ``open_reader`` and ``open_writer`` of the client that inherits.

    Attributes:
        SETTINGS: The variables that hold credentials and server, for messages.
    """

    SETTINGS: str

    def __init__(self, path: str) -> None:
        self._place = parsed(path, self.PREFIX, settings=self.SETTINGS)

    def file_path(self, file_name: str) -> str:
        """Return the canonical address."""
        return self._place.url(file_name)

    def get_file(self, file_name: str) -> str:
        """Return the text."""
        with self.open_reader(file_name) as reader:
            return decoded(reader.read(), self._place.url(file_name))

    def put_file(self, file_name: str, contents: str) -> None:
        """Store the text with the content type of its name."""
        metadata = default_metadata(file_name, otherwise=TEXT)
        put(self.open_writer(file_name, WriteRequest(metadata=metadata)), encoded(contents))

    def open_reader(self, file_name: str) -> BinaryIO:
        """See `spec.OptionalMethods`."""
        raise NotImplementedError

    def open_writer(self, file_name: str, request: WriteRequest) -> Writer:
        """See `spec.OptionalMethods`."""
        raise NotImplementedError


class Connections:
    """One connection per process, environment and patience, made when it is first asked for.

    Sockets must not be shared with a forked child, and a changed environment means another account or server.
    Of two threads that ask first, both make one and one is kept: no lock that a fork could leave locked.

    Args:
        make: Makes one.
        variables: What the names of the variables that matter begin with.
    """

    def __init__(self, make: Callable[[], Any], *variables: str) -> None:
        self._make, self._variables = make, variables
        self._made: dict[object, Any] = {}

    def get(self) -> Any:
        """Return the one for here and now."""
        settings = frozenset(item for item in os.environ.items() if item[0].startswith(self._variables))
        key = os.getpid(), patience.read_timeout_s(), settings
        if (found := self._made.get(key)) is not None:
            return found
        if len(self._made) >= _MOST_CONNECTIONS:
            self._made.clear()  # whoever changes the environment all the time pays for it
        return self._made.setdefault(key, self._make())


class Parts:
    """A stream cut into parts of one size; the last one is kept back, so that a small file is one request.

    Args:
        send: Takes each full part that is not the last.
        size_bytes: Of the whole stream, if known: parts are larger where *most* would not do.
        most: How many parts the server takes.
    """

    def __init__(self, send: Callable[[bytes], None], size_bytes: int | None = None, most: int = 10_000) -> None:
        needed = -(-(size_bytes or 0) // most)
        self.part_bytes = max(PART_BYTES, -(-needed // (1 << 20)) << 20)
        self.size_bytes = 0
        self.sent = 0
        self._send, self._most, self._buffer = send, most, bytearray()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes; a full part is sent when more follow."""
        with memoryview(data) as view, view.cast("B") as octets:
            taken = 0
            while taken < len(octets):
                if len(self._buffer) == self.part_bytes:
                    if self.sent + 2 > self._most:
                        raise StorageError(
                            f"longer than {self._most * self.part_bytes} bytes; say the size before"
                        )
                    self._send(self.rest())
                    self.sent += 1
                chunk = octets[taken : taken + self.part_bytes - len(self._buffer)]
                self._buffer += chunk
                self.size_bytes += len(chunk)
                taken += len(chunk)

    def rest(self) -> bytes:
        """Return what was kept back, and forget it."""
        rest, self._buffer = bytes(self._buffer), bytearray()
        return rest


class CountedReader(PieceReader):
    """The bytes of an object as a file; reading raises rather than ends early.

    Args:
        address: For messages.
        length: How many bytes there are to be.
        body: What they are read from, with ``read(size)``.
        explained: Makes an error of ours of the vendor's.
        again: Gives the body of the very same object from a position on, if a broken connection can be taken up.
    """

    def __init__(
        self,
        address: str,
        length: int | None,
        body: Any,
        explained: Callable[[Exception, str], StorageError],
        again: Callable[[int], Any] | None = None,
    ) -> None:
        self._address, self._body, self._explained, self._again = address, body, explained, again
        self._position, self._attempts = 0, 1
        if length is None:
            self.close()
            raise StorageCorrupt(f"{address}: the server does not say how long the file is")
        self._length = length

    def close(self) -> None:
        """Give the connection back."""
        if not self.closed:
            super().close()
            getattr(self._body, "close", bool)()

    def buffered(self) -> BinaryIO:
        """Return this as a file that is read in larger pieces."""
        return io.BufferedReader(self, _READ_BUFFER)

    def _next(self, size: int) -> bytes:
        size = min(size, self._length - self._position)
        while size:
            try:
                data: bytes = self._body.read(size)
                if not data:
                    raise StorageUnavailable(f"{self._address}: the connection ended early")  # noqa: TRY301
            except Exception as error:
                problem = error if isinstance(error, YetiError) else self._explained(error, self._address)
                if self._again is None or self._attempts == _ATTEMPTS:
                    raise problem from error
                self._attempts += 1
                getattr(self._body, "close", bool)()
                self._body = self._again(self._position)
            else:
                self._position += len(data)
                return data
        return b""

"""Read one object so that it never ends early: lengths are compared, and a broken connection is taken up again."""

import io
from typing import Any

from core.clients.persistient_storage.reader import PieceReader
from core.clients.persistient_storage.s3.errors import asking, explained, status_of
from core.clients.persistient_storage.s3.place import S3Place
from core.errors import StorageCorrupt, StorageError, StorageTimeout, StorageUnavailable, YetiError

_BUFFER_BYTES = 1 << 18
_ATTEMPTS = 4


class S3Reader(PieceReader):
    """The bytes of an object as a file.

    A server that says no length could cut the object short and nobody would know: it is refused.  It can be wound:
    the next read asks for the very same object from there on.
    """

    def __init__(self, client: Any, place: S3Place, key: str) -> None:
        self._client, self._target, self._address = client, place.target(key), place.address(key)
        self._wanted, self._position, self._attempts = 0, 0, 1
        with asking(self._address):
            answer = client.get_object(**self._target)
        self._body = answer["Body"]
        self._etag = answer.get("ETag")
        length = answer.get("ContentLength")
        if length is None:
            self._body.close()
            raise StorageCorrupt(f"{self._address}: the server does not say how long the file is")
        self._length: int = length

    def buffered(self) -> io.BufferedReader:
        """Return it with a buffer in front, which is no larger than what is there to be read."""
        return io.BufferedReader(self, min(_BUFFER_BYTES, max(1, self._length)))

    def seekable(self) -> bool:
        """Say whether the server names a version, without which two could be mixed."""
        return bool(self._etag)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Say from where the next read shall be; nothing is asked yet."""
        if not self.seekable():
            raise io.UnsupportedOperation("seek")
        wanted = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._wanted, io.SEEK_END: self._length}[whence]
        if wanted < 0:
            raise ValueError("there is nothing before the start of a file")
        self._wanted = wanted
        return wanted

    def tell(self) -> int:
        """Return from where the next read is."""
        return self._wanted

    def close(self) -> None:
        """Give the connection back."""
        if not self.closed:
            super().close()
            if (body := getattr(self, "_body", None)) is not None:
                body.close()

    def _next(self, size: int) -> bytes:
        if self._wanted != self._position:
            self._body.close()
            self._position = self._wanted
            if self._position < self._length:
                self._ask_for_rest(StorageError(f"{self._address}: the server does not give parts of files"))
        while self._position < self._length and size:
            try:
                data: bytes = self._body.read(size)
                if not data:
                    raise StorageUnavailable(f"{self._address}: the connection ended early")  # noqa: TRY301
            except Exception as error:
                self._resume(error)
            else:
                self._position += len(data)
                self._wanted = self._position
                return data
        return b""

    def _resume(self, error: Exception) -> None:
        """Ask for the rest of the very same object, or raise *error* as ours."""
        self._body.close()
        problem = error if isinstance(error, YetiError) else explained(error, self._address)
        if self._attempts == _ATTEMPTS or not self._etag or isinstance(problem, StorageTimeout):
            raise problem from error
        self._attempts += 1
        self._ask_for_rest(problem)

    def _ask_for_rest(self, problem: YetiError) -> None:
        """Ask for the very same object from here on; *problem* is what it means if that is not what comes."""
        replaced = StorageUnavailable(f"{self._address}: the file was replaced while it was read; read it again")
        with asking(self._address):
            try:
                rest = f"bytes={self._position}-"
                answer = self._client.get_object(**self._target, Range=rest, IfMatch=self._etag)
            except self._client.exceptions.ClientError as refusal:
                if status_of(refusal) == 412:
                    raise replaced from refusal
                raise
        is_same = answer.get("ETag") == self._etag  # there are servers that ignore the condition
        if is_same and answer.get("ContentRange", "").partition("-")[0] == f"bytes {self._position}":
            self._body = answer["Body"]
            return
        answer["Body"].close()  # not kept: who reads on in spite of the error must not get it
        raise problem if is_same else replaced

"""All that can be had of a client with nothing but the five methods, and no more.

A write is spooled to a temporary file, and its clean end is one call of ``put_file``; memory is the file's size.
"""

import codecs
import io
import tempfile
from typing import BinaryIO

from core.clients.persistient_storage.receipts import Outcome, Stat
from core.clients.persistient_storage.spec import PersistientStorageClient
from core.clients.persistient_storage.text import encoded
from core.errors import StorageError, UnsupportedOperation


class SpoolWriter:
    """One file that is being written; see `spec.Writer`."""

    def __init__(self, client: PersistientStorageClient, name: str) -> None:
        self._client, self._name = client, name
        self._check = codecs.getincrementaldecoder("utf-8")()
        self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - has no name on the disk, so that nothing can be left behind

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes; refuse at once what ``put_file`` could not carry."""
        self._check_text(bytes(data), is_last=False)
        self._spool.write(data)

    def prepare(self) -> None:
        """Refuse a character that is cut off at the end."""
        self._check_text(b"", is_last=True)

    def commit(self, sha256: str) -> tuple[Stat, Outcome]:
        """Hand the text over in one call."""
        self.prepare()
        self._spool.seek(0)
        data = self._spool.read()
        self._client.put_file(self._name, data.decode())
        return Stat(self._name, len(data), sha256, sha256), "stored"

    def abort(self) -> None:
        """Forget the spool."""
        self._spool.close()

    def _check_text(self, data: bytes, *, is_last: bool) -> None:
        try:
            self._check.decode(data, is_last)
        except UnicodeDecodeError:
            raise lacks(self._client, "open_writer", "bytes that are not UTF-8 text") from None


def read(client: PersistientStorageClient, name: str) -> BinaryIO:
    """Return the bytes of the text that is stored."""
    text = client.get_file(name)
    if not isinstance(text, str):
        raise StorageError(f"{type(client).__name__}.get_file returned {type(text).__name__}, not str")
    return io.BytesIO(encoded(text))


def lacks(client: object, method: str, what: str) -> UnsupportedOperation:
    """Return the refusal of *what*, which names the method that would lift it."""
    return UnsupportedOperation(f"{type(client).__name__} cannot do {what}: it has no method {method}")

"""The SFTP client: a folder on a server that is reached over SSH, such as OpenSSH.

Path: ``sftp://user@host:port/absolute/folder``; user and port may be missing, a password may never be there.

It uses what ``ssh`` uses: the keys of ``~/.ssh``, the agent, and of ``~/.ssh/config`` the lines ``HostName``,
``User``, ``Port`` and ``IdentityFile``; a proxy there is refused.  Three variables of our own: ``YETI_SFTP_KEY_FILE``
(this key and no other), ``YETI_SFTP_PASSWORD_FILE`` (a file that holds the password) and ``YETI_SFTP_KNOWN_HOSTS``
(instead of ``~/.ssh/known_hosts``).  The server's host key must be known; one that is not, or that has changed, is
refused.

A file is written beside its place under a hidden name, made durable where the server can, and renamed over the old
one, which OpenSSH does as one step.  Policy ``Create`` needs a server and a file system that make hard links, and
is refused elsewhere.  Links on the server: reading follows them, lists leave them out, a put replaces the link.

It cannot promise ``if_match``, because the protocol has no locks, nor ``metadata``, because there is no place for
it.  It knows times in whole seconds: a replacement within the same second is dated one second later, so that ETags
differ; a file deleted and stored again with the same size within a second has the same ETag.  No links for others.

paramiko is imported when the server is first asked: ``pip install '.[sftp]'``.
"""

import io
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO, cast

from core.clients.persistient_storage import names
from core.clients.persistient_storage.receipts import Leftover, Stat, WriteRequest
from core.clients.persistient_storage.remote_tree import Entry, Kind, leftovers, listed, stat_of
from core.clients.persistient_storage.sftp.connection import Result, connections
from core.clients.persistient_storage.sftp.place import SCHEME, parsed
from core.clients.persistient_storage.sftp.reader import SftpReader
from core.clients.persistient_storage.sftp.writer import SftpWriter, etag_of
from core.clients.persistient_storage.spec import PersistientStorageClient
from core.clients.persistient_storage.text import decoded, encoded, put
from core.errors import FileExists, FileMissing
from core.schemas.instant import SECOND

_READ_BUFFER = 1 << 18


class SftpClient(PersistientStorageClient):
    """Files in a folder of an SSH server."""

    PREFIX = SCHEME
    CANNOT_PROMISE = frozenset({"if_match", "metadata"})

    def __init__(self, path: str) -> None:
        self._place = parsed(path)
        self._root = self._place.url("").rstrip("/")

    def file_path(self, file_name: str) -> str:
        return self._place.url(names.check(file_name))

    def get_file(self, file_name: str) -> str:
        with self._reader(file_name) as reader:
            return decoded(reader.readall(), self._place.url(file_name))

    def put_file(self, file_name: str, contents: str) -> None:
        data = encoded(contents)
        put(self.open_writer(file_name, WriteRequest()), data)

    def delete_file(self, file_name: str) -> None:
        self._remove(names.check(file_name))

    def open_writer(self, file_name: str, request: WriteRequest) -> SftpWriter:
        return SftpWriter(connections(self._place), self._place, names.check(file_name), request)

    def open_reader(self, file_name: str) -> BinaryIO:
        return cast("BinaryIO", io.BufferedReader(self._reader(file_name), _READ_BUFFER))

    def stat(self, file_name: str) -> Stat:
        return stat_of(self, file_name, self._place.url(file_name))

    def list(self, prefix: str = "") -> Iterator[Stat]:
        return listed(self, self._root, prefix)

    def leftovers(self) -> Iterator[Leftover]:
        return leftovers(self, self._root)

    def remove_leftover(self, leftover: Leftover) -> None:
        if names.is_part_file(leftover.token):
            self._remove(leftover.token)

    def entry(self, name: str) -> Entry:
        """As `remote_tree.Tree`."""
        return _entry(name, self._ask(name, lambda sftp: sftp.stat(self._place.path(name))))

    def entries(self, folder: str) -> Iterator[Entry]:
        """As `remote_tree.Tree`."""
        above = f"{folder}/" if folder else ""
        for found in self._ask(folder, lambda sftp: sftp.listdir_attr(self._place.path(folder))):
            yield _entry(above + found.filename, found)

    def _reader(self, file_name: str) -> SftpReader:
        path, address = self._place.path(names.check(file_name)), self._place.url(file_name)
        return SftpReader(connections(self._place), path, address)

    def _remove(self, name: str) -> None:
        try:
            with suppress(FileMissing):
                self._ask(name, lambda sftp: sftp.remove(self._place.path(name)))
        except Exception:
            with suppress(FileMissing):
                if self.entry(name).kind == "folder":
                    raise FileExists(f"{self._place.url(name)}: a folder of that name stands there") from None
            raise

    def _ask(self, name: str, question: Callable[[Any], Result]) -> Result:
        return connections(self._place).ask(self._place.url(name), question)


def _entry(name: str, status: Any) -> Entry:
    kind: Kind = "file" if stat.S_ISREG(status.st_mode) else "folder" if stat.S_ISDIR(status.st_mode) else "other"
    etag = etag_of(status.st_mtime, status.st_size)
    return Entry(name, kind, status.st_size, etag, status.st_mtime * SECOND)

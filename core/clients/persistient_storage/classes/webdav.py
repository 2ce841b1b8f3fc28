"""The WebDAV client: a folder on a web server with WebDAV, such as Apache, Nextcloud or WsgiDAV.

Path: ``webdavs://host:port/folder`` over https, or ``webdav://host:port/folder`` over http; the folder is written
plainly, not with percent signs.  User and password are never in it: set ``YETI_WEBDAV_USER`` and
``YETI_WEBDAV_PASSWORD_FILE`` (or ``YETI_WEBDAV_PASSWORD``), or have them in ``~/.netrc``; a file that was changed
is read again.  They are sent as HTTP's Basic, so over plain http anybody on the way can read them.
``REQUESTS_CA_BUNDLE`` or ``SSL_CERT_FILE`` name the certificates to trust, ``HTTP_PROXY``, ``HTTPS_PROXY`` and
``NO_PROXY`` the proxy.  Redirects are not followed.

A file is sent under a hidden name beside its place, its length compared, and moved over the old one.  A reader
gets one file, whole, or an error: it asks before and after the file is opened, and both must agree.

What a server makes of the move is its own affair, so it cannot promise ``atomic``: many rename, but
WsgiDAV deletes the old file first, so that for a moment there is none, and there would be none if it died just
then.  Readers of this program look again before they say that a file is missing.  It cannot promise ``create``
either: servers first look whether the name is free and then take it, and two may do so at once; nor ``if_match``,
for the same reason; nor ``metadata``: the server names the content type by itself.  There are no links for others.
Names with ``;`` or ``?`` are refused in writing: WsgiDAV would cut them off there.  ETags are the server's, and most
are made of a time in whole seconds: a file that replaces one of the same second is sent again a second later.

requests is imported when the server is first asked: ``pip install '.[webdav]'``.
"""

import io
from collections.abc import Iterator
from typing import BinaryIO, cast

from core.clients.persistient_storage import names
from core.clients.persistient_storage.receipts import Leftover, Stat, WriteRequest
from core.clients.persistient_storage.remote_tree import leftovers, listed, stat_of
from core.clients.persistient_storage.spec import PersistientStorageClient
from core.clients.persistient_storage.text import decoded, encoded, put
from core.clients.persistient_storage.webdav.place import parsed
from core.clients.persistient_storage.webdav.reader import DavReader
from core.clients.persistient_storage.webdav.tree import DavTree
from core.clients.persistient_storage.webdav.writer import DavWriter

_READ_BUFFER = 1 << 18


class WebDavClient(PersistientStorageClient):
    """Files in a folder of a WebDAV server, over http."""

    PREFIX = "webdav://"
    CANNOT_PROMISE = frozenset({"atomic", "create", "if_match", "metadata"})

    def __init__(self, path: str) -> None:
        self._tree = DavTree(parsed(path, self.PREFIX))
        self._root = self._tree.place.url("").rstrip("/")

    def file_path(self, file_name: str) -> str:
        return self._tree.place.url(names.check(file_name))

    def get_file(self, file_name: str) -> str:
        with DavReader(self._tree, names.check(file_name)) as reader:
            return decoded(reader.readall(), self.file_path(file_name))

    def put_file(self, file_name: str, contents: str) -> None:
        data = encoded(contents)
        put(self.open_writer(file_name, WriteRequest()), data)

    def delete_file(self, file_name: str) -> None:
        self._tree.delete(names.check(file_name))

    def open_writer(self, file_name: str, request: WriteRequest) -> DavWriter:
        return DavWriter(self._tree, names.check(file_name))

    def open_reader(self, file_name: str) -> BinaryIO:
        return cast("BinaryIO", io.BufferedReader(DavReader(self._tree, names.check(file_name)), _READ_BUFFER))

    def stat(self, file_name: str) -> Stat:
        return stat_of(self._tree, file_name, self.file_path(file_name))

    def list(self, prefix: str = "") -> Iterator[Stat]:
        return listed(self._tree, self._root, prefix)

    def leftovers(self) -> Iterator[Leftover]:
        return leftovers(self._tree, self._root)

    def remove_leftover(self, leftover: Leftover) -> None:
        if names.is_part_file(leftover.token):
            self._tree.delete(leftover.token)


class WebDavsClient(WebDavClient):
    """The same over https."""

    PREFIX = "webdavs://"

"""Where on a WebDAV server something is: a server, a folder, a file."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from core.clients.persistient_storage import names
from core.errors import InvalidFileName, InvalidStoragePath

_HOST = re.compile(
    r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?)(?::(?P<port>[0-9]{1,5}))?"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of a server.

    Attributes:
        scheme: ``webdav://`` or ``webdavs://``.
        server: Host and port.
        folder: Begins and ends with a slash.
    """

    scheme: str
    server: str
    folder: str

    def url(self, name: str) -> str:
        """Return the canonical address of the file *name*, for people."""
        return f"{self.scheme}{self.server}{self.folder}{name}"

    def path(self, name: str) -> str:
        """Return the path of *name* on the server."""
        return self.folder + name

    def http(self, path: str) -> str:
        """Return the address that is asked for what stands at *path* on the server."""
        scheme = "https" if self.scheme == "webdavs://" else "http"
        return f"{scheme}://{self.server}{quote(path, errors='surrogateescape')}"


def parsed(path: str, scheme: str) -> Place:
    """Return the place that *path* names; a slash at the end makes no difference.

    Raises:
        InvalidStoragePath: It names no host, holds credentials, or its folder could not be a file name.
    """
    server, _, folder = path.removeprefix(scheme).partition("/")
    if "@" in server:
        raise InvalidStoragePath(
            f"a {scheme} path holds no credentials; set YETI_WEBDAV_USER and YETI_WEBDAV_PASSWORD_FILE"
        )
    match = _HOST.fullmatch(server)
    if match is None or int(match["port"] or 1) not in range(1, 65_536):
        raise InvalidStoragePath(f"a {scheme} path must name a host; the form is {scheme}host:port/folder")
    try:
        folder = names.check_prefix(folder.strip("/"))
    except InvalidFileName as error:
        raise InvalidStoragePath(f"the folder of the {scheme} path is refused: {error}") from None
    return Place(scheme, server, f"/{folder}/" if folder else "/")

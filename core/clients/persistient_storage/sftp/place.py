"""Where on an SSH server something is: an account, a folder, a file."""

import re
from dataclasses import dataclass

from core.clients.persistient_storage import names
from core.errors import InvalidFileName, InvalidStoragePath

SCHEME = "sftp://"
_FORM = f"the form is {SCHEME}user@host:port/absolute/folder"
_SERVER = re.compile(
    r"(?:(?P<user>[^@\s]+)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_][A-Za-z0-9._-]*)(?::(?P<port>[0-9]{1,5}))?"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of an account; what the path does not say is left to the configuration of SSH.

    Attributes:
        server: User, host and port as the path has them, for people.
        folder: Absolute, without a slash at the end; empty for the root.
    """

    server: str
    host: str
    user: str | None
    port: int | None
    folder: str

    def path(self, name: str) -> str:
        """Return the path on the server of the file *name*; of the folder itself if that is empty."""
        return f"{self.folder}/{name}" if name else self.folder or "/"

    def url(self, name: str) -> str:
        """Return the canonical address of the file *name*."""
        return f"{SCHEME}{self.server}{self.path(name)}"


def parsed(path: str) -> Place:
    """Return the place that ``sftp://user@host:port/folder`` names; a slash at the end makes no difference.

    Raises:
        InvalidStoragePath: It names no host or no folder, holds a password, or has parts that are no names.
    """
    server, slash, folder = path.removeprefix(SCHEME).partition("/")
    if ":" in server.rpartition("@")[0]:
        raise InvalidStoragePath(
            f"an {SCHEME} path holds no password; use a key, or put the password into a file and name that in "
            "YETI_SFTP_PASSWORD_FILE"
        )
    match = _SERVER.fullmatch(server)
    if match is None or not slash or int(match["port"] or 1) not in range(1, 65_536):
        raise InvalidStoragePath(f"an {SCHEME} path must name a host and an absolute folder; {_FORM}")
    try:
        folder = names.check_prefix(folder.strip("/"))
    except InvalidFileName as error:
        raise InvalidStoragePath(f"the folder of the {SCHEME} path is refused: {error}") from None
    port = int(match["port"]) if match["port"] else None
    return Place(server, match["host"].strip("[]"), match["user"], port, f"/{folder}" if folder else "")

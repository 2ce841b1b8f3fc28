"""Whose account is used on which server, and by which key: the path, three variables and ``~/.ssh/config``."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.clients.persistient_storage.sftp.errors import asking
from core.clients.persistient_storage.sftp.place import SCHEME, Place
from core.errors import InvalidStoragePath, StoragePermissionDenied, UnsupportedOperation

_KEY_FILE, _PASSWORD_FILE = "YETI_SFTP_KEY_FILE", "YETI_SFTP_PASSWORD_FILE"
_CERTIFICATE = "-cert.pub"


@dataclass(frozen=True, slots=True)
class Account:
    """Everything that decides which connection it is."""

    host: str
    port: int
    user: str | None
    own_key_file: str | None
    configured_key_files: tuple[str, ...]
    password_file: str | None
    known_hosts: str

    def key_files(self) -> list[str]:
        """Return those that are there; one that is named by a variable counts alone."""
        named = (self.own_key_file,) if self.own_key_file else self.configured_key_files
        return [name for name in named if Path(name).is_file()]

    def password(self) -> str | None:
        """Return what the file of the password holds now."""
        if self.password_file is None:
            return None
        _must_exist(self.password_file, _PASSWORD_FILE)
        return Path(self.password_file).read_text("utf-8").rstrip("\r\n")


def account_of(place: Place, paramiko: Any) -> Account:
    """Return the account that *place*, the variables and the configuration of SSH name, as they are now.

    Raises:
        UnsupportedOperation: The configuration leads through a proxy.
        InvalidStoragePath: The configuration has a port that is none.
    """
    config = Path("~/.ssh/config").expanduser()
    with asking(str(config)):
        found = paramiko.SSHConfig.from_path(config).lookup(place.host) if config.is_file() else {}
    for option in ("proxyjump", "proxycommand"):
        if (found.get(option) or "none").lower() != "none":
            # Going there directly would meet another host, or none, and say nothing of the reason.
            raise UnsupportedOperation(
                f"{place.url('')}: {config} leads there by {option}, which is not supported; open a tunnel "
                f"(ssh -N -L 2222:localhost:22 {place.host}), give {SCHEME}…@localhost:2222/… as the path"
            )
    return Account(
        host=found.get("hostname", place.host),
        port=place.port or _port(found.get("port", "22"), config),
        user=place.user or found.get("user"),
        own_key_file=os.environ.get(_KEY_FILE) or None,
        configured_key_files=tuple(found.get("identityfile", ())),
        password_file=os.environ.get(_PASSWORD_FILE) or None,
        known_hosts=os.environ.get("YETI_SFTP_KNOWN_HOSTS") or str(Path("~/.ssh/known_hosts").expanduser()),
    )


def check_key(file: str, password: str | None, paramiko: Any) -> None:
    """See that the key of the variable can be used: of one that cannot, a server that refuses all says nothing.

    Raises:
        StoragePermissionDenied: It is not there, cannot be read or holds no key that the password opens.
    """
    _must_exist(file, _KEY_FILE)
    for kind in (paramiko.RSAKey, paramiko.ECDSAKey, paramiko.Ed25519Key):
        try:
            kind.from_private_key_file(file.removesuffix(_CERTIFICATE), password)
        except paramiko.PasswordRequiredException:
            raise
        except (paramiko.SSHException, ValueError):  # of another kind, or none at all
            continue
        except OSError as error:
            raise StoragePermissionDenied(f"{_KEY_FILE} names {file}, which cannot be read") from error
        return
    raise StoragePermissionDenied(
        f"{_KEY_FILE} names {file}, which holds no private key that can be used; it takes RSA, ECDSA and Ed25519"
    )


def _port(port: str, config: Path) -> int:
    if not port.isdecimal() or int(port) not in range(1, 65_536):
        raise InvalidStoragePath(f"{config}: {port!r} is not a port; it is a number from 1 to 65535")
    return int(port)


def _must_exist(file: str, variable: str) -> None:
    if not Path(file).is_file():
        raise StoragePermissionDenied(f"{variable} names {file}, which is not a file")

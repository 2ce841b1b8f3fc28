"""URLs that somebody named, taken apart once: nothing else reads them, so that nobody reads them otherwise."""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from urllib.parse import quote, urlsplit

from core.errors import RefusedValue

_LONGEST = 4_000
_PORTS = {"http": 80, "https": 443}
_FIRST_FREE_PORT = 1_024
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_LIKE_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_SAFE = "/:@!$&'()*+,;=-._~%"


@dataclass(frozen=True, slots=True)
class Url:
    """A URL of the web; ``host`` is a name in ASCII or an address, ``path`` and ``query`` are escaped."""

    scheme: str
    host: str
    port: int
    path: str
    query: str

    @property
    def is_secure(self) -> bool:
        """Whether it is ``https``."""
        return self.scheme == "https"

    @property
    def is_name(self) -> bool:
        """Whether the host is a name, and no address."""
        return not _is_address(self.host)

    @property
    def authority(self) -> str:
        """Host, and port where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def target(self) -> str:
        """What is asked for: path and query."""
        return self.path + (f"?{self.query}" if self.query else "")

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def parsed(text: str) -> Url:
    """Take a URL apart.

    Raises:
        RefusedValue: It is none of http and https, has a name or password in it, a port of another service, or a host
            in a form that others read otherwise.
    """
    if len(text) > _LONGEST or re.search(r"[\x00-\x20\x7f\\]", text):
        raise RefusedValue(
            "that is no address of a file on the web: it is too long, or has blanks or backslashes in it"
        )
    try:
        parts = urlsplit(text)
        port = parts.port
        host = parts.hostname or ""
    except ValueError:
        raise RefusedValue("that is no address of a file on the web") from None
    if parts.scheme not in _PORTS:
        raise RefusedValue("only addresses that begin with http:// or https:// are fetched")
    if "@" in parts.netloc:
        raise RefusedValue("a name or password in the address is not sent; leave it out")
    port = _PORTS[parts.scheme] if port is None else port
    if port < _FIRST_FREE_PORT and port not in _PORTS.values():
        raise RefusedValue(
            f"port {port} belongs to another service than the web; 80, 443 and those above 1023 are fetched from"
        )
    path = quote(parts.path or "/", safe=_SAFE)
    return Url(parts.scheme, _host(host), port, path, quote(parts.query, safe=_SAFE + "?"))


def _host(text: str) -> str:
    import idna

    if _is_address(text):
        return text
    try:
        name = text if text.isascii() else idna.encode(text, uts46=True).decode()
    except idna.IDNAError:
        raise RefusedValue("the name of the host is none") from None
    name = name.lower().removesuffix(".")
    if _is_address(name):  # written with other digits
        return name
    labels = name.split(".")
    # 2130706433, 0x7f.1 and 0177.0.0.1 are addresses to some, and names to others.
    if len(name) > 253 or not all(map(_LABEL.fullmatch, labels)) or _LIKE_NUMBER.fullmatch(labels[-1]):
        raise RefusedValue("the name of the host is none; an address is written 192.0.2.1 or [2001:db8::1]")
    return name


def _is_address(text: str) -> bool:
    try:
        found = ip_address(text)
    except ValueError:
        return False
    return not (isinstance(found, IPv6Address) and found.scope_id is not None)

"""What a program that opens a URL sends over the wire: the host that it names, and the target that it asks for."""

import re
from typing import NamedTuple

from core.errors import RefusedValue
from core.values import urls

NOT_HTTP = "not of http or https"
HAS_USER = "has a user in it, which is not sent as a part of the URL"
HAS_FRAGMENT = "has a fragment, which is not sent"
NOT_CANONICAL = "a URL that is not in its canonical form"
PORTS = {"http": "80", "https": "443"}

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_is_usual = re.compile(rf"https?://(?=[^/?]{{4,253}}+[/?])(?:{_LABEL}\.)++[a-z]{{2,63}}+[/?][!-\"$-~]*").fullmatch
"""URLs that are canonical at first sight, as nearly all are."""
_parts = re.compile(r"(https?)://([^/?#\\@:\[\]]+|\[[0-9a-f:]+\])(?::([1-9][0-9]*))?((?:[/?][!-~]*)?)").fullmatch


class Request(NamedTuple):
    """The request for a URL.

    Attributes:
        scheme: ``http`` or ``https``.
        host: A name, an address, or an IPv6 address in brackets.
        port: Where the URL names another than that of its scheme; else empty.
        target: Path and query.
    """

    scheme: str
    host: str
    port: str
    target: str

    @property
    def place(self) -> str:
        """What stands in the header ``Host``."""
        return f"{self.host}:{self.port}" if self.port else self.host


def request(url: str) -> Request:
    """Return the request for a canonical URL; by RFC 3986 an empty path is ``/``, and the port of its scheme is none.

    Raises:
        RefusedValue: It is not canonical, or holds what no request says.
    """
    found = _parts(url)
    if found is None or not (_is_usual(url) or ("#" not in url and urls.url(url) == url)):
        raise RefusedValue(_why_not(url))
    scheme, host, port, target = found.groups()
    if port == PORTS[scheme]:
        port = ""
    return Request(scheme, host, port or "", target if target.startswith("/") else f"/{target}")


def _why_not(url: str) -> str:
    try:
        is_canonical = urls.url(url) == url
    except RefusedValue as error:
        return str(error)
    if not is_canonical:
        return NOT_CANONICAL
    scheme, _, rest = url.partition("://")
    if scheme not in PORTS:
        return NOT_HTTP
    if "@" in re.split(r"[/?#\\]", rest, maxsplit=1)[0]:
        return HAS_USER
    return HAS_FRAGMENT if "#" in rest else NOT_CANONICAL

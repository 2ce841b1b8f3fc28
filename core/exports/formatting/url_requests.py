"""What a program that opens a URL sends over the wire: the host that it names, and the target that it asks for.

Whatever is compared with traffic sees that and nothing else.  A URL with a part that no request has (user name,
fragment) would be another URL without it, so it is refused and never bent; so is one that programs read in different
ways (backslash), and one that is another in every network (a host of one label).

A batch is looked at as a whole, by one regular expression, and a single URL only where that fails.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from core.errors import RefusedValue
from core.exports.formatting.contract import Refusing, Value, Values
from core.values import urls

NOT_CANONICAL = "a URL that is not in its canonical form"
NOT_WEB = "a scheme other than http and https"
HAS_USER = "a URL with a user name, which no request has"
HAS_FRAGMENT = "a URL with a fragment, which no request has"
HAS_BACKSLASH = "a URL with a backslash, which some programs take for a slash"
ONE_LABEL = "a URL whose host is a single label"
NO_PORT = "a URL of port 0"
PORTS = {"http": "80", "https": "443"}

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}"
_NAME = r"(?:[a-z0-9_-]{1,63}+\.)++[a-z][a-z0-9-]{0,62}+(?<!-)"
_HOST = rf"(?![^/?#:\n]{{254}})(?:{_IPV4}|{_NAME})(?=[:/?#\n])"
_TARGET = r'/[!"$-\[\]-~]*+'
# Possessive, so that nothing is tried twice.  What is here is canonical, and sent as it is; there are others.
_is_sent = re.compile(rf"(https?)://({_HOST})(?::(?!80/|443/)([1-9][0-9]{{0,3}}+))?+({_TARGET})").fullmatch
_are_sent = re.compile(rf"(?:https?://{_HOST}(?::(?!80/|443/)[1-9][0-9]{{0,3}}+)?+{_TARGET}\n)*+").fullmatch
_are_canonical = re.compile(rf"(?:https?://{_HOST}(?::[1-9][0-9]{{0,3}}+)?+(?:[/?#][!-~]*+)?+\n)*+").fullmatch
_parts = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#\\]*)(.*)", re.DOTALL).fullmatch
_host_and_port = re.compile(r"(.*?)(?::([0-9]+))?").fullmatch


class Request(NamedTuple):
    """The request for a URL.

    Attributes:
        scheme: ``http`` or ``https``, or another where that was allowed.
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


def request(url: str, *, is_web: bool = True) -> Request:
    """Return the request for a canonical URL; by RFC 3986 an empty path is ``/``, and the port of its scheme is none.

    Args:
        url: In its canonical form.
        is_web: Whether only http and https are asked for.

    Raises:
        RefusedValue: It is not canonical, or holds what no request says.
    """
    if found := _is_sent(url):
        scheme, host, port, target = found.groups("")
        return Request(scheme, host, port, target)
    _check_canonical(url)
    scheme, authority, rest = _split(url)
    split = _host_and_port(authority)
    host, port = split.groups("") if split else ("", "")
    faults = {
        NOT_WEB: is_web and scheme not in PORTS,
        HAS_USER: "@" in authority,
        HAS_FRAGMENT: "#" in rest,
        HAS_BACKSLASH: "\\" in rest,
        NO_PORT: port == "0",
        ONE_LABEL: "." not in host and not host.startswith("["),
    }
    for reason, is_so in faults.items():
        if is_so:
            raise RefusedValue(reason)
    return Request(
        scheme, host, "" if port == PORTS.get(scheme) else port, rest if rest.startswith("/") else f"/{rest}"
    )


def are_sent(values: Sequence[str]) -> bool:
    """Return whether all are URLs of http or https that are sent as they are, at first sight: most are."""
    text = "\n".join([*values, ""])
    return bool(_are_sent(text)) and text.count("\n") == len(values)


def canonical_urls(batch: Values, out: Refusing) -> list[str]:
    """Return the URLs of *batch* that are canonical, of any scheme; refuse the others."""
    text = "\n".join([*batch.values, ""])
    if _are_canonical(text) and text.count("\n") == len(batch.values):
        return batch.values
    return _checked(batch, out, _check_canonical)


def sent_urls(batch: Values, out: Refusing) -> list[str]:
    """Return the URLs of *batch*, of any scheme, of which all is sent; refuse the others."""
    return batch.values if are_sent(batch.values) else _checked(batch, out, _check_sent)


def web_urls(batch: Values, out: Refusing) -> list[str]:
    """Return the URLs of *batch*, of http and https, of which all is sent; refuse the others."""
    return batch.values if are_sent(batch.values) else _checked(batch, out, request)


def _checked(batch: Values, out: Refusing, check: Callable[[str], object]) -> list[str]:
    good = []
    for value in batch.values:
        try:
            check(value)
        except RefusedValue as error:
            out.refuse(Value(batch.type, value), str(error))
        else:
            good.append(value)
    return good


def _check_canonical(value: str) -> None:
    if urls.url(value) != value:
        raise RefusedValue(NOT_CANONICAL)


def _check_sent(value: str) -> None:
    request(value, is_web=False)


def _split(url: str) -> tuple[str, str, str]:
    """Return scheme, authority, and what is behind it, of a canonical URL."""
    found = _parts(url)
    return (found[1], found[2], found[3]) if found else ("", "", "")

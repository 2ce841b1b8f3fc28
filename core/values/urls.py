"""URLs and mail addresses.

A URL keeps its path, query, fragment, user part and port as they were written (formats have their own rules on
those); scheme and host get their one spelling, and what is not ASCII is percent-encoded.  It is never cut.
"""

import re
from urllib.parse import quote

from core.errors import RefusedValue
from core.values import addresses, names
from core.values.characters import trimmed

_parts = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#\\]*)(.*)", re.DOTALL).fullmatch
_is_plain = re.compile(r"[!-~]*").fullmatch
_port = re.compile(r":([0-9]{0,5})\Z")
_single_label = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?").fullmatch
_is_number = re.compile(r"[0-9]+|0x[0-9a-f]*").fullmatch
_local_part = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}").fullmatch
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))


def url(text: str) -> str:
    """Return the canonical absolute URL.

    Raises:
        RefusedValue: There is no scheme, or the host or port cannot be one.
    """
    value = trimmed(text)
    parts = _parts(value)
    if parts is None:
        raise RefusedValue("not an absolute URL: there is no scheme://")
    scheme, authority, rest = parts.groups()
    userinfo, at, place = authority.rpartition("@")
    if not _is_plain(rest):
        rest = quote(rest, safe=_PRINTABLE)
    if not _is_plain(userinfo):
        userinfo = quote(userinfo, safe=_PRINTABLE)
    return f"{scheme.lower()}://{userinfo}{at}{_place(place)}{rest}"


def _place(place: str) -> str:
    port = ""
    found = _port.search(place)
    if found:
        place = place[: found.start()]
        if found.group(1):
            number = int(found.group(1))
            if number > 65535:
                raise RefusedValue("not a URL: a port beyond 65535")
            port = f":{number}"
    return host(place) + port


def host(text: str) -> str:
    """Return the canonical host of a URL: name, IPv4 address, or IPv6 address in brackets.

    Raises:
        RefusedValue: It is none of them.
    """
    if addresses.is_ipv4(text) or names.is_hostname(text):
        return text
    if text.startswith("["):
        if not text.endswith("]"):
            raise RefusedValue("not a URL: the host has one bracket")
        folded = addresses.folded_ipv4(text)
        return folded or f"[{addresses.ipv6(text)}]"
    lowered = text.lower().removesuffix(".")
    # 0x7f000001 is an address to a browser, as a number alone is.
    if _single_label(lowered) and not _is_number(lowered):
        return lowered
    try:
        return names.hostname(text)
    except RefusedValue as error:
        if addresses.is_ipv4(lowered):
            return lowered
        raise RefusedValue("not a URL: the host is neither a name nor an address") from error


def host_of(value: str) -> str:
    """Return the host of a canonical URL: a name, an IPv4 address, or an IPv6 address in brackets."""
    parts = _parts(value)
    place = parts[2].rpartition("@")[2] if parts else ""
    found = _port.search(place)
    return place[: found.start()] if found else place


def email(text: str) -> str:
    """Return the mail address with its domain in canonical form; the part before the ``@`` keeps its case.

    Raises:
        RefusedValue: It is none.
    """
    value = trimmed(text)
    local, at, domain = value.rpartition("@")
    if not at or not _local_part(local):
        raise RefusedValue("not a mail address")
    try:
        return f"{local}@{names.hostname(domain)}"
    except RefusedValue as error:
        raise RefusedValue(f"not a mail address: the part behind the @ is {error}") from error

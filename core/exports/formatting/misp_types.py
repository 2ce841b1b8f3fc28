"""What an observable is as an attribute of MISP: type, category, whether it is for detection, and value.

Values are written as MISP keeps them, so that what it compares is the same text.  Where it would take another value
for one, or none at all, there is a reason to refuse it.

Sources: MISP core format (draft-dulaunoy-misp-core-format), section 2.4; the table ``describeTypes`` that every
instance offers; what instances accept as a value of each type.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from core.exports.formatting.names import is_public_suffix
from core.values import types

BEYOND_PLANE = "a character beyond U+FFFF, which MISP replaces"
SHORT_TOP_LEVEL = "a name whose last label is one letter, which MISP does not take"
NO_DOMAIN = "a mail address without a dot in its domain, which MISP does not take"
HAS_FOLDER = "a file name with a folder in it; that is a path"
NO_FOLDER = "a path without a folder; that is a file name"
NO_FINGERPRINT = "neither a fingerprint of MD5, SHA-1 nor SHA-256; MISP has no type for serial numbers"
NO_CURRENCY = "a wallet of a currency that MISP has no type for"


class MispType(NamedTuple):
    """How MISP calls it, under which category, and whether it is for detection, as instances have it by default."""

    name: str
    category: str
    is_for_detection: bool


class Attribute(NamedTuple):
    """An observable as an attribute, or why it cannot be one."""

    type: MispType
    value: str
    refused: str = ""


_NETWORK, _DELIVERY, _DROPPED = "Network activity", "Payload delivery", "Artifacts dropped"
_DOMAIN, _HOSTNAME = MispType("domain", _NETWORK, True), MispType("hostname", _NETWORK, True)
_WALLETS = {currency: MispType(currency, "Financial fraud", True) for currency in ("btc", "xmr", "dash")}
_FINGERPRINTS = {
    32: MispType("x509-fingerprint-md5", _NETWORK, True),
    40: MispType("x509-fingerprint-sha1", _NETWORK, True),
    64: MispType("x509-fingerprint-sha256", _NETWORK, True),
}
_FILE_NAME = MispType("filename", _DELIVERY, True)

_SAME: dict[str, MispType] = {
    types.IPV4: MispType("ip-dst", _NETWORK, True),
    types.IPV6: MispType("ip-dst", _NETWORK, True),
    types.CIDR: MispType("ip-dst", _NETWORK, True),
    types.URL: MispType("url", _NETWORK, True),
    types.MD5: MispType("md5", _DELIVERY, True),
    types.SHA1: MispType("sha1", _DELIVERY, True),
    types.SHA256: MispType("sha256", _DELIVERY, True),
    types.SHA512: MispType("sha512", _DELIVERY, True),
    types.SSDEEP: MispType("ssdeep", _DELIVERY, True),
    types.IMPHASH: MispType("imphash", _DELIVERY, True),
    types.JA3: MispType("ja3-fingerprint-md5", _NETWORK, True),
    types.JARM: MispType("jarm-fingerprint", _NETWORK, True),
    types.REGISTRY_KEY: MispType("regkey", "Persistence mechanism", True),
    types.MUTEX: MispType("mutex", _DROPPED, True),
    types.NAMED_PIPE: MispType("named pipe", _DROPPED, False),
    types.USER_AGENT: MispType("user-agent", _NETWORK, False),
    types.MAC_ADDRESS: MispType("mac-address", _NETWORK, False),
}
"""Of types whose every value is a value of that type of MISP."""


def _name(value: str) -> Attribute:
    # One registered by somebody is a domain to MISP, what is below such a one a host name.
    found = _DOMAIN if is_public_suffix(value.partition(".")[2]) or value.count(".") == 1 else _HOSTNAME
    return Attribute(found, value, SHORT_TOP_LEVEL if value[-2:-1] == "." else "")


def _email(value: str) -> Attribute:
    domain = value.rpartition("@")[2]
    return Attribute(MispType("email", _DELIVERY, True), value, "" if "." in domain else NO_DOMAIN)


def _file_name(value: str) -> Attribute:
    return Attribute(_FILE_NAME, value, HAS_FOLDER if has_folder(value) else "")


def _path(value: str) -> Attribute:
    return Attribute(_FILE_NAME, value, "" if has_folder(value) else NO_FOLDER)


def _certificate(value: str) -> Attribute:
    found = _FINGERPRINTS.get(len(value))
    return Attribute(found or _FINGERPRINTS[32], value, "" if found else NO_FINGERPRINT)


def _wallet(value: str) -> Attribute:
    currency, _, address = value.partition(":")
    found = _WALLETS.get(currency)
    is_one = found is not None and _is_wallet(address)
    return Attribute(found or _WALLETS["btc"], address, "" if is_one else NO_CURRENCY)


def _asn(value: str) -> Attribute:
    return Attribute(MispType("AS", _NETWORK, False), value.removeprefix("AS"))


def _tlsh(value: str) -> Attribute:
    return Attribute(MispType("tlsh", _DELIVERY, True), value.lower())


_MADE: dict[str, Callable[[str], Attribute]] = {
    types.HOSTNAME: _name,
    types.EMAIL: _email,
    types.FILE: _file_name,
    types.PATH: _path,
    types.CERTIFICATE: _certificate,
    types.WALLET: _wallet,
    types.ASN: _asn,
    types.TLSH: _tlsh,
}
_is_wallet = re.compile("[0-9A-Za-z]+").fullmatch
_beyond_plane = re.compile("[\U00010000-\U0010ffff]").search

TYPES = frozenset((*_SAME, *_MADE))
"""The types that MISP has a type for."""


def has_folder(name: str) -> bool:
    """Say whether a name has a separator of folders in it."""
    return "/" in name or "\\" in name


def attribute_of(type_: str, value: str) -> Attribute:
    """Return what a canonical value of one of `TYPES` is in MISP."""
    same = _SAME.get(type_)
    found = _MADE[type_](value) if same is None else Attribute(same, value)
    if not value.isascii() and _beyond_plane(value):
        return found._replace(refused=BEYOND_PLANE)
    return found


def attributes_of(type_: str, values: Sequence[str]) -> list[Attribute]:
    """Return what each canonical value of one of `TYPES` is in MISP."""
    same = _SAME.get(type_)
    if same is None or not "".join(values).isascii():
        return [attribute_of(type_, value) for value in values]
    return [Attribute(same, value) for value in values]

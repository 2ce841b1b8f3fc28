"""Observables as STIX 2.1 indicators: the same observable has the same id everywhere and for ever.

Source: STIX Version 2.1, OASIS Standard, sections 3.2, 3.6, 4.7, 6 and 9; the marking definitions are those of TLP 2.0.
"""

from collections.abc import Callable
from functools import lru_cache

from core.exports.stable_ids import stable_uuid
from core.schemas.claim import TLP
from core.schemas.instant import Instant, to_datetime
from core.values import types

MEDIA_TYPE = "application/stix+json;version=2.1"
SPEC_VERSION = "2.1"

MARKINGS = {
    TLP.CLEAR: "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    TLP.GREEN: "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    TLP.AMBER: "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    TLP.AMBER_STRICT: "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    TLP.RED: "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}
"""Everybody knows them, so that they are named and not sent along."""


_PATHS: dict[str, str] = {
    types.IPV4: "ipv4-addr:value",
    types.IPV6: "ipv6-addr:value",
    types.HOSTNAME: "domain-name:value",
    types.URL: "url:value",
    types.EMAIL: "email-addr:value",
    types.MD5: "file:hashes.MD5",
    types.SHA1: "file:hashes.'SHA-1'",
    types.SHA256: "file:hashes.'SHA-256'",
    types.SHA512: "file:hashes.'SHA-512'",
    types.SSDEEP: "file:hashes.SSDEEP",
    types.TLSH: "file:hashes.TLSH",
    types.IMPHASH: "file:extensions.'windows-pebinary-ext'.imphash",
    types.FILE: "file:name",
    types.MUTEX: "mutex:name",
    types.MAC_ADDRESS: "mac-addr:value",
    types.USER_AGENT: "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'",
}
"""Of types whose patterns differ in nothing but the value."""

_CERTIFICATE_PATHS = {
    32: "x509-certificate:hashes.MD5",
    40: "x509-certificate:hashes.'SHA-1'",
    64: "x509-certificate:hashes.'SHA-256'",
    128: "x509-certificate:hashes.'SHA-512'",
}
"""By the number of digits; a fingerprint of another length is a serial number."""

_HIVES = {
    "HKLM": "HKEY_LOCAL_MACHINE",
    "HKCU": "HKEY_CURRENT_USER",
    "HKCR": "HKEY_CLASSES_ROOT",
    "HKU": "HKEY_USERS",
    "HKCC": "HKEY_CURRENT_CONFIG",
}
"""A key has to begin with the whole name of its hive."""

NETWORK_OPERATORS = {"subset": "ISSUBSET", "equal": "="}
"""What a pattern can ask of a network: ``ISSUBSET`` matches what lies in it, ``=`` nothing but itself."""


def _network(value: str, operator: str) -> str:
    return f"[{'ipv6' if ':' in value else 'ipv4'}-addr:value {operator} '{escaped(value)}']"


def _registry_key(value: str, _: str) -> str:
    hive, separator, rest = value.partition("\\")
    return f"[windows-registry-key:key = '{escaped(_HIVES.get(hive.upper(), hive) + separator + rest)}']"


def _certificate(value: str, _: str) -> str:
    path = _CERTIFICATE_PATHS.get(len(value), "x509-certificate:serial_number")
    return f"[{path} = '{escaped(value)}']"


def _autonomous_system(value: str, _: str) -> str:
    return f"[autonomous-system:number = {value.removeprefix('AS')}]"


_PATTERNS: dict[str, Callable[[str, str], str]] = {
    types.CIDR: _network,
    types.REGISTRY_KEY: _registry_key,
    types.CERTIFICATE: _certificate,
    types.ASN: _autonomous_system,
}

TYPES: frozenset[str] = frozenset((*_PATHS, *_PATTERNS))
"""The types that a pattern can say."""


def indicator_id(type_: str, value: str, revoked_at: Instant | None = None) -> str:
    """Return the id of the indicator of an observable.

    Args:
        type_: Of the observable.
        value: In canonical form.
        revoked_at: When the one before was revoked, if one was: that is for ever, and what comes after it is another.
    """
    again = "" if revoked_at is None else f"\0{revoked_at}"
    return f"indicator--{stable_uuid(f'{type_}:{value}{again}')}"


def escaped(text: str) -> str:
    """Return *text* as it stands in a pattern between apostrophes."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


def path_of(type_: str) -> str | None:
    """Return the object path that patterns of *type_* compare with their value; ``None`` if that is not all of them."""
    return _PATHS.get(type_)


def pattern(type_: str, value: str, network_operator: str) -> str:
    """Return the pattern that matches an observable of one of `TYPES`.

    Args:
        type_: Of the observable.
        value: In canonical form.
        network_operator: One of `NETWORK_OPERATORS`.
    """
    path = _PATHS.get(type_)
    if path is None:
        return _PATTERNS[type_](value, network_operator)
    return f"[{path} = '{escaped(value)}']"


def has_hive(key: str) -> bool:
    """Say whether a registry key begins with its hive, in short or in full."""
    hive = key.partition("\\")[0].upper()
    return hive in _HIVES or hive in _HIVES.values()


@lru_cache(maxsize=65_536)
def timestamp(instant: Instant) -> str:
    """Return an instant as STIX writes it, to the millisecond."""
    return to_datetime(instant).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"

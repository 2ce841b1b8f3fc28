"""Observables as STIX 2.1 indicators: the same observable has the same id everywhere and for ever.

Source: STIX Version 2.1, OASIS Standard, sections 3.2, 4.7 and 9; the marking definitions are those of TLP 2.0.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid5

from core.schemas.claim import TLP
from core.schemas.instant import Instant, to_datetime
from core.values import types

NAMESPACE = UUID("7c2b4f3e-0d59-5c57-9f0e-4d1f6a3c8b21")
"""Of the ids of indicators and collections; never to be changed."""

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


def _network(value: str) -> str:
    return "ipv6-addr:value" if ":" in value else "ipv4-addr:value"


_PATHS: dict[str, str | Callable[[str], str]] = {
    types.IPV4: "ipv4-addr:value",
    types.IPV6: "ipv6-addr:value",
    types.CIDR: _network,
    types.HOSTNAME: "domain-name:value",
    types.URL: "url:value",
    types.EMAIL: "email-addr:value",
    types.MD5: "file:hashes.MD5",
    types.SHA1: "file:hashes.'SHA-1'",
    types.SHA256: "file:hashes.'SHA-256'",
    types.SHA512: "file:hashes.'SHA-512'",
    types.SSDEEP: "file:hashes.SSDEEP",
    types.TLSH: "file:hashes.TLSH",
    types.FILE: "file:name",
    types.MUTEX: "mutex:name",
    types.REGISTRY_KEY: "windows-registry-key:key",
    types.MAC_ADDRESS: "mac-addr:value",
}

TYPES: frozenset[str] = frozenset(_PATHS)
"""The types that a pattern can say."""


def indicator_id(type_: str, value: str) -> str:
    """Return the id of the indicator of an observable."""
    return f"indicator--{uuid5(NAMESPACE, f'{type_}:{value}')}"


def pattern(type_: str, value: str) -> str:
    """Return the pattern that matches an observable of one of `TYPES`."""
    path = _PATHS[type_]
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"[{path if isinstance(path, str) else path(value)} = '{escaped}']"


def indicator(
    type_: str, value: str, created_at: Instant, modified_at: Instant, ceiling: TLP | None
) -> dict[str, Any]:
    """Return the indicator of an observable of one of `TYPES`.

    Args:
        type_: Of the observable.
        value: In canonical form.
        created_at: When it was first known.
        modified_at: When what is known of it changed; it tells versions of the object apart.
        ceiling: As far as the list that it is on may be passed on; ``None`` says nothing.
    """
    found = {
        "type": "indicator",
        "spec_version": SPEC_VERSION,
        "id": indicator_id(type_, value),
        "created": timestamp(min(created_at, modified_at)),
        "modified": timestamp(modified_at),
        "name": value,
        "indicator_types": ["malicious-activity"],
        "pattern": pattern(type_, value),
        "pattern_type": "stix",
        "pattern_version": SPEC_VERSION,
        "valid_from": timestamp(min(created_at, modified_at)),
    }
    if ceiling is not None:
        found["object_marking_refs"] = [MARKINGS[ceiling]]
    return found


def timestamp(instant: Instant) -> str:
    """Return an instant as STIX writes it, to the millisecond."""
    return to_datetime(instant).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"

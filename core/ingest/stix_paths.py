"""What the properties of STIX cyber-observable objects are to us.

One table serves patterns (``file:hashes.'SHA-256' = '…'``) and objects (``{"type": "file", "hashes": …}``).
"""

from collections.abc import Iterator
from typing import Any

from core.ingest.typed import ANY, IP, NAME
from core.values import types

_HASHES = {
    "md5": types.MD5,
    "sha1": types.SHA1,
    "sha256": types.SHA256,
    "sha512": types.SHA512,
    "ssdeep": types.SSDEEP,
    "tlsh": types.TLSH,
    "imphash": types.IMPHASH,
    "ja3": types.JA3,
    "jarm": types.JARM,
}

_KINDS = {
    "ipv4-addr:value": IP,
    "ipv6-addr:value": IP,
    "domain-name:value": types.HOSTNAME,
    "url:value": types.URL,
    "email-addr:value": types.EMAIL,
    "file:name": NAME,
    "file:path": NAME,
    "file:extensions.windows-pebinary-ext.imphash": types.IMPHASH,
    "file:extensions.windows-pebinary-ext.pe_imphash": types.IMPHASH,
    "directory:path": types.PATH,
    # A process has a name and a command line, neither of which is a file.
    "process:name": types.GENERIC,
    "process:command_line": types.GENERIC,
    "process:binary_ref.name": NAME,
    "process:image_ref.name": NAME,
    "mutex:name": types.MUTEX,
    "windows-registry-key:key": types.REGISTRY_KEY,
    "x509-certificate:serial_number": types.CERTIFICATE,
    "autonomous-system:number": types.ASN,
    "mac-addr:value": types.MAC_ADDRESS,
    "network-traffic:extensions.http-request-ext.request_header.user-agent": types.USER_AGENT,
    "artifact:url": types.URL,
    # Not of the standard, but in wide use: the mobile forensics of MVT, and OpenCTI's own objects.
    "app:id": types.PACKAGE,
    "app:cert.sha256": types.CERTIFICATE,
    "app:cert.sha1": types.CERTIFICATE,
    "app:cert.md5": types.CERTIFICATE,
    "configuration-profile:id": types.GENERIC,
    "android-property:name": types.GENERIC,
    "hostname:value": types.HOSTNAME,
    "user-agent:value": types.USER_AGENT,
    "cryptocurrency-wallet:value": types.WALLET,
    "cryptocurrency-wallet:address": types.WALLET,
}

_DEPTH = 8


def kind_of(object_type: str, path: tuple[str, ...]) -> str | None:
    """Return the kind (``typed``) of a property, ``None`` if it is no observable.

    Args:
        object_type: As in STIX, ``network-traffic``.
        path: The property, array indices left out: ``("dst_ref", "value")``.
    """
    object_type = object_type.lower().removeprefix("x-opencti-")
    path = tuple(part.lower() for part in path)
    known = _KINDS.get(f"{object_type}:{'.'.join(path)}")
    if known is not None:
        return known
    if len(path) >= 2 and path[-2] == "hashes":
        kind = _HASHES.get("".join(char for char in path[-1] if char.isalnum()))
        return types.CERTIFICATE if kind and object_type == "x509-certificate" else kind
    if len(path) == 2 and path[-1] == "value" and path[0].endswith(("_ref", "_refs")):
        return types.EMAIL if object_type == "email-message" else ANY
    return None


def leaves(thing: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (kind, text) of every observable in the properties of one cyber-observable object."""
    object_type = thing.get("type")
    if isinstance(object_type, str):
        for path, text in _leaves(thing, ()):
            kind = kind_of(object_type, path)
            if kind is not None:
                yield kind, text


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if len(path) > _DEPTH:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)))
    elif isinstance(value, list):
        for inner in value:
            if not isinstance(inner, list):
                yield from _leaves(inner, path)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield path, str(value)

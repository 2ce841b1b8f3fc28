"""Which addresses and networks may be written: those in the one spelling that everybody reads alike.

That is decimal octets without leading zeros, IPv6 after RFC 5952, networks without host bits.  Whatever is spelled
otherwise is refused, since programs disagree on it: ``010.0.0.1`` is 8.0.0.1 to some, and of ``192.0.2.1/24`` some
block one address and some 256.  Refused too is what stands for every address, and an IPv4 address in IPv6 form, which
no filter sees on the wire.

A batch is checked as a whole; only where one value of it fails are its halves looked at, and theirs.
"""

import re
import struct
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address
from itertools import repeat
from operator import and_
from socket import AF_INET6, inet_aton, inet_ntop, inet_pton
from typing import NamedTuple

from core.exports.formatting.contract import Refusing, Value, Values
from core.values import types
from core.values.networks import BITS

NOT_IPV4 = "not an IPv4 address in its canonical form"
NOT_IPV6 = "not an IPv6 address in its canonical form"
NOT_NETWORK = "not a network in its canonical form"
EVERY_ADDRESS = "stands for every address"
HAS_ZONE = "an address of one link, with a zone"
IS_MAPPED = "an IPv4 address in IPv6 form"
HAS_HOST_BITS = "a network with host bits"
IS_ADDRESS = "a network of one address; that is an address"

_VERSIONS = {types.IPV4: 4, types.IPV6: 6}
_UNSPECIFIED = {4: "0.0.0.0", 6: "::"}  # noqa: S104
_NOT = {types.IPV4: NOT_IPV4, types.IPV6: NOT_IPV6, types.CIDR: NOT_NETWORK}
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
# Possessive: nothing is tried twice, and no stack grows with the batch.
are_ipv4 = re.compile(rf"(?:{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}\n)*+").fullmatch
"""Match lines that are canonical IPv4 addresses."""
_HOST_BITS = {
    version: {str(length): (1 << bits - length) - 1 for length in range(1, bits)} for version, bits in BITS.items()
}
"""By the text of a prefix length, the bits of an address that must be zero; lengths that are none are missing."""


class Found(NamedTuple):
    """Canonical values of one version, in the order of their batch.

    Attributes:
        texts: The values.
        heads: The address in each.
        lengths: The prefix length in each; none at all where all are addresses.
        packed: The address in each as bytes, where that is known already: of IPv6.
    """

    texts: list[str]
    heads: list[str]
    lengths: list[str]
    packed: list[bytes]

    def integers(self) -> Iterable[int]:
        """Return the address in each as an integer."""
        if self.packed:
            return map(int.from_bytes, self.packed)
        return struct.unpack(f">{len(self.heads)}I", b"".join(map(inet_aton, self.heads)))


class Accepted(NamedTuple):
    """What of a batch may be written: all in its order, and the same by version."""

    texts: list[str]
    ipv4: Found
    ipv6: Found


_NOTHING = Found([], [], [], [])


class _Faulty(Exception):
    """A value of a batch is not canonical; which, is found by looking at each."""


def accepted(values: Values, out: Refusing, refused: Mapping[int, str] | None = None) -> Accepted:
    """Return the values of a batch that are canonical addresses or networks, and refuse the others.

    Args:
        values: Of type ``ipv4``, ``ipv6`` or ``cidr``.
        out: Where the others are refused.
        refused: Reasons to refuse all of a version (4 or 6).
    """
    try:
        found = _read(*values)
    except _Faulty:
        found = _read(values.type, _without_faulty(values.type, values.values, out))
    for version, reason in (refused or {}).items():
        found = _without(found, version, values.type, reason, out)
    return found


def _without_faulty(type_: str, texts: list[str], out: Refusing) -> list[str]:
    """Return what is canonical, and refuse the others; most parts of a batch have none."""
    if len(texts) == 1:
        reason = _fault(type_, texts[0])
        if reason:
            out.refuse(Value(type_, texts[0]), reason)
        return [] if reason else texts
    good: list[str] = []
    half = len(texts) // 2
    for part in (texts[:half], texts[half:]):
        try:
            _read(type_, part)
        except _Faulty:
            good += _without_faulty(type_, part, out)
        else:
            good += part
    return good


def _without(found: Accepted, version: int, type_: str, reason: str, out: Refusing) -> Accepted:
    dropped, kept = (found.ipv4, found.ipv6) if version == 4 else (found.ipv6, found.ipv4)
    for text in dropped.texts:
        out.refuse(Value(type_, text), reason)
    return Accepted(kept.texts, *((_NOTHING, kept) if version == 4 else (kept, _NOTHING)))


def _read(type_: str, texts: list[str]) -> Accepted:
    """Return canonical values.

    Raises:
        _Faulty: One of them is not canonical.
    """
    if type_ == types.CIDR:
        ipv4 = [text for text in texts if ":" not in text]
        ipv6 = [text for text in texts if ":" in text] if len(ipv4) < len(texts) else []
        return Accepted(texts, _networks(4, ipv4), _networks(6, ipv6))
    version = _VERSIONS[type_]
    if _UNSPECIFIED[version] in texts:
        raise _Faulty
    found = Found(texts, texts, [], _packed(version, texts))
    return Accepted(texts, found, _NOTHING) if version == 4 else Accepted(texts, _NOTHING, found)


def _networks(version: int, texts: list[str]) -> Found:
    if not texts:
        return _NOTHING
    if any(text.count("/") != 1 for text in texts):
        raise _Faulty
    pieces = "/".join(texts).split("/")
    heads, lengths = pieces[::2], pieces[1::2]
    found = Found(texts, heads, lengths, _packed(version, heads))
    try:
        masks = list(map(_HOST_BITS[version].__getitem__, lengths))
    except KeyError as error:
        raise _Faulty from error
    if any(map(and_, found.integers(), masks)):
        raise _Faulty
    return found


def _packed(version: int, texts: list[str]) -> list[bytes]:
    """Return the bytes of IPv6 addresses; raise if one of *texts* is no canonical address of its version."""
    if version == 4:
        text = "\n".join(texts)
        if texts and (text.count("\n") != len(texts) - 1 or not are_ipv4(text + "\n")):
            raise _Faulty
        return []
    try:
        packed = list(map(inet_pton, repeat(AF_INET6), texts))
    except (OSError, ValueError) as error:
        raise _Faulty from error
    # The C library writes what begins with twelve zero bytes with a dotted end, canonical or not.
    written = list(map(inet_ntop, repeat(AF_INET6), packed))
    if written != texts or "." in "".join(texts):
        unlike = [text for text, other in zip(texts, written, strict=True) if text != other or "." in text]
        if not all(map(_is_ipv6, unlike)):
            raise _Faulty
    return packed


def _is_written_so(text: str) -> bool:
    """Say whether it is an IPv6 address that the C library writes like this, which is fast to see; most are."""
    try:
        return (
            text != _UNSPECIFIED[6] and "." not in text and inet_ntop(AF_INET6, inet_pton(AF_INET6, text)) == text
        )
    except (OSError, ValueError):
        return False


def _is_ipv6(text: str) -> bool:
    address = IPv6Address(text)
    return str(address) == text and address.ipv4_mapped is None


def _fault(type_: str, text: str) -> str:
    """Return what is wrong with a value, nothing if it is canonical."""
    if type_ == types.IPV6 and _is_written_so(text):
        return ""
    try:
        _read(type_, [text])
    except _Faulty:
        pass
    else:
        return ""
    head, _, length = text.partition("/")
    try:
        address = IPv6Address(head) if ":" in head else IPv4Address(head)
    except ValueError:
        return _NOT[type_]
    if address.version == 6 and (address.scope_id or address.ipv4_mapped):
        return HAS_ZONE if address.scope_id else IS_MAPPED
    if type_ != types.CIDR:
        return EVERY_ADDRESS if text == _UNSPECIFIED[_VERSIONS[type_]] else _NOT[type_]
    if length in ("0", str(BITS[address.version])):
        return IS_ADDRESS if int(length) else EVERY_ADDRESS
    return HAS_HOST_BITS if int(address) & _HOST_BITS[address.version].get(length, 0) else NOT_NETWORK

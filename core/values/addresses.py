"""IP addresses and networks: strict parsing, one spelling each.

Leading zeros and short forms are refused: programs disagree on what ``010.1`` is.  An IPv4 address in IPv6
form (``::ffff:192.0.2.1``) *is* the IPv4 address; ``canonical.classify`` folds it.
"""

import re
from ipaddress import AddressValueError, IPv4Network, IPv6Address, IPv6Network, ip_address, summarize_address_range
from typing import TypeVar

from core.errors import RefusedValue
from core.values.characters import trimmed

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
is_ipv4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}").fullmatch
"""Match a canonical IPv4 address and nothing else."""

looks_like_ipv6 = re.compile(r"(?=.*:.*:)[0-9A-Fa-f:.]{2,45}(?:%[0-9A-Za-z._~-]{1,32})?").fullmatch
"""Match what is worth the slow parse."""

_dotted_numbers = re.compile(r"[0-9]+(?:\.[0-9]+)*").fullmatch
_range = re.compile(r"([0-9A-Fa-f:.]+)\s*[-–]\s*([0-9A-Fa-f:.]+)").fullmatch  # noqa: RUF001
MAX_RANGE_NETWORKS = 256

_Net = TypeVar("_Net", IPv4Network, IPv6Network)


def ipv4(text: str) -> str:
    """Return the canonical IPv4 address.

    Raises:
        RefusedValue: It is none.
    """
    if is_ipv4(text):
        return text
    value = trimmed(text)
    if is_ipv4(value):
        return value
    if _dotted_numbers(value):
        raise RefusedValue("not an IPv4 address: four numbers of 0 to 255 without leading zeros are needed")
    raise RefusedValue("not an IPv4 address")


def ipv6(text: str) -> str:
    """Return the canonical IPv6 address (RFC 5952); a zone (``%eth0``) and brackets are dropped.

    Raises:
        RefusedValue: It is none, or it is an IPv4 address in IPv6 form.
    """
    address = _ipv6(text)
    if address.ipv4_mapped is not None:
        raise RefusedValue(f"an IPv4 address in IPv6 form: {address.ipv4_mapped}")
    return str(address)


def folded_ipv4(text: str) -> str | None:
    """Return the IPv4 address that an IPv6 *text* stands for, ``None`` if it stands for none."""
    try:
        mapped = _ipv6(text).ipv4_mapped
    except RefusedValue:
        return None
    return None if mapped is None else str(mapped)


def _ipv6(text: str) -> IPv6Address:
    value = trimmed(text)
    if value.startswith("[") and value.endswith("]"):
        value = value[1:-1]
    if not looks_like_ipv6(value):
        raise RefusedValue("not an IPv6 address")
    try:
        return IPv6Address(value.partition("%")[0])
    except AddressValueError as error:
        raise RefusedValue("not an IPv6 address") from error


def network(text: str) -> str:
    """Return the canonical network, host bits zero: ``192.0.2.0/24``; a network mask is understood.

    A whole-length prefix comes back as such (``192.0.2.1/32``); ``canonical.classify`` makes it an address.

    Raises:
        RefusedValue: It is none, or covers every address there is.
    """
    value = trimmed(text)
    head, slash, tail = value.partition("/")
    head, tail = head.rstrip(), tail.lstrip()
    if not slash or not tail:
        raise RefusedValue("not a network: a prefix length (/24) is needed")
    if is_ipv4(head):
        net: IPv4Network | IPv6Network = _parsed(IPv4Network, head, tail)
    else:
        net = _parsed(IPv6Network, str(_ipv6(head)), tail)
        if net.network_address.ipv4_mapped is not None and net.prefixlen >= 96:
            net = IPv4Network((net.network_address.ipv4_mapped, net.prefixlen - 96))
    if net.prefixlen == 0:
        raise RefusedValue("covers every address")
    return str(net)


def _parsed(kind: type[_Net], address: str, mask: str) -> _Net:
    if not (mask.isascii() and mask.isdigit() and len(mask) <= 3) and not is_ipv4(mask):
        raise RefusedValue("not a prefix length")
    try:
        return kind((address, int(mask) if mask.isdigit() else mask), strict=False)
    except ValueError as error:
        raise RefusedValue("not a prefix length of such an address") from error


def range_networks(text: str) -> list[str] | None:
    """Return the networks that exactly cover a range ``first-last``; ``None`` if *text* is no range.

    ``192.0.2.0-192.0.2.255`` and the short last part ``192.0.2.0-255`` are understood.

    Raises:
        RefusedValue: It runs backwards, mixes families, or needs more than 256 networks.
    """
    found = _range(text)
    if not found:
        return None
    first, last = found.groups()
    if is_ipv4(first) and last.isdigit():
        last = f"{first.rpartition('.')[0]}.{last}"
    try:
        low, high = ip_address(first), ip_address(last)
    except ValueError:
        return None
    if low.version != high.version or int(low) > int(high):
        raise RefusedValue("a range that runs backwards or mixes IPv4 and IPv6")
    networks = []
    for net in summarize_address_range(low, high):
        networks.append(str(net))
        if len(networks) > MAX_RANGE_NETWORKS:
            raise RefusedValue(f"a range of more than {MAX_RANGE_NETWORKS} networks")
    return networks

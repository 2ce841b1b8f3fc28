"""Which addresses the program may be sent to by somebody else's word, and which never.

Whoever may name a URL must not reach by it what only this machine reaches: itself, its neighbours, the service that
tells a machine in a cloud its credentials.  What counts is the address that is connected to, never the name.
"""

import socket
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from core.values import special_purpose

Address = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]
Resolve = Callable[[str, int], Iterable[str]]

_NEVER = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "169.254.0.0/16",  # link-local, and there the metadata of most clouds
        "224.0.0.0/4",
        "240.0.0.0/4",
        "100.100.100.200/32",  # metadata of Alibaba Cloud
        "168.63.129.16/32",  # Azure's host
        "192.0.0.192/32",  # metadata of Oracle Cloud, formerly
        "::/128",
        "fe80::/10",
        "ff00::/8",
        "fd00:ec2::/32",  # services of EC2 for its instances
        "fd20:ce::254/128",  # metadata of Google Cloud
    )
)
"""Whatever is allowed."""

_NAMES_OF_METADATA = frozenset(
    ("metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal")
)
"""What clouds call the address at which a machine is told its credentials."""

_TRANSLATED = (ip_network("64:ff9b::/96"), ip_network("::ffff:0:0:0/96"))  # NAT64; SIIT, RFC 2765
_COMPATIBLE = ip_network("::/96")


def may_reach(address: Address, allowed: Networks) -> bool:
    """Say whether an address may be connected to: it is a host of the internet, or *allowed* has it.

    What an address carries within counts: an IPv4 address mapped into IPv6, or translated (NAT64).
    """
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        if address.ipv4_mapped is not None:
            return may_reach(address.ipv4_mapped, allowed)
        if _in(address, _TRANSLATED):
            return may_reach(IPv4Address(int(address) & 0xFFFFFFFF), allowed)
    if _in(address, _NEVER):
        return False
    return _in(address, allowed) or not (_in(address, _special()) or address in _COMPATIBLE)


def addresses_of(host: str, port: int) -> list[str]:
    """Return the addresses of a name, as the system says.

    Raises:
        OSError: It has none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


def reachable(host: str, port: int, allowed: Networks, resolve: Resolve = addresses_of) -> Address | None:
    """Return the address of a host that may be connected to; ``None`` if it has none, or if one of them is barred.

    A name with one good and one barred address is somebody's trick.
    """
    try:
        found = [ip_address(host)]
    except ValueError:
        try:
            found = [ip_address(text) for text in resolve(host, port)]
        except (OSError, ValueError):
            return None
    return found[0] if found and all(may_reach(address, allowed) for address in found) else None


def is_barred(host: str, port: int, allowed: Networks, resolve: Resolve = addresses_of) -> bool:
    """Say whether a name must not be asked for by a proxy, which resolves it itself.

    It is one of this machine or of a cloud's metadata, or has an address here that is barred; what has none here is
    the proxy's to judge.
    """
    name = host.rstrip(".").lower()
    if name in _NAMES_OF_METADATA or name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        found = [ip_address(text) for text in resolve(host, port)]
    except (OSError, ValueError):
        return False
    return not all(may_reach(address, allowed) for address in found)


def _in(address: Address, networks: Networks) -> bool:
    return any(address.version == network.version and address in network for network in networks)


@cache
def _special() -> Networks:
    """Return all that is no host of the internet; NAT64 is judged by what it carries, before."""
    return tuple(ip_network(block.network) for block in special_purpose.BLOCKS)

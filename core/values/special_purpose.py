"""Addresses that are nobody's host on the internet: private, loopback, documentation, multicast and so on.

From the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890) as they were on 2025-10-09, every block of
them but ``::ffff:0:0/96``: an IPv4 address in IPv6 form is that IPv4 address here.  Beside these, multicast from its
own registries (RFC 5771, RFC 4291), and the deprecated site-local addresses (RFC 3879).

Blocks lie inside each other; the innermost one says what an address is.
"""

from typing import NamedTuple

VERSION = "2025-10-09"
"""When the registries were last changed, as they are here."""


class Block(NamedTuple):
    """One block of a registry, with the class it belongs to here."""

    network: str
    special_class: str
    name: str


CLASSES = {
    "this-network": "this host on this network, the unspecified address",
    "private-use": "private networks (RFC 1918)",
    "shared-address-space": "carriers' own networks behind NAT",
    "loopback": "the host itself",
    "link-local": "a link's own addresses",
    "protocol-assignments": "what protocols use for themselves",
    "dummy": "placeholders in rules of routers",
    "documentation": "examples in documentation",
    "as112": "servers that answer reverse look-ups of private addresses",
    "amt": "relays of multicast over unicast",
    "6to4": "6to4 networks and relays",
    "benchmarking": "tests of devices",
    "multicast": "groups, not hosts",
    "reserved": "not in use",
    "limited-broadcast": "every host of a link",
    "nat64": "IPv4 addresses translated to IPv6",
    "discard-only": "where unwanted traffic is sent to vanish",
    "teredo": "Teredo tunnels",
    "orchid": "hashes in the form of addresses",
    "drone-remote-id": "identities of drones",
    "segment-routing": "steps of a route",
    "unique-local": "private IPv6 networks",
    "site-local": "private IPv6 networks of former times",
}
"""Every class, and what its addresses are."""

_REGISTRY = """
0.0.0.0/8           this-network          This host on this network
10.0.0.0/8          private-use           Private-Use
100.64.0.0/10       shared-address-space  Shared Address Space
127.0.0.0/8         loopback              Loopback
169.254.0.0/16      link-local            Link Local
172.16.0.0/12       private-use           Private-Use
192.0.0.0/24        protocol-assignments  IETF Protocol Assignments
192.0.0.0/29        protocol-assignments  IPv4 Service Continuity Prefix
192.0.0.8/32        dummy                 IPv4 dummy address
192.0.0.9/32        protocol-assignments  Port Control Protocol Anycast
192.0.0.10/32       protocol-assignments  Traversal Using Relays around NAT Anycast
192.0.0.170/32      protocol-assignments  NAT64/DNS64 Discovery
192.0.0.171/32      protocol-assignments  NAT64/DNS64 Discovery
192.0.2.0/24        documentation         Documentation (TEST-NET-1)
192.31.196.0/24     as112                 AS112-v4
192.52.193.0/24     amt                   AMT
192.88.99.0/24      6to4                  Deprecated (6to4 Relay Anycast)
192.88.99.2/32      6to4                  6a44-relay anycast address
192.168.0.0/16      private-use           Private-Use
192.175.48.0/24     as112                 Direct Delegation AS112 Service
198.18.0.0/15       benchmarking          Benchmarking
198.51.100.0/24     documentation         Documentation (TEST-NET-2)
203.0.113.0/24      documentation         Documentation (TEST-NET-3)
224.0.0.0/4         multicast             Multicast
240.0.0.0/4         reserved              Reserved
255.255.255.255/32  limited-broadcast     Limited Broadcast
::/128              this-network          Unspecified Address
::1/128             loopback              Loopback Address
64:ff9b::/96        nat64                 IPv4-IPv6 Translat.
64:ff9b:1::/48      nat64                 IPv4-IPv6 Translat.
100::/64            discard-only          Discard-Only Address Block
100:0:0:1::/64      dummy                 Dummy IPv6 Prefix
2001::/23           protocol-assignments  IETF Protocol Assignments
2001::/32           teredo                TEREDO
2001:1::1/128       protocol-assignments  Port Control Protocol Anycast
2001:1::2/128       protocol-assignments  Traversal Using Relays around NAT Anycast
2001:1::3/128       protocol-assignments  DNS-SD Service Registration Protocol Anycast
2001:2::/48         benchmarking          Benchmarking
2001:3::/32         amt                   AMT
2001:4:112::/48     as112                 AS112-v6
2001:10::/28        orchid                Deprecated (previously ORCHID)
2001:20::/28        orchid                ORCHIDv2
2001:30::/28        drone-remote-id       Drone Remote ID Protocol Entity Tags (DETs) Prefix
2001:db8::/32       documentation         Documentation
2002::/16           6to4                  6to4
2620:4f:8000::/48   as112                 Direct Delegation AS112 Service
3fff::/20           documentation         Documentation
5f00::/16           segment-routing       Segment Routing (SRv6) SIDs
fc00::/7            unique-local          Unique-Local
fe80::/10           link-local            Link-Local Unicast
fec0::/10           site-local            Site-Local Unicast (deprecated)
ff00::/8            multicast             Multicast
"""

BLOCKS = tuple(Block(*line.split(None, 2)) for line in _REGISTRY.split("\n") if line)
"""Every block, by address."""

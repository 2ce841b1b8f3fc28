"""Which addresses and networks are canonical, and putting them together, against Python's ``ipaddress``."""

import ipaddress
import random

import pytest

from core.exports.formatting import address_check
from core.exports.formatting.address_check import accepted
from core.exports.formatting.addresses import Addresses
from core.exports.formatting.contract import Values

HOSTILE = [
    ("ipv4", "0.0.0.0", address_check.EVERY_ADDRESS),
    ("ipv4", "010.0.0.1", address_check.NOT_IPV4),
    ("ipv4", "192.0.2.1\n192.0.2.2", address_check.NOT_IPV4),
    ("ipv4", "192.0.2.1\n", address_check.NOT_IPV4),
    ("ipv4", "192.0.2.1/32", address_check.NOT_IPV4),
    ("ipv4", "192.0.2.1\x00", address_check.NOT_IPV4),
    ("ipv4", "192.0.2.\u0661", address_check.NOT_IPV4),
    ("ipv4", "2001:db8::1", address_check.NOT_IPV4),
    ("ipv4", "192.0.2", address_check.NOT_IPV4),
    ("ipv4", "", address_check.NOT_IPV4),
    ("ipv6", "::", address_check.EVERY_ADDRESS),
    ("ipv6", "2001:DB8::1", address_check.NOT_IPV6),
    ("ipv6", "2001:0db8::1", address_check.NOT_IPV6),
    ("ipv6", "2001:db8::0:0:1", address_check.NOT_IPV6),
    ("ipv6", "2001:db8:0:0:1::1", address_check.NOT_IPV6),
    ("ipv6", "[2001:db8::1]", address_check.NOT_IPV6),
    ("ipv6", "::192.0.2.1", address_check.NOT_IPV6),
    ("ipv6", "2001:db8::1\x00", address_check.NOT_IPV6),
    ("ipv6", "2001:db8::\ud800", address_check.NOT_IPV6),
    ("ipv6", "::ffff:192.0.2.9", address_check.IS_MAPPED),
    ("ipv6", "::ffff:c000:209", address_check.IS_MAPPED),
    ("ipv6", "fe80::1%eth0", address_check.HAS_ZONE),
    ("cidr", "0.0.0.0/0", address_check.EVERY_ADDRESS),
    ("cidr", "::/0", address_check.EVERY_ADDRESS),
    ("cidr", "192.0.2.1/32", address_check.IS_ADDRESS),
    ("cidr", "2001:db8::1/128", address_check.IS_ADDRESS),
    ("cidr", "192.0.2.1/24", address_check.HAS_HOST_BITS),
    ("cidr", "2001:db8::1/64", address_check.HAS_HOST_BITS),
    ("cidr", "192.0.2.0/024", address_check.NOT_NETWORK),
    ("cidr", "192.0.2.0/33", address_check.NOT_NETWORK),
    ("cidr", "192.0.2.0/+24", address_check.NOT_NETWORK),
    ("cidr", "192.0.2.0/255.255.255.0", address_check.NOT_NETWORK),
    ("cidr", "192.0.2.0/24/24", address_check.NOT_NETWORK),
    ("cidr", "192.0.2.0", address_check.NOT_NETWORK),
    ("cidr", "/24", address_check.NOT_NETWORK),
    ("cidr", "2001:DB8::/32", address_check.NOT_NETWORK),
    ("cidr", "::ffff:192.0.2.0/120", address_check.IS_MAPPED),
    ("cidr", "192.0.2.0/24\n203.0.113.0/24", address_check.NOT_NETWORK),
]
CANONICAL = {
    "ipv4": ["1.2.3.4", "255.255.255.255"],
    "ipv6": ["2001:db8::", "::1", "::102:304", "1:2:3:4:5:6:7:8", "2001:db8:0:1:1:1:1:1", "1:0:0:2::3"],
    "cidr": ["0.0.0.0/8", "128.0.0.0/1", "192.0.2.254/31", "2001:db8::/32", "::/8", "2001:db8::fe/127"],
}


class Refusals:
    """What was refused, and why."""

    def __init__(self):
        self.reasons = []

    def refuse(self, value, reason):
        self.reasons.append((*value, reason))


@pytest.mark.parametrize(("type_", "text", "reason"), HOSTILE)
def test_what_is_not_canonical_is_refused(type_, text, reason):
    """With the reason, and it takes nothing else of its batch with it."""
    out = Refusals()

    found = accepted(Values(type_, [*CANONICAL[type_], text]), out)

    assert [(type_, text, reason)] == out.reasons
    assert CANONICAL[type_] == found.texts


def test_what_is_canonical_is_told_apart_by_version():
    """All in order, and the same by version."""
    out = Refusals()

    found = accepted(Values("cidr", CANONICAL["cidr"]), out)

    assert [] == out.reasons
    assert (CANONICAL["cidr"][:3], CANONICAL["cidr"][3:]) == (found.ipv4.texts, found.ipv6.texts)


@pytest.mark.parametrize("version", [4, 6])
def test_a_version_may_be_refused(version):
    """All of it, whatever its type."""
    out = Refusals()

    found = accepted(Values("cidr", CANONICAL["cidr"]), out, {version: "not wanted"})

    refused = [value for _, value, _ in out.reasons]
    assert [text for text in CANONICAL["cidr"] if (":" in text) == (version == 6)] == refused
    assert [text for text in CANONICAL["cidr"] if text not in refused] == found.texts


def _some(generator, version, count, widest):
    """Return addresses and networks near each other, many within each other."""
    bits = 32 if version == 4 else 128
    kind = ipaddress.IPv4Network if version == 4 else ipaddress.IPv6Network
    base = 0xC6000000 if version == 4 else 0x20010DB8 << 96
    lengths = generator.choices(range(bits - widest, bits + 1), k=count)
    return [kind((base + generator.randrange(2048), length), strict=False) for length in lengths]


def _text(network):
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def _collected(networks, batch=7):
    addresses, out = Addresses(), Refusals()
    types = {"cidr": [], "ipv4": [], "ipv6": []}
    for network in networks:
        type_ = f"ipv{network.version}" if network.num_addresses == 1 else "cidr"
        types[type_].append(_text(network))
    for type_, texts in types.items():
        for place in range(0, len(texts), batch):
            addresses.add(Values(type_, texts[place : place + batch]), out)
    assert [] == out.reasons
    return addresses


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("seed", range(20))
def test_the_fewest_networks_are_those_of_ipaddress(version, seed):
    """Whatever overlaps, touches or repeats."""
    networks = _some(random.Random(seed), version, 10 * seed, seed % 8)
    addresses = _collected(networks)

    found = [text for part in addresses.networks(version) for text in part]

    assert list(map(_text, ipaddress.collapse_addresses(networks))) == found
    assert len(networks) == addresses.entries[version]


@pytest.mark.parametrize("version", [4, 6])
def test_ranges_are_the_same_addresses_in_fewer_lines(version):
    """Each is as long as it can be, and a network where it is one."""
    networks = _some(random.Random(9), version, 300, 3)

    lines = [text for part in _collected(networks).ranges(version) for text in part]

    ranges = [line.split("-") for line in lines if "-" in line]
    found = [ipaddress.ip_network(line) for line in lines if "-" not in line]
    ends = [tuple(map(ipaddress.ip_address, line)) for line in ranges]
    found += [network for first, last in ends for network in ipaddress.summarize_address_range(first, last)]
    assert ranges
    assert list(ipaddress.collapse_addresses(networks)) == list(ipaddress.collapse_addresses(found))
    assert not any(len(list(ipaddress.summarize_address_range(*pair))) == 1 for pair in ends)


@pytest.mark.parametrize(("version", "halves"), [(4, ["0.0.0.0/1", "128.0.0.0/1"]), (6, ["::/1", "8000::/1"])])
def test_never_all_addresses_in_one(version, halves):
    """Two halves stay two: no list says /0."""
    addresses = Addresses()
    addresses.add(Values("cidr", halves), Refusals())

    assert [halves] == list(addresses.networks(version))

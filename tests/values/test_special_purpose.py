"""Special-purpose addresses and public suffixes, against Python's own tables, MISP's lists and the library's answer."""

import json
from ipaddress import ip_address, ip_network

import pytest
from publicsuffixlist import PublicSuffixList

from core.values import public_suffixes
from core.values.public_suffixes import rule_name, rules
from core.values.special_purpose import BLOCKS, CLASSES

NETWORKS = [(ip_network(block.network), block.special_class) for block in BLOCKS]


def class_of(text):
    """The class of the smallest block around an address or a network."""
    wanted = ip_network(text)
    around = [one for one in NETWORKS if one[0].version == wanted.version and wanted.subnet_of(one[0])]
    return max(around, key=lambda one: one[0].prefixlen, default=(None, ""))[1]


def test_each_block_once():
    """They are networks with no host bits, each once, in order, and each class has one."""
    assert len(BLOCKS) == len(set(NETWORKS))
    assert set(CLASSES) == {special for _, special in NETWORKS}
    for version in (4, 6):
        nets = [net for net, _ in NETWORKS if net.version == version]
        assert nets == sorted(nets, key=lambda net: (net.network_address, net.prefixlen))


def test_what_python_holds_for_no_global_address_is_in_a_block():
    """Every address that ``ipaddress`` calls private, reserved, multicast and so on has a class.

    But for IPv4 in IPv6 form, and for what of IPv6 is in no use at all.
    """
    edges = {
        ip_address(int(net.network_address) + step) for net, _ in NETWORKS for step in (-1, 0, 1) if int(net[0])
    }
    edges |= {net.broadcast_address for net, _ in NETWORKS}
    for address in edges:
        is_unused = address.version == 6 and address.is_reserved and not address.is_loopback
        if not address.is_global and not is_unused:
            assert class_of(str(address)), address


@pytest.mark.parametrize(
    ("text", "special"),
    [
        ("10.0.0.6", "private-use"),
        ("172.31.255.255", "private-use"),
        ("172.32.0.0", ""),
        ("100.127.255.255", "shared-address-space"),
        ("192.0.0.9", "protocol-assignments"),
        ("192.0.0.8", "dummy"),
        ("192.88.99.2", "6to4"),
        ("203.0.113.0/24", "documentation"),
        ("255.255.255.255", "limited-broadcast"),
        ("255.255.255.254", "reserved"),
        ("2001::1", "teredo"),
        ("2001:db8:1::/48", "documentation"),
        ("2001:1ff::", "protocol-assignments"),
        ("2001:200::", ""),
        ("fd00::1", "unique-local"),
        ("ff02::1", "multicast"),
        ("8.8.8.8", ""),
        ("2606:4700::1111", ""),
    ],
)
def test_the_innermost_block_says_what_an_address_is(text, special):
    """Boundaries, and blocks in blocks."""
    assert special == class_of(text)


@pytest.mark.parametrize("name", ["rfc1918", "rfc5735", "rfc6598", "rfc3849", "ipv6-linklocal", "multicast"])
def test_the_lists_of_misp_are_in_it(intel, name):
    """What the MISP project lists of special addresses is all known."""
    entries = json.loads((intel / "warninglists/lists" / name / "list.json").read_text())["list"]

    assert entries
    assert [] == [entry for entry in entries if not class_of(entry)]


def test_the_rules_of_the_library():
    """Both sections are read whole, in A-labels, and a name is a public suffix by them if the library says so."""
    every = {section: list(rules(section)) for section in (public_suffixes.ICANN, public_suffixes.PRIVATE)}
    assert (len(every["icann"]), len(every["private"])) > (6_000, 2_000)
    assert {"com", "co.uk", "*.ck", "!www.ck", "xn--55qx5d.cn"} <= set(every["icann"])
    assert {"github.io", "*.compute.amazonaws.com"} <= set(every["private"])
    assert all(rule.isascii() and rule == rule.lower() for found in every.values() for rule in found)
    assert public_suffixes.version() > "2025"

    library = PublicSuffixList(accept_unknown=False)
    marks = dict.fromkeys(("", "*.", "!"), 0)
    for rule in [*every["icann"], *every["private"]]:
        mark, name = rule_name(rule)
        marks[mark] += 1
        one = f"label-for-a-test.{name}" if mark == "*." else name
        assert library.is_public(one) == (mark != "!"), rule
    assert all(marks.values())


@pytest.mark.parametrize(
    ("rule", "parts"), [("*.ck", ("*.", "ck")), ("!www.ck", ("!", "www.ck")), ("co.uk", ("", "co.uk"))]
)
def test_the_mark_of_a_rule(rule, parts):
    """Star, exclamation mark or nothing."""
    assert parts == rule_name(rule)

"""Addresses that the program may be sent to, and those that it never is."""

from ipaddress import ip_address, ip_network

import pytest

from core.api.addresses import may_reach, reachable

METADATA = [
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::a9fe:a9fe",
]
OTHERS = [
    "0.0.0.0",
    "0.1.2.3",
    "169.254.0.1",
    "224.0.0.251",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "ff02::1",
    "fe80::1",
]
INTERNAL = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "::1",
    "fc00::1",
    "fd12::1",
    "fec0::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "2001:0:7f00:1::",
    "64:ff9b:1::7f00:1",
    "::7f00:1",
    "::808:808",
]
CARRIED = [
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "::ffff:0:7f00:1",
    "64:ff9b::a9fe:a9fe",
]
GOOD = ["8.8.8.8", "2606:4700::1111", "172.32.0.1", "100.128.0.1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
EVERYTHING = (ip_network("0.0.0.0/0"), ip_network("::/0"))


@pytest.mark.parametrize("text", [*METADATA, *OTHERS, *INTERNAL, *CARRIED])
def test_what_is_no_host_of_the_internet_is_not_reached(text: str) -> None:
    """In whatever form it is written."""
    assert not may_reach(ip_address(text), ())


@pytest.mark.parametrize(
    "text", [*METADATA, *OTHERS, "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fe80::1%eth0"]
)
def test_link_local_and_metadata_are_never_reached(text: str) -> None:
    """Whatever the setting allows."""
    assert not may_reach(ip_address(text), EVERYTHING)


@pytest.mark.parametrize("text", GOOD)
def test_hosts_of_the_internet_are_reached(text: str) -> None:
    """With their neighbours of the networks that are not."""
    assert may_reach(ip_address(text), ())


@pytest.mark.parametrize("text", ["10.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1"])
def test_own_networks_are_reached_where_they_are_named(text: str) -> None:
    """And no others."""
    allowed = (ip_network("10.0.0.0/24"),)

    assert may_reach(ip_address(text), allowed)
    assert not may_reach(ip_address("10.0.1.1"), allowed)


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (["8.8.8.8", "1.1.1.1"], "8.8.8.8"),
        (["8.8.8.8", "127.0.0.1"], None),
        (["127.0.0.1"], None),
        (["8.8.8.8", "fe80::1%eth0"], None),
        ([], None),
        (["nonsense"], None),
    ],
)
def test_every_address_of_a_name_counts(addresses: list[str], expected: str | None) -> None:
    """One that is good does not make up for one that is not."""
    found = reachable("feeds.example", 80, (), lambda host, port: addresses)

    assert expected == (None if found is None else str(found))


def test_name_without_an_address_reads_like_one_that_is_barred() -> None:
    """Nobody learns which names there are within."""

    def resolve(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    assert None is reachable("nowhere.example", 80, (), resolve)

"""A hosts file: read by a parser of hosts(5), and by dnsmasq."""

from ipaddress import ip_address

import pytest
from dns_servers import UNLISTED, UNLISTED_IPV6, dnsmasq, upstream
from name_readers import checked, hostile, lines_of, put, written
from real_names import real_names

from core.errors import DefinitionError
from core.exports.formats import get_format, parse_options
from core.testing.formats import FormatConformance

DNSMASQ = "dnsmasq, additional hosts files"


class TestHosts(FormatConformance):
    """An address, one space, a name."""

    format = "hosts"
    addresses = ("0.0.0.0",)

    def read(self, files):
        found = [tuple(line.split(" ")) for line in lines_of(files)]
        assert all(str(ip_address(address)) == address for address, _ in found)
        names = [checked(name) for _, name in found]
        every = len(self.addresses)
        assert [(address, name) for name in names[::every] for address in self.addresses] == found
        return names[::every]


class TestBothAddresses(TestHosts):
    """A line of each for every name."""

    options = {"address": "0.0.0.0,::"}
    addresses = ("0.0.0.0", "::")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("", "the option address is empty"),
        ("127.0.0.1,0.0.0.0", "one IPv4 and one IPv6 address at most"),
        ("010.0.0.1", "not an IPv4 address"),
        ("::ffff:192.0.2.1", "an IPv4 address in IPv6 form"),
        ("sink.example", "not an IPv4 address"),
    ],
)
def test_an_address_is_one(address, message):
    """Names are given an address, and no more than one of a kind."""
    with pytest.raises(DefinitionError, match=message):
        parse_options(get_format("hosts"), {"address": address})


def test_addresses_are_written_in_their_one_spelling(tmp_path):
    """Whatever the option's was."""
    assert "2001:db8:: {0}\n" == parse_options(get_format("hosts"), {"address": " 2001:DB8:0::0 "})


@pytest.mark.proof("hosts", DNSMASQ, "loaded", tool="dnsmasq")
def test_dnsmasq_takes_every_line(tmp_path):
    """It says how many names it read from what is hostile, and of no line that it is bad."""
    made = hostile(TestHosts(), tmp_path / "made")
    hosts = put(made.files, tmp_path / "list.hosts")

    with upstream(tmp_path / "upstream") as behind, dnsmasq(tmp_path, behind, f"--addn-hosts={hosts}") as server:
        said = server.log.read_text()

    assert f"read {hosts} - {made.entries} names" in said
    assert "bad" not in said


@pytest.mark.intel
@pytest.mark.proof("hosts", DNSMASQ, "asked", tool="dnsmasq")
def test_dnsmasq_leads_listed_names_astray(tmp_path, intel):
    """Those and no others: what is below them passes, too."""
    names = real_names(intel)
    made = written(TestBothAddresses(), names.listed, tmp_path / "made")
    hosts = put(made.files, tmp_path / "list.hosts")
    listed = {value.value for value in made.accepted}

    with upstream(tmp_path / "upstream") as behind, dnsmasq(tmp_path, behind, f"--addn-hosts={hosts}") as server:
        for name in set(names.some) & listed:
            assert ("0.0.0.0",) == server.ask(name).addresses, name
            assert ("::",) == server.ask(name, "AAAA").addresses, name
        for name in (*names.below, *names.passing):
            assert (UNLISTED,) == server.ask(name).addresses, name
            assert (UNLISTED_IPV6,) == server.ask(name, "AAAA").addresses, name


@pytest.mark.proof("hosts", DNSMASQ, "loaded", tool="dnsmasq")
def test_an_ipv4_line_alone_leaves_ipv6_to_the_server_behind(tmp_path):
    """What the documentation warns of."""
    hosts = tmp_path / "list.hosts"
    hosts.write_text("0.0.0.0 bad.example\n")

    with upstream(tmp_path / "upstream") as behind, dnsmasq(tmp_path, behind, f"--addn-hosts={hosts}") as server:
        assert ("0.0.0.0",) == server.ask("bad.example").addresses
        assert (UNLISTED_IPV6,) == server.ask("bad.example", "AAAA").addresses

"""CDB lists of Wazuh: read by a parser of its documentation; there is no program to ask."""

import ipaddress
import re

import address_reading as reading
import pytest
from name_readers import checked, lines_of, written
from real_names import real_names

from core.errors import DefinitionError
from core.exports.formats import get_format, parse_options
from core.testing.formats import FormatConformance, Value

BEGINNING = re.compile(r"(?:\d{1,3}\.){1,3}", re.ASCII)


class TestWazuhCdb(FormatConformance):
    """Keys that are there once, in quotes if they have a colon, and a colon behind them."""

    format = "wazuh-cdb"
    value = ""
    refuses = frozenset({"2001:db8:5::/48", "2001:db8:6::/64"})

    def read(self, files):
        return [self.key_of(line) for line in lines_of(files)]

    def key_of(self, line):
        if line.startswith('"'):
            key, end, value = line[1:].partition('":')
            assert ":" in key
            assert '"' not in key
        else:
            key, end, value = line.partition(":")
            assert not key.startswith("#")
        assert end
        assert value == self.value
        assert key.isascii()
        assert key.isprintable()
        assert " " not in key
        if BEGINNING.fullmatch(key):
            octets = key[:-1].split(".")
            return str(ipaddress.ip_network(".".join(octets + ["0"] * (4 - len(octets))) + f"/{8 * len(octets)}"))
        return key

    def entry(self, type, value):
        if type in ("ipv4", "ipv6", "cidr"):
            return reading.one(type, value)
        return checked(value) if type == "hostname" else value

    def meaning(self, entries):
        addresses, others = [], set()
        for entry in entries:
            try:
                reading.network(entry)
            except ValueError:
                others.add(entry)
            else:
                addresses.append(entry)
        return reading.addresses(addresses), others


class TestWithValue(TestWazuhCdb):
    """The same with a value."""

    options = {"value": "c2"}
    value = "c2"


@pytest.mark.parametrize(
    ("observables", "lines"),
    [
        ([Value("cidr", "10.0.0.0/8"), Value("cidr", "172.16.0.0/16")], "10.:|172.16.:"),
        ([Value("cidr", "192.0.2.0/24")], "192.0.2.:"),
        ([Value("cidr", "192.0.2.0/23")], "192.0.2.:|192.0.3.:"),
        ([Value("cidr", "192.0.2.252/30")], "192.0.2.252:|192.0.2.253:|192.0.2.254:|192.0.2.255:"),
        ([Value("cidr", "10.4.0.0/15")], "10.4.:|10.5.:"),
        ([Value("cidr", "4.0.0.0/7")], "4.:|5.:"),
        ([Value("cidr", "192.0.2.0/24"), Value("ipv4", "192.0.2.9")], "192.0.2.:"),
        ([Value("ipv6", "2001:db8::1"), Value("url", "http://a.example/x")], '"2001:db8::1":|"http://a.example/x":'),
        ([Value("hostname", "bad.example"), Value("md5", "0" * 32)], f"bad.example:|{'0' * 32}:"),
    ],
)  # fmt: skip
def test_what_is_written(tmp_path, observables, lines):
    """Beginnings of addresses at the dots, exactly the same addresses; quotes where there is a colon."""
    found = written(TestWazuhCdb(), observables, tmp_path)

    assert lines.replace("|", "\n") + "\n" == found.files["export.list"].decode()
    assert len(observables) == found.entries


def test_what_has_no_key_is_refused(tmp_path):
    """An IPv6 network, a quote in a URL."""
    some = [Value("cidr", "2001:db8::/32"), Value("url", 'http://a.example/"'), Value("ipv4", "192.0.2.1")]
    found = written(TestWazuhCdb(), some, tmp_path)

    assert {
        Value("cidr", "2001:db8::/32"): "an IPv6 network, for which a CDB list has no key",
        Value("url", 'http://a.example/"'): "not a key of a CDB list",
    } == found.refused
    assert b"192.0.2.1:\n" == found.files["export.list"]


def test_a_value_that_is_no_word_is_refused():
    """It would be another list."""
    for value in ("a b", "a:b", '"', "x\ny"):
        with pytest.raises(DefinitionError, match="value is a word"):
            parse_options(get_format("wazuh-cdb"), {"value": value})


@pytest.mark.intel
def test_real_names_and_addresses_are_read_back(tmp_path, intel):
    """All of them but IPv6 networks."""
    some = [*real_names(intel).listed, *reading.real(intel)]
    found = written(TestWazuhCdb(), some, tmp_path)

    TestWazuhCdb().check(found)
    assert {"cidr", "hostname"} >= {value.type for value in found.refused}

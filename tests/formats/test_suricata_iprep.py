"""Reputation for Suricata: read by a parser of our own, loaded by Suricata without a word, and asked by traffic."""

import re
from ipaddress import ip_network

import address_reading as reading
import pytest
from name_readers import hostile, written
from packets import Capture
from suricata_program import alerts, tried
from suricata_reader import rules_in

from core.errors import DefinitionError
from core.exports.formats import get_format, parse_options
from core.testing.formats import FormatConformance, Value

REPUTATION = "Suricata, IP reputation"
BASE = 1_000_000_000
FILES = ["export.list", "export-categories.txt", "export-iprep.rules"]
CLIENTS = {True: "2a03:7777::1", False: "10.1.1.1"}


class TestReputation(FormatConformance):
    """Networks with category and score, one category, one rule."""

    format = "suricata-iprep"
    category = "yeti"
    ends = ["1", "100"]
    action = "alert"

    def read(self, files):
        assert FILES == sorted(files, key=FILES.index)
        assert f"{self.ends[0]},{self.category},{self.category}\n".encode() == files["export-categories.txt"]
        (rule,) = rules_in(files["export-iprep.rules"])
        assert (self.action, "ip", "any", "any", "->", "any", "any") == rule.head
        assert [("iprep", f"any,{self.category},>,0")] == rule.match()
        found = []
        for line in reading.lines(files["export.list"]):
            text, *ends = line.split(",")
            assert self.ends == ends
            assert "/" in text
            network = ip_network(text)
            assert str(network) == text
            assert network.prefixlen > 0
            found.append(text)
        return found

    def entry(self, type, value):
        text = reading.one(type, value)
        return str(ip_network(text))


class TestEveryOption(TestReputation):
    """Another category, with the largest number and score."""

    options = {"category": "Bad.C2_list-1", "number": "59", "score": "127", "action": "drop", "metadata": "a b"}
    category = "Bad.C2_list-1"
    ends = ["59", "127"]
    action = "drop"


def _put(made, folder):
    """Write the files of a set, and return the rules and the configuration that they need."""
    for name, content in made.files.items():
        (folder / name).write_bytes(content)
    configuration = (
        f"reputation-categories-file: {folder}/export-categories.txt\n"
        f"default-reputation-path: {folder}\nreputation-files: [export.list]\n"
    )
    return folder / "export-iprep.rules", configuration


def _checked(folder, kit=TestReputation):
    form = get_format("suricata-iprep")
    return form.check([folder / name for name in FILES], parse_options(form, kit.options))


def test_what_is_written(tmp_path):
    """To the letter: an address is a network of one, so that the table of hosts is not filled."""
    some = [Value("cidr", "198.51.100.0/24"), Value("ipv4", "192.0.2.1"), Value("ipv6", "2001:db8::1")]

    files = written(TestReputation(), some, tmp_path).files

    assert b"198.51.100.0/24,1,100\n192.0.2.1/32,1,100\n2001:db8::1/128,1,100\n" == files["export.list"]
    assert b"1,yeti,yeti\n" == files["export-categories.txt"]
    assert (
        b'alert ip any any -> any any (msg:"Yeti address in yeti"; iprep:any,yeti,>,0; classtype:trojan-activity; '
        b"sid:1000000000; rev:1;)\n"
    ) == files["export-iprep.rules"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"number": "60"}, "the option number is a number of 1 to 59"),
        ({"number": "0"}, "the option number is a number of 1 to 59"),
        ({"score": "128"}, "the option score is a number of 1 to 127"),
        ({"score": "0"}, "the option score is a number of 1 to 127"),
        ({"category": "a,b"}, "the option category"),
        ({"category": "a" * 32}, "the option category"),
        ({"category": ""}, "the option category"),
    ],
)
def test_an_option_that_cannot_be(options, message):
    """It is refused before anything is written."""
    with pytest.raises(DefinitionError, match=re.escape(message)):
        parse_options(get_format("suricata-iprep"), options)


@pytest.mark.proof("suricata-iprep", REPUTATION, "loaded", tool="suricata")
@pytest.mark.parametrize("kit", [TestReputation, TestEveryOption])
def test_suricata_says_nothing(tmp_path, kit):
    """After all hostile values; to a bad line it says something, which the check before publishing finds."""
    rules, configuration = _put(hostile(kit(), tmp_path / "made"), tmp_path)

    assert [] == tried(rules, configuration)
    assert [] == _checked(tmp_path, kit)

    listed = tmp_path / "export.list"
    listed.write_text(listed.read_text() + "192.0.2.300,1,1\n")
    assert ["Error: reputation: bad line"] == [line[:27] for line in _checked(tmp_path, kit)]


@pytest.mark.proof("suricata-iprep", REPUTATION, "loaded", tool="suricata")
def test_suricata_takes_nothing(tmp_path):
    """An empty list is none."""
    rules, configuration = _put(written(TestReputation(), [], tmp_path / "made"), tmp_path)

    assert [] == tried(rules, configuration)
    assert [] == _checked(tmp_path)


@pytest.mark.intel
@pytest.mark.proof("suricata-iprep", REPUTATION, "asked", tool="suricata")
def test_real_addresses_are_told(tmp_path, intel):
    """Both ways, first, last and between; those beside them are not."""
    real = reading.real(intel)
    listed, others = reading.asked(real, 300)
    rules, configuration = _put(written(TestReputation(), real, tmp_path / "made"), tmp_path)
    capture = Capture()
    caught = {capture.packet(CLIENTS[":" in address], address) for address in listed}
    caught |= {capture.packet(address, CLIENTS[":" in address]) for address in listed[::5]}
    for address in others:
        capture.packet(CLIENTS[":" in address], address)

    assert [] == tried(rules, configuration)
    assert {port: [BASE] for port in caught} == alerts(rules, capture, configuration)


@pytest.mark.proof("suricata-iprep", REPUTATION, "asked", tool="suricata")
def test_none_of_many_addresses_is_forgotten(tmp_path):
    """300,000 are more than the table of hosts would hold."""
    some = [
        Value("ipv4", f"100.{64 + number // 25_000}.{number // 125 % 200}.{1 + number % 125}")
        for number in range(300_000)
    ]
    rules, configuration = _put(written(TestReputation(), some, tmp_path / "made"), tmp_path)
    capture = Capture()
    caught = {capture.packet("10.1.1.1", value.value): [BASE] for value in some[::10_000]}
    for value in some[::10_000]:
        capture.packet("10.1.1.1", value.value.replace("100.", "101.", 1))

    assert caught == alerts(rules, capture, configuration)


@pytest.mark.proof("suricata-iprep", REPUTATION, "asked", tool="suricata")
def test_networks_within_each_other_are_told(tmp_path):
    """Those of the smaller ones, too."""
    some = [Value("cidr", "198.51.100.0/24"), Value("cidr", "198.51.100.64/26"), Value("ipv4", "198.51.100.65")]
    rules, configuration = _put(written(TestReputation(), some, tmp_path / "made"), tmp_path)
    capture = Capture()
    caught = {
        capture.packet("10.1.1.1", f"198.51.100.{last}"): [BASE] for last in (0, 1, 63, 64, 65, 66, 127, 128, 255)
    }
    capture.packet("10.1.1.1", "198.51.101.0")
    capture.packet("10.1.1.1", "198.51.99.255")

    assert caught == alerts(rules, capture, configuration)

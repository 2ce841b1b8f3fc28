"""Lists of addresses and networks, read back as each device is documented to read them."""

import re

import address_reading as reading
import pytest

from core.errors import DefinitionError, RenderError
from core.exports.formats import Value, get_format, parse_options
from core.exports.formatting import address_devices
from core.exports.formatting.device_limits import Limits
from core.testing.format_values import GOOD
from core.testing.formats import FormatConformance

ADDRESSES = [
    Value("cidr", "198.51.100.0/24"),
    Value("cidr", "2001:db8:7::/48"),
    Value("ipv4", "192.0.2.1"),
    Value("ipv4", "198.51.100.7"),
    Value("ipv6", "2001:db8::1"),
]


class Plain(FormatConformance):
    """One address or network a line, nothing else."""

    format = "addresses"

    def read(self, files):
        (content,) = files.values()
        found = reading.lines(content)
        for line in found:
            reading.network(line)
        return found

    def entry(self, type, value):
        return reading.one(type, value)


class Collapsed(Plain):
    """The addresses count, not how they are written; there are no more lines than needed."""

    options = {"collapse": "yes"}

    def read(self, files):
        found = super().read(files)
        assert len(found) == sum(map(len, reading.addresses(found)))
        return found

    def meaning(self, entries):
        return reading.addresses(entries)


class TestGeneric(Plain):
    """Read by whatever reads lines."""


class TestCollapsed(Collapsed):
    """The fewest networks."""


class TestPanOs(Plain):
    """PAN-OS: ``[IP address, IP/Mask, or IP start range-IP end range] [space] [comment]``, here without comments."""

    options = {"device": "pan-os"}


class TestPanOsRanges(FormatConformance):
    """The same with ranges of IPv4."""

    format = "addresses"
    options = {"device": "pan-os", "collapse": "yes", "ranges": "yes"}
    with_ranges = (4,)

    def read(self, files):
        (content,) = files.values()
        found = reading.lines(content)
        for line in found:
            first, dash, last = line.partition("-")
            low = reading.network(first)
            if dash:
                high = reading.network(last)
                assert low.version == high.version
                assert low.version in self.with_ranges
                assert low.num_addresses == high.num_addresses == 1
                assert low < high
        return found

    def entry(self, type, value):
        return reading.one(type, value)

    def meaning(self, entries):
        return reading.addresses(entries)


class TestFortiGate(Plain):
    """FortiGate: address, range or subnet a line; ``#`` begins a comment."""

    options = {"device": "fortigate"}


class TestFortiGateRanges(TestPanOsRanges):
    """The same with ranges, of IPv6 too."""

    options = {"device": "fortigate", "collapse": "yes", "ranges": "yes"}
    with_ranges = (4, 6)


class TestFmc(Plain):
    """FMC: one address or block a line in a ``.txt``, no more than 500 MB, no /0."""

    options = {"device": "fmc"}

    def read(self, files):
        assert all(name.endswith(".txt") and len(content) <= 500_000_000 for name, content in files.items())
        return super().read(files)


class TestPf(FormatConformance):
    """pf: addresses and networks of one family a file."""

    format = "addresses"
    options = {"device": "pf"}

    def read(self, files):
        assert {"export-ipv4.txt", "export-ipv6.txt"} == set(files)
        found = []
        for name, content in files.items():
            entries = reading.lines(content)
            assert all(name.endswith(f"-ipv{reading.network(line).version}.txt") for line in entries)
            found += entries
        return found

    def entry(self, type, value):
        return reading.one(type, value)


class TestSplitAndCollapsed(TestPf):
    """The fewest networks, by version."""

    options = {"family": "split", "collapse": "yes"}

    def meaning(self, entries):
        return reading.addresses(entries)


class TestOnlyIpv4(Plain):
    """The networks of the other version are refused, not dropped without a word."""

    options = {"family": "ipv4"}
    refuses = frozenset(value for value in GOOD["cidr"] if ":" in value)

    @pytest.fixture
    def types(self):
        return ["cidr", "ipv4"]


class TestJuniper(FormatConformance):
    """Juniper: prefixes, each with its length."""

    format = "addresses"
    options = {"device": "juniper"}

    def read(self, files):
        (content,) = files.values()
        found = []
        for line in reading.lines(content):
            head, slash, _ = line.partition("/")
            assert slash
            prefix = reading.network(line)
            found.append(head if prefix.num_addresses == 1 else line)
        return found

    def entry(self, type, value):
        return reading.one(type, value)


class TestF5(FormatConformance):
    """F5: address, mask, ``bl`` or ``wl``, category; a mask that is empty would be that of one address."""

    format = "addresses"
    options = {"device": "f5"}

    def read(self, files):
        (content,) = files.values()
        found = []
        for line in reading.lines(content):
            address, mask, kind, category = line.split(",")
            assert ("bl", "") == (kind, category)
            prefix = reading.network(f"{address}/{mask}")
            found.append(address if prefix.num_addresses == 1 else f"{address}/{mask}")
        return found

    def entry(self, type, value):
        return reading.one(type, value)


class RouterOs:
    """The address lists of a router, changed by a script as RouterOS documents its commands."""

    REMOVE = re.compile(r'remove \[find list="([A-Za-z0-9_.-]+)"\]')
    SET = re.compile(r'set \[find list="([A-Za-z0-9_.-]+)"\] list="([A-Za-z0-9_.-]+)"')
    ADD = re.compile(r'add list="([A-Za-z0-9_.-]+)" address=([0-9a-f.:/]+)(?: timeout=((?:[1-9][0-9]*[wdhms])+))?')

    def __init__(self):
        self.menus = {"/ip firewall address-list ": {}, "/ipv6 firewall address-list ": {}}

    def run(self, line):
        """Run one command; raise where the router would stop."""
        (menu,) = [menu for menu in self.menus if line.startswith(menu)]
        command, lists = line.removeprefix(menu), self.menus[menu]
        if found := self.REMOVE.fullmatch(command):
            lists.pop(found[1], None)
        elif found := self.SET.fullmatch(command):
            for prefix, timeout in lists.pop(found[1], {}).items():
                self._add(lists, found[2], prefix, timeout)
        else:
            name, address, timeout = self.ADD.fullmatch(command).groups()
            prefix = reading.network(address)
            assert prefix.version == (6 if "ipv6" in menu else 4)
            assert "/" in address or prefix.version == 4
            self._add(lists, name, prefix, timeout)

    def _add(self, lists, name, prefix, timeout):
        entries = lists.setdefault(name, {})
        assert prefix not in entries, "failure: already have such entry"
        entries[prefix] = timeout

    def timeouts(self, name):
        """Return the different timeouts of a list; what has none is kept for ever."""
        return {timeout for lists in self.menus.values() for timeout in lists.get(name, {}).values()}

    def list(self, name):
        """Return the entries of a list."""
        found = [prefix for lists in self.menus.values() for prefix in lists.get(name, ())]
        return [str(prefix if prefix.num_addresses > 1 else prefix.network_address) for prefix in found]


class TestMikroTik(FormatConformance):
    """MikroTik: a script that is imported line by line, over an older list and what a failed import left."""

    format = "addresses"
    options = {"device": "mikrotik"}
    left, timeout = ("yeti-new",), None

    def read(self, files):
        (content,) = files.values()
        router = RouterOs()
        for name in ("yeti", *self.left, "other"):
            router.run(f'/ip firewall address-list add list="{name}" address=203.0.113.77')
            router.run(f'/ipv6 firewall address-list add list="{name}" address=2001:db8:77::/48')
        for line in reading.lines(content):
            router.run(line)
        assert [] == router.list("yeti-new") + router.list("yeti-new-new")
        assert {self.timeout} >= router.timeouts("yeti")
        assert ["203.0.113.77", "2001:db8:77::/48"] == router.list("other")
        return router.list("yeti")

    def entry(self, type, value):
        return reading.one(type, value)


class TestMikroTikWithTimeout(TestMikroTik):
    """The same with a timeout in each entry."""

    options = {"device": "mikrotik", "timeout": "36h"}
    left, timeout = ("yeti-new", "yeti-new-new"), "1d12h"


def _written(tmp_path, observables=ADDRESSES, **options):
    kit = Plain()
    kit.options = options
    return kit.write(get_format("addresses"), observables, tmp_path)


def _text(tmp_path, observables=ADDRESSES, **options):
    (content,) = _written(tmp_path, observables, **options).files.values()
    return content.decode()


def test_as_they_are(tmp_path):
    """In the order of the export."""
    expected = "198.51.100.0/24\n2001:db8:7::/48\n192.0.2.1\n198.51.100.7\n2001:db8::1\n"

    assert expected == _text(tmp_path)


def test_put_together(tmp_path):
    """By address, IPv4 first; and it is said how many became how many."""
    written = _written(tmp_path, collapse="yes")

    assert {"export.txt": b"192.0.2.1\n198.51.100.0/24\n2001:db8::1\n2001:db8:7::/48\n"} == written.files
    assert ("5 addresses and networks were put together to 4 lines",) == written.notes
    assert 5 == written.entries


def test_split_by_version(tmp_path):
    """Two files, named after that of the export."""
    expected = {
        "export-ipv4.txt": b"198.51.100.0/24\n192.0.2.1\n198.51.100.7\n",
        "export-ipv6.txt": b"2001:db8:7::/48\n2001:db8::1\n",
    }

    assert expected == _written(tmp_path, family="split").files


def test_one_version_alone(tmp_path):
    """The others are refused, and it is said why."""
    written = _written(tmp_path, family="ipv6")

    assert {"export.txt": b"2001:db8:7::/48\n2001:db8::1\n"} == written.files
    assert {"IPv4, which the option family leaves out"} == set(written.refused.values())


def test_ranges_are_one_line(tmp_path):
    """What is a network stays one."""
    some = [Value("ipv4", f"192.0.2.{last}") for last in (1, 2, 3, 4, 8, 9)]

    text = _text(tmp_path, some, device="pan-os", collapse="yes", ranges="yes")

    assert "192.0.2.1-192.0.2.4\n192.0.2.8/31\n" == text


def test_one_address_of_f5_is_one_address(tmp_path):
    """A mask of 64 would block 2^64 of them."""
    expected = (
        "198.51.100.0,24,bl,scanners\n2001:db8:7::,48,bl,scanners\n192.0.2.1,32,bl,scanners\n"
        "198.51.100.7,32,bl,scanners\n2001:db8::1,128,bl,scanners\n"
    )

    assert expected == _text(tmp_path, device="f5", category="scanners")


def test_a_list_of_mikrotik_is_replaced_at_the_end(tmp_path):
    """Whatever fails before leaves the list in use as it was."""
    text = _text(
        tmp_path, [Value("ipv4", "192.0.2.1"), Value("ipv6", "2001:db8::1")], device="mikrotik", list="c2"
    )

    assert (
        '/ip firewall address-list remove [find list="c2-new"]\n'
        '/ipv6 firewall address-list remove [find list="c2-new"]\n'
        '/ip firewall address-list add list="c2-new" address=192.0.2.1\n'
        '/ipv6 firewall address-list add list="c2-new" address=2001:db8::1/128\n'
        '/ip firewall address-list remove [find list="c2"]\n'
        '/ip firewall address-list set [find list="c2-new"] list="c2"\n'
        '/ipv6 firewall address-list remove [find list="c2"]\n'
        '/ipv6 firewall address-list set [find list="c2-new"] list="c2"\n'
    ) == text


def test_a_list_of_mikrotik_with_timeouts_is_renamed_before_the_old_one_goes(tmp_path):
    """A router that does not rename such entries stops there, with the list in use as it was."""
    text = _text(tmp_path, [Value("ipv4", "192.0.2.1")], device="mikrotik", list="c2", family="ipv4", timeout="2d")

    assert (
        '/ip firewall address-list remove [find list="c2-new"]\n'
        '/ip firewall address-list remove [find list="c2-new-new"]\n'
        '/ip firewall address-list add list="c2-new" address=192.0.2.1 timeout=2d\n'
        '/ip firewall address-list set [find list="c2-new"] list="c2-new-new"\n'
        '/ip firewall address-list remove [find list="c2"]\n'
        '/ip firewall address-list set [find list="c2-new-new"] list="c2"\n'
    ) == text


def test_a_script_for_one_version_leaves_the_other_menu_alone(tmp_path):
    """A router without IPv6 would stop at it."""
    assert "/ipv6" not in _text(tmp_path, device="mikrotik", family="ipv4")


def test_more_than_fortigate_reads_is_said(tmp_path, monkeypatch):
    """It would cut off the last ones without a word."""
    device = address_devices.Device(address_devices.DEVICES["fortigate"].lines, limits=Limits(most_lines=4))
    monkeypatch.setitem(address_devices.DEVICES, "fortigate", device)

    assert ("5 lines, and the device reads no more than 4 of all its lists of this kind",) == _written(
        tmp_path, device="fortigate"
    ).notes


def test_more_than_fmc_takes_fails(tmp_path, monkeypatch):
    """Rather than a list that is cut."""
    device = address_devices.Device(address_devices.DEVICES["fmc"].lines, limits=Limits(most_bytes=40))
    monkeypatch.setitem(address_devices.DEVICES, "fmc", device)

    with pytest.raises(RenderError):
        _written(tmp_path, device="fmc")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "panos"}, "the option device has no value 'panos', did you mean 'pan-os'?"),
        ({"family": "v4"}, "the option family has no value 'v4'"),
        ({"device": "pf", "family": "both"}, "pf takes IPv4 and IPv6 in files of their own"),
        ({"collapse": "perhaps"}, "yes or no"),
        ({"ranges": "yes", "device": "pan-os"}, "needs collapse=yes"),
        ({"ranges": "yes", "collapse": "yes", "device": "fmc"}, "a device that takes ranges: pan-os, fortigate"),
        ({"device": "f5", "category": "a,b"}, "category is for f5"),
        ({"category": "botnets"}, "category is for f5"),
        ({"device": "mikrotik", "list": 'x"]; /system reset'}, "list is a name"),
        ({"device": "mikrotik", "list": "x-new"}, "list is a name"),
        ({"device": "mikrotik", "list": ""}, "list is a name"),
        ({"list": "other"}, "list is for mikrotik"),
        ({"device": "fortigate", "list": ""}, "list is for mikrotik"),
        ({"timeout": "2d"}, "timeout is for mikrotik"),
        ({"timeout": "40w"}, "timeout is for mikrotik"),
        ({"device": "f5", "timeout": "soon"}, "timeout is for mikrotik"),
        ({"device": "mikrotik", "timeout": "soon"}, "the option timeout: 'soon' is not a duration"),
        ({"device": "mikrotik", "timeout": "0s"}, "the option timeout: a duration of nothing"),
        ({"device": "mikrotik", "timeout": "36w"}, "the option timeout: 35w3d13h13m56s at most, not '36w'"),
    ],
)
def test_an_option_that_cannot_be(options, message):
    """It is said when the export is defined, not when the device reads it."""
    with pytest.raises(DefinitionError, match=re.escape(message)):
        parse_options(get_format("addresses"), options)


READERS = {
    cls.options.get("device", "generic"): cls
    for cls in (TestGeneric, TestPanOs, TestFortiGate, TestFmc, TestPf, TestJuniper, TestF5, TestMikroTik)
}


@pytest.mark.intel
@pytest.mark.parametrize("device", READERS)
def test_real_addresses(intel, device, tmp_path):
    """What is real is listed as it is, for every device."""
    reader, real = READERS[device](), reading.real(intel)

    written = reader.write(get_format("addresses"), real, tmp_path)

    assert {} == written.refused
    reader.check(written)


@pytest.mark.intel
def test_real_addresses_put_together(intel, tmp_path):
    """Exactly the same addresses, in fewer lines."""
    real = reading.real(intel)

    written = Collapsed().write(get_format("addresses"), real, tmp_path)

    Collapsed().check(written)
    assert written.files["export.txt"].count(b"\n") < len(real)

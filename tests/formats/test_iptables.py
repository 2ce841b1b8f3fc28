"""Chains of iptables: read back by a parser of our own, loaded by iptables-restore, and asked by packets."""

import re

import address_reading as reading
import pytest
from firewall_program import apart, caught, need_apart

from core.errors import DefinitionError
from core.exports.formats import NotChecked, Value, get_format, parse_options
from core.testing.format_values import GOOD, RELATED, TEXTS
from core.testing.formats import FormatConformance

CONSUMER = "Linux iptables, iptables-restore and ip6tables-restore"
TOOL = "iptables-restore"


class TestIptables(FormatConformance):
    """A table, its chain, one rule a network, and the end; a file for each version."""

    format = "iptables"
    rule = re.compile(r"-A YETI -s ([0-9a-f.:/]+) -j DROP")

    def read(self, files):
        found = []
        for version in (4, 6):
            first, chain, *rules, last = reading.lines(files[f"export-ipv{version}.rules"])
            assert ("*filter", ":YETI - [0:0]", "COMMIT") == (first, chain, last)
            entries = [self.rule.fullmatch(rule)[1] for rule in rules]
            assert all(reading.network(entry).version == version for entry in entries)
            found += entries
        assert 2 == len(files)
        return found

    def entry(self, type, value):
        return reading.one(type, value)

    def meaning(self, entries):
        return reading.addresses(entries)


def _files(tmp_path, observables, name="files", **options):
    kit = TestIptables()
    kit.options = options
    folder = tmp_path / name
    folder.mkdir()
    for file, content in kit.write(get_format("iptables"), observables, folder).files.items():
        (folder / file).write_bytes(content)
    return folder / "export-ipv4.rules", folder / "export-ipv6.rules"


def _load(files):
    ipv4, ipv6 = files
    return f"iptables-restore --noflush {ipv4}\nip6tables-restore --noflush {ipv6}\n"


def test_both_ways(tmp_path):
    """What comes from an address, and what goes to it."""
    ipv4, ipv6 = _files(tmp_path, [Value("ipv4", "192.0.2.1")], chain="C2", match="both", target="reject")

    assert (
        "*filter\n:C2 - [0:0]\n-A C2 -s 192.0.2.1 -j REJECT\n-A C2 -d 192.0.2.1 -j REJECT\nCOMMIT\n"
    ) == ipv4.read_text()
    assert "*filter\n:C2 - [0:0]\nCOMMIT\n" == ipv6.read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chain": "INPUT"}, "none that iptables has"),
        ({"chain": "DROP"}, "none that iptables has"),
        ({"chain": "-x"}, "chain is a name"),
        ({"chain": "x - [0:0]\n-F"}, "chain is a name"),
        ({"chain": "x" * 29}, "chain is a name"),
        ({"match": "src"}, "the option match has no value 'src'"),
        ({"target": "LOG --log-prefix x"}, "the option target has no value 'LOG --log-prefix x'"),
    ],
)
def test_an_option_that_cannot_be(options, message):
    """The chain is one of its own."""
    with pytest.raises(DefinitionError, match=re.escape(message)):
        parse_options(get_format("iptables"), options)


def test_words_are_words_whatever_their_case():
    """And with blanks around them."""
    chain = parse_options(get_format("iptables"), {"match": " Source", "target": "drop "})

    assert (("-s",), "DROP") == (chain.flags, chain.target)


@pytest.mark.proof("iptables", CONSUMER, "loaded", tool=TOOL)
@pytest.mark.parametrize("options", [{}, {"chain": "a" * 28, "match": "both", "target": "REJECT"}])
@pytest.mark.parametrize("is_empty", [False, True], ids=["all", "nothing"])
def test_iptables_takes_whatever_is_written(options, is_empty, tmp_path):
    """Tested, then loaded, after all hostile values; and nothing at all."""
    need_apart()
    some = [Value(type_, text) for type_ in ("ipv4", "ipv6", "cidr") for text in (*GOOD[type_], *TEXTS)]
    some += [Value(*pair) for pair in RELATED if pair[0] in ("ipv4", "ipv6", "cidr")]
    files = _files(tmp_path, [] if is_empty else some, **options)

    ended = apart(
        f"iptables-restore --test --noflush {files[0]}\nip6tables-restore --test {files[1]}\n{_load(files)}"
    )

    assert (0, "") == (ended.returncode, ended.stderr)


@pytest.mark.intel
@pytest.mark.proof("iptables", CONSUMER, "asked", tool=TOOL)
def test_a_packet_to_what_is_listed_is_dropped(intel, tmp_path):
    """And one to the address beside it is not: real addresses."""
    need_apart()
    real = reading.real(intel, every=40)
    listed, others = reading.asked(real, 200)
    script = _load(_files(tmp_path, real, match="destination"))
    script += "iptables -A OUTPUT -j YETI\nip6tables -A OUTPUT -j YETI"

    assert sorted(listed) == sorted(caught(script, listed + others, tmp_path))


@pytest.mark.proof("iptables", CONSUMER, "loaded", tool=TOOL)
def test_another_list_takes_the_place_of_the_first(tmp_path):
    """Other chains stay, the jump to this one too, and nothing of the first list does."""
    need_apart()
    first = _files(tmp_path, [Value("cidr", "192.0.2.0/24"), Value("ipv6", "2001:db8::1")], "first")
    second = _files(tmp_path, [Value("ipv4", "192.0.2.1")], "second")

    ended = apart(
        f"{_load(first)}iptables -A INPUT -j YETI\niptables -N OTHER\n{_load(second)}iptables -S\nip6tables -S"
    )

    assert (0, "") == (ended.returncode, ended.stderr)
    rules = [line for line in ended.stdout.splitlines() if not line.startswith("-P")]
    assert ["-N OTHER", "-N YETI", "-A INPUT -j YETI", "-A YETI -s 192.0.2.1/32 -j DROP", "-N YETI"] == rules


@pytest.mark.proof("iptables", CONSUMER, "loaded", tool=TOOL)
def test_the_check_finds_what_iptables_would(tmp_path):
    """Before anything is published: an IPv6 address among those of IPv4."""
    need_apart()
    form = get_format("iptables")
    options = parse_options(form, {})
    files = _files(tmp_path, [Value("ipv4", "192.0.2.1")])

    assert [] == form.check(files, options)
    files[0].write_text(files[0].read_text().replace("192.0.2.1", "2001:db8::1"))
    assert "2001:db8::1" in "".join(form.check(files, options))


def test_the_check_leaves_out_what_is_too_large(tmp_path):
    """No chain of a hundred thousand rules is of use, nor worth the memory; it says so of each file."""
    form = get_format("iptables")
    paths = [tmp_path / "export-ipv4.rules", tmp_path / "export-ipv6.rules"]
    for path in paths:
        path.write_text("no rule\n" * 600_000)

    found = form.check(paths, parse_options(form, {}))
    assert all(isinstance(item, NotChecked) for item in found)
    assert ["iptables-restore", "ip6tables-restore"] == [item.reason.split()[0] for item in found]

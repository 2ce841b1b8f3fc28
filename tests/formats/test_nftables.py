"""Sets of nftables: read back by a parser of our own, loaded by nft, and asked by packets."""

import re
from itertools import product
from pathlib import Path
from string import ascii_lowercase

import address_reading as reading
import pytest
from firewall_program import apart, caught, failing, need_apart

from core.errors import DefinitionError
from core.exports.formats import NotChecked, Value, get_format, nftables, parse_options
from core.testing.format_values import GOOD, RELATED, TEXTS
from core.testing.formats import FormatConformance

CONSUMER = "Linux nftables, nft -f"
HEAD = re.compile(
    r"table (\w+) (\w+) \{\n((?:\tset \w+ \{\n\t\ttype ipv[46]_addr\n\t\tflags interval\n\t\}\n)+)\}\n"
)
SET = re.compile(r"\tset (\w+) \{\n\t\ttype ipv([46])_addr\n\t\tflags interval\n\t\}\n")
FLUSH = re.compile(r"flush set (\w+) (\w+) (\w+)\n")
ADD = re.compile(r"add element (\w+) (\w+) (\w+) \{\n([0-9a-f.:/,\n]+)\n\}\n")
RULES = """nft 'add chain inet yeti out { type filter hook output priority 0; }'
nft add rule inet yeti out ip daddr @listed_ipv4 drop
nft add rule inet yeti out ip6 daddr @listed_ipv6 drop
"""


class TestNftables(FormatConformance):
    """Table and sets, then each set emptied, then elements that do not overlap."""

    format = "nftables"
    table = "inet", "yeti"

    def read(self, files):
        text = files["export.nft"].decode("ascii")
        head = HEAD.match(text)
        assert self.table == head.groups()[:2]
        versions = dict(SET.findall(head[3]))
        flushed, place, found = set(), head.end(), []
        while place < len(text):
            if command := FLUSH.match(text, place):
                flushed.add(command[3])
            else:
                command = ADD.match(text, place)
                assert command[3] in flushed
                for entry in command[4].split(",\n"):
                    assert str(reading.network(entry).version) == versions[command[3]]
                    found.append(entry)
            assert self.table == command.groups()[:2]
            place = command.end()
        assert set(versions) == flushed
        assert len(found) == sum(map(len, reading.addresses(found))), "conflicting intervals specified"
        return found

    def entry(self, type, value):
        return reading.one(type, value)

    def meaning(self, entries):
        return reading.addresses(entries)


class TestOfOneVersion(TestNftables):
    """A table of the family ip has no set of IPv6."""

    options = {"family": "ip", "table": "filter", "set": "c2"}
    table = "ip", "filter"
    refuses = frozenset(value for value in GOOD["cidr"] if ":" in value)

    @pytest.fixture
    def types(self):
        return ["cidr", "ipv4"]


def _file(tmp_path, observables, name="export.nft", **options):
    kit = TestNftables()
    kit.options = options
    folder = tmp_path / f"for {name}"
    folder.mkdir()
    written = kit.write(get_format("nftables"), observables, folder)
    path = tmp_path / name
    path.write_bytes(written.files["export.nft"])
    return path


def test_what_is_written(tmp_path):
    """Two sets, emptied and filled."""
    some = [Value("ipv4", "192.0.2.0"), Value("ipv4", "192.0.2.1"), Value("ipv6", "2001:db8::1")]

    assert (
        "table inet yeti {\n"
        "\tset listed_ipv4 {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t}\n"
        "\tset listed_ipv6 {\n\t\ttype ipv6_addr\n\t\tflags interval\n\t}\n"
        "}\n"
        "flush set inet yeti listed_ipv4\nflush set inet yeti listed_ipv6\n"
        "add element inet yeti listed_ipv4 {\n192.0.2.0/31\n}\n"
        "add element inet yeti listed_ipv6 {\n2001:db8::1\n}\n"
    ) == _file(tmp_path, some).read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "arp"}, "the option family has no value 'arp'"),
        ({"table": "rule"}, "a word of the language of nft"),
        ({"table": "list"}, "a word of the language of nft"),
        ({"table": "gretap"}, "a word of the language of nft"),
        ({"table": "a b"}, "table is a name"),
        ({"table": "1a"}, "table is a name"),
        ({"set": "x { }\nflush ruleset\n"}, "set is a name"),
        ({"set": ""}, "set is a name"),
        ({"set": "a" * 65}, "set is a name"),
    ],
)
def test_an_option_that_cannot_be(options, message):
    """Names are words, and none of nft's own."""
    with pytest.raises(DefinitionError, match=re.escape(message)):
        parse_options(get_format("nftables"), options)


def test_a_family_is_one_in_capitals_too():
    """As with other formats."""
    assert "inet" == parse_options(get_format("nftables"), {"family": " INET"}).family


@pytest.mark.proof("nftables", CONSUMER, "loaded", tool="nft")
def test_no_word_of_nft_is_taken_for_a_table():
    """Asked of nft itself: of all short words, and of those in its library, it refuses the ones that are refused here."""
    need_apart()
    words = {"".join(letters) for count in (1, 2, 3) for letters in product(ascii_lowercase, repeat=count)}
    words |= nftables.KEYWORDS | nftables.LATER_KEYWORDS | words_of_its_library()

    # The brace is a mistake in every line: where it is not the first one, the word is.
    said = apart("nft -c -i 2>&1", "".join(f"add table inet {word} }}\n" for word in sorted(words))).stdout
    faults = {word: fault for fault, word in re.findall(r"unexpected (.*)\nadd table inet (\w+) \}\n", said)}

    assert words == set(faults)
    refused = {word for word, fault in faults.items() if not fault.startswith("'}'")}
    assert nftables.KEYWORDS <= refused
    assert refused <= nftables.KEYWORDS | nftables.LATER_KEYWORDS


@pytest.mark.proof("nftables", CONSUMER, "loaded", tool="nft")
@pytest.mark.parametrize("family", ["inet", "bridge", "netdev", "ip", "ip6"])
@pytest.mark.parametrize("is_empty", [False, True], ids=["all", "nothing"])
def test_nft_takes_whatever_is_written(family, is_empty, tmp_path):
    """In every family of tables, after all hostile values; and nothing at all."""
    need_apart()
    some = [Value(type_, text) for type_ in ("ipv4", "ipv6", "cidr") for text in (*GOOD[type_], *TEXTS)]
    some += [Value(*pair) for pair in RELATED if pair[0] in ("ipv4", "ipv6", "cidr")]
    path = _file(tmp_path, [] if is_empty else some, family=family)

    ended = apart(f"nft -c -f {path}; nft -f {path}; nft -f {path}")

    assert (0, "") == (ended.returncode, ended.stderr)


@pytest.mark.intel
@pytest.mark.proof("nftables", CONSUMER, "asked", tool="nft")
def test_a_packet_to_what_is_listed_is_dropped(intel, tmp_path):
    """And one to the address beside it is not: real addresses, first, last and between."""
    need_apart()
    real = reading.real(intel)
    listed, others = reading.asked(real, 300)
    path = _file(tmp_path, real)

    assert sorted(listed) == sorted(caught(f"nft -f {path}\n{RULES}", listed + others, tmp_path))


@pytest.mark.intel
@pytest.mark.proof("nftables", CONSUMER, "asked", tool="nft")
def test_nft_itself_says_so(intel, tmp_path):
    """``nft get element`` finds what is listed, and nothing else."""
    need_apart()
    real = reading.real(intel)
    listed, others = reading.asked(real, 25)
    path = _file(tmp_path, real)
    asks = [f"nft get element inet yeti {_set(text)} '{{ {text} }}' >/dev/null || echo {text}" for text in listed]
    asks += [
        f"nft get element inet yeti {_set(text)} '{{ {text} }}' 2>&1 >/dev/null || echo {text}" for text in others
    ]

    ended = apart("\n".join([f"nft -f {path}", *asks]))

    assert 0 == ended.returncode
    assert others == [line for line in ended.stdout.splitlines() if line in {*listed, *others}]


@pytest.mark.proof("nftables", CONSUMER, "loaded", tool="nft")
def test_another_list_takes_the_place_of_the_first(tmp_path):
    """Whole, in one transaction: networks that overlap those of before, rules that name the set, and no remains."""
    need_apart()
    first = _file(tmp_path, [Value("cidr", "192.0.2.0/24"), Value("ipv6", "2001:db8::1")], "first.nft")
    second = _file(tmp_path, [Value("cidr", "192.0.2.128/25"), Value("ipv4", "192.0.2.1")], "second.nft")

    ended = apart(f"nft -f {first}\n{RULES}nft -f {second}\nnft list set inet yeti listed_ipv4\n"
                  "nft list set inet yeti listed_ipv6")  # fmt: skip

    assert (0, "") == (ended.returncode, ended.stderr)
    assert "elements = { 192.0.2.1, 192.0.2.128/25 }" in ended.stdout
    assert "2001:db8::1" not in ended.stdout


@pytest.mark.proof("nftables", CONSUMER, "loaded", tool="nft")
def test_a_file_that_is_cut_changes_nothing(tmp_path):
    """The list of before stays."""
    need_apart()
    first = _file(tmp_path, [Value("ipv4", "192.0.2.1")], "first.nft")
    second = _file(tmp_path, [Value("ipv4", "192.0.2.2"), Value("ipv4", "192.0.2.4")], "second.nft")
    second.write_text(second.read_text()[:-4])

    ended = apart(f"nft -f {first}\n{failing(f'nft -f {second}')}\nnft list set inet yeti listed_ipv4")

    assert 0 == ended.returncode, ended.stderr
    assert "elements = { 192.0.2.1 }" in ended.stdout


@pytest.mark.proof("nftables", CONSUMER, "loaded", tool="nft")
def test_the_check_finds_what_nft_would(tmp_path):
    """A name is looked up by nft, an overlap refuses the file: before anything is published, both are findings."""
    need_apart()
    form = get_format("nftables")
    options = parse_options(form, {})
    path = _file(tmp_path, [Value("ipv4", "192.0.2.1")])

    assert [] == form.check([path], options)
    path.write_text(path.read_text().replace("192.0.2.1\n", "192.0.2.1,\n192.0.2.0/24\n"))
    assert "conflicting intervals" in "".join(form.check([path], options))


def test_the_check_leaves_out_what_would_take_a_gigabyte(tmp_path):
    """As much as nft needs for a million entries, a server that publishes may not have; it says so."""
    form = get_format("nftables")
    path = tmp_path / "export.nft"
    path.write_text("no nft\n" * 600_000)

    (found,) = form.check([path], parse_options(form, {}))
    assert isinstance(found, NotChecked)
    assert "too much memory for a file of more than 4,000,000 bytes" in found.reason


def _set(text):
    return "listed_ipv6" if ":" in text else "listed_ipv4"


def words_of_its_library():
    """Return every text in nft's library that could be a name: the words of its messages are among them."""
    (path,) = set(re.findall(r"=> (\S*libnftables\S*)", apart("ldd $(command -v nft)").stdout))
    return {word.decode() for word in re.findall(rb"[A-Za-z_][A-Za-z0-9_]{0,63}", Path(path).read_bytes())}

"""Sets of ipset: read back by a parser of our own, loaded by ipset, and asked by ipset and by packets."""

import re

import address_reading as reading
import pytest
from firewall_program import apart, caught, failing, need_apart

from core.errors import DefinitionError, RenderError
from core.exports.formats import Value, get_format, ipset, parse_options
from core.testing.format_values import GOOD, RELATED, TEXTS
from core.testing.formats import FormatConformance

CONSUMER = "Linux ipset, ipset restore"
CREATE = re.compile(r"create (\S+) hash:net family (inet6?) maxelem (\d+)(?: timeout (\d+))? -exist")
RULES = """iptables -A OUTPUT -m set --match-set yeti-ipv4 dst -j DROP
ip6tables -A OUTPUT -m set --match-set yeti-ipv6 dst -j DROP
"""


class Sets:
    """What ipset(8) says its commands do."""

    def __init__(self):
        self.made = {}
        self.entries = {}

    def run(self, line):
        """Run one command; raise where ipset would stop."""
        if found := CREATE.fullmatch(line):
            name, *kind = found.groups()
            assert len(name) <= 31
            assert self.made.setdefault(name, kind) == kind
            self.entries.setdefault(name, [])
            return
        command, name, *rest = line.split(" ")
        entries = self.entries[name]
        if command == "add":
            (entry,) = rest
            family, most, _ = self.made[name]
            assert (6 if family == "inet6" else 4) == reading.network(entry).version
            assert entry not in entries
            entries.append(entry)
            assert len(entries) <= int(most)
        elif command == "swap":
            (other,) = rest
            assert self.made[name][0] == self.made[other][0]
            self.entries[name], self.entries[other] = self.entries[other], entries
        else:
            assert rest == []
            {"flush": entries.clear, "destroy": lambda: self.entries.pop(name)}[command]()
            if command == "destroy":
                del self.made[name]


class TestIpset(FormatConformance):
    """Run over sets that are there already, one of them left by a run that was cut off."""

    format = "ipset"
    timeout, timeout_s = "", None

    def read(self, files):
        sets = Sets()
        for name, family in (("yeti-ipv4", "inet"), ("yeti-ipv4-new", "inet"), ("yeti-ipv6-new", "inet6")):
            sets.run(f"create {name} hash:net family {family} maxelem 4194304{self.timeout} -exist")
            sets.run(f"add {name} {'203.0.113.99' if family == 'inet' else '2001:db8:99::'}")
        for line in reading.lines(files["export.ipset"]):
            sets.run(line)
        assert {"yeti-ipv4", "yeti-ipv6"} == set(sets.made)
        assert {self.timeout_s} == {timeout_s for _, _, timeout_s in sets.made.values()}
        return [*sets.entries["yeti-ipv4"], *sets.entries["yeti-ipv6"]]

    def entry(self, type, value):
        return reading.one(type, value)

    def meaning(self, entries):
        return reading.addresses(entries)


class TestIpsetWithTimeout(TestIpset):
    """The timeout of a set is that of each entry which is put into it without one."""

    options = {"timeout": "1d12h"}
    timeout, timeout_s = " timeout 129600", "129600"


def _file(tmp_path, observables, name="export.ipset", **options):
    kit = TestIpset()
    kit.options = options
    folder = tmp_path / f"for {name}"
    folder.mkdir()
    path = tmp_path / name
    path.write_bytes(kit.write(get_format("ipset"), observables, folder).files["export.ipset"])
    return path


def test_what_is_written(tmp_path):
    """Made, filled, swapped, and gone."""
    some = [Value("ipv4", "192.0.2.0"), Value("ipv4", "192.0.2.1"), Value("ipv6", "2001:db8::1")]

    assert (
        "create c2-ipv4 hash:net family inet maxelem 70000 -exist\n"
        "create c2-ipv6 hash:net family inet6 maxelem 70000 -exist\n"
        "create c2-ipv4-new hash:net family inet maxelem 70000 -exist\n"
        "create c2-ipv6-new hash:net family inet6 maxelem 70000 -exist\n"
        "flush c2-ipv4-new\n"
        "flush c2-ipv6-new\n"
        "add c2-ipv4-new 192.0.2.0/31\n"
        "add c2-ipv6-new 2001:db8::1\n"
        "swap c2-ipv4-new c2-ipv4\n"
        "swap c2-ipv6-new c2-ipv6\n"
        "destroy c2-ipv4-new\n"
        "destroy c2-ipv6-new\n"
    ) == _file(tmp_path, some, set="c2", maxelem="70000").read_text()


def test_more_than_the_set_may_hold_fails(tmp_path):
    """Here, and not half-way in the kernel."""
    with pytest.raises(RenderError, match="2 networks of IPv4 are more than maxelem=1"):
        _file(tmp_path, [Value("ipv4", "192.0.2.1"), Value("ipv4", "192.0.2.9")], maxelem="1")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"set": "a b"}, "set is a name"),
        ({"set": "x\nflush"}, "set is a name"),
        ({"set": "a" * 23}, "set is a name"),
        ({"set": ""}, "set is a name"),
        ({"maxelem": "0"}, "maxelem is a number"),
        ({"maxelem": "65536 timeout 5"}, "maxelem is a number"),
        ({"maxelem": "4294967296"}, "maxelem is a number"),
        ({"timeout": "soon"}, "the option timeout: 'soon' is not a duration"),
        ({"timeout": "0s"}, "the option timeout: a duration of nothing"),
        ({"timeout": "25d"}, "the option timeout: 3w3d20h31m23s at most, not '25d'"),
    ],
)
def test_an_option_that_cannot_be(options, message):
    """Names are words that leave room for what is put behind them."""
    with pytest.raises(DefinitionError, match=re.escape(message)):
        parse_options(get_format("ipset"), options)


@pytest.mark.proof("ipset", CONSUMER, "loaded", tool="ipset")
@pytest.mark.parametrize("name", ["yeti", "a" * 22, "A.b_c-d"])
@pytest.mark.parametrize("is_empty", [False, True], ids=["all", "nothing"])
def test_ipset_takes_whatever_is_written(name, is_empty, tmp_path):
    """Twice, after all hostile values; and nothing at all."""
    need_apart()
    some = [Value(type_, text) for type_ in ("ipv4", "ipv6", "cidr") for text in (*GOOD[type_], *TEXTS)]
    some += [Value(*pair) for pair in RELATED if pair[0] in ("ipv4", "ipv6", "cidr")]
    some += [Value("cidr", half) for half in ("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1")]
    path = _file(tmp_path, [] if is_empty else some, set=name)

    ended = apart(f"ipset restore -f {path}; ipset restore -f {path}; ipset list -n")

    assert (0, "") == (ended.returncode, ended.stderr)
    assert {f"{name}-ipv4", f"{name}-ipv6"} == set(ended.stdout.split())


@pytest.mark.intel
@pytest.mark.proof("ipset", CONSUMER, "asked", tool="ipset")
def test_ipset_says_what_is_listed(intel, tmp_path):
    """``ipset test`` finds what is listed, and not the address beside it: real addresses."""
    need_apart()
    real = reading.real(intel)
    listed, others = reading.asked(real, 300)
    path = _file(tmp_path, real)
    asks = [f"ipset -q test {_set(text)} {text} && echo {text} || true" for text in listed + others]

    ended = apart("\n".join([f"ipset restore -f {path}", *asks]))

    assert (0, "") == (ended.returncode, ended.stderr)
    assert listed == ended.stdout.split()


@pytest.mark.intel
@pytest.mark.proof("ipset", CONSUMER, "asked", tool="iptables-restore")
def test_a_packet_to_what_is_listed_is_dropped(intel, tmp_path):
    """And one to the address beside it is not."""
    need_apart()
    real = reading.real(intel)
    listed, others = reading.asked(real, 300)
    path = _file(tmp_path, real)

    assert sorted(listed) == sorted(caught(f"ipset restore -f {path}\n{RULES}", listed + others, tmp_path))


@pytest.mark.proof("ipset", CONSUMER, "loaded", tool="ipset")
def test_another_list_takes_the_place_of_the_first(tmp_path):
    """Rules that name the set stay, and nothing of the first does."""
    need_apart()
    first = _file(tmp_path, [Value("cidr", "192.0.2.0/24"), Value("ipv6", "2001:db8::1")], "first.ipset")
    second = _file(tmp_path, [Value("ipv4", "192.0.2.1")], "second.ipset")

    ended = apart(f"ipset restore -f {first}\n{RULES}ipset restore -f {second}\nipset save")

    adds = [line for line in ended.stdout.splitlines() if line.startswith("add")]
    assert (0, "") == (ended.returncode, ended.stderr)
    assert ["add yeti-ipv4 192.0.2.1"] == adds


@pytest.mark.proof("ipset", CONSUMER, "loaded", tool="ipset")
def test_a_file_that_is_refused_changes_nothing(tmp_path):
    """What it began is done away with by the next."""
    need_apart()
    first = _file(tmp_path, [Value("ipv4", "192.0.2.1")], "first.ipset")
    second = _file(tmp_path, [Value("ipv4", "192.0.2.2")], "second.ipset")
    broken = tmp_path / "broken.ipset"
    broken.write_text(second.read_text().replace("192.0.2.2", "192.0.2.2\nadd yeti-ipv4-new 0.0.0.0/0"))

    ended = apart(
        f"ipset restore -f {first}\n{failing(f'ipset restore -f {broken}')}\nipset -q test yeti-ipv4 192.0.2.1\n"
        f"{failing('ipset -q test yeti-ipv4 192.0.2.2')}\n"
        f"ipset restore -f {second}\nipset -q test yeti-ipv4 192.0.2.2"
    )

    assert 0 == ended.returncode, ended.stderr


@pytest.mark.proof("ipset", CONSUMER, "asked", tool="ipset")
def test_an_entry_goes_at_its_timeout(tmp_path):
    """What nobody restores again leaves the set; what is restored again stays, be it the same file."""
    need_apart()
    path = _file(tmp_path, [Value("ipv4", "192.0.2.1"), Value("ipv6", "2001:db8::1")], timeout="4s")
    asks = "ipset -q test yeti-ipv4 192.0.2.1", "ipset -q test yeti-ipv6 2001:db8::1"
    load, gone = f"ipset restore -f {path}", "sleep 5.5"

    ended = apart("\n".join([load, "sleep 2.5", load, "sleep 2.5", *asks, gone, *map(failing, asks)]))

    assert 0 == ended.returncode, ended.stderr


@pytest.mark.proof("ipset", CONSUMER, "loaded", tool="ipset")
def test_the_longest_timeout_is_one(tmp_path):
    """And no set without one is taken for it: another has to be swapped in before."""
    need_apart()
    some = [Value("ipv4", "192.0.2.1")]
    longest, none = _file(tmp_path, some, "a.ipset", timeout="2147483s"), _file(tmp_path, some, "b.ipset")

    ended = apart(f"ipset restore -f {longest}\n{failing(f'ipset restore -f {none}')}\nipset list yeti-ipv4")

    assert 0 == ended.returncode, ended.stderr
    assert re.search(r"192\.0\.2\.1 timeout 21474[0-9]{2}", ended.stdout)
    assert "set with the same name already exists" in ended.stderr


@pytest.mark.proof("ipset", CONSUMER, "loaded", tool="ipset")
def test_sets_that_rules_name_are_made_with_another_timeout(tmp_path):
    """As the page has it: they cannot be destroyed; others are swapped in, also where a restore was cut off."""
    need_apart()
    first = _file(tmp_path, [Value("ipv4", "192.0.2.1"), Value("ipv6", "2001:db8::1")], "first.ipset")
    second = _file(tmp_path, [Value("ipv4", "192.0.2.2")], "second.ipset", timeout="2d", maxelem="70000")
    of_the_page = "\n".join(re.findall(r"^    (ipset .*)$", ipset.__doc__, re.MULTILINE))
    for_both = of_the_page.replace("maxelem N", "maxelem 70000").replace("timeout S", "timeout 172800")
    ipv4 = for_both.replace("NAME", "yeti")
    ipv6 = ipv4.replace("-ipv4", "-ipv6").replace("inet ", "inet6 ")
    cut_off = "ipset create yeti-ipv4-new hash:net maxelem 4194304; ipset add yeti-ipv4-new 192.0.2.9"

    ended = apart(
        "\n".join(
            [
                f"ipset restore -f {first}\n{RULES}",
                failing("ipset destroy yeti-ipv4"),
                failing(f"ipset restore -f {second}"),
                f"ipset -q test yeti-ipv4 192.0.2.1\n{cut_off}",
                f"set +e\n{ipv4}\n{ipv6}\nset -e",
                f"ipset restore -f {second}\nipset save",
            ]
        )
    )

    made = [line for line in ended.stdout.splitlines() if line.startswith("create")]
    assert 0 == ended.returncode, ended.stderr
    assert ["yeti-ipv4", "yeti-ipv6"] == [line.split()[1] for line in made]
    assert all("maxelem 70000 timeout 172800" in line for line in made)
    assert "add yeti-ipv4 192.0.2.2" in ended.stdout
    assert "192.0.2.1 " not in ended.stdout


@pytest.mark.proof("ipset", CONSUMER, "loaded", tool="ipset")
def test_the_check_finds_what_ipset_would(tmp_path):
    """Before anything is published."""
    need_apart()
    form = get_format("ipset")
    options = parse_options(form, {})
    path = _file(tmp_path, [Value("ipv4", "192.0.2.1")])

    assert [] == form.check([path], options)
    path.write_text(path.read_text().replace("192.0.2.1", "192.0.2.1/0"))
    assert "Error in line 7" in "".join(form.check([path], options))


def _set(text):
    return "yeti-ipv6" if ":" in text else "yeti-ipv4"

"""Response policy zones: read by a strict parser, and by named, PowerDNS Recursor and Unbound."""

from ipaddress import IPv4Network, IPv6Network, ip_network

import pytest
from dns_query import Answer
from dns_servers import UNLISTED, bind, recursor, unbound, upstream
from name_readers import between, checked, hostile, lines_of, outermost, put, written
from real_names import real_addresses, real_names

from core.errors import DefinitionError
from core.exports.formats import COUNTER_MARK, get_format, parse_options
from core.testing.formats import FormatConformance, Value

BIND, RECURSOR, UNBOUND = "BIND 9, response-policy", "PowerDNS Recursor, rpzFile", "Unbound, rpz"
IPV6 = (
    "2001:db8::1",
    "2001:db8:0:1:1:1:1:1",
    "2001::1:0:0:1:1",
    "2001:db8:0:1::",
    "::5:1",
    "2001:db8:1:2:3:4:5:6",
)
SOME_ADDRESSES = [
    *(Value("ipv6", address) for address in IPV6),
    Value("ipv4", "192.0.2.7"),
    Value("cidr", "198.51.100.0/24"),
    Value("cidr", "2001:db8:7::/48"),
    Value("cidr", "2001:db8:8::8/125"),
]


def in_words(network):
    """Return the owner of a network as the draft has it, worked out from its integer."""
    if isinstance(network, IPv4Network):
        return f"{network.prefixlen}." + ".".join(str(octet) for octet in network.network_address.packed[::-1])
    packed = network.network_address.packed
    words = [f"{packed[place] << 8 | packed[place + 1]:x}" for place in range(0, 16, 2)]
    runs = [
        (size, -place)
        for size in range(2, 9)
        for place in range(9 - size)
        if words[place : place + size] == ["0"] * size
    ]
    if runs:
        size, place = max(runs)
        words[-place : -place + size] = ["zz"]
    return f"{network.prefixlen}." + ".".join(words[::-1])


def network_of(owner):
    """Return the network that an owner stands for, as strictly as the strictest of resolvers."""
    length, *words = between(owner, "", ".rpz-ip").split(".")
    words = words[::-1]
    if len(words) == 4 and all(word.isdigit() for word in words):
        network = IPv4Network((".".join(words), int(length)))
    else:
        before, zz, after = ":".join(words).partition("zz")
        network = IPv6Network(
            (before.removesuffix(":") + "::" + after.removeprefix(":") if zz else before, int(length))
        )
    assert in_words(network) + ".rpz-ip" == owner
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


class TestRpz(FormatConformance):
    """The head, then addresses, then names with their wildcards; every owner relative, every target with its dot."""

    format = "rpz"
    target, has_wildcards, zone, ttl = ".", True, "rpz", "300"

    def read(self, files):
        ttl, authority, server, *records = files["export.zone"].decode().split("\n")[:-1]
        assert f"$TTL {self.ttl}" == ttl
        serial = between(authority, "@ IN SOA localhost. hostmaster.localhost. ", f" 3600 600 604800 {self.ttl}")
        assert COUNTER_MARK == serial
        assert "@ IN NS localhost." == server
        owners = [between(record, "", f" CNAME {self.target}") for record in records]
        assert all(len(f"{owner}.{self.zone}") <= 253 for owner in owners)
        addresses = [owner for owner in owners if owner.endswith(".rpz-ip")]
        return [
            *map(network_of, addresses),
            *self.names([owner for owner in owners if not owner.endswith(".rpz-ip")]),
        ]

    def names(self, owners):
        if not self.has_wildcards:
            return [checked(owner) for owner in owners]
        names = [checked(owner) for owner in owners[::2]]
        assert [f"*.{name}" for name in names] == owners[1::2]
        assert outermost(names) == set(names), "a name below another hides what is beside it from the wildcard"
        return names

    def meaning(self, entries):
        entries = set(entries)
        names = {entry for entry in entries if any(char.isalpha() for char in entry.rpartition(".")[2])}
        names -= {entry for entry in entries if ":" in entry}
        return entries - names | (outermost(names) if self.has_wildcards else names)


class TestDrop(TestRpz):
    """Names alone, with another action, in a zone of a long name."""

    options = {"action": "drop", "subdomains": "no", "zone": "a.long." + "zone." * 10 + "example", "ttl": "60"}
    target, has_wildcards, zone, ttl = "rpz-drop.", False, options["zone"], "60"


# --- what it writes ---------------------------------------------------------------------------------------------


def records(folder, *values, **options):
    """Return the records of a zone with these observables, and what was refused."""
    kit = TestRpz()
    kit.options = options
    made = written(kit, values, folder)
    return lines_of({"": made.files["export.zone"].replace(COUNTER_MARK.encode(), b"1")})[3:], made


def test_a_zone_byte_for_byte(tmp_path):
    """Head, addresses, then names as they read from the right."""
    values = [Value("hostname", "b.example"), Value("ipv4", "192.0.2.7"), Value("cidr", "2001:db8:7::/48")]

    (content,) = written(TestRpz(), values, tmp_path).files.values()

    assert (
        "$TTL 300\n"
        f"@ IN SOA localhost. hostmaster.localhost. {COUNTER_MARK} 3600 600 604800 300\n"
        "@ IN NS localhost.\n"
        "48.zz.7.db8.2001.rpz-ip CNAME .\n"
        "32.7.2.0.192.rpz-ip CNAME .\n"
        "b.example CNAME .\n"
        "*.b.example CNAME .\n"
    ) == content.decode()


@pytest.mark.parametrize(
    ("value", "owner"),
    [
        ("2001:db8::1", "128.1.zz.db8.2001"),
        ("2001:db8:0:1:1:1:1:1", "128.1.1.1.1.1.0.db8.2001"),
        ("2001::1:0:0:1:1", "128.1.1.0.0.1.zz.2001"),
        ("2001:db8:0:1::", "128.zz.1.0.db8.2001"),
        ("::5:1", "128.1.5.zz"),
        ("::1.2.3.4", None),
        ("::102:304", "128.304.102.zz"),
        ("::ffff:c000:209", None),
        ("::", None),
    ],
)
def test_ipv6_owners(tmp_path, value, owner):
    """Words from the end, ``zz`` where the canonical text has ``::``."""
    found, made = records(tmp_path, Value("ipv6", value))

    assert [f"{owner}.rpz-ip CNAME ."] * bool(owner) == found
    assert (not owner) == bool(made.refused)


@pytest.mark.parametrize("value", ["192.0.2.1/24", "2001:db8::1/64", "0.0.0.0/0", "::/0", "192.0.2.1/32"])
def test_what_resolvers_would_ignore_is_refused(tmp_path, value):
    """Host bits, everything there is, and a network that is an address."""
    found, made = records(tmp_path, Value("cidr", value))

    assert [] == found
    assert [value] == [item.value for item in made.refused]


@pytest.mark.parametrize("word", ["rpz-ip", "rpz-nsip", "rpz-client-ip", "rpz-nsdname", "rpz-passthru"])
def test_no_name_becomes_an_order_of_another_kind(tmp_path, word):
    """A stranger's ``24.0.2.0.192.rpz-ip`` is a canonical name, and would be a network here."""
    name = f"24.0.2.0.192.{word}"

    found, made = records(tmp_path, Value("hostname", name), Value("hostname", "rpz-ip.example"))

    assert ["rpz-ip.example CNAME .", "*.rpz-ip.example CNAME ."] == found
    assert {Value("hostname", name): "a name that is an order of another kind in a policy zone"} == made.refused


@pytest.mark.parametrize(("subdomains", "longest"), [("yes", 241), ("no", 243)])
def test_a_name_fits_together_with_the_zone(tmp_path, subdomains, longest):
    """No more than 253 characters, the wildcard among them; one more is refused."""
    fits = ("a" * 49 + ".") * 4 + "b" * (longest - 208) + ".example"
    assert longest == len(fits)
    values = Value("hostname", fits), Value("hostname", "c" + fits)

    found, made = records(tmp_path, *values, subdomains=subdomains, zone="rpz.local")

    assert f"{fits} CNAME ." in found
    assert 253 == max(len(record.removesuffix(" CNAME .") + ".rpz.local") for record in found)
    assert {values[1]: "together with the name of the zone longer than 253 characters"} == made.refused


def test_what_is_below_a_name_is_counted(tmp_path):
    """It is on the list, and whoever runs the export is told."""
    _, made = records(tmp_path, *(Value("hostname", name) for name in ("a.example", "x.a.example", "b.example")))

    assert 3 == made.entries
    assert ("1 names are below another on the list, which covers them: no line of their own",) == made.notes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"action": "nxdomains"}, "did you mean 'nxdomain'"),
        ({"ttl": "2147483648"}, "the option ttl is a number of 0 to 2,147,483,647"),
        ({"ttl": "-1"}, "the option ttl is a number"),
        ({"zone": "rpz local"}, "the option zone is a domain name"),
        ({"zone": "a." * 110 + "example"}, "of at most 202 characters"),
        ({"subdomains": "maybe"}, "the option subdomains is yes or no"),
    ],
)
def test_other_options_are_refused(options, message):
    """With what there is."""
    with pytest.raises(DefinitionError, match=message):
        parse_options(get_format("rpz"), options)


# --- the serial -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "second", "serial"),
    [
        (None, 1_790_000_000, 1_790_000_000),
        (None, 0, 1),
        (None, 2**32 + 5, 2**32 - 1),
        (1_789_000_000, 1_790_000_000, 1_790_000_000),
        (1_790_000_000, 1_790_000_000, 1_790_000_001),
        (1_790_000_005, 1_700_000_000, 1_790_000_006),
        (4_100_000_000, 1_790_000_000, 4_100_000_001),
        (1, 2**31, 2**31),
        (1, 2**31 + 1, 2),
        (2**32 - 2, 2**33, 2**32 - 1),
        (2**32 - 1, 2**33, 1),
        (1, 2**33, 2),
    ],
)
def test_the_serial_rises(last, second, serial):
    """By the clock, or by one where the clock is behind; in the sense of RFC 1982, and never to what is no serial."""
    found = get_format("rpz").next_counter(last, second * 1_000_000)

    assert serial == found
    assert 1 <= found <= 2**32 - 1
    assert last is None or 0 < (found - last) % 2**32 < 2**31


# --- loaded -----------------------------------------------------------------------------------------------------


def zone_of(made, path):
    """Write a zone as it is published, with a serial."""
    return put({name: content.replace(COUNTER_MARK.encode(), b"7") for name, content in made.files.items()}, path)


@pytest.mark.proof("rpz", BIND, "loaded", tool="named-checkzone")
@pytest.mark.parametrize("kit", [TestRpz, TestDrop])
def test_it_is_checked_before_it_is_published(tmp_path, kit):
    """With the mark where the serial will be; what is hostile passes, also nothing does, a bad record does not."""
    options = parse_options(get_format("rpz"), kit.options)
    path = put(hostile(kit(), tmp_path / "made").files, tmp_path / "list.zone")
    nothing = put(written(kit(), [], tmp_path / "nothing").files, tmp_path / "nothing.zone")

    assert [] == get_format("rpz").check([path], options)
    assert [] == get_format("rpz").check([nothing], options)

    path.write_text(path.read_text() + "a b.example CNAME .\n")
    assert get_format("rpz").check([path], options)


@pytest.mark.proof("rpz", BIND, "loaded", tool="named")
@pytest.mark.parametrize("kit", [TestRpz, TestDrop])
def test_named_ignores_no_record(tmp_path, kit):
    """Nothing of what is hostile; of records that it cannot use its log speaks, and it loads the others."""
    zone = zone_of(hostile(kit(), tmp_path / "made"), tmp_path / "list.zone")
    bad = tmp_path / "bad.zone"
    wrong = ("24.1.2.0.192.rpz-ip", "128.1.0.0.0.0.1.db8.2001.rpz-ip")
    bad.write_text(zone.read_text() + "".join(f"{owner} CNAME .\n" for owner in wrong))

    with upstream(tmp_path / "upstream") as behind:
        with bind(tmp_path, behind, zone, name=kit.zone) as server:
            said = server.log.read_text()
        with bind(tmp_path, behind, bad, name=kit.zone) as server:
            said_of_bad = server.log.read_text()

    assert "loaded serial 7" in said
    assert len(wrong) == said_of_bad.count("rpz IP address")
    assert "rpz IP address" not in said


@pytest.mark.proof("rpz", RECURSOR, "loaded", tool="pdns_recursor")
@pytest.mark.parametrize("kit", [TestRpz, TestDrop])
def test_the_strictest_reader_takes_it(tmp_path, kit):
    """PowerDNS Recursor ends at the first record that it cannot use."""
    zone = zone_of(hostile(kit(), tmp_path / "made"), tmp_path / "list.zone")
    with upstream(tmp_path / "upstream") as behind, recursor(tmp_path, behind, zone) as server:
        assert "Done loading RPZ from file" in server.log.read_text()
        assert (UNLISTED,) == server.ask("ready.example").addresses


@pytest.mark.proof("rpz", UNBOUND, "loaded", tool="unbound-checkconf")
@pytest.mark.parametrize("kit", [TestRpz, TestDrop])
def test_unbound_takes_it(tmp_path, kit):
    """Its checker reads the zone, and refuses a record outside of it."""
    from core.exports.formatting.checker import ask

    zone = zone_of(hostile(kit(), tmp_path / "made"), tmp_path / "list.zone")
    (tmp_path / "unbound.conf").write_text(
        f'server:\n    directory: ""\n    chroot: ""\n    username: ""\n    module-config: "respip iterator"\n'
        f'rpz:\n    name: "{kit.zone}"\n    zonefile: "{zone}"\n'
    )

    said = ask("unbound-checkconf", ["unbound.conf"], folder=tmp_path)
    assert 0 == said.status, said.text

    zone.write_text(zone.read_text() + "bad.example. CNAME .\n")
    assert 0 != ask("unbound-checkconf", ["unbound.conf"], folder=tmp_path).status


# --- asked ------------------------------------------------------------------------------------------------------


def by_unbound(folder, behind, zone):
    """Run Unbound with the zone."""
    return unbound(folder, behind, f'rpz:\n    name: "rpz"\n    zonefile: "{zone}"\n')


RESOLVERS = [
    pytest.param(bind, marks=pytest.mark.proof("rpz", BIND, "asked", tool="named"), id="named"),
    pytest.param(recursor, marks=pytest.mark.proof("rpz", RECURSOR, "asked", tool="pdns_recursor"), id="recursor"),
    pytest.param(by_unbound, marks=pytest.mark.proof("rpz", UNBOUND, "asked", tool="unbound"), id="unbound"),
]


@pytest.mark.intel
@pytest.mark.parametrize("resolver", RESOLVERS)
def test_real_names_are_caught_and_others_pass(tmp_path, intel, resolver):
    """Those that are listed and all below them; what resolves to a listed address or into a listed network, too."""
    names, addresses = real_names(intel), real_addresses(intel)
    made = written(TestRpz(), [*names.listed, *addresses, *SOME_ADDRESSES], tmp_path / "made")
    zone = zone_of(made, tmp_path / "list.zone")
    some = [*addresses[:: len(addresses) // 200], *SOME_ADDRESSES]
    networks = [ip_network(value.value) for value in some]
    known = [(f"a{number}.answers", str(network[-1])) for number, network in enumerate(networks)]

    with upstream(tmp_path / "upstream", known) as behind, resolver(tmp_path, behind, zone) as server:
        for name in names.caught_by(made.accepted):
            assert Answer("NXDOMAIN", ()) == server.ask(name), name
        for name in names.passing:
            assert Answer("NOERROR", (UNLISTED,)) == server.ask(name), name
        for name, address in known:
            assert "NXDOMAIN" == server.ask(name, "AAAA" if ":" in address else "A").code, address


@pytest.mark.parametrize("resolver", RESOLVERS)
def test_networks_end_where_they_end(tmp_path, resolver):
    """The addresses beside them pass."""
    beside = ["198.51.99.255", "198.51.101.0", "192.0.2.8", "2001:db8:6:ffff::", "2001:db8:8::7", "2001:db8:8::10"]
    inside = [
        "198.51.100.0",
        "198.51.100.255",
        "2001:db8:7::",
        "2001:db8:7:ffff::1",
        "2001:db8:8::8",
        "2001:db8:8::f",
    ]
    known = [(f"a{number}.answers", address) for number, address in enumerate((*beside, *inside))]
    zone = zone_of(written(TestRpz(), SOME_ADDRESSES, tmp_path / "made"), tmp_path / "list.zone")

    with upstream(tmp_path / "upstream", known) as behind, resolver(tmp_path, behind, zone) as server:
        for name, address in known:
            answer = server.ask(name, "AAAA" if ":" in address else "A")
            assert (Answer("NXDOMAIN", ()) if address in inside else Answer("NOERROR", (address,))) == answer, (
                address
            )


@pytest.mark.parametrize("resolver", RESOLVERS)
def test_nothing_below_a_listed_name_passes(tmp_path, resolver):
    """Not even beside a name that is listed below it and further down, which would end the wildcard there."""
    values = [Value("hostname", name) for name in ("family.example", "grand.child.family.example")]
    zone = zone_of(written(TestRpz(), values, tmp_path / "made"), tmp_path / "list.zone")

    with upstream(tmp_path / "upstream") as behind, resolver(tmp_path, behind, zone) as server:
        for name in ("family", "x.family", "child.family", "x.child.family", "grand.child.family"):
            assert Answer("NXDOMAIN", ()) == server.ask(f"{name}.example"), name
        assert Answer("NOERROR", (UNLISTED,)) == server.ask("notfamily.example")


@pytest.mark.parametrize("resolver", RESOLVERS)
@pytest.mark.parametrize(
    ("action", "answer"),
    [
        ("nxdomain", Answer("NXDOMAIN", ())),
        ("nodata", Answer("NOERROR", ())),
        ("drop", None),
        ("passthru", Answer("NOERROR", (UNLISTED,))),
        ("tcp-only", Answer("NOERROR", (), is_truncated=True)),
    ],
)
def test_each_action_is_what_it_says(tmp_path, resolver, action, answer):
    """For the name, and with ``subdomains=no`` for that alone."""
    kit = TestRpz()
    kit.options = {"action": action, "subdomains": "no"}
    zone = zone_of(written(kit, [Value("hostname", "bad.example")], tmp_path / "made"), tmp_path / "list.zone")

    with upstream(tmp_path / "upstream") as behind, resolver(tmp_path, behind, zone) as server:
        assert answer == server.ask("bad.example", timeout_s=0.7 if answer is None else 5)
        assert Answer("NOERROR", (UNLISTED,)) == server.ask("x.bad.example")


@pytest.mark.proof("rpz", BIND, "asked", tool="named")
def test_a_zone_before_it_lets_names_pass(tmp_path):
    """An export with ``action=passthru`` is the exception to another; that is how an allow-listed name is spared."""
    allowed, listed = TestRpz(), TestRpz()
    allowed.options = {"action": "passthru"}
    first = zone_of(written(allowed, [Value("hostname", "good.bad.example")], tmp_path / "a"), tmp_path / "a.zone")
    second = zone_of(written(listed, [Value("hostname", "bad.example")], tmp_path / "b"), tmp_path / "b.zone")

    with upstream(tmp_path / "upstream") as behind, bind(tmp_path, behind, first, second) as server:
        assert (UNLISTED,) == server.ask("good.bad.example").addresses
        assert (UNLISTED,) == server.ask("x.good.bad.example").addresses
        assert "NXDOMAIN" == server.ask("x.bad.example").code

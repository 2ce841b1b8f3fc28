"""Response policy zones, loaded by named, PowerDNS Recursor and Unbound, and asked."""

from ipaddress import ip_network

import pytest
from dns_query import Answer
from dns_servers import UNLISTED, bind, recursor, unbound, upstream
from name_readers import hostile, put, written
from real_names import real_addresses, real_names
from rpz_reader import Drop, Rpz, zone_of

from core.exports.formats import NotChecked, get_format, parse_options
from core.exports.formatting import checker
from core.exports.formatting.checker import ask
from core.testing.formats import Value

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


@pytest.mark.proof("rpz", BIND, "loaded", tool="named-checkzone")
@pytest.mark.parametrize("kit", [Rpz, Drop])
def test_it_is_checked_before_it_is_published(tmp_path, kit):
    """With the mark where the serial will be; what is hostile passes, also nothing does, a bad record does not."""
    options = parse_options(get_format("rpz"), kit.options)
    path = put(hostile(kit(), tmp_path / "made").files, tmp_path / "list.zone")
    nothing = put(written(kit(), [], tmp_path / "nothing").files, tmp_path / "nothing.zone")

    assert [] == get_format("rpz").check([path], options)
    assert [] == get_format("rpz").check([nothing], options)

    path.write_text(path.read_text() + "a b.example CNAME .\n")
    assert get_format("rpz").check([path], options)


@pytest.mark.parametrize(
    "line",
    [
        "24.1.2.0.192.rpz-ip CNAME .",
        "32.300.2.0.192.rpz-ip CNAME .",
        "32.01.2.0.192.rpz-ip CNAME .",
        "33.1.2.0.192.rpz-ip CNAME .",
        "0.0.0.0.0.rpz-ip CNAME .",
        "64.1.zz.db8.2001.rpz-ip CNAME .",
        "128.1.0.0.0.0.0.db8.2001.rpz-ip CNAME .",
        "128.1.zz.DB8.2001.rpz-ip CNAME .",
        "128.zz.1.zz.rpz-ip CNAME .",
        "* CNAME .",
        "*.com CNAME .",
        "bad.example. CNAME .",
        "bücher.example CNAME .",
        "Bad.example CNAME .",
        "a.rpz-drop CNAME .",
        "bad.example A 192.0.2.1",
        "bad.example CNAME *.",
        f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 60} CNAME .",
    ],
)
def test_what_bind_would_let_pass_is_found(tmp_path, line, monkeypatch):
    """Owners that one resolver ignores, and that are a whole network, or the end, to another; with no program at all."""
    monkeypatch.setattr(checker, "find", lambda program: None)
    good = [Value("ipv4", "192.0.2.1"), Value("cidr", "2001:db8::/32"), Value("ipv6", "2001:db8::1:0:0:1")]
    made = written(Rpz(), [*good, Value("hostname", "a.example")], tmp_path / "made")
    path = put(made.files, tmp_path / "list.zone")
    form = get_format("rpz")

    def found():
        return [item for item in form.check([path], parse_options(form, {})) if isinstance(item, str)]

    assert [] == found()
    path.write_text(path.read_text("utf-8") + line + "\n", "utf-8")
    (finding,) = found()
    assert ascii(line.encode().decode("latin-1")) in finding


@pytest.mark.proof("rpz", UNBOUND, "loaded", tool="unbound-checkconf")
def test_unbound_is_asked_before_it_is_published(tmp_path):
    """A record outside of the zone is a warning to BIND, and the end to Unbound: each says so."""
    path = put(written(Rpz(), [Value("hostname", "a.example")], tmp_path / "made").files, tmp_path / "list.zone")
    form = get_format("rpz")

    assert not any(isinstance(item, str) for item in form.check([path], parse_options(form, {})))
    path.write_text(path.read_text() + "bad.example. CNAME .\n")
    found = "\n".join(item for item in form.check([path], parse_options(form, {})) if isinstance(item, str))
    assert "is not a subdomain of the configured name" in found
    assert "ignoring out-of-zone data" in found or checker.find("named-checkzone") is None


def test_a_large_zone_is_not_given_to_unbound(tmp_path):
    """It would take a gigabyte; every line is looked at all the same."""
    form = get_format("rpz")
    options = parse_options(form, {})
    path = tmp_path / "list.zone"
    path.write_text(
        options.head + "".join(f"h{n:06d}.example CNAME .\n" for n in range(350_000)) + "*.com CNAME .\n"
    )

    found = form.check([path], options)

    assert ["'*.com CNAME .' is no record of a name in the zone"] == [
        item for item in found if isinstance(item, str)
    ]
    assert any("unbound-checkconf would take" in item.reason for item in found if isinstance(item, NotChecked))


@pytest.mark.proof("rpz", BIND, "loaded", tool="named")
@pytest.mark.parametrize("kit", [Rpz, Drop])
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
@pytest.mark.parametrize("kit", [Rpz, Drop])
def test_the_strictest_reader_takes_it(tmp_path, kit):
    """PowerDNS Recursor ends at the first record that it cannot use."""
    zone = zone_of(hostile(kit(), tmp_path / "made"), tmp_path / "list.zone")
    with upstream(tmp_path / "upstream") as behind, recursor(tmp_path, behind, zone) as server:
        assert "Done loading RPZ from file" in server.log.read_text()
        assert (UNLISTED,) == server.ask("ready.example").addresses


@pytest.mark.proof("rpz", UNBOUND, "loaded", tool="unbound-checkconf")
@pytest.mark.parametrize("kit", [Rpz, Drop])
def test_unbound_takes_it(tmp_path, kit):
    """Its checker reads the zone, and refuses a record outside of it."""
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
    made = written(Rpz(), [*names.listed, *addresses, *SOME_ADDRESSES], tmp_path / "made")
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
    zone = zone_of(written(Rpz(), SOME_ADDRESSES, tmp_path / "made"), tmp_path / "list.zone")

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
    zone = zone_of(written(Rpz(), values, tmp_path / "made"), tmp_path / "list.zone")

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
    kit = Rpz()
    kit.options = {"action": action, "subdomains": "no"}
    zone = zone_of(written(kit, [Value("hostname", "bad.example")], tmp_path / "made"), tmp_path / "list.zone")

    with upstream(tmp_path / "upstream") as behind, resolver(tmp_path, behind, zone) as server:
        assert answer == server.ask("bad.example", timeout_s=0.7 if answer is None else 5)
        assert Answer("NOERROR", (UNLISTED,)) == server.ask("x.bad.example")


@pytest.mark.proof("rpz", BIND, "asked", tool="named")
def test_a_zone_before_it_lets_names_pass(tmp_path):
    """An export with ``action=passthru`` is the exception to another; that is how an allow-listed name is spared."""
    allowed, listed = Rpz(), Rpz()
    allowed.options = {"action": "passthru"}
    first = zone_of(written(allowed, [Value("hostname", "good.bad.example")], tmp_path / "a"), tmp_path / "a.zone")
    second = zone_of(written(listed, [Value("hostname", "bad.example")], tmp_path / "b"), tmp_path / "b.zone")

    with upstream(tmp_path / "upstream") as behind, bind(tmp_path, behind, first, second) as server:
        assert (UNLISTED,) == server.ask("good.bad.example").addresses
        assert (UNLISTED,) == server.ask("x.good.bad.example").addresses
        assert "NXDOMAIN" == server.ask("x.bad.example").code

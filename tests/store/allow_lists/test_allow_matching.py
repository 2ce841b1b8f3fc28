"""What of allow-lists an observable meets, against a search through all of them with ``ipaddress`` and plain text."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.store.allow_lists.entries import ListEntries, unusable
from core.store.allow_lists.kinds import MISP, PUBLIC_SUFFIX, SPECIAL_PURPOSE, Kind
from core.store.allow_lists.matching import ABOVE, CONTAINS, EQUAL, INSIDE, MOST_CONTAINED, Matcher
from core.values.canonical import classify
from core.values.special_purpose import BLOCKS, CLASSES


def lists(*several, kind=MISP, about=()):
    """Lists of (list type, entries), numbered from 1."""
    return Matcher(
        ListEntries(number, list_type, Kind(kind), tuple(about), enumerate(entries))
        for number, (list_type, entries) in enumerate(several, 1)
    )


def met(matcher, type_, value):
    """Number of the list, place of the entry and relation, for each hit."""
    return [hit[:3] for hit in matcher.hits(type_, value)]


# --- addresses --------------------------------------------------------------------------------------------

FEW = st.one_of(
    st.integers(0, 31).flatmap(
        lambda last: st.integers(27, 32).map(lambda length: ip_network((0xC0000200 + last, length), strict=False))
    ),
    st.integers(0, 31).flatmap(
        lambda last: st.integers(123, 128).map(
            lambda length: ip_network((0x2A00 << 112 | last, length), strict=False)
        )
    ),
)


def canonical(net):
    return classify("cidr", str(net))


@given(st.lists(st.lists(FEW, max_size=6, unique=True), max_size=4), FEW)
def test_networks_as_ipaddress_sees_them(entries, asked):
    """Of each list the narrowest entry around what is asked, or else the outermost entries in it."""
    matcher = lists(*(("cidr", [canonical(net)[1] for net in nets]) for nets in entries))
    expected = set()
    for number, nets in enumerate(entries, 1):
        same = [net for net in nets if net.version == asked.version]
        around = [net for net in same if asked.subnet_of(net)]
        if around:
            best = max(around, key=lambda net: net.prefixlen)
            expected.add((number, nets.index(best), EQUAL if best == asked else INSIDE))
            continue
        inside = [net for net in same if net.subnet_of(asked)]
        outermost = [net for net in inside if not any(net != one and net.subnet_of(one) for one in inside)]
        expected |= {(number, nets.index(net), CONTAINS) for net in outermost}

    found = met(matcher, *canonical(asked))
    assert expected == set(found)
    assert len(found) == len(expected)


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("::ffff:192.0.2.0/120", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("192.0.2.77/24", "192.0.2.7"),
        ("192.0.2.0/255.255.255.0", "192.0.2.7"),
        ("2A00:0::1/32", "2a00:0:1::"),
    ],
)
def test_an_entry_means_what_its_canonical_form_means(entry, value):
    """IPv4 in IPv6 form, host bits, a mask, another spelling."""
    (hit,) = lists(("cidr", [entry])).hits(classify("ipv4", value)[0], value)

    assert hit.relation in (EQUAL, INSIDE)


@pytest.mark.parametrize("entry", ["0.0.0.0/0", "::/0", "::ffff:0:0/96", "192.0.2.1/33", "evil.example", "10.1"])
def test_an_entry_that_covers_everything_is_none(entry):
    """It would switch every export off; that it does nothing is told."""
    assert [] == lists(("cidr", [entry])).hits("ipv4", "192.0.2.1")
    ((text, _),) = unusable("cidr", ["198.51.100.1", entry])
    assert text == entry


def test_a_network_around_very_many_entries():
    """No more of them are told than it can be split around."""
    entries = [f"10.{number >> 8}.{number & 255}.1" for number in range(5_000)]

    assert MOST_CONTAINED == len(lists(("cidr", entries)).hits("cidr", "10.0.0.0/8"))


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.network)
def test_every_special_class(block):
    """The first and the last address of a block have its class; of blocks in blocks only the innermost is met."""
    matcher = Matcher(
        ListEntries(number, "cidr", Kind(SPECIAL_PURPOSE, special, is_carried=True), (), enumerate(entries))
        for number, (special, entries) in enumerate(by_class().items())
    )
    net = ip_network(block.network)
    smaller = [one for other in BLOCKS if (one := ip_network(other.network)) != net and one.version == net.version]
    for address in (net[0], net[-1]):
        if not any(address in one and one.subnet_of(net) for one in smaller):
            (hit,) = matcher.hits(*classify("cidr", str(address)))
            assert hit.special_class == block.special_class
    hits = matcher.hits(*canonical(net))
    assert [(EQUAL, block.special_class)] == [hit[2:] for hit in hits if hit.relation != CONTAINS]


def by_class():
    return {special: [block.network for block in BLOCKS if block.special_class == special] for special in CLASSES}


def test_special_addresses_of_another_list_have_their_class_too():
    """An export that may list documentation may list it whatever list has it, if the entry is all documentation."""
    matcher = lists(("cidr", ["192.0.2.0/24", "192.0.0.0/16"]), kind=SPECIAL_PURPOSE)

    assert [(1, 0, INSIDE, "documentation")] == matcher.hits("ipv4", "192.0.2.1")
    assert [(1, 1, INSIDE, "")] == matcher.hits("ipv4", "192.0.9.1")
    assert [(1, 0, INSIDE, "")] == lists(("cidr", ["192.0.2.0/24"])).hits("ipv4", "192.0.2.1")


# --- names ------------------------------------------------------------------------------------------------

LABELS = st.lists(st.sampled_from(["a", "b", "xn--a"]), min_size=1, max_size=3).map(".".join)
NAMES = st.builds("{}.{}".format, LABELS, st.sampled_from(["org", "co.uk"]))


@given(
    st.lists(
        st.tuples(st.sampled_from(["hostname", "string"]), st.lists(NAMES, max_size=5, unique=True)), max_size=4
    ),
    NAMES,
)
def test_names_label_by_label(given_lists, asked):
    """A host list stands for what is below its names, a list of texts for its names alone; both have names above."""
    matcher = lists(*given_lists)
    expected = {}
    for number, (kind, entries) in enumerate(given_lists, 1):
        around = [name for name in entries if asked == name or (kind == "hostname" and asked.endswith(f".{name}"))]
        if around:
            expected[number] = EQUAL if asked in around else INSIDE
        elif any(name.endswith(f".{asked}") for name in entries):
            expected[number] = ABOVE

    found = met(matcher, "hostname", asked)
    assert expected == {number: relation for number, _, relation in found}
    assert len(found) == len(expected)
    for number, place, relation in found:
        entry = given_lists[number - 1][1][place]
        assert (entry == asked) == (relation == EQUAL)


@pytest.mark.parametrize(
    "entry", ["example.net", ".example.net", "*.example.net", "EXAMPLE.net.", "bücher.example"]
)
def test_spellings_of_a_name(entry):
    """A leading dot, a star, capitals, a final dot, letters beyond ASCII."""
    name = "xn--bcher-kva.example" if "ü" in entry else "example.net"

    for kind in ("hostname", "values", "string"):
        assert [(1, 0, EQUAL)] == met(lists((kind, [entry])), "hostname", name)
    assert [(1, 0, INSIDE)] == met(lists(("hostname", [entry])), "hostname", f"www.{name}")


def test_a_top_level_stands_for_all_below_it():
    """``local`` is no host name, and an entry all the same."""
    assert [(1, 0, INSIDE)] == met(lists(("hostname", ["local", ".internal"])), "hostname", "printer.local")
    assert [(1, 1, INSIDE)] == met(lists(("hostname", ["local", ".internal"])), "hostname", "a.b.internal")


@pytest.mark.parametrize(
    ("name", "is_met"),
    [
        ("github.io", True),
        ("evil.github.io", False),
        ("anything.ck", True),
        ("www.ck", False),
        ("www.anything.ck", False),
        ("co.uk", True),
        ("uk", True),
        ("bbc.co.uk", False),
        ("of-a-suffix.example", False),
    ],
)
def test_public_suffixes_are_met_by_themselves_alone(name, is_met):
    """Never what is below them, nor what is above; a wildcard is one label, an exception none."""
    matcher = lists(
        ("suffix", ["uk", "co.uk", "github.io", "*.ck", "!www.ck", "deep.github.io", "a.of-a-suffix.example"]),
        kind=PUBLIC_SUFFIX,
    )

    assert is_met == bool(met(matcher, "hostname", name))


# --- other values -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("list_type", "entry", "type_", "value", "relation"),
    [
        ("string", "D41D8CD98F00B204E9800998ECF8427E", "md5", "d41d8cd98f00b204e9800998ecf8427e", EQUAL),
        ("string", "198.51.100.1", "ipv4", "198.51.100.1", EQUAL),
        ("string", "198.51.100.1", "cidr", "198.51.100.0/24", CONTAINS),
        ("string", "http://a.example/x", "url", "http://a.example/x", EQUAL),
        ("string", "a.example", "url", "http://a.example/x", None),
        ("string", "b.a.example", "hostname", "a.example", ABOVE),
        ("string", "a.example", "hostname", "b.a.example", None),
        ("hostname", "a.example", "url", "https://user@b.a.example:8443/x?a.test", INSIDE),
        ("hostname", "a.test", "url", "https://b.example/a.test", None),
        ("hostname", "b.a.example", "url", "http://a.example/", None),
        ("cidr", "198.51.100.0/24", "url", "http://198.51.100.7:80/x", INSIDE),
        ("cidr", "2a00::/16", "url", "http://[2a00::1]/x", INSIDE),
        ("hostname", "a.example", "email", "x@b.a.example", INSIDE),
        ("string", "a.example", "email", "x@a.example", None),
        ("suffix", "a.example", "url", "http://a.example/x", None),
        ("string", "x@a.example", "email", "x@a.example", EQUAL),
        ("values", "198.51.100.0/24", "ipv4", "198.51.100.9", INSIDE),
        ("values", "a.example", "hostname", "b.a.example", INSIDE),
        ("values", "calc.exe", "file", "calc.exe", EQUAL),
        ("string", "3::", "generic", "3::", EQUAL),
        ("substring", "any.run", "hostname", "app.any.run.example", INSIDE),
        ("substring", "52.168.52.134", "ipv4", "52.168.52.134", INSIDE),
        ("substring", "ANY.run", "url", "http://x.example/any.RUN", INSIDE),
        ("substring", "any.run", "hostname", "anyrun.example", None),
        ("regex", "/^a+\\.example$/", "hostname", "aa.example", INSIDE),
        ("regex", "(a+)+$", "hostname", "aa.example", None),
        ("hostname", "a.example", "md5", "a.example", None),
    ],
)
def test_a_list_and_a_value(list_type, entry, type_, value, relation):
    """What each type of list says of values of each type."""
    found = met(lists((list_type, ["something.else", entry])), type_, value)

    assert ([] if relation is None else [(1, 1, relation)]) == found


def test_one_hit_of_each_list():
    """A value that several entries say the same of meets the first; a better relation wins over *above*."""
    matcher = lists(("substring", ["run", "any"]), ("values", ["a.any.run", "*.any.run"]), ("regex", ["x", "any"]))

    for _ in range(2):
        assert [(1, 0, INSIDE), (2, 1, EQUAL), (3, 1, INSIDE)] == sorted(met(matcher, "hostname", "any.run"))


# --- matching attributes ----------------------------------------------------------------------------------

MISP_ABOUT_NAMES = ("domain", "hostname", "domain|ip")
MISP_ABOUT_ADDRESSES = ("ip-src", "ip-dst", "domain|ip", "ip-dst|port")


@pytest.mark.parametrize(
    ("about", "met_types"),
    [
        ((), {"hostname", "url", "email", "md5", "file", "ipv4", "cidr"}),
        (("ALL",), {"hostname", "url", "email", "md5", "file", "ipv4", "cidr"}),
        (MISP_ABOUT_NAMES, {"hostname"}),
        ((*MISP_ABOUT_NAMES, "url"), {"hostname", "url"}),
        (MISP_ABOUT_ADDRESSES, {"ipv4", "cidr"}),
        (("md5", "filename|md5"), {"md5"}),
        (("filename|md5",), {"md5", "file"}),
        (("email-src", "domain|ip"), {"email"}),
        (("azure-application-id",), set()),
        (("no such attribute",), set()),
    ],
)
def test_a_list_is_about_its_matching_attributes_alone(about, met_types):
    """A list for domains touches no hash; one that names none is about everything."""
    values = {
        "hostname": "a.example",
        "url": "http://a.example/x",
        "email": "x@a.example",
        "md5": "d41d8cd98f00b204e9800998ecf8427e",
        "file": "calc.exe",
        "ipv4": "198.51.100.1",
        "cidr": "198.51.100.0/24",
    }
    matcher = lists(("values", ["a.example", values["md5"], "calc.exe", "198.51.100.0/24"]), about=about)

    assert met_types == {type_ for type_, value in values.items() if matcher.hits(type_, value)}

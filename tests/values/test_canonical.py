"""The one form of each type, and what is refused."""

import pytest

from core.errors import RefusedValue
from core.values import types
from core.values.canonical import canonical, classify


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (types.IPV4, " 192.0.2.1 ", "192.0.2.1"),
        (types.IPV6, "2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        (types.IPV6, "fe80::1%eth0", "fe80::1"),
        (types.IPV6, "[2001:db8::1]", "2001:db8::1"),
        (types.CIDR, "192.0.2.77/24", "192.0.2.0/24"),
        (types.CIDR, "192.0.2.0/255.255.255.128", "192.0.2.0/25"),
        (types.CIDR, "2001:DB8::1/32", "2001:db8::/32"),
        (types.CIDR, "::ffff:192.0.2.0/120", "192.0.2.0/24"),
        (types.HOSTNAME, "WWW.Example.COM.", "www.example.com"),
        (types.HOSTNAME, "bücher.example", "xn--bcher-kva.example"),
        (types.HOSTNAME, "BÜCHER.example", "xn--bcher-kva.example"),
        (types.HOSTNAME, "example。com", "example.com"),
        (types.HOSTNAME, "i❤.ws", "xn--i-7iq.ws"),
        (types.HOSTNAME, "_dmarc.example.com", "_dmarc.example.com"),
        (types.HOSTNAME, "trailing-.example.com", "trailing-.example.com"),
        (types.URL, "HTTP://WWW.Example.COM:8080/Path?Q=A#F", "http://www.example.com:8080/Path?Q=A#F"),
        (types.URL, "http://bücher.example/ä b", "http://xn--bcher-kva.example/%C3%A4%20b"),
        (types.URL, "http://example.com/%7Euser%zz", "http://example.com/%7Euser%zz"),
        (types.URL, "http://[2001:DB8::1]:80/x", "http://[2001:db8::1]:80/x"),
        (types.URL, "http://[::ffff:192.0.2.1]/x", "http://192.0.2.1/x"),
        (types.URL, "http://user:pw@example.com:/x", "http://user:pw@example.com/x"),
        (types.URL, "http://localhost/x", "http://localhost/x"),
        (types.EMAIL, "Some.One@Example.COM", "Some.One@example.com"),
        (types.MD5, "D41D8CD98F00B204E9800998ECF8427E", "d41d8cd98f00b204e9800998ecf8427e"),
        (types.TLSH, "t1" + "ab" * 35, "T1" + "AB" * 35),
        (types.SSDEEP, "3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C", "3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C"),
        (types.ASN, "64496", "AS64496"),
        (types.ASN, "as 64496", "AS64496"),
        (types.MAC_ADDRESS, "00-00-5E-00-53-01", "00:00:5e:00:53:01"),
        (types.MAC_ADDRESS, "0000.5e00.5301", "00:00:5e:00:53:01"),
        (types.CERTIFICATE, "0A:1B:2C", "0a1b2c"),
        (types.WALLET, "Bitcoin:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "btc:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        (types.WALLET, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "btc:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        (types.FILE, "\tfinal report.doc ", "final report.doc"),
        (types.RULE, "rule x {\r\n\tcondition: true\r\n}\n", "rule x {\n\tcondition: true\n}"),
    ],
)
def test_each_type_has_one_form(kind, text, value):
    """However a value is spelt, it is stored in one form."""
    assert value == canonical(kind, text)
    assert value == canonical(kind, value)


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        (types.IPV4, "010.1.1.1", "without leading zeros"),
        (types.IPV4, "10.1", "four numbers"),
        (types.IPV4, "256.1.1.1", "four numbers"),
        (types.IPV4, "\uff11.2.3.4", "not an IPv4"),
        (types.IPV6, "::ffff:192.0.2.1", "in IPv6 form: 192.0.2.1"),
        (types.IPV6, "1:2:3", "not an IPv6"),
        (types.CIDR, "0.0.0.0/0", "every address"),
        (types.CIDR, "::/0", "every address"),
        (types.CIDR, "192.0.2.1/32", "a single address"),
        (types.CIDR, "192.0.2.0/33", "prefix length"),
        (types.CIDR, "192.0.2.0", "prefix length"),
        (types.HOSTNAME, "localhost", "no dot"),
        (types.HOSTNAME, "*.example.com", "wildcard"),
        (types.HOSTNAME, "192.0.2.1", "an IPv4 address"),
        (types.HOSTNAME, "a..example.com", "empty label"),
        (types.HOSTNAME, "a" * 64 + ".example.com", "63"),
        (types.HOSTNAME, "a." * 127 + "com", "253"),
        (types.HOSTNAME, "example.123", "top-level"),
        (types.HOSTNAME, "exa mple.com", "may not hold"),
        (types.HOSTNAME, "ex\u0301\u0301a\u202emple.com", "may not hold"),
        (types.URL, "example.com/x", "no scheme"),
        (types.URL, "http:///x", "neither a name nor an address"),
        (types.URL, "http://example.com:70000/", "65535"),
        (types.URL, "http://0x7f000001/", "neither a name nor an address"),
        (types.URL, "http://0x7f.1/", "neither a name nor an address"),
        (types.EMAIL, "someone", "not a mail address"),
        (types.EMAIL, "a b@example.com", "not a mail address"),
        (types.MD5, "d41d8cd98f00b204e9800998ecf8427", "31 digits instead of 32"),
        (types.SHA256, "z" * 64, "no hexadecimal digit"),
        (types.ASN, "4294967296", "2^32"),
        (types.MAC_ADDRESS, "00:00:5e", "twelve"),
        (types.WALLET, "two words here", "not a wallet"),
        (types.MUTEX, "Global\\x\x00y", "control character (U+0000)"),
        (types.FILE, "a\nb", "control character (U+000A)"),
        (types.FILE, "a\u2028b", "control character (U+2028)"),
        (types.FILE, "a\ud800b", "surrogate"),
        (types.FILE, "caf\ufffd.exe", "decoded"),
        (types.GENERIC, " \u200b ", "empty"),
        (types.GENERIC, "x" * 32_769, "32,768"),
        (types.RULE, "rule\x00", "control character"),
        ("domain", "example.com", "no type"),
    ],
)
def test_what_is_no_value_is_refused_with_the_reason(kind, text, reason):
    """A value that is not of its type is refused, and the message says why."""
    with pytest.raises(RefusedValue) as caught:
        canonical(kind, text)

    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        (types.IPV4, "2001:db8::1", (types.IPV6, "2001:db8::1")),
        (types.IPV4, "192.0.2.0/24", (types.CIDR, "192.0.2.0/24")),
        (types.IPV6, "::ffff:192.0.2.1", (types.IPV4, "192.0.2.1")),
        (types.CIDR, "192.0.2.1/32", (types.IPV4, "192.0.2.1")),
        (types.CIDR, "2001:db8::1/128", (types.IPV6, "2001:db8::1")),
        (types.CIDR, "192.0.2.1", (types.IPV4, "192.0.2.1")),
        (types.HOSTNAME, "192.0.2.1", (types.IPV4, "192.0.2.1")),
        (types.HOSTNAME, "*.example.com", (types.HOSTNAME, "example.com")),
        (types.HOSTNAME, "http://example.com/x", (types.URL, "http://example.com/x")),
        (types.URL, "example.com/x", (types.URL, "http://example.com/x")),
        (types.URL, "192.0.2.1:8080", (types.URL, "http://192.0.2.1:8080")),
        (types.URL, "example.com", (types.HOSTNAME, "example.com")),
        (types.MD5, "a" * 40, (types.SHA1, "a" * 40)),
    ],
)
def test_a_value_plainly_of_a_neighbouring_type_is_moved_to_it(kind, text, found):
    """A feed's loose word for a type loses no value."""
    assert found == classify(kind, text)


def test_classify_refuses_with_the_reason_of_the_type_asked_for():
    """What is of no neighbouring type either is refused as what it was said to be."""
    with pytest.raises(RefusedValue, match="not a domain name: there is no dot"):
        classify(types.HOSTNAME, "localhost")


def test_a_url_is_never_cut():
    """A URL of 30,000 characters stays whole."""
    url = "http://example.com/" + "a" * 30_000

    assert url == canonical(types.URL, url)

"""An intelligence file of Zeek: read by a strict reader of the documented form."""

import ipaddress
import re
from urllib.parse import urlsplit

import pytest
from real_names import real_addresses, real_names
from table_reading import kept

from core.exports.formats import Value, get_format
from core.testing.formats import FormatConformance

TYPES = {
    "ipv4": "Intel::ADDR", "ipv6": "Intel::ADDR", "cidr": "Intel::SUBNET", "hostname": "Intel::DOMAIN",
    "url": "Intel::URL", "email": "Intel::EMAIL", "md5": "Intel::FILE_HASH", "sha1": "Intel::FILE_HASH",
    "sha256": "Intel::FILE_HASH", "file": "Intel::FILE_NAME", "user_agent": "Intel::SOFTWARE",
    "certificate": "Intel::CERT_HASH",
}  # fmt: skip
HEADER = "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc"


def unescaped(cell: str) -> str:
    """Return what Zeek makes of a cell: two hexadecimal digits behind a backslash and an x are a byte."""
    return re.sub(r"\\x([0-9a-fA-F]{2})", lambda found: chr(int(found[1], 16)), cell)


def checked(indicator: str, word: str) -> str:
    """Return an entry; raise if the indicator is none of its type."""
    if word == "Intel::ADDR":
        assert str(ipaddress.ip_address(indicator)) == indicator
    elif word == "Intel::SUBNET":
        assert str(ipaddress.ip_network(indicator)) == indicator
    elif word == "Intel::URL":
        assert "://" not in indicator.partition("?")[0].partition("/")[0]
        assert re.fullmatch(r"[^/?#@]+/[!-~]*", indicator)
        assert "#" not in indicator
    elif word == "Intel::FILE_HASH":
        assert re.fullmatch(r"[0-9a-f]+", indicator)
        assert len(indicator) in (32, 40, 64)
    elif word == "Intel::CERT_HASH":
        assert re.fullmatch(r"[0-9a-f]{40}", indicator)
    elif word == "Intel::DOMAIN":
        assert re.fullmatch(r"([a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]*", indicator)
    return f"{word} {indicator}"


class TestZeek(FormatConformance):
    """Four cells between three tabs."""

    format = "zeek"
    may_repeat = True  # of http and https with the same rest

    def read(self, files):
        (content,) = files.values()
        header, *lines = content.decode().split("\n")[:-1]
        assert HEADER == header
        found = []
        for line in lines:
            assert not line.startswith("#"), "a comment"
            cells = line.split("\t")
            assert len(cells) == 4
            assert all(cells), "an empty cell is a dash"
            assert all(cell.isprintable() for cell in cells)
            indicator, word, _, _ = cells
            assert indicator not in ("-", "(empty)")
            assert word in TYPES.values()
            found.append(checked(unescaped(indicator), word))
        return found

    def entry(self, type, value):
        if type == "url":
            parts = urlsplit(value)
            port = parts.port not in (None, {"http": 80, "https": 443}[parts.scheme])
            host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
            value = host + (f":{parts.port}" if port else "") + (parts.path or "/")
            value += f"?{parts.query}" if parts.query else ""
        return f"{TYPES[type]} {value}"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (Value("url", "http://user:x@a.example/"), "a URL with a user name, which no request has"),
        (Value("url", "http://a.example/#x"), "a URL with a fragment, which no request has"),
        (Value("url", "ftp://a.example/"), "a scheme other than http and https"),
        (Value("certificate", "0a" * 16), "not the SHA-1 of a certificate, which is what Zeek compares"),
        (Value("certificate", "0a" * 32), "not the SHA-1 of a certificate, which is what Zeek compares"),
        (Value("certificate", "0A" * 20), "not in the canonical form of its type"),
        (Value("file", "#a.exe"), "begins with '#', which is a comment to Zeek"),
        (Value("file", "-"), "reads as an empty cell to Zeek"),
        (Value("file", "(empty)"), "reads as an empty cell to Zeek"),
        (Value("file", "a\tb.exe"), "a control character (U+0009) in it"),
    ],
)
def test_what_zeek_cannot_read_is_refused(value, reason):
    """With the reason."""
    out = kept("zeek", [value])

    assert [(value.value, reason)] == out.refused
    assert f"{HEADER}\n" == out.files["lists/c2.intel"].text


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("http://a.example", "a.example/"),
        ("http://a.example:80/x", "a.example/x"),
        ("https://a.example:443?b", "a.example/?b"),
        ("http://a.example:443/x", "a.example:443/x"),
        ("http://a.example:8080/X?Y", "a.example:8080/X?Y"),
        ("http://[2001:db8::1]:80/", "[2001:db8::1]/"),
    ],
)
def test_a_url_is_what_zeek_puts_together(value, cell):
    """Host, port if it is not that of HTTP, path and query."""
    out = kept("zeek", [Value("url", value)])

    assert f"{HEADER}\n{cell}\tIntel::URL\tfeed\tc2 (feed)\n" == out.files["lists/c2.intel"].text


def test_a_backslash_is_written_as_zeek_reads_it():
    """Also in what it looks like an escape already; tabs and line breaks of tags are blanks."""
    out = kept("zeek", [Value("file", r"a\x41.exe")], tag="a\tb\nc", source="\\x41")

    assert (
        f"{HEADER}\na\\x5cx41.exe\tIntel::FILE_NAME\t\\x5cx41\ta b c (\\x5cx41)\n"
        == out.files["lists/c2.intel"].text
    )


def test_cells_without_text_are_dashes():
    """Of what nobody claims any more."""
    out = kept("zeek", [Value("ipv4", "192.0.2.1")], fresh=False, withdrawn_at="2026-09-01T00:00:00Z")

    assert f"{HEADER}\n192.0.2.1\tIntel::ADDR\t-\t-\n" == out.files["lists/c2.intel"].text


@pytest.mark.intel
def test_what_is_real_is_written(intel, tmp_path):
    """Thousands of names, addresses and networks."""
    some = [*real_names(intel).listed, *real_addresses(intel)]

    made = TestZeek().write(get_format("zeek"), some, tmp_path)

    TestZeek().check(made)
    assert made.entries > len(some) * 0.99

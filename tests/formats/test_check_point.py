"""Indicators for Check Point: read by a strict reader of sk132193's rules."""

import ipaddress
import re

import pytest
from real_names import real_addresses, real_names
from table_reading import kept, rows_of, strict_rows

from core.exports.formats import Value, get_format
from core.testing.formats import FormatConformance

FIELDS = ["# UNIQ-NAME", "VALUE", "TYPE", "CONFIDENCE", "SEVERITY", "PRODUCT", "COMMENT"]
LEVELS = {"low", "medium", "high", "critical"}
HEX = {"MD5": 32, "SHA1": 40, "SHA256": 64}


def checked(value: str, word: str) -> str:
    """Return an entry; raise if the value is none of its type."""
    assert value.isprintable()
    assert value
    if word == "IP":
        assert value == str(ipaddress.IPv4Address(value))
    elif word == "IP Range":
        first, last = map(ipaddress.IPv4Address, value.split("-"))
        assert f"{first}-{last}" == value
        assert first < last
    elif word in HEX:
        assert re.fullmatch(f"[0-9a-f]{{{HEX[word]}}}", value)
    elif word == "Domain":
        assert re.fullmatch(r"([a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]*", value)
    elif word == "URL":
        assert re.fullmatch(r"[a-z][a-z0-9+.-]*://[!-~]+", value)
    else:
        assert word == "Mail-from"
        assert re.fullmatch(r"[^@\s]+@[a-z0-9_.-]+", value)
    return f"{word} {value}"


class TestCheckPoint(FormatConformance):
    """Seven fields in every record."""

    format = "check-point"
    refuses = frozenset({"2001:db8:5::/48", "2001:db8:6::/64"})
    words = {
        "ipv4": "IP", "hostname": "Domain", "url": "URL", "md5": "MD5", "sha1": "SHA1", "sha256": "SHA256",
        "email": "Mail-from",
    }  # fmt: skip

    def read(self, files):
        metadata, header, *rows = strict_rows(files["export.csv"], "\n")
        assert re.fullmatch(r"#! DESCRIPTION = \S.*", metadata[0])
        assert all(len(row) == 7 for row in (metadata, header, *rows))
        assert FIELDS == header
        assert len({row[0] for row in rows}) == len(rows)
        found = []
        for name, value, word, confidence, severity, product, comment in rows:
            assert re.fullmatch(r"[0-9a-z]+", name)
            assert {confidence, severity} <= LEVELS
            assert product in ("AV", "AB")
            assert comment.isprintable()
            found.append(checked(value, word))
        return found

    def entry(self, type, value):
        if type == "cidr":
            network = ipaddress.IPv4Network(value)
            return f"IP Range {network.network_address}-{network.broadcast_address}"
        return f"{self.words[type]} {value}"


class TestOptions(TestCheckPoint):
    """Other levels, the other blade."""

    options = {"severity": "critical", "product": "AB", "confidence": "low"}

    def read(self, files):
        rows = strict_rows(files["export.csv"], "\n")[2:]
        assert all(("high", "critical", "AB") == (row[3], row[4], row[5]) for row in rows)
        return super().read(files)


def test_a_name_is_the_same_in_every_version():
    """Whatever stands before it, and whatever is said of it; of two types it is not the same."""
    one, other = Value("ipv4", "192.0.2.1"), Value("ipv4", "192.0.2.2")
    names = {row[0] for row in rows_of("check-point", one, line_end="\n")[2:]}
    (out,) = kept("check-point", [other, one], tag="other", source="x", confidence=3).files.values()

    assert names == {row[0] for row in strict_rows(out.text.encode(), "\n") if row[1] == "192.0.2.1"}


@pytest.mark.parametrize(
    ("confidence", "level"),
    [(None, "medium"), (0, "low"), (29, "low"), (30, "medium"), (69, "medium"), (70, "high"), (100, "high")],
)
def test_confidence_is_a_level(confidence, level):
    """As STIX 2.1 divides its scale."""
    rows = rows_of("check-point", Value("url", 'http://a.example/?"a,b'), line_end="\n", confidence=confidence)

    assert ['http://a.example/?"a,b', "URL", level, "high", "AV", "c2 (feed)"] == rows[2][1:]
    assert ["#! DESCRIPTION = my list", "", "", "", "", "", ""] == rows[0]


@pytest.mark.intel
def test_what_is_real_is_written(intel, tmp_path):
    """Thousands of names, addresses and networks."""
    some = [*real_names(intel).listed, *real_addresses(intel)]

    made = TestCheckPoint().write(get_format("check-point"), some, tmp_path)

    TestCheckPoint().check(made)
    assert made.entries > len(some) * 0.99

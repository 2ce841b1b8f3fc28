"""Indicators for Microsoft Defender: read by a strict reader of the documented columns."""

import ipaddress
import re
from datetime import datetime

import pytest
from real_names import real_names
from table_reading import INSTANT, kept, strict_rows

from core.exports.formats import Value, get_format
from core.testing.formats import FormatConformance

COLUMNS = (
    "indicatorType,indicatorValue,expirationTime,action,severity,title,description,recommendedActions,rbacGroups,"
    "category,mitretechniques,GenerateAlert"
)
TABS = {
    "files": {"FileSha1": 40, "FileSha256": 64},
    "addresses": {"IpAddress": 0},
    "domains": {"DomainName": 0, "Url": 0},
}
WORDS = {
    "sha1": "FileSha1", "sha256": "FileSha256", "ipv4": "IpAddress", "ipv6": "IpAddress", "hostname": "DomainName",
    "url": "Url",
}  # fmt: skip
DAY_US = 86_400_000_000


class TestDefender(FormatConformance):
    """Files of 500 rows at most, for one tab each."""

    format = "defender"
    most_entries = 15_000
    action = "Block"
    file_action = "Block"

    def read(self, files):
        assert {f"export-{tab}-01.csv" for tab in TABS} <= set(files)
        found = []
        for name, content in files.items():
            tab = re.fullmatch(r"export-([a-z]+)-\d\d\.csv", name)[1]
            header, *rows = strict_rows(content)
            assert COLUMNS == ",".join(header)
            assert len(rows) <= 500
            found += [self._row(tab, row) for row in rows]
        assert len(found) <= 15_000
        return found

    def _row(self, tab, row):
        word, value, end, action, severity, title, description, *others, alert = row
        assert word in TABS[tab]
        assert value
        assert value.isprintable()
        if word == "IpAddress":
            assert str(ipaddress.ip_address(value)) == value
        if TABS[tab][word]:
            assert re.fullmatch(f"[0-9a-f]{{{TABS[tab][word]}}}", value)
        if end:
            datetime.strptime(end, "%Y-%m-%dT%H:%M:%S.0Z")  # noqa: DTZ007
        assert action == (self.file_action if tab == "files" else self.action)
        assert severity in ("Informational", "Low", "Medium", "High")
        assert title
        assert description
        assert (title + description).isprintable()
        assert ["", "", "", ""] == others
        assert alert in ("True", "False")
        return f"{word} {value}"

    def entry(self, type, value):
        return f"{WORDS[type]} {value}"


class TestRemediation(TestDefender):
    """Files are removed; what is no file is blocked, since Defender would not import it otherwise."""

    options = {"action": "BlockAndRemediate", "alert": "no"}
    file_action = "BlockAndRemediate"


def rows(out, name):
    """Return the rows of one file below its header."""
    return strict_rows(out.files[name].text.encode())[1:]


def test_files_are_of_500_rows():
    """A new one for the next, numbered."""
    out = kept("defender", [Value("sha256", f"{number:064x}") for number in range(1_001)])

    sizes = {name: len(rows(out, name)) for name in out.files}

    assert {
        "lists/c2-files-01.csv": 500, "lists/c2-files-02.csv": 500, "lists/c2-files-03.csv": 1,
        "lists/c2-addresses-01.csv": 0, "lists/c2-domains-01.csv": 0,
    } == sizes  # fmt: skip


def test_what_a_tenant_cannot_hold_is_refused():
    """Over all types, with a note."""
    names = [Value("hostname", f"h{number}.example") for number in range(14_999)]
    hashes = [Value("sha1", f"{number:040x}") for number in range(3)]

    out = kept("defender", [*names, *hashes])

    assert 15_000 == sum(file.entries for file in out.files.values())
    reason = "comes after the 15,000 active indicators that a tenant holds"
    assert [(hashes[1].value, reason), (hashes[2].value, reason)] == out.refused
    assert ["2 indicators are more than the 15,000 that a tenant of Defender holds"] == out.notes


@pytest.mark.parametrize(("end", "text"), [(None, ""), (INSTANT + DAY_US + 999_999, "2026-09-22T14:13:20.0Z")])
def test_an_indicator_ends_when_its_assertion_does(end, text):
    """Or never."""
    out = kept("defender", [Value("ipv4", "192.0.2.1")], counts=True, counts_until=end)

    assert [
        ["IpAddress", "192.0.2.1", text, "Block", "Medium", "my list", "c2 (feed)", "", "", "", "", "True"]
    ] == rows(out, "lists/c2-addresses-01.csv")


@pytest.mark.intel
def test_real_names_are_written(intel, tmp_path):
    """As many as a tenant holds."""
    names = real_names(intel).listed[:14_000]

    made = TestDefender().write(get_format("defender"), names, tmp_path)

    TestDefender().check(made)
    assert made.entries > len(names) * 0.99

"""The real lists and tables beside the project, against counts that were computed without it (P11-P23).

Where the canonical form and the rule of a count differ, the test says so in one line, with the arithmetic.
"""

from collections import Counter, defaultdict

import pytest
from parsed_files import parse_file

from core.ingest.reader import Options
from core.ingest.run import import_paths
from core.schemas.export import Selection
from core.store import open_store
from core.values.dates import instant

pytestmark = pytest.mark.intel
NOW = instant("2026-11-22T10:00:00Z")


class Read:
    """What was read of several files."""

    def __init__(self, paths):
        self.rows = Counter()
        self.values = defaultdict(set)
        self.claims = []
        self.refusals = []
        for path in paths:
            parsed = parse_file(path)
            self.claims += parsed.claims
            self.refusals += parsed.refusals
        for claim in self.claims:
            self.rows[claim.type] += 1
            self.values[claim.type].add(claim.value)

    def counts(self):
        """Return type -> (rows, distinct)."""
        return {kind: (self.rows[kind], len(self.values[kind])) for kind in self.rows}


def test_p11_ipsum(intel):
    """Every address with its score, none refused."""
    read = Read([intel / "lists/ipsum/ipsum.txt"])

    assert read.counts() == {"ipv4": (120_430, 120_430)}
    assert read.refusals == []
    assert Counter(claim.context["score"] for claim in read.claims) == {
        10: 3, 9: 6, 8: 14, 7: 47, 6: 248, 5: 1095, 4: 3941, 3: 8863, 2: 16556, 1: 89657
    }  # fmt: skip


def test_p12_blackbook(intel):
    """Every domain with family, source and year."""
    read = Read([intel / "lists/blackbook/blackbook.csv"])

    assert read.counts() == {"hostname": (18_151, 18_147)}
    assert read.refusals == []
    # The rule counts one family twice, with and without a tabulator behind it: 244 - 1.
    assert len({claim.tags for claim in read.claims}) == 243
    assert Counter(claim.source for claim in read.claims).most_common(5) == [
        ("URLhaus", 11762), ("CyberCrime", 2229), ("Benkow", 1700), ("ViriBack", 1457), ("ScumBots", 956)
    ]  # fmt: skip
    years = Counter(next(y for y in range(2018, 2025) if claim.first_seen < instant(f"{y + 1}-01-01"))
                    for claim in read.claims)  # fmt: skip
    assert years == {2018: 2315, 2019: 10408, 2020: 2901, 2021: 1525, 2022: 647, 2023: 233, 2024: 122}


@pytest.mark.parametrize(
    ("name", "rows", "distinct"),
    [
        ("anudeepND-blacklist/CoinMiner.txt", 5939, 5830),
        ("nocoin/hosts.txt", 313, 313),
        ("scamblocklist/hosts.txt", 2214, 2214),
    ],
)
def test_p13_hosts_files(intel, name, rows, distinct):
    """Every name of a hosts file, local ones not."""
    read = Read([intel / "lists" / name])

    assert read.counts() == {"hostname": (rows, distinct)}
    assert read.refusals == []


def test_p14_mass_scanner(intel):
    """Addresses with comments behind them; the five bad lines are refused, each with its line."""
    read = Read([intel / "lists/maltrail-cidr/trails/static/mass_scanner.txt"])

    assert sum(read.rows.values()) + len(read.refusals) == 19_220
    assert [refusal.line for refusal in read.refusals] == [16343, 16347, 17474, 17484, 18235]
    assert len(read.values["ipv6"]) == 1981
    # The rule counts an address and its /32 as one network, as the canonical form does: 16854 + 1981 = 18835.
    assert len(read.values["ipv4"]) + len(read.values["ipv6"]) + len(read.values["cidr"]) == 18_835


def test_p14_mass_scanner_cidr(intel):
    """Networks; a network of one address is that address."""
    read = Read([intel / "lists/maltrail-cidr/trails/static/mass_scanner_cidr.txt"])

    # 1093 networks and 13 addresses are the 1106 rows; 1089 + 13 are the 1102 distinct ones.
    assert read.counts() == {"cidr": (1093, 1089), "ipv4": (13, 13)}
    assert read.refusals == []


@pytest.mark.parametrize(("name", "rows"), [("threatfox-ips/ips.txt", 19_863), ("firehol/sslbl.ipset", 146)])
def test_p15_lists_of_addresses(intel, name, rows):
    """Every line that is no comment."""
    read = Read([intel / "lists" / name])

    assert read.counts() == {"ipv4": (rows, rows)}
    assert read.refusals == []


def test_p16_defanged_tables(intel):
    """Six tables of defanged indicators."""
    read = Read(sorted((intel / "lists/unit42/iran_linked_operators").glob("*.csv")))

    assert sum(read.rows.values()) + len(read.refusals) == 816
    counts = read.counts()
    # Three URL cells name a host alone, which is a host name: 117 + 3, and 104 - 3 rows, 102 - 3 distinct URLs.
    assert counts["hostname"] == (120, 120)
    assert counts["url"] == (101, 99)
    assert counts["file"] == (76, 76)
    assert counts["ipv4"] == (59, 59)
    assert counts["generic"] == (2, 2)
    assert counts["sha256"] == (354, 336)
    # One of the 104 MD5 cells has 31 digits and is refused: 104 - 1 rows, 102 - 1 distinct.
    assert counts["md5"] == (103, 101)
    assert [refusal.reason for refusal in read.refusals] == ["not an MD5 hash: 31 digits instead of 32"]


def test_p17_tables_with_several_hashes_in_a_cell(intel):
    """Volexity's tables: two headers and none, byte order marks, hashes of one sample in one cell."""
    paths = sorted((intel / "lists/volexity").rglob("*.csv"))
    read = Read(path for path in paths if "attachments" not in path.parts)
    counts = read.counts()

    # One of the 378 hostname cells is refused, for its empty label; one of the 37 URL cells is a host alone.
    assert counts["hostname"] == (378 - 1 + 1, 378 - 1 + 1)
    assert counts["url"] == (37 - 1, 37 - 1)
    assert counts["ipv4"] == (159, 159)
    # Five mail addresses of registrants and two of senders.
    assert counts["email"] == (7, 7)
    # The rule counts them over file cells and those of each hash type; the one other piece is refused.
    assert (counts["md5"][1], counts["sha1"][1], counts["sha256"][1]) == (175, 175, 501)
    assert sorted(refusal.reason for refusal in read.refusals) == [
        "a part of the cell is not a value",
        "not a domain name: an empty label",
    ]


def test_p18_dated_addresses(intel):
    """Addresses with the source's own dates."""
    read = Read([intel / "lists/datadog/react-CVE-2025-55182/iocs.csv"])

    assert read.counts() == {"ipv4": (208, 208), "ipv6": (2, 2)}
    firsts = [claim.first_seen for claim in read.claims]
    lasts = [claim.last_seen for claim in read.claims]
    assert (min(firsts), max(firsts)) == (instant("2025-12-04"), instant("2025-12-10"))
    assert max(lasts) == instant("2025-12-10")
    assert sum(last >= instant("2025-12-10") for last in lasts) == 23


@pytest.mark.parametrize(
    ("name", "rows", "ports", "urls", "emails", "expired"),
    [
        ("aurora/aurora_iocs_20221121.csv", 50, 27, 15, 0, 50),
        ("bananasulfate/SEKOIAIO_Banana_Sulfate_infrastructure.csv", 91, 0, 0, 0, 91),
        ("clickfix_fake_google_meet/clickfix_fake_google_meet_iocs_20241017.csv", 150, 0, 8, 0, 148),
        ("compromised_chrome_extensions_dec24/compromised_chrome_extensions_iocs_20250122.csv", 83, 0, 2, 2, 46),
    ],
)
def test_p19_windows_of_validity(intel, name, rows, ports, urls, emails, expired):
    """Every row with its window; ports are taken off."""
    read = Read([intel / "lists/sekoia/IOCs" / name])

    assert len(read.claims) == rows
    assert sum("port" in claim.context for claim in read.claims) == ports
    assert (read.rows["url"], read.rows["email"]) == (urls, emails)
    assert sum(claim.valid_until < instant("2025-04-01") for claim in read.claims) == expired


def test_p20_overlaps_of_lists(intel):
    """Four lists share the addresses that they share."""
    names = {
        "ipsum": "ipsum/ipsum.txt",
        "threatfox": "threatfox-ips/ips.txt",
        "sslbl": "firehol/sslbl.ipset",
        "mass_scanner": "maltrail-cidr/trails/static/mass_scanner.txt",
    }
    sets = {name: Read([intel / "lists" / path]).values["ipv4"] for name, path in names.items()}

    assert {name: len(found) for name, found in sets.items()} == {
        "ipsum": 120_430, "threatfox": 19_863, "sslbl": 146, "mass_scanner": 16_854
    }  # fmt: skip
    assert len(set().union(*sets.values())) == 154_625
    assert len(sets["ipsum"] & sets["threatfox"]) == 243
    assert len(sets["ipsum"] & sets["mass_scanner"]) == 2418
    assert len(sets["threatfox"] & sets["mass_scanner"]) == 13


def test_p21_scores_and_dates_select(intel, database_url):
    """What is imported can be selected by family, source and date."""
    path = intel / "lists/blackbook/blackbook.csv"
    with open_store(database_url) as store:
        report = import_paths(store, [path], Options(), now=NOW)
        with store.snapshot() as snapshot:
            lokibot = snapshot.count(Selection(include=("lokibot",)), NOW)
            recent = snapshot.count(Selection(first_seen_after=instant("2023-01-01")), NOW)
            both = snapshot.count(Selection(include=("emotet",), sources=("URLhaus",)), NOW)

    assert report.rows == 18_151
    assert report.observables == {"hostname": 18_147}
    assert lokibot == 1386
    assert recent == 355
    assert both > 0

    claims = Read([path]).claims
    year = [claim for claim in claims if instant("2021-01-01") <= claim.first_seen < instant("2022-01-01")]
    assert len({claim.value for claim in year}) == 1525
    emotet = {
        claim.value
        for claim in claims
        if claim.tags == ("emotet",)
        and claim.source == "URLhaus"
        and instant("2019-01-01") <= claim.first_seen < instant("2020-01-01")
    }
    assert len(emotet) == 5832
    scores = [claim.context["score"] for claim in Read([intel / "lists/ipsum/ipsum.txt"]).claims]
    assert (sum(score >= 3 for score in scores), sum(score >= 5 for score in scores)) == (14_217, 1413)


@pytest.mark.parametrize(
    ("name", "kind", "entries"),
    [
        ("url-shortener", "hostname", 255),
        ("bank-website", "hostname", 2226),
        ("security-provider-blogpost", "hostname", 647),
        ("disposable-email", "substring", 8201),
        ("link-in-bio", "hostname", 91),
        ("public-ipfs-gateways", "string", 89),
        ("rfc1918", "cidr", 3),
        ("rfc5735", "cidr", 15),
        ("public-dns-v4", "cidr", 62_745),
        ("censys-scanning", "cidr", 13),
        ("shodan-scanning", "cidr", 42),
        ("stackpath", "cidr", 247),
        ("cloudflare", "cidr", 22),
        ("amazon-aws", "cidr", 3847),
    ],
)
def test_p22_warninglists(intel, name, kind, entries):
    """Every warninglist is an allow-list of its type with all its entries."""
    parsed = parse_file(intel / "warninglists/lists" / name / "list.json")

    assert parsed.format == "warninglist"
    assert (parsed.claims, parsed.refusals) == ([], [])
    assert (parsed.allow_lists[0].list_type, len(parsed.allow_lists[0].entries)) == (kind, entries)


def test_p23_a_clean_table(intel):
    """The derived table, type by type and tag by tag."""
    read = Read([intel / "quick/quick.csv"])

    # filename is file, domain is hostname, btc is wallet here.
    assert {kind: rows for kind, (rows, _) in read.counts().items()} == {
        "sha1": 49, "file": 37, "hostname": 109, "url": 26, "ipv4": 88, "md5": 14, "sha256": 14, "wallet": 9, "ipv6": 2,
        "cidr": 15, "email": 6,
    }  # fmt: skip
    assert sum(len(found) for found in read.values.values()) == 369
    assert read.refusals == []
    tags = Counter(tag for claim in read.claims for tag in claim.tags)
    assert len(tags) == 47
    assert (tags["apt"], tags["c2"], tags["hong kong"], tags["CVE-2025-55182"], tags["1312"]) == (
        194,
        60,
        3,
        42,
        2,
    )
    assert sum(claim.first_seen is None for claim in read.claims) == 40
    assert sum((claim.first_seen or 0) >= instant("2024-01-01") for claim in read.claims) == 137


@pytest.mark.parametrize("name", ["nouns.txt", "adjectives.txt"])
def test_a_word_list_yields_nothing(intel, name):
    """Words that malware makes host names of are no values."""
    read = Read([intel / "lists/eset-malware-ioc/kryptocibule" / name])

    assert read.claims == []
    assert len(read.refusals) == 1


def test_lists_that_count_themselves(intel):
    """ShadowWhisperer's lists say in their heads how many domains they hold."""
    for name, domains in (("UrlShortener", 5812), ("Scam", 7307), ("Risk", 1281), ("Dynamic", 1462)):
        assert Read([intel / "lists/shadowwhisperer/Lists" / name]).counts() == {"hostname": (domains, domains)}

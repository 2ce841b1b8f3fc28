"""The counts of FACTS P1 to P10, at the level of claims: distinct canonical (type, value).

Where a rule there counts raw spellings, or leaves out types that are kept here, the test says so in one line.
"""

import json
from collections import Counter, defaultdict

import pytest

from core.ingest import misp, stix
from core.ingest.reader import InputFile, Options
from core.schemas.claim import Claim, Kind, Refusal
from core.store import open_store

pytestmark = pytest.mark.intel


def read(module, paths):
    """Return claims and refusals of *paths*."""
    items = [item for path in sorted(paths) for item in module.read(InputFile(path), Options())]
    return [item for item in items if isinstance(item, Claim)], [
        item for item in items if isinstance(item, Refusal)
    ]


def counts(claims):
    found = defaultdict(set)
    for claim in claims:
        found[claim.type].add(claim.value)
    return {kind: len(values) for kind, values in found.items()}


def of_attribute(claims, kind, *attributes):
    return {claim.value for claim in claims if claim.type == kind and claim.context["attribute"] in attributes}


@pytest.fixture(scope="module")
def eset(intel):
    return read(misp, (intel / "misp").rglob("*.json"))


def test_p1_all_events(eset):
    """47 events in two wrappings give the observables that were counted independently."""
    claims, refusals = eset
    found = counts(claims)

    assert [] == refusals
    assert 209 == found["md5"]
    assert 209 == found["sha256"]
    assert 666 == found["sha1"]
    assert 207 == found["ipv4"]
    assert 22 == found["email"]
    assert 16 == found["mutex"]


def test_p1_domains_and_urls(eset):
    """17 of the 127 "urls" are bare host names: they are host names here, beside the 649 domains."""
    claims, _ = eset
    found = counts(claims)

    assert 649 == len(of_attribute(claims, "hostname", "domain", "hostname", "domain|ip"))
    assert 17 == len(of_attribute(claims, "hostname", "url"))
    assert 649 + 17 == found["hostname"]
    assert 127 - 17 == found["url"]


def test_p1_file_names(eset):
    """313 file names, those with directories being paths here; the 22 paths more are of type pdb."""
    claims, _ = eset
    names = ("filename", "filename|md5", "filename|sha1", "filename|sha256")
    files = of_attribute(claims, "file", *names)
    paths = of_attribute(claims, "path", *names)

    assert 313 == len(files) + len(paths)
    assert 22 == len(of_attribute(claims, "path", "pdb"))


def test_p1_wallets(eset):
    """9 bitcoin addresses; one of Dash and one of Monero are counted here too."""
    claims, _ = eset
    wallets = {claim.value.partition(":")[0]: 0 for claim in claims if claim.type == "wallet"}

    assert 9 == len({claim.value for claim in claims if claim.value.startswith("btc:")})
    assert {"btc", "dash", "xmr"} == set(wallets)
    assert 11 == counts(claims)["wallet"]


def test_p1_to_ids(eset, intel):
    """866 attributes are for detection: their observables are malicious, all others of kind *info*."""
    for_detection = Counter()
    for path in (intel / "misp").rglob("*.json"):
        document = json.loads(path.read_text())
        for wrapped in document.get("response", [document]):
            event = wrapped["Event"]
            inner = [attribute for thing in event.get("Object", []) for attribute in thing["Attribute"]]
            for_detection.update(each["type"] for each in event["Attribute"] + inner if each["to_ids"])
    claims, _ = eset
    malicious = Counter(claim.context["attribute"] for claim in claims if claim.kind is Kind.MALICIOUS)
    no_observables = {kind for kind in for_detection if kind not in malicious}

    assert 866 == sum(for_detection.values())
    assert no_observables <= {"text", "other", "link", "comment", "datetime", "port", "vulnerability"}
    for kind, number in malicious.items():
        parts = 2 if kind in ("domain|ip", "filename|sha1", "filename|md5", "filename|sha256") else 1
        assert (kind, for_detection[kind] * parts) == (kind, number)
    assert {Kind.MALICIOUS, Kind.INFO} == {claim.kind for claim in claims}


def test_p2_one_event(intel):
    """The LightNeuron event: its 9 file names all have directories, so they are paths here."""
    claims, refusals = read(misp, [intel / "misp/eset-malware-ioc/turla/misp-turla-lightneuron-event.json"])

    assert [] == refusals
    assert {"path": 9, "md5": 8, "sha1": 8, "sha256": 8, "url": 1} == counts(claims)
    assert {Kind.INFO} == {claim.kind for claim in claims}


def test_p3_objects(intel):
    """MoustachedBouncer, with objects; FACTS leaves out authentihash (generic here) and imphash."""
    claims, refusals = read(misp, (intel / "misp/eset-malware-ioc/moustachedbouncer").glob("*.json"))
    expected = {"hostname": 6, "email": 4, "file": 27, "ipv4": 11, "md5": 29, "sha1": 29, "sha256": 29, "url": 11}

    assert [] == refusals
    assert expected | {"imphash": 25, "generic": 31} == counts(claims)


def test_p4_bare_events(intel):
    """21 files of ``{"Event"}``; the 43 file names are paths of Unix."""
    paths = list((intel / "misp/eset-malware-ioc/sshdoor").rglob("*.json"))
    claims, refusals = read(misp, paths)

    assert 21 == len(paths)
    assert [] == refusals
    assert {"hostname": 6, "email": 6, "path": 43, "ipv4": 6, "sha1": 86} == counts(claims)
    assert {"ESET"} == {claim.source for claim in claims}


def test_p5_pegasus(intel):
    """Every pattern gives its value; names of processes are generic."""
    claims, refusals = read(stix, [intel / "stix21/amnesty/2021-07-18_nso/pegasus.stix2"])

    assert [] == refusals
    assert {"hostname": 1438, "generic": 81, "email": 29, "file": 1} == counts(claims)
    assert {("malicious-activity", "Pegasus")} == {claim.tags for claim in claims}


def test_p6_cytrox(intel):
    """A configuration profile's id is generic."""
    claims, refusals = read(stix, [intel / "stix21/amnesty/2021-12-16_cytrox/cytrox.stix2"])

    assert [] == refusals
    assert {"hostname": 336, "path": 6, "generic": 1} == counts(claims)


def test_p7_novispy(intel):
    """The 7 "domain names" are IPv4 addresses, and are taken as such; apps are packages."""
    claims, refusals = read(stix, [intel / "stix21/amnesty/2024-12-16_serbia_novispy/novispy.stix2"])

    assert [] == refusals
    assert {"ipv4": 7, "package": 4, "sha256": 4, "certificate": 3} == counts(claims)


def test_p8_unit42(intel):
    """56 bundles of STIX 2.0; one of the 319 URLs has ``8789`` for a host, and is refused with that reason."""
    paths = list((intel / "stix20/unit42").rglob("*.json"))
    claims, refusals = read(stix, paths)
    expected = {"sha256": 382, "url": 318, "hostname": 198, "ipv4": 44, "generic": 4, "email": 2}

    assert 56 == len(paths)
    assert expected == counts(claims)
    assert ["file://101.99.94.234@8789/DavWWWRoot/file.bat"] == [refusal.excerpt for refusal in refusals]
    assert "host" in refusals[0].reason


def test_p9_no_indicators(intel):
    """A bundle of techniques holds no observable, which is no error."""
    assert ([], []) == read(stix, (intel / "stix21/attack").rglob("*.json"))


def test_p10_lines(intel):
    """JSON lines with an OR of hashes and YARA rules; size and media type are no observables, and refused."""
    claims, refusals = read(stix, (intel / "stix21/sekoia").rglob("*.jsonl"))
    hashes = {"md5": 6, "sha1": 2, "sha256": 2, "sha512": 1, "ssdeep": 1}
    ended = {claim.value for claim in claims if claim.valid_until is not None and claim.type != "rule"}

    assert {"hostname": 43, "ipv4": 53, "rule": 2} | hashes == counts(claims)
    assert ["951312", "application/octet-stream"] == [refusal.excerpt for refusal in refusals]
    assert 43 + 53 + sum(hashes.values()) == len(ended)
    assert {100} == {claim.confidence for claim in claims}
    assert {"yara"} == {claim.context["language"] for claim in claims if claim.type == "rule"}


def test_objects_alone_are_info(intel):
    """82 bare cyber-observable objects are facts, not accusations."""
    claims, refusals = read(stix, (intel / "stix21/python-stix2").glob("*.json"))

    assert [] == refusals
    assert {Kind.INFO} == {claim.kind for claim in claims}
    assert {"cidr": 2, "ipv6": 1, "asn": 1, "mac_address": 1, "user_agent": 1}.items() <= counts(claims).items()


def test_the_store_counts_the_same(intel, database_url):
    """What the claims say is what the store holds after an import, and a second import changes nothing."""
    from core.ingest.run import import_paths

    folder = intel / "misp/eset-malware-ioc/sshdoor"
    with open_store(database_url) as store:
        first = import_paths(store, [folder], Options(), now=1_700_000_000_000_000)
        second = import_paths(store, [folder], Options(), now=1_700_000_001_000_000)

    assert {"hostname": 6, "email": 6, "path": 43, "ipv4": 6, "sha1": 86} == first.observables
    assert (147, 0, 0) == (first.new, first.updated, first.unchanged)
    assert (0, 0, 147) == (second.new, second.updated, second.unchanged)

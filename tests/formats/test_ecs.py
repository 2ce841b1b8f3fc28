"""Indicators in the Elastic Common Schema: checked against the documented fields, and read by jq."""

import ipaddress
import json
import re
import subprocess

import consumer_tools
import pytest
from name_readers import hostile, put
from real_names import real_addresses, real_names
from table_reading import kept

from core.exports.formats import Value, get_format
from core.testing.formats import FormatConformance

PATHS = {
    "ipv4": ("ipv4-addr", "ip"),
    "ipv6": ("ipv6-addr", "ip"),
    "hostname": ("domain-name", "url.domain"),
    "url": ("url", "url.full"),
    "email": ("email-addr", "email.address"),
    "md5": ("file", "file.hash.md5"),
    "sha1": ("file", "file.hash.sha1"),
    "sha256": ("file", "file.hash.sha256"),
    "sha512": ("file", "file.hash.sha512"),
    "ssdeep": ("file", "file.hash.ssdeep"),
    "tlsh": ("file", "file.hash.tlsh"),
    "imphash": ("file", "file.pe.imphash"),
    "file": ("file", "file.name"),
    "path": ("file", "file.path"),
    "registry_key": ("windows-registry-key", "registry.path"),
    "asn": ("autonomous-system", "as.number"),
}
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z").fullmatch


def flat(item, path=""):
    """Return the leaves of an object by their dotted names, as Elasticsearch has them."""
    if not isinstance(item, dict):
        return {path: item}
    return {
        name: leaf for key, value in item.items() for name, leaf in flat(value, f"{path}.{key}".strip(".")).items()
    }


class TestEcs(FormatConformance):
    """One object a line, with all that a rule asks for and nothing that the schema has not."""

    format = "ecs"

    def read(self, files):
        (content,) = files.values()
        return [self._checked(flat(json.loads(line))) for line in content.decode().split("\n")[:-1]]

    def _checked(self, fields):
        assert DATE(fields.pop("@timestamp"))
        assert re.fullmatch(r"8\.\d+\.\d+", fields.pop("ecs.version"))
        assert "enrichment" == fields.pop("event.kind")
        assert ["threat"] == fields.pop("event.category")
        assert ["indicator"] == fields.pop("event.type")
        assert "threatintel" == fields.pop("event.module")
        assert re.fullmatch(r"[0-9a-f]{32}", fields.pop("event.id"))
        assert all(isinstance(tag, str) for tag in fields.pop("tags"))
        own = {name.removeprefix("threat.indicator."): leaf for name, leaf in fields.items()}
        assert all(name.startswith("threat.indicator.") for name in fields)
        assert own.pop("confidence") in ("Not Specified", "None", "Low", "Medium", "High")
        assert own.pop("marking.tlp", "CLEAR") in ("WHITE", "CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED")
        assert all(DATE(own.pop(name)) for name in ("first_seen", "last_seen", "modified_at") if name in own)
        assert own.pop("provider", "x")
        word = own.pop("type")
        ((path, value),) = own.items()
        assert (word, path) in PATHS.values()
        if path == "ip":
            assert f"ipv{ipaddress.ip_address(value).version}-addr" == word
        return f"{path} {value}"

    def entry(self, type, value):
        return f"{PATHS[type][1]} {value.removeprefix('AS') if type == 'asn' else value}"


def test_jq_reads_what_is_hostile(tmp_path):
    """Every line, each with the type and the value of its observable."""
    jq = consumer_tools.need("jq")
    made = hostile(TestEcs(), tmp_path / "made")
    query = "[.threat.indicator | .type, (.ip, .url.full, .url.domain, .file.name | values)]"

    found = subprocess.run(
        [jq, "-c", query, put(made.files, tmp_path / "list.ndjson")], capture_output=True, text=True, check=True
    )

    rows = list(map(json.loads, found.stdout.split("\n")[:-1]))
    assert made.entries == len(rows)
    shown = {"ipv4", "ipv6", "url", "hostname", "file"}
    expected = [[PATHS[value.type][0], value.value] for value in made.accepted if value.type in shown]
    assert expected == [row for row in rows if len(row) == 2]


def test_a_document_is_this():
    """To the letter, but for its digest; the date is that of the change, whatever the run's is."""
    (file,) = kept(
        "ecs", [Value("ipv4", "192.0.2.1")], confidence=30, tlp="amber+strict", last_seen="2026-09-02T00:00:00Z"
    ).files.values()  # fmt: skip

    document = json.loads(file.text)

    assert document["event"].pop("id")
    assert {
        "@timestamp": "2026-09-21T14:13:20Z",
        "ecs": {"version": "8.11.0"},
        "event": {"kind": "enrichment", "category": ["threat"], "type": ["indicator"], "module": "threatintel"},
        "tags": ["c2"],
        "threat": {
            "indicator": {
                "type": "ipv4-addr", "ip": "192.0.2.1", "modified_at": "2026-09-21T14:13:20Z", "confidence": "Medium",
                "last_seen": "2026-09-02T00:00:00Z", "provider": "feed", "marking": {"tlp": "AMBER+STRICT"},
            }
        },
    } == document  # fmt: skip


@pytest.mark.parametrize(
    ("confidence", "word"),
    [(None, "Not Specified"), (0, "None"), (1, "Low"), (29, "Low"), (69, "Medium"), (70, "High"), (100, "High")],
)
def test_confidence_is_a_word(confidence, word):
    """As STIX 2.1 divides its scale."""
    (file,) = kept("ecs", [Value("ipv4", "192.0.2.1")], confidence=confidence).files.values()

    assert word == json.loads(file.text)["threat"]["indicator"]["confidence"]


@pytest.mark.intel
def test_what_is_real_is_written(intel, tmp_path):
    """Thousands of names and addresses."""
    some = [*real_names(intel).listed, *(value for value in real_addresses(intel) if value.type != "cidr")]

    made = TestEcs().write(get_format("ecs"), some, tmp_path)

    TestEcs().check(made)
    assert made.entries > len(some) * 0.99

"""Rules that came in, taken by the programs that read them, and asked."""

import json
import re
import subprocess

import consumer_tools
import pytest
import yaml
from name_readers import hostile, put
from packets import Capture
from rule_readers import PassedRules, SigmaRules, YaraRules, checked_by_format, file_of
from rule_samples import NOT_SIGMA, NOT_SURICATA, NOT_YARA, SIGMA, SURICATA, YARA
from suricata_program import alerts, tried

from core.exports.formats import BadEntry
from core.ingest.reader import InputFile, Options
from core.ingest.rules import read as rules_in
from core.schemas.claim import Claim
from core.testing.format_values import TEXTS

IN_YARA = "YARA, files of rules"
IN_SIGMA = "Sigma, sigma-cli"
IN_SURICATA = "Suricata, rules as they came"


def _compiled(path):
    """Return what yarac says, but for how fast a rule is."""
    ended = subprocess.run(
        [consumer_tools.need("yarac"), path, path.with_suffix(".compiled")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = [line for line in (ended.stdout + ended.stderr).splitlines() if "may slow down scanning" not in line]
    return ended.returncode, "\n".join(said)


@pytest.mark.proof("rules", IN_YARA, "loaded", tool="yarac")
def test_yarac_takes_whatever_is_written(tmp_path):
    """After everything that is no rule; what only the compiler knows is found by the check before publishing."""
    made, path = file_of(YaraRules, [*YARA.values(), *NOT_YARA.values()], tmp_path)

    assert len(YARA) == made.entries
    assert (0, "") == _compiled(path)
    assert [] == checked_by_format(YaraRules, path)

    made, path = file_of(
        YaraRules, [YARA["plain"], 'import "pe" rule b { condition: pe.no_such_thing }'], tmp_path / "b"
    )
    assert 2 == made.entries
    assert [BadEntry("b", 'yarac refuses it: invalid field name "no_such_thing"')] == checked_by_format(
        YaraRules, path
    )


@pytest.mark.proof("rules", IN_YARA, "loaded", tool="yarac")
def test_yarac_takes_what_is_left_of_hostile_texts(tmp_path):
    """And an empty file."""
    made = hostile(YaraRules(), tmp_path / "made")

    assert (0, "") == _compiled(put(made.files, tmp_path / "hostile.rules"))
    assert (0, "") == _compiled(file_of(YaraRules, [], tmp_path)[1])


@pytest.mark.proof("rules", IN_YARA, "asked", tool="yara-python")
def test_yara_finds_what_the_rules_are_about(tmp_path):
    """In what holds it, and in nothing else."""
    yara = pytest.importorskip("yara")
    _, path = file_of(YaraRules, YARA.values(), tmp_path)
    rules = yara.compile(filepath=str(path))

    def found(data):
        return {match.rule for match in rules.match(data=data)}

    assert {"plain"} == found(b"evil!")
    assert {"plain", "a_needs_plain"} == found(b"evil,very")
    assert {"unnamed"} == found(b"someone")
    assert {"unnamed"} == found(b"foxe")
    assert set() == found(b"harmless")


@pytest.mark.intel
@pytest.mark.proof("rules", IN_YARA, "loaded", tool="yarac")
def test_yarac_takes_real_rules(tmp_path, intel):
    """Those of a feed of indicators."""
    texts = set()
    for path in sorted((intel / "stix21").rglob("*.json*")):
        for line in path.read_text("utf-8").splitlines() if path.suffix == ".jsonl" else []:
            found = json.loads(line)
            texts |= {
                item["pattern"].strip()
                for item in found.get("objects", [found])
                if item.get("pattern_type") == "yara"
            }
    made, path = file_of(YaraRules, texts, tmp_path)

    assert len(texts) == made.entries > 1
    assert (0, "") == _compiled(path)


@pytest.mark.proof("rules", IN_SIGMA, "loaded", tool="sigma")
def test_sigma_takes_whatever_is_written(tmp_path):
    """As documents of one file, which is converted without the network; so does the check before publishing."""
    made, path = file_of(SigmaRules, [*SIGMA.values(), *NOT_SIGMA.values()], tmp_path)

    assert len(SIGMA) == made.entries
    assert [] == _sigma_errors(path)
    assert [] == checked_by_format(SigmaRules, path)

    path.write_text(path.read_text().replace("|re|i:", "|windash|re:"))
    assert _sigma_errors(path)
    bad = checked_by_format(SigmaRules, path)
    assert {"Evil", "Evil, too"} == {re.search("title: (.*)", item.key)[1] for item in bad}
    assert all("sigma refuses it: Regular expression modifier only" in item.reason for item in bad)


@pytest.mark.proof("rules", IN_SIGMA, "loaded", tool="sigma")
def test_sigma_takes_what_is_left_of_hostile_texts(tmp_path):
    """As a whole text none is a rule; in a title, a list, and as the key of a field, each is itself or refused."""
    made = hostile(SigmaRules(), tmp_path / "alone")
    assert [] == _sigma_errors(put(made.files, tmp_path / "alone.yml"))

    rules = {yaml.safe_dump(_sigma_rule(place, text)) for place in ("title", "list", "field") for text in TEXTS}
    made, path = file_of(SigmaRules, sorted(rules), tmp_path / "inside")

    assert [] == _sigma_errors(path)
    assert [] == checked_by_format(SigmaRules, path)
    SigmaRules().check(made)
    assert made.entries > 0.9 * len(rules)


def _sigma_rule(place, text):
    """Return a rule with a hostile text in one place."""
    return {
        "title": text if place == "title" else "A rule",
        "logsource": {"category": "process_creation"},
        "detection": {
            "selection": {text if place == "field" else "CommandLine": [text if place == "list" else "evil", "x"]},
            "condition": "selection",
        },
    }


@pytest.mark.proof("rules", IN_SIGMA, "loaded", tool="sigma")
def test_sigma_takes_nothing(tmp_path):
    """An empty file has no rules, and no errors."""
    _, path = file_of(SigmaRules, [], tmp_path)

    assert [] == _sigma_errors(path)
    assert [] == checked_by_format(SigmaRules, path)


def _sigma_errors(path):
    """Return what pySigma finds wrong, as ``sigma check`` does."""
    collection = pytest.importorskip("sigma.collection")
    exceptions = pytest.importorskip("sigma.exceptions")
    found = collection.SigmaCollection.from_yaml(path.read_text(), collect_errors=True)
    errors = [str(error) for rule in found.rules for error in rule.errors]
    for rule in found.rules if not errors else []:
        for condition in rule.detection.parsed_condition:
            try:
                condition.parse()
            except exceptions.SigmaConditionError as error:
                errors.append(str(error))
    return errors


@pytest.mark.proof("rules", IN_SURICATA, "loaded", tool="suricata")
def test_suricata_takes_whatever_is_written(tmp_path):
    """After everything that is no rule; what only Suricata knows is found by the check before publishing."""
    made, path = file_of(PassedRules, [*SURICATA.values(), *NOT_SURICATA.values()], tmp_path)

    assert len(SURICATA) == made.entries
    assert [] == [line for line in tried(path) if not line.startswith("Warning: detect-flowbits")]
    assert [] == checked_by_format(PassedRules, path)

    path.write_text(path.read_text().replace("byte_extract:1,", "byte_extract:x,"))
    (bad,) = checked_by_format(PassedRules, path)
    assert bad.key in path.read_text().splitlines()
    assert "sid:9000002" in bad.key
    assert "Suricata refuses it: detect-byte-extract: parse error" in bad.reason


@pytest.mark.proof("rules", IN_YARA, "loaded", tool="yarac")
def test_each_rule_that_yarac_refuses_is_found(tmp_path):
    """By its name, whatever stands around it; what speaks of one that is bad is not bad itself."""
    bad = {"b": "pe.no_such_thing", "d": 'pe.imphash(1) == "x"', "e": "5 \\ (1 - 1) == 1"}
    path = tmp_path / "rules"
    path.write_text(
        'import "pe"\nrule a { condition: true }\n\n'
        + "".join(f"// {name} }}\nrule {name} {{\n\n condition: {text} }}\n\n" for name, text in bad.items())
        + "rule f { condition: b }\n\nrule h { condition: true }\n\n"
    )

    assert {*bad} == {item.key for item in checked_by_format(YaraRules, path)}


@pytest.mark.proof("rules", IN_SURICATA, "loaded", tool="suricata")
def test_every_rule_is_looked_at(tmp_path):
    """In the middle of more than are tried at once, too; why stands in a warning where there is no error."""
    bad = 'alert http any any -> any any (msg:"x"; http.host; content:"EVIL.example"; sid:7; rev:1;)'
    lines = [f'alert tcp any any -> any any (msg:"x"; content:"a"; sid:{sid}; rev:1;)' for sid in range(10, 9_010)]
    path = tmp_path / "rules"
    path.write_text("\n".join([*lines[:8_500], bad, *lines[8_500:], ""]))

    (found,) = checked_by_format(PassedRules, path)

    assert bad == found.key
    assert "uppercase" in found.reason


@pytest.mark.proof("rules", IN_SURICATA, "loaded", tool="suricata")
def test_suricata_takes_nothing(tmp_path):
    """An empty file."""
    _, path = file_of(PassedRules, [], tmp_path)

    assert [] == tried(path)
    assert [] == checked_by_format(PassedRules, path)


@pytest.mark.proof("rules", IN_SURICATA, "asked", tool="suricata")
def test_suricata_tells_what_the_rules_are_about(tmp_path):
    """With the number that a rule came with; a rule of several lines is one."""
    _, path = file_of(PassedRules, SURICATA.values(), tmp_path)
    capture = Capture()
    caught = {
        capture.http("a.example", "/found"): [9_000_003],
        capture.dns_query("www.evil.example"): [9_000_001],
    }
    capture.http("a.example", "/lost")
    capture.dns_query("www.good.example")

    assert caught == alerts(path, capture)


@pytest.mark.intel
@pytest.mark.proof("rules", IN_SURICATA, "loaded", tool="suricata")
def test_suricata_takes_real_rules(tmp_path, intel):
    """As the import reads them; one that Suricata 7 does not take is refused."""
    claims = []
    for path in sorted((intel / "rules").rglob("*.rules")):
        claims += [item for item in rules_in(InputFile(path), Options()) if isinstance(item, Claim)]
    made, path = file_of(PassedRules, [claim.value for claim in claims], tmp_path)

    assert ["Suricata: a isdataat that is none"] == list(made.refused.values())
    assert len({claim.value for claim in claims}) - 1 == made.entries > 10
    assert [] == checked_by_format(PassedRules, path)

"""Proofs can fail: each fault below, put into the code on purpose, turns a proof red."""

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import consumer_tools
import pytest
from mutant import MUTANT

ROOT = Path(__file__).parents[2]
# Without plug-ins that are slow to begin, and that no proof of a format has anything of.
WITHOUT = ("cacheprovider", "schemathesis", "xdist", "anyio")
PYTEST = (sys.executable, "-m", "pytest", *(word for name in WITHOUT for word in ("-p", f"no:{name}")))


@dataclass(frozen=True)
class Mutant:
    """A fault.

    Attributes:
        what: In words.
        module: Where.
        old, new: Source that stands there once, and what stands there instead.
        proof: The test that has to see it, below this folder.
        tool: The program that the test needs.
    """

    what: str
    module: str
    old: str
    new: str
    proof: str
    tool: str = ""


MUTANTS = (
    Mutant(
        "a line break is let through",
        "core.exports.formats.list",
        'if "\\n" in row.value or "\\r" in row.value:',
        "if False:",
        "test_list.py::TestList",
    ),
    Mutant(
        "a host bit is kept",
        "core.exports.formatting.address_check",
        "if any(map(and_, found.integers(), masks)):",
        "if False:",
        "test_address_lists.py::TestGeneric",
    ),
    Mutant(
        "one IPv6 address has the mask of its network",
        "core.exports.formatting.address_devices",
        'f"{text}/128\\n" if ":" in text',
        'f"{text}/64\\n" if ":" in text',
        "test_address_lists.py::TestF5",
    ),
    Mutant(
        "a set is filled without being emptied",
        "core.exports.formats.nftables",
        '}}\\n{flushes}"',
        '}}\\n"',
        "test_nftables.py::test_another_list_takes_the_place_of_the_first",
        tool="nft",
    ),
    Mutant(
        "a set is filled and not swapped in",
        "core.exports.formats.ipset",
        '"swap {new} {set}", ',
        "",
        "test_ipset.py::test_another_list_takes_the_place_of_the_first",
        tool="ipset",
    ),
    Mutant(
        "a name below another has lines of its own, which end the wildcard above them",
        "core.exports.formats.rpz",
        "if options.has_wildcards:\n            outermost.add(names)",
        "if False:\n            outermost.add(names)",
        "test_rpz_resolvers.py::test_nothing_below_a_listed_name_passes[named]",
        tool="named",
    ),
    Mutant(
        "names are outside of the zone, with a dot at their end",
        "core.exports.formats.rpz",
        'record = f"{{0}} CNAME',
        'record = f"{{0}}. CNAME',
        "test_rpz_resolvers.py::test_unbound_takes_it[Drop]",
        tool="unbound-checkconf",
    ),
    Mutant(
        "an action lacks its dot",
        "core.exports.formats.rpz",
        '"tcp-only": "rpz-tcp-only."',
        '"tcp-only": "rpz-tcp-only"',
        "test_rpz_resolvers.py::test_each_action_is_what_it_says[tcp-only-answer4-named]",
        tool="named",
    ),
    Mutant(
        "a serial is used again",
        "core.exports.formats.rpz",
        "return last + 1 if last < LARGEST_SERIAL else 1",
        "return last",
        "test_rpz_versions.py",
        tool="named",
    ),
    Mutant(
        "zeros of an address are not written",
        "core.exports.formatting.rpz_owners",
        'for dots in ("....", "...", ".."):',
        "for dots in ():",
        "test_rpz_resolvers.py::test_it_is_checked_before_it_is_published[Rpz]",
        tool="named-checkzone",
    ),
    Mutant(
        "a network in a zone keeps its host bits",
        "core.exports.formatting.address_check",
        "if any(map(and_, found.integers(), masks)):",
        "if False:",
        "test_rpz_resolvers.py::test_named_ignores_no_record[Rpz]",
        tool="named",
    ),
    Mutant(
        "a name that only ends like another is taken for one below it",
        "core.exports.formatting.names",
        'above = key + "!"',
        "above = key",
        "test_domains.py::TestFmc",
    ),
    Mutant(
        "the hash of an empty file is let through",
        "core.exports.formatting.hash_check",
        " and _EMPTY[type_] not in texts:",
        ":",
        "test_hashes.py::test_the_hash_of_an_empty_file_is_refused",
    ),
    Mutant(
        "a signature without size lacks its level",
        "core.exports.formats.clamav",
        "{name}:73\\n",
        "{name}\\n",
        "test_clamav.py::test_what_is_listed_is_found",
        tool="clamscan",
    ),
    Mutant(
        "a database without entries is an empty file",
        "core.exports.formats.clamav",
        'HEAD = "# Yeti Exports\\n"',
        'HEAD = ""',
        "test_clamav.py::test_the_empty_form_loads",
        tool="clamscan",
    ),
    Mutant(
        "a quote in a cell is not doubled",
        "core.exports.formatting.csv_cells",
        """text.replace('"', '""')""",
        "text",
        "test_csv_profiles.py::test_columns_are_those_that_were_asked_for",
    ),
    Mutant(
        "a formula stays one in a table for people",
        "core.exports.formatting.csv_cells",
        """_before_formula("'", text)""",
        "text",
        "test_csv_profiles.py::TestSpreadsheet::test_all_of_them_at_once",
    ),
    Mutant(
        "a formula behind a semicolon stays one",
        "core.exports.formatting.csv_cells",
        r"(?:^|(?<=[;\t\r\n]))",
        "^",
        "test_csv_profiles.py::test_of_joined_tags_none_is_a_formula",
    ),
    Mutant(
        "a tab of a tag is let into a cell of Zeek",
        "core.exports.formatting.shown",
        'one_line(f"{JOINER.join(self.tags())} ({JOINER.join(self.sources())})")',
        'f"{JOINER.join(self.tags())} ({JOINER.join(self.sources())})"',
        "test_zeek.py::TestZeek::test_hostile_tags_do_no_harm",
    ),
    Mutant(
        "a record of Check Point has a field fewer",
        "core.exports.formats.check_point",
        ",{cell(shown.description())}",
        "",
        "test_check_point.py::TestCheckPoint::test_harmless_values_are_written",
    ),
    Mutant(
        "a URL that is too long is cut",
        "core.exports.formatting.urls",
        "raise RefusedValue(TOO_LONG)",
        "line = line[: rules.longest]",
        "test_urls.py::TestPanOs",
    ),
    Mutant(
        "an empty path lacks its slash",
        "core.exports.formatting.url_requests",
        'rest if rest.startswith("/") else f"/{rest}"',
        "rest",
        "test_urls.py::TestPanOs",
    ),
    Mutant(
        "a name stands before its parent",
        "core.exports.formats.squid",
        "is_reduced=options)",
        "is_reduced=False)",
        "test_squid.py::test_it_is_checked_before_it_is_published[TestSquid]",
        tool="squid",
    ),
    Mutant(
        "a backslash is not escaped in a pattern",
        "core.exports.stix_objects",
        'return text.replace("\\\\", "\\\\\\\\").replace',
        "return text.replace",
        "test_stix_bundle.py::TestStix::test_a_hostile_value_is_itself_or_refused",
    ),
    Mutant(
        "what was withdrawn is not revoked",
        "core.exports.formatting.stix_indicators",
        '"revoked":true,',
        "",
        "test_stix_versions.py::test_what_is_withdrawn_is_revoked_and_stays_so",
    ),
    Mutant(
        "a revoked indicator comes back",
        "core.exports.formatting.stix_indicators",
        "id_ = stix_objects.indicator_id(row.type, row.value, came_back_at)",
        "id_ = stix_objects.indicator_id(row.type, row.value)",
        "test_stix_versions.py::test_what_comes_back_has_another_id_for_ever",
    ),
    Mutant(
        "the timestamp of an event does not rise with what comes late",
        "core.exports.formatting.misp_events",
        "max(row.modified_at, said.changed_at, listed_at)",
        "max(row.modified_at, said.changed_at)",
        "test_misp_versions.py::test_what_was_known_for_long_arrives_when_it_is_listed",
    ),
    Mutant(
        "the timestamp of an event does not rise with what leaves",
        "core.exports.formatting.misp_events",
        "self.timestamp, self.tlp = max(self.timestamp, timestamp), max(self.tlp, tlp)",
        "self.timestamp, self.tlp = max(self.timestamp, timestamp * bool(entries)), max(self.tlp, tlp)",
        "test_misp_versions.py::test_what_leaves_leaves_the_instance",
    ),
    Mutant(
        "a semicolon ends a content",
        "core.exports.formatting.suricata_rules",
        r"[^ !#-9<-\[\]-{}~]",
        r"[^ !#-9;-\[\]-{}~]",
        "test_suricata.py::test_suricata_takes_whatever_is_written[TestSuricata]",
        tool="suricata",
    ),
    Mutant(
        "a name that only ends like another is told",
        "core.exports.formats.suricata",
        'dotprefix; content:".{{0}}"',
        'content:"{{0}}"',
        "test_suricata_traffic.py::test_names_and_what_is_below_them_are_told",
        tool="suricata",
    ),
    Mutant(
        "a sid is given to two rules",
        "core.exports.formatting.suricata_rules",
        "STEP * number + slot",
        "STEP * number",
        "test_suricata.py::test_suricata_takes_whatever_is_written[TestEveryOption]",
        tool="suricata",
    ),
    Mutant(
        "a line of base64 holds a line end, as that of echo does",
        "core.exports.formats.suricata_dataset",
        "map(str.encode, values)",
        'map(str.encode, [f"{value}\\n" for value in values])',
        "test_suricata_dataset.py::test_what_is_listed_is_told",
        tool="suricata",
    ),
    Mutant(
        "addresses fill the table of hosts",
        "core.exports.formats.suricata_iprep",
        'IPV4: f"/32{end}"',
        "IPV4: end",
        "test_suricata_iprep.py::test_none_of_many_addresses_is_forgotten",
        tool="suricata",
    ),
    Mutant(
        "a global rule is let in, which holds for every other",
        "core.exports.formatting.yara_rules",
        'if "global" in marks:',
        "if False:",
        "test_rule_files.py::test_rules_are_written_as_they_came[yara]",
    ),
    Mutant(
        "what a rule imports is left out",
        "core.exports.formats.rules",
        "new = [name for name in rule.imports if name not in self._imported]",
        "new: list[str] = []",
        "test_rules_programs.py::test_yarac_takes_whatever_is_written",
        tool="yarac",
    ),
    Mutant(
        "a URL keeps the user name that no request has",
        "core.exports.formatting.url_requests",
        'HAS_USER: "@" in authority',
        "HAS_USER: False",
        "test_one_verdict.py",
    ),
    Mutant(
        "hashes are listed whatever they are of",
        "core.exports.formatting.row_values",
        "return hash_check.accepted(batch, out)",
        "return batch.values",
        "test_one_verdict.py",
    ),
    Mutant(
        "a claim that let nothing in makes an entry surer",
        "core.exports.formatting.shown",
        "[item for item in self.standing if item.counts] or self.fresh",
        "self.fresh",
        "test_what_claims_say.py::test_how_sure_and_until_when_is_said_by_what_let_it_in",
    ),
    Mutant(
        "a collection has a revoked indicator as if it stood",
        "core.exports.stix_collection",
        "made.options, revoked_at",
        "made.options, {}",
        "test_stix_taxii.py::test_what_came_back_has_the_id_that_the_bundle_gives_it",
    ),
    Mutant(
        "a map for names below others has the names alone",
        "core.exports.formatting.names_and_addresses",
        "{'.' if self.has_subdomains else ''}",
        "",
        "test_haproxy.py::test_haproxy_turns_what_is_below_away",
        tool="haproxy",
    ),
    Mutant(
        "a line of nginx does not end",
        "core.exports.formats.nginx",
        'options.line_of_name(";")',
        "options.line_of_name()",
        "test_nginx.py::test_nginx_turns_listed_requests_away",
        tool="nginx",
    ),
    Mutant(
        "a sender is a comment",
        "core.exports.formats.postfix",
        "(?!#)",
        "",
        "test_postfix.py::test_a_sender_that_is_no_key_is_refused",
    ),
    Mutant(
        "the beginning of an address is that of others, too",
        "core.exports.formats.wazuh_cdb",
        '"" if step == _STEPS[-1] else "."',
        '""',
        "test_wazuh_cdb.py::TestWazuhCdb",
    ),
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what)
def test_what_a_fault_replaces_stands_there_once(mutant):
    """Also where its tool is missing: the fault is one that can be put in."""
    found = importlib.util.find_spec(mutant.module)
    assert found is not None
    assert found.origin is not None

    assert 1 == Path(found.origin).read_text(encoding="utf-8").count(mutant.old)


NO_INTEL = "the folder of real intelligence is not beside this clone"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what)
def test_a_fault_turns_its_proof_red(mutant):
    """The proof passes without it (it is run elsewhere) and fails with it."""
    if mutant.tool:
        consumer_tools.need(mutant.tool)
    broken = json.dumps([mutant.module, mutant.old, mutant.new])

    ended = subprocess.run(
        [*PYTEST, "-q", "-x", f"tests/formats/{mutant.proof}"],
        cwd=ROOT,
        env=os.environ | {MUTANT: broken},
        capture_output=True,
        text=True,
        check=False,
    )

    if ended.returncode == 0 and NO_INTEL in ended.stdout and " passed" not in ended.stdout:
        pytest.skip(NO_INTEL)
    assert ended.returncode == pytest.ExitCode.TESTS_FAILED, ended.stdout + ended.stderr
    assert " failed" in ended.stdout

"""YARA, Sigma, Suricata and Snort rules: each whole, with its language."""

import pytest

from core.errors import UnreadableFile
from core.ingest import rules
from core.ingest.reader import InputFile, Options
from core.ingest.registry import recognise
from core.schemas.claim import Claim, Refusal

YARA = r"""/* rule in_a_comment { condition: true } */
import "pe"
import "math"

rule first : apt dropper
{
    meta:
        description = "a brace } in a string, and an escaped quote \" {"
    strings:
        $a = { 6A 40 [4-6] 68 }
        $b = /[{}]x{2,3}\/y/
        // } in a comment
    condition:
        pe.is_pe and $a and $b
}

private global rule second { condition: math.entropy(0, 5) > 7 }
rule third{condition:false}
"""

SIGMA = """title: One
id: 00000000-0000-4000-8000-000000000001
tags:
    - attack.t1059  # a comment
    - 'attack.execution'
logsource:
    product: windows
detection:
    selection:
        Image: x
    condition: selection
level: high
---
title: "Two"
tags: [a, "b"]
logsource: {product: linux}
detection:
    condition: all
"""

SURICATA = r"""# alert tcp any any -> any any (msg:"switched off"; sid:1;)

alert tcp $HOME_NET any -> 192.0.2.1 443 (msg:"One; with a \"quote\""; sid:2; rev:1;)
alert http any any -> any any \
    (msg:"Two"; \
    content:"x"; sid:3;)
this is no rule
drop udp any any -> any 53 (sid:4;)
"""


@pytest.fixture
def read(tmp_path):
    def run(text, name, **options):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        assert rules is recognise(InputFile(path))
        return list(rules.read(InputFile(path), Options(**options)))

    return run


def test_yara_rules_are_taken_apart(read):
    """Braces in strings, comments and expressions do not end a rule; a rule in a comment is none."""
    first, second, third = read(YARA, "x.yar")

    assert ("rule", "x.yar", 5) == (first.type, first.source, first.line)
    assert first.value.startswith('import "pe"\nrule first : apt dropper\n{')
    assert first.value.endswith("pe.is_pe and $a and $b\n}")
    assert 'import "math"\nprivate global rule second { condition: math.entropy(0, 5) > 7 }' == second.value
    assert "rule third{condition:false}" == third.value
    assert ("yara", "apt", "dropper") == first.tags
    assert {"language": "yara", "name": "first"} == first.context
    assert [17, 18] == [second.line, third.line]


def test_a_yara_rule_without_end_is_reported(tmp_path):
    """Those before it are taken; the file counts as damaged."""
    path = tmp_path / "x.yara"
    path.write_text("rule a { condition: true }\nrule b { condition: ")
    file = InputFile(path)
    claim, refusal = rules.read(file, Options())

    assert "rule a { condition: true }" == claim.value
    assert (2, "YARA rule b has no end") == (refusal.line, refusal.reason)
    assert file.is_damaged


def test_sigma_documents_are_taken_apart(read):
    """Each document of a YAML file is a rule, with title, level and tags."""
    one, two = read(SIGMA, "x.yml", tags=("mine",))

    assert SIGMA.partition("---")[0].strip() == one.value
    assert SIGMA.partition("---\n")[2].strip() == two.value
    assert ("sigma", "attack.t1059", "attack.execution", "mine") == one.tags
    assert ("sigma", "a", "b", "mine") == two.tags
    assert {"language": "sigma", "name": "One", "level": "high"}.items() <= one.context.items()
    assert "Two" == two.context["name"]
    assert (1, 14) == (one.line, two.line)


def test_a_sigma_collection_stays_together(read):
    """Documents that share keys by ``action: global`` would say less apart."""
    text = (
        "action: global\ntitle: T\nlogsource: {a: b}\ndetection:\n  condition: x\n---\ndetection:\n  x: {a: 1}\n"
    )

    assert [text.strip()] == [claim.value for claim in read(text, "x.yml")]


def test_suricata_rules_are_lines(read):
    """Continued lines are one rule; what is commented out is off; a line that is no rule is reported."""
    one, two, refusal, drop = read(SURICATA, "x.rules")

    assert 'alert tcp $HOME_NET any -> 192.0.2.1 443 (msg:"One; with a \\"quote\\""; sid:2; rev:1;)' == one.value
    assert 'alert http any any -> any any \\\n    (msg:"Two"; \\\n    content:"x"; sid:3;)' == two.value
    assert {"language": "suricata", "name": "Two", "sid": "3"} == two.context
    assert (7, "not a Suricata or Snort rule", "this is no rule") == (
        refusal.line,
        refusal.reason,
        refusal.excerpt,
    )
    assert ("4", ("suricata",)) == (drop.context["sid"], drop.tags)
    assert [3, 4, 8] == [one.line, two.line, drop.line]


@pytest.mark.parametrize(("text", "name"), [(YARA, "x.yar"), (SIGMA, "x.yml"), (SURICATA, "x.rules")])
def test_line_ends_make_no_other_rule(read, text, name):
    """With CRLF the same rules come out; a file name says nothing that the text does not."""
    plain = [item.value for item in read(text, name) if isinstance(item, Claim)]

    assert plain == [item.value for item in read(text.replace("\n", "\r\n"), name) if isinstance(item, Claim)]
    assert plain == [item.value for item in read("\ufeff" + text, "rules.txt") if isinstance(item, Claim)]


def test_a_rule_with_a_control_character_is_refused(read):
    """A file that is not text is not passed on as a rule."""
    claim, refusal = read("rule a { condition: true }\nrule b { condition: \x00 }", "x.yar")

    assert isinstance(claim, Claim)
    assert isinstance(refusal, Refusal)
    assert "control character" in refusal.reason


def test_a_rule_that_cannot_be_decoded_is_refused(read):
    """It is never passed on changed; the encoding of a file is seen at its start."""
    padding = b"// " + b"-" * 70_000 + b"\n"
    claim, refusal = read(
        b"rule a { condition: true }\n" + padding + b'rule b { strings: $a = "\xe9" condition: $a }', "x.yar"
    )

    assert "rule a { condition: true }" == claim.value
    assert (3, "yara rule: a character in it could not be decoded") == (refusal.line, refusal.reason)


def test_other_text_is_no_rule(tmp_path):
    """It is neither recognised nor read."""
    path = tmp_path / "x.txt"
    for text in ("192.0.2.1\n", "title: a list\n", "this rule of thumb { is none }\n", '{"rule": "x"}'):
        path.write_text(text)

        assert 0 == rules.recognises(InputFile(path))
        with pytest.raises(UnreadableFile):
            list(rules.read(InputFile(path), Options()))


@pytest.mark.intel
def test_real_rules_are_read(intel):
    """Three files of real rules: 2, 9 and 5, counted by hand, and nothing refused."""
    found = {}
    for path in (intel / "rules").rglob("*.rules"):
        items = list(rules.read(InputFile(path), Options()))
        found[path.name] = len(items)

        assert all(isinstance(item, Claim) for item in items)
    assert {"potao-et.rules": 2, "potao.rules": 9, "ta410.rules": 5} == found

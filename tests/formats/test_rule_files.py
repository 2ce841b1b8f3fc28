"""Rules that came in go out as rules: read by parsers of our own; what is none, or would harm others, is refused."""

import re
import time
from contextlib import closing

import pytest
from rule_readers import IMPORT, PassedRules, SigmaRules, YaraRules, file_of, values_of
from rule_samples import NOT_SIGMA, NOT_SURICATA, NOT_YARA, SIGMA, SURICATA, YARA

from core.errors import DefinitionError
from core.exports.definitions.definition import default_file_name
from core.exports.formats import Tried, Value, Values, get_format, parse_options
from core.exports.formatting.memory import Memory
from core.exports.output import SpoolOutput


class TestYara(YaraRules):
    """By default."""


class TestSigma(SigmaRules):
    """With ``kind=sigma``."""


class TestSuricata(PassedRules):
    """With ``kind=suricata``."""


SAMPLES = {
    TestYara: (YARA, NOT_YARA),
    TestSigma: (SIGMA, NOT_SIGMA),
    TestSuricata: (SURICATA, NOT_SURICATA),
}
every_kind = pytest.mark.parametrize("kit", SAMPLES, ids=lambda kit: kit.options.get("kind", "yara"))


@every_kind
def test_rules_are_written_as_they_came(kit, tmp_path):
    """All samples, whatever stands beside them; what is no rule is refused with a reason of its kind."""
    good, bad = SAMPLES[kit]

    made, _ = file_of(kit, [*good.values(), *bad.values()], tmp_path)

    assert set(values_of(bad.values())) == set(made.refused)
    assert set(values_of(good.values())) == set(made.accepted)
    assert all(re.match(r"(YARA|Sigma|Suricata): |speaks of", reason) for reason in made.refused.values())
    kit().check(made)


@pytest.mark.parametrize(
    ("kit", "text", "other", "reason"),
    [
        (TestYara, "rule a { condition: true }", "rule a { condition: false }", "a rule of that name"),
        (TestSigma, SIGMA["Evil"], SIGMA["Evil"].replace("high", "low"), "a rule of that id"),
        (
            TestSuricata,
            SURICATA["1:9000002"],
            SURICATA["1:9000002"].replace("drop", "reject"),
            "a rule of that sid",
        ),
    ],
)
def test_of_two_with_one_name_the_first_is_written(kit, text, other, reason, tmp_path):
    """In the order of their texts; the other is refused and not renamed."""
    made, _ = file_of(kit, [text, other], tmp_path)

    first, second = sorted((text, other))
    assert values_of([first]) == made.accepted
    assert {Value("rule", second): f"{reason} is in the file already"} == made.refused


def test_imports_stand_once_and_before(tmp_path):
    """Before the first rule that needs them."""
    made, path = file_of(TestYara, [YARA["pe_file"], YARA["mixed"]], tmp_path)

    assert not made.refused
    assert ["pe", "math"] == IMPORT.findall(path.read_text())
    assert path.read_text().startswith('import "pe"\nimport "math"\nprivate rule mixed')


def test_a_rule_comes_behind_those_that_it_speaks_of(tmp_path):
    """However long the chain is; without them it is refused."""
    chain = ["rule a { condition: b }", "rule b { condition: c }", "rule c { condition: true }"]

    made, path = file_of(TestYara, chain, tmp_path / "all")
    assert ["c", "b", "a"] == re.findall("rule ([abc])", path.read_text())
    assert not made.refused

    made, _ = file_of(TestYara, chain[:2], tmp_path / "less")
    assert dict.fromkeys(values_of(chain[:2]), "speaks of a rule that is not in the file") == made.refused


def test_an_unknown_kind_is_refused():
    """With the nearest."""
    with pytest.raises(DefinitionError, match="did you mean 'sigma'"):
        parse_options(get_format("rules"), {"kind": "sigmas"})


@pytest.mark.parametrize(
    ("kit", "text"),
    [
        (TestYara, f"rule a {{ condition: {'(' * 5_000}true{')' * 5_000} }}"),
        (TestYara, f"rule a {{ condition: {'not ' * 5_000}true }}"),
        (TestSigma, SIGMA["Short"].replace("all of them", f"{'(' * 5_000}a{')' * 5_000}")),
        (TestSigma, SIGMA["Short"].replace("[x, y]", f"{'[' * 5_000}x{']' * 5_000}")),
        (
            TestSuricata,
            SURICATA["1:9000002"].replace("[25", f"{'[' * 3_000}25").replace("20]", f"20{']' * 3_000}"),
        ),
    ],
    ids=["brackets", "nots", "brackets of Sigma", "lists of Sigma", "lists of ports"],
)
def test_a_text_that_is_deep_is_refused(kit, text, tmp_path):
    """And ends nothing."""
    made, _ = file_of(kit, [text], tmp_path)

    assert values_of([text]) == list(made.refused)


@pytest.mark.parametrize("depth", [1, 10, 30])
def test_a_condition_may_have_brackets_in_each_other(depth, tmp_path):
    """As many as anybody writes."""
    text = f"rule a {{ condition: {'(' * depth}true{')' * depth} }}"

    assert not file_of(TestYara, [text], tmp_path)[0].refused


def test_many_rules_that_wait_for_each_other_take_no_time(tmp_path):
    """Where the order of texts is the opposite of that of needs, a feed of them must not keep a run from ending."""
    count = 10_000
    texts = [f"rule r{n:06d} {{ condition: r{n + 1:06d} }}" for n in range(count)]
    texts.append(f"rule r{count:06d} {{ condition: true }}")
    began = time.process_time()

    made, _ = file_of(TestYara, texts, tmp_path)

    assert count + 1 == made.entries
    assert time.process_time() - began < 10  # nearly all of it to read them; looking at all each time took minutes


@pytest.mark.parametrize(
    "text",
    [
        r"rule a { strings: $a = /[\d-z]x/ condition: $a }",
        r"rule a { strings: $a = /[a-\d]x/ condition: $a }",
        "rule a { strings: $a = /[[:alpha:]]x/ condition: $a }",
        "rule a { strings: $a = /[--a&&b]x/ condition: $a }",
        "rule a { strings: $a = /[*+]x{1,32767}/ condition: $a }",
        'rule a { strings: $a = "x" condition: -1 of them }',
        "rule a { condition: 9223372036854775807 == 1 }",
        r"rule a { condition: 1.5 \ 0 == 1 }",
        "rule a { strings: $a = { AA [0-1] BB [2-2] CC } condition: $a }",
    ],
)
def test_what_yara_takes_is_not_refused(text, tmp_path):
    """Sets that mean something else in Python are those of YARA; Python's warnings are errors in these tests."""
    assert not file_of(TestYara, [text], tmp_path)[0].refused


def test_a_variable_of_a_scanner_is_called_that(tmp_path):
    """Not a rule that is missing."""
    made, _ = file_of(TestYara, ['rule a { condition: filename == "x" }'], tmp_path)

    (reason,) = made.refused.values()
    assert "external variable" in reason


@pytest.mark.parametrize("before", ["---\n", "# a comment\n---\n", "\n--- \n"])
def test_a_document_may_begin_with_its_mark(before, tmp_path):
    """It is one document all the same, and the file has marks of its own."""
    made, path = file_of(TestSigma, [before + SIGMA["Short"], SIGMA["Evil"]], tmp_path)

    assert not made.refused
    assert 2 == len(TestSigma().read({"export.yml": path.read_bytes()}))
    assert 1 == len(re.findall("^---", path.read_text(), re.MULTILINE))


@pytest.mark.parametrize(("kit", "suffix"), [(TestYara, ".yar"), (TestSigma, ".yml"), (TestSuricata, ".rules")])
def test_the_suffix_goes_by_the_kind(kit, suffix):
    """As those name their files who load them."""
    assert f"x{suffix}" == default_file_name("x", "rules", kit.options)


def test_of_very_many_bad_rules_a_few_are_told(tmp_path):
    """Each is refused; only some reasons are told apart, and only some rules by name."""
    texts = [f"rule r{number} {{ condition: true }}" for number in range(100)]
    memory = Memory()
    memory.tried = Tried({f"r{number}": (f"yarac refuses it: reason {number}",) for number in range(100)})
    out = SpoolOutput(tmp_path, "x.yar", "text/plain", memory=memory)

    with closing(out):
        get_format("rules").render_values(
            iter([Values("rule", texts)]), out, parse_options(get_format("rules"), {})
        )
        made = out.finish(is_complete=True)

    assert (0, 100, 21) == (made.entries, made.refused, len(made.reasons))
    assert 5 == len(made.notes)

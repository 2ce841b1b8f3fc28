"""What a format's own check finds bad one by one is left out, and the rest is published; what it skips is told."""

import pytest
from export_samples import LATER, claim

from core.exports.formatting import checker
from core.exports.preview import preview
from core.exports.run import run_export
from core.schemas.export import Selection

PICKY = """
from core.exports.formats import BadEntry, NotChecked

NAME, MEANING, MEDIA_TYPE, SUFFIX = "picky", "one name a line, of each length once", "text/plain", ".txt"
TYPES, OPTIONS = frozenset({"hostname"}), {}


def render(rows, out, options):
    file, lengths = out.open(), set()
    for row in (row for batch in rows for row in batch):
        length = len(row.value)
        if row.value in out.tried.bad:
            out.refuse(row, out.tried.bad[row.value][0])
            if out.tried.is_last:
                lengths.add(length)
        elif length in lengths:
            out.refuse(row, "as long as another")
        else:
            lengths.add(length)
            file.write(f"{row.value}\\n", 1)


def check(files, options):
    bad = [line for line in files[0].read_text().splitlines() if line.startswith("bad")]
    return [*(BadEntry(line, "it is bad") for line in bad), NotChecked("the moon was not asked")]
"""


@pytest.fixture
def picky(format_plugins):
    """A format that takes one name of each length, and finds those bad that say so."""
    (format_plugins / "picky.py").write_text(PICKY)


def test_one_bad_entry_does_not_keep_the_others_back(picky, fill, define, store, settings, published):
    """It is refused with what the check said, and counted; what had to wait behind it comes instead."""
    fill(claim("bad1.example", "hostname"), claim("good.example", "hostname"), claim("a.example", "hostname"))
    define("x", format="picky")

    result = run_export(store, "x", settings, now=LATER)

    assert "completed" == result.status
    assert b"a.example\ngood.example\n" == published("x.txt")
    assert (2, 1) == (result.entries, result.refused)
    assert "1 not written: hostname it is bad" in result.notes


def test_a_preview_shows_what_would_be_published(picky, fill, define, store, settings):
    """Without what is bad."""
    fill(claim("bad1.example", "hostname"), claim("good.example", "hostname"))
    define("x", format="picky")

    seen = preview(store, "x", settings, now=LATER)

    assert (1, ("good.example",)) == (seen.entries, seen.first)


def test_it_ends_however_many_wait_behind_each_other(picky, fill, define, store, settings, published):
    """Beyond some attempts nothing takes the place of what is bad."""
    fill(*(claim(f"bad{number}.example", "hostname") for number in range(9)), claim("a.example", "hostname"))
    define("x", format="picky")

    result = run_export(store, "x", settings, now=LATER)

    assert ("completed", 1, 9) == (result.status, result.entries, result.refused)
    assert b"a.example\n" == published("x.txt")


def test_what_was_not_checked_is_told(picky, fill, define, store, settings):
    """By the run, by the preview and in what is kept of the version; it holds nothing."""
    fill(claim("a.example", "hostname"))
    define("x", format="picky")
    told = "not checked: the moon was not asked"

    assert told in preview(store, "x", settings, now=LATER).notes
    result = run_export(store, "x", settings, now=LATER)
    assert told in result.notes
    assert told in result.verdict.as_object()["notes"]


def test_with_the_check_off_nothing_is_told(picky, fill, define, store, settings, published):
    """Whoever switches it off knows."""
    fill(claim("bad1.example", "hostname"))
    define("x", format="picky", limits={"check": "no"})

    result = run_export(store, "x", settings, now=LATER)

    assert b"bad1.example\n" == published("x.txt")
    assert not any("not checked" in note for note in result.notes)


def test_a_missing_program_is_told(fill, define, store, settings, monkeypatch):
    """A check that could not be done is not one that found nothing."""
    monkeypatch.setattr(checker, "find", lambda program: None)
    fill(claim("rule a { condition: true }", "rule"))
    define("x", format="rules")

    assert (
        "not checked: yarac is not installed on this machine" in run_export(store, "x", settings, now=LATER).notes
    )


RULES = {
    "yara": (
        "yarac",
        "rule {} {{ condition: true }}",
        'import "pe"\nrule bad { condition: pe.no_such_thing }',
        "bad",
    ),
    "suricata": (
        "suricata",
        'alert tcp any any -> any any (msg:"{}"; content:"a"; sid:1; rev:1;)',
        'alert tcp any any -> any any (msg:"bad"; content:"a"; byte_extract:x,0,len; sid:9; rev:1;)',
        "sid 9",
    ),
}


@pytest.mark.parametrize("kind", ["yara", "suricata"])
def test_a_feed_cannot_stop_a_list_of_rules(kind, fill, define, store, settings):
    """One rule that only the program refuses is named with the reason and what to do; the others go out."""
    program, good, bad, name = RULES[kind]
    if checker.find(program) is None:
        pytest.skip(f"{program} is not installed")
    fill(claim(good.format("good"), "rule"), claim(bad, "rule", source="feed"))
    define("x", Selection(types=("rule",)), format="rules", options={"kind": kind})

    result = run_export(store, "x", settings, now=LATER)

    assert ("completed", 1, 1) == (result.status, result.entries, result.refused), result.message
    (told,) = [note for note in result.notes if "is left out" in note]
    assert name in told
    assert "refuses it: " in told
    assert told.endswith("have its source mend it, or withdraw it")

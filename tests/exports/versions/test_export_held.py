"""A held run: consumers keep what they have, somebody may release it, and withdrawals leave all the same."""

from dataclasses import replace
from pathlib import Path

import pytest
from export_samples import LATER, NOW, claim
from withdrawn_claims import withdraw

from core.errors import GateError, NotFound
from core.exports.run import run_export
from core.exports.versions.release import candidate, release
from core.schemas.export import Selection
from core.schemas.instant import DAY
from core.store import archives, clearing, definitions, kept_templates, ledger, runs
from core.store.archives import HELD, KEPT

ALLOWED = {"allow": "documentation"}


def feed(last, *, first=1, **fields):
    """Claims on so many addresses."""
    return [claim(f"198.51.100.{n}", "ipv4", "c2", **fields) for n in range(first, last + 1)]


def empty_feed(fill, last, now):
    """The source withdraws all but the first so many of its addresses: a feed that went empty."""
    fill(
        *(claim(f"198.51.100.{n}", "ipv4", "c2", valid_until=now - 1) for n in range(last + 1, 101)),
        now=now,
    )


@pytest.fixture
def export(define):
    """An export of addresses."""
    return define("x", format="list", limits=ALLOWED)


@pytest.fixture
def run(store, settings):
    """Run it, at a time of one's own."""
    return lambda now=LATER, **fields: run_export(store, "x", settings, now=now, **fields)


@pytest.fixture
def held(export, fill, run):
    """A run that is held: of 100 addresses all but ten have ended."""
    fill(*feed(100))
    assert "completed" == run().status
    empty_feed(fill, 10, LATER + 1)
    return run(LATER + DAY)


def lines(published):
    """The values that are published."""
    return published("x.txt").decode().split()


def test_a_held_run_changes_nothing_for_consumers(held, store, published):
    """The file stays as it was; the run says why, with numbers."""
    assert "held" == held.status
    assert ("the list would lose 90 of its 100 entries: more than 50%, and more than 20",) == held.reasons
    assert 100 == len(lines(published))
    assert 1 == held.version
    last = runs.last_run(store, "x")
    assert ("held", held.message, 10) == (last.status, last.message, last.entries)
    assert [1] == [item.number for item in archives.find(store, "x", KEPT)]


def test_a_release_publishes_exactly_what_was_held(held, store, settings, published, fill):
    """The bytes are those that the run made, whatever was imported since; who and why is kept."""
    fill(*feed(200, first=150), now=LATER + DAY + 1)

    number, files, _ = release(
        store,
        "x",
        settings,
        by="lena",
        reason="the feed was cleaned",
        sha256=held.candidate[:12],
        now=LATER + 2 * DAY,
    )

    assert 2 == number
    assert [f"198.51.100.{n}" for n in (1, 10, *range(2, 10))] == lines(published)
    assert held.candidate == files[0].sha256
    record = archives.get(store, "x", 2).record
    assert ("release", {"by": "lena", "reason": "the feed was cleaned"}) == (record.cause, record.note)
    assert ["loss"] == [reason["rule"] for reason in record.verdict["reasons"]]
    assert "released by lena: the feed was cleaned" == runs.last_run(store, "x").message
    assert None is candidate(store, "x")


def test_only_the_candidate_that_was_looked_at_is_released(held, fill, run, store, settings, published):
    """A later run made another candidate; the first one's SHA-256 no longer releases anything."""
    fill(*feed(12, first=11), now=LATER + DAY + 1)
    again = run(LATER + 2 * DAY)

    with pytest.raises(GateError, match="a later run made another candidate"):
        release(store, "x", settings, by="lena", reason="so", sha256=held.candidate, now=LATER + 3 * DAY)

    assert held.candidate != again.candidate
    assert 1 == len(archives.find(store, "x", HELD))
    assert 100 == len(lines(published))


def test_a_run_that_is_back_in_bounds_releases_itself(held, fill, run, store, settings, published):
    """The feed is back; nothing waits any more."""
    fill(*feed(100, valid_until=LATER + 90 * DAY), now=LATER + DAY + 1)

    back = run(LATER + 2 * DAY)

    assert ("completed", "unchanged") == (back.status, back.outcome)
    assert None is candidate(store, "x")
    assert 100 == len(lines(published))
    with pytest.raises(NotFound, match="nothing of 'x' is held"):
        release(store, "x", settings, by="lena", reason="late", now=LATER + 3 * DAY)


def test_nothing_is_left_of_an_old_candidate(held, fill, run, settings):
    """The objects of a candidate that another replaced are gone."""
    before = {path.name for path in Path(settings.versions_path).iterdir()}
    fill(*feed(12, first=11), now=LATER + DAY + 1)

    run(LATER + 2 * DAY)

    after = {path.name for path in Path(settings.versions_path).iterdir()}
    assert len(before) == len(after)
    assert 2 == len(before - after)


def test_a_withdrawal_leaves_though_the_run_is_held(export, fill, run, store, settings, published):
    """What is published then is the version before without the value, and nothing else of the run."""
    fill(*feed(100))
    run()
    empty_feed(fill, 10, LATER + 1)
    fill(*feed(120, first=101), now=LATER + 1)
    clearing.clear(store, "ipv4", "198.51.100.50", "a customer's", LATER + 2)

    held = run(LATER + DAY)

    assert ("held", 2) == (held.status, held.version)
    assert sorted(f"198.51.100.{n}" for n in range(1, 101) if n != 50) == lines(published)
    record = archives.get(store, "x", 2).record
    assert ("withdrawal", 99, {"added": 0, "removed": 1, "changed": 0}) == (
        record.cause,
        record.entries,
        record.changed,
    )

    release(store, "x", settings, by="lena", reason="so", now=LATER + 2 * DAY)

    assert sorted(f"198.51.100.{n}" for n in (*range(1, 11), *range(101, 121))) == lines(published)
    assert 2 == archives.get(store, "x", 3).record.base


def test_what_another_source_reports_stays(export, fill, run, store, settings, published):
    """One source took it back and another reports it: it is listed by right, before the release and after it."""
    fill(*feed(100))
    run()
    withdraw(store, "198.51.100.7", "wrong", LATER + 1)
    fill(claim("198.51.100.7", "ipv4", "c2", source="another"), now=LATER + 2)
    empty_feed(fill, 10, LATER + 3)

    assert ("held", 1) == (run(LATER + DAY).status, run(LATER + DAY).version)
    assert "198.51.100.7" in lines(published)

    release(store, "x", settings, by="lena", reason="so be it", now=LATER + 2 * DAY)
    assert "198.51.100.7" in lines(published)


def test_what_its_only_other_source_leaves_open_is_not_released(export, fill, run, store, settings):
    """What let it in was withdrawn after the run; what else is said of it is not what the export asks for."""
    definitions.replace_export(store, replace(export, selection=replace(export.selection, include=("c2",))))
    fill(*feed(100), claim("198.51.100.7", "ipv4", "other", source="another"))
    run()
    empty_feed(fill, 10, LATER + 3)
    run(LATER + DAY)
    withdraw(store, "198.51.100.7", "wrong", LATER + DAY + 1, tags=["c2"])

    with pytest.raises(GateError, match="1 of its entries were withdrawn or carved out since it was held"):
        release(store, "x", settings, by="lena", reason="so be it", now=LATER + 2 * DAY)


def test_a_withdrawal_may_empty_the_list(export, fill, run, store, published):
    """One entry, withdrawn: the list is empty, although a list that empties itself is held."""
    fill(*feed(1))
    run()
    clearing.clear(store, "ipv4", "198.51.100.1", "a customer's", LATER + 1)

    done = run(LATER + DAY)

    assert "completed" == done.status
    assert [] == lines(published)


def test_a_withdrawal_leaves_though_the_run_fails(define, fill, store, settings, published):
    """The template was broken by an edit: the list is published by the old one without the value."""
    kept_templates.put_template(store, "t", "{% for row in data %}{{ row.value }}\n{% endfor %}", NOW)
    define("x", Selection(types=("ipv4",)), template="t", limits=ALLOWED)
    fill(*feed(3))
    run_export(store, "x", settings, now=LATER)
    kept_templates.put_template(store, "t", "{% for row in data %}{{ row.a.b }}{% endfor %}", NOW, replace=True)
    clearing.clear(store, "ipv4", "198.51.100.2", "a customer's", LATER + 1)

    with pytest.raises(Exception, match="template t"):
        run_export(store, "x", settings, now=LATER + DAY)

    assert b"198.51.100.1\n198.51.100.3\n" == published("x")


def test_what_was_withdrawn_since_is_not_released(held, store, settings, published):
    """A candidate with a value that was withdrawn meanwhile stays where it is."""
    clearing.clear(store, "ipv4", "198.51.100.3", "a customer's", LATER + DAY + 1)

    with pytest.raises(GateError, match="1 of its entries were withdrawn or carved out since"):
        release(store, "x", settings, by="lena", reason="so", now=LATER + 2 * DAY)

    assert 100 == len(lines(published))


@pytest.mark.parametrize("rule", ["check"])
def test_what_cannot_be_released(define, fill, store, settings, format_plugins, published, rule):
    """A failed check of the format is no matter of opinion."""
    (format_plugins / "picky.py").write_text(
        "from core.exports.formats.list import *\n"
        "NAME = 'picky'\n"
        "def check(files, options):\n"
        "    return [line for line in files[0].read_text().split() if line.endswith('.13')]\n"
    )
    define("x", Selection(types=("ipv4",)), format="picky", limits=ALLOWED)
    fill(*feed(12))
    run_export(store, "x", settings, now=LATER)
    fill(*feed(13), now=LATER + 1)

    held = run_export(store, "x", settings, now=LATER + DAY)

    assert ("held", False) == (held.status, held.can_be_released)
    assert "198.51.100.13" in held.message
    with pytest.raises(GateError, match="cannot be released: the format's own check failed"):
        release(store, "x", settings, by="lena", reason="so", now=LATER + 2 * DAY)
    assert 12 == len(lines(published))


def test_a_first_run_says_that_it_has_no_history(export, fill, run):
    """Nothing can be compared yet."""
    fill(*feed(3))

    assert any("nothing was published before" in note for note in run().notes)


def test_what_the_withdrawal_did_not_remove_the_release_does(define, fill, store, settings, published):
    """Of two that were withdrawn the published version loses the one that nothing else let in; both are told once."""
    made = define("x", Selection(types=("ipv4",), include=("c2",)), format="list", limits=ALLOWED)
    fill(*feed(100))
    run_export(store, "x", settings, now=LATER)
    # That of 7 is not why it leaves: the definition asks for something else by then.
    withdraw(store, "198.51.100.7", "wrong", LATER + 1)
    fill(claim("198.51.100.7", "ipv4", "c2", source="another"), now=LATER + 1)
    fill(claim("198.51.100.9", "ipv4", "botnet"), now=LATER + 1)
    clearing.clear(store, "ipv4", "198.51.100.8", "a customer's", LATER + 2)
    definitions.replace_export(store, replace(made, selection=Selection(types=("ipv4",), include=("botnet",))))

    assert ("held", 2) == _run(store, settings, LATER + DAY)
    assert sorted(f"198.51.100.{n}" for n in range(1, 101) if n != 8) == lines(published)
    number, _, _ = release(store, "x", settings, by="lena", reason="so", now=LATER + 2 * DAY)

    assert ["198.51.100.9"] == lines(published)
    with store.snapshot() as snapshot:
        assert 1 == len(list(ledger.listed_ids(snapshot, "x", number)))
    assert {"added": 0, "removed": 98, "changed": 1} == dict(archives.get(store, "x", number).record.changed)


def _run(store, settings, now):
    result = run_export(store, "x", settings, now=now)
    return result.status, result.version

"""Previews: what a run would publish, without touching anything."""

from dataclasses import replace
from pathlib import Path

import pytest
from export_samples import LATER, NOW, claim

from core.errors import NotFound, RenderError, TemplateError
from core.exports.preview import preview
from core.exports.run import run_export
from core.schemas.export import Selection
from core.schemas.instant import DAY
from core.store import kept_templates, runs


@pytest.fixture
def some(fill):
    """Observables of two types, fresh and stale tags."""
    fill(
        *(claim(f"{number:02}.example", "hostname", "c2") for number in range(20)),
        claim("198.51.100.7", "ipv4", "c2", "scanner"),
        claim("198.51.100.8", "ipv4", "old", valid_until=NOW + 1),
        claim("198.51.100.9", "ipv4", "old", valid_until=NOW + 1),
        claim("198.51.100.9", "ipv4", "scanner"),
        claim("198.51.100.7", "ipv4", "gone", source="other"),
    )
    fill(claim("198.51.100.7", "ipv4", "gone", source="other", withdrawn=True), now=NOW + 1)


def test_a_preview_counts_and_shows(some, define, store, settings):
    """Entries, types, fresh tags, stale assertions, and the first lines as they would be written."""
    define("x", format="csv", options={"columns": "value,type"})

    seen = preview(store, "x", settings, now=LATER, entries=3)

    assert 22 == seen.entries
    assert {"hostname": 20, "ipv4": 2} == seen.types
    assert {"c2": 21, "scanner": 2} == seen.tags
    assert 1 == seen.stale
    assert ("value,type", "00.example,hostname", "01.example,hostname", "02.example,hostname") == seen.first
    assert () == seen.funnel


def test_a_serial_is_shown_as_the_next_one(store, settings, fill, define):
    """A zone is shown with the serial that a run would give it, above the one of before."""
    fill(claim("a.example", "hostname", "c2"))
    define("zone", format="rpz")
    before = preview(store, "zone", settings, now=LATER).first[1].split()[5]
    run_export(store, "zone", settings, now=LATER)
    again = preview(store, "zone", settings, now=LATER).first[1].split()[5]

    assert (str(LATER // 1_000_000), str(LATER // 1_000_000 + 1)) == (before, again)


def test_a_preview_touches_nothing(some, define, store, settings, tmp_path):
    """No file, no run, no version."""
    define("x", format="list")
    before = {path.name for path in tmp_path.iterdir()}

    preview(store, "x", settings, now=LATER)

    assert before == {path.name for path in tmp_path.iterdir()}
    assert not Path(settings.export_path).exists()
    assert None is runs.last_run(store, "x")


def test_a_preview_of_nothing_shows_the_steps(some, define, store, settings):
    """If nothing is selected, the steps say where it went."""
    define("x", Selection(types=("ipv4",), include=("old",)), format="list")

    seen = preview(store, "x", settings, now=LATER)

    assert 0 == seen.entries
    assert (
        ("of these types", 3),
        ("tagged", 3),
        ("included", 2),
        ("not excluded", 2),
        ("valid", 0),
        ("exported", 0),
    ) == seen.funnel
    assert () == seen.first


def test_a_preview_by_template(some, define, store, settings):
    """A template is shown with the first rows; where a run would refuse it, so does the preview."""
    kept_templates.put_template(
        store, "t", "rows:\n{% for row in data %}{{ loop.index }} {{ row.value }}\n{% endfor %}", NOW
    )
    define("x", template="t")

    seen = preview(store, "x", settings, now=LATER, entries=2)

    assert ("rows:", "1 00.example", "2 01.example") == seen.first
    with pytest.raises(TemplateError, match=r"22 rows are more than template\.row_limit \(5\)"):
        preview(store, "x", replace(settings, template_row_limit=5), now=LATER, entries=2)


def test_a_preview_says_what_is_refused(fill, define, store, settings):
    """What the format cannot express among the first entries is said."""
    fill(claim("a\nb", "mutex"), claim("c", "mutex"))
    define("x", format="list")

    seen = preview(store, "x", settings, now=LATER)

    assert ("c",) == seen.first
    assert "1 not written: mutex holds a line break" in seen.notes[0]


def test_a_preview_of_a_failing_template_fails(some, define, store, settings):
    """A preview fails as the run would."""
    kept_templates.put_template(store, "t", "{% for row in data %}{{ row.a.b }}{% endfor %}", NOW)
    define("x", template="t")

    with pytest.raises(TemplateError):
        preview(store, "x", settings, now=LATER)


def test_a_preview_without_a_place_to_work(some, define, store, settings, tmp_path, monkeypatch):
    """If there is no folder for temporary files, that is said."""
    define("x", Selection(types=("ipv4",)), format="list")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))

    with pytest.raises(RenderError, match=r"temporary files \(TMPDIR\) cannot be used: No such file"):
        preview(store, "x", settings, now=LATER)


def test_an_unknown_export_has_no_preview(store, settings):
    """There is no such export."""
    with pytest.raises(NotFound):
        preview(store, "nope", settings, now=LATER)


def test_counts_of_many_lists(fill, define, store, settings, monkeypatch):
    """Counting in parts gives the same numbers."""
    monkeypatch.setattr("core.exports.preview.MOST_LISTS", 3)
    fill(*(claim(f"{n:03}.example", "hostname", f"t{n % 7}", "all", first_seen=NOW - n * DAY) for n in range(50)))
    define("x", format="list")

    seen = preview(store, "x", settings, now=LATER)

    assert {"all": 50, "t0": 8, "t1": 7, "t2": 7, "t3": 7, "t4": 7, "t5": 7, "t6": 7} == seen.tags
    assert {"hostname": 50} == seen.types

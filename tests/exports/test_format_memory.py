"""What a format may know of earlier versions: numbers that stay, revisions that rise, and what has gone."""

import pytest
from export_samples import NOW, claim

from core.exports.preview import preview
from core.exports.run import run_export
from core.schemas.export import Selection
from core.schemas.instant import DAY
from core.store import clearing, definitions, versions

NUMBERED = '''
"""A line for each name: its number, the revision of its tag, and what has gone."""

from core.exports.formats import Value

NAME, MEANING, MEDIA_TYPE, SUFFIX, TYPES, OPTIONS = "numbered", "numbers", "text/plain", ".txt", frozenset({"hostname"}), {}


def render(rows, out, options):
    file = out.open()
    for item in out.gone():
        file.write(f"gone {item.value} {item.reason} {item.since}\\n", 0)
    for batch in rows:
        texts = [(Value(row.type, row.value), ",".join(sorted(tag.tag for tag in row.tags))) for row in batch]
        for row, found in zip(batch, out.numbers("sid", texts)):
            file.write(f"{found.number}.{found.revision} {row.value}\\n", 1)
'''


@pytest.fixture
def numbered(define, format_plugins):
    """Define exports in that format."""
    (format_plugins / "numbered.py").write_text(NUMBERED)
    limits = {"loss": "off", "allow": "documentation"}
    return lambda name="x": define(name, Selection(include=("c2",)), format="numbered", limits=limits)


@pytest.fixture
def run(store, settings, published):
    """Run an export so many days later and return its lines."""

    def call(day=0, name="x"):
        run_export(store, name, settings, now=NOW + day * DAY)
        return published(f"{name}.txt").decode().splitlines()

    return call


def test_a_number_stays_whatever_comes_before_it(fill, numbered, run):
    """In the order of the names first; what comes later goes on from there."""
    fill(claim("b.example", "hostname", "c2"), claim("d.example", "hostname", "c2"))
    numbered()
    assert ["1.1 b.example", "2.1 d.example"] == run()

    fill(claim("a.example", "hostname", "c2"), claim("c.example", "hostname", "c2"), now=NOW + DAY)

    assert ["3.1 a.example", "1.1 b.example", "4.1 c.example", "2.1 d.example"] == run(day=1)


def test_a_revision_rises_with_the_text_and_with_nothing_else(fill, numbered, run):
    """A run that changes nothing changes no revision."""
    fill(claim("a.example", "hostname", "c2"), claim("b.example", "hostname", "c2"))
    numbered()
    run()
    assert ["1.1 a.example", "2.1 b.example"] == run(day=1)

    fill(claim("b.example", "hostname", "c2", "apt"), now=NOW + 2 * DAY)

    assert ["1.1 a.example", "2.2 b.example"] == run(day=2)


def test_no_two_exports_share_a_number(fill, numbered, run):
    """One consumer may load both."""
    fill(claim("a.example", "hostname", "c2"))
    numbered("x")
    numbered("y")

    assert ["1.1 a.example"] == run(name="x")
    assert ["2.1 a.example"] == run(name="y")


def test_what_comes_back_has_its_number_again(fill, numbered, run, store):
    """And is not gone any more."""
    fill(claim("a.example", "hostname", "c2", valid_until=NOW + DAY), claim("b.example", "hostname", "c2"))
    numbered()
    run()
    assert [f"gone a.example expired {NOW + 2 * DAY}", "2.1 b.example"] == run(day=2)

    fill(claim("a.example", "hostname", "c2"), now=NOW + 3 * DAY)

    assert ["1.1 a.example", "2.1 b.example"] == run(day=3)


def test_what_is_gone_is_told_alike_by_every_later_run(fill, numbered, run, store):
    """With the reason and the instant of the run that left it out, so that nothing changes where nothing changed."""
    fill(claim("a.example", "hostname", "c2"), claim("b.example", "hostname", "c2"))
    numbered()
    run()
    clearing.clear(store, "hostname", "a.example", "false alarm", NOW + DAY)
    first = run(day=1)

    assert [f"gone a.example withdrawn {NOW + DAY}", "2.1 b.example"] == first
    assert first == run(day=2)
    assert 2 == versions.current_version(store, "x").number


def test_a_preview_keeps_no_number(fill, numbered, run, store, settings):
    """It shows what a run would give, and the run gives it."""
    fill(claim("a.example", "hostname", "c2"))
    numbered()
    shown = preview(store, "x", settings, now=NOW)
    again = preview(store, "x", settings, now=NOW)

    assert ("1.1 a.example",) == shown.first == again.first
    assert ["1.1 a.example"] == run()


def test_numbers_are_never_given_again(fill, numbered, run, store):
    """Not when the export that had them is removed, either."""
    fill(claim("a.example", "hostname", "c2"))
    numbered("x")
    run(name="x")
    definitions.remove_export(store, "x")
    numbered("y")

    assert ["2.1 a.example"] == run(name="y")

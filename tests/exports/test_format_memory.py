"""What a format may know of earlier versions: numbers that stay, revisions that rise, and what has gone."""

import pytest
from export_samples import NOW, claim

from core.exports.preview import preview
from core.exports.run import run_export
from core.schemas.claim import TLP, Kind
from core.schemas.export import Selection
from core.schemas.instant import DAY
from core.store import clearing, definitions, versions
from core.store.conditions import build

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


WHOLE = '''
"""A line for each name and each withdrawal."""

NAME, MEANING, MEDIA_TYPE, SUFFIX, TYPES, OPTIONS = "whole", "rows", "text/plain", ".txt", frozenset({"hostname"}), {}
WHOLE_ROWS = True


def render(rows, out, options):
    file = out.open()
    file.write(f"key {out.key != out.export}\\n", 0)
    for item in out.withdrawals():
        file.write(f"withdrawn {item.value} {item.since} {item.created_at} {item.tlp}\\n", 0)
    for batch in rows:
        for row in batch:
            counts = ",".join(f"{tag.tag}:{tag.counts_until}" for tag in row.tags if tag.counts)
            file.write(f"{row.value} {row.listed_at} {counts}\\n", 1)
'''


@pytest.fixture
def whole(define, format_plugins):
    """Define an export that is told all of its rows."""
    (format_plugins / "whole.py").write_text(WHOLE)
    limits = {"loss": "off", "allow": "documentation"}
    return lambda **fields: define(
        "x", Selection(**({"include": ("c2",)} | fields)), format="whole", limits=limits
    )


def test_a_row_says_since_when_it_is_listed(fill, whole, run):
    """As it is: since the version before it if nothing of it changed; what comes now has no date yet."""
    fill(
        claim("a.example", "hostname", "c2"),
        claim("b.example", "hostname", "c2"),
        claim("c.example", "hostname", "x"),
    )
    whole()
    end = NOW + 90 * DAY
    assert ["key True", f"a.example None c2:{end}", f"b.example None c2:{end}"] == run()
    assert [f"a.example {NOW} c2:{end}", f"b.example {NOW} c2:{end}"] == run(day=1)[1:]

    fill(claim("b.example", "hostname", "c2", "apt"), claim("c.example", "hostname", "c2"), now=NOW + 2 * DAY)

    later = end + 2 * DAY
    assert [f"a.example {NOW} c2:{end}", f"b.example None c2:{later}", f"c.example None c2:{later}"] == run(day=2)[
        1:
    ]


@pytest.mark.parametrize(
    ("fields", "counted"),
    [
        ({}, ["c2", "rat", "sure"]),
        ({"include": ("C2", "info", "good")}, ["c2", "good"]),
        ({"include": ("c2", "info"), "with_info": True}, ["c2", "info"]),
        ({"require": ("good",)}, ["c2", "good", "rat", "sure"]),
        ({"ignore": ("rat",)}, ["c2", "sure"]),
        ({"least_confidence": 50}, ["sure"]),
        ({"sources": ("other",)}, ["rat"]),
        ({"any_freshness": True}, ["c2", "old", "rat", "sure"]),
        ({"grace_s": 9 * DAY // 1_000_000}, ["c2", "old", "rat", "sure"]),
        ({"max_age_s": DAY // 1_000_000}, ["c2", "rat", "sure"]),
    ],
)
def test_a_row_says_what_lets_it_in(fill, store, fields, counted):
    """The same assertions as the question that the database is asked."""
    fill(
        claim("a.example", "hostname", "c2"),
        claim("a.example", "hostname", "old", valid_until=NOW + DAY),
        claim("a.example", "hostname", "sure", confidence=60),
        claim("a.example", "hostname", "info", kind=Kind.INFO),
        claim("a.example", "hostname", "good", kind=Kind.BENIGN),
        claim("a.example", "hostname", "taken-back"),
    )
    fill(claim("a.example", "hostname", "taken-back", withdrawn=True), now=NOW + 1)
    fill(claim("a.example", "hostname", "rat", source="other"), now=NOW + DAY)
    selection = Selection(types=("hostname",), **fields)
    instant = NOW + 2 * DAY
    with store.snapshot() as snapshot:
        ((row,),) = snapshot.rows(selection, instant, listed_by=0)
        included = build(selection, snapshot.known, instant).included
        asked = snapshot.connection.execute(
            f"SELECT t.name FROM assertion a JOIN tag t ON t.id = a.tag_id WHERE {included} ORDER BY t.name"
        )
        found = [name for (name,) in asked]

    assert counted == found == sorted(item.tag for item in row.tags if item.counts)


def test_what_is_not_said_again_counts_no_longer_than_the_list_keeps_it(fill, whole, run):
    """From when the last of those that count was received."""
    fill(claim("a.example", "hostname", "c2"))
    fill(claim("a.example", "hostname", "rat", source="other"), now=NOW + DAY)
    whole(include=("c2", "rat"), max_age_s=2 * DAY // 1_000_000)

    end = NOW + 3 * DAY + 1
    assert [f"a.example None c2:{end},rat:{end}"] == run(day=3)[1:]
    fill(claim("b.example", "hostname", "c2"), now=NOW + 4 * DAY)
    assert [f"b.example None c2:{NOW + 6 * DAY + 1}"] == run(day=4)[1:]


def test_withdrawals_are_told_for_ever(fill, whole, run, store):
    """Each of them, with the marking that may be shown, also when it is on the list again and expires then."""
    fill(claim("a.example", "hostname", "c2", tlp=TLP.GREEN), claim("b.example", "hostname", "c2"))
    fill(claim("a.example", "hostname", "x", tlp=TLP.RED))
    whole()
    run()
    for day in (1, 3):
        clearing.clear(store, "hostname", "a.example", "false alarm", NOW + day * DAY)
        run(day=day)
        clearing.undo(store, "hostname", "a.example", NOW + (day + 1) * DAY)
        told = run(day=day + 1)

    times = [line for line in told if line.startswith("withdrawn")]
    assert [f"withdrawn a.example {NOW + day * DAY} {NOW} 1" for day in (1, 3)] == times
    assert times == [line for line in run(day=200) if line.startswith("withdrawn")]


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

"""The formats: list, csv and jsonl to the letter, and formats that somebody drops in."""

import csv
import io
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from export_samples import LATER, NOW, claim
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DefinitionError
from core.exports import formats
from core.exports.formats import csv as csv_format
from core.exports.formats import jsonl, parse_options
from core.exports.formats import list as list_format
from core.exports.run import run_export
from core.schemas.claim import TLP, Kind
from core.schemas.export import Selection
from core.schemas.instant import DAY
from core.store.snapshot import Row, RowAssertion


class Written:
    """An output in memory."""

    def __init__(self) -> None:
        self.file_name = "x"
        self.text, self.entries, self.refused = "", 0, []

    def open(self, name: str = "", media_type: str = "") -> "Written":
        return self

    def write(self, text: str, entries: int) -> None:
        self.text += text
        self.entries += entries

    def refuse(self, row: Row, reason: str) -> None:
        self.refused.append((row.value, reason))

    def refuse_all(self, rows: list[Row], reason: str) -> None:
        self.refused += [(row.value, reason) for row in rows]


def written(form: Any, rows: list[Row], batch: int = 2, **options: str) -> Written:
    out = Written()
    batches: Iterator[list[Row]] = (rows[start : start + batch] for start in range(0, len(rows), batch))
    form.render(batches, out, parse_options(form, options))
    return out


def row(value: str, type_: str = "hostname", *tags: RowAssertion, context: str = "[]") -> Row:
    return Row(type_, value, NOW, LATER, list(tags), context)


def tag(name: str, source: str = "feed", **fields: Any) -> RowAssertion:
    return RowAssertion(**({"tag": name, "source": source, "kind": "malicious", "fresh": True} | fields))


# --- list ---------------------------------------------------------------------------------------------------


def test_a_list_is_one_value_a_line():
    """Each value has its line, each line its end."""
    out = written(list_format, [row("a.example"), row("b.example"), row('ü x,"y"', "path")])

    assert 'a.example\nb.example\nü x,"y"\n' == out.text
    assert 3 == out.entries


def test_an_empty_list_is_an_empty_file():
    """Nothing selected gives a file of no bytes."""
    assert "" == written(list_format, []).text


@pytest.mark.parametrize("value", ["a\nb", "a\r", "\n", "a\r\nb"])
def test_a_list_refuses_values_of_two_lines(value):
    """A value with a line break would become two entries; it is refused, its neighbours are not."""
    out = written(list_format, [row("a"), row(value), row("z")])

    assert "a\nz\n" == out.text
    assert 2 == out.entries
    assert [value] == [refused for refused, _ in out.refused]


# --- csv ----------------------------------------------------------------------------------------------------


def test_csv_to_the_letter():
    """Header, CRLF, quotes only where they have to be."""
    rows = [
        row("plain.example", "hostname", tag("c2"), tag("x,y")),
        row('say "hi"', "mutex", tag("c2", first_seen="2026-01-01T00:00:00Z", last_seen="2026-02-01T00:00:00Z")),
        row("two\r\nlines", "generic", tag("c2")),
        row(" blank ", "generic", tag("c2")),
        row("a b", "generic", tag("c2")),
    ]

    assert (
        "value,type,tags,sources,first_seen,last_seen\r\n"
        'plain.example,hostname,"c2;x,y",feed,,\r\n'
        '"say ""hi""",mutex,c2,feed,2026-01-01T00:00:00Z,2026-02-01T00:00:00Z\r\n'
        '"two\r\nlines",generic,c2,feed,,\r\n'
        '" blank ",generic,c2,feed,,\r\n'
        "a b,generic,c2,feed,,\r\n"
    ) == written(csv_format, rows).text


def test_empty_csv_is_its_header():
    """Nothing selected gives the names of the columns."""
    assert "value,type\r\n" == written(csv_format, [], columns="value,type").text
    assert "" == written(csv_format, [], columns="value,type", header="no").text


def test_every_csv_column():
    """Each column says what it is called for, over what let a row in, what is fresh, or what was not withdrawn."""
    one = tag("c2", "alpha", first_seen="2026-01-02T00:00:00Z", last_seen="2026-01-02T00:00:00.5Z", confidence=50)
    one.counts, one.counts_until, one.tlp = True, NOW, "green"
    two = tag("rat", "beta", first_seen="2026-01-01T23:00:00Z", last_seen="2026-01-02T00:00:00Z", confidence=80)
    two.counts, two.counts_until, two.kind = True, LATER, "suspicious"
    two.tlp = "amber+strict"
    stale = tag("old", "gamma", fresh=False, first_seen="2020-01-01T00:00:00Z")
    context = '[{"source":"feed"}]'

    columns = ",".join(csv_format.COLUMNS)
    found = next(
        csv.DictReader(
            io.StringIO(
                written(csv_format, [row("v", "ipv4", one, stale, two, context=context)], columns=columns).text
            )
        )
    )

    assert {
        "value": "v",
        "type": "ipv4",
        "created": "2026-09-21T14:13:20Z",
        "modified": "2026-09-22T14:13:20Z",
        "context": context,
        "tags": "c2;rat",
        "sources": "alpha;beta",
        "kind": "malicious;suspicious",
        "first_seen": "2026-01-01T23:00:00Z",
        "last_seen": "2026-01-02T00:00:00.5Z",
        "expires": "2026-09-22T14:13:20Z",
        "confidence": "80",
        "tlp": "amber+strict",
    } == found


def test_csv_of_an_assertion_without_end_has_no_end():
    """What never ends has an empty cell."""
    ends = tag("a")
    ends.counts_until = NOW

    assert (
        "v,\r\n"
        == written(csv_format, [row("v", "ipv4", ends, tag("b"))], columns="value,expires", header="no").text
    )


def test_csv_of_stale_tags_shows_them_if_there_are_no_others():
    """An export that lets stale tags count shows them; what was withdrawn is never shown."""
    rows = [
        row("v", "ipv4", tag("old", fresh=False), tag("gone", fresh=False, withdrawn_at="2026-01-01T00:00:00Z"))
    ]

    assert "v,old\r\n" == written(csv_format, rows, columns="value,tags", header="no").text


@pytest.mark.parametrize("start", list("=+-@\t\r\n"))
def test_the_formula_guard(start):
    """With the guard a cell that a spreadsheet would run begins with an apostrophe; without it data is unchanged."""
    rows = [row(start + "cmd|' /C calc'!A0", "generic", tag("@x"))]

    guarded = list(
        csv.reader(io.StringIO(written(csv_format, rows, columns="value,tags", formula_guard="yes").text, ""))
    )
    plain = list(csv.reader(io.StringIO(written(csv_format, rows, columns="value,tags").text, "")))

    assert ["'" + start + "cmd|' /C calc'!A0", "'@x"] == guarded[1]
    assert [start + "cmd|' /C calc'!A0", "@x"] == plain[1]


TEXTS = st.text(st.characters(exclude_categories=("Cs",)) | st.sampled_from(list("\",;\r\n \t'=")), max_size=12)


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=8), st.integers(1, 5))
def test_csv_reads_back(cells, batch):
    """Whatever the cells hold, a reader of CSV gets them back, and every line ends with CRLF."""
    rows = [Row(type_, value, NOW, NOW, [tag(name)], "[]") for value, type_, name in cells]

    text = written(csv_format, rows, batch, columns="value,type,tags").text

    told = [[value, type_, name.replace(";", "%3B")] for value, type_, name in cells]  # that reads as no two tags
    assert [["value", "type", "tags"], *told] == list(csv.reader(io.StringIO(text, ""), strict=True))
    assert text.endswith("\r\n")


@given(st.lists(TEXTS, max_size=8))
def test_csv_of_one_column_reads_back(values):
    """An empty cell alone in its line is not an empty line."""
    rows = [row(value) for value in values]

    text = written(csv_format, rows, columns="value", header="no").text

    assert [[value] for value in values] == list(csv.reader(io.StringIO(text, ""), strict=True))


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=8))
def test_guarded_csv_reads_back_as_guarded(cells):
    """The guard only ever adds an apostrophe."""
    rows = [Row("generic", value, NOW, NOW, [tag(name)], "[]") for value, name in cells]

    text = written(csv_format, rows, columns="value,tags", header="no", formula_guard="yes").text

    def guarded(cell: str) -> str:
        return "'" + cell if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else cell

    # A tag that holds the joiner is written so that it does not read as two.
    assert [[guarded(value), guarded(name.replace(";", "%3B"))] for value, name in cells] == list(
        csv.reader(io.StringIO(text, ""), strict=True)
    )


def test_columns_in_any_order():
    """Columns stand in the order that was asked for."""
    rows = [row("v", "ipv4", tag("c2"))]

    assert "feed,v,c2,ipv4\r\n" == written(csv_format, rows, columns="sources, value ,tags,type", header="no").text


# --- jsonl, and all of them through the engine --------------------------------------------------------------

HOSTILE = [
    'a"b',
    "a\\b",
    "a\tb",
    "ü\u2028x",
    "\x7f",
    "a/b",
    "</script>",
    "\U0001d4b3",
    "x'y",
    "{{ 7 }}",
    "%s",
    "a\x01",
]


@pytest.fixture
def hostile(fill):
    """A store with values that break careless formats."""
    fill(
        *(claim(value, "generic", "c2", 't"ag') for value in HOSTILE),
        claim(
            "198.51.100.7",
            "ipv4",
            "c2",
            kind=Kind.SUSPICIOUS,
            first_seen=NOW - DAY,
            last_seen=NOW,
            valid_from=NOW - DAY,
            valid_until=NOW + 10 * DAY + 5,
            confidence=0,
            tlp=TLP.AMBER_STRICT,
            context={"comment": 'say "hi"\n', "n": 1.5, "none": None},
        ),
    )


def test_json_lines_hold_everything(hostile, define, store, settings, published):
    """A line is the type, the value, each assertion with all its dates, and the context."""
    define("x", Selection(types=("ipv4",), most_tlp=TLP.RED), format="jsonl")
    run_export(store, "x", settings, now=LATER)

    assert (
        b'{"type":"ipv4","value":"198.51.100.7","assertions":[{"tag":"c2","source":"feed","kind":"suspicious",'
        b'"first_seen":"2026-09-20T14:13:20Z","last_seen":"2026-09-21T14:13:20Z",'
        b'"valid_from":"2026-09-20T14:13:20Z","valid_until":"2026-10-01T14:13:20.000005Z",'
        b'"confidence":0,"tlp":"amber+strict"}],'
        b'"context":[{"source":"feed","comment":"say \\"hi\\"\\n","n":1.5,"none":null}]}\n'
    ) == published("x.jsonl")


def test_json_lines_of_hostile_values(hostile, define, store, settings, published):
    """Each line is one JSON object, whatever the values hold."""
    define("x", format="jsonl")
    run_export(store, "x", settings, now=LATER)

    lines = [json.loads(line) for line in published("x.jsonl").decode().split("\n")[:-1]]

    assert sorted(HOSTILE) == [line["value"] for line in lines if line["type"] == "generic"]


@pytest.mark.parametrize("form", [list_format, jsonl], ids=["list", "jsonl"])
def test_the_fast_way_gives_the_same_bytes(form, hostile, define, store, settings, published):
    """Lines that the database makes are those that the format itself makes."""
    define("x", Selection(most_tlp=TLP.RED), format=form.NAME)
    run_export(store, "x", settings, now=LATER)
    with store.snapshot() as snapshot:
        types = () if form.TYPES is None else tuple(form.TYPES)
        rows = [row for batch in snapshot.rows(Selection(types=types, most_tlp=TLP.RED), LATER) for row in batch]

    assert published(f"x{form.SUFFIX}").decode() == written(form, rows).text


@pytest.mark.parametrize("value", ["two\nlines", "carriage\rreturn"])
def test_a_line_break_in_a_value_is_found_on_the_fast_way(value, fill, define, store, settings, published):
    """A list with such a value refuses it, says so, and is otherwise complete."""
    fill(claim("a.example"), claim(value, "mutex"), claim("z", "mutex"))
    define("x", format="list")

    result = run_export(store, "x", settings, now=LATER)

    assert b"a.example\nz\n" == published("x.txt")
    assert (2, 1, "completed") == (result.entries, result.refused, result.status)
    assert any("1 not written: mutex holds a line break" in note for note in result.notes)


# --- formats of others ----------------------------------------------------------------------------------------

SHOUTING = """
from core.exports.formats import Option

NAME = "shout"
MEANING = "values, shouted"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".loud"
TYPES = frozenset({"hostname"})
OPTIONS = {"mark": Option("!", "what stands at the end")}


def render(rows, out, options):
    loud, index = out.open(), out.open("shout/index.txt", "text/plain")
    total = 0
    for batch in rows:
        kept = []
        for row in batch:
            if "x" in row.value:
                out.refuse(row, "has an x")
            else:
                kept.append(row.value.upper() + options["mark"] + "\\n")
        loud.write("".join(kept), len(kept))
        total += len(kept)
    index.write(f"{total}\\n", 0)
"""


def drop(folder: Path, name: str, source: str) -> None:
    """Drop a file; it has been there for a while, so that it is not taken for a half-written one."""
    file = folder / f"{name}.py"
    file.write_text(source)
    os.utime(file, (time.time() - 60,) * 2)


def test_a_dropped_in_format_is_used_at_once(format_plugins, fill, define, store, settings, published):
    """A file in the folder is a format: several files in one run, options, types, refusals with reasons."""
    fill(claim("a.test"), claim("x.test"), claim("198.51.100.7", "ipv4"))
    assert "shout" not in formats.formats()
    drop(format_plugins, "shout", SHOUTING)
    define("Loud", format="shout", options={"mark": "?"})

    result = run_export(store, "Loud", settings, now=LATER)

    assert b"A.TEST?\n" == published("loud.loud")
    assert b"1\n" == published("shout/index.txt")
    assert ["loud.loud", "shout/index.txt"] == [file.name for file in result.files]
    assert (1, 1) == (result.entries, result.refused)
    assert ("1 not written: hostname has an x",) == tuple(
        note for note in result.notes if "x" in note and "not written" in note
    )


def test_a_removed_format_is_gone(format_plugins):
    """A file that is gone is no format, without a restart."""
    drop(format_plugins, "shout", SHOUTING)
    assert "shout" in formats.formats()
    (format_plugins / "shout.py").unlink()

    assert "shout" not in formats.formats()


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import nosuchmodule", "nosuchmodule"),
        ("def (", "SyntaxError"),
        ("NAME = 'broken'", "it has no MEANING, MEDIA_TYPE, SUFFIX, TYPES, OPTIONS, render"),
        (SHOUTING.replace('NAME = "shout"', 'NAME = ""'), "its NAME is not a text"),
        (SHOUTING.replace('Option("!", "what stands at the end")', '"!"'), "its OPTIONS are not all"),
    ],
)
def test_a_broken_format_breaks_no_other(source, reason, format_plugins):
    """It is listed with its reason, and asking for it says the reason; the others work."""
    drop(format_plugins, "broken", source)

    listed = {item.origin: item.reason for item in formats.broken_formats()}

    assert reason in listed[str(format_plugins / "broken.py")]
    assert {"csv", "jsonl", "list"} <= set(formats.formats())
    with pytest.raises(DefinitionError) as caught:
        formats.get_format("broken")
    assert reason in str(caught.value)


def test_two_formats_of_one_name_are_both_refused(format_plugins):
    """Which of them was meant cannot be known; both files are named."""
    drop(format_plugins, "one", SHOUTING)
    drop(format_plugins, "two", SHOUTING)

    assert "shout" not in formats.formats()
    with pytest.raises(DefinitionError) as caught:
        formats.get_format("shout")
    assert "one.py" in str(caught.value)
    assert "two.py" in str(caught.value)


def test_every_format_documents_itself():
    """What a format shows to people is there."""
    for name, form in formats.formats().items():
        assert name == form.NAME
        assert form.MEANING
        assert form.SUFFIX.startswith(".")
        assert "/" in form.MEDIA_TYPE
        assert all(option.meaning for option in form.OPTIONS.values())

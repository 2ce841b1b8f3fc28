"""A table after RFC 4180."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from name_readers import hostile
from table_reading import strict_rows

from core.exports.formats import Value, get_format
from core.exports.formatting.csv_cells import guarded_cell, guarded_cells
from core.testing.formats import FormatConformance


class Csv(FormatConformance):
    """What readers of tables have in common."""

    format = "csv"
    columns = ("value", "type", "tags", "sources", "first_seen", "last_seen")

    def read(self, files):
        content = files["export.csv"]
        header, *rows = strict_rows(content)
        assert list(self.columns) == header
        assert all(len(row) == len(header) for row in rows)
        assert [header, *rows] == list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True))
        return [f"{row[header.index('type')]} {row[header.index('value')]}" for row in rows]

    def entry(self, type, value):
        return f"{type} {value}"


class TestCsv(Csv):
    """Read by a reader of RFC 4180, and by Python's strict one: they agree."""


class TestSpreadsheet(Csv):
    """No cell is a formula, be it at commas, semicolons or tabs that a program divides; nothing else is changed."""

    options = {"formula_guard": "yes"}

    def read(self, files):
        content = files["export.csv"]
        for row in strict_rows(content):
            for cell in row:
                assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")), cell
        # Excel takes the separator of lists of its language, LibreOffice what is ticked; that it is not a blank or
        # another character is in the words for whoever opens it, since a guard before each would leave no text.
        for separator in (";", "\t"):
            for row in csv.reader(io.StringIO(content.decode(), newline=""), delimiter=separator):
                for cell in row:
                    assert not cell.startswith(("=", "+", "-", "@")), (separator, cell)
        return super().read(files)

    def entry(self, type, value):
        text, is_at_start = "", True
        for place, char in enumerate(value):
            after_quotes = value[place:].lstrip('"')[:1] or " "
            if (is_at_start and after_quotes in "=+-@") or (place == 0 and char in "\t\r\n"):
                text += "'"
            text += char
            is_at_start = char in ";\t\r\n"
        return super().entry(type, text)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("a;=1+1", "a;'=1+1"),
        ('a;"=1+1;b', """"a;'""=1+1;b\""""),
        ("a\t@SUM(1)", "a\t'@SUM(1)"),
        ("a\n-1", '"a\n\'-1"'),
        ("a;b=1", "a;b=1"),
        ("http://a.example/?q=1;r=-2", "http://a.example/?q=1;r=-2"),
    ],
)
def test_what_follows_a_semicolon_is_no_formula_either(text, cell):
    """Where a program divides there, it begins a cell; what a quote begins is no text in quotes to such a program."""
    assert cell == guarded_cell(text)


@given(st.lists(st.text('a;"=+-@\t\r\n ,', max_size=5), max_size=4))
@hypothesis_settings(max_examples=1000, deadline=None)
def test_a_column_is_looked_at_as_its_cells_are(texts):
    """What one regular expression says of all is what is said of each."""
    assert [guarded_cell(text) for text in texts] == list(guarded_cells(texts))


def test_harmless_cells_are_given_back_as_they_are():
    """The very column comes back: nothing was looked at one by one."""
    column = ["a.example", "http://a.example/?q=1;r=-2", ""]

    assert guarded_cells(column) is column


def test_of_joined_tags_none_is_a_formula(tmp_path):
    """Each is guarded; the joiner stays what it is."""
    tags = ("a", "=HYPERLINK(1)")

    made = TestSpreadsheet().write(get_format("csv"), [Value("hostname", "a.example")], tmp_path, tags=tags)

    _, row = strict_rows(made.files["export.csv"])
    assert "a;'=HYPERLINK(1)" == row[2]
    TestSpreadsheet().check(made)


def test_columns_are_those_that_were_asked_for(tmp_path):
    """In their order, with what is hostile."""

    class Columns(Csv):
        options = {"columns": "context,type,value,tags"}
        columns = ("context", "type", "value", "tags")

    Columns().check(hostile(Columns(), tmp_path))


@pytest.mark.parametrize("text", ['a,"b\r\n', "a\r\n b\r\n", 'a"b\r\n', "a\nb\r\n", '"a"b\r\n', "a,b"])
def test_the_strict_reader_is_strict(text):
    """What it would take without a word would prove nothing."""
    with pytest.raises((AssertionError, ValueError, IndexError)):
        strict_rows(text.encode())

"""A table after RFC 4180."""

import csv
import io

import pytest
from name_readers import hostile
from table_reading import strict_rows

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
    """No cell is a formula; nothing else is changed."""

    options = {"formula_guard": "yes"}

    def read(self, files):
        for row in strict_rows(files["export.csv"]):
            for cell in row:
                assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")), cell
        return super().read(files)

    def entry(self, type, value):
        return super().entry(type, "'" + value if value and value[0] in "=+-@\t\r\n" else value)


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

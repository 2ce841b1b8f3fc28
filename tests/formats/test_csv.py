"""A table after RFC 4180."""

import csv
import io

from core.testing.formats import FormatConformance


class TestCsv(FormatConformance):
    """Read by Python's strict reader."""

    format = "csv"
    options = {"columns": "value,type,tags,context"}

    def read(self, files):
        rows = list(csv.DictReader(io.StringIO(files["export.csv"].decode(), newline=""), strict=True))
        assert all(len(row) == 4 and None not in row for row in rows)
        return [f"{row['type']} {row['value']}" for row in rows]

    def entry(self, type, value):
        return f"{type} {value}"

"""Delimited text: a table with one value, or several of one thing, in each row.

Delimiter (comma, semicolon, tabulator, bar), header and the meaning of the columns are found by themselves, or
given by ``--map``.  Known are the names that feeds use: ``indicator``, ``ioc``, ``sha256``, ``Date added``,
``Valid Until``, ``Malware``, …; a column ``source`` names who says so, unless ``--source`` does.  Columns of no
known name are kept as context.  A cell may hold several hashes; ``host:port`` gives the host, the port is kept.
"""

import re
from collections.abc import Iterator

from core.errors import UnreadableFile
from core.ingest import table_layout
from core.ingest.csv_records import Records
from core.ingest.lines import excerpt
from core.ingest.reader import InputFile, Item, Options
from core.ingest.table_columns import is_known, plain
from core.ingest.table_rows import RowReader
from core.schemas.claim import Refusal

NAME = "csv"
MEANING = "a table: comma, semicolon, tabulator or bar between cells, with or without a header"

_SUFFIXES = (".csv", ".tsv", ".psv")
_begins_as_json = re.compile(r"\s*\[\s*[\[{\"\]]").match


def recognises(file: InputFile) -> int:
    """Return how much *file* looks like a table: most by its name, a header, and columns that stay the same."""
    head = file.text_head
    if not head.strip() or file.is_binary or head.lstrip()[:1] in "<{" or _begins_as_json(head):
        return 0
    found = table_layout.look_at(file)
    if found is None:
        return 0
    is_named = file.path.suffix.lower() in _SUFFIXES
    width = len(found.header)
    if not found.columns.values:
        # More than text, so that it is the mapping that is asked for.
        return 20 if is_named and width > 1 else 0
    alike = sum(len(row) == width for row in found.sample) >= 0.9 * len(found.sample)
    if found.has_header and any(map(is_known, found.header)) and (is_named or (width > 1 and alike)):
        return 80 if is_named else 60
    if is_named:
        return 50
    # A blank before the semicolon, or a first line that begins with one: comments, as in Spamhaus' lists.
    are_comments = found.delimiter == ";" and (
        not found.sample[0][0] or all(row[0][-1:] in ("", " ", "\t") for row in found.sample)
    )
    return 30 if width > 1 and alike and found.delimiter != "\t" and not are_comments else 0


def read(file: InputFile, options: Options) -> Iterator[Item]:
    """Yield a claim for every value.

    Raises:
        UnreadableFile: It is no table, or no column of it holds values.
    """
    found = table_layout.look_at(file, options)
    if found is None:
        raise UnreadableFile("is no table: there is no row in it")
    if not found.columns.values:
        shown = ", ".join(map(excerpt, found.sample[0][:20]))
        raise UnreadableFile(
            f"no column holds values; name one with --map value=COLUMN; the first row is: {shown}"
        )
    reader = RowReader(found.columns, options, file.name, found.header, found.date_order, found.whole_tags)
    records = Records(file, found.delimiter)
    names = [plain(name) for name in found.header]
    for row in records:
        if found.has_header and row[:1] == found.header[:1] and [plain(cell) for cell in row] == names:
            continue
        if any(row):
            yield from reader.items(row, records.line)
        if records.problems:
            yield from _taken(records)
    yield from _taken(records)


def _taken(records: Records) -> list[Refusal]:
    problems = records.problems.copy()
    records.problems.clear()
    return problems

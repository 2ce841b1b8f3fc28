"""What sort of table a text is: its delimiter, its header, and what the columns mean."""

import csv
import re
from dataclasses import dataclass, field

from core.ingest import table_columns
from core.ingest.csv_records import is_separator_hint
from core.ingest.reader import InputFile, Options
from core.ingest.table_columns import Columns
from core.values import dates, hashes, types
from core.values.detect import detect
from core.values.ports import split
from core.values.refang import refang

DELIMITERS = ",;\t|"
SAMPLE = 200
_DATE_ROLES = ("first_seen", "last_seen", "valid_from", "valid_until")
_LISTS = frozenset(("tags", "tag", "labels", "label", "keywords", "category", "categories"))


@dataclass(frozen=True, slots=True)
class Table:
    """How to read a table.

    Attributes:
        delimiter: Between cells.
        header: Names of the columns; ``column 1`` and so on if it has none.
        has_header: Whether its first row is the header.
        columns: What the columns mean.
        date_order: See ``dates.instant``.
        whole_tags: Tag columns whose cell is one tag.
        sample: The first rows, header included.
    """

    delimiter: str
    header: list[str]
    has_header: bool
    columns: Columns
    date_order: str = ""
    whole_tags: frozenset[int] = frozenset()
    sample: list[list[str]] = field(default_factory=list)


def look_at(file: InputFile, options: Options | None = None) -> Table | None:
    """Return how to read *file*; ``None`` if it is no table.

    Raises:
        DefinitionError, UnreadableFile: The user's mapping does not fit.
    """
    texts, named = _sample_lines(file)
    delimiter = _delimiter(texts)
    rows = _rows(texts, delimiter)
    if not rows:
        return None
    header, has_header = _header(rows, _rows(named, delimiter))
    if not has_header and options is not None and _names_a_cell(options, rows[0]):
        header, has_header = rows[0], True
    body = rows[1:] if has_header else rows
    if not has_header:
        width = max(map(len, rows))
        header = header if len(header) == width else [f"column {at + 1}" for at in range(width)]
    found = table_columns.by_name(header)
    if not found.values:
        found = _by_content(found, header, body)
    if options is not None and options.columns:
        found = table_columns.mapped(found, header, options.columns)
    whole = frozenset(at for at in found.tags if table_columns.plain(header[at]) not in _LISTS)
    return Table(delimiter, header, has_header, found, _date_order(found, body), whole, rows)


def _sample_lines(file: InputFile) -> tuple[list[str], list[str]]:
    """Return the first lines, and the last comment before them, which may be the header."""
    head = file.text_head
    texts = head.splitlines()
    if len(file.head) < file.size_bytes and len(texts) > 1:
        texts.pop()
    if texts and is_separator_hint(texts[0]):
        texts = texts[1:]
    comments: list[str] = []
    for at, text in enumerate(texts):
        if text.strip() and not text.startswith("#"):
            return texts[at:], comments[-1:]
        if text.startswith("#"):
            comments.append(text.lstrip("# "))
    return [], []


def _rows(texts: list[str], delimiter: str) -> list[list[str]]:
    kept = [text for text in texts if text.strip() and not text.startswith("#")]
    rows: list[list[str]] = []
    try:
        for row in csv.reader(kept, delimiter=delimiter, skipinitialspace=True):
            if any(row):
                rows.append(row)
            if len(rows) >= SAMPLE:
                break
    except csv.Error:
        pass  # an open quote at the cut, or worse: what was read will do
    return rows


def _delimiter(texts: list[str]) -> str:
    best, most = ",", 0.0
    for delimiter in DELIMITERS:
        rows = _rows(texts[:SAMPLE], delimiter)
        widths = [len(row) for row in rows]
        if not widths or max(widths) < 2:
            continue
        usual = max(set(widths), key=widths.count)
        known = sum(table_columns.is_known(cell) for cell in rows[0])
        score = (widths.count(usual) / len(widths) if usual > 1 else 0.0) + known
        if score > most:
            best, most = delimiter, score
    return best


def _header(rows: list[list[str]], commented: list[list[str]]) -> tuple[list[str], bool]:
    first = rows[0]
    if commented and len(commented[0]) == len(first) > 1 and any(map(table_columns.is_known, commented[0])):
        return commented[0], False
    # The first word too: a list with comments behind its values is no table with a header of prose.
    if any(_is_value(word) for cell in first for word in (cell, *cell.split(None, 1)[:1])):
        return [], False
    if any(map(table_columns.is_known, first)):
        return first, True
    others = rows[1:20]
    looks_named = all(re.search("[A-Za-z]", cell) for cell in first if cell.strip())
    return (
        (first, True)
        if others and looks_named and any(_is_value(c) for row in others for c in row)
        else ([], False)
    )


def _names_a_cell(options: Options, row: list[str]) -> bool:
    """Tell whether the user's mapping speaks of *row* as the header."""
    names = {table_columns.plain(cell) for cell in row}
    return any(
        not column.isdigit() and table_columns.plain(column) in names for column in options.columns.values()
    )


def _by_content(found: Columns, header: list[str], rows: list[list[str]]) -> Columns:
    """Return *found* with values, type and date chosen by what stands in the columns."""
    values: dict[int, str] = {}
    roles, context = dict(found.roles), dict(found.context)
    taken = {*roles.values(), *found.tags}
    for at in range(len(header)):
        cells = [row[at].strip() for row in rows if at < len(row) and row[at].strip()]
        if not cells or at in taken:
            continue
        kinds = [detect(cell) or detect(split(refang(cell))[0]) for cell in cells]
        share = sum(kind is not None for kind in kinds) / len(cells)
        are_hashes = all(kind is None or kind[0] in hashes.LENGTHS for kind in kinds)
        if share >= 0.5 and (not values or are_hashes):
            values[at] = table_columns.ANY
            context.pop(at, None)
        elif "type" not in roles and sum(table_columns.type_of_word(c) is not None for c in cells) >= 0.9 * len(
            cells
        ):
            roles["type"] = at
            context.pop(at, None)
        elif not any(role in roles for role in _DATE_ROLES) and all(_is_date(cell) for cell in cells):
            roles["first_seen"] = at
            context.pop(at, None)
    return Columns(values, roles, found.tags, context)


def _date_order(found: Columns, rows: list[list[str]]) -> str:
    cells = [row[at] for role, at in found.roles.items() if role in _DATE_ROLES for row in rows if at < len(row)]
    return dates.order_of(cells)


def _is_value(cell: str) -> bool:
    found = detect(cell.strip()) or detect(split(refang(cell.strip()))[0])
    return found is not None and found[0] not in (types.FILE, types.ASN)


def _is_date(cell: str) -> bool:
    try:
        dates.instant(cell)
    except ValueError:
        return False
    return True

"""A strict reader of tables, written from the grammar of RFC 4180, a character at a time."""

from core.exports.formats import get_format, parse_options
from core.store.rows import Row, RowAssertion

INSTANT = 1_790_000_000_000_000
"""2026-09-21T14:13:20Z"""


def strict_rows(content: bytes, line_end: str = "\r\n") -> list[list[str]]:
    """Return the rows of a table; raise on what RFC 4180 has not, and on blanks that a reader may lose."""
    text, rows, row, place = content.decode(), [], [], 0
    while place < len(text):
        if text[place] == '"':
            cell, place = _quoted(text, place + 1)
        else:
            end = min(found for found in (text.find(",", place), text.find(line_end, place)) if found >= 0)
            cell, place = text[place:end], end
            assert not set(cell) & set('"\r\n'), f"{cell!r} is not in quotes"
            assert cell == cell.strip(" \t"), f"{cell!r} would lose its blanks"
        row.append(cell)
        if text.startswith(line_end, place):
            rows.append(row)
            row, place = [], place + len(line_end)
        else:
            assert text[place] == ",", f"{text[place]!r} follows a cell"
            place += 1
    assert not row, "the last row has no end"
    return rows


def _quoted(text: str, place: int) -> tuple[str, int]:
    cell = []
    while True:
        end = text.index('"', place)
        cell.append(text[place:end])
        if text[end + 1] != '"':
            return "".join(cell), end + 1
        cell.append('"')
        place = end + 2


class Kept:
    """An output in memory."""

    def __init__(self, file_name):
        self.file_name, self.export, self.instant = file_name, "my list", INSTANT
        self.files, self.refused, self.notes = {}, [], []

    def open(self, name="", media_type=""):
        """Begin a file."""
        self.files[name or self.file_name] = file = _File()
        return file

    def refuse(self, row, reason):
        """Take a refusal down."""
        self.refused.append((row.value, reason))

    def refuse_all(self, rows, reason):
        """Take many down."""
        self.refused += [(row.value, reason) for row in rows]

    def note(self, text):
        """Take a note down."""
        self.notes.append(text)


class _File:
    def __init__(self):
        self.text, self.entries = "", 0

    def write(self, text, entries):
        self.text += text
        self.entries += entries


def kept(format_, values, options=None, **fields):
    """Return what a format makes of *values*, each with one assertion that has *fields*."""
    out = Kept(f"lists/c2{get_format(format_).SUFFIX}")
    given = {"tag": "c2", "source": "feed", "kind": "malicious", "fresh": True} | fields
    rows = [Row(*value, INSTANT, INSTANT, [RowAssertion(**given)], "[]") for value in values]
    get_format(format_).render(iter([rows]), out, parse_options(get_format(format_), options or {}))
    return out


def rows_of(format_, value, options=None, line_end="\r\n", **fields):
    """Return the rows of the one table that a format makes of one value."""
    (file,) = kept(format_, [value], options, **fields).files.values()
    return strict_rows(file.text.encode(), line_end)

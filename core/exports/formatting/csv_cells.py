"""Cells after RFC 4180."""

import re
from collections.abc import Iterable, Sequence

SPECIAL = '",\r\n \t'
"""Without any of these in it, a text is a cell as it is."""

# A formula begins where a cell does: also behind a semicolon, a tab or a line break, for programs that divide there, and
# behind quotes, which are none to them in the middle of a cell.  What is blank begins no formula but at the start.
_before_formula = re.compile(r"""(?:^|(?<=[;\t\r\n]))(?="*[=+@-])|^(?=[\t\r\n])""").sub
# The same of a column with a semicolon before each cell, and sometimes of one that has none: most columns are seen at once.
_may_have_formula = re.compile(r"""[;\t\r\n](?:"*[=+@-]|[\t\r\n])""").search
_needs_quotes = re.compile(r'[",\r\n]|^[ \t]|[ \t]$').search


def cell(text: str) -> str:
    """Return *text* as a cell, in quotes if it holds a separator, quote or line break, or begins or ends blank."""
    if not _needs_quotes(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def cells(texts: Sequence[str]) -> Sequence[str]:
    """Return *texts* as cells; of most batches none needs quotes, which is seen in all of them at once."""
    together = "".join(texts)
    if not any(character in together for character in SPECIAL):
        return texts
    return [cell(text) for text in texts]


def guarded_cell(text: str) -> str:
    """Return *text* as a cell without formulas, whether a spreadsheet divides at commas, semicolons, tabs or line breaks."""
    return cell(_before_formula("'", text))


def guarded_cells(texts: Sequence[str]) -> Sequence[str]:
    """Return each of *texts* as `guarded_cell` does."""
    if not _may_have_formula(";" + ";".join(texts)):
        return cells(texts)
    return [guarded_cell(text) for text in texts]


def record(texts: Iterable[str], line_end: str = "\r\n") -> str:
    """Return a line of cells."""
    return ",".join(map(cell, texts)) + line_end

"""Cells after RFC 4180."""

import re
from collections.abc import Iterable, Sequence

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
SPECIAL = '",\r\n \t'
"""Without any of these in it, a text is a cell as it is."""

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
    """Return *text* as a cell that no spreadsheet takes for a formula."""
    return cell("'" + text if text.startswith(FORMULA_STARTS) else text)


def record(texts: Iterable[str], line_end: str = "\r\n") -> str:
    """Return a line of cells."""
    return ",".join(map(cell, texts)) + line_end

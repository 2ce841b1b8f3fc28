"""A table after RFC 4180: commas, CRLF, a cell in quotes where it has to be; the empty form is the header.

Columns that speak of tags, sources and dates speak of the assertions that are fresh; if none is (an export with
``--any-freshness``), of all that are not withdrawn.  Several tags or sources share a cell, joined by ``;``.
Line breaks inside a value are legal inside quotes, so nothing is refused.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.errors import DefinitionError
from core.exports.formats import Option, Output, nearest, yes_or_no
from core.schemas.instant import to_text
from core.store.rows import instant_of
from core.store.snapshot import Row, RowAssertion

NAME = "csv"
MEANING = "a table with a header (RFC 4180)"
MEDIA_TYPE = "text/csv; charset=utf-8"
SUFFIX = ".csv"
TYPES = None
DEFAULT_COLUMNS = "value,type,tags,sources,first_seen,last_seen"
JOINER = ";"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
SPECIAL = '",\r\n \t'
TLP_ORDER = ("clear", "green", "amber", "amber+strict", "red")
NEEDS_QUOTES = re.compile(r'[",\r\n]|^[ \t]|[ \t]$').search
CACHED = 5_000

_date = lru_cache(maxsize=65_536)(to_text)

Assertions = Sequence[RowAssertion]


def _tags(found: Assertions) -> str:
    return found[0].tag if len(found) == 1 else JOINER.join(dict.fromkeys([item.tag for item in found]))


def _sources(found: Assertions) -> str:
    return found[0].source if len(found) == 1 else JOINER.join(dict.fromkeys([item.source for item in found]))


def _kinds(found: Assertions) -> str:
    return JOINER.join(dict.fromkeys([item.kind for item in found]))


def _first_seen(found: Assertions) -> str:
    dates = {item.first_seen or "" for item in found}
    return dates.pop() if len(dates) == 1 else min(filter(None, dates), key=instant_of, default="")


def _last_seen(found: Assertions) -> str:
    dates = {item.last_seen or "" for item in found}
    return dates.pop() if len(dates) == 1 else max(filter(None, dates), key=instant_of, default="")


def _expires(found: Assertions) -> str:
    ends = [item.expires_at for item in found]
    return "" if None in ends or not ends else _date(max(end for end in ends if end is not None))


def _confidence(found: Assertions) -> str:
    return str(max((item.confidence for item in found if item.confidence is not None), default=""))


def _tlp(found: Assertions) -> str:
    return max((item.tlp for item in found if item.tlp), key=TLP_ORDER.index, default="")


OF_ROW: dict[str, Callable[[Row], str]] = {
    "value": lambda row: row.value,
    "type": lambda row: row.type,
    "created": lambda row: _date(row.created_at),
    "modified": lambda row: _date(row.modified_at),
    "context": lambda row: row.context,
}
OF_ASSERTIONS: dict[str, Callable[[Assertions], str]] = {
    "tags": _tags,
    "sources": _sources,
    "kind": _kinds,
    "first_seen": _first_seen,
    "last_seen": _last_seen,
    "expires": _expires,
    "confidence": _confidence,
    "tlp": _tlp,
}
COLUMNS = (*OF_ROW, *OF_ASSERTIONS)
OPTIONS = {
    "columns": Option(DEFAULT_COLUMNS, f"columns in their order, of {', '.join(COLUMNS)}"),
    "header": Option("yes", "a first line with the names of the columns: yes or no"),
    "formula_guard": Option(
        "no", "an apostrophe before what a spreadsheet would take for a formula; it changes data: yes or no"
    ),
}


@dataclass(frozen=True, slots=True)
class Table:
    """The options, understood."""

    columns: tuple[str, ...]
    has_header: bool
    is_guarded: bool


def parse(options: Mapping[str, str]) -> Table:
    """Return the options, understood."""
    columns = tuple(name.strip() for name in options["columns"].split(",") if name.strip())
    for name in columns:
        if name not in COLUMNS:
            raise DefinitionError(
                f"csv has no column {name!r}{nearest(name, COLUMNS)}; known: {', '.join(COLUMNS)}"
            )
    if not columns or len(set(columns)) != len(columns):
        raise DefinitionError(f"columns must name at least one column, each once, not {options['columns']!r}")
    return Table(columns, yes_or_no(options, "header"), yes_or_no(options, "formula_guard"))


def render(rows: Iterator[list[Row]], out: Output, options: Table) -> None:
    """Write the table."""
    file = out.open()
    if options.has_header:
        file.write(",".join(options.columns) + "\r\n", 0)
    writer = _Writer(options)
    for batch in rows:
        file.write(writer.lines(batch), len(batch))


class _Writer:
    """Makes lines; cells of assertions are kept, since many rows share theirs."""

    def __init__(self, table: Table) -> None:
        own = [name for name in table.columns if name in OF_ROW]
        others = [name for name in table.columns if name in OF_ASSERTIONS]
        self._of_row = [OF_ROW[name] for name in own]
        self._of_assertions = [OF_ASSERTIONS[name] for name in others]
        # The pattern is given the cells of the row first, then those of its assertions.
        positions = [(*own, *others).index(name) for name in table.columns]
        self._line = (",".join(f"{{{position}}}" for position in positions) + "\r\n").format
        self._cell: Callable[[str], str] = guarded_cell if table.is_guarded else cell
        if len(table.columns) == 1:
            self._cell = _sole(self._cell)
        self._may_pass = not table.is_guarded and len(table.columns) > 1
        self._shared: dict[int, tuple[Assertions, tuple[str, ...]]] = {}

    def lines(self, batch: list[Row]) -> str:
        """Return the lines of *batch*."""
        columns = [self._cells([read(row) for row in batch]) for read in self._of_row]
        if self._of_assertions:
            texts = self._texts_of
            found = [texts(row.tags) for row in batch]
            columns += map(self._cells, zip(*found, strict=True))
        return "".join(map(self._line, *columns))

    def _cells(self, texts: Sequence[str]) -> Sequence[str]:
        """Return the texts of one column as cells; most batches hold nothing that needs quotes."""
        if self._may_pass:
            text = "".join(texts)
            if not any(character in text for character in SPECIAL):
                return texts
        return list(map(self._cell, texts))

    def _texts_of(self, assertions: list[RowAssertion]) -> tuple[str, ...]:
        known = self._shared.get(id(assertions))
        if known is not None and known[0] is assertions:
            return known[1]
        counted = [item for item in assertions if item.fresh]
        counted = counted or [item for item in assertions if item.withdrawn_at is None]
        texts = tuple([read(counted) for read in self._of_assertions])
        if len(self._shared) >= CACHED:
            self._shared.clear()
        self._shared[id(assertions)] = assertions, texts
        return texts


def cell(text: str) -> str:
    """Return *text* as a cell, in quotes if it holds a separator, quote or line break, or begins or ends blank."""
    if not NEEDS_QUOTES(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def guarded_cell(text: str) -> str:
    """Return *text* as a cell that no spreadsheet takes for a formula."""
    return cell("'" + text if text.startswith(FORMULA_STARTS) else text)


def _sole(make: Callable[[str], str]) -> Callable[[str], str]:
    """Return *make* for a table of one column: an empty cell would be an empty line, which readers skip."""
    return lambda text: make(text) or '""'

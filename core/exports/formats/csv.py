"""A table after RFC 4180: commas, CRLF, a cell in quotes where it has to be; the empty form is the header.

Columns that speak of tags, sources and sightings speak of the assertions that are fresh; kind, confidence and end are
those of the assertions that let an observable onto the list, the marking that of all which are not withdrawn.  If none
is fresh (an export with ``--any-freshness``), they speak of all that are not withdrawn.

Several tags or sources share a cell, joined by ``;``.  One that has a ``;`` in it is written with ``%3B`` instead, so
that no reader takes it for two; nothing else is changed.  Line breaks inside a value are legal inside quotes, so
nothing is refused: not what would block everybody, such as the hash of an empty file, either.  It is for people and
for exchange, not for what blocks.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.errors import DefinitionError
from core.exports.formats import Consumer, Option, Output, nearest, yes_or_no
from core.exports.formatting.csv_cells import cells, guarded_cells
from core.exports.formatting.shown import JOINER, Shared, Shown, date
from core.store.snapshot import Row

NAME = "csv"
MEANING = "a table with a header (RFC 4180)"
MEDIA_TYPE = "text/csv; charset=utf-8"
SUFFIX = ".csv"
COUNTED_ROWS = True
TYPES = None
ESCAPED_JOINER = "%3B"
DEFAULT_COLUMNS = "value,type,tags,sources,first_seen,last_seen"


def _joined(names: Sequence[str]) -> str:
    """Return names as one cell has them."""
    text = JOINER.join(names)
    if text.count(JOINER) < len(names):
        return text
    return JOINER.join([name.replace(JOINER, ESCAPED_JOINER) for name in names])


def _confidence(shown: Shown) -> str:
    highest = shown.confidence()
    return "" if highest is None else str(highest)


def _expires(shown: Shown) -> str:
    end = shown.valid_until()
    return "" if end is None else date(end)


OF_ROW: dict[str, Callable[[Row], str]] = {
    "value": lambda row: row.value,
    "type": lambda row: row.type,
    "created": lambda row: date(row.created_at),
    "modified": lambda row: date(row.modified_at),
    "context": lambda row: row.context,
}
OF_ASSERTIONS: dict[str, Callable[[Shown], str]] = {
    "tags": lambda shown: _joined(shown.tags()),
    "sources": lambda shown: _joined(shown.sources()),
    "kind": lambda shown: JOINER.join(shown.kinds()),
    "first_seen": Shown.first_seen,
    "last_seen": Shown.last_seen,
    "expires": _expires,
    "confidence": _confidence,
    "tlp": Shown.tlp_word,
}
COLUMNS = (*OF_ROW, *OF_ASSERTIONS)
OPTIONS = {
    "columns": Option(
        DEFAULT_COLUMNS,
        f"columns in their order, of {', '.join(COLUMNS)}; a ; in a tag or source is {ESCAPED_JOINER}",
    ),
    "header": Option("yes", "a first line with the names of the columns: yes or no"),
    "formula_guard": Option(
        "no",
        "an apostrophe before what a spreadsheet would take for a formula, also behind a semicolon; it changes data: yes or "
        "no",
    ),
}
CONSUMERS = (
    Consumer(
        "A reader of RFC 4180",
        "none of the format's own; a value may hold line breaks, so that a line is not always a row",
        "there is none: every value can be written, in quotes where it has to be",
        "curl --user NAME:TOKEN https://HOST/exports/NAME with the token of a consumer, as often as it is needed",
    ),
    Consumer(
        "A spreadsheet, for people",
        "1,048,576 rows in Excel and LibreOffice, and 32,767 characters in a cell of Excel; what is beyond is lost",
        "a cell that begins like a formula would be one: it gets an apostrophe, which is then part of the text, and so "
        "does what follows a semicolon, a tab or a line break, at which some divide, too",
        "the page https://HOST/exports/NAME in a browser, with any user name and the token of a consumer as the "
        "password, then opened, in LibreOffice with Space and Other unticked, since the guard knows no line that is divided "
        "there; for machines leave it off",
        options="formula_guard=yes",
    ),
)


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
        self._cells: Callable[[Sequence[str]], Sequence[str]] = guarded_cells if table.is_guarded else cells
        self._is_sole = len(table.columns) == 1
        self._shared = Shared(self._texts_of)

    def lines(self, batch: list[Row]) -> str:
        """Return the lines of *batch*."""
        columns = [self._cells([read(row) for row in batch]) for read in self._of_row]
        if self._of_assertions:
            columns += map(self._cells, zip(*self._shared.of_rows(batch), strict=True))
        if self._is_sole:  # an empty cell would be an empty line, which readers skip
            columns = [[text or '""' for text in columns[0]]]
        return "".join(map(self._line, *columns))

    def _texts_of(self, shown: Shown) -> tuple[str, ...]:
        return tuple([read(shown) for read in self._of_assertions])

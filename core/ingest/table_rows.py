"""Turn one row of a table into claims, once it is known what the columns mean."""

import re
from typing import Any

import msgspec

from core.errors import RefusedValue
from core.ingest.lines import excerpt
from core.ingest.reader import Options
from core.ingest.table_cells import EMPTY, Found, confidence, found_in, tlp
from core.ingest.table_columns import Columns
from core.schemas.claim import TLP, Claim, Kind, Refusal
from core.schemas.instant import Instant
from core.values.characters import cleaned, one_line
from core.values.dates import instant

_DATES = ("first_seen", "last_seen", "valid_from", "valid_until")
MAX_TAG_CHARS = 250
MAX_KEPT_TAGS = 100_000
MAX_KEPT_CHARS = 200
MAX_FACT_CHARS = 2000
MAX_MORE_CELLS = 100
_split_tags = re.compile(r"[;,|]").split


class RowReader:
    """Reads the rows of one table.

    Args:
        columns: What the columns mean.
        options: What the user said; a source they named beats the table's own column.
        source: Who says so where neither the user nor the row does.
        names: The header, for messages.
        date_order: ``dmy`` or ``mdy`` where the table shows it; see ``dates.instant``.
        whole_tags: Positions of tag columns whose cell is one tag, commas and all.
    """

    def __init__(
        self,
        columns: Columns,
        options: Options,
        source: str,
        names: list[str],
        date_order: str = "",
        whole_tags: frozenset[int] = frozenset(),
    ) -> None:
        self._values = tuple(columns.values.items())
        self._roles = dict(columns.roles)
        self._dates = tuple((role, columns.roles[role]) for role in _DATES if role in columns.roles)
        self._tag_columns = columns.tags
        self._whole_tags = whole_tags
        self._context = tuple(columns.context.items())
        self._options = options
        self._source = options.source or source
        self._kind = Kind.MALICIOUS if options.kind is None else options.kind
        self._names = names
        self._order = date_order
        self._width = len(names)
        self._last = max(
            (*columns.values, *columns.roles.values(), *columns.tags, *columns.context),
            default=0,
        )
        self._tags_of: dict[tuple[str, ...], tuple[str, ...]] = {(): options.tagged()}
        self._type_at = columns.roles.get("type")
        self._no_more: _More = (None, None, self._source)
        self._has_more = bool({"confidence", "tlp", "source"} & columns.roles.keys())

    def items(self, row: list[str], line: int) -> list[Claim | Refusal]:
        """Return the claims of *row*, and what was refused of it, behind the first claim."""
        if len(row) <= self._last:
            row = row + [""] * (self._last + 1 - len(row))
        found, refusals = self._found(row, line)
        if not found:
            if not refusals:
                refusals.append(Refusal(line, "no value in it", excerpt(" ".join(row))))
            return list(refusals)
        dates = self._moments(row, line, refusals) if self._dates else _NO_DATES
        more = self._more(row, line, refusals) if self._has_more else self._no_more
        cells = tuple(row[at] for at in self._tag_columns)
        tags = self._tags_of.get(cells)
        if tags is None:
            tags = self._tags(cells, line, refusals)
        context = self._facts(row)
        claims: list[Claim | Refusal] = [
            Claim(
                type=kind,
                value=value,
                source=more[2],
                tags=tags,
                kind=self._kind,
                first_seen=dates[0],
                last_seen=dates[1],
                valid_from=dates[2],
                valid_until=dates[3],
                confidence=more[0],
                tlp=more[1],
                context={**context, **extra} if extra else context or None,
                line=line,
            )
            for kind, value, extra in found
        ]
        if refusals:
            claims[1:1] = refusals
        return claims

    def _found(self, row: list[str], line: int) -> tuple[list[Found], list[Refusal]]:
        found: list[Found] = []
        refusals: list[Refusal] = []
        word = row[self._type_at] if self._type_at is not None else ""
        for at, kind in self._values:
            cell = row[at]
            if not cell:
                continue
            try:
                found_in(cell, kind, word, found)
            except RefusedValue as error:
                refusals.append(Refusal(line, str(error), excerpt(cell)))
        return found, refusals

    def _moments(self, row: list[str], line: int, refusals: list[Refusal]) -> "_Dates":
        moments: dict[str, Instant] = {}
        for role, at in self._dates:
            cell = row[at]
            if not cell or cell.strip().lower() in EMPTY:
                continue
            try:
                moments[role] = instant(cell, self._order)
            except RefusedValue as error:
                refusals.append(Refusal(line, f"{self._name(at)}: {error}", excerpt(cell)))
        begin, end = moments.get("valid_from"), moments.get("valid_until")
        if begin is not None and end is not None and end <= begin:
            refusals.append(Refusal(line, "valid until not later than valid from", excerpt(" ".join(row))))
            begin = end = None
        return moments.get("first_seen"), moments.get("last_seen"), begin, end

    def _more(self, row: list[str], line: int, refusals: list[Refusal]) -> "_More":
        sureness, marking, source = None, None, self._source
        for role in ("confidence", "tlp"):
            cell = row[self._roles[role]].strip() if role in self._roles else ""
            if cell.lower() in EMPTY:
                continue
            try:
                if role == "tlp":
                    marking = tlp(cell)
                else:
                    sureness = confidence(cell)
            except RefusedValue as error:
                refusals.append(Refusal(line, f"{role}: {error}", excerpt(cell)))
        if "source" in self._roles and not self._options.source:
            source = one_line(row[self._roles["source"]]) or source
        return sureness, marking, source

    def _tags(self, cells: tuple[str, ...], line: int, refusals: list[Refusal]) -> tuple[str, ...]:
        tags: list[str] = []
        for at, cell in zip(self._tag_columns, cells, strict=True):
            pieces = [cell] if at in self._whole_tags else _pieces(cell)
            tags += [tag for tag in map(one_line, pieces) if tag.lower() not in EMPTY or tag.lower() == "unknown"]
        long = [tag for tag in tags if len(tag) > MAX_TAG_CHARS]
        refusals += [Refusal(line, f"a tag of more than {MAX_TAG_CHARS} characters", excerpt(tag)) for tag in long]
        found = self._options.tagged([tag for tag in tags if tag not in long])
        if not long and len(self._tags_of) < MAX_KEPT_TAGS and sum(map(len, cells)) <= MAX_KEPT_CHARS:
            self._tags_of[cells] = found
        return found

    def _facts(self, row: list[str]) -> dict[str, Any]:
        facts: dict[str, Any] = {}
        for at, name in self._context:
            if row[at]:
                facts[name] = _fact(row[at])
        if len(row) > self._width > 0:
            more = [cell for cell in map(_fact, row[self._width : self._width + MAX_MORE_CELLS]) if cell]
            if more:
                facts["more"] = more
        if self._options.source and "source" in self._roles and row[self._roles["source"]]:
            facts["listed_source"] = cleaned(row[self._roles["source"]])
        return facts

    def _name(self, at: int) -> str:
        return self._names[at].strip() if at < len(self._names) else f"column {at + 1}"


_Dates = tuple[Instant | None, Instant | None, Instant | None, Instant | None]
_More = tuple[int | None, TLP | None, str]
_NO_DATES: _Dates = (None, None, None, None)


def _fact(cell: str) -> str:
    text = cleaned(cell)
    return text if len(text) <= MAX_FACT_CHARS else text[: MAX_FACT_CHARS - 1] + "…"


def _pieces(cell: str) -> list[str]:
    if cell.startswith("[") and cell.endswith("]"):
        try:
            return [str(piece) for piece in msgspec.json.decode(cell, type=list[str])]
        except (msgspec.MsgspecError, RecursionError):
            cell = cell[1:-1].replace('"', "").replace("'", "")
    return _split_tags(cell)

"""Lines built by the database itself: for formats that need no work of ours per row."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from enum import StrEnum
from typing import Self

from core.store import dialect
from core.store.databases.interface import Connection
from core.store.plan import Plan
from core.values.types import RULE

_SAMPLED = 4
_GOLDEN = (5**0.5 - 1) / 2
GROUPED_ROWS = 5_000
"""Rows whose lines the database joins into one text, where a line is little more than a value."""

GROUPED_WIDE_ROWS = 1_000
"""The same where a line holds all that is known."""

WIDEST_CHARS = 4_000
"""Where a line of a type is longer on average its lines are joined here, so that a chunk stays small."""

CHUNK_CHARS = 1 << 17
"""How long a chunk that is joined here may be, about: more falls out of the processor's cache."""

_LONG_TYPES = frozenset({RULE})


class Column(StrEnum):
    """What of a row may stand in a line."""

    TYPE = "type"
    VALUE = "value"
    VALUE_JSON = "value as a JSON string, with its quotes"
    ASSERTIONS_JSON = "assertions as a JSON array"
    CONTEXT_JSON = "context as a JSON array"


_SQL = {
    Column.TYPE: "o.type",
    Column.VALUE: "o.value",
    Column.ASSERTIONS_JSON: "o.assertions",
    Column.CONTEXT_JSON: "o.context",
}
_WIDE = frozenset({Column.ASSERTIONS_JSON, Column.CONTEXT_JSON})


Opened = AbstractContextManager[tuple[Plan, tuple[str, ...]]]


class Lines(Iterator[str]):
    """Chunks of many finished lines; ``entries`` counts the lines of the chunks given so far."""

    def __init__(self, connection: Connection, opened: Callable[[], Opened], line: Sequence[str | Column]) -> None:
        """Prepare to read; nothing is read, and no set made, before the first chunk is asked for."""
        self.entries = 0
        self._connection = connection
        self._opened = opened
        # The last literal, the line end mostly, is put between lines instead of being added to each.
        *parts, last = line
        self._end = "" if isinstance(last, Column) else last
        whole = [*parts, last] if isinstance(last, Column) else parts
        self._expression = " || ".join(map(self._sql, whole)) or "''"
        self._is_wide = not _WIDE.isdisjoint(part for part in line if isinstance(part, Column))
        self._chunks = self._read()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        return next(self._chunks)

    def close(self) -> None:
        """Stop early."""
        self._chunks.close()

    def _read(self) -> Generator[str, None, None]:
        with self._opened() as (plan, types):
            if plan.picked:
                yield from self._joined(
                    f"SELECT {self._expression} FROM temp.{plan.picked} p"  # noqa: S608
                    " CROSS JOIN observable o ON o.id = p.id ORDER BY p.n"
                )
                return
            bounds, long_types = self._bounds()
            for type_ in types:
                if type_ in long_types:
                    yield from self._joined(
                        f"SELECT {self._expression} FROM observable o WHERE o.type = ?{plan.where}"  # noqa: S608
                        " ORDER BY o.type, o.value",
                        type_,
                    )
                else:
                    yield from self._grouped(type_, bounds.get(type_, []), plan)

    def _grouped(self, type_: str, bounds: list[str], plan: Plan) -> Iterator[str]:
        after = ""
        for until in (*bounds, None):
            where = f"o.type = ? AND o.value > ?{'' if until is None else ' AND o.value <= ?'}{plan.where}"
            query = self._connection.words.joined(self._expression, dialect.literal(self._end), where)
            values = (type_, after) if until is None else (type_, after, until)
            number, text = self._connection.execute(query, values).fetchone()
            if number:
                self.entries += number
                yield text + self._end
            after = until or ""

    def _bounds(self) -> tuple[dict[str, list[str]], set[str]]:
        """Return values that cut each type into chunks, and the types whose lines are too long for that.

        Both come from a sample of the row ids: counting rows off the index would cost as much as reading them.
        """
        highest = self._connection.execute("SELECT COALESCE(max(id), 0) FROM observable").fetchone()[0]
        # Not at even steps: an import numbers each of its batches in the order of the index, and steps that fit a
        # batch would hit the same places of the order in every one.
        number = highest * _SAMPLED // (GROUPED_WIDE_ROWS if self._is_wide else GROUPED_ROWS)
        sample = sorted({1 + int(highest * (step * _GOLDEN % 1)) for step in range(number)})
        found: dict[str, list[str]] = {}
        lengths: Counter[str] = Counter()
        columns = f"t.type, t.value, {'length(t.assertions) + length(t.context)' if self._is_wide else '0'}"
        for type_, value, length in sorted(
            dialect.find_by_ids(self._connection, columns, "observable", sample, "id")
        ):
            found.setdefault(type_, []).append(value)
            lengths[type_] += length
        long_types = {type_ for type_, values in found.items() if lengths[type_] > WIDEST_CHARS * len(values)}
        return {
            type_: values[_SAMPLED - 1 :: _SAMPLED] for type_, values in found.items()
        }, long_types | _LONG_TYPES

    def _joined(self, query: str, *values: str) -> Iterator[str]:
        size = 64
        # Closed even when a reader stops early: the temporary tables under it are to be dropped.
        with closing(self._connection.scan(query, values)) as rows:
            while lines := rows.fetchmany(size):
                text = self._end.join([line for (line,) in lines]) + self._end
                self.entries += len(lines)
                # As many rows as make a chunk, by the length of those just seen.
                size = max(1, min(GROUPED_ROWS, size * CHUNK_CHARS // max(1, len(text))))
                yield text

    def _sql(self, part: str | Column) -> str:
        if part == Column.VALUE_JSON:
            return self._connection.words.json_string("o.value")
        return _SQL[part] if isinstance(part, Column) else dialect.literal(part)

"""SQL as PostgreSQL says it: what is another word, and what is only spelt in another way."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from core.store.dialect import literal


class PostgresqlWords:
    """SQL as PostgreSQL says it."""

    in_order_of_elements = " ORDER BY j.place"

    def number(self, order: str) -> str:
        # A column that numbers by itself has a sequence, and that is one more file for each temporary table.
        return f"row_number() OVER (ORDER BY {order})"

    def as_bytes(self, text: str) -> str:
        return f"textsend({text})"  # as it is kept; a conversion would be refused where it is no text

    def json_string(self, text: str) -> str:
        return f"to_json({text})::text"

    def joined(self, line: str, end: str, where: str) -> str:
        # Sorted before it is joined: an aggregate that has to sort keeps every line twice.
        rows = f"SELECT {line} AS line FROM observable o WHERE {where} ORDER BY o.type, o.value"  # noqa: S608
        return f"SELECT count(*), string_agg(r.line, {end}) FROM ({rows}) r"  # noqa: S608 (our own words)

    def texts_joined(self, text: str, order: str) -> str:
        return f"string_agg({text}, ' ' ORDER BY {order})"

    def contains(self, text: str) -> str:
        return f"strpos({text}, ?) > 0"

    def ends_with(self, text: str, end: str) -> str:
        return f"right({text}, {len(end)}) = {literal(end)}"

    def prefix_length(self, network: str) -> str:
        return f"CAST(substring({network} FROM '/([0-9]+)$') AS INTEGER)"

    def not_among(self, key: str, table: str) -> str:
        # Not ``NOT IN``: that is looked through for each row as soon as the table does not fit into memory.
        return f"NOT EXISTS (SELECT 1 FROM {table} among WHERE among.id = {key})"  # noqa: S608

    def elements(self, values: Sequence[int] | Sequence[str] | range) -> tuple[str, Any]:
        kind = "text" if values and isinstance(values[0], str) else "bigint"
        return f"unnest(?::{kind}[]) WITH ORDINALITY j(value, place)", list(values)


_SPELT = re.compile(
    r"(?P<kept>'(?:[^']|'')*'|\"[^\"]*\")"
    r"|(?P<mark>\?)"
    r"|(?P<temporary>\btemp\.)"
    r"|(?P<cross>\bCROSS JOIN\b)"
    r"|(?P<hint> NOT INDEXED\b| INDEXED BY \w+| WITHOUT ROWID\b)"
    r"|(?P<differs>\bIS NOT (?!NULL\b|TRUE\b|FALSE\b|DISTINCT\b))"
    r"|(?P<same>\bIS (?!NOT\b|NULL\b|TRUE\b|FALSE\b|DISTINCT\b))"
    r"|(?P<type>\b(?:INTEGER|TEXT)\b)"
)
_TYPES = {"INTEGER": "BIGINT", "TEXT": 'TEXT COLLATE "C"'}
_WORDS = {
    "temporary": "pg_temp.",
    "cross": "JOIN",
    "hint": "",
    "differs": "IS DISTINCT FROM ",
    "same": "IS NOT DISTINCT FROM ",
}


@lru_cache(maxsize=1_024)
def spelt(sql: str) -> str:
    """Return the store's SQL as PostgreSQL spells it.

    Parameters are numbered; temporary tables lie in ``pg_temp``, have integers of 64 bits and texts in code-point
    order; what tells SQLite in which order to read tables is left out.
    """
    number = 0
    makes_table = sql.startswith("CREATE TEMP TABLE")

    def word(match: re.Match[str]) -> str:
        nonlocal number
        kind = match.lastgroup or "kept"
        if kind == "mark":
            number += 1
            return f"${number}"
        if kind == "type":
            return _TYPES[match[0]] if makes_table else match[0]
        return _WORDS.get(kind, match[0])

    return _SPELT.sub(word, sql)

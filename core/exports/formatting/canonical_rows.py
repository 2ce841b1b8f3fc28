"""Rows whose values are in the one form of their type; what is otherwise is refused.

A batch is looked at as a whole, by one regular expression, where there is one for its type; only where that fails is
each value looked at.
"""

import re
from collections.abc import Callable
from itertools import groupby
from operator import attrgetter

from core.errors import RefusedValue
from core.exports.formatting.address_check import are_ipv4
from core.exports.formatting.contract import Refusing
from core.exports.formatting.names import are_names
from core.store.snapshot import Row
from core.values import types
from core.values.canonical import canonical
from core.values.hashes import LENGTHS

NOT_CANONICAL = "not in the canonical form of its type"

# Of URLs those that most are: a host name, no user, and nothing that would have to be encoded.
_are_urls = re.compile(
    r"(?:https?://(?![^/?#\n]{254})(?:[a-z0-9_-]{1,63}+\.)++[a-z][a-z0-9-]{0,62}+(?<!-)"
    r"(?::[1-9][0-9]{0,3})?+(?:[/?#][!-~]*+)?+\n)*+",
    re.ASCII,
).fullmatch

_ARE: dict[str, Callable[[str], object]] = {
    types.IPV4: are_ipv4,
    types.HOSTNAME: are_names,
    types.URL: _are_urls,
    **{kind: re.compile(rf"(?:[0-9a-f]{{{length}}}\n)*+").fullmatch for kind, length in LENGTHS.items()},
}


def canonical_rows(batch: list[Row], out: Refusing) -> list[Row]:
    """Return those rows of *batch* whose values are canonical, in their order; refuse the others."""
    if not batch:
        return batch
    if batch[0].type == batch[-1].type:  # they are in order
        return _of_type(batch, out)
    return [row for _, group in groupby(batch, attrgetter("type")) for row in _of_type(list(group), out)]


def why_not(type_: str, value: str) -> str:
    """Return why a value is not the canonical one of its type; empty if it is."""
    try:
        return "" if canonical(type_, value) == value else NOT_CANONICAL
    except RefusedValue as error:
        return str(error)


def _of_type(rows: list[Row], out: Refusing) -> list[Row]:
    are = _ARE.get(rows[0].type)
    if are is not None:
        text = "\n".join([row.value for row in rows]) + "\n"
        if are(text) and text.count("\n") == len(rows):
            return rows
    good = []
    for row in rows:
        if reason := why_not(row.type, row.value):
            out.refuse(row, reason)
        else:
            good.append(row)
    return good

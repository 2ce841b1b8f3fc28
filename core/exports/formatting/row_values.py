"""Which rows may be written where the consumer needs values in their canonical form: those, and no others.

The rows of one type in a batch are looked at together, since most batches hold nothing else.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter

from core.errors import RefusedValue
from core.exports.formatting.address_check import accepted
from core.exports.formatting.contract import Output, Value, Values
from core.exports.formatting.names import listed_names
from core.store.snapshot import Row
from core.values import canonical, types
from core.values.hashes import LENGTHS

NOT_CANONICAL = "not in its canonical form"

_ADDRESSES = frozenset((types.IPV4, types.IPV6, types.CIDR))
_are_hashes: dict[str, Callable[[str], object]] = {
    type_: re.compile(rf"(?:[0-9a-f]{{{length}}}\n)*+").fullmatch for type_, length in LENGTHS.items()
}
_type_of = attrgetter("type")


def listed_rows(batch: Sequence[Row], out: Output, refused: Mapping[int, str] | None = None) -> list[Row]:
    """Return the rows whose values may be listed, in order; refuse the others.

    Args:
        batch: Of any types.
        out: Where the others are refused.
        refused: Reasons to refuse all addresses and networks of a version (4 or 6).
    """
    good: list[Row] = []
    for type_, group in groupby(batch, _type_of):
        rows = list(group)
        values = [row.value for row in rows]
        kept = _listed(Values(type_, values), out, refused)
        if kept is values or len(kept) == len(values):
            good += rows
        else:
            listed = set(kept)
            good += [row for row in rows if row.value in listed]
    return good


def refuse_others(batch: Sequence[Row], taken: Iterable[str], out: Output, reason: str) -> list[Row]:
    """Return the rows of the types *taken*; refuse the others for *reason*."""
    good = [row for row in batch if row.type in taken]
    if len(good) < len(batch):
        for row in batch:
            if row.type not in taken:
                out.refuse(row, reason)
    return good


def _listed(batch: Values, out: Output, refused: Mapping[int, str] | None) -> list[str]:
    if batch.type == types.HOSTNAME:
        return listed_names(batch, out)
    if batch.type in _ADDRESSES:
        return accepted(batch, out, refused).texts
    if batch.type in LENGTHS:
        text = "\n".join([*batch.values, ""])
        if text.count("\n") == len(batch.values) and _are_hashes[batch.type](text):
            return batch.values
    good = []
    for value in batch.values:
        if reason := _why_not(batch.type, value):
            out.refuse(Value(batch.type, value), reason)
        else:
            good.append(value)
    return good


def _why_not(type_: str, value: str) -> str:
    try:
        return "" if canonical.canonical(type_, value) == value else NOT_CANONICAL
    except RefusedValue as error:
        return str(error)

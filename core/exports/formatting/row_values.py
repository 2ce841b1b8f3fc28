"""Which rows may be written where the consumer needs values in their canonical form: those, and no others.

Also refused is what would stand for everybody: a public suffix, every address, the hash of an empty file.  The rows of
one type in a batch are looked at together, since most batches hold nothing else.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from core.errors import RefusedValue
from core.exports.formatting import address_check, hash_check
from core.exports.formatting.contract import Output, Refusing, Value, Values
from core.exports.formatting.names import listed_names
from core.exports.formatting.url_requests import canonical_urls
from core.store.snapshot import Row
from core.values import canonical, types
from core.values.hashes import LENGTHS

NOT_CANONICAL = "not in the canonical form of its type"

_ADDRESSES = frozenset((types.IPV4, types.IPV6, types.CIDR))
_type_of = attrgetter("type")
_UrlCheck = Callable[[Values, Refusing], list[str]]


class Listed(NamedTuple):
    """Rows of one type that may be listed, and the value of each."""

    type: str
    rows: list[Row]
    values: list[str]


def listed(
    batch: Sequence[Row],
    out: Refusing,
    refused: Mapping[int, str] | None = None,
    *,
    urls: _UrlCheck = canonical_urls,
) -> list[Listed]:
    """Return the rows whose values may be listed, in order, those of a type together; refuse the others.

    Args:
        batch: Of any types.
        out: Where the others are refused.
        refused: Reasons to refuse all addresses and networks of a version (4 or 6).
        urls: What returns the URLs that may be listed, and refuses the others: see ``url_requests``.
    """
    good = []
    for type_, group in groupby(batch, _type_of):
        rows = list(group)
        values = [row.value for row in rows]
        kept = _listed(Values(type_, values), out, refused, urls)
        if len(kept) < len(values):
            good_values = set(kept)
            rows = [row for row in rows if row.value in good_values]
            values = [row.value for row in rows]
        if rows:
            good.append(Listed(type_, rows, values))
    return good


def refuse_others(batch: Sequence[Row], taken: Container[str], out: Output, reason: str) -> list[Row]:
    """Return the rows of the types *taken*; refuse the others for *reason*."""
    good = [row for row in batch if row.type in taken]
    if len(good) < len(batch):
        out.refuse_all([row for row in batch if row.type not in taken], reason)
    return good


def why_not_canonical(type_: str, value: str) -> str:
    """Return why a value is not the canonical one of its type; empty if it is."""
    try:
        return "" if canonical.canonical(type_, value) == value else NOT_CANONICAL
    except RefusedValue as error:
        return str(error)


def _listed(batch: Values, out: Refusing, refused: Mapping[int, str] | None, urls: _UrlCheck) -> list[str]:
    if batch.type == types.HOSTNAME:
        return listed_names(batch, out)
    if batch.type in _ADDRESSES:
        return address_check.accepted(batch, out, refused).texts
    if batch.type in LENGTHS:
        return hash_check.accepted(batch, out)
    if batch.type == types.URL:
        return urls(batch, out)
    good = []
    for value in batch.values:
        if reason := why_not_canonical(batch.type, value):
            out.refuse(Value(batch.type, value), reason)
        else:
            good.append(value)
    return good

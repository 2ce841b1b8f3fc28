"""What is listed now inside a network, on an address, or below a name.

Each is a range of the index on type and value, as texts of what lies in a network begin alike; only names below a
name are looked for among all names, since nothing sorts them from their end.
"""

from collections.abc import Iterator
from typing import NamedTuple

from core.errors import RefusedValue
from core.store.allow_lists.entries import ADDRESSES
from core.store.databases.interface import Connection
from core.values import types
from core.values.networks import BITS, Span, span_of
from core.values.urls import host_of

_SCHEMES = ("http", "https", "ftp")
_AFTER = "\x7f"
"""What sorts after every character of an address or a URL."""

_LISTED = (
    "SELECT o.value, l.export_id FROM observable o CROSS JOIN ledger l ON l.observable_id = o.id"
    " WHERE l.export_id IN (SELECT id FROM export) AND l.last_version IS NULL AND l.is_listed AND o.type = ?"
)
_PARTS = (
    "SELECT p.value, p.export_id FROM ledger_piece p LEFT JOIN observable o ON o.id = p.observable_id"
    " WHERE p.last_version IS NULL AND p.value >= ? AND p.value < ? AND (o.value IS NULL OR o.value <> ?)"
)


class Inside(NamedTuple):
    """An entry that is listed, and the row id of an export that lists it."""

    value: str
    export_id: int


def listed_inside(connection: Connection, type_: str, value: str) -> Iterator[Inside]:
    """Yield what is listed now inside of an observable, but for itself, once for each export.

    Of a network or an address these are addresses, networks, parts of other networks, and URLs on such hosts; of a
    name, names below it and URLs on it.  URLs with a user before the host are not found, nor are those in networks
    that are broader than the first part of an address.
    """
    if type_ in ADDRESSES:
        try:
            yield from _in_network(connection, value)
        except RefusedValue:
            return
    elif type_ == types.HOSTNAME:
        below = "." + value
        query = f"{_LISTED} AND {connection.words.ends_with('o.value', below)}"
        yield from map(Inside._make, connection.execute(query, (types.HOSTNAME,)))
        for item in _urls(connection, value):
            if host_of(item.value) == value:
                yield item


def _in_network(connection: Connection, value: str) -> Iterator[Inside]:
    span = span_of(value)
    beginning = _beginning(span)
    bounds = (beginning, beginning + _AFTER)
    query = f"{_LISTED} AND o.value >= ? AND o.value < ?"
    found = [connection.execute(query, (type_, *bounds)) for type_ in sorted(ADDRESSES)]
    found.append(connection.execute(_PARTS, (*bounds, value)))
    for rows in found:
        for item in map(Inside._make, rows):
            if item.value != value and _is_in(item.value, span):
                yield item
    if beginning:
        for item in _urls(connection, beginning if span.version == 4 else "[" + beginning):
            if _is_in(host_of(item.value).strip("[]"), span):
                yield item


def _urls(connection: Connection, host: str) -> Iterator[Inside]:
    """Yield the listed URLs whose host begins like that."""
    query = f"{_LISTED} AND o.value >= ? AND o.value < ?"
    for scheme in _SCHEMES:
        beginning = f"{scheme}://{host}"
        yield from map(Inside._make, connection.execute(query, (types.URL, beginning, beginning + _AFTER)))


def _is_in(value: str, span: Span) -> bool:
    try:
        found = span_of(value)
    except RefusedValue:  # a name
        return False
    return found.version == span.version and span.first <= found.first and found.last <= span.last


def _beginning(span: Span) -> str:
    """Return how the text of each address in a network begins; of IPv6 up to where zeros may be left out."""
    bits = BITS[span.version]
    unit = 8 if span.version == 4 else 16
    whole = (bits - span.size.bit_length() + 1) // unit
    parts = [span.first >> bits - unit * (place + 1) & (1 << unit) - 1 for place in range(whole)]
    if span.version == 6:
        parts = parts[: parts.index(0)] if 0 in parts else parts
    joint, text = (".", str) if span.version == 4 else (":", "{:x}".format)
    return joint.join(map(text, parts)) + (joint if 0 < len(parts) < bits // unit else "")

"""Which exports hold a value, and what else would still hold it after it was withdrawn."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.exports.select import resolved
from core.schemas.instant import Instant
from core.store import definitions, observables, runs
from core.values import types
from core.values.networks import span_of

if TYPE_CHECKING:
    from core.store import Store

_ADDRESSES = frozenset({types.IPV4, types.IPV6, types.CIDR})


def holders(store: "Store", type_: str, value: str, now: Instant) -> list[str]:
    """Return the exports, by name, that take an observable now, or took it in their current version."""
    ids = observables.ids_of(store, type_, value)
    found = []
    for definition in definitions.exports(store) if ids else []:
        current = runs.current_version(store, definition.name)
        instants = {now} | ({current.instant} if current else set())
        selection = resolved(definition)
        if selection.types and type_ not in selection.types:
            continue
        with store.snapshot() as snapshot:
            if any(snapshot.takes(selection, instant, ids) for instant in instants):
                found.append(definition.name)
    return found


def covering(store: "Store", type_: str, value: str, now: Instant) -> Iterator[tuple[str, str]]:
    """Yield the observables (type, value) that stand for this one too: networks it lies in, names it is below.

    Only those that count for anything now: what is withdrawn or stale covers nothing.
    """
    for kind, text in _wider(store, type_, value):
        if any(
            item.fresh and item.kind in ("malicious", "suspicious")
            for row in observables.find(store, text, now, type=kind)
            for item in row.tags
        ):
            yield kind, text


def _wider(store: "Store", type_: str, value: str) -> Iterator[tuple[str, str]]:
    if type_ in _ADDRESSES:
        span = span_of(value)
        for batch in observables.values_of(store, types.CIDR):
            for text in batch:
                wider = span_of(text)
                if (
                    text != value
                    and wider.version == span.version
                    and wider.first <= span.first <= span.last <= wider.last
                ):
                    yield types.CIDR, text
    elif type_ == types.HOSTNAME:
        parent = value.partition(".")[2]
        while "." in parent:
            yield types.HOSTNAME, parent
            parent = parent.partition(".")[2]

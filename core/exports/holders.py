"""Which published exports hold a value, and what else stands for it there."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.errors import YetiError
from core.exports.select import resolved
from core.schemas.instant import Instant
from core.store import definitions, observables, runs
from core.values import types
from core.values.networks import Span, span_of

if TYPE_CHECKING:
    from core.schemas.export import ExportDefinition
    from core.store import Store
    from core.store.snapshot import Snapshot

_ADDRESSES = frozenset({types.IPV4, types.IPV6, types.CIDR})


def holders(store: "Store", type_: str, value: str, now: Instant) -> list[str]:
    """Return the exports, by name, whose published file holds an observable, or would after the next run.

    That is reckoned: by what made the current version, at its instant, and by what the export is now.  What cannot
    be reckoned (a format that is gone) may hold it.  An export that never published holds nothing.
    """
    key = observables.id_of(store, type_, value)
    if key is None:
        return []
    found: list[str] = []
    with store.snapshot() as snapshot:
        for definition in definitions.exports(store):
            if runs.current_version(store, definition.name) is None:
                continue
            try:
                before = runs.published_definition(store, definition.name)
                held = any(_took(snapshot, *each, type_, key) for each in (before, (definition, now)))
            except YetiError:
                held = True
            if held:
                found.append(definition.name)
    return found


def covering(store: "Store", type_: str, value: str, now: Instant) -> Iterator[tuple[str, str, list[str]]]:
    """Yield what stands for an observable on published exports.

    That is the type and value of a network it lies in, or of a name that it is below, and the exports that hold it.
    """
    for kind, text in _wider(store, type_, value):
        if names := holders(store, kind, text, now):
            yield kind, text, names


def _took(snapshot: "Snapshot", definition: "ExportDefinition", instant: Instant, type_: str, key: int) -> bool:
    selection = resolved(definition)
    return (not selection.types or type_ in selection.types) and snapshot.took(selection, instant, key)


def _wider(store: "Store", type_: str, value: str) -> Iterator[tuple[str, str]]:
    if type_ in _ADDRESSES:
        span = span_of(value)
        for batch in observables.values_of(store, types.CIDR):
            yield from ((types.CIDR, text) for text in batch if text != value and _lies_in(span, span_of(text)))
    elif type_ == types.HOSTNAME:
        parent = value.partition(".")[2]
        while "." in parent:
            yield types.HOSTNAME, parent
            parent = parent.partition(".")[2]


def _lies_in(span: Span, wider: Span) -> bool:
    return wider.version == span.version and wider.first <= span.first and span.last <= wider.last

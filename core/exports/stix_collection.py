"""What a version lists as STIX 2.1 indicators, a page at a time: each as the bundle of that version has it.

An export of any format has them; they are those of the format ``stix``, with the options of the version if that is its
format, and their defaults if it is another.  The identity that is named as their creator is no object of a collection.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec
from msgspec import structs

from core.errors import DefinitionError
from core.exports import stix_objects
from core.exports.formats import get_format, parse_options, stix
from core.exports.formatting.stix_indicators import Bundle, Indicators, expressible
from core.exports.select import bounded
from core.schemas.export import ExportDefinition, Selection
from core.schemas.instant import Instant
from core.store.ledger.collections import Entry
from core.store.ledger.gone import withdrawn_at
from core.store.ledger.history import version_made

if TYPE_CHECKING:
    from core.store import Store
    from core.store.snapshot import Row, Snapshot


class _Made(NamedTuple):
    """By what a version was made, and when."""

    selection: Selection
    options: Bundle
    instant: Instant


class Indicator(msgspec.Struct, frozen=True):
    """The indicator of an entry: its id, which version of it this is, and the whole as JSON."""

    id: str
    modified: str
    text: str = ""


_decode = msgspec.json.Decoder(Indicator).decode


class _Nowhere:
    """Where refusals go that the run has told of."""

    def refuse(self, row: Any, reason: str) -> None:
        """Say nothing."""


def indicators(
    store: "Store", export_id: int, number: int, entries: Sequence[Entry]
) -> list[tuple[Entry, Indicator]]:
    """Return *entries* of version *number*, in their order, each with its indicator.

    Those that have none, since a bundle would refuse them, or are no more, are not among them.
    """
    with _opened(store, export_id, number) as (snapshot, made):
        rows = snapshot.rows_of(made.selection, made.instant, {entry.place.observable for entry in entries})
        revoked_at = withdrawn_at(snapshot, export_id, number, _values(entries))
    named: dict[tuple[str, str], Row] = {}
    for entry in entries:
        row = rows.get(entry.place.observable)
        if row is not None:
            whole = row if not entry.place.part else structs.replace(row, type=entry.type, value=entry.value)
            named[entry.type, entry.value] = whole
    good = expressible(sorted(named.values(), key=attrgetter("type", "value")), _Nowhere())
    objects = Indicators(made.instant, made.options, revoked_at)
    found = {
        (listed.type, value): structs.replace(_decode(text), text=text)
        for listed in good
        for value, text in zip(listed.values, objects.texts(listed), strict=True)
    }
    return [(entry, found[key]) for entry in entries if (key := (entry.type, entry.value)) in found]


def ids(store: "Store", export_id: int, number: int, entries: Sequence[Entry]) -> list[str]:
    """Return the id of the indicator of each of *entries*, which is less work than the whole."""
    with _opened(store, export_id, number) as (snapshot, _):
        revoked_at = withdrawn_at(snapshot, export_id, number, _values(entries))
    return [
        stix_objects.indicator_id(entry.type, entry.value, revoked_at.get((entry.type, entry.value)))
        for entry in entries
    ]


@contextmanager
def _opened(store: "Store", export_id: int, number: int) -> Iterator[tuple["Snapshot", _Made]]:
    """Give a snapshot, and by which definition and at which instant a version was made."""
    with store.snapshot() as snapshot:
        made = version_made(snapshot.connection, export_id, number)
        definition = _definition("" if made is None else made.definition)
        yield snapshot, _Made(bounded(definition), _options(definition), 0 if made is None else made.instant)


def _definition(text: str) -> ExportDefinition:
    try:
        return msgspec.json.decode(text, type=ExportDefinition)
    except msgspec.MsgspecError:  # of a version of long ago
        return ExportDefinition("", "")


def _options(definition: ExportDefinition) -> Bundle:
    form = get_format(stix.NAME)
    if definition.format == stix.NAME:
        with suppress(DefinitionError):  # of a version of long ago, too
            return cast("Bundle", parse_options(form, definition.options))
    return cast("Bundle", parse_options(form, {}))


def _values(entries: Sequence[Entry]) -> list[tuple[str, str]]:
    return [(entry.type, entry.value) for entry in entries]

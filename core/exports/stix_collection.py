"""What a version lists as STIX 2.1 indicators, a page at a time: each as the bundle of that version has it.

An export of any format has them; they are those of the format ``stix`` with the defaults of its options.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import structs

from core.exports import stix_objects
from core.exports.formats import stix
from core.exports.formatting.stix_indicators import Indicators, expressible
from core.exports.select import bounded
from core.schemas.export import ExportDefinition, Selection
from core.schemas.instant import Instant
from core.store.ledger.collections import Entry
from core.store.ledger.gone import withdrawn_at
from core.store.ledger.history import version_made

if TYPE_CHECKING:
    from core.store import Store
    from core.store.snapshot import Row, Snapshot

_OPTIONS = stix.parse({name: option.default for name, option in stix.OPTIONS.items()})


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
    with _opened(store, export_id, number) as (snapshot, selection, instant):
        rows = snapshot.rows_of(selection, instant, {entry.place.observable for entry in entries})
        revoked_at = withdrawn_at(snapshot, export_id, number, _values(entries))
    named: dict[tuple[str, str], Row] = {}
    for entry in entries:
        row = rows.get(entry.place.observable)
        if row is not None:
            whole = row if not entry.place.part else structs.replace(row, type=entry.type, value=entry.value)
            named[entry.type, entry.value] = whole
    good = expressible(sorted(named.values(), key=attrgetter("type", "value")), _Nowhere())
    texts = Indicators(instant, _OPTIONS, revoked_at).texts(good)
    made = {
        (row.type, row.value): structs.replace(_decode(text), text=text)
        for row, text in zip(good, texts, strict=True)
    }
    return [(entry, made[key]) for entry in entries if (key := (entry.type, entry.value)) in made]


def ids(store: "Store", export_id: int, number: int, entries: Sequence[Entry]) -> list[str]:
    """Return the id of the indicator of each of *entries*, which is less work than the whole."""
    with _opened(store, export_id, number) as (snapshot, _, _):
        revoked_at = withdrawn_at(snapshot, export_id, number, _values(entries))
    return [
        stix_objects.indicator_id(entry.type, entry.value, revoked_at.get((entry.type, entry.value)))
        for entry in entries
    ]


@contextmanager
def _opened(store: "Store", export_id: int, number: int) -> Iterator[tuple["Snapshot", Selection, Instant]]:
    """Give a snapshot, and by which selection and at which instant a version was made."""
    with store.snapshot() as snapshot:
        made = version_made(snapshot.connection, export_id, number)
        yield snapshot, _selection("" if made is None else made.definition), 0 if made is None else made.instant


def _selection(text: str) -> Selection:
    try:
        definition = msgspec.json.decode(text, type=ExportDefinition)
    except msgspec.MsgspecError:  # of a version of long ago
        definition = ExportDefinition("", "")
    return bounded(definition)


def _values(entries: Sequence[Entry]) -> list[tuple[str, str]]:
    return [(entry.type, entry.value) for entry in entries]

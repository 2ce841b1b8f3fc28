"""Which entry puts a required value on the list: its own, or that of a network around it."""

from typing import TYPE_CHECKING

from core.schemas.export import Selection
from core.schemas.instant import Instant
from core.store.allow_lists.entries import ADDRESSES
from core.store.ledger.history import lies_in, wider
from core.values.types import CIDR

if TYPE_CHECKING:
    from core.store.snapshot import Snapshot

PIECE = 0
"""Stands for what is left of a network; no observable has this row id."""


def entry_of(snapshot: "Snapshot", selection: Selection, instant: Instant, type_: str, value: str) -> int | None:
    """Return the row id of the entry that puts a value on the list, ``None`` if it is not on it.

    What lies in a listed network is on the list with it: what never may be is seen so, too.  Of several the
    narrowest one is taken.
    """
    query = "SELECT id FROM observable WHERE type = ? AND value = ?"
    own = snapshot.connection.execute(query, (type_, value)).fetchone()
    if own is not None and snapshot.takes(selection, instant, type_, value):
        return int(own[0])
    if type_ not in ADDRESSES:
        return None
    if any(lies_in(value, piece) for _, _, piece in snapshot.pieces):
        return PIECE
    for item in wider(snapshot.connection, type_, value):
        if item.type == CIDR and snapshot.takes(selection, instant, item.type, item.value):
            return item.id
    return None

"""What an export listed and does not take any more, with the reason and the instant of the run that left it out."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from core.schemas.export import Selection
from core.schemas.instant import Instant
from core.store.ledger.comparing import compare
from core.store.ledger.lines import REMOVED, Change, word_of
from core.store.snapshot import Snapshot

_decode = msgspec.json.Decoder(Change).decode


class Gone(NamedTuple):
    """One observable: type, value, the word of the reason, and the instant of the first run without it."""

    type: str
    value: str
    reason: str
    since: Instant


def gone(snapshot: Snapshot, export_id: int, selection: Selection, instant: Instant) -> list[Gone]:
    """Return what versions of an export listed and *selection* does not take, in order of (type, value).

    About 300 bytes of memory each.  What retention has forgotten is not among it; nor are the parts of a network
    that was split.

    Args:
        snapshot: The state of the store; nothing else may be asked of it meanwhile.
        export_id: Row id of the export; 0 listed nothing.
        selection: With types.
        instant: Of the run: what it leaves out itself is gone since then.
    """
    if not export_id:
        return []
    now = list(_leaving(snapshot, export_id, selection, instant))
    with snapshot.selected(selection, instant) as taken:
        rows = snapshot.connection.execute(
            "SELECT o.type, o.value, COALESCE(t.text, ''), v.instant FROM ledger l"  # noqa: S608 (our own words)
            " JOIN observable o ON o.id = l.observable_id"
            " JOIN version v ON v.export_id = l.export_id AND v.number = l.last_version + 1"
            " LEFT JOIN ledger_text t ON t.id = l.ended_by"
            f" WHERE l.export_id = {export_id:d} AND l.is_listed AND l.last_version IS NOT NULL"
            " AND NOT EXISTS (SELECT 1 FROM ledger n WHERE n.export_id = l.export_id"
            " AND n.observable_id = l.observable_id AND n.is_listed AND n.first_version > l.first_version)"
            f" AND l.observable_id NOT IN (SELECT id FROM {taken})"
        )
        before = [Gone(type_, value, _word(text), since) for type_, value, text, since in rows]
    return sorted([*now, *before])


def _leaving(snapshot: Snapshot, export_id: int, selection: Selection, instant: Instant) -> Iterable[Gone]:
    """Return what is listed now and this run leaves out."""
    found: list[Gone] = []

    def take(text: str, _: int) -> None:
        for line in text.splitlines():
            if f'"{REMOVED}"' in line:
                change = _decode(line)
                if change.change == REMOVED and not change.piece:
                    found.append(Gone(change.type, change.value, _word(bytes(change.why).decode()), instant))

    compare(snapshot, export_id, selection, instant, take)
    return found


def _word(why: str) -> str:
    return word_of(why) if why.startswith("{") else ""

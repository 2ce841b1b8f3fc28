"""What left an export: with the reason, and the instant of the run that left it out."""
# ruff: noqa: S608 - the parts of the queries are our own words and whole numbers

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from core.schemas.claim import TLP
from core.schemas.export import Selection
from core.schemas.instant import Instant
from core.store import dialect
from core.store.ledger.comparing import compare
from core.store.ledger.lines import REMOVED, WITHDRAWN, Change, word_of
from core.store.ledger.texts import was_withdrawn
from core.store.snapshot import Snapshot

_decode = msgspec.json.Decoder(Change).decode


class Gone(NamedTuple):
    """One observable that left.

    Attributes:
        reason: ``withdrawn``, ``expired``, ``excluded`` … as the ledger has it.
        since: The instant of the first run without it, in microseconds UTC.
        created_at: When the observable was first known, in microseconds UTC.
        tlp: The strictest marking that the export may pass on of what is claimed of it; ``None`` if none is marked.
    """

    type: str
    value: str
    reason: str
    since: Instant
    created_at: Instant
    tlp: TLP | None


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
    now = _leaving(snapshot, export_id, selection, instant)
    with snapshot.selected(selection, instant) as taken:
        before = _before(
            snapshot,
            export_id,
            selection,
            " AND NOT EXISTS (SELECT 1 FROM ledger n WHERE n.export_id = l.export_id"
            " AND n.observable_id = l.observable_id AND n.is_listed AND n.first_version > l.first_version)"
            f" AND l.observable_id NOT IN (SELECT id FROM {taken})",
        )
    return sorted([*now, *before])


def withdrawals(snapshot: Snapshot, export_id: int, selection: Selection, instant: Instant) -> list[Gone]:
    """Return what was withdrawn from an export, each time, in order of (type, value, since).

    Unlike `gone`, whose arguments it has, it tells also of what is on the list again, and of each time that it left so.
    """
    if not export_id:
        return []
    now = [item for item in _leaving(snapshot, export_id, selection, instant) if item.reason == WITHDRAWN]
    before = _before(snapshot, export_id, selection, f" AND {was_withdrawn('t')}")
    return sorted([*now, *before], key=lambda item: (item.type, item.value, item.since))


def withdrawn_at(
    snapshot: Snapshot, export_id: int, number: int, values: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Instant]:
    """Return when observables, given as pairs of type and value, were last withdrawn from an export before a version.

    That is what `withdrawals` told the run which made version *number*, of a few of what that lists.
    """
    by_type: dict[str, list[str]] = {}
    for type_, value in values:
        by_type.setdefault(type_, []).append(value)
    found: dict[tuple[str, str], Instant] = {}
    for type_, some in by_type.items():
        elements, parameter = snapshot.connection.words.elements(some)
        rows = snapshot.connection.execute(
            f"SELECT o.value, max(v.instant) FROM {elements} CROSS JOIN observable o ON o.type = ? AND o.value = j.value"
            f" JOIN ledger l ON l.export_id = {export_id:d} AND l.observable_id = o.id"
            " JOIN version v ON v.export_id = l.export_id AND v.number = l.last_version + 1"
            " JOIN ledger_text t ON t.id = l.ended_by"
            f" WHERE l.is_listed AND l.last_version < {number:d} AND {was_withdrawn('t')} GROUP BY o.value",
            (parameter, type_),
        )
        found.update(((type_, value), moment) for value, moment in rows)
    return found


def _before(snapshot: Snapshot, export_id: int, selection: Selection, condition: str) -> list[Gone]:
    """Return what left earlier versions, of those rows ``l`` of the ledger, with their reason ``t``."""
    rows = snapshot.connection.execute(
        f"SELECT o.type, o.value, COALESCE(t.text, ''), v.instant, o.created_at, {_tlp('o', selection)} FROM ledger l"
        " JOIN observable o ON o.id = l.observable_id"
        " JOIN version v ON v.export_id = l.export_id AND v.number = l.last_version + 1"
        " LEFT JOIN ledger_text t ON t.id = l.ended_by"
        f" WHERE l.export_id = {export_id:d} AND l.is_listed AND l.last_version IS NOT NULL{condition}"
    )
    return [
        Gone(type_, value, _word(text), since, created_at, _marking(tlp))
        for type_, value, text, since, created_at, tlp in rows
    ]


def _leaving(snapshot: Snapshot, export_id: int, selection: Selection, instant: Instant) -> Iterable[Gone]:
    """Return what is listed now and this run leaves out."""
    found: dict[int, Change] = {}

    def take(text: str, _: int) -> None:
        for line in text.splitlines():
            if f'"{REMOVED}"' in line:
                change = _decode(line)
                if change.change == REMOVED and not change.piece:
                    found[change.id] = change

    compare(snapshot, export_id, selection, instant, take)
    columns = f"t.id, t.created_at, {_tlp('t', selection)}"
    rows = dialect.find_by_ids(snapshot.connection, columns, "observable", sorted(found), "id")
    return [
        Gone(change.type, change.value, _word(bytes(change.why).decode()), instant, created_at, _marking(tlp))
        for change, created_at, tlp in ((found[key], created_at, tlp) for key, created_at, tlp in rows)
    ]


def _tlp(observable: str, selection: Selection) -> str:
    most = max(TLP) if selection.most_tlp is None else selection.most_tlp
    return f"(SELECT max(a.tlp) FROM assertion a WHERE a.observable_id = {observable}.id AND a.tlp <= {most:d})"


def _marking(tlp: int | None) -> TLP | None:
    return None if tlp is None else TLP(tlp)


def _word(why: str) -> str:
    return word_of(why) if why.startswith("{") else ""

"""Which published exports hold a value, and what else stands for it there: as the ledger says."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nsmallest
from typing import TYPE_CHECKING

from core.errors import RefusedValue, YetiError
from core.exports.settings import Settings
from core.exports.versions.held_changes import held_changes
from core.exports.versions.leaving import Leaving, with_barred
from core.schemas.instant import Instant
from core.store import archives, definitions, leases, ledger, observables, versions
from core.store.archives import HELD
from core.store.ledger import history as ledger_history
from core.store.ledger.inside import listed_inside
from core.values.networks import span_of

if TYPE_CHECKING:
    from core.store import Store
    from core.store.snapshot import Snapshot


MOST_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Inside:
    """What is listed inside an observable.

    Attributes:
        count: Entries, each once.
        examples: The first of them, ``MOST_EXAMPLES`` at most.
        exports: The names of those that list any.
    """

    count: int
    examples: tuple[str, ...]
    exports: list[str]


def holders(store: "Store", type_: str, value: str, now: Instant, settings: Settings | None = None) -> list[str]:
    """Return the exports, by name, that hold an observable, or may do so.

    Its current version lists it, whole or in parts, or what is held would.  Where that cannot be told (a version
    older than the ledger, a candidate that cannot be read, a run that is going on) it may.

    Args:
        store: Where.
        type_: Of the observable.
        value: The canonical value.
        now: To know which runs are going on; what is published does not depend on it.
        settings: To read what is held; without, whatever is held may hold it.
    """
    key = observables.id_of(store, type_, value)
    if key is None:
        return []
    running = set(leases.running(store, now))  # first: what ends in between is seen below
    with store.snapshot() as snapshot:
        return [
            definition.name
            for definition in definitions.exports(store)
            if definition.name in running
            or _is_listed(store, snapshot, definition.name, key)
            or _is_held(store, definition.name, key, settings)
        ]


def covering(store: "Store", type_: str, value: str, now: Instant) -> Iterator[tuple[str, str, list[str]]]:
    """Yield what stands for an observable on published exports.

    That is the type and value of a network it lies in, or of a name that it is below, and the exports that list it;
    a network that is listed in parts only if it lies in one of them.
    """
    with store.snapshot() as snapshot:
        connection = snapshot.connection
        names = [definition.name for definition in definitions.exports(store)]
        for wider in ledger_history.wider(connection, type_, value):
            found = [name for name in names if _covers(store, snapshot, name, wider, value)]
            if found:
                yield wider.type, wider.value, found


def inside(store: "Store", type_: str, value: str) -> Inside | None:
    """Return what published exports list inside a network, on an address, or below a name; ``None`` if nothing.

    `listed_inside` says what that is.  With a million names or addresses that is a second or two at most, but for
    networks broader than a /8.
    """
    with store.snapshot() as snapshot:
        found = list(listed_inside(snapshot.connection, type_, value))
        names = dict(snapshot.connection.execute("SELECT id, name FROM export"))
    if not found:
        return None
    values = {item.value for item in found}
    exports = sorted({names[item.export_id] for item in found})
    return Inside(len(values), tuple(nsmallest(MOST_EXAMPLES, values, key=_by_address)), exports)


def own_assets_on(store: "Store", name: str) -> list[str]:
    """Return the user's own assets, or networks around one, that the current version of the export *name* lists."""
    current = versions.current_version(store, name)
    if current is None:
        return []
    with store.snapshot() as snapshot:
        key = ledger.export_key(snapshot.connection, name)
        found = with_barred(snapshot, key, current.number, Leaving(), None)
        return sorted(cut.value for cut in found.cuts.values())


def _is_listed(store: "Store", snapshot: "Snapshot", name: str, key: int) -> bool:
    connection = snapshot.connection
    export = ledger.export_key(connection, name)
    return ledger_history.is_listed_now(connection, export, key) or _is_before_ledger(store, snapshot, name)


def _is_before_ledger(store: "Store", snapshot: "Snapshot", name: str) -> bool:
    """Say whether an export has a version with entries of which the ledger knows none."""
    current = versions.current_version(store, name)
    if current is None or not current.entries:
        return False
    return not ledger_history.is_kept(snapshot.connection, ledger.export_key(snapshot.connection, name))


def _is_held(store: "Store", name: str, key: int, settings: Settings | None) -> bool:
    for item in archives.find(store, name, HELD):
        if settings is None:
            return True
        try:
            changes = held_changes(item, definitions.get_export(store, name), settings, [key])
        except (YetiError, OSError):
            return True
        if any(change.change in ("added", "changed") for change in changes):
            return True
    return False


def _covers(store: "Store", snapshot: "Snapshot", name: str, wider: ledger_history.Known, value: str) -> bool:
    connection = snapshot.connection
    export = ledger.export_key(connection, name)
    if any(
        period.is_listed and period.last is None for period in ledger_history.periods(connection, export, wider.id)
    ):
        return True
    return any(
        piece.last is None and ledger_history.lies_in(value, piece.value)
        for piece in ledger_history.piece_periods(connection, export, wider.id)
    )


def _by_address(value: str) -> tuple[int, int, int, str]:
    """Return what addresses and networks sort by, in the order of their addresses; all else comes after."""
    try:
        span = span_of(value)
    except RefusedValue:
        return 9, 0, 0, value
    return *span, value

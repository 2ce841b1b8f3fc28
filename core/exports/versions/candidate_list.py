"""What a candidate lists that is held: the version that it starts from, and its changes to that."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from core.exports.versions.archive import Archive, lines_of
from core.schemas.export import Selection
from core.schemas.instant import Instant
from core.store import ledger
from core.store.allow_lists.entries import ADDRESSES, canonical
from core.store.allow_lists.met import Met
from core.store.archives import Archived
from core.store.ledger.history import is_listed_at
from core.store.ledger.lines import ADDED, CHANGED, FREED, REMOVED, decode
from core.values.networks import split

if TYPE_CHECKING:
    from core.store.snapshot import Snapshot


class CandidateList:
    """Asks which entries of a candidate may not go out any more."""

    def __init__(self, snapshot: "Snapshot", name: str, item: Archived, archive: Archive, folder: Path) -> None:
        """Read the changes of *item*, which is held of the export *name*.

        Raises:
            NotFound: There is no such export.
            StorageError: They cannot be read.
        """
        self._snapshot, self._connection = snapshot, snapshot.connection
        self._export_id = ledger.export_key(snapshot.connection, name)
        self._base = item.record.base
        known = item.record.first("changes")
        self._changes = archive.fetch_changes(known, folder) if known else None
        self._listed: set[int] = set()
        self._removed: set[int] = set()
        there = ledger.pieces_at(self._connection, self._export_id, self._base)
        self._parts = {(network, value) for network, _, value in there}
        for line in lines_of(self._changes) if self._changes else ():
            self._learn(line)

    def withdrawn(self, instant: Instant, unless: list[Selection]) -> set[int]:
        """Return the row ids of what is withdrawn by now, but for what one of *unless* takes all the same."""
        gone = {*ledger.withdrawn_among(self._snapshot, self._added(), instant=instant, unless=unless)}
        if self._base:
            before = ledger.withdrawn_since(
                self._snapshot, self._export_id, self._base, instant=instant, unless=unless
            )
            gone.update(set(before) - self._removed)
        return gone

    def above(self, ceiling: int) -> set[int]:
        """Return the row ids of what is marked above *ceiling*, a TLP level, by now."""
        found = {*ledger.above_among(self._snapshot, self._added(), ceiling)}
        return found | {*set(ledger.above(self._snapshot, self._export_id, self._base, ceiling)) - self._removed}

    def meeting(self, items: Iterable[Met]) -> Iterator[Met]:
        """Yield those of *items* that are listed: whole, or with a part that holds the entry."""
        for item in items:
            if self._lists(item.id) or (item.type in ADDRESSES and self._parts_hold(item)):
                yield item

    def _added(self) -> Iterator[tuple[int, bytes]]:
        for line in lines_of(self._changes) if self._changes else ():
            change = decode(line)
            if change.change in (ADDED, CHANGED):
                yield change.id, bytes(change.why)  # of a piece, that is its network

    def _learn(self, line: str | bytes) -> None:
        change = decode(line)
        is_there = change.change in (ADDED, CHANGED)
        if change.piece:
            part = change.id, change.value
            self._parts.add(part) if is_there else self._parts.discard(part)
        elif is_there:
            self._listed.add(change.id)
        elif change.change in (REMOVED, FREED):
            self._removed.add(change.id)

    def _lists(self, key: int) -> bool:
        if key in self._listed:
            return True
        return key not in self._removed and is_listed_at(self._connection, self._export_id, key, self._base)

    def _parts_hold(self, item: Met) -> bool:
        hole = [canonical(item.entry)]
        return any(split(value, hole) != [value] for network, value in self._parts if network == item.id)

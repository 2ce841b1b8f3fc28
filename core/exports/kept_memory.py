"""What a format may know of earlier versions of an export, from the store."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from core.exports.formats import Gone, Numbered, Value
from core.exports.formatting.memory import Memory
from core.exports.render import Job
from core.store.entry_numbers import EntryNumbers
from core.store.ledger.gone import gone, withdrawals

if TYPE_CHECKING:
    from core.store import Store
    from core.store.snapshot import Snapshot


class KeptMemory(Memory):
    """The memory of one export.

    Args:
        store: Where numbers are kept.
        snapshot: What the export is made from.
        name: Of the export; one that is not kept remembers nothing.
        job: What is made.
        keeps: Whether numbers that are new are kept; a preview keeps none.
    """

    def __init__(self, store: "Store", snapshot: "Snapshot", name: str, job: Job, *, keeps: bool) -> None:
        super().__init__()
        row = snapshot.connection.execute("SELECT id, versions_key FROM export WHERE name = ?", (name,)).fetchone()
        if row is not None:
            self.export_id, self.key = int(row[0]), str(row[1])
        self._snapshot, self._job = snapshot, job
        self._entry_numbers = EntryNumbers(store, self.export_id, keeps=keeps and self.export_id > 0)

    def numbers(self, kind: str, texts: Sequence[tuple[Value, str]]) -> list[Numbered]:
        """Return the number of each observable and the revision of its text; see ``Output.numbers``."""
        return self._entry_numbers.of(kind, [(*value, text) for value, text in texts])

    def gone(self) -> Iterator[Gone]:
        """Yield what earlier versions had and this one has not; see ``Output.gone``."""
        yield from gone(self._snapshot, self.export_id, self._job.selection, self._job.instant)

    def withdrawals(self) -> Iterator[Gone]:
        """Yield what was withdrawn from earlier versions, each time; see ``Output.withdrawals``."""
        yield from withdrawals(self._snapshot, self.export_id, self._job.selection, self._job.instant)

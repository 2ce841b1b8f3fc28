"""What a format may know of earlier versions of an export, from the store."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from core.errors import NotFound
from core.exports.formats import Gone, Numbered, Value
from core.exports.formatting.memory import Memory
from core.exports.render import Job
from core.store.entry_numbers import EntryNumbers
from core.store.ledger import export_key
from core.store.ledger.gone import gone

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
        try:
            export_id = export_key(snapshot.connection, name)
        except NotFound:
            export_id = 0
        self._snapshot, self._job, self._export_id = snapshot, job, export_id
        self._entry_numbers = EntryNumbers(store, export_id, keeps=keeps and export_id > 0)

    def numbers(self, kind: str, texts: Sequence[tuple[Value, str]]) -> list[Numbered]:
        """Return the number of each observable and the revision of its text; see ``Output.numbers``."""
        found = self._entry_numbers.of(kind, [(value.type, value.value, text) for value, text in texts])
        return [Numbered(*item) for item in found]

    def gone(self) -> Iterator[Gone]:
        """Yield what earlier versions had and this one has not; see ``Output.gone``."""
        for item in gone(self._snapshot, self._export_id, self._job.selection, self._job.instant):
            yield Gone(*item)

"""Write the files of an export within its budget: what ranks last is left out."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from core.exports.formatting.memory import Memory
from core.exports.gate.keeping_off import reason_text
from core.exports.gate.limits import Limits
from core.exports.gate.ranking import cut_query
from core.exports.gate.required import PIECE, entry_of
from core.exports.output import Rendered
from core.exports.render import Job, render
from core.exports.settings import Settings
from core.store.conditions import build

if TYPE_CHECKING:
    from core.store.snapshot import Snapshot

MOST_CUTS = 8
"""So often a file that is too large is cut and written again."""


class BudgetedFiles:
    """The files of one candidate.

    Args:
        snapshot: What to write is selected in it; what is cut is kept off in it from then on.
        job: What to write.
        limits: Of the export, the budget among them.
        folder: An empty folder for the files.
        settings: Of this installation.
        on_entries: Called with the number of entries just written.
        memory: What the format may know of earlier versions.
    """

    def __init__(
        self,
        snapshot: "Snapshot",
        job: Job,
        limits: Limits,
        folder: Path,
        settings: Settings,
        on_entries: Callable[[int], None],
        memory: Memory,
    ) -> None:
        self._memory = memory
        self._snapshot, self._job, self._limits = snapshot, job, limits
        self._folder, self._settings, self._on_entries = folder, settings, on_entries
        self._selection, self._instant = job.selection, job.instant
        self._times = 0

    def written(self) -> Rendered:
        """Write the files; cut what is beyond the budget, and write again where they are too large.

        Raises:
            YetiError: They cannot be made.
        """
        snapshot, chosen = self._snapshot, self._limits
        if chosen.budget_entries is not None:
            self._cut(chosen.budget_entries)
        rendered = self.again()
        for attempt in range(1, MOST_CUTS):
            size = sum(file.size_bytes for file in rendered.files)
            if chosen.budget_bytes is None or size <= chosen.budget_bytes or not rendered.entries:
                break
            written = snapshot.count(self._selection, self._instant) + len(snapshot.pieces)
            # What the head of a file takes is not known: the last attempts give it more room.
            share = chosen.budget_bytes / size * (1 - 0.02 * (attempt - 1))
            if not self._cut(min(written - 1, int(written * share))):
                break
            rendered = self.again()
        return rendered

    def _cut(self, most: int) -> bool:
        """Keep off what ranks last, but nothing that is required, and say whether there was such a thing."""
        entries = {
            entry_of(self._snapshot, self._selection, self._instant, type_, value)
            for type_, value in self._limits.require
        }
        first = sorted(id_ for id_ in entries if id_ not in (None, PIECE))
        most = max(len(first), most - len(self._snapshot.pieces))
        is_too_much = self._snapshot.count(self._selection, self._instant) > most
        if is_too_much:
            with self._snapshot.selected(self._selection, self._instant) as table:
                # By what may be told of it, and no more: a claim above the ceiling brings nothing to the top.
                counts = build(self._selection, self._snapshot.known, self._instant).included
                query = cut_query(table, self._limits.rank, most, counts, first=first)
                self._snapshot.keep_off_found(query, reason_text("cut", rank=", ".join(self._limits.rank)))
        return is_too_much

    def again(self) -> Rendered:
        """Write the files of what is selected now, once more, with what the memory knows now.

        Raises:
            YetiError: They cannot be made.
        """
        self._times += 1
        folder = self._folder / f"files-{self._times}"
        folder.mkdir()
        # Counting costs as much as writing a list, and only a template has a bound.
        selected = self._snapshot.count(self._selection, self._instant) if self._job.template else 0
        selected += len(self._snapshot.pieces)
        return render(
            self._snapshot, self._job, selected, folder, self._settings, self._on_entries, memory=self._memory
        )

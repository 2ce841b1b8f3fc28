"""Make what a run would publish: select, keep off, render, compare with what is published, judge.

Nothing outside of the given folder is touched.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import StoreBusy
from core.exports.budget import BudgetedFiles
from core.exports.checked_files import Checked, checked
from core.exports.formats import Tried
from core.exports.gate import limits, rules
from core.exports.gate.keeping_off import keep_off, word_of
from core.exports.gate.measure import are_blank, space_of
from core.exports.gate.required import entry_of
from core.exports.gate.rules import Found
from core.exports.history import history_of
from core.exports.kept_memory import KeptMemory
from core.exports.output import Rendered, refused_rows
from core.exports.render import Job
from core.exports.select import FEW, funnel_text, is_little, resolved, worth_telling
from core.exports.settings import Settings
from core.exports.versions import counters
from core.schemas.export import ExportDefinition
from core.schemas.instant import Instant
from core.schemas.version import Space
from core.store import archives, kept_templates, ledger
from core.store.allow_lists import hits as allow_hits
from core.store.archives import Archived

if TYPE_CHECKING:
    from core.store import Store
    from core.store.snapshot import Snapshot

MOST_EXAMPLES = 5
MOST_LOOKS = 5


@dataclass(frozen=True, slots=True)
class Made:
    """A candidate.

    Attributes:
        job: What was written, and how.
        current: The version that is published now, if there is one.
        rendered: The files.
        selected: Observables that the selection takes.
        kept_off: How many of them were kept off, by the word of the reason.
        reasons: The same by whole reason.
        space: Addresses covered.
        comparison: With what is published; ``None`` if the content is the same.
        changes: The local file of changes.
        verdict: Of the gate.
        notes: What a user should know, each one line.
    """

    job: Job
    current: Archived | None
    rendered: Rendered
    selected: int
    kept_off: dict[str, int]
    reasons: tuple[tuple[str, int], ...]
    space: Space
    comparison: "ledger.Comparison | None"
    changes: Path
    verdict: rules.Verdict
    notes: tuple[str, ...]

    @property
    def changed(self) -> dict[str, int]:
        """How many entries it adds, removes and changes."""
        if self.comparison is None:
            return {}
        return {
            "added": self.comparison.added,
            "removed": sum(self.comparison.removed.values()),
            "changed": self.comparison.changed,
        }

    @property
    def changes_text(self) -> str:
        """The same in words."""
        return ", ".join(f"{count:,} {word}" for word, count in self.changed.items()) or "nothing"

    @property
    def is_same(self) -> bool:
        """Whether the content is that of the current version."""
        return self.comparison is None


def job_of(store: "Store", definition: ExportDefinition, instant: Instant) -> Job:
    """Return what is to be written of an export.

    Raises:
        DefinitionError, NotFound: Its format or its template does not exist (any more).
    """
    template = kept_templates.get_template(store, definition.template).text if definition.template else ""
    return Job(definition, resolved(definition), instant, template)


def make(
    store: "Store",
    job: Job,
    folder: Path,
    settings: Settings,
    on_entries: Callable[[int], None] = lambda _: None,
    look: Callable[["Snapshot", Tried], None] = lambda *_: None,
    *,
    is_run: bool = False,
) -> Made:
    """Return what a run would publish.

    Args:
        store: Where the observables are, and what is published.
        job: What to write.
        folder: An empty folder; it holds the files until they are published.
        settings: Of this installation.
        on_entries: Called with the number of entries just written.
        look: Called at the end with the snapshot, to ask it more, and with what the check found bad in the files.
        is_run: It is to be published; only then a server is asked what a first run finds there.

    Raises:
        YetiError: It cannot be made.
    """
    with looked_at(store, job.instant) as snapshot:
        candidate = _Candidate(store, snapshot, job, folder, settings, on_entries, is_run=is_run)
        made = candidate.made()
        look(snapshot, candidate.memory.tried)
        return made


@contextmanager
def looked_at(store: "Store", instant: Instant) -> Iterator["Snapshot"]:
    """Give a snapshot of which every observable was compared with the allow-lists.

    Raises:
        StoreBusy: Observables come in faster than that goes.
    """
    for _ in range(MOST_LOOKS):
        allow_hits.refresh(store, instant)
        with store.snapshot() as snapshot:
            if allow_hits.is_up_to_date(snapshot):
                yield snapshot
                return
    raise StoreBusy("observables come in faster than they can be compared with the allow-lists; try again")


class _Candidate:
    """Functions that share what is known."""

    def __init__(
        self,
        store: "Store",
        snapshot: "Snapshot",
        job: Job,
        folder: Path,
        settings: Settings,
        on_entries: Callable[[int], None],
        *,
        is_run: bool,
    ) -> None:
        self._is_run = is_run
        self._store, self._snapshot, self._job = store, snapshot, job
        self._folder, self._settings, self._on_entries = folder, settings, on_entries
        self._limits = limits.parse(job.definition.limits)
        self._current = archives.current(store, job.definition.name)
        self.memory = KeptMemory(store, snapshot, job.definition.name, job, keeps=is_run)
        self._selection, self._instant = job.selection, job.instant

    def made(self) -> Made:
        snapshot, selection, instant = self._snapshot, self._selection, self._instant
        selected = snapshot.count(selection, instant)
        keep_off(snapshot, selection, instant, self._limits)
        files = self._files()
        rendered = files.rendered
        reasons = tuple(snapshot.kept_off(selection, instant))
        kept_off: Counter[str] = Counter()
        for reason, count in reasons:
            kept_off[word_of(reason)] += count
        changes = self._folder / "changes.jsonl"
        comparison = None if self._is_same(rendered) else self._compare(rendered, changes)
        known = self._current.record.space if self._current and comparison is None else None
        space = known or space_of(snapshot, selection, instant)
        verdict = rules.judge(
            self._facts(files, selected, kept_off, space, comparison),
            history_of(self._store, self._job.definition, self._current, self._settings, is_run=self._is_run),
            self._limits,
        )
        return Made(
            self._job,
            self._current,
            rendered,
            selected,
            dict(kept_off),
            reasons,
            space,
            comparison,
            changes,
            verdict,
            (*self._notes(rendered, selected), *verdict.notes),
        )

    def _files(self) -> Checked:
        files = BudgetedFiles(
            self._snapshot, self._job, self._limits, self._folder, self._settings, self._on_entries, self.memory
        )
        rendered = files.written()
        if not self._limits.check:
            return Checked(rendered)
        return checked(rendered, self._job.definition, self.memory, files.again)

    def _is_same(self, rendered: Rendered) -> bool:
        if self._current is None:
            return False
        record = self._current.record
        has_counter = record.first("content") is not None
        kept = [(item.file_name, item.sha256) for item in record.content]
        return has_counter == counters.has_counter(self._job.definition.format) and kept == [
            (file.name, file.sha256) for file in rendered.files
        ]

    def _compare(self, rendered: Rendered, changes: Path) -> "ledger.Comparison":
        with changes.open("w", encoding="utf-8", newline="\n") as out:
            return ledger.compare(
                self._snapshot,
                self.memory.export_id,  # none of what is looked at before it is kept
                self._selection,
                self._instant,
                lambda text, _: out.write(text),
                refused=refused_rows(rendered),
            )

    def _facts(
        self,
        files: Checked,
        selected: int,
        kept_off: dict[str, int],
        space: Space,
        comparison: "ledger.Comparison | None",
    ) -> rules.Candidate:
        rendered = files.rendered
        own = allow_hits.own_assets(self._snapshot, self._selection, self._instant)
        return rules.Candidate(
            selected=selected,
            entries=rendered.entries,
            refused=rendered.refused,
            is_complete=rendered.is_complete,
            dropped=kept_off,
            pieces=len(self._snapshot.pieces),
            size_bytes=sum(file.size_bytes for file in rendered.files),
            space=space,
            lost=comparison.lost if comparison else 0,
            withdrawn=comparison.withdrawn if comparison else 0,
            own_assets=_found(own),
            missing=self._missing(rendered),
            faults=_found(files.faults),
            not_checked=files.not_checked,
            # What is published already was wanted, or nobody can be spared it any more.
            is_blank=comparison is not None and are_blank(file.path for file in rendered.files),
            is_by_template=bool(self._job.template),
        )

    def _missing(self, rendered: Rendered) -> tuple[str, ...]:
        wanted = self._limits.require
        refused = {(type_, value) for type_, value, _ in refused_rows(rendered) if (type_, value) in wanted}
        return tuple(
            value
            for type_, value in wanted
            if (type_, value) in refused
            or entry_of(self._snapshot, self._selection, self._instant, type_, value) is None
        )

    def _notes(self, rendered: Rendered, selected: int) -> list[str]:
        notes = [f"{count:,} not written: {reason}" for reason, count in rendered.reasons.items()]
        notes += rendered.notes
        notes += worth_telling(self._snapshot, self._selection, self._instant)
        notes += allow_hits.worth_telling(self._snapshot, self._selection, self._instant)
        if selected < FEW:
            funnel = self._snapshot.funnel(self._selection, self._instant)
            if is_little(funnel):
                notes.append(f"{'nothing' if not selected else 'little'} is selected: {funnel_text(funnel)}")
        return notes


def _found(things: Sequence[str]) -> Found:
    return Found(len(things), tuple(things[:MOST_EXAMPLES]))

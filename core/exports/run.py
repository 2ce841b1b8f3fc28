"""Run one export: select, render, gate, publish.

The four in order; this decides nothing.  A run that fails or is held leaves what was published as it was, and the
record of the run says why.
"""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from core.errors import YetiError
from core.exports import gate, publish
from core.exports.lease import Clock, held
from core.exports.render import Job, Rendered, render
from core.exports.select import FEW, funnel_text, is_little, resolved, worth_telling
from core.exports.settings import Settings
from core.exports.spool import run_folder
from core.redaction import redact
from core.schemas.export import ExportDefinition, PublishedFile
from core.schemas.instant import Instant
from core.store import definitions, runs

if TYPE_CHECKING:
    from pathlib import Path

    from core.store import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended that did not fail.

    Attributes:
        export: Its name.
        status: ``completed`` or ``held``.
        outcome: ``created``, ``replaced`` or ``unchanged``; empty if nothing was published.
        message: Why it is held.
        version: The number of the current version, if there is one.
        entries: Observables in the files.
        refused: Observables that the format cannot express.
        files: What was published, and where.
        notes: What a user should know, each one line.
    """

    export: str
    status: str
    outcome: str = ""
    message: str = ""
    version: int | None = None
    entries: int = 0
    refused: int = 0
    files: tuple[publish.Published, ...] = ()
    notes: tuple[str, ...] = ()


def run_export(
    store: "Store",
    name: str,
    settings: Settings,
    *,
    now: Instant,
    on_entries: Callable[[int], None] = lambda _: None,
) -> RunResult:
    """Bring the export *name* up to date.

    Args:
        store: Where the observables and the definition are.
        name: Of the export; whether it is enabled is the caller's business.
        settings: Of this installation.
        now: The instant at which every assertion is judged.
        on_entries: Called with the number of entries just rendered.

    Raises:
        NotFound: There is no such export.
        ExportBusy: Another process runs it, or has taken it over.
        YetiError: It failed; what was published stands, and the record of the run says why.
    """
    clock = Clock(now)
    with held(store, name, clock) as lease:
        run_id = runs.begin_run(store, lease, now)
        try:
            result = _Run(store, lease, run_id, settings, clock, on_entries).result()
        except BaseException as error:
            message = str(error) if isinstance(error, YetiError) else f"stopped by {type(error).__name__} {error}"
            _finish(store, run_id, clock, RunResult(name, "failed", message=redact(message.strip())))
            raise
        _finish(store, run_id, clock, result)
    return result


class _Run:
    """One run; a folder of functions that share their arguments."""

    def __init__(
        self,
        store: "Store",
        lease: runs.Lease,
        run_id: int,
        settings: Settings,
        clock: Clock,
        on_entries: Callable[[int], None],
    ) -> None:
        self._store, self._lease, self._run_id = store, lease, run_id
        self._settings, self._clock, self._on_entries = settings, clock, on_entries
        self._definition = definitions.get_export(store, lease.export)

    def result(self) -> RunResult:
        """Do it."""
        definition = self._definition
        with run_folder(self._settings.spool_path) as folder:
            rendered, selected, notes = self._render(folder)
            result = RunResult(
                definition.name, "completed", entries=rendered.entries, refused=rendered.refused, notes=notes
            )
            candidate = gate.Candidate(selected, rendered.entries, rendered.refused, rendered.is_complete)
            verdict = gate.judge(candidate)
            if verdict.is_held:
                return replace(result, status="held", message=verdict.message)
            return self._publish(rendered, result)

    def _render(self, folder: "Path") -> tuple[Rendered, int, tuple[str, ...]]:
        definition = self._definition
        template = definitions.get_template(self._store, definition.template).text if definition.template else ""
        job = Job(definition, resolved(definition), self._clock.start, template)
        with self._store.snapshot() as snapshot:
            selected = snapshot.count(job.selection, job.instant)
            rendered = render(snapshot, job, selected, folder, self._settings, self._on_entries)
            notes = [f"{count:,} not written: {reason}" for reason, count in rendered.reasons.items()]
            notes += worth_telling(snapshot, job.selection, job.instant)
            if selected < FEW:
                funnel = snapshot.funnel(job.selection, job.instant)
                if is_little(funnel):
                    notes.append(f"{'nothing' if not selected else 'little'} is selected: {funnel_text(funnel)}")
        return rendered, selected, tuple(notes)

    def _publish(self, rendered: Rendered, result: RunResult) -> RunResult:
        destination = self._definition.destination or self._settings.export_path
        files = publish.publish(
            rendered.files, destination, before_each=lambda: runs.check(self._store, self._lease)
        )
        records = tuple(file.as_record() for file in files)
        current = runs.current_version(self._store, self._definition.name)
        if current is None or not _is_same(current.files, records):
            current = runs.add_version(
                self._store,
                self._lease,
                records,
                now=self._clock.now,
                instant=self._clock.start,
                entries=rendered.entries,
                run_id=self._run_id,
                definition=_as_object(self._definition),
            )
        return replace(result, version=current.number, files=files, outcome=_outcome(files))


def _finish(store: "Store", run_id: int, clock: Clock, result: RunResult) -> None:
    runs.finish_run(
        store,
        run_id,
        clock.now,
        status=result.status,
        message=result.message,
        outcome=result.outcome,
        version=result.version,
        entries=None if result.status == "failed" else result.entries,
    )
    log = _log.error if result.status == "failed" else _log.info
    fields = {"export": result.export, "outcome": result.outcome, "entries": result.entries, "why": result.message}
    log(f"export {result.status}", extra=fields)


def _is_same(files: tuple[PublishedFile, ...], others: tuple[PublishedFile, ...]) -> bool:
    return [(file.name, file.sha256) for file in files] == [(file.name, file.sha256) for file in others]


def _outcome(files: tuple[publish.Published, ...]) -> str:
    """Return what happened to the set as a whole."""
    outcomes = {file.outcome for file in files}
    if outcomes <= {"unchanged"}:
        return "unchanged"
    return "created" if outcomes == {"created"} else "replaced"


def _as_object(definition: ExportDefinition) -> dict[str, object]:
    return asdict(definition) | {"destination": redact(definition.destination)}

"""Run one export, and record how that went.

A run that fails or is held leaves what was published as it was, but for what was withdrawn; the record of the run
says why.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from core.errors import YetiError
from core.exports.lease import Clock, held
from core.exports.run_log import collected
from core.exports.run_result import RunResult
from core.exports.run_steps import Run
from core.exports.settings import Settings
from core.exports.spool import run_folder
from core.exports.versions.withdrawal import Less
from core.log import bind
from core.redaction import redact
from core.schemas.instant import Instant
from core.store import leases, runs
from core.store.run_lines import RunLine

if TYPE_CHECKING:
    from core.store import Store

_log = logging.getLogger(__name__)


def run_export(
    store: "Store",
    name: str,
    settings: Settings,
    *,
    now: Instant,
    on_entries: Callable[[int], None] = lambda _: None,
    only_withdrawn: bool = False,
    by: str | None = None,
) -> RunResult:
    """Bring the export *name* up to date.

    Args:
        store: Where the observables and the definition are.
        name: Of the export; whether it is enabled is the caller's business.
        settings: Of this installation.
        now: The instant at which every assertion is judged.
        on_entries: Called with the number of entries just rendered.
        only_withdrawn: Nothing is made anew; only what was withdrawn or carved out leaves what is published.
        by: Who runs it by hand, for the record of changes; ``None`` is nobody in particular.

    Raises:
        NotFound: There is no such export.
        ExportBusy: Another process runs it, or has taken it over.
        YetiError: It failed; what was published stands, and the record of the run says why.
    """
    clock = Clock(now)
    with held(store, name, clock) as lease:
        run_id = runs.begin_run(store, lease, now, by=by)
        with bind(export=name, run=run_id), collected() as lines:
            return _recorded(store, lease, run_id, settings, clock, lines, on_entries, only_withdrawn)


def _recorded(
    store: "Store",
    lease: leases.Lease,
    run_id: int,
    settings: Settings,
    clock: Clock,
    lines: list[RunLine],
    on_entries: Callable[[int], None],
    only_withdrawn: bool,
) -> RunResult:
    name = lease.export
    less: list[Less] = []
    try:
        with run_folder(settings.spool_path) as folder:
            run = Run(store, lease, run_id, settings, clock, folder, less)
            result = run.less() if only_withdrawn else run.result(on_entries)
    except BaseException as error:
        message = str(error) if isinstance(error, YetiError) else f"stopped by {type(error).__name__} {error}"
        failed = RunResult(name, "failed", message=redact(message.strip()))
        for item in less:  # whoever withdrew something is to know that it is off the list
            failed = replace(failed, message=f"{failed.message}; {item.text}", version=item.version)
            if isinstance(error, YetiError):
                error.args = (f"{error}; {item.text}",)
        _finish(store, run_id, clock, failed, lines)
        raise
    _finish(store, run_id, clock, result, lines)
    return result


def _finish(store: "Store", run_id: int, clock: Clock, result: RunResult, lines: list[RunLine]) -> None:
    runs.finish_run(
        store,
        run_id,
        clock.now,
        status=result.status,
        message=result.message,
        outcome=result.outcome,
        version=result.version,
        entries=None if result.status == "failed" else result.entries,
        lines=lines,
    )
    log = _log.error if result.status == "failed" else _log.info
    fields = {"export": result.export, "outcome": result.outcome, "entries": result.entries, "why": result.message}
    log(f"export {result.status}", extra=fields)

"""The steps of a run: select, render, gate, publish.

The four in order; this decides nothing.  A run that fails or is held leaves what was published as it was, but for
what was withdrawn.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from core.errors import YetiError
from core.exports import candidate
from core.exports.candidate import Made
from core.exports.lease import Clock
from core.exports.publishing import signing
from core.exports.publishing.publish import Published
from core.exports.run_result import RunResult
from core.exports.settings import Settings
from core.exports.versions import forgetting, withdrawal
from core.exports.versions.records import record_of
from core.exports.versions.versioning import Versions
from core.schemas.instant import to_second
from core.store import archives, definitions, leases, pins
from core.store.archives import Archived

if TYPE_CHECKING:
    from pathlib import Path

    from core.store import Store

_log = logging.getLogger(__name__)


class Run:
    """One run; a folder of functions that share their arguments."""

    def __init__(
        self,
        store: "Store",
        lease: leases.Lease,
        run_id: int,
        settings: Settings,
        clock: Clock,
        folder: "Path",
        less: list[withdrawal.Less],
    ) -> None:
        self._store, self._lease, self._run_id = store, lease, run_id
        self._settings, self._clock, self._folder = settings, clock, folder
        self._less_of_failed = less
        self._definition = definitions.get_export(store, lease.export)
        self._versions = Versions(store, lease, self._definition, settings, clock, folder)

    def result(self, on_entries: Callable[[int], None]) -> RunResult:
        """Do it."""
        recovered = self._versions.recover()
        try:
            signing.key_of(self._settings)  # where it cannot be used, nothing is published that is not signed
            job = candidate.job_of(self._store, self._definition, self._clock.start)
            made = candidate.make(self._store, job, self._folder, self._settings, on_entries, is_run=True)
            self._versions.names.check([file.name for file in made.rendered.files])
            said = {
                "entries": made.rendered.entries,
                "refused": made.rendered.refused,
                "changes": made.changes_text,
            }
            _log.info("list made", extra={"export": self._lease.export, **said})
        except YetiError:
            self._withdraw_all_the_same()
            raise
        result = RunResult(
            self._definition.name,
            "completed",
            version=made.current.number if made.current else None,
            entries=made.rendered.entries,
            refused=made.rendered.refused,
            verdict=made.verdict,
            notes=(*filter(None, [recovered]), *made.notes),
        )
        pin = pins.pinned(self._store, self._definition.name)
        if made.verdict.is_held:
            return self._held(made, pin, result)
        if pin is not None:
            return self._pinned(made, pin, result)
        return self._unchanged(made, result) if made.is_same else self._publish(made, result)

    def less(self) -> RunResult:
        """Let what was withdrawn leave what is published, and do nothing else."""
        recovered = self._versions.recover()
        less = self._withdraw(pins.pinned(self._store, self._definition.name))
        current = archives.current(self._store, self._definition.name)
        result = RunResult(
            self._definition.name,
            "completed",
            "unchanged" if less is None else "replaced",
            version=current.number if current else None,
            entries=current.record.entries if current else 0,
            notes=(*filter(None, [recovered]), "it is switched off: nothing else of it was published"),
        )
        return self._with_less(result, less)

    def _unchanged(self, made: Made, result: RunResult) -> RunResult:
        """Put back what is gone or was altered; nothing waits any more."""
        told = self._versions.drop_candidates()
        files = self._versions.put_again(made.current, made.rendered.files) if made.current else ()
        return replace(result, files=files, outcome=_outcome(files), notes=result.notes + told)

    def _publish(self, made: Made, result: RunResult) -> RunResult:
        item = self._write(made, base=made.current.number if made.current else 0)
        item, files = self._versions.publish(
            item, cause="run", files=made.rendered.files, changes=made.changes, run_id=self._run_id
        )
        told = self._versions.drop_candidates() + forgetting.forget_old(
            self._store, self._versions, self._definition.name, self._settings, self._clock.now
        )
        result = replace(
            result, version=item.number, files=files, outcome=_outcome(files), notes=result.notes + told
        )
        # Whoever withdrew something while this was made found it on no list.
        return self._with_less(result, self._withdraw(None))

    def _held(self, made: Made, pin: pins.Pin | None, result: RunResult) -> RunResult:
        """Keep the candidate for whoever releases it; what was withdrawn leaves all the same."""
        less = self._withdraw(pin)
        if less is not None:
            made = self._again(made)
        _, told = self._versions.put_back(made.current) if less is None and made.current is not None else ((), ())
        sha256 = ""
        if made.is_same:
            told += self._versions.drop_candidates()
        else:
            told += self._versions.hold(self._write(made, base=made.current.number if made.current else 0))
            sha256 = made.rendered.files[0].sha256
        result = self._with_less(result, less)
        return replace(
            result,
            status="held",
            notes=(*result.notes, *told, *([_since(pin)] if pin else [])),
            message=made.verdict.message,
            reasons=tuple(reason.text for reason in made.verdict.reasons),
            verdict=made.verdict,
            candidate=sha256,
            can_be_released=bool(sha256) and made.verdict.can_be_released,
        )

    def _pinned(self, made: Made, pin: pins.Pin, result: RunResult) -> RunResult:
        """Publish nothing but what is gone or was altered, and what was withdrawn leaves; nothing waits any more."""
        told = self._versions.drop_candidates()
        less = self._withdraw(pin)
        if less is not None:
            made = self._again(made)
        elif made.current is not None:
            files, more = self._versions.put_back(made.current)
            told += more
            if not self._versions.is_here(made.current.record):
                told += (f"version {made.current.number} was published under another name or at another place",)
            result = replace(result, files=files)
        would = "it would change nothing" if made.is_same else f"it would change it: {made.changes_text}"
        result = self._with_less(result, less)
        return replace(result, outcome="pinned", message=f"{_since(pin)}; {would}", notes=(*result.notes, *told))

    def _again(self, made: Made) -> Made:
        """Make a held candidate once more, since another version is the current one by now; it stays held."""
        folder = self._folder / "again"
        folder.mkdir()
        again = candidate.make(self._store, made.job, folder, self._settings, is_run=True)
        return again if again.verdict.is_held else replace(again, verdict=made.verdict)

    def _write(self, made: Made, base: int) -> Archived:
        """Keep a candidate."""
        record, paths = record_of(
            self._versions.archive,
            made.job,
            made.rendered,
            self._settings,
            base=base,
            cause="run",
            made_at=self._clock.now,
            changes=made.changes,
            changed=made.changed,
            verdict=made.verdict,
            space=made.space,
            kept_off=made.kept_off,
        )
        return self._versions.write(record, paths)

    def _withdraw(self, pin: pins.Pin | None) -> withdrawal.Less | None:
        after = pin.pinned_at if pin and pin.exact else None
        return withdrawal.publish_less(
            self._store, self._versions, self._settings, self._clock, self._folder, self._run_id, after=after
        )

    def _withdraw_all_the_same(self) -> None:
        """Do what may be done although the run failed; if that fails, too, the first error is told.

        What was withdrawn leaves, and what is gone or was altered is put back.
        """
        try:
            less = self._withdraw(pins.pinned(self._store, self._definition.name))
            if less is not None:
                self._less_of_failed.append(less)
            current = archives.current(self._store, self._definition.name)
            if less is None and current is not None:
                self._versions.put_back(current)
        except YetiError as error:
            _log.error(
                "what was withdrawn may still be published",
                extra={"export": self._lease.export, "why": str(error)},
            )

    def _with_less(self, result: RunResult, less: withdrawal.Less | None) -> RunResult:
        if less is None:
            return result
        return replace(result, version=less.version, files=less.files, notes=(*result.notes, less.text))


def _since(pin: pins.Pin) -> str:
    return f"pinned to version {pin.number} since {to_second(pin.pinned_at)} by {pin.by}: {pin.reason}"


def _outcome(files: tuple[Published, ...]) -> str:
    """Return what happened to the set as a whole."""
    outcomes = {file.outcome for file in files}
    if outcomes <= {"unchanged"}:
        return "unchanged"
    return "created" if outcomes == {"created"} else "replaced"

"""Publish an older version again, and stay with it until somebody says otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from core.errors import GateError
from core.exports.gate.texts import entries_text
from core.exports.gate.verdict import Verdict
from core.exports.lease import Clock, held
from core.exports.publishing.publish import Published
from core.exports.settings import Settings
from core.exports.spool import run_folder
from core.exports.versions import forgetting
from core.exports.versions.leaving import Leaving, changes_of, leaving, with_barred, write_counted
from core.exports.versions.recorded import completed, recorded
from core.exports.versions.records import record_of
from core.exports.versions.versioning import Versions
from core.exports.versions.withdrawal import takes, without
from core.schemas.instant import Instant
from core.schemas.version import ManifestRecord
from core.store import archives, definitions, ledger, pins
from core.store.allow_lists import hits as allow_hits
from core.store.archives import Archived

if TYPE_CHECKING:
    from core.store import Store
    from core.store.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What a rollback did.

    Attributes:
        version: The current version now, which the export is pinned to.
        of: The version whose content it has.
        left_out: Entries of that version that are not in it: they were withdrawn or carved out since, are own assets,
            or may not be passed on so far.
        left_out_text: How many for what, in words.
        before: Entries that were published before.
        entries: Entries that are published now.
        changed: How many of them were ``added``, ``removed`` and ``changed``.
        files: What was published; nothing if that content was published already.
        notes: What a user should know, each one line.
    """

    version: int
    of: int
    left_out: int
    left_out_text: str
    before: int
    entries: int
    changed: Mapping[str, int]
    files: tuple[Published, ...]
    notes: tuple[str, ...]


def roll_back(
    store: "Store",
    name: str,
    number: int,
    settings: Settings,
    *,
    by: str,
    reason: str,
    exact: bool = False,
    now: Instant,
) -> RolledBack:
    """Publish version *number* of the export *name* again, as a new version, and pin the export to that.

    Args:
        store: Where.
        name: Of the export.
        number: Of a version that is kept.
        settings: Of this installation.
        by: Who says so.
        reason: Why; kept with the version.
        exact: Also what was withdrawn or carved out since; never own assets, nor what may not be passed on so far.
            And though the list gets empty by that.
        now: The instant of the rollback.

    Raises:
        NotFound: There is no such export, or that version is not kept.
        GateError: The list would get empty, and *exact* is not given.
        ExportBusy: Another process runs it.
        YetiError: It cannot be read, written or stored; what is published stands.
    """
    clock = Clock(now)
    with held(store, name, clock) as lease, run_folder(settings.spool_path) as folder:
        versions = Versions(store, lease, definitions.get_export(store, name), settings, clock, folder)
        recovered = versions.recover()
        target = archives.get(store, name, number)
        allow_hits.refresh(store, now)
        current = archives.current(store, name)
        before = current.record.entries if current else 0
        if not target.record.entries and not exact:
            _check_not_empty(before, f"version {number} of {name!r} is empty", "all the same")
        note = {"of": str(number), "by": by, "reason": reason} | ({"exact": "yes"} if exact else {})
        with recorded(store, lease, clock, "rollback") as run_id:
            made = _Rollback(store, versions, settings, clock, folder, target, current)
            left, item, files = made.published(exact, note, run_id)
            if not files:  # a version that was just made is pinned already
                pins.pin(store, lease, pins.Pin(item.number, clock.now, by, reason, exact))
        message = f"rolled back to version {number} by {by}: {reason}"
        completed(store, run_id, clock, item, message=message, outcome="replaced" if files else "unchanged")
        notes = (*filter(None, [recovered]), *versions.drop_candidates())
        notes += forgetting.forget_old(store, versions, name, settings, clock.now)
    changed = item.record.changed if files else dict.fromkeys(("added", "removed", "changed"), 0)
    return RolledBack(
        item.number, number, len(left), left.text, before, item.record.entries, changed, files, notes
    )


class _Rollback:
    """Functions that share their arguments."""

    def __init__(
        self,
        store: "Store",
        versions: Versions,
        settings: Settings,
        clock: Clock,
        folder: Path,
        target: Archived,
        current: Archived | None,
    ) -> None:
        self._store, self._versions, self._settings, self._clock = store, versions, settings, clock
        self._folder, self._target, self._current = folder, target, current

    def published(
        self, exact: bool, note: dict[str, str], run_id: int
    ) -> tuple[Leaving, Archived, tuple[Published, ...]]:
        """Return what was left out, the version that is current now, and what was published."""
        name, number = self._versions.name, self._target.number
        changes = self._folder / "changes.jsonl"
        with self._store.snapshot() as snapshot:
            key = ledger.export_key(snapshot.connection, name)
            taken = takes(self._target.record)
            left = Leaving()
            if not exact:
                now = self._clock.start
                left = leaving(snapshot, key, self._target.record, number, instant=now, unless=taken)
            left = with_barred(snapshot, key, number, left, self._ceiling)
            lines = changes_of(snapshot.connection, key, self._base, number, left)
            with changes.open("w", encoding="utf-8", newline="\n") as out:
                changed = write_counted(lines, out)
            if left:
                record, paths = self._written_again(snapshot, left, changes, changed)
            else:
                record, paths = self._as_it_was(changes, changed)
        if self._current is not None and _content(record) == _content(self._current.record):
            return left, self._current, ()
        if left and not record.entries and not exact:
            before = self._current.record.entries if self._current else 0
            nothing = f"nothing is left of version {number} of {name!r} ({left.text})"
            _check_not_empty(before, nothing, "with what was withdrawn or carved out")
        item = self._versions.write(record, paths)
        item, files = self._versions.publish(item, cause="rollback", note=note, changes=changes, run_id=run_id)
        return left, item, files

    def _as_it_was(self, changes: Path, changed: dict[str, int]) -> tuple[ManifestRecord, dict[str, Path]]:
        """Take the files as they are kept; content is addressed by what it is, so nothing is stored twice."""
        known, packed = self._versions.archive.changes_object(changes)
        own = self._target.record
        kept = [self._versions.archive.fetch_file(item, self._folder) for item in own.content]
        record = structs.replace(
            own,
            number=0,
            base=self._base,
            made_at=self._clock.now,
            changed=changed,
            verdict=Verdict().as_object(),
            counter=None,
            objects=(*own.content, known),
        )
        paths = {item.name: file.path for item, file in zip(own.content, kept, strict=True)}
        return record, paths | {known.name: packed}

    def _written_again(
        self, snapshot: "Snapshot", left: Leaving, changes: Path, changed: dict[str, int]
    ) -> tuple[ManifestRecord, dict[str, Path]]:
        own = self._target.record
        job, rendered, space = without(
            snapshot,
            own,
            self._versions.name,
            self._target.number,
            left,
            self._settings,
            self._clock,
            self._folder,
        )
        return record_of(
            self._versions.archive,
            job,
            rendered,
            self._settings,
            base=self._base,
            cause="rollback",
            made_at=self._clock.now,
            changes=changes,
            changed=changed,
            verdict=Verdict(),
            space=space,
            kept_off=own.kept_off,
        )

    @property
    def _ceiling(self) -> int | None:
        """How far the export may pass things on: as it is today, and as it was then."""
        today = definitions.get_export(self._store, self._versions.name)
        levels = [selection.most_tlp for selection in takes(self._target.record, today)]
        return min((level for level in levels if level is not None), default=None)

    @property
    def _base(self) -> int:
        return self._current.number if self._current else 0


def _check_not_empty(before: int, what: str, how: str) -> None:
    """Raise if a list that has entries would be wiped by a number that was mistyped."""
    if before:
        raise GateError(
            f"{what}: that would take all {entries_text(before)} off the list; --exact publishes it {how}"
        )


def _content(record: ManifestRecord) -> list[tuple[str, str]]:
    return [(item.file_name, item.sha256) for item in record.content]

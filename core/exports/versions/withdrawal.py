"""Publish what is published now, less what was withdrawn: for runs whose own result may not go out."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from core.errors import DefinitionError, RenderError, YetiError
from core.exports.gate.measure import space_of
from core.exports.gate.verdict import Verdict
from core.exports.kept_memory import KeptMemory
from core.exports.lease import Clock
from core.exports.output import Rendered
from core.exports.publishing.publish import Published
from core.exports.render import Job, render
from core.exports.select import resolved
from core.exports.settings import Settings
from core.exports.versions.leaving import Leaving, changes_of, leaving, write_counted
from core.exports.versions.records import record_of
from core.exports.versions.versioning import Versions
from core.schemas.export import ExportDefinition, Selection
from core.schemas.instant import Instant
from core.schemas.version import ManifestRecord, Space
from core.store import archives, definitions, ledger
from core.store.allow_lists import hits as allow_hits

if TYPE_CHECKING:
    from core.store import Store
    from core.store.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Less:
    """What was published: a version, and what of the one before is not in it."""

    version: int
    left: Leaving
    files: tuple[Published, ...]

    @property
    def text(self) -> str:
        """What was done, in words."""
        return f"version {self.version} is published: the one before without {self.left.text}"


def publish_less(
    store: "Store",
    versions: Versions,
    settings: Settings,
    clock: Clock,
    folder: Path,
    run_id: int | None,
    *,
    after: Instant | None = None,
) -> Less | None:
    """Publish the current version without what was withdrawn or carved out since, even if that empties it.

    Args:
        store: Where.
        versions: Those of the export.
        settings: Of this installation.
        clock: Of the run.
        folder: Of the spool.
        run_id: Of the run.
        after: Only what was withdrawn or carved out later than that counts.

    Returns:
        What was published; ``None`` if there is nothing of that kind, or nothing is published.

    Raises:
        YetiError: It cannot be made or stored.
    """
    current = archives.current(store, versions.name)
    if current is None:
        return None
    with suppress(YetiError):  # what came in since was not published, and so nothing of it can leave
        allow_hits.refresh(store, clock.start)
    own = folder / "less"
    own.mkdir()
    changes = own / "changes.jsonl"
    with store.snapshot() as snapshot:
        key = ledger.export_key(snapshot.connection, versions.name)
        taken = takes(current.record, definitions.get_export(store, versions.name))
        left = leaving(
            snapshot, key, current.record, current.number, instant=clock.start, after=after, unless=taken
        )
        if not left:
            return None
        with changes.open("w", encoding="utf-8", newline="\n") as out:
            lines = changes_of(snapshot.connection, key, current.number, current.number, left)
            changed = write_counted(lines, out)
        job, rendered, space = without(
            store, snapshot, current.record, versions.name, current.number, left, settings, clock, own
        )
    record, paths = record_of(
        versions.archive,
        job,
        rendered,
        settings,
        base=current.number,
        cause="withdrawal",
        made_at=clock.now,
        changes=changes,
        changed=changed,
        verdict=Verdict(),
        space=space,
        kept_off=current.record.kept_off,
    )
    item = versions.write(record, paths)
    item, files = versions.publish(item, cause="withdrawal", files=rendered.files, changes=changes, run_id=run_id)
    return Less(item.number, left, files)


def takes(record: ManifestRecord, *others: ExportDefinition) -> list[Selection]:
    """Return what the export of a version takes, and others do; what they list by right was not withdrawn.

    Nothing of one whose format is gone.
    """
    found = []
    for definition in (msgspec.convert(record.definition, ExportDefinition), *others):
        with suppress(DefinitionError):
            found.append(resolved(definition))
    return found


def without(
    store: "Store",
    snapshot: "Snapshot",
    record: ManifestRecord,
    name: str,
    number: int,
    left: Leaving,
    settings: Settings,
    clock: Clock,
    folder: Path,
) -> tuple[Job, Rendered, Space]:
    """Write the entries of a version again, less what leaves it.

    What is known of the entries is shown as it is now; which they are, and how they are written, is as it was.

    Raises:
        RenderError: Not all of them could be read.
        YetiError: They cannot be written.
    """
    definition = msgspec.convert(record.definition, ExportDefinition)
    job = Job(definition, resolved(definition), clock.start, record.template)
    snapshot.choose(key for key in ledger.listed_ids(snapshot, name, number) if key not in left)
    snapshot.add_pieces(piece for piece in ledger.pieces(snapshot, name, number) if piece[0] not in left)
    snapshot.add_pieces(left.stay)
    expected = snapshot.count(job.selection, job.instant) + len(snapshot.pieces)
    memory = KeptMemory(store, snapshot, name, job, keeps=True)
    rendered = render(snapshot, job, expected, folder, settings, memory=memory)
    if not rendered.is_complete or rendered.entries + rendered.refused != expected:
        raise RenderError(
            f"of {expected:,} entries of version {number} only {rendered.entries:,} were written again"
        )
    return job, rendered, space_of(snapshot, job.selection, job.instant)

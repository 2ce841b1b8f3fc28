"""What is kept of a candidate: its record, and the local files of its objects."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from core import __version__
from core.exports.gate.verdict import Verdict
from core.exports.render import Job, Rendered
from core.exports.settings import Settings
from core.exports.versions import counters
from core.exports.versions.archive import Archive
from core.redaction import redact
from core.schemas.export import ExportDefinition
from core.schemas.instant import Instant
from core.schemas.version import Cause, ManifestRecord, Space, StoredObject

SOFTWARE = f"yeti-exports {__version__}"


def record_of(
    archive: Archive,
    job: Job,
    rendered: Rendered,
    settings: Settings,
    *,
    base: int,
    cause: Cause,
    made_at: Instant,
    changes: Path,
    changed: Mapping[str, int],
    verdict: Verdict,
    space: Space,
    kept_off: Mapping[str, int],
) -> tuple[ManifestRecord, dict[str, Path]]:
    """Return the record of files that were just written, and the local files of its objects by their names.

    Args:
        archive: Where it will be kept.
        job: What was written, and how.
        rendered: The files.
        settings: Of this installation.
        base: The version that the changes start from; 0 is none.
        cause: Why it is made.
        made_at: When it is made.
        changes: A local file of changes.
        changed: How many entries were added, changed, removed.
        verdict: Of the gate.
        space: Addresses covered.
        kept_off: How many observables were kept off for which reason.
    """
    definition = job.definition
    role: Literal["file", "content"] = "content" if counters.has_counter(definition.format) else "file"
    files = [(archive.file_object(file, role), file.path) for file in rendered.files]
    objects: list[tuple[StoredObject, Path]] = [*files, archive.changes_object(changes)]
    record = ManifestRecord(
        export=definition.name,
        cause=cause,
        instant=job.instant,
        made_at=made_at,
        base=base,
        software=SOFTWARE,
        definition=as_object(definition),
        template=job.template,
        place=redact(definition.destination or settings.export_path),
        entries=rendered.entries,
        refused=rendered.refused,
        kept_off=dict(kept_off),
        space=space,
        changed=dict(changed),
        verdict=verdict.as_object(),
        objects=tuple(known for known, _ in objects),
    )
    return record, {known.name: path for known, path in objects}


def as_object(definition: ExportDefinition) -> dict[str, object]:
    """Return a definition in JSON's terms, without what must not be written down."""
    fields = asdict(definition) | {"destination": redact(definition.destination)}
    del fields["versions_key"]  # every name in the manifest begins with it
    return fields

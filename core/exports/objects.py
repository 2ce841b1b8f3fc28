"""What exports, runs, versions and previews look like as plain data, for JSON."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from core.exports.gate.verdict import Verdict
from core.redaction import redact
from core.schemas.export import Run
from core.schemas.instant import to_text

if TYPE_CHECKING:
    from core.exports.answers.against import Against
    from core.exports.definitions.plan import Change, FieldChange, Plan
    from core.exports.preview import Preview
    from core.exports.publishing.publish import Published
    from core.exports.versions.verify import Finding
    from core.store.archives import Archived
    from core.store.pins import Pin


def pin_object(pin: "Pin | None") -> dict[str, Any] | None:
    """Return what an export is pinned to."""
    if pin is None:
        return None
    return {
        "version": pin.number,
        "since": to_text(pin.pinned_at),
        "by": pin.by,
        "reason": pin.reason,
        "exact": pin.exact,
    }


def run_object(run: Run) -> dict[str, Any]:
    """Return a run."""
    return {
        "id": run.id,
        "status": run.status,
        "outcome": run.outcome,
        "message": run.message,
        "entries": run.entries,
        "version": run.version,
        "started_at": to_text(run.started_at),
        "finished_at": to_text(run.finished_at) if run.finished_at is not None else None,
    }


def version_object(item: "Archived") -> dict[str, Any]:
    """Return a version."""
    record = item.record
    return {
        "version": record.number or None,
        "cause": record.cause,
        "note": dict(record.note),
        "made": to_text(record.made_at),
        "instant": to_text(record.instant),
        "entries": record.entries,
        "refused": record.refused,
        "kept_off": dict(record.kept_off),
        "changed": dict(record.changed),
        "ipv4_addresses": record.space.ipv4,
        "ipv6_addresses": record.space.ipv6,
        "counter": record.counter,
        "verdict": record.verdict,
        "software": record.software,
        "manifest_sha256": item.manifest_sha256,
        "files": [
            {
                "name": file.file_name,
                "media_type": file.media_type,
                "size_bytes": file.size_bytes,
                "sha256": file.sha256,
                "entries": file.entries,
            }
            for file in record.content
        ],
    }


def held_object(item: "Archived | None") -> dict[str, Any] | None:
    """Return what is held."""
    if item is None:
        return None
    verdict = Verdict.from_object(item.record.verdict)
    return {
        "since": to_text(item.record.made_at),
        "entries": item.record.entries,
        "candidate": item.record.content[0].sha256,
        "reasons": verdict.as_object()["reasons"],
        "can_be_released": verdict.can_be_released,
    }


def published_objects(files: "Sequence[Published]") -> list[dict[str, Any]]:
    """Return what a release or a rollback published."""
    return [
        {"name": file.name, "location": redact(file.location), "sha256": file.sha256, "outcome": file.outcome}
        for file in files
    ]


def finding_object(item: "Finding") -> dict[str, Any]:
    """Return what a look at something that is kept found."""
    return {
        "version": item.version or None,
        "state": "published" if item.is_published else "kept" if item.version else "held",
        "what": redact(item.what),
        "fault": item.fault or None,
    }


def preview_object(seen: "Preview") -> dict[str, Any]:
    """Return a preview."""
    return {
        "export": seen.export,
        "entries": seen.entries,
        "current_version": seen.current,
        "changed": seen.changed,
        "removed_for": seen.removed_for,
        "kept_off": [{**msgspec.json.decode(reason), "observables": count} for reason, count in seen.kept_off],
        "verdict": seen.verdict.as_object(),
        "types": seen.types,
        "tags": seen.tags,
        "stale_assertions": seen.stale,
        "funnel": [{"step": step, "observables": count} for step, count in seen.funnel],
        "first": seen.first,
        "files": [{"name": file.name, "first": file.lines} for file in seen.files],
        "notes": list(seen.notes),
    }


def against_object(found: "Against") -> dict[str, Any]:
    """Return what a list would have hit."""
    return {
        "listed": found.listed,
        "lines": found.lines,
        "lines_hit": found.hit_lines,
        "lines_without_value": found.without_value,
        "lines_too_long": found.too_long,
        "hits": [
            {
                "value": hit.match.value,
                "relation": hit.match.relation,
                "entry": hit.match.entry,
                "entries": hit.match.entries,
                "in_url": hit.match.in_url,
                "lines": hit.lines,
                "first_line": hit.first_line,
                "excerpt": hit.excerpt,
            }
            for hit in found.hits
        ],
        "hits_beyond": found.beyond,
    }


def plan_object(wanted: "Plan") -> dict[str, Any]:
    """Return what would be done to definitions."""
    return {
        "exports": [_change_object(change) for change in wanted.changes],
        "templates": [
            {"name": item.name, "change": item.kind, "also_used_by": list(item.used_by)}
            for item in wanted.templates
        ],
        "in_no_file": list(wanted.left),
        "is_empty": wanted.is_empty,
    }


def _change_object(change: "Change") -> dict[str, Any]:
    outlook = change.outlook
    return {
        "name": change.name,
        "change": change.kind,
        "fields": [_field_object(field) for field in change.fields],
        "outlook": {
            "entries": None if outlook.fault else outlook.entries,
            "current_version": outlook.version,
            "changed": dict(outlook.changed),
            "held": list(outlook.held),
            "fault": outlook.fault or None,
        }
        if outlook
        else None,
        "notes": list(change.notes),
    }


def _field_object(field: "FieldChange") -> dict[str, Any]:
    return {"field": field.word, "old": field.old, "new": field.new}

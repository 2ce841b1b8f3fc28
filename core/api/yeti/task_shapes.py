"""Exports as Yeti's tasks, and back.  Pure.

``template_name`` is the template of an export, or its format, so that ``csv`` and ``list`` work where there is no
template.  ``frequency`` is a schedule of the form ``every:<seconds>``; one by a cron expression has no frequency.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from core.api.yeti.durations import seconds
from core.api.yeti.forms import own_type
from core.api.yeti.task_forms import ExportTask, ExportTaskOut
from core.errors import DefinitionError
from core.exports.definitions.definition import default_file_name
from core.exports.definitions.schedule import Schedule, read_schedule
from core.schemas.export import ExportDefinition, Selection
from core.schemas.instant import to_datetime
from core.store.task_states import TaskState
from core.values.types import expand

_IN_SELECTION = {"include_tags": "include", "exclude_tags": "exclude", "ignore_tags": "ignore"}


@dataclass(frozen=True, slots=True)
class WrittenBy:
    """What writes an export: one of the two."""

    template: str = ""
    format: str = ""


def shown(item: ExportDefinition, state: TaskState) -> ExportTaskOut:
    """Return an export as Yeti's clients know it."""
    chosen = item.selection
    is_held = state.status == "held"
    return ExportTaskOut(
        id=str(state.id),
        name=item.name,
        template_name=item.template or item.format,
        enabled=item.enabled,
        description=item.description,
        status="failed" if state.status == "held" else state.status,
        status_message=f"held: {state.message}" if is_held else state.message,
        last_run=None if state.completed_at is None else to_datetime(state.completed_at),
        frequency=frequency_of(item.schedule),
        include_tags=list(chosen.include),
        exclude_tags=list(chosen.exclude),
        ignore_tags=list(chosen.ignore),
        fresh_tags=not chosen.any_freshness,
        acts_on=list(chosen.types),
        sha256=state.sha256,
    )


def frequency_of(schedule: str) -> timedelta | None:
    """Return how often a schedule comes, ``None`` if it is none, or no interval."""
    if not schedule.startswith("every:"):
        return None
    return timedelta(seconds=read_schedule(schedule).every_s)


def schedule_of(frequency: timedelta | None, before: str = "") -> str:
    """Return the schedule of a frequency; one that is shown as *frequency* stays as it was, with all it says beside.

    None at all, and that of no time, is no schedule.
    """
    if frequency == frequency_of(before):
        return before
    return Schedule(every_s=seconds(frequency)).text if frequency else ""


def selection_of(given: ExportTask, before: Selection, fields: Collection[str]) -> Selection:
    """Return a selection with those of the *fields* of a task that are its business.

    Raises:
        DefinitionError: There is no such type.
    """
    changes: dict[str, Any] = {
        own: tuple(getattr(given, name)) for name, own in _IN_SELECTION.items() if name in fields
    }
    if "fresh_tags" in fields:
        changes["any_freshness"] = not given.fresh_tags
    if "acts_on" in fields:
        changes["types"] = expand([own_type(name) for name in given.acts_on])
    return replace(before, **changes)


def written_by(name: str, templates: Collection[str], formats: Collection[str]) -> WrittenBy | None:
    """Return the template or the format of that name; ``None`` if there is neither."""
    if name in templates:
        return WrittenBy(template=name)
    return WrittenBy(format=name) if name in formats else None


def file_name_of(name: str, format: str) -> str:
    """Return what an export is published as: by its name, or by a digest of a name without a letter of ASCII.

    Raises:
        DefinitionError: There is no such format.
    """
    try:
        return default_file_name(name, format)
    except DefinitionError:
        if name.isascii():
            raise
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        return default_file_name(f"export-{digest}", format)

"""``/api/v2/tasks``: exports as Yeti's tasks: look for, run, switch, make, change, remove."""

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Body, HTTPException

from core.api.access import ExportEditor, Reader, ServicesHere, StoreHere
from core.api.described import details
from core.api.routing import LargeBodyRoute
from core.api.services import Services
from core.api.yeti import task_shapes as shapes
from core.api.yeti.forms import window
from core.api.yeti.task_forms import Done, ExportForm, ExportTask, ExportTaskOut, Found, Run, Search
from core.api.yeti.task_search import matching, sorted_by
from core.errors import NotFound
from core.exports.definitions import definition as rules
from core.exports.definitions.keeping import keep
from core.exports.formats import formats
from core.exports.remove import remove_export
from core.schemas.export import ExportDefinition, Selection
from core.store import Store, definitions, jobs, kept_templates
from core.store.task_states import task_states

router = APIRouter(prefix="/tasks", tags=["tasks"], route_class=LargeBodyRoute)

_log = logging.getLogger(__name__)

DISABLED = "Task is disabled."


@router.post("/search")
def search(given: Search, services: ServicesHere, store: StoreHere, _: Reader) -> Found:
    """Look for tasks; they come in the order of their names, unless sorted otherwise."""
    found: list[ExportTaskOut] = []
    if given.type in (None, "export"):
        states = task_states(store, services.now)
        every = [
            shapes.shown(item, states[item.name]) for item in definitions.exports(store) if item.name in states
        ]
        found = sorted_by(matching(every, given.query), given.sorting)
    limit, offset = window(given.count, given.page)
    page = found[offset:] if limit is None else found[offset : offset + limit]
    return Found(tasks=page, total=len(found))


@router.post("/export/new", responses=details(404, 409))
def create(given: ExportForm, services: ServicesHere, store: StoreHere, _: ExportEditor) -> ExportTaskOut:
    """Define an export; it is switched off unless it is said to be on."""
    wanted = given.export
    by = shapes.written_by(wanted.template_name, _templates(store), formats())
    if by is None:
        raise HTTPException(404, f"ExportTask could not be created: Template {wanted.template_name} not found")
    made = rules.make(
        store,
        wanted.name,
        selection=shapes.selection_of(wanted, Selection(), ExportTask.model_fields),
        template=by.template,
        format=by.format,
        default_destination=services.settings.export_path,
        file_name=shapes.file_name_of(wanted.name, by.format),
        schedule=shapes.schedule_of(wanted.frequency),
        description=wanted.description,
        enabled=wanted.enabled,
        now=services.now,
    )
    _tell(made.name, keep(store, made, services.settings))
    return _shown(services, store, made)


@router.patch("/export/{name:path}", responses=details(404, 409, 412))
def change(
    name: str, given: ExportForm, services: ServicesHere, store: StoreHere, _: ExportEditor
) -> ExportTaskOut:
    """Change what is sent of an export, its name, too; what its file is published as stays."""
    wanted, fields = given.export, given.export.model_fields_set
    old = seen = _export(store, name)
    if wanted.template_name != (old.template or old.format):
        by = shapes.written_by(wanted.template_name, _templates(store), formats())
        if by is None:
            raise HTTPException(422, f"ExportTask could not be patched: Template {wanted.template_name} not found")
        # Options are of the format that was.
        old = replace(old, template=by.template, format=by.format, options={})
    made = replace(
        old,
        name=wanted.name,
        selection=shapes.selection_of(wanted, old.selection, fields),
        schedule=shapes.schedule_of(wanted.frequency, old.schedule) if "frequency" in fields else old.schedule,
        description=wanted.description if "description" in fields else old.description,
        enabled=wanted.enabled if "enabled" in fields else old.enabled,
        modified_at=services.now,
    )
    _tell(made.name, keep(store, made, services.settings, seen=seen))
    return _shown(services, store, made)


@router.delete("/export/{name:path}", responses=details(404, 409))
def remove(name: str, services: ServicesHere, store: StoreHere, _: ExportEditor) -> Done:
    """Remove an export; its published file and its versions stay where they are."""
    item = _export(store, name)
    remove_export(store, item.name, services.settings, purge=False, now=services.now)
    return Done()


@router.post("/{name:path}/run", responses=details(404))
def run(
    name: str,
    services: ServicesHere,
    store: StoreHere,
    caller: ExportEditor,
    _: Annotated[Run | None, Body()] = None,
) -> Done:
    """Ask for a run; how it went is seen by a search. An export that is switched off fails at once."""
    item = _export(store, name, "Task")
    if item.enabled:
        jobs.request(store, item.name, by=caller.name, now=services.now)
    else:
        jobs.refuse(store, item.name, DISABLED, by=caller.name, now=services.now)
    return Done()


@router.post("/{name:path}/toggle", responses=details(404))
def toggle(name: str, services: ServicesHere, store: StoreHere, _: ExportEditor) -> ExportTaskOut:
    """Switch an export on, or off."""
    item = _export(store, name, "Task")
    return _shown(services, store, definitions.toggle_export(store, item.name, services.now))


def _tell(name: str, warnings: Iterable[str]) -> None:
    """Leave in the log what is probably not meant: no field of Yeti's has a place for it."""
    for warning in warnings:
        _log.warning("export is probably not meant so", extra={"export": name, "why": warning})


def _templates(store: Store) -> set[str]:
    return {item.name for item in kept_templates.templates(store)}


def _export(store: Store, name: str, kind: str = "ExportTask") -> ExportDefinition:
    try:
        return definitions.get_export(store, name)
    except NotFound:
        raise HTTPException(404, f"{kind} {name[:300]} not found") from None


def _shown(services: Services, store: Store, item: ExportDefinition) -> ExportTaskOut:
    states = task_states(store, services.now, item.name)
    if item.name not in states:
        raise HTTPException(404, f"ExportTask {item.name} not found")
    return shapes.shown(item, states[item.name])

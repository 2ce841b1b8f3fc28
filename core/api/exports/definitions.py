"""``/api/v2/exports/definitions``: what exports are to be, and how they stand."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from core.accounts.callers import Caller
from core.accounts.permissions import Permission
from core.api.access import ExportEditor, Reader, ServicesHere, StoreHere
from core.api.described import problems
from core.api.exports.conditions import IfMatch, check, etag_of
from core.api.exports.definition_models import (
    Definition,
    ExportState,
    ExportSummary,
    Kept,
    NewDefinition,
    Removed,
)
from core.api.exports.names import Name, path_of
from core.api.exports.paging import Page, Paging
from core.api.routing import LargeBodyRoute
from core.api.services import Services
from core.errors import ConfigError, DefinitionError, NotAllowed
from core.exports.definitions import file_words, keeping
from core.exports.definitions.plan import completed
from core.exports.objects import held_object, pin_object, run_object
from core.exports.remove import remove_export
from core.exports.state import state_of, state_text, warnings
from core.redaction import redact
from core.schemas.export import ExportDefinition
from core.schemas.instant import to_text
from core.store import Store, definitions, schedules, versions

router = APIRouter(prefix="/definitions", tags=["exports: definitions"], route_class=LargeBodyRoute)

_SCHEDULES = ("every", "cron")


@router.get("", summary="List exports")
def list_exports(
    _: Reader,
    store: StoreHere,
    paging: Paging,
    enabled: Annotated[bool | None, Query(description="Only those that are, or are not.")] = None,
) -> Page[ExportSummary]:
    """Return the exports by name, and how each stands."""
    found = [item for item in definitions.exports(store) if enabled in (None, item.enabled)]
    items = [_summary(store, item) for item in paging.of(found)]
    return Page(total=len(found), limit=paging.limit, offset=paging.offset, items=items)


@router.post(
    "",
    status_code=201,
    summary="Define an export",
    responses=problems(409),
    response_model_exclude_unset=True,
)
def define_export(
    body: NewDefinition, response: Response, caller: ExportEditor, services: ServicesHere, store: StoreHere
) -> Kept:
    """Define an export.  Nothing is published before it runs."""
    made = completed(read_definition(body.said()), None, services.now)
    check_place(caller, None, made)
    kept = _kept(caller, services, store, made, None, response)
    response.headers["Location"] = path_of(made.name)
    return kept


@router.get("/{name}", summary="Show an export", responses=problems(404), response_model_exclude_unset=True)
def show_export(name: Name, response: Response, caller: Reader, store: StoreHere) -> Definition:
    """Return the words of a definition, as a file has them; `ETag` names this state of it."""
    found = definitions.get_export(store, name)
    response.headers["ETag"] = etag_of([found])
    return Definition.of(found, with_place=sees_places(caller))


@router.put(
    "/{name}",
    summary="Replace an export",
    responses=problems(404, 409, 412, 428),
    response_model_exclude_unset=True,
)
def replace_export(
    name: Name,
    body: Definition,
    response: Response,
    caller: ExportEditor,
    services: ServicesHere,
    store: StoreHere,
    if_match: IfMatch = None,
) -> Kept:
    """Replace a definition: what is not said is the default, but for name and file name, which stay.

    `If-Match` has to say what is replaced, so that two who edit do not undo what the other did.
    """
    old = definitions.get_export(store, name)
    check(if_match, etag_of([old]), is_needed=True)
    return _replaced(caller, services, store, old, body.said(), response)


@router.patch(
    "/{name}",
    summary="Change an export",
    responses=problems(404, 409, 412),
    response_model_exclude_unset=True,
)
def change_export(
    name: Name,
    body: Definition,
    response: Response,
    caller: ExportEditor,
    services: ServicesHere,
    store: StoreHere,
    if_match: IfMatch = None,
) -> Kept:
    """Change some words of a definition (JSON merge patch, RFC 7396): null is the default again.

    Options and limits are merged key by key.
    """
    old = definitions.get_export(store, name)
    check(if_match, etag_of([old]))
    return _replaced(caller, services, store, old, _merged(file_words.words_of(old), body.said()), response)


@router.delete("/{name}", summary="Remove an export", responses=problems(404, 409, 412))
def remove(
    name: Name,
    caller: ExportEditor,
    services: ServicesHere,
    store: StoreHere,
    if_match: IfMatch = None,
    purge: Annotated[bool, Query(description="Also delete the published files and the versions.")] = False,
) -> Removed:
    """Remove an export.  What it published, and its versions, stay unless that is to go, too."""
    check(if_match, etag_of([definitions.get_export(store, name)]))
    kept, deleted = remove_export(store, name, services.settings, purge=purge, now=services.now)
    return Removed(export=name, kept=[*map(redact, kept)], deleted=[*map(redact, deleted)])


@router.get("/{name}/state", summary="Show how an export stands", responses=problems(404))
def show_state(name: Name, _: Reader, store: StoreHere) -> ExportState:
    """Return what consumers have, how the last run went, and what somebody has to do something about."""
    return ExportState(**_state(store, definitions.get_export(store, name)))


def read_definition(said: dict[str, Any]) -> ExportDefinition:
    """Return the definition that words describe; null is the default.

    Raises:
        DefinitionError: A word says what cannot be, or the destination holds a secret.
    """
    found = file_words.read(_without_null(said))
    file_words.refuse_secret(found)
    return found


def check_place(caller: Caller, old: ExportDefinition | None, made: ExportDefinition) -> None:
    """Do nothing if whoever asks may let an export publish where it is to.

    The service writes there with its own rights and keys.

    Raises:
        NotAllowed: It is another place than before, and they may not.
    """
    before = old.destination if old else ""
    if made.destination != before and Permission.ADMIN not in caller.permissions:
        raise NotAllowed(f"{caller.name} may not say where to publish (to): that needs {Permission.ADMIN}")


def sees_places(caller: Caller) -> bool:
    """Say whether places of storages are shown to whoever asks: they tell how the service is set up."""
    return Permission.EXPORTS in caller.permissions


def _replaced(
    caller: Caller,
    services: Services,
    store: Store,
    old: ExportDefinition,
    said: dict[str, Any],
    response: Response,
) -> Kept:
    # What was read and is sent back has the place without its secret.
    stays = old.destination != "" and said.get("to") in (old.destination, redact(old.destination))
    found = read_definition(said | {"name": said.get("name") or old.name} | ({"to": None} if stays else {}))
    made = completed(replace(found, destination=old.destination) if stays else found, old, services.now)
    check_place(caller, old, made)
    return _kept(caller, services, store, made, old, response)


def _kept(
    caller: Caller,
    services: Services,
    store: Store,
    made: ExportDefinition,
    old: ExportDefinition | None,
    response: Response,
) -> Kept:
    try:
        warnings = keeping.keep(store, made, services.settings, seen=old)
    except ConfigError as error:
        # Where versions are kept is a setting; that this export would publish there is what can be mended here.
        raise DefinitionError(str(error), word="to") from None
    response.headers["ETag"] = etag_of([made])
    shown = Definition.of(made, with_place=sees_places(caller))
    return Kept(definition=shown, warnings=[*warnings])


def _without_null(said: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_null(value) if isinstance(value, dict) else value
        for key, value in said.items()
        if value is not None
    }


def _merged(old: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """Return words with those changed that are said; the parts of a schedule belong to one of its two kinds."""
    if any(said.get(word) is not None for word in _SCHEDULES):
        old = {word: value for word, value in old.items() if word not in (*_SCHEDULES, "time-zone")}
    elif any(word in said and word in old for word in _SCHEDULES):
        old = {word: value for word, value in old.items() if word not in ("time-zone", "jitter")}
    if said.get("format") is not None:
        old.pop("template", None)
    if said.get("template") is not None:
        old = {word: value for word, value in old.items() if word not in ("format", "option")}
    found = old | said
    for word in ("option", "limit"):
        if isinstance(said.get(word), dict) and isinstance(old.get(word), dict):
            found[word] = old[word] | said[word]
    return found


def _summary(store: Store, item: ExportDefinition) -> ExportSummary:
    return ExportSummary(
        **_state(store, item),
        description=item.description,
        format=item.format or None,
        template=item.template or None,
        file_name=item.file_name,
    )


def _state(store: Store, item: ExportDefinition) -> dict[str, Any]:
    state = state_of(store, item.name)
    version = versions.current_version(store, item.name)
    due_at = schedules.due_at(store, item.name)
    current = version and {
        "version": version.number,
        "made": to_text(version.created_at),
        "entries": version.entries,
    }
    return {
        "export": item.name,
        "enabled": item.enabled,
        "status": state_text(state),
        "current": current,
        "last_run": run_object(state.last) if state.last else None,
        "due_at": None if due_at is None else to_text(due_at),
        "pinned": pin_object(state.pin),
        "held": held_object(state.waiting),
        "attention": [redact(text) for text in warnings(item.name, state)],
    }

"""The gate: what it holds and why, and the override by somebody who looked at it."""

from fastapi import APIRouter

from core.api.access import ExportEditor, Reader, ServicesHere, StoreHere
from core.api.described import problems
from core.api.exports.fields import PublishedFile
from core.api.exports.names import Name
from core.api.exports.version_models import Held, Release, Released
from core.api.routing import LargeBodyRoute
from core.errors import NotFound
from core.exports.objects import held_object, published_objects, version_object
from core.exports.versions import release as releases

router = APIRouter(prefix="/definitions/{name}/held", tags=["exports: gate"], route_class=LargeBodyRoute)


@router.get("", summary="Show what is held", responses=problems(404))
def show_held(name: Name, _: Reader, store: StoreHere) -> Held:
    """Return what a run made and the gate held, and why.  `diff?from=held` has the changes, entry by entry."""
    found = releases.candidate(store, name)
    if found is None:
        raise NotFound(f"nothing of {name!r} is held")
    told = version_object(found) | (held_object(found) or {})
    return Held(**told, base=found.record.base)


@router.post("/release", summary="Publish what is held", responses=problems(404, 409))
def release(name: Name, body: Release, caller: ExportEditor, services: ServicesHere, store: StoreHere) -> Released:
    """Publish exactly what was looked at: 409 if a later run made another candidate, or it may not be released.

    An unfinished read, a failed check of the format and an own asset cannot be released.
    """
    number, files, notes = releases.release(
        store,
        name,
        services.settings,
        by=caller.name,
        reason=body.reason,
        sha256=body.sha256,
        now=services.now,
    )
    return Released(
        export=name,
        version=number,
        notes=[*notes],
        files=[PublishedFile(**file) for file in published_objects(files)],
    )

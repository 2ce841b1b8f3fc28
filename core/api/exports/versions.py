"""Versions: what was published, how two differ, and back to one of them."""

from itertools import islice
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from core.api.access import ExportEditor, Reader, ServicesHere, StoreHere
from core.api.described import Responses, problems
from core.api.exports.downloads import download
from core.api.exports.fields import Pinned, PublishedFile
from core.api.exports.names import FileName, Name, VersionNumber
from core.api.exports.paging import Paging
from core.api.exports.version_models import (
    Diff,
    DifferenceOut,
    FindingOut,
    Manifest,
    Rollback,
    RolledBack,
    Verified,
    VersionOut,
    Versions,
)
from core.api.files.described import conditions
from core.api.routing import LargeBodyRoute
from core.errors import DefinitionError
from core.exports.objects import finding_object, pin_object, published_objects, version_object
from core.exports.versions.archive import Archive
from core.exports.versions.differences import Difference, Side, differences
from core.exports.versions.rollback import roll_back
from core.exports.versions.verify import verify
from core.store import archives, definitions, pins
from core.store.archives import KEPT

router = APIRouter(prefix="/definitions/{name}", tags=["exports: versions"], route_class=LargeBodyRoute)

_SIDE = r"^(held|[0-9]{1,9})$"
_BYTES = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
_ANSWERS: Responses = {
    200: {"description": "It is there, and has not changed since it was published."},
    304: {"description": "It is the one that `If-None-Match` names."},
}
_FILE: Responses = {
    200: {"description": "The file, byte for byte as it was published.", "content": _BYTES},
    206: {"description": "The part of it that was asked for.", "content": _BYTES},
    307: {"description": "A link to the storage, where `api.presigned_downloads` is on."},
}


@router.get("/versions", summary="List versions", responses=problems(404))
def list_versions(name: Name, _: Reader, store: StoreHere, paging: Paging) -> Versions:
    """Return the versions that are kept, the newest first."""
    kept = [*reversed(archives.find(store, name, KEPT))]
    current = archives.current(store, name)
    pin = pin_object(pins.pinned(store, name))
    return Versions(
        export=name,
        current=current.number if current else None,
        pinned=Pinned(**pin) if pin else None,
        total=len(kept),
        limit=paging.limit,
        offset=paging.offset,
        items=[VersionOut(**version_object(item)) for item in paging.of(kept)],
    )


@router.get("/versions/{version}", summary="Show a version", responses=problems(404))
def show_version(name: Name, version: VersionNumber, _: Reader, store: StoreHere) -> VersionOut:
    """Return what is known of a version."""
    return VersionOut(**version_object(archives.get(store, name, version)))


@router.get("/versions/{version}/manifest", summary="Get a manifest", responses=problems(404))
def show_manifest(
    name: Name, version: VersionNumber, _: ExportEditor, services: ServicesHere, store: StoreHere
) -> Manifest:
    """Return the manifest of a version, byte for byte as it is kept: its SHA-256 is `manifest_sha256` of the version."""
    item = archives.get(store, name, version)
    archive = Archive(services.settings.versions_path, definitions.get_export(store, name))
    data = archive.read_manifest(version, item.manifest_sha256)
    return Response(data, media_type="application/json")  # type: ignore[return-value]  # the bytes themselves


@router.head(
    "/versions/{version}/files/{file}",
    name="head_version_file",
    summary="Ask for the headers of a file of a version",
    response_class=Response,
    responses=_ANSWERS | problems(404, 406, 412),
    openapi_extra=conditions(is_get=False),
)
@router.get(
    "/versions/{version}/files/{file}",
    summary="Download a file of a version",
    response_class=Response,
    responses=_ANSWERS | _FILE | problems(404, 406, 412, 416),
    openapi_extra=conditions(is_get=True),
)
def download_file(
    request: Request,
    name: Name,
    version: VersionNumber,
    file: FileName,
    _: Reader,
    store: StoreHere,
) -> Response:
    """Return a file of a version, from the networks that the export may be fetched from.

    Conditions, ranges and codings are those of `/exports`.  A whole file is compared with its SHA-256 on the way, and
    not sent to the end if it is not what was kept.
    """
    return download(request, store, name, version, file)


@router.get("/diff", summary="Compare versions", responses=problems(404))
def show_diff(
    name: Name,
    _: Reader,
    services: ServicesHere,
    store: StoreHere,
    paging: Paging,
    before: Annotated[
        str | None,
        Query(alias="from", pattern=_SIDE, description="A version, 0 is before the first; or `held`."),
    ] = None,
    after: Annotated[
        str | None, Query(alias="to", pattern=_SIDE, description="The other side; the current one without.")
    ] = None,
) -> Diff:
    """Return what was added, removed (and why) and changed; without sides, by the last change.

    `from=held` is what a release would change.
    """
    if after is not None and before is None:
        raise DefinitionError("to: it goes with from; leave both out for the last change", word="to")
    sides = _side(before), _side(after)
    with differences(store, name, services.settings, *sides) as found:
        start, end = paging.offset, paging.offset + paging.limit
        items = [_difference(item) for item in islice(found.changes, start, end)]
        for _rest in found.changes:  # all are counted
            pass
        told = {
            "export": name,
            "from": found.before,
            "to": found.after,
            "counts": {word: found.counts[word] for word in ("added", "removed", "changed")},
            "removed_for": dict(sorted(found.reasons.items())),
            "total": sum(found.counts.values()),
            "limit": paging.limit,
            "offset": paging.offset,
            "items": items,
        }
        return Diff.model_validate(told)


@router.post("/rollback", summary="Publish an older version again", responses=problems(404, 409))
def rollback(
    name: Name, body: Rollback, caller: ExportEditor, services: ServicesHere, store: StoreHere
) -> RolledBack:
    """Publish a version again, as a new one, and pin the export to it: runs publish nothing until it is unpinned.

    What was withdrawn or carved out since is not published again, unless *exact* says so.  Of the current version it
    is a pin, and nothing is published.  While a run goes on the answer is 409.
    """
    done = roll_back(
        store,
        name,
        body.version,
        services.settings,
        by=caller.name,
        reason=body.reason,
        exact=body.exact,
        now=services.now,
    )
    return RolledBack(
        export=name,
        version=done.version,
        of=done.of,
        entries_before=done.before,
        entries=done.entries,
        changed=dict(done.changed),
        left_out=done.left_out,
        notes=[*done.notes],
        files=[PublishedFile(**file) for file in published_objects(done.files)],
    )


@router.get("/pin", summary="Show a pin", responses=problems(404))
def show_pin(name: Name, _: Reader, store: StoreHere) -> Pinned | None:
    """Return what an export is pinned to; null if it is not."""
    definitions.get_export(store, name)
    found = pin_object(pins.pinned(store, name))
    return Pinned(**found) if found else None


@router.delete("/pin", summary="Unpin an export", responses=problems(404))
def unpin(name: Name, _: ExportEditor, store: StoreHere) -> Pinned:
    """Let runs publish again after a rollback; the answer is the pin that was."""
    return Pinned(**(pin_object(pins.unpin(store, name)) or {}))


@router.get("/verify", summary="Verify what is kept", responses=problems(404))
def verify_export(
    name: Name,
    _: ExportEditor,
    services: ServicesHere,
    store: StoreHere,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Only this one.")] = None,
) -> Verified:
    """Read everything that is kept of an export, and compare it with what it should be.

    That is each manifest and its link to the one before, each object, and the published files.
    """
    found = [FindingOut(**finding_object(item)) for item in verify(store, name, services.settings, number=version)]
    return Verified(export=name, is_good=all(item.fault is None for item in found), findings=found)


def _side(text: str | None) -> Side | None:
    if text is None or text == "held":
        return text  # type: ignore[return-value]  # just the one word
    return int(text)


def _difference(item: Difference) -> DifferenceOut:
    why = msgspec.json.decode(item.reason, type=dict[str, object]) if item.reason else None
    told = None if why is None else {key: str(value) for key, value in why.items()}
    return DifferenceOut(change=item.change, type=item.type, value=item.value, why=told)

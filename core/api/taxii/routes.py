"""The endpoints of TAXII 2.1; nothing is written by them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from core.api.taxii import MEDIA_TYPE, PREFIX
from core.api.taxii.asking import (
    Asked,
    AskedHere,
    Collection,
    Wanted,
    WantedHere,
    date_text,
    next_text,
)
from core.exports import stix_collection, stix_objects
from core.exports.stix_collection import Indicator
from core.schemas.instant import Instant
from core.store.fetches import NOBODY, FetchKey
from core.store.ledger import collections
from core.store.ledger.collections import Entry, Place
from core.store.standings import NO_VERSION
from core.store.store import Store

router = APIRouter(prefix=PREFIX, tags=["taxii"], default_response_class=Response)

_MOST_CONTENT_BYTES = 1 << 20
_AT_ONCE = 5_000
_encode = msgspec.json.Encoder().encode
_ROOT = f"{PREFIX}/api"

Found = tuple[Entry, Indicator]


def _answer(found: Any, **headers: str) -> Response:
    sent = {"Cache-Control": "private, no-cache", "Vary": "Accept, Authorization"} | headers
    return Response(_encode(found), headers=sent, media_type=MEDIA_TYPE)


@router.get("/")
async def discovery(_: AskedHere) -> Response:
    """Say where the API root is, without a host: anybody may have named another."""
    root = f"{_ROOT}/"
    return _answer(
        {"title": "Yeti Exports", "description": "Published exports.", "default": root, "api_roots": [root]}
    )


@router.get("/api/")
async def api_root(_: AskedHere) -> Response:
    """Describe the API root."""
    return _answer(
        {"title": "Published exports", "versions": [MEDIA_TYPE], "max_content_length": _MOST_CONTENT_BYTES}
    )


@router.get("/api/status/{status_id}/")
async def status(status_id: str, _: AskedHere) -> Response:
    """Tell how an addition went: there are none."""
    raise HTTPException(404, f"nothing was ever added here, so that there is no status {status_id[:100]!r}")


@router.get("/api/collections/")
async def all_collections(found: AskedHere) -> Response:
    """List the collections that whoever asks may read."""
    items = [_described(item) for item in found.collections.values()]
    return _answer({"collections": items} if items else {})


@router.get("/api/collections/{collection_id}/")
async def one_collection(collection_id: str, found: AskedHere) -> Response:
    """Describe a collection."""
    return _answer(_described(found.collection(collection_id)))


@router.get("/api/collections/{collection_id}/objects/")
async def objects(request: Request, collection_id: str, found: AskedHere, what: WantedHere) -> Response:
    """Send objects, oldest first, a page at a time."""
    item = found.collection(collection_id)
    there, behind = await _entries(found, item, what)
    answer = _page([_object(one) for _, one in there], there, behind)
    has_version = behind is None and not what.is_part
    _note(request, found, item, answer, has_version=has_version)
    return answer


@router.post("/api/collections/{collection_id}/objects/")
async def add_objects(collection_id: str, found: AskedHere) -> Response:
    """Refuse to add objects."""
    found.collection(collection_id)
    raise HTTPException(403, "collections are read here, and nothing else")


@router.get("/api/collections/{collection_id}/manifest/")
async def manifest(request: Request, collection_id: str, found: AskedHere, what: WantedHere) -> Response:
    """Say which objects there are, and when they came."""
    item = found.collection(collection_id)
    there, behind = await _entries(found, item, what)
    records = [
        {
            "id": one.id,
            "date_added": date_text(entry.added_at),
            "version": one.modified,
            "media_type": stix_objects.MEDIA_TYPE,
        }
        for entry, one in there
    ]
    answer = _page(records, there, behind)
    _note(request, found, item, answer)
    return answer


@router.get("/api/collections/{collection_id}/objects/{object_id}/")
async def one_object(
    request: Request, collection_id: str, object_id: str, found: AskedHere, what: WantedHere
) -> Response:
    """Send one object, in the version that there is."""
    item = found.collection(collection_id)
    there = await _of_id(found, item, object_id, what)
    answer = _page([_object(one) for _, one in there], there)
    _note(request, found, item, answer)
    return answer


@router.get("/api/collections/{collection_id}/objects/{object_id}/versions/")
async def object_versions(
    request: Request, collection_id: str, object_id: str, found: AskedHere, what: WantedHere
) -> Response:
    """Say which versions of an object there are: one."""
    item = found.collection(collection_id)
    there = await _of_id(found, item, object_id, what)
    answer = _answer({"versions": [one.modified for _, one in there]} if there else {}, **_dates(there))
    _note(request, found, item, answer)
    return answer


@router.delete("/api/collections/{collection_id}/objects/{object_id}/")
async def delete_object(collection_id: str, object_id: str, found: AskedHere) -> Response:
    """Refuse to delete an object."""
    found.collection(collection_id)
    raise HTTPException(403, f"collections are read here, and nothing else: {object_id[:100]} stays")


def _described(item: Collection) -> dict[str, Any]:
    said = {"description": item.export.description} if item.export.description else {}
    return {
        "id": item.id,
        "title": item.export.name,
        **said,
        "alias": item.export.name,
        "can_read": True,
        "can_write": False,
        "media_types": [stix_objects.MEDIA_TYPE],
    }


async def _of_id(found: Asked, item: Collection, object_id: str, what: Wanted) -> list[Found]:
    there, _ = await _entries(found, item, Wanted(limit=1, ids=frozenset((object_id,))))
    if not there:
        raise HTTPException(404, "there is no such object in this collection")
    is_wanted = not what.is_nothing and (what.added_after is None or there[0][0].added_at > what.added_after)
    return [(entry, one) for entry, one in there if is_wanted and _is_version(one, what)]


async def _entries(found: Asked, item: Collection, what: Wanted) -> tuple[list[Found], Place | None]:
    """Return what is wanted of a collection, and behind which place there is more of it."""
    if what.is_nothing:
        return [], None
    if not what.ids and what.versions is None:
        return await asyncio.to_thread(_read, found, item, what)
    async with found.service.looking:
        return await asyncio.to_thread(_looked_for, found, item, what)


def _read(found: Asked, item: Collection, what: Wanted) -> tuple[list[Found], Place | None]:
    with found.service.services.store() as store:
        entries, behind = _page_of(store, item, what, what.limit)
        return _made(store, item, entries), behind


def _page_of(store: Store, item: Collection, what: Wanted, limit: int) -> tuple[list[Entry], Place | None]:
    entries = collections.page(
        store,
        item.export.id,
        item.export.version,
        after=what.after,
        added_after=what.added_after,
        types=stix_objects.TYPES,
        limit=limit + 1,
    )
    return entries[:limit], entries[limit - 1].place if len(entries) > limit else None


def _made(store: Store, item: Collection, entries: Sequence[Entry]) -> list[Found]:
    return stix_collection.indicators(store, item.export.id, item.export.version, entries)


def _looked_for(found: Asked, item: Collection, what: Wanted) -> tuple[list[Found], Place | None]:
    """Go through a collection, since ids say nothing of where an object stands."""
    there: list[Found] = []
    with found.service.services.store() as store:
        while True:
            entries, behind = _page_of(store, item, what, _AT_ONCE)
            if what.ids:
                ids = stix_collection.ids(store, item.export.id, item.export.version, entries)
                entries = [entry for entry, id_ in zip(entries, ids, strict=True) if id_ in what.ids]
            there += [one for one in _made(store, item, entries) if _is_version(one[1], what)]
            if len(there) > what.limit:
                return there[: what.limit], there[what.limit - 1][0].place
            if behind is None or (what.ids and len(there) == len(what.ids)):  # each is there once
                return there, None
            what = replace(what, after=behind)


def _is_version(one: Indicator, what: Wanted) -> bool:
    return what.versions is None or one.modified in {stix_objects.timestamp(moment) for moment in what.versions}


def _object(one: Indicator) -> msgspec.Raw:
    return msgspec.Raw(one.text.encode())


def _page(said_of: Sequence[object], there: Sequence[Found], behind: Place | None = None) -> Response:
    said: dict[str, Any] = {"objects": said_of} if said_of else {}
    if behind is not None:
        said = {"more": True, "next": next_text(behind)} | said
    return _answer(said, **_dates(there))


def _dates(there: Sequence[Found]) -> dict[str, str]:
    if not there:
        return {}
    moments: list[Instant] = [entry.added_at for entry, _ in there]
    return {
        "X-TAXII-Date-Added-First": date_text(min(moments)),
        "X-TAXII-Date-Added-Last": date_text(max(moments)),
    }


def _note(
    request: Request, found: Asked, item: Collection, answer: Response, *, has_version: bool = False
) -> None:
    """Count it; who has not got the last page, or all of it, has no version by that, as with parts of a file."""
    found.service.fetches.note(
        FetchKey(
            item.granted.token.consumer if item.granted else NOBODY,
            item.export.id,
            item.export.version if has_version else NO_VERSION,
        ),
        found.service.services.now,
        size_bytes=len(answer.body),
        address=request.client.host if request.client else "",
        agent=request.headers.get("user-agent", ""),
    )

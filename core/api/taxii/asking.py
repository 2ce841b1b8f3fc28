"""Who asks, for which collections, in which media type, and what of them."""

import asyncio
import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated
from uuid import uuid5

from fastapi import Depends, Query, Request
from starlette.exceptions import HTTPException

from core.api.files import callers
from core.api.files.catalog import Catalog, Granted, PublishedFile
from core.api.files.route import CHALLENGES, headers_of
from core.api.files.service import FileService
from core.api.taxii import MEDIA_TYPE
from core.errors import RefusedValue
from core.exports import stable_ids, stix_objects
from core.schemas.instant import Instant, to_datetime
from core.store.ledger.collections import START, Place
from core.store.serving import ServedExport
from core.values.dates import instant

MOST_OBJECTS = 1_000

_ACCEPTED = re.compile(
    r"\s*(?:\*/\*|application/\*|application/taxii\+json(?:\s*;\s*version\s*=\s*\"?2\.1\"?)?)\s*"
    r"(?:;\s*q\s*=\s*(?!0(?:\.0*)?\s*$)[0-9.]+\s*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Collection:
    """An export that may be read by who asks."""

    id: str
    export: ServedExport
    file: PublishedFile
    granted: Granted | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks: what may be read, by the ids of collections."""

    service: FileService
    collections: dict[str, Collection]

    def find(self, key: str) -> Collection | None:
        """Return a collection by its id or its alias, if there is one that is theirs."""
        by_alias = (item for item in self.collections.values() if item.export.name == key)
        return self.collections.get(key.lower()) or next(by_alias, None)

    def collection(self, key: str) -> Collection:
        """Return a collection by its id or its alias.

        Raises:
            HTTPException: 404.  There is none, or it is not theirs.
        """
        found = self.find(key)
        if found is None:
            raise HTTPException(404, "there is no such collection, or it is not yours to read")
        return found


async def asked(request: Request) -> Asked:
    """Return who asks, and what they may read: what they may fetch as a file.

    Raises:
        HTTPException: 401, 403 or 406.
    """
    if not accepts(request.headers.get("accept")):
        raise HTTPException(406, f"only {MEDIA_TYPE} is spoken here")
    service: FileService = request.app.state.files
    wanted = request.path_params.get("collection_id")
    found, refused = await _readable(request, service, await service.catalog.get())
    if refused is not None or (wanted is not None and found.find(wanted) is None):
        # Nobody is refused for what was so a moment ago.
        found, refused = await _readable(request, service, await service.catalog.get_now())
    if refused is not None:
        raise HTTPException(refused.status, refused.detail, CHALLENGES if refused.status == 401 else None)
    return found


async def _readable(
    request: Request, service: FileService, catalog: Catalog
) -> tuple[Asked, callers.Refusal | None]:
    """Return what who asks may read, or why that is nothing."""
    headers = headers_of(request.scope)
    secret = callers.secret_of(headers, request.scope["query_string"], in_query=service.tokens_in_query)
    now = service.services.now
    is_user = False
    if secret is not None and callers.is_users(secret):
        is_user = await asyncio.to_thread(callers.may_read, service.services, secret, now)
    address = request.client.host if request.client else ""
    found = {}
    for export, file in catalog.exports.values():
        if file is None:
            continue
        refused, granted = callers.refusal(catalog, file, secret, address, now, is_user=is_user)
        callers.see(service.fetches, refused, granted, now)
        if refused is None:
            key = str(uuid5(stable_ids.NAMESPACE, f"collection:{export.versions_key}"))
            found[key] = Collection(key, export, file, granted)
    refused = None
    if not found:
        refused, _ = callers.refusal(catalog, None, secret, address, now, is_user=is_user)
        # Who is known may have nothing to read.
        refused = None if refused is not None and refused.status == 404 else refused
    return Asked(service, found), refused


AskedHere = Annotated[Asked, Depends(asked)]


def accepts(header: str | None) -> bool:
    """Say whether a client takes TAXII 2.1; one that says nothing does."""
    return header is None or any(_ACCEPTED.fullmatch(item) for item in header.split(","))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a collection is wanted.

    Attributes:
        after: Behind that place.
        added_after: Later than that.
        limit: How many at most.
        ids: Only these; empty is all.
        versions: Only these: ``first``, ``last``, ``all`` are the one that there is; else timestamps.
        is_nothing: Another type, or another version of STIX, is wanted: there is none.
    """

    after: Place = START
    added_after: Instant | None = None
    limit: int = MOST_OBJECTS
    ids: frozenset[str] = field(default_factory=frozenset)
    versions: frozenset[Instant] | None = None
    is_nothing: bool = False

    @property
    def is_part(self) -> bool:
        """Whether some objects are wanted, and not all that were added later than others."""
        return bool(self.ids) or self.versions is not None or self.is_nothing


def wanted(
    added_after: Annotated[str | None, Query(description="Only what was added later than that.")] = None,
    limit: Annotated[str | None, Query(description="How many objects at most; never more than 1,000.")] = None,
    next_: Annotated[str | None, Query(alias="next", description="Of the page before.")] = None,
    ids: Annotated[str | None, Query(alias="match[id]")] = None,
    types: Annotated[str | None, Query(alias="match[type]")] = None,
    versions: Annotated[str | None, Query(alias="match[version]")] = None,
    spec_versions: Annotated[str | None, Query(alias="match[spec_version]")] = None,
) -> Wanted:
    """Read the parameters.

    Raises:
        HTTPException: 400.  One is not of its form.
    """
    if limit is not None and not re.fullmatch(r"0*[1-9][0-9]{0,17}", limit, re.ASCII):
        raise HTTPException(400, f"limit is a whole number from 1 on, not {limit!r}")
    return Wanted(
        START if next_ is None else _place(next_),
        None if added_after is None else _instant("added_after", added_after),
        min(MOST_OBJECTS, int(limit or MOST_OBJECTS)),
        frozenset(_words(ids)),
        _versions(_words(versions)),
        bool(types and "indicator" not in _words(types))
        or bool(spec_versions and stix_objects.SPEC_VERSION not in _words(spec_versions)),
    )


WantedHere = Annotated[Wanted, Depends(wanted)]


def next_text(place: Place) -> str:
    """Return what a client sends as ``next`` to go on behind a place."""
    text = f"{place.version}.{place.observable}.{place.part}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def date_text(moment: Instant) -> str:
    """Return an instant as TAXII writes it, to the microsecond."""
    return to_datetime(moment).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _place(text: str) -> Place:
    try:
        padded = text + "=" * (-len(text) % 4)
        version, observable, part = base64.urlsafe_b64decode(padded).decode().split(".", 2)
        place = Place(int(version), int(observable), part)
    except (ValueError, binascii.Error):
        raise HTTPException(400, "next is not what a page before said") from None
    if not (0 <= place.version < 2**31 and 0 <= place.observable < 2**63) or "\0" in part:
        raise HTTPException(400, "next is not what a page before said")
    return place


def _instant(name: str, text: str) -> Instant:
    try:
        return instant(text)
    except RefusedValue as error:
        raise HTTPException(400, f"{name} is not a date: {error}") from None


def _words(text: str | None) -> Sequence[str]:
    return [word.strip() for word in text.split(",") if word.strip()] if text else []


def _versions(words: Sequence[str]) -> frozenset[Instant] | None:
    if not words or {"first", "last", "all"} & {*words}:
        return None
    return frozenset(_instant("match[version]", word) for word in words)

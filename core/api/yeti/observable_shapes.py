"""Observables as answers: in the form of today's Yeti, with tags as a list."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

import msgspec
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel

from core.api.services import Services
from core.schemas.instant import Instant, to_text
from core.store import Store
from core.store.observable_pages import Observable, TagOn, by_ids

AT_ONCE = 1_000
"""So many observables are in memory at once; more are sent as they are read."""

_encode = msgspec.json.Encoder().encode
_date = lru_cache(maxsize=65_536)(to_text)  # of what came in together the dates are the same


class TagOnOut(BaseModel):
    """A tag of an observable."""

    name: str
    last_seen: datetime
    expires: datetime | None
    fresh: bool
    id: str


class ObservableOut(BaseModel):
    """An observable."""

    value: str
    type: str
    tags: list[TagOnOut]
    context: list[dict[str, Any]]
    last_analysis: dict[str, Any]
    created: datetime
    modified: datetime
    acls: dict[str, Any]
    root_type: Literal["observable"]
    is_valid: bool
    id: str


def tag_object(tag: TagOn) -> dict[str, Any]:
    """Return a tag of an observable in JSON's terms."""
    return {
        "name": tag.name,
        "last_seen": _date(tag.received_at),
        "expires": None if tag.expires_at is None else _date(tag.expires_at),
        "fresh": tag.is_fresh,
        "id": str(tag.id),
    }


def one(store: Store, key: int, now: Instant) -> Response:
    """Return the observable of a row id that is there."""
    return Response(_text(by_ids(store, [key], now)[0]), media_type="application/json")


def several(services: Services, store: Store, name: str, keys: Sequence[int], **others: Any) -> Response:
    """Return the observables of row ids under *name*, and beside them *others*; those that went meanwhile are left out."""
    head = f'{{"{name}":['.encode()
    # In ASCII: what did not go in may hold half a surrogate pair.
    tail = "]" + "".join(f',"{key}":{json.dumps(value)}' for key, value in others.items()) + "}"
    now = services.now
    if len(keys) <= AT_ONCE:
        body = b",".join(map(_text, by_ids(store, keys, now)))
        return Response(head + body + tail.encode(), media_type="application/json")
    return StreamingResponse(_pieces(services, head, keys, tail.encode(), now), media_type="application/json")


def _pieces(services: Services, head: bytes, keys: Sequence[int], tail: bytes, now: Instant) -> Iterator[bytes]:
    yield head
    separator = b""
    for start in range(0, len(keys), AT_ONCE):
        # Lent for each piece: whoever reads slowly, or goes away, keeps no store.
        with services.store() as store:
            found = by_ids(store, keys[start : start + AT_ONCE], now)
        if found:
            yield separator + b",".join(map(_text, found))
            separator = b","
    yield tail


def _text(item: Observable) -> bytes:
    return _encode(
        {
            "value": item.value,
            "type": item.type,
            "tags": [tag_object(tag) for tag in item.tags],
            "context": msgspec.Raw(item.context.encode()),
            "last_analysis": {},
            "created": _date(item.created_at),
            "modified": _date(item.modified_at),
            "acls": {},
            "root_type": "observable",
            "is_valid": True,
            "id": str(item.id),
        }
    )

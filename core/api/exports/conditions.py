"""Conditional edits: who changes something says which state of it was looked at."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated

import msgspec
from fastapi import Header
from starlette.exceptions import HTTPException

from core.errors import ChangedMeanwhile
from core.redaction import redact
from core.schemas.export import ExportDefinition

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=1_000,
        description="The `ETag` of the state that is to be changed; `*` is whatever there is.",
    ),
]
_ANY = "*"


def etag_of(definitions: Iterable[ExportDefinition]) -> str:
    """Return the entity tag of definitions; every change gives another, and nothing secret is in it."""
    # Nor the key of its versions, which nobody chooses, and which it has only once it is kept.
    shown = [replace(item, destination=redact(item.destination), versions_key="") for item in definitions]
    return f'"{hashlib.sha256(msgspec.json.encode(shown, order="deterministic")).hexdigest()[:32]}"'


def check(given: str | None, etag: str, *, is_needed: bool = False) -> None:
    """Do nothing if what was looked at is what there is.

    Raises:
        HTTPException: 428, nothing was said of that, and it *is_needed*.
        ChangedMeanwhile: It is something else by now.
    """
    if given is None:
        if is_needed:
            raise HTTPException(428, "Say by If-Match what is to be replaced: the ETag it was read with, or *.")
        return
    tags = [tag.strip() for tag in given.split(",")]
    if tags != [_ANY] and etag not in tags:
        raise ChangedMeanwhile("somebody changed it since it was looked at; look at it again")

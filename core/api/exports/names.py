"""Names in paths: a slash that is percent-encoded is part of a name, any other ends it.

Servers decode a path before it is looked at, and then the two look alike.  Here the first is another character while
the route is looked for: one that no name can have.
"""

import re
from typing import Annotated
from urllib.parse import quote, unquote_to_bytes

from fastapi import Path
from pydantic import AfterValidator
from starlette.types import ASGIApp, Receive, Scope, Send

from core.api.answers import OURS
from core.exports.definitions.definition import LONGEST_NAME

_SLASH = "\ue02f"
_ENCODED = re.compile(rb"%2f", re.IGNORECASE)
_MOST = 2**31 - 1


class WholeNames:
    """A layer of the application that keeps encoded slashes apart, in paths that are ours."""

    def __init__(self, app: ASGIApp) -> None:
        """Keep what is below."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and scope["path"].startswith(OURS):
            raw: bytes = scope.get("raw_path") or b""
            if _ENCODED.search(raw):
                kept = _ENCODED.sub(quote(_SLASH).encode(), raw)
                scope = {**scope, "path": unquote_to_bytes(kept).decode("utf-8", "replace")}
        await self._app(scope, receive, send)


def with_slashes(text: str) -> str:
    """Return a part of a path as it was meant."""
    return text.replace(_SLASH, "/")


def path_of(name: str, *more: str | int) -> str:
    """Return the path of an export, or of something of it."""
    return "/".join([f"{OURS}/definitions/{quote(name, safe='')}", *map(str, more)])


Name = Annotated[
    str,
    Path(
        min_length=1,
        max_length=LONGEST_NAME,
        description="Name of the export, percent-encoded; a slash in it is sent as `%2F`.",
        examples=["c2-addresses"],
    ),
    AfterValidator(with_slashes),
]
VersionNumber = Annotated[int, Path(ge=1, le=_MOST, description="Number of a version.", examples=[12])]
RunId = Annotated[int, Path(ge=1, le=_MOST, description="Number of a run.", examples=[345])]
JobId = Annotated[int, Path(ge=1, le=_MOST, description="Number of a job.", examples=[678])]
FileName = Annotated[
    str,
    Path(min_length=1, max_length=1_000, description="Name of a file of the version.", examples=["c2.txt"]),
    AfterValidator(with_slashes),
]

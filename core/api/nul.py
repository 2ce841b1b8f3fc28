"""No text that is sent holds U+0000: a server's database keeps none, and a file's would keep what cannot be moved."""

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import FormData

Place = tuple[str | int, ...]

ESCAPED = b"\\u0000"
"""Bytes without it, as JSON, hold no U+0000."""


async def refuse_nul(request: Request) -> None:
    """Do nothing if no text of a request holds U+0000; for all routes.

    Raises:
        RequestValidationError: The path, the query, a form or a JSON body has one.
    """
    refuse(await _texts(request))


def refuse(texts: Iterable[tuple[Place, str]]) -> None:
    """Do nothing if none of those texts, each with its place in a request, holds U+0000.

    Raises:
        RequestValidationError: One does.
    """
    for place, text in texts:
        if "\0" in text:
            fault = {
                "type": "value_error",
                "loc": place,
                "msg": "U+0000 is in no text; leave it out",
                "input": None,
            }
            raise RequestValidationError([fault])


async def _texts(request: Request) -> Iterable[tuple[Place, str]]:
    found: list[tuple[Place, str]] = [(("path",), request.url.path), (("path",), request.scope["path"])]
    found += [(("query", name), name + value) for name, value in request.query_params.multi_items()]
    # What was parsed already, for routes that have such a body: others may read theirs piece by piece.
    form = getattr(request, "_form", None)
    if isinstance(form, FormData):
        found += [(("body", name), name + _name_of(value)) for name, value in form.multi_items()]
    if hasattr(request, "_json") and ESCAPED in await request.body():
        found += inside(await request.json())
    return found


def _name_of(value: Any) -> str:
    return value if isinstance(value, str) else value.filename or ""


def inside(body: Any) -> Iterator[tuple[Place, str]]:
    """Yield the texts of a body of JSON, names among them, each with its place."""
    waiting: list[tuple[Place, Any]] = [(("body",), body)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, str):
            yield place, value
        elif isinstance(value, dict):
            for name, item in value.items():
                yield (*place, name), name
                waiting.append(((*place, name), item))
        elif isinstance(value, list):
            waiting.extend(((*place, number), item) for number, item in enumerate(value))

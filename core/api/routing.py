"""Routes that take much: what is sent is understood in a thread, while others are answered."""

from collections.abc import Callable, Coroutine
from email.message import Message
from json import JSONDecodeError
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from core.api import json_in_parts, nul
from core.store.collector import collector_off

LARGE_BYTES = 1 << 16
"""What is smaller is understood sooner than a thread begins."""

_MOST_FAULTS = 100


class LargeBodyRoute(APIRoute):
    """A route of FastAPI that reads and checks large bodies of JSON in a thread; the description is as ever."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        handle = super().get_route_handler()

        async def handle_large(request: Request) -> Response:
            if self.body_field is None or self._embed_body_fields or not _is_json(request):
                return await handle(request)
            body = await _body(request)
            if len(body) < LARGE_BYTES:
                return await handle(request)
            given, faults = await run_in_threadpool(self._understood, body)
            # Checked once more where FastAPI checks, which is nothing for what is of its form already.
            request._json = given
            try:
                return await handle(request)
            except RequestValidationError as error:
                if not faults:
                    raise
                others = [item for item in error.errors() if item["loc"][0] != "body"]
                raise RequestValidationError([*others, *faults]) from None

        return handle_large

    def _understood(self, body: bytes) -> tuple[Any, list[Any]]:
        """Return what a body says, and what is wrong with it; then it is something that no form takes.

        Raises:
            RequestValidationError: It is no JSON, or holds U+0000.
            HTTPException: It cannot be read at all.
        """
        assert self.body_field is not None  # noqa: S101 - looked at before
        try:
            with collector_off():
                found = json_in_parts.loads(body)
        except JSONDecodeError as error:
            fault = {"type": "json_invalid", "loc": ("body", error.pos), "msg": "JSON decode error", "input": {}}
            raise RequestValidationError([fault | {"ctx": {"error": error.msg}}]) from error
        except (UnicodeDecodeError, RecursionError) as error:
            raise _unreadable() from error
        nul.refuse(nul.inside(found) if nul.ESCAPED in body else ())
        with collector_off():
            given, faults = self.body_field.validate(found, {}, loc=("body",))
        return (object() if faults else given), list(faults)[:_MOST_FAULTS]


async def _body(request: Request) -> bytes:
    try:
        return await request.body()
    except ClientDisconnect as error:
        raise _unreadable() from error


def _unreadable() -> HTTPException:
    return HTTPException(400, "There was an error parsing the body")


def _is_json(request: Request) -> bool:
    """Say whether a body is taken for JSON, as FastAPI decides it."""
    message = Message()
    message["content-type"] = request.headers.get("content-type", "")
    subtype = message.get_content_subtype()
    return message.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))

"""What may be sent, and by whom much: a body is understood before a route knows who asks, so that this is asked first."""

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from core.api import access, answers, edge, yeti
from core.api.services import Services
from core.errors import YetiError

MOST_OF_NOBODY_BYTES = 1 << 16
_OPEN = f"{yeti.PREFIX}/auth/"


class Bodies:
    """A layer that takes nothing compressed, and more than a form's worth only of those who are known."""

    def __init__(self, app: ASGIApp, *, services: Services) -> None:
        """Keep what is below, and what knows who asks."""
        self._app, self._services = app, services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if (coding := _coding_of(scope)) is not None:
            message = f"a body with Content-Encoding: {coding[:40]} is not taken; send it as it is, not compressed"
            headers = {"Accept-Encoding": "identity"}
            await answers.answer(Request(scope), 415, message, headers=headers)(scope, receive, send)
            return
        if scope["type"] == "http" and scope["path"].startswith(f"{yeti.PREFIX}/") and _may_be_much(scope):
            if scope["path"].startswith(_OPEN):
                receive = edge.bounded(scope, receive, MOST_OF_NOBODY_BYTES, _too_large)
            elif (error := await self._refusal(Request(scope))) is not None:
                await answers.of_ours(Request(scope), error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _refusal(self, request: Request) -> YetiError | None:
        """Return why nothing is read; the route asks again what whoever is known may do."""
        bearer, cookie = await access.bearer_of(request), await access.cookie_of(request)

        def ask() -> None:
            with self._services.store() as store:
                access.known_caller(request, self._services, store, bearer, cookie)

        try:
            await run_in_threadpool(ask)
        except YetiError as error:
            return error
        return None


def _coding_of(scope: Scope) -> str | None:
    """Return what a body is said to be compressed by, ``None`` if it is not, or nothing is to be sent."""
    if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
        return None
    said = ", ".join(Headers(scope=scope).getlist("content-encoding"))
    return None if said.strip().lower() in ("", "identity") else said


def _may_be_much(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    said = headers.get(b"content-length", b"")
    return b"transfer-encoding" in headers or (said.isdigit() and int(said) > MOST_OF_NOBODY_BYTES)


def _too_large() -> HTTPException:
    return HTTPException(413, f"More than {MOST_OF_NOBODY_BYTES >> 10} KiB are not taken here")

"""Errors as answers: Yeti's ``{"detail": …}`` for what Yeti has, problem details (RFC 9457) for what is ours."""

import json
import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core import errors
from core.api import taxii
from core.api.edge import request_id
from core.errors import YetiError
from core.redaction import redact

OURS = "/api/v2/exports"
"""What is under it answers with problem details."""

PROBLEM_TYPE = "application/problem+json"

_STATUS: tuple[tuple[type[YetiError], int], ...] = (
    (errors.NotAuthenticated, 401),
    (errors.NotAllowed, 403),
    (errors.TooManyAttempts, 429),
    (errors.TooLarge, 413),
    (errors.NotFound, 404),
    (errors.AlreadyExists, 409),
    (errors.ExportBusy, 409),
    (errors.ChangedMeanwhile, 412),
    (errors.GateError, 409),
    (errors.DefinitionError, 422),
    (errors.TemplateError, 422),
    (errors.RefusedValue, 422),
    (errors.UnreadableFile, 422),
    (errors.UnsupportedOperation, 422),
    (errors.InvalidFileName, 422),
    (errors.InvalidStoragePath, 422),
    (errors.InvalidContents, 422),
    (errors.FileMissing, 404),
    (errors.StoreBusy, 503),
    (errors.StoreError, 503),
    (errors.StorageError, 503),
    (errors.RenderError, 503),
    (errors.PluginError, 503),
)
_RETRY_AFTER_S = "5"

_log = logging.getLogger(__name__)


class Json(JSONResponse):
    """JSON in ASCII: what was asked, and is said again, may hold half a surrogate pair."""

    def render(self, content: Any) -> bytes:
        """Return *content* as JSON."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


class Fault(BaseModel):
    """What is wrong with one field of a request."""

    type: str = Field(description="One word for it.", examples=["missing"])
    loc: list[str | int] = Field(description="Where it is.", examples=[["body", "format"]])
    msg: str = Field(description="What is wrong, for people.", examples=["unknown format 'cvs'; known: csv, list"])
    input: Any = Field(default=None, description="What was sent, if that is short and no secret.")


class Problem(BaseModel):
    """What went wrong: problem details, RFC 9457."""

    type: str = Field(default="about:blank", description="Always this: the status says of which kind it is.")
    title: str = Field(description="The status in words.", examples=["Not Found"])
    status: int = Field(description="As in the status line.", examples=[404])
    detail: str = Field(
        description="What is wrong and what to do, for people.", examples=["there is no export 'c2'"]
    )
    request_id: str = Field(description="The log has more under it.", examples=["4f2a9c0de1b37a58"])
    errors: list[Fault] = Field(default=[], description="What is wrong with single fields.")


class Detail(BaseModel):
    """What went wrong, as Yeti says it."""

    detail: str


def install(app: FastAPI) -> None:
    """Let every error become an answer; no traceback leaves the process."""
    app.add_exception_handler(YetiError, of_ours)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_validation)


def status_of(error: YetiError) -> int:
    """Return the HTTP status for an error of ours."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def answer(
    request: Request,
    status: int,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    errors: list[dict[str, Any]] | None = None,
) -> Response:
    """Return an error in the form of the part of the interface that was asked."""
    sent = dict(headers or {})
    if request.url.path.startswith(OURS):
        title = HTTPStatus(status).phrase
        faults = [Fault(**item) for item in errors or ()]
        problem = Problem(title=title, status=status, detail=detail, request_id=request_id.get(), errors=faults)
        return Json(problem.model_dump(), status, sent, PROBLEM_TYPE)
    if request.url.path.startswith(f"{taxii.PREFIX}/"):
        fault = {"title": HTTPStatus(status).phrase, "description": detail, "http_status": str(status)}
        return Json(fault, status, sent, taxii.MEDIA_TYPE)
    return Json({"detail": errors if errors is not None else detail}, status, sent)


class Faults:
    """A layer that answers what nobody caught, within what is around every request: with its id and headers."""

    def __init__(self, app: ASGIApp) -> None:
        """Keep what is below."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        has_begun = False

        async def send_more(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_more)
        except Exception as error:
            if scope["type"] != "http" or has_begun:
                raise
            await _of_fault(Request(scope), error)(scope, receive, send)


def of_ours(request: Request, error: Exception) -> Response:
    """Return the answer for an error of ours."""
    assert isinstance(error, YetiError)  # noqa: S101 - registered for these alone
    status = status_of(error)
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, errors.TooManyAttempts):
        headers["Retry-After"] = str(error.wait_s)
    elif status == 503:
        headers["Retry-After"] = _RETRY_AFTER_S
    is_hidden = _may_tell_a_place(error, status) and not getattr(request.state, "tells_places", False)
    if status >= 500 or is_hidden:
        _log.error("request failed", extra={"path": request.url.path, "why": str(error)})
    detail = redact(str(error))
    # Where the database is, is nothing for whoever asks.
    if is_hidden or isinstance(error, errors.StoreError):
        detail = f"{_what_failed(error)}; the log has more under request {request_id.get()}"
    return answer(request, status, detail, headers=headers, errors=_faults_of(request, error))


def _may_tell_a_place(error: YetiError, status: int) -> bool:
    """Say whether a message may have a path, a host or a database in it, which are only for admins.

    What names were sent, and what was to be stored, is known to whoever sent it.
    """
    if isinstance(error, errors.InvalidFileName | errors.InvalidContents | errors.VersionGone):
        return False
    return status >= 500 or isinstance(error, errors.StorageError)


def _what_failed(error: YetiError) -> str:
    if isinstance(error, errors.FileMissing):
        return "what should be stored is not there"
    if isinstance(error, errors.StorageError):
        return "a storage cannot be used for that just now"
    if isinstance(error, errors.StoreError):
        return "the store cannot be used just now"
    return "that cannot be done just now"


def _faults_of(request: Request, error: YetiError) -> list[dict[str, Any]] | None:
    """Return the words of a definition that cannot be, for what is ours; Yeti's form has but one sentence."""
    if not request.url.path.startswith(OURS):
        return None
    if isinstance(error, errors.DefinitionFilesError):
        return [{"type": "definition", "loc": ["body", "exports"], "msg": redact(text)} for text in error.problems]
    if isinstance(error, errors.DefinitionError) and error.word:
        return [{"type": "definition", "loc": ["body", error.word], "msg": redact(str(error))}]
    return None


def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for these alone
    return answer(request, error.status_code, str(error.detail), headers=error.headers)


def _of_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for these alone
    # Not what was sent as a whole, nor a context that may hold an exception: what is wrong, where, and with what.
    found = [
        {"type": item["type"], "loc": [_sent(part) for part in item["loc"]], "msg": _sent(item["msg"])}
        | _input_of(item)
        for item in error.errors()
    ]
    return answer(request, 422, "The request is not of the form that is described.", errors=found)


def _input_of(item: Mapping[str, Any]) -> dict[str, Any]:
    place = [str(part).lower() for part in item["loc"]]
    if any("password" in part or "token" in part or "secret" in part for part in place):
        return {}
    value = item.get("input")
    return {"input": _sent(value[:200] if isinstance(value, str) else value)}


def _sent(value: object) -> str | int | float | None:
    """Return what JSON can hold: no half a character, no infinity, nothing that has parts."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, int | float) else None


def _of_fault(request: Request, error: Exception) -> Response:
    where = error.__traceback__
    while where and where.tb_next:
        where = where.tb_next
    place = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where else "unknown place"
    _log.error("a fault in the program itself", extra={"fault": type(error).__name__, "place": place})
    return answer(request, 500, f"A fault in the program itself; its log has it under request {request_id.get()}.")

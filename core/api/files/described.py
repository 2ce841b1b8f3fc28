"""The OpenAPI description of ``/exports/{file_name}``, which is a route of ASGI and not of FastAPI."""

from typing import Any

_DETAIL = {"application/json": {"schema": {"$ref": "#/components/schemas/Detail"}}}
_FILE = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
_HEADERS = {
    "ETag": {"description": "The SHA-256 of the bytes that are sent, in quotes.", "schema": {"type": "string"}},
    "Last-Modified": {"description": "When the version was published.", "schema": {"type": "string"}},
}

SCHEMES = {
    "ConsumerToken": {"type": "http", "scheme": "basic", "description": "A consumer's token as the password."}
}
"""Beside Bearer, which is described with the rest."""


def _error(description: str) -> dict[str, Any]:
    return {"description": description, "content": _DETAIL}


def _header(name: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string"},
    }


def conditions(*, is_get: bool) -> dict[str, Any]:
    """Return the headers that say which form of a file is wanted, and under which conditions."""
    found = [
        _header("Accept-Encoding", "`gzip` and `zstd` are kept ready."),
        _header("If-None-Match", "What the client has."),
    ]
    return {"parameters": [*found, *([_header("Range", "One range of bytes.")] if is_get else [])]}


def _operation(operation_id: str, summary: str, *, is_get: bool) -> dict[str, Any]:
    content = {"content": _FILE} if is_get else {}
    responses = {
        "200": {"description": "The file of the current version.", "headers": _HEADERS, **content},
        "304": {"description": "The client has it already."},
        "401": _error("It is not known who asks; there may be such a file, or not."),
        "403": _error("This may not be fetched from this address."),
        "404": _error("There is no such file, or it is not the consumer's to fetch."),
        "406": _error("The client refuses every coding of the file."),
        "412": _error("There is another version by now."),
        "503": _error("It cannot be read, or not be known who may: clients keep what they have."),
    }
    if is_get:
        responses["206"] = {"description": "The part that was asked for.", "headers": _HEADERS, "content": _FILE}
        responses["307"] = {"description": "A link to the storage, where `api.presigned_downloads` is on."}
        responses["416"] = _error("Nothing of the file is in that range.")
    return {
        "tags": ["files"],
        "summary": summary,
        "description": "Published files: `<file name>` at the default place, `~<export>/<file name>` of any export; "
        "`SHA256SUMS` (and `SHA256SUMS.minisig`, where files are signed) beside them, of those that are yours to fetch. "
        "Open exports need nothing, others the token of a consumer, or a user who may read.",
        "operationId": operation_id,
        "security": [{}, {"HTTPBearer": []}, {"ConsumerToken": []}],
        "parameters": [
            {
                "name": "file_name",
                "in": "path",
                "required": True,
                "description": "May have slashes in it.",
                "schema": {"type": "string"},
            },
            *conditions(is_get=is_get)["parameters"],
        ],
        "responses": dict(sorted(responses.items())),
    }


PATHS: dict[str, Any] = {
    "/exports/{file_name}": {
        "get": _operation("get_file", "Get File", is_get=True),
        "head": _operation("head_file", "Head File", is_get=False),
    }
}
"""As they stand under ``paths``."""

"""Errors as the OpenAPI describes them: problem details for what is ours, Yeti's and TAXII's forms for what they have."""

from typing import Any

from core.api import taxii

Responses = dict[int | str, dict[str, Any]]

MEANINGS = {
    400: "The request cannot be read.",
    401: "Nobody is known by that token, key or cookie.",
    403: "Whoever asks is known, and may not do that.",
    404: "There is no such thing (any more).",
    406: "`Accept` names no media type that is spoken here.",
    408: "The body came too slowly; `api.upload_grace_s` says how long it may take.",
    409: "That cannot be done as things stand: the name is taken, the export is busy, or its gate says no.",
    412: "Somebody changed it meanwhile; look at it again.",
    413: "More was sent than is taken; `api.max_upload_mib` is the bound.",
    415: "The body is compressed; it has to be sent as it is.",
    416: "Nothing of the file is in that range.",
    422: "The request is not of the form that is described, or asks for what cannot be; `errors` names the fields.",
    428: "Say by `If-Match` what is to be replaced.",
    429: "Too many failed attempts; `Retry-After` says how long to wait.",
    500: "A fault in the program itself.",
    503: "The store or a storage is busy or cannot be reached; `Retry-After` says when to try again.",
}

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
DETAIL = {"application/json": {"schema": {"$ref": "#/components/schemas/Detail"}}}
TAXII = {
    taxii.MEDIA_TYPE: {
        "schema": {
            "type": "object",
            "required": ["title"],
            "properties": {word: {"type": "string"} for word in ("title", "description", "http_status")},
        }
    }
}
INVALID = {
    "application/json": {
        "schema": {
            "anyOf": [
                {"$ref": "#/components/schemas/HTTPValidationError"},
                {"$ref": "#/components/schemas/Detail"},
            ]
        }
    }
}
"""Yeti answers what is not of its form with a list, and what cannot be with a sentence."""


def problems(*statuses: int) -> Responses:
    """Return the errors of a route of ours, beyond those that every route can answer with."""
    return {status: {"description": MEANINGS[status], "content": PROBLEM} for status in statuses}


def details(*statuses: int) -> Responses:
    """Return the errors of a route that Yeti has, beyond those that every route can answer with."""
    return {status: {"description": MEANINGS[status], "content": DETAIL} for status in statuses}

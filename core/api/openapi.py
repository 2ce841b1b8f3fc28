"""What the OpenAPI description says beyond what routes say themselves: what each needs, and what can go wrong with all."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from core.accounts.permissions import Permission
from core.api import taxii
from core.api.access import caller_of, permission_of
from core.api.answers import OURS, Detail, Problem
from core.api.described import DETAIL, INVALID, MEANINGS, PROBLEM, TAXII
from core.api.files import described as files

PERMISSION = "x-permission"
"""Under it an operation says what it needs; what anybody may ask for, and what any user may, has it not."""

_MEANINGS = {
    Permission.READ: "Needs `read`: every user, and every key.",
    Permission.OBSERVABLES: "Needs `observables`: editors and admins.",
    Permission.EXPORTS: "Needs `exports`: editors and admins.",
    Permission.ADMIN: "Needs `admin`: admins.",
}
_GENERATED = "#/components/schemas/HTTPValidationError"


@dataclass(frozen=True, slots=True)
class Need:
    """What a route needs.

    Attributes:
        method: ``GET``, ``POST`` …
        path: As the OpenAPI has it, ``/api/v2/exports/definitions/{name}``.
        permission: ``None`` if it needs none.
        is_known: Whether it has to be known who asks.
    """

    method: str
    path: str
    permission: Permission | None
    is_known: bool = False


class Application(FastAPI):
    """The application, with a description that is complete."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI description, made once."""
        if not self.openapi_schema:
            schema = super().openapi()
            for need in needs_of(self):
                _tell(schema["paths"][need.path][need.method.lower()], need)
            schema["paths"] |= files.PATHS
            schema.setdefault("components", {}).setdefault("securitySchemes", {}).update(files.SCHEMES)
            _add_errors(schema.setdefault("components", {}).setdefault("schemas", {}))
            self.openapi_schema = schema
        return self.openapi_schema


def needs_of(app: FastAPI) -> Iterator[Need]:
    """Yield what each route that is described needs, one for each of its methods."""
    for context in iter_route_contexts(app.routes):
        if not isinstance(context.original_route, APIRoute) or not context.include_in_schema:
            continue
        dependants = [*_flat(context.dependant)]
        found = (permission_of(item.call) for item in dependants if item.call is not None)
        permission = next((item for item in found if item is not None), None)
        is_known = any(item.call is caller_of for item in dependants)
        for method in sorted(context.methods or ()):
            yield Need(method, context.path_format or "", permission, is_known)


def _flat(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for each in dependant.dependencies:
        yield from _flat(each)


def _tell(operation: dict[str, Any], need: Need) -> None:
    if need.permission is not None:
        operation[PERMISSION] = str(need.permission)
        said = operation.get("description", "")
        operation["description"] = f"{said}\n\n{_MEANINGS[need.permission]}".lstrip()
    form = _form(need.path)
    statuses = [503, *([401] if need.is_known else []), *([403] if need.permission else [])]
    if "requestBody" in operation:
        statuses += [400, 408, 413, 415, 422]
    if form is DETAIL and need.is_known:
        statuses += [404, 409] if "requestBody" in operation else [404] if "{" in need.path else []
    if form is TAXII:
        statuses += [400, 401, 403, 404, 406]
    responses = operation["responses"]
    for status in statuses:
        content = INVALID if status == 422 and form is DETAIL else form
        responses.setdefault(str(status), {"description": MEANINGS[status], "content": content})
    if _GENERATED in str(responses.get("422")):
        responses["422"] = {"description": MEANINGS[422], "content": INVALID if form is DETAIL else form}
    operation["responses"] = dict(sorted(responses.items()))


def _form(path: str) -> dict[str, Any]:
    """Return the form of errors of a path."""
    if path.startswith(OURS):
        return PROBLEM
    return TAXII if path.startswith(f"{taxii.PREFIX}/") else DETAIL


def _add_errors(schemas: dict[str, Any]) -> None:
    for model in (Problem, Detail):
        made = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= made.pop("$defs", {}) | {model.__name__: made}

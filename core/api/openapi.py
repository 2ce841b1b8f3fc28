"""What the OpenAPI description says beyond what routes say themselves: what each needs of whoever asks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from core.accounts.permissions import Permission
from core.api.access import permission_of

PERMISSION = "x-permission"
"""Under it an operation says what it needs; what anybody may ask for, and what any user may, has it not."""

_MEANINGS = {
    Permission.READ: "Needs `read`: every user, and every key.",
    Permission.OBSERVABLES: "Needs `observables`: editors and admins.",
    Permission.EXPORTS: "Needs `exports`: editors and admins.",
    Permission.ADMIN: "Needs `admin`: admins.",
}


@dataclass(frozen=True, slots=True)
class Need:
    """What a route needs.

    Attributes:
        method: ``GET``, ``POST`` …
        path: As the OpenAPI has it, ``/api/v2/exports/{name}``.
        permission: ``None`` if it needs none.
    """

    method: str
    path: str
    permission: Permission | None


class Application(FastAPI):
    """The application, with a description that is complete."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI description, made once."""
        if not self.openapi_schema:
            self.openapi_schema = _told(super().openapi(), needs_of(self))
        return self.openapi_schema


def needs_of(app: FastAPI) -> Iterator[Need]:
    """Yield what each route that is described needs, one for each of its methods."""
    for context in iter_route_contexts(app.routes):
        if not isinstance(context.original_route, APIRoute) or not context.include_in_schema:
            continue
        permission = _permission(context.dependant)
        for method in sorted(context.methods or ()):
            yield Need(method, context.path_format or "", permission)


def _permission(dependant: Dependant) -> Permission | None:
    """Return what a route asks for by a dependency made by `needs`, however deep that is."""
    if dependant.call is not None and (found := permission_of(dependant.call)) is not None:
        return found
    return next((found for each in dependant.dependencies if (found := _permission(each)) is not None), None)


def _told(schema: dict[str, Any], needs: Iterator[Need]) -> dict[str, Any]:
    for need in needs:
        if need.permission is not None:
            operation = schema["paths"][need.path][need.method.lower()]
            operation[PERMISSION] = str(need.permission)
            said = operation.get("description", "")
            operation["description"] = f"{said}\n\n{_MEANINGS[need.permission]}".lstrip()
    return schema

"""``/healthz`` and ``/readyz``: for whoever starts, stops and watches processes.  Anybody may ask."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from core.api.access import ServicesHere

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The process lives."""

    status: Literal["ok"] = "ok"


class Part(BaseModel):
    """How one part is; a message says what is wrong, or what else is worth knowing."""

    ok: bool
    message: str


class ReadinessOut(BaseModel):
    """Whether requests can be answered; *degraded*: they can, and something else is wrong."""

    status: Literal["ready", "degraded", "not ready"]
    checks: dict[str, Part]


@router.get("/healthz")
@router.head("/healthz", include_in_schema=False)
async def healthz() -> Health:
    """Say that the process lives; nothing else is looked at."""
    return Health()


@router.get("/readyz", responses={503: {"model": ReadinessOut, "description": "It cannot answer requests."}})
@router.head("/readyz", include_in_schema=False)
def readyz(response: Response, services: ServicesHere) -> ReadinessOut:
    """Say whether store, storage and queue can be used, as they were up to two seconds ago."""
    found = services.readiness.checks()
    parts = {check.name: Part(ok=check.is_ok, message=check.message or check.note) for check in found}
    response.headers["Cache-Control"] = "no-store"
    if any(check.is_needed and not check.is_ok for check in found):
        response.status_code = 503
        return ReadinessOut(status="not ready", checks=parts)
    is_ready = all(check.is_ok for check in found)
    return ReadinessOut(status="ready" if is_ready else "degraded", checks=parts)

"""Storages: what clients there are, and whether a place can be used.  For admins: it tells how the service is set up."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core.api.access import Admin, ServicesHere
from core.api.exports.fields import Moment
from core.api.routing import LargeBodyRoute
from core.clients.persistient_storage import get_client, registry
from core.clients.persistient_storage.check import CheckReport, Step, check_storage
from core.clients.persistient_storage.receipts import Leftover
from core.clients.persistient_storage.storage import Storage
from core.errors import PluginError, StorageError
from core.redaction import redact
from core.schemas.instant import to_datetime, to_text

router = APIRouter(prefix="/storages", tags=["exports: storages"], route_class=LargeBodyRoute)


class ClientOut(BaseModel):
    """A storage client."""

    prefix: str = Field(description="What paths of it begin with; empty is any other path.", examples=["s3://"])
    client: str = Field(description="Name of the class; empty of a file that cannot be loaded.")
    origin: str = Field(description="The file or the package that it comes from.")
    status: str = Field(description="`ok`, `broken` or `conflict`.", examples=["ok"])
    reason: str = Field(description="Why it is not ok.")
    cannot_promise: list[str]


class Clients(BaseModel):
    """The storage clients there are."""

    clients: list[ClientOut]
    folders: list[str] = Field(description="Where others are looked for: one file each, used at once.")


class Place(BaseModel):
    """A place to try."""

    model_config = ConfigDict(extra="forbid", strict=True)

    path: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=4_000)] = Field(
        description="A storage path.", examples=["s3://bucket/lists"]
    )


class StepOut(BaseModel):
    """One thing that was tried."""

    name: str
    is_ok: bool = Field(description="It keeps nobody from publishing.")
    is_refused: bool
    detail: str


class LeftoverOut(BaseModel):
    """What a write that never ended left there."""

    kind: str
    location: str
    began_at: Moment
    size_bytes: int | None


class Checked(BaseModel):
    """What was tried at a place."""

    path: str
    is_ok: bool = Field(description="Exports can be published there.")
    client: str
    steps: list[StepOut]
    has: list[str] = Field(description="Optional methods of the client.")
    cannot_promise: list[str]
    leftovers: list[LeftoverOut]


@router.get("", summary="List storage clients")
def list_clients(_: Admin) -> Clients:
    """Return the storage clients there are, the folders where others are looked for, and what is broken."""
    found = [
        ClientOut(
            prefix=item.prefix,
            client=item.client,
            origin=item.origin,
            status=item.status,
            reason=redact(item.reason),
            cannot_promise=[*item.cannot_promise],
        )
        for item in registry.clients()
    ]
    return Clients(clients=found, folders=[str(folder) for folder in registry.folders()])


@router.post("/check", summary="Check a place")
def check(body: Place, _: Admin, services: ServicesHere) -> Checked:
    """Write, read back, compare and delete a small file at a place, and say what the storage can do."""
    try:
        report = check_storage(body.path, Storage(get_client(body.path)), to_datetime(services.now))
    except (PluginError, StorageError) as error:
        report = CheckReport("", [Step("a client takes the path", False, str(error))])
    return Checked(
        path=redact(body.path),
        is_ok=report.is_ok,
        client=report.client,
        steps=[StepOut(**asdict(step) | {"detail": redact(step.detail)}) for step in report.steps],
        has=[*report.has],
        cannot_promise=[*report.cannot_promise],
        leftovers=[_leftover(item) for item in report.leftovers],
    )


def _leftover(item: Leftover) -> LeftoverOut:
    return LeftoverOut(
        kind=item.kind,
        location=redact(item.location),
        began_at=to_text(item.began_at),
        size_bytes=item.size_bytes,
    )

"""Several definitions at once, as from files under version control: a plan, doing it, and the way back to a file."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from core.accounts.callers import Caller
from core.api.access import ExportEditor, ServicesHere, StoreHere
from core.api.described import problems
from core.api.exports.conditions import IfMatch, check, etag_of
from core.api.exports.definition_models import NewDefinition
from core.api.exports.definitions import check_place, read_definition
from core.api.routing import LargeBodyRoute
from core.api.services import Services
from core.errors import DefinitionError, DefinitionFilesError
from core.exports.definitions import plan as plans
from core.exports.definitions.dump import dumped
from core.exports.definitions.files import Definitions, Wanted
from core.exports.definitions.plan import Plan
from core.exports.objects import plan_object
from core.store import Store, definitions

router = APIRouter(tags=["exports: plans"], route_class=LargeBodyRoute)

TOML = "application/toml"


class WantedExports(BaseModel):
    """What exports there are to be."""

    model_config = ConfigDict(extra="forbid", strict=True)

    exports: list[NewDefinition] = Field(max_length=10_000)
    remove: bool = Field(default=False, description="Also remove the exports that are not among them.")


class FieldChangeOut(BaseModel):
    """A word of a definition that changes."""

    field: str = Field(examples=["max-age"])
    old: Any = Field(description="What it said; null is nothing.")
    new: Any = Field(description="What it will say; null is nothing.")


class OutlookOut(BaseModel):
    """What the next run would publish."""

    entries: int | None = Field(description="Null if it would fail.")
    current_version: int | None
    changed: dict[str, int]
    held: list[str] = Field(description="Why the gate would hold the run.")
    fault: str | None = Field(description="Why the run would fail.")


class ChangeOut(BaseModel):
    """What becomes of an export."""

    name: str
    change: str = Field(description="`create`, `change`, `remove` or `keep`.", examples=["create"])
    fields: list[FieldChangeOut]
    outlook: OutlookOut | None
    notes: list[str] = Field(description="What is probably not meant.")


class TemplateChangeOut(BaseModel):
    """What becomes of a template."""

    name: str
    change: str
    also_used_by: list[str]


class PlanOut(BaseModel):
    """What would be done."""

    exports: list[ChangeOut]
    templates: list[TemplateChangeOut]
    in_no_file: list[str] = Field(description="Exports that are not among those that are wanted, and stay.")
    is_empty: bool = Field(description="Everything is as it is wanted already.")


@router.post("/plan", summary="Plan changes")
def plan(
    body: WantedExports, response: Response, caller: ExportEditor, services: ServicesHere, store: StoreHere
) -> PlanOut:
    """Return what `apply` would do, and how the lists would change; nothing is touched.

    `ETag` names the exports that there are: sent as `If-Match` to `apply`, it lets only this plan be done.
    """
    found = _planned(body, caller, services, store)
    response.headers["ETag"] = etag_of(found.replacement.seen)
    return PlanOut(**plan_object(found))


@router.post("/apply", summary="Apply changes", responses=problems(409, 412))
def apply(
    body: WantedExports,
    caller: ExportEditor,
    services: ServicesHere,
    store: StoreHere,
    if_match: IfMatch = None,
) -> PlanOut:
    """Bring the exports to what is wanted: all of it, or nothing if anything in it is wrong.

    What a definition does not say is the default, but for the file name, which stays.
    """
    found = _planned(body, caller, services, store)
    check(if_match, etag_of(found.replacement.seen))
    plans.apply(store, found, services.now)
    return PlanOut(**plan_object(found))


@router.get(
    "/dump",
    summary="Dump exports",
    response_class=PlainTextResponse,
    responses={
        200: {"content": {TOML: {"schema": {"type": "string"}}}, "description": "A file for `export apply`."},
        **problems(404, 422),
    },
)
def dump(
    _: ExportEditor,
    store: StoreHere,
    name: Annotated[list[str] | None, Query(description="Only these.")] = None,
) -> Response:
    """Return exports as a file of definitions (TOML); templates are not in it."""
    found = [definitions.get_export(store, each) for each in dict.fromkeys(name or ())]
    return Response(dumped(found or definitions.exports(store)), media_type=TOML)


def _planned(body: WantedExports, caller: Caller, services: Services, store: Store) -> Plan:
    wanted: dict[str, Wanted] = {}
    problems_found: list[str] = []
    for number, item in enumerate(body.exports):
        try:
            found = Wanted(read_definition(item.said()), f"exports[{number}]")
        except DefinitionError as error:
            problems_found.append(f"exports[{number}]: export {item.name!r}: {error}")
            continue
        if wanted.setdefault(found.definition.name, found) is not found:
            problems_found.append(found.problem("twice"))
    if problems_found:
        raise DefinitionFilesError(problems_found)
    made = plans.plan(
        store,
        Definitions(tuple(wanted.values()), {}),
        services.settings,
        remove=body.remove,
        now=services.now,
    )
    for change in made.changes:
        if change.after is not None:
            check_place(caller, change.before, change.after)
    return made

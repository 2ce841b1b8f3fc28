"""``/api/v2/templates``: look for, render, keep, change and remove templates."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, Field, StringConstraints
from starlette.background import BackgroundTask

from core.api.access import Admin, Reader, ServicesHere, StoreHere
from core.api.described import details
from core.api.routing import LargeBodyRoute
from core.api.services import Services
from core.api.yeti.disposition import disposition
from core.api.yeti.forms import Count, Form, Page, id_of, window
from core.errors import NotFound, TemplateError
from core.exports.adhoc import render_rows
from core.exports.templates import templates
from core.schemas.instant import Instant
from core.store import Store, kept_templates, observable_pages, template_rows
from core.store.observable_pages import Filter
from core.store.rows import Row
from core.store.template_rows import TemplateRow

_AT_ONCE = 2
"""Renders; each takes a process with memory of its own (template.memory_mib)."""

router = APIRouter(prefix="/templates", tags=["templates"], route_class=LargeBodyRoute)

LONGEST_NAME = 200
_BATCH = 1_000


class TemplateIn(BaseModel):
    """A template as it is to be."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME)]
    template: str


class Wanted(Form):
    """A template as it is to be."""

    template: TemplateIn


class Search(Form):
    """Which templates are looked for: by a part of the name, in the form of today or in that with ``query``."""

    name: str = ""
    query: dict[str, Any] | None = None
    sorting: list[tuple[str, bool]] = Field(default_factory=list)
    count: Count = 50
    page: Page = 0


class Render(Form):
    """Which template is to render which observables: some by id, or all with a text in the value."""

    template_name: str | None = None
    template_id: str | None = None
    observable_ids: Annotated[list[str] | None, Field(max_length=100_000)] = None
    search_query: str | None = None


class TemplateOut(BaseModel):
    """A template."""

    name: str
    template: str


class KeptTemplate(TemplateOut):
    """A template with the id by which it is changed and removed."""

    id: str


class Found(BaseModel):
    """A page of templates; they have ids if they were asked for in the form with ``query``."""

    templates: list[KeptTemplate | TemplateOut]
    total: int


class Done(BaseModel):
    """What was asked for was done."""

    status: str = "ok"


@router.post("/search")
def search(given: Search, store: StoreHere, _: Reader) -> Found:
    """Look for templates, by name."""
    text, with_ids = given.name, given.query is not None
    if given.query is not None:
        named = given.query.get("name", "")
        if not isinstance(named, str) or given.query.keys() - {"name"}:
            raise HTTPException(422, "Templates are looked for by name, which is a text.")
        text = named or text
    found = template_rows.find(store, text)
    if any(not rises for _, rises in given.sorting[:1]):
        found.reverse()
    limit, offset = window(given.count, given.page)
    page = found[offset:] if limit is None else found[offset : offset + limit]
    return Found(
        templates=[_kept(item) if with_ids else TemplateOut(name=item.name, template=item.text) for item in page],
        total=len(found),
    )


async def _turn() -> AsyncIterator[None]:
    yield


@router.post(
    "/render",
    response_class=Response,
    responses=details(400, 404),
    # Asked before a store is lent: who waits here keeps none.
    dependencies=[Depends(_turn, scope="function", max_concurrency=_AT_ONCE)],
)
def render(given: Render, services: ServicesHere, store: StoreHere, _: Reader) -> Response:
    """Render observables by a template, as text: those of the ids in their order, or those found by type and value."""
    item = _asked_for(store, given)
    if given.observable_ids:
        wanted = [id_of(text) for text in given.observable_ids]
        keys = [key for key in wanted if key is not None]
    elif given.search_query:
        keys, total = observable_pages.ids(store, Filter(text=_sound(given.search_query)))
        if not total:
            raise HTTPException(404, "No observables found for search query.")
    else:
        raise HTTPException(400, "Must specify either search_query or observable_ids.")
    folder = Path(tempfile.mkdtemp(prefix="yeti-render-"))
    done = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
    try:
        _write(services, store, item, keys, folder / "rendered")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    headers = {"Content-Disposition": disposition(f"{item.name}.txt")}
    return FileResponse(
        folder / "rendered", media_type="text/plain; charset=utf-8", headers=headers, background=done
    )


@router.post("/", responses=details(409))
def create(given: Wanted, services: ServicesHere, store: StoreHere, _: Admin) -> KeptTemplate:
    """Keep a new template, after checking it."""
    name, text = _checked(given)
    kept_templates.put_template(store, name, text, services.now)
    made = template_rows.named(store, name)
    if made is None:
        raise NotFound(f"the template {name!r} went away meanwhile")
    return _kept(made)


@router.patch("/{id}", responses=details(404, 409))
def change(id: str, given: Wanted, services: ServicesHere, store: StoreHere, _: Admin) -> KeptTemplate:
    """Change a template, after checking it; exports that use it follow its name."""
    item = _there(store, id)
    name, text = _checked(given)
    template_rows.change(store, item.id, name, text, services.now)
    return KeptTemplate(id=str(item.id), name=name, template=text)


@router.delete("/{id}", responses=details(404, 409))
def remove(id: str, store: StoreHere, _: Admin) -> Done:
    """Remove a template that no export uses."""
    kept_templates.remove_template(store, _there(store, id).name)
    return Done()


def _asked_for(store: Store, given: Render) -> TemplateRow:
    if given.template_id is not None:
        return _there(store, given.template_id)
    if given.template_name is None:
        raise HTTPException(422, "Say which template: template_name.")
    found = template_rows.named(store, _sound(given.template_name))
    if found is None:
        raise HTTPException(404, f"Template {given.template_name} not found.")
    return found


def _write(services: Services, store: Store, item: TemplateRow, keys: list[int], path: Path) -> None:
    try:
        render_rows(item.text, _batches(store, keys, services.now), len(keys), path, services.settings)
    except TemplateError as error:
        raise TemplateError(f"template {item.name}: {error}") from None
    with path.open("ab") as out:
        out.write(b"\n")


def _batches(store: Store, keys: list[int], now: Instant) -> Iterator[list[Row]]:
    for start in range(0, len(keys), _BATCH):
        yield observable_pages.rows(store, keys[start : start + _BATCH], now)


def _checked(given: Wanted) -> tuple[str, str]:
    """Return name and text of a template that can be kept."""
    name, text = given.template.name, given.template.template
    if not name.isprintable():
        raise TemplateError("the name holds what cannot be printed")
    templates.check(text, name)
    return name, text


def _there(store: Store, text: str) -> TemplateRow:
    key = id_of(text)
    try:
        return template_rows.get(store, 0 if key is None else key)
    except NotFound:
        raise HTTPException(404, f"Template {text[:80]} not found.") from None


def _sound(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise HTTPException(422, "A text holds half a surrogate pair, which is no character.") from None
    return text


def _kept(item: TemplateRow) -> KeptTemplate:
    return KeptTemplate(id=str(item.id), name=item.name, template=item.text)

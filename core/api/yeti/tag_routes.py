"""``/api/v2/tags``: describe tags, say how long they count, look for them, merge them."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from core.api.access import ObservableEditor, Reader, ServicesHere, StoreHere
from core.api.described import details
from core.api.routing import LargeBodyRoute
from core.api.yeti.durations import Duration, DurationOut, seconds
from core.api.yeti.forms import Count, Form, Page, TagName, TagNames, id_of, window
from core.errors import NotFound, RefusedValue
from core.schemas.instant import Instant, to_datetime
from core.store import Store, tag_descriptions
from core.store.lifetimes import FOR_EVER_S
from core.store.soundness import fault_of_text
from core.store.tag_descriptions import Described, Description

router = APIRouter(prefix="/tags", tags=["tags"], route_class=LargeBodyRoute)


class TagForm(Form):
    """A tag as it is to be; without a duration it counts as long as any, with null for ever."""

    name: TagName
    description: Annotated[str, Field(max_length=10_000)] = ""
    default_expiration: Duration | None = None
    produces: TagNames = Field(default_factory=list)
    replaces: TagNames = Field(default_factory=list)


class Search(Form):
    """Which tags are looked for: by a part of the name."""

    name: str = ""
    count: Count = 100
    page: Page = 0


class Several(Form):
    """Which tags are wanted, whatever their spelling."""

    names: Annotated[list[str], Field(max_length=10_000)]
    count: Count = 100
    page: Page = 0


class Merge(Form):
    """Which tags become which other; ``permanent`` notes that it stands for them."""

    merge: Annotated[list[str], Field(min_length=1, max_length=1_000)]
    merge_into: str
    permanent: bool = False


class TagOut(BaseModel):
    """A tag; ``default_expiration`` of null is never, ``created`` of null is not known."""

    name: str
    description: str
    count: int
    created: datetime | None
    default_expiration: DurationOut | None
    produces: list[str]
    replaces: list[str]
    id: str
    root_type: Literal["tag"] = "tag"


class Found(BaseModel):
    """A page of tags."""

    tags: list[TagOut]
    total: int


class Merged(BaseModel):
    """How many observables changed, and the tag they have now."""

    merged: int
    into: TagOut


@router.post("/")
def create(given: TagForm, services: ServicesHere, store: StoreHere, _: ObservableEditor) -> TagOut:
    """Describe a tag, which is made if there is none of that name."""
    known = tag_descriptions.named(store, [_sound(given.name)])[0]
    return _written(store, given, known[0].lifetime_s if known else None, services.now)


@router.post("/search")
def search(given: Search, store: StoreHere, _: Reader) -> Found:
    """Look for tags by a part of their names."""
    limit, offset = window(given.count, given.page)
    found, total = tag_descriptions.find(store, _sound(given.name), limit=limit, offset=offset)
    return Found(tags=[_out(store, item) for item in found], total=total)


@router.post("/get/multiple")
def several(given: Several, store: StoreHere, _: Reader) -> Found:
    """Return the tags of these names."""
    limit, offset = window(given.count, given.page)
    names = [_sound(name) for name in given.names]
    found, total = tag_descriptions.named(store, names, limit=limit, offset=offset)
    return Found(tags=[_out(store, item) for item in found], total=total)


@router.post("/merge", responses=details(404, 409))
def merge(given: Merge, services: ServicesHere, store: StoreHere, _: ObservableEditor) -> Merged:
    """Let what has one of some tags have another one instead; one that an export goes by is not touched."""
    names = [_sound(name) for name in given.merge]
    changed, into = tag_descriptions.merge(store, names, _sound(given.merge_into), services.now)
    if given.permanent:
        replaced = tuple(dict.fromkeys((*into.replaces, *(name for name in names if name != into.name))))
        description = Description(into.description, into.produces, replaced)
        into = tag_descriptions.describe(store, into.name, description, services.now)
    return Merged(merged=changed, into=_out(store, into))


@router.get("/{id}", responses=details(404))
def show(id: str, store: StoreHere, _: Reader) -> TagOut:
    """Return a tag."""
    return _out(store, _there(store, id))


@router.put("/{id}", responses=details(404, 409))
def change(id: str, given: TagForm, services: ServicesHere, store: StoreHere, _: ObservableEditor) -> TagOut:
    """Describe a tag anew; under another name it becomes that tag, with another id."""
    item = _there(store, id)
    if given.name != item.name:
        tag_descriptions.rename(store, item.id, _sound(given.name), services.now)
    return _written(store, given, item.lifetime_s, services.now)


@router.delete("/{id}", responses=details(404, 409))
def remove(id: str, services: ServicesHere, store: StoreHere, _: ObservableEditor) -> None:
    """Take a tag away from whatever has it; one that an export goes by is not touched."""
    tag_descriptions.remove(store, _there(store, id).id, services.now)


def _written(store: Store, given: TagForm, before_s: int | None, now: Instant) -> TagOut:
    name = _sound(given.name)
    description = Description(_sound(given.description), tuple(given.produces), tuple(given.replaces))
    tag_descriptions.describe(store, name, description, now)
    tag_descriptions.set_lifetime(store, name, _lifetime_s(store, given, before_s))
    return _out(store, _named(store, name))


def _lifetime_s(store: Store, given: TagForm, before_s: int | None) -> int | None:
    """Return the lifetime as it is kept; ``None`` is the default, and stays it where nothing else is asked for."""
    if "default_expiration" not in given.model_fields_set:
        return before_s
    if given.default_expiration is None:
        return FOR_EVER_S
    lifetime_s = seconds(given.default_expiration)
    return None if before_s is None and lifetime_s == store.lifetime_s else lifetime_s


def _named(store: Store, name: str) -> Described:
    return next(item for item in tag_descriptions.named(store, [name])[0] if item.name == name)


def _there(store: Store, text: str) -> Described:
    key = id_of(text)
    try:
        return tag_descriptions.get(store, 0 if key is None else key)
    except NotFound:
        raise HTTPException(404, f"Tag {text[:80]} not found") from None


def _sound(text: str) -> str:
    if fault := fault_of_text(text):
        raise RefusedValue(f"a text {fault}")
    return text


def _out(store: Store, item: Described) -> TagOut:
    lifetime_s = store.lifetime_s if item.lifetime_s is None else item.lifetime_s
    return TagOut(
        name=item.name,
        description=item.description,
        count=item.count,
        created=None if item.created_at is None else to_datetime(item.created_at),
        default_expiration=None if lifetime_s == FOR_EVER_S else timedelta(seconds=lifetime_s),
        produces=list(item.produces),
        replaces=list(item.replaces),
        id=str(item.id),
    )

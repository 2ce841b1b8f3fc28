"""``/api/v2/observables``: take in, look for, tag, remark, take away."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response

from core.api.access import ObservableEditor, Reader, ServicesHere, StoreHere
from core.api.described import details
from core.api.routing import LargeBodyRoute
from core.api.yeti import observable_shapes as shapes
from core.api.yeti.forms import GUESS, TypeName, id_of, own_type, recognised, source_of, window
from core.api.yeti.observable_forms import (
    Added,
    Bulk,
    ChangedObservable,
    Context,
    ExtendedObservable,
    Found,
    NewExtended,
    NewObservable,
    Search,
    Tagged,
    Tagging,
)
from core.api.yeti.observable_search import filter_of, sorting_of
from core.api.yeti.observable_shapes import ObservableOut
from core.errors import NotFound, RefusedValue
from core.schemas.instant import Instant
from core.store import Store, observable_edits, observable_pages, observables
from core.store.observable_edits import Entry
from core.store.observable_pages import Filter, Observable

router = APIRouter(prefix="/observables", tags=["observables"], route_class=LargeBodyRoute)


@router.post("/", response_model=ObservableOut, responses=details(400))
def create(given: NewObservable, services: ServicesHere, store: StoreHere, caller: ObservableEditor) -> Response:
    """Take one value in; one that is known already is refused."""
    now = services.now
    key = _taken_in(store, given.type, given.value, given.tags, source_of(caller), now)
    return shapes.one(store, key, now)


@router.post("/extended", response_model=ObservableOut, responses=details(400))
def create_extended(
    given: NewExtended, services: ServicesHere, store: StoreHere, caller: ObservableEditor
) -> Response:
    """Take one value in, with what its type has beside the value, which is kept as context."""
    now, source = services.now, source_of(caller)
    remarks = _remarks(given.observable, source)  # which may be refused, before anything is taken in
    key = _taken_in(store, given.observable.type, given.observable.value, given.tags, source, now)
    _keep(store, key, remarks, now)
    return shapes.one(store, key, now)


@router.post("/bulk", response_model=Added, responses=details(400))
def create_many(given: Bulk, services: ServicesHere, store: StoreHere, caller: ObservableEditor) -> Response:
    """Take many values in; those that are known get the tags, too."""
    entries: list[Entry] = []
    failed: list[str] = []
    for item in given.observables:
        try:
            entries.append(Entry(*recognised(item.type, item.value), tuple(item.tags)))
        except RefusedValue:
            failed.append(item.value)
    faults = observable_edits.take_in(store, entries, source_of(caller), services.now)
    sound = [(item.type, item.value) for item, fault in zip(entries, faults, strict=True) if fault is None]
    failed += [item.value for item, fault in zip(entries, faults, strict=True) if fault is not None]
    if not sound:
        raise HTTPException(400, "Failed to add any observables.")
    known = observable_pages.keys_of(store, sound)
    return shapes.several(services, store, "added", [known[name] for name in sound], failed=failed)


@router.post("/search", response_model=Found)
def search(given: Search, services: ServicesHere, store: StoreHere, _: Reader) -> Response:
    """Look for observables; they come in the order of type and value, unless sorted otherwise."""
    limit, offset = window(given.count, given.page)
    keys, total = observable_pages.ids(
        store,
        filter_of(given.query, given.type),
        sorting=sorting_of(given.sorting),
        limit=limit,
        offset=offset,
    )
    return shapes.several(services, store, "observables", keys, total=total)


@router.post("/tag", responses=details(400))
def tag(given: Tagging, services: ServicesHere, store: StoreHere, caller: ObservableEditor) -> Tagged:
    """Tag observables; ``strict`` takes all other tags away."""
    now = services.now
    keys = [id_of(text) for text in given.ids]
    found = {item.id: item for item in _all_of(store, [key for key in keys if key is not None], now)}
    for key, text in zip(keys, given.ids, strict=True):
        if key not in found:
            raise HTTPException(400, f"Tagging request contained an unknown observable: ID:{text[:80]}")
    _refuse_markings(given.tags)
    if given.tags:
        entries = [Entry(item.type, item.value, tuple(given.tags)) for item in found.values()]
        observable_edits.take_in(store, entries, source_of(caller), now)
    if given.strict:
        reason = f"replaced by {caller.user.name}"
        observable_edits.keep_only(store, list(found), given.tags, reason, now)
    tags = {
        f"observables/{item.id}": {each.name: shapes.TagOnOut(**shapes.tag_object(each)) for each in item.tags}
        for item in _all_of(store, list(found), now)
    }
    return Tagged(tagged=len(found), tags=tags)


@router.get("/", response_model=ObservableOut, responses=details(404))
def find(
    services: ServicesHere,
    store: StoreHere,
    _: Reader,
    value: Annotated[str, Query(description="As it is kept, or as it is written elsewhere.")],
    type: Annotated[TypeName | None, Query()] = None,
) -> Response:
    """Return the observable of a value."""
    known = _known(store, value, type)
    if known is None:
        raise HTTPException(404, f"Observable {value} not found (type: {type})")
    return shapes.one(store, known, services.now)


@router.get("/{id}", response_model=ObservableOut, responses=details(404))
def show(id: str, services: ServicesHere, store: StoreHere, _: Reader) -> Response:
    """Return an observable."""
    return shapes.one(store, _there(store, id, services.now).id, services.now)


@router.patch("/{id}", response_model=ObservableOut, responses=details(400, 404))
def change(
    id: str, given: ChangedObservable, services: ServicesHere, store: StoreHere, caller: ObservableEditor
) -> Response:
    """Add what is new in an observable to its context; type and value are what it is, and stay."""
    now, wanted = services.now, given.observable
    item = _there(store, id, now)
    if own_type(wanted.type) != item.type:
        raise HTTPException(
            400, f"Observable {id} type mismatch. Provided '{wanted.type}'. Expected '{item.type}'"
        )
    if wanted.value != item.value and recognised(wanted.type, wanted.value) != (item.type, item.value):
        raise HTTPException(
            400, f"Observable {id} has another value, which is what it is; add the new one, and delete this one"
        )
    _keep(store, item.id, _remarks(wanted, source_of(caller)), now)
    return shapes.one(store, item.id, now)


@router.delete("/{id}", responses=details(404))
def remove(id: str, services: ServicesHere, store: StoreHere, caller: ObservableEditor) -> None:
    """Forget an observable.

    One that an export has listed stays, so that its versions can be explained; all that is claimed of it is withdrawn.
    """
    item = _there(store, id, services.now)
    observable_edits.remove(store, item.id, f"deleted by {caller.user.name}", services.now)


@router.post("/{id}/context", response_model=ObservableOut, responses=details(404))
def add_context(
    id: str, given: Context, services: ServicesHere, store: StoreHere, _: ObservableEditor
) -> Response:
    """Keep a remark with an observable."""
    now = services.now
    item = _there(store, id, now)
    observable_edits.add_context(store, item.id, given.source, given.context, now)
    return shapes.one(store, item.id, now)


@router.post("/{id}/context/delete", response_model=ObservableOut, responses=details(404))
def remove_context(
    id: str, given: Context, services: ServicesHere, store: StoreHere, _: ObservableEditor
) -> Response:
    """Take a remark away from an observable."""
    now = services.now
    item = _there(store, id, now)
    observable_edits.remove_context(store, item.id, given.source, given.context, now)
    return shapes.one(store, item.id, now)


def _taken_in(store: Store, type_name: str, text: str, tags: Iterable[str], source: str, now: Instant) -> int:
    try:
        named = recognised(type_name, text)
    except RefusedValue as error:
        raise HTTPException(400, f"Failed to add observable: {error}") from None
    if observable_pages.keys_of(store, [named]):
        raise HTTPException(400, f"Observable with value {text} already exists")
    (fault,) = observable_edits.take_in(store, [Entry(*named, tuple(tags))], source, now)
    if fault is not None:
        raise HTTPException(400, f"Failed to add observable: {fault}")
    return observable_pages.keys_of(store, [named])[named]


def _remarks(given: ExtendedObservable, source: str) -> list[tuple[str, dict[str, Any]]]:
    """Return what came with an observable as remarks, each with whose it is: of whom it names, or of who sent it."""
    found = []
    for remark in [*given.context, *([given.facts] if given.facts else [])]:
        named = remark.get("source")
        whose = named if isinstance(named, str) and named else source
        observable_edits.refuse_context(whose, remark)
        found.append((whose, remark))
    return found


def _keep(store: Store, key: int, remarks: Iterable[tuple[str, dict[str, Any]]], now: Instant) -> None:
    """Keep remarks that are not there yet."""
    for whose, remark in remarks:
        observable_edits.add_context(store, key, whose, remark, now)


def _refuse_markings(tags: Iterable[str]) -> None:
    for name in tags:
        observables.refuse_marking(name)


def _known(store: Store, text: str, type_name: str | None) -> int | None:
    """Return the row id of the value that was meant: as it stands, or as it is kept."""
    forms = {text}
    with suppress(RefusedValue):
        forms.add(recognised(type_name or GUESS, text)[1])
    types = (own_type(type_name),) if type_name else ()
    keys, _ = observable_pages.ids(store, Filter(values=tuple(sorted(forms)), types=types), limit=1)
    return keys[0] if keys else None


def _there(store: Store, text: str, now: Instant) -> Observable:
    key = id_of(text)
    found = [] if key is None else observable_pages.by_ids(store, [key], now)
    if not found:
        raise NotFound(f"Observable {text[:80]} not found")
    return found[0]


def _all_of(store: Store, keys: list[int], now: Instant) -> Iterable[Observable]:
    for start in range(0, len(keys), shapes.AT_ONCE):
        yield from observable_pages.by_ids(store, keys[start : start + shapes.AT_ONCE], now)

"""Answers: why a value is listed or not, what a run would publish, what a log would have hit, who holds a value."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query

from core.api.access import Reader, ServicesHere, StoreHere
from core.api.described import problems
from core.api.exports.answer_models import (
    CoveringOut,
    ExplanationOut,
    HolderOut,
    Holders,
    InsideOut,
    KeptOffOut,
    KeptOffPage,
    PreviewAgainst,
    PreviewOut,
)
from core.api.exports.fields import TypeName
from core.api.exports.names import Name
from core.api.exports.paging import Paging
from core.api.exports.uploads import BODY, Uploaded
from core.api.routing import LargeBodyRoute
from core.errors import NotFound
from core.exports.answers import against, holders, log_lines
from core.exports.answers.explain import explain
from core.exports.answers.explanation import explanation_object
from core.exports.answers.meant import meant
from core.exports.objects import against_object, preview_object
from core.exports.preview import preview
from core.store import archives, definitions, ledger

router = APIRouter(tags=["exports: answers"], route_class=LargeBodyRoute)

_MOST_CHARACTERS = 1 << 26
"""So much of a log is looked at in one request, however well it was compressed."""

Number = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Of this version; the current one without.")]
AskedValue = Annotated[
    str,
    # Servers take no longer lines than this may become when it is percent-encoded.
    Query(min_length=1, max_length=2_000, description="A value, also defanged.", examples=["198.51.100[.]7"]),
]
Entries = Annotated[int, Query(ge=0, le=1_000, description="How many entries to show.")]


@router.get("/definitions/{name}/explain", summary="Explain a value", responses=problems(404))
def explain_value(
    name: Name,
    value: AskedValue,
    _: Reader,
    services: ServicesHere,
    store: StoreHere,
    version: Number = None,
) -> ExplanationOut:
    """Return whether an export lists a value, since when, and why, or why not.

    Told are the claims and whether each counts, the rule that decided, networks and names that stand for the value, what
    is held, and when it was on the list.
    """
    found = explain(store, name, value, services.settings, version, now=services.now)
    return ExplanationOut(**explanation_object(found))


@router.get("/definitions/{name}/preview", summary="Preview an export", responses=problems(404))
def show_preview(
    name: Name, _: Reader, services: ServicesHere, store: StoreHere, entries: Entries = 10
) -> PreviewOut:
    """Return what a run would publish, and whether it would be held; nothing is touched."""
    return PreviewOut(**preview_object(preview(store, name, services.settings, now=services.now, entries=entries)))


@router.post(
    "/definitions/{name}/preview",
    summary="Preview an export against a log",
    responses=problems(404),
    openapi_extra=BODY,
)
def preview_against(
    name: Name, _: Reader, log: Uploaded, services: ServicesHere, store: StoreHere, entries: Entries = 10
) -> PreviewAgainst:
    """Return what a run would publish, and what of a log or a list that would have hit; nothing is touched or kept."""
    definitions.get_export(store, name)
    seen = preview(store, name, services.settings, now=services.now, entries=entries, with_listed=True)
    assert seen.listed is not None  # noqa: S101 - it was asked for
    lines = log_lines.read(log, name="what was sent", most_characters=_MOST_CHARACTERS)
    found = against.against(lines, seen.listed)
    return PreviewAgainst(**preview_object(seen), against=against_object(found))  # type: ignore[arg-type]


@router.get("/definitions/{name}/kept-off", summary="List what is kept off", responses=problems(404))
def list_kept_off(
    name: Name,
    _: Reader,
    store: StoreHere,
    paging: Paging,
    version: Number = None,
    reason: Annotated[
        str | None, Query(max_length=100, description="Only for this reason, such as `cut` or `allow-listed`.")
    ] = None,
) -> KeptOffPage:
    """Return the observables that are selected and all the same not on the list, each with its reason."""
    item = archives.get(store, name, version) if version else archives.current(store, name)
    if item is None:
        raise NotFound(f"{name!r} has no versions yet")
    kept: list[KeptOffOut] = []
    total = 0
    with store.snapshot() as snapshot:
        for type_, value, text in ledger.kept_off(snapshot, name, item.number):
            why = msgspec.json.decode(text, type=dict[str, object])
            if reason not in (None, why["reason"]):
                continue
            if paging.offset <= total < paging.offset + paging.limit:
                kept.append(KeptOffOut(type=type_, value=value, why={key: str(told) for key, told in why.items()}))
            total += 1
    return KeptOffPage(
        export=name, version=item.number, total=total, limit=paging.limit, offset=paging.offset, items=kept
    )


@router.get("/holders", summary="Find who holds a value", responses=problems(404))
def list_holders(
    value: AskedValue,
    _: Reader,
    services: ServicesHere,
    store: StoreHere,
    type: Annotated[TypeName | None, Query()] = None,
) -> Holders:
    """Return the exports that hold a value, and the networks and names on them that stand for it or lie in it."""
    now, settings = services.now, services.settings
    found = []
    for type_, known in meant(store, value, type, now):
        found.append(
            HolderOut(
                type=type_,
                value=known,
                exports=holders.holders(store, type_, known, now, settings),
                covering=CoveringOut.several(holders.covering(store, type_, known, now)),
                inside=InsideOut.of(holders.inside(store, type_, known)),
            )
        )
    return Holders(values=found)

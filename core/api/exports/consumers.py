"""Consumers: machines that fetch what is published, their tokens, what each may fetch, and which version it has."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Response

from core.accounts import consumers
from core.accounts.objects import consumer_object, lag_object, token_object
from core.api.access import Admin, ServicesHere, StoreHere
from core.api.answers import OURS
from core.api.described import problems
from core.api.exports.consumer_models import (
    ConsumerChange,
    ConsumerOut,
    ConsumerShown,
    LagOut,
    MadeToken,
    NewConsumer,
    NewToken,
)
from core.api.exports.names import Name
from core.api.exports.paging import Page, Paging
from core.api.routing import LargeBodyRoute
from core.api.services import Services
from core.schemas.instant import DAY, SECOND
from core.store import Store, fetches
from core.store import consumers as rows
from core.store.consumers import Consumer
from core.store.fetches import Lag

router = APIRouter(tags=["exports: consumers"], route_class=LargeBodyRoute)

ConsumerName = Annotated[
    str, Path(min_length=1, max_length=64, description="Name of a consumer.", examples=["firewall-1"])
]
TokenBegin = Annotated[
    str, Path(max_length=20, description="How the token begins, never all of it.", examples=["fetch_0a1b2c3d"])
]


@router.get("/consumers", summary="List consumers")
def list_consumers(_: Admin, services: ServicesHere, store: StoreHere, paging: Paging) -> Page[ConsumerOut]:
    """Return the consumers by name, and what each may fetch."""
    found, tokens = rows.consumers(store), rows.tokens(store)
    items = [ConsumerOut(**consumer_object(item, tokens, services.now)) for item in paging.of(found)]
    return Page(total=len(found), limit=paging.limit, offset=paging.offset, items=items)


@router.post("/consumers", status_code=201, summary="Add a consumer", responses=problems(404, 409))
def add_consumer(
    body: NewConsumer, response: Response, caller: Admin, services: ServicesHere, store: StoreHere
) -> ConsumerOut:
    """Add a consumer.  It has no token yet."""
    made = consumers.add(
        store,
        body.name,
        exports=body.exports,
        all_exports=body.all_exports,
        networks=body.networks,
        description=body.description,
        by=caller.name,
        now=services.now,
    )
    response.headers["Location"] = f"{OURS}/consumers/{quote(made.name, safe='')}"
    return _out(services, store, made)


@router.get("/consumers/{consumer}", summary="Show a consumer", responses=problems(404))
def show_consumer(consumer: ConsumerName, _: Admin, services: ServicesHere, store: StoreHere) -> ConsumerShown:
    """Return a consumer, how its tokens begin, and which version of what it has."""
    item = rows.get_consumer(store, consumer)
    own = [LagOut(**lag_object(lag)) for lag in _lags(services, store) if lag.consumer == item.name]
    return ConsumerShown(**_out(services, store, item).model_dump(), fetches=own)


@router.patch("/consumers/{consumer}", summary="Change a consumer", responses=problems(404))
def change_consumer(
    consumer: ConsumerName, body: ConsumerChange, caller: Admin, services: ServicesHere, store: StoreHere
) -> ConsumerOut:
    """Change what is said of a consumer, what it may fetch and from where; switched off it is turned away."""
    made = consumers.change(
        store,
        consumer,
        exports=body.exports,
        networks=body.networks,
        all_exports=body.all_exports,
        description=body.description,
        is_enabled=body.enabled,
        by=caller.name,
        now=services.now,
    )
    return _out(services, store, made)


@router.delete("/consumers/{consumer}", status_code=204, summary="Remove a consumer", responses=problems(404))
def remove_consumer(consumer: ConsumerName, caller: Admin, services: ServicesHere, store: StoreHere) -> None:
    """Remove a consumer with its tokens, and what is known of its fetches."""
    rows.remove_consumer(store, consumer, by=caller.name, now=services.now)


@router.put("/consumers/{consumer}/exports/{name}", summary="Let it fetch an export", responses=problems(404))
def grant_export(
    consumer: ConsumerName, name: Name, caller: Admin, services: ServicesHere, store: StoreHere
) -> ConsumerOut:
    """Let a consumer fetch an export, beside those that it may fetch already."""
    made = rows.grant(store, consumer, name, by=caller.name, now=services.now)
    return _out(services, store, made)


@router.delete(
    "/consumers/{consumer}/exports/{name}", summary="Let it fetch an export no more", responses=problems(404)
)
def revoke_export(
    consumer: ConsumerName, name: Name, caller: Admin, services: ServicesHere, store: StoreHere
) -> ConsumerOut:
    """Let a consumer fetch an export no more; one that may fetch all goes on doing so."""
    made = rows.revoke(store, consumer, name, by=caller.name, now=services.now)
    return _out(services, store, made)


@router.post("/consumers/{consumer}/tokens", status_code=201, summary="Make a token", responses=problems(404, 409))
def add_token(
    consumer: ConsumerName,
    body: NewToken,
    response: Response,
    caller: Admin,
    services: ServicesHere,
    store: StoreHere,
) -> MadeToken:
    """Make a token, which is shown this once.

    Two count at once: make the new one, put it into the device, then revoke the old one.
    """
    now, days = services.now, body.expires_in_days
    text, kept = consumers.add_token(
        store, consumer, expires_at=None if days is None else now + days * DAY, by=caller.name, now=now
    )
    response.headers["Cache-Control"] = "no-store"
    return MadeToken(consumer=kept.consumer, token=text, **token_object(kept, now))


@router.delete(
    "/consumers/{consumer}/tokens/{begins}", status_code=204, summary="Revoke a token", responses=problems(404)
)
def revoke_token(
    consumer: ConsumerName, begins: TokenBegin, caller: Admin, services: ServicesHere, store: StoreHere
) -> None:
    """Let a token count no more: whoever uses it is turned away within a second."""
    rows.remove_token(store, consumer, begins, by=caller.name, now=services.now)


@router.get("/lags", summary="See who has which version")
def list_lags(
    _: Admin,
    services: ServicesHere,
    store: StoreHere,
    paging: Paging,
    consumer: Annotated[str | None, Query(max_length=64, description="Only of this consumer.")] = None,
    export: Annotated[str | None, Query(max_length=200, description="Only of this export.")] = None,
) -> Page[LagOut]:
    """Return which consumer has which version since when, who lags behind, and who stopped asking."""
    found = [
        lag for lag in _lags(services, store) if consumer in (None, lag.consumer) and export in (None, lag.export)
    ]
    items = [LagOut(**lag_object(lag)) for lag in paging.of(found)]
    return Page(total=len(found), limit=paging.limit, offset=paging.offset, items=items)


def _out(services: Services, store: Store, item: Consumer) -> ConsumerOut:
    return ConsumerOut(**consumer_object(item, rows.tokens(store, item.name), services.now))


def _lags(services: Services, store: Store) -> list[Lag]:
    stale_after = services.config.whole("notify.stale_after_minutes") * 60 * SECOND
    return fetches.lags(store, services.now, stale_after)

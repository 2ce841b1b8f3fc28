"""``/api/v2/auth``: tokens for keys and passwords, who somebody is, and the end of it."""

import logging
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.security import APIKeyHeader
from pydantic import BaseModel

from core.accounts import callers
from core.api.access import COOKIE, CallerHere, ServicesHere, StoreHere, address_of, check_same_origin
from core.api.described import details
from core.api.routing import LargeBodyRoute
from core.errors import NotAuthenticated
from core.store import logins
from core.store.users import ADMIN

router = APIRouter(prefix="/auth", tags=["auth"], route_class=LargeBodyRoute)

_MINUTE_S = 60
_log = logging.getLogger(__name__)
_key_header = APIKeyHeader(name="x-yeti-apikey", auto_error=False, description="A key of yetictl user token.")


class Token(BaseModel):
    """A token, to be sent as ``Authorization: Bearer``."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105 - its kind


class UserOut(BaseModel):
    """A user, with the fields that Yeti's clients know; ``api_key`` is empty, since a key is shown once."""

    id: str
    username: str
    enabled: bool
    admin: bool
    api_key: str


class Message(BaseModel):
    """What was done."""

    message: str


@router.post("/token", responses=details(401, 429))
def log_in(
    request: Request,
    response: Response,
    services: ServicesHere,
    store: StoreHere,
    username: Annotated[str, Form(max_length=1_000)],
    password: Annotated[str, Form(max_length=10_000)],
) -> Token:
    """Give a token for a user's password, also as a cookie."""
    check_same_origin(request)
    now = services.now
    user = callers.log_in(store, username, password, address_of(request), now)
    _log.info("logged in", extra={"user": user.name, "address": address_of(request)})
    lifetime_s = services.config.whole("auth.browser_token_expire_minutes") * _MINUTE_S
    token = services.tokens.make(user, now, lifetime_s)
    response.set_cookie(
        COOKIE,
        token,
        max_age=lifetime_s,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return Token(access_token=token)


@router.post("/api-token", responses=details(401))
def token_for_key(
    services: ServicesHere, store: StoreHere, key: Annotated[str | None, Depends(_key_header)]
) -> Token:
    """Give a token for an API key."""
    if not key:
        raise NotAuthenticated("Not authenticated")
    now = services.now
    caller, kept = callers.by_key(store, key, now)
    lifetime_s = services.config.whole("auth.access_token_expire_minutes") * _MINUTE_S
    return Token(access_token=services.tokens.make(caller.user, now, lifetime_s, key=kept.begin))


@router.get("/me")
def me(caller: CallerHere) -> UserOut:
    """Say who asks."""
    user = caller.user
    return UserOut(
        id=str(user.id), username=user.name, enabled=user.is_enabled, admin=user.role == ADMIN, api_key=""
    )


@router.post("/logout")
def log_out(response: Response, services: ServicesHere, store: StoreHere, caller: CallerHere) -> Message:
    """End the token, and the cookie."""
    if caller.claims is not None:
        logins.end_token(store, caller.claims.id, caller.claims.expires_at)
    _log.info("logged out", extra={"user": caller.name})
    response.delete_cookie(COOKIE)
    return Message(message="Logged out")

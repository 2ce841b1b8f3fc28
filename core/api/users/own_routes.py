"""``/api/v2/users/me``: the own password and the own keys; and Yeti's way to make a key."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from core.accounts import accounts, callers
from core.accounts.callers import Caller
from core.accounts.permissions import Permission
from core.api.access import CallerHere, ServicesHere, StoreHere, address_of
from core.api.described import details
from core.api.routing import LargeBodyRoute
from core.api.users.key_making import check_unlimited, make, make_key
from core.api.users.models import KeyInfo, MadeKey, NewKey, OwnPassword, Scopes, Sent
from core.errors import NotAllowed, NotFound
from core.store import users
from core.store.users import User

router = APIRouter(prefix="/users", tags=["users"], route_class=LargeBodyRoute)


class YetiKey(Sent):
    """A key to be made, as Yeti has it; ``expiration`` is a duration, in seconds or as ISO 8601 says it."""

    user_id: Annotated[str, Field(max_length=100)]
    name: Annotated[str, Field(max_length=200)]
    scopes: Scopes = Field(default_factory=lambda: ["admin"])
    expiration: Annotated[timedelta, Field(gt=timedelta(), le=timedelta(days=36_500))] | None = None


class YetiMadeKey(BaseModel):
    """The key itself, which is not shown again, and all keys of the user by name."""

    name: str
    token: str
    api_keys: dict[str, KeyInfo]


@router.put("/me/password", status_code=204, response_class=Response, responses=details(429))
def set_own_password(
    wanted: OwnPassword, request: Request, services: ServicesHere, store: StoreHere, caller: CallerHere
) -> None:
    """Change the own password; whoever guesses the old one is slowed down as at a login."""
    check_unlimited(caller)
    now = services.now
    callers.log_in(store, caller.user.name, wanted.old_password, address_of(request), now)
    accounts.set_password(store, caller.user.name, wanted.new_password, by=caller.name, now=now)


@router.get("/me/keys")
def list_own_keys(store: StoreHere, caller: CallerHere) -> list[KeyInfo]:
    """Return the own keys: how each begins, and when it ends."""
    return [KeyInfo.of(key) for key in users.keys(store, caller.user.name)]


@router.post("/me/keys", status_code=201)
def add_own_key(wanted: NewKey, services: ServicesHere, store: StoreHere, caller: CallerHere) -> MadeKey:
    """Make a key of one's own; it is shown this once."""
    check_unlimited(caller)
    return make_key(store, caller.user.name, wanted, caller, services.now)


@router.delete("/me/keys/{name:path}", status_code=204, response_class=Response)
def remove_own_key(name: str, services: ServicesHere, store: StoreHere, caller: CallerHere) -> None:
    """Remove a key of one's own."""
    check_unlimited(caller)
    users.remove_key(store, caller.user.name, name, by=caller.name, now=services.now)


@router.post("/new-api-key")
def make_key_as_yeti_does(
    wanted: YetiKey, services: ServicesHere, store: StoreHere, caller: CallerHere
) -> YetiMadeKey:
    """Make a key of one's own, or, as an admin, of anybody; it is shown this once."""
    check_unlimited(caller)
    user = _wanted_user(users.users(store), wanted.user_id, caller)
    lifetime = None if wanted.expiration is None else wanted.expiration // timedelta(microseconds=1)
    made = make(store, user.name, NewKey(name=wanted.name, scopes=wanted.scopes), lifetime, caller, services.now)
    kept = {item.name: KeyInfo.of(item) for item in users.keys(store, user.name)}
    return YetiMadeKey(name=made.name, token=made.token, api_keys=kept)


def _wanted_user(known: list[User], user_id: str, caller: Caller) -> User:
    if user_id == str(caller.user.id):
        return caller.user
    if Permission.ADMIN not in caller.permissions:
        raise NotAllowed(f"{caller.name} may not do that: it needs {Permission.ADMIN}")
    found = next((item for item in known if str(item.id) == user_id), None)
    if found is None:
        raise NotFound(f"User {user_id} not found")
    return found

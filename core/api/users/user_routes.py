"""``/api/v2/users``: what admins do with users and their keys."""

from fastapi import APIRouter, Response

from core.accounts import accounts
from core.api.access import Admin, ServicesHere, StoreHere
from core.api.routing import LargeBodyRoute
from core.api.users.key_making import make_key
from core.api.users.models import KeyInfo, MadeKey, NewKey, NewPassword, NewUser, UserChange, UserInfo
from core.store import users

router = APIRouter(prefix="/users", tags=["users"], route_class=LargeBodyRoute)


@router.get("")
def list_users(store: StoreHere, _: Admin) -> list[UserInfo]:
    """Return all users, by name."""
    return [UserInfo.of(user) for user in users.users(store)]


@router.post("", status_code=201)
def add_user(wanted: NewUser, services: ServicesHere, store: StoreHere, caller: Admin) -> UserInfo:
    """Add a user."""
    made = accounts.add_user(
        store, wanted.username, wanted.role, wanted.password, by=caller.name, now=services.now
    )
    return UserInfo.of(made)


@router.get("/{username}")
def get_user(username: str, store: StoreHere, _: Admin) -> UserInfo:
    """Return a user."""
    return UserInfo.of(users.get_user(store, username))


@router.patch("/{username}")
def change_user(
    username: str, wanted: UserChange, services: ServicesHere, store: StoreHere, caller: Admin
) -> UserInfo:
    """Change what a user may do, or switch the user off or on; the last admin stays one."""
    made = accounts.change(
        store, username, role=wanted.role, is_enabled=wanted.enabled, by=caller.name, now=services.now
    )
    return UserInfo.of(made)


@router.put("/{username}/password", status_code=204, response_class=Response)
def set_password(
    username: str, wanted: NewPassword, services: ServicesHere, store: StoreHere, caller: Admin
) -> None:
    """Give a user another password; whoever is logged in as that user has to do it again."""
    accounts.set_password(store, username, wanted.password, by=caller.name, now=services.now)


@router.delete("/{username}", status_code=204, response_class=Response)
def remove_user(username: str, services: ServicesHere, store: StoreHere, caller: Admin) -> None:
    """Remove a user with all keys."""
    accounts.remove(store, username, by=caller.name, now=services.now)


@router.get("/{username}/keys")
def list_keys(username: str, store: StoreHere, _: Admin) -> list[KeyInfo]:
    """Return the keys of a user: how each begins, and when it ends."""
    return [KeyInfo.of(key) for key in users.keys(store, username)]


@router.post("/{username}/keys", status_code=201)
def add_key(username: str, wanted: NewKey, services: ServicesHere, store: StoreHere, caller: Admin) -> MadeKey:
    """Make a key for a user; it is shown this once."""
    return make_key(store, username, wanted, caller, services.now)


@router.delete("/{username}/keys/{name:path}", status_code=204, response_class=Response)
def remove_key(username: str, name: str, services: ServicesHere, store: StoreHere, caller: Admin) -> None:
    """Remove a key: whoever uses it is turned away from here on."""
    users.remove_key(store, username, name, by=caller.name, now=services.now)

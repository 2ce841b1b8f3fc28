"""Add users and keys, and say who somebody is: what the command line and the API do, with the rules in one place."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.accounts import keys, passwords
from core.errors import NotFound, RefusedValue
from core.schemas.instant import Instant
from core.store import users
from core.store.users import ADMIN, ROLES, Key, User

if TYPE_CHECKING:
    from core.store import Store

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_KEY_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,100}")


def add_user(store: "Store", name: str, role: str, password: str | None, *, by: str, now: Instant) -> User:
    """Add a user; without a password it has keys only.

    Raises:
        RefusedValue: The name, the role or the password is none.
        AlreadyExists: There is a user of that name.
    """
    if not _NAME.fullmatch(name):
        raise RefusedValue(
            "a user's name has up to 64 letters, digits and . _ @ -, and begins with a letter or a digit"
        )
    if name.casefold() == "me":
        raise RefusedValue("a user cannot be called 'me': that is whoever asks")
    _check_role(role)
    kept = ""
    if password is not None:
        passwords.check(password, name)
        kept = passwords.hashed(password)
    return users.add_user(store, name, role, kept, by=by, now=now)


def set_password(store: "Store", name: str, password: str, *, by: str, now: Instant) -> None:
    """Give a user another password.

    Raises:
        NotFound: There is no such user.
        RefusedValue: The password is not good enough.
    """
    passwords.check(password, users.get_user(store, name).name)
    users.change_user(store, name, by=by, now=now, password=passwords.hashed(password))


def change(
    store: "Store", name: str, *, role: str | None = None, is_enabled: bool | None = None, by: str, now: Instant
) -> User:
    """Change what a user may do; somebody stays who may do everything.

    Raises:
        NotFound: There is no such user.
        RefusedValue: The role is none, or nobody would be left who is admin.
    """
    if role is not None:
        _check_role(role)
    changes = {"role": role, "is_enabled": is_enabled}
    given = {key: value for key, value in changes.items() if value is not None}
    return users.change_user(store, name, by=by, now=now, **given)


def remove(store: "Store", name: str, *, by: str, now: Instant) -> None:
    """Remove a user with all keys.

    Raises:
        NotFound: There is no such user.
        RefusedValue: Nobody would be left who is admin.
    """
    users.remove_user(store, name, by=by, now=now)


def add_key(
    store: "Store",
    username: str,
    name: str,
    *,
    scopes: Sequence[str] = ("admin",),
    expires_at: Instant | None = None,
    by: str,
    now: Instant,
) -> tuple[str, Key]:
    """Make a key for a user, and return it as it is shown once, and as it is kept.

    Raises:
        NotFound: There is no such user.
        AlreadyExists: The user has a key of that name.
        RefusedValue: The name is none, there is no scope or one that is unknown, or it would have ended already.
    """
    if not _KEY_NAME.fullmatch(name.strip()):
        raise RefusedValue("a key's name has up to 100 characters, and no control characters")
    if not scopes:
        raise RefusedValue(f"a key has a scope; there are {', '.join(keys.SCOPES)}")
    if unknown := [scope for scope in scopes if scope not in keys.SCOPES]:
        raise RefusedValue(f"there is no scope {unknown[0]!r}; there are {', '.join(keys.SCOPES)}")
    if expires_at is not None and expires_at <= now:
        raise RefusedValue("that key would have ended already")
    made = keys.new_key()
    kept = users.add_key(
        store,
        username,
        name.strip(),
        begin=made.begin,
        sha256=made.sha256,
        scopes=tuple(dict.fromkeys(scopes)),
        expires_at=expires_at,
        by=by,
        now=now,
    )
    return made.text, kept


def by_password(store: "Store", name: str, password: str) -> User | None:
    """Return the user whose password that is, ``None`` if there is none; it takes as long for names there are not."""
    try:
        found = users.get_user(store, name)
    except NotFound:
        passwords.is_right(password, "")
        return None
    if not passwords.is_right(password, found.password):
        return None
    if passwords.is_outdated(found.password):
        users.keep_password(store, found, passwords.hashed(password))
    return found


def by_key(store: "Store", text: str) -> tuple[User, Key] | None:
    """Return whose key that is, and the key, ``None`` if there is none; whether both still count is the caller's."""
    if not keys.is_key(text):
        return None
    return users.owner_and_key(store, keys.sha256_of(text))


def has_admin(store: "Store") -> bool:
    """Say whether there is somebody who may do everything."""
    return any(item.role == ADMIN and item.is_enabled for item in users.users(store))


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise RefusedValue(f"there is no role {role!r}; there are {', '.join(ROLES)}")

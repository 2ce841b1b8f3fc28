"""Users and keys, as rows; what a password or a key has to be is `core.accounts`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from core.errors import AlreadyExists, NotFound, RefusedValue
from core.schemas.instant import Instant, to_second
from core.store.audit import note
from core.store.schema import api_key, user
from core.store.store import Store

READER, EDITOR, ADMIN = "reader", "editor", "admin"
ROLES = (READER, EDITOR, ADMIN)
"""From the least to the most; each may do what those before it may."""

_KEY_COLUMNS = (
    user.c.name.label("key_user"),
    api_key.c.begin,
    api_key.c.scopes,
    api_key.c.expires_at,
    *(getattr(api_key.c, name).label(f"key_{name}") for name in ("id", "name", "created_at", "is_enabled")),
)
"""Of a key, so called that those of its user may stand beside them."""


@dataclass(frozen=True, slots=True)
class User:
    """One user; ``password`` is what is kept of it, and empty where there is none."""

    id: int
    name: str
    role: str
    is_enabled: bool
    created_at: Instant
    password: str = ""
    password_set_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """One key, as far as it is kept; ``expires_at`` ``None`` is never."""

    id: int
    user: str
    name: str
    begin: str
    scopes: tuple[str, ...]
    created_at: Instant
    expires_at: Instant | None
    is_enabled: bool


def add_user(store: Store, name: str, role: str, password: str, *, by: str, now: Instant) -> User:
    """Add a user; *password* is what is kept of it.

    Raises:
        AlreadyExists: There is one of that name, whatever its case.
    """
    with store.writing() as connection:
        if connection.scalar(select(user.c.id).where(func.lower(user.c.name) == name.lower())) is not None:
            raise AlreadyExists(f"there is a user {name!r} already")
        connection.execute(
            insert(user).values(
                name=name,
                role=role,
                password=password,
                is_enabled=True,
                created_at=now,
                password_set_at=now if password else None,
            )
        )
        note(connection, "user added", name, {"role": role}, by=by, now=now)
        return _user(connection, name)


def change_user(store: Store, name: str, *, by: str, now: Instant, **changes: Any) -> User:
    """Change a user's ``role``, ``is_enabled`` or ``password`` (what is kept of it).

    Raises:
        NotFound: There is no such user.
        RefusedValue: Nobody would be left who may do everything.
    """
    with store.writing() as connection:
        found = _user(connection, name)
        values = changes | ({"password_set_at": now} if "password" in changes else {})
        connection.execute(update(user).where(user.c.id == found.id).values(**values))
        _check_an_admin_is_left(connection, found)
        told = {key: value for key, value in changes.items() if key != "password"}
        action = "password set" if "password" in changes and not told else "user changed"
        note(connection, action, found.name, told, by=by, now=now)
        return _user(connection, name)


def keep_password(store: Store, before: User, password: str) -> None:
    """Keep the same password in another way, unless there is another one by now; nobody changed it."""
    same = (user.c.id == before.id, user.c.password == before.password)
    with store.writing() as connection:
        connection.execute(update(user).where(*same).values(password=password))


def remove_user(store: Store, name: str, *, by: str, now: Instant) -> None:
    """Remove a user with all keys.

    Raises:
        NotFound: There is no such user.
        RefusedValue: Nobody would be left who may do everything.
    """
    with store.writing() as connection:
        found = _user(connection, name)
        connection.execute(delete(user).where(user.c.id == found.id))
        _check_an_admin_is_left(connection, found)
        note(connection, "user removed", found.name, by=by, now=now)


def get_user(store: Store, name: str) -> User:
    """Return the user of that name.

    Raises:
        NotFound: There is none.
    """
    with store.reading() as connection:
        return _user(connection, name)


def users(store: Store) -> list[User]:
    """Return all users, by name."""
    with store.reading() as connection:
        return [_user_of(row) for row in connection.execute(select(user).order_by(user.c.name))]


def add_key(
    store: Store,
    username: str,
    name: str,
    *,
    begin: str,
    sha256: str,
    scopes: Sequence[str],
    expires_at: Instant | None,
    by: str,
    now: Instant,
) -> Key:
    """Keep a key of a user.

    Raises:
        NotFound: There is no such user.
        AlreadyExists: The user has a key of that name.
    """
    with store.writing() as connection:
        found = _user(connection, username)
        try:
            connection.execute(
                insert(api_key).values(
                    user_id=found.id,
                    name=name,
                    begin=begin,
                    sha256=sha256,
                    scopes=json.dumps(list(scopes)),
                    created_at=now,
                    expires_at=expires_at,
                    is_enabled=True,
                )
            )
        except IntegrityError:
            raise AlreadyExists(f"{found.name} has a key {name!r} already") from None
        note(
            connection,
            "key added",
            found.name,
            {
                "key": name,
                "begin": begin,
                "scopes": list(scopes),
                "expires": "never" if expires_at is None else to_second(expires_at),
            },
            by=by,
            now=now,
        )
        return _keys(connection, api_key.c.sha256 == sha256)[0]


def remove_key(store: Store, username: str, name: str, *, by: str, now: Instant) -> None:
    """Remove a key: whoever uses it is turned away from here on.

    Raises:
        NotFound: There is no such user, or no such key.
    """
    with store.writing() as connection:
        found = _user(connection, username)
        gone = connection.execute(delete(api_key).where(api_key.c.user_id == found.id, api_key.c.name == name))
        if not gone.rowcount:
            raise NotFound(f"{found.name} has no key {name!r}")
        note(connection, "key removed", found.name, {"key": name}, by=by, now=now)


def keys(store: Store, username: str | None = None) -> list[Key]:
    """Return the keys of a user, or of all, by user and name.

    Raises:
        NotFound: There is no such user.
    """
    with store.reading() as connection:
        if username is None:
            return _keys(connection)
        return _keys(connection, api_key.c.user_id == _user(connection, username).id)


def owner_and_key(store: Store, sha256: str) -> tuple[User, Key] | None:
    """Return whose key that is of that hash, and the key, of one moment; ``None`` if there is none."""
    query = select(user, *_KEY_COLUMNS).join(api_key, user.c.id == api_key.c.user_id)
    with store.reading() as connection:
        row = connection.execute(query.where(api_key.c.sha256 == sha256)).first()
    return None if row is None else (_user_of(row), _key_of(row))


def _check_an_admin_is_left(connection: Connection, before: User) -> None:
    """Raise in the transaction that changed the user: two who are changed at once see each other."""
    if before.role != ADMIN or not before.is_enabled:
        return
    if connection.scalar(select(user.c.id).where(user.c.role == ADMIN, user.c.is_enabled).limit(1)) is None:
        raise RefusedValue(f"{before.name} is the only admin there is: make another one first")


def _user(connection: Connection, name: str) -> User:
    row = connection.execute(select(user).where(func.lower(user.c.name) == name.lower())).first()
    if row is None:
        raise NotFound(f"there is no user {name!r}")
    return _user_of(row)


def _user_of(row: Row[Any]) -> User:
    return User(
        row.id, row.name, row.role, bool(row.is_enabled), row.created_at, row.password, row.password_set_at
    )


def _keys(connection: Connection, *conditions: Any) -> list[Key]:
    query = select(*_KEY_COLUMNS).join(user, user.c.id == api_key.c.user_id)
    return [
        _key_of(row) for row in connection.execute(query.where(*conditions).order_by(user.c.name, api_key.c.name))
    ]


def _key_of(row: Row[Any]) -> Key:
    return Key(
        row.key_id,
        row.key_user,
        row.key_name,
        row.begin,
        tuple(json.loads(row.scopes)),
        row.key_created_at,
        row.expires_at,
        bool(row.key_is_enabled),
    )

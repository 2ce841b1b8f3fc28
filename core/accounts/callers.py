"""Who asks: by password, key or token; and how often somebody may be wrong."""

import logging
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

from core.accounts import accounts, permissions
from core.accounts.permissions import Permission
from core.accounts.tokens import Claims, Tokens
from core.errors import NotAuthenticated, NotFound, TooManyAttempts
from core.schemas.instant import SECOND, Instant
from core.store import logins, users
from core.store.users import Key, User

if TYPE_CHECKING:
    from core.store import Store

_MOST_FAILURES = {"user+address": 5, "address": 30, "user": 100}
"""In a row, before whoever fails has to wait.  Nobody can lock a user out from somewhere else but by a hundred."""

_NO_USER = "(no such user)"

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2, 900
_FORGOTTEN_AFTER_S = 3_600


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who is known.

    Attributes:
        user: Who.
        permissions: What of all may be done, by user and key.
        key: The key, if it was one.
        claims: Of the token, if it was one.
    """

    user: User
    permissions: frozenset[Permission]
    key: Key | None = None
    claims: Claims | None = None

    @property
    def name(self) -> str:
        """As it stands in the audit log."""
        return self.user.name if self.key is None else f"{self.user.name} ({self.key.name})"

    @property
    def is_limited(self) -> bool:
        """Whether it is a key with less than the scope ``admin``, whatever its user may do."""
        return self.key is not None and Permission.ADMIN not in self.key.scopes


def log_in(store: "Store", name: str, password: str, address: str, now: Instant) -> User:
    """Return the user of that name and password.

    Raises:
        NotAuthenticated: There is none.
        TooManyAttempts: It was wrong too often, from there or for that user.
    """
    counted = _counted_as(address)
    folded = name.casefold()[:100]
    subjects = {
        "user+address": f"user:{folded} address:{counted}",
        "address": f"address:{counted}",
        "user": f"user:{folded}",
    }
    pauses = {subject: partial(_pause, most=_MOST_FAILURES[kind]) for kind, subject in subjects.items()}
    until = logins.attempt(store, pauses, now, forget_before=now - _FORGOTTEN_AFTER_S * SECOND)
    if until:
        raise TooManyAttempts(max(1, -(-(until - now) // SECOND)))
    found = accounts.by_password(store, name, password)
    if found is None:
        _tell_of_failure(store, name, address, logins.blocked_until(store, subjects.values()), now)
        raise NotAuthenticated("Incorrect username or password")
    address_only = subjects["address"]
    own = (subjects["user+address"], subjects["user"])
    logins.succeed(store, own, {address_only: pauses[address_only]}, now)
    _check_enabled(found)
    return found


def _tell_of_failure(store: "Store", name: str, address: str, until: Instant, now: Instant) -> None:
    """Leave a trace of a failed login, and of the pause that it began, if it did: once for each.

    What is no user's name is not in it: it may be a password that was typed into the wrong field.
    """
    try:
        name = users.get_user(store, name).name
    except NotFound:
        name = _NO_USER
    _log.warning("login failed", extra={"user": name, "address": address})
    if until > now:
        logins.note_block(store, name, address, until, now)


def by_key(store: "Store", text: str, now: Instant) -> tuple[Caller, Key]:
    """Return whose key that is.

    Raises:
        NotAuthenticated: It is nobody's, or counts no more.
    """
    found = accounts.by_key(store, text)
    if found is None:
        raise NotAuthenticated("Could not validate credentials")
    return _of_key(*found, now), found[1]


def by_token(store: "Store", tokens: Tokens, text: str, now: Instant) -> Caller:
    """Return for whom a token was made.

    Raises:
        NotAuthenticated: It is none of ours, has expired or was ended, or its user or key counts no more.
    """
    claims = tokens.read(text, now)
    if claims is None or logins.has_ended(store, claims.id):
        raise NotAuthenticated("Could not validate credentials")
    try:
        user = users.get_user(store, claims.user)
        own = [] if claims.key is None else users.keys(store, user.name)
    except NotFound:
        raise NotAuthenticated("Could not validate credentials") from None
    if claims.key is not None:
        key = next((item for item in own if item.begin == claims.key), None)
        if key is None:
            raise NotAuthenticated("Could not validate credentials")
        return replace(_of_key(user, key, now), claims=claims)
    _check_enabled(user)
    # Another user of the same name, or another password: an old token is of neither.
    since = max(user.created_at, user.password_set_at or 0)
    if claims.issued_at < since:
        raise NotAuthenticated("Could not validate credentials")
    return Caller(user, permissions.of_role(user.role), None, claims)


def _of_key(user: User, key: Key, now: Instant) -> Caller:
    _check_enabled(user)
    if not key.is_enabled:
        raise NotAuthenticated("API key disabled.")
    if key.expires_at is not None and key.expires_at <= now:
        raise NotAuthenticated("API key expired.")
    return Caller(user, permissions.limited(permissions.of_role(user.role), key.scopes), key)


def _check_enabled(user: User) -> None:
    if not user.is_enabled:
        raise NotAuthenticated("User account disabled. Please contact your server admin.")


def _counted_as(address: str) -> str:
    """Return what stands for an address: of IPv6 the network, since whoever has one address there has all of it."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return address
    return str(found.ipv4_mapped or IPv6Network((int(found) >> 64 << 64, 64)))


def _pause(number: int, most: int) -> int:
    """Return how many microseconds *number* failures in a row keep somebody out."""
    if number < most:
        return 0
    return int(min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(number - most, 20)) * SECOND)

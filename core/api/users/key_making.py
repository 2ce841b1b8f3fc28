"""Make a key for somebody, as all routes that do it."""

from typing import TYPE_CHECKING

from core.accounts import accounts
from core.accounts.callers import Caller
from core.api.users.models import KeyInfo, MadeKey, NewKey
from core.errors import NotAllowed
from core.schemas.instant import DAY, Instant

if TYPE_CHECKING:
    from core.store import Store


def make_key(store: "Store", username: str, wanted: NewKey, caller: Caller, now: Instant) -> MadeKey:
    """Make a key for a user."""
    days = wanted.expires_in_days
    return make(store, username, wanted, None if days is None else days * DAY, caller, now)


def make(
    store: "Store", username: str, wanted: NewKey, lifetime: int | None, caller: Caller, now: Instant
) -> MadeKey:
    """Make a key for a user that ends after a lifetime in microseconds, whatever *wanted* says; ``None``: never.

    What is made with a key ends with it at the latest.
    """
    ends = [] if lifetime is None else [now + lifetime]
    if caller.key is not None and caller.key.expires_at is not None:
        ends.append(caller.key.expires_at)
    text, key = accounts.add_key(
        store,
        username,
        wanted.name,
        scopes=wanted.scopes,
        expires_at=min(ends, default=None),
        by=caller.name,
        now=now,
    )
    return MadeKey(token=text, **KeyInfo.of(key).model_dump())


def check_unlimited(caller: Caller) -> None:
    """Do nothing if it is no key of limited scope: that must not make itself another one.

    Raises:
        NotAllowed: It is a limited key.
    """
    if caller.is_limited:
        raise NotAllowed(f"{caller.name} may not do that: it is a key of limited scope; log in by password")

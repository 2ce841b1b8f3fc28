"""Passwords: what is good enough, and how they are kept."""

import threading
from functools import cache
from typing import TYPE_CHECKING

from core.errors import RefusedValue

if TYPE_CHECKING:
    from argon2 import PasswordHasher

_AT_ONCE = threading.BoundedSemaphore(4)
"""Each hash takes 64 MiB, and whoever tries passwords need not be known."""

LEAST_CHARACTERS, MOST_CHARACTERS = 12, 256


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher  # its own defaults follow RFC 9106

    return PasswordHasher()


def check(password: str, username: str) -> None:
    """Do nothing if *password* is good enough for the user of that name.

    Raises:
        RefusedValue: It is too short or too long, one character again and again, or has the name in it.
    """
    if len(password) < LEAST_CHARACTERS:
        raise RefusedValue(f"a password has at least {LEAST_CHARACTERS} characters")
    if len(password) > MOST_CHARACTERS:
        raise RefusedValue(f"a password has at most {MOST_CHARACTERS} characters")
    if len(set(password)) < 4:
        raise RefusedValue("that password is one that is tried first: too few different characters")
    if username.casefold() in password.casefold():
        raise RefusedValue("the name of the user is in the password: that is tried first")


def hashed(password: str) -> str:
    """Return what is kept of a password."""
    with _AT_ONCE:
        return _hasher().hash(password)


def is_right(password: str, kept: str) -> bool:
    """Say whether *password* is the one of which *kept* is kept; takes as long for any."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        with _AT_ONCE:
            return _hasher().verify(kept or _nobodys(), password[: MOST_CHARACTERS + 1]) and bool(kept)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Say whether *kept* was made with weaker settings than today's: it is to be made anew at the next login."""
    return _hasher().check_needs_rehash(kept)


@cache
def _nobodys() -> str:
    """Return a hash for users that there are not: whoever tries names learns nothing from the time it takes."""
    return _hasher().hash("nobody has this password")

"""Keys for programs: made at random, kept as a hash, known by how they begin."""

import hashlib
import re
import secrets
from typing import NamedTuple

PREFIX = "yeti_"
_FORM = re.compile(r"yeti_[0-9a-f]{8}_[A-Za-z0-9_-]{43}")
_BYTES = 32

SCOPES = {
    "read": "look at exports, observables, templates and tags",
    "observables": "add and tag observables",
    "exports": "define, run and release exports",
    "admin": "everything that the user of the key may do",
}
"""What a key may be limited to, in words; a key may never do more than its user."""


class NewKey(NamedTuple):
    """A key as it is shown once, how it begins, and what is kept of it."""

    text: str
    begin: str
    sha256: str


def new_key() -> NewKey:
    """Make a key."""
    begin = f"{PREFIX}{secrets.token_hex(4)}"
    text = f"{begin}_{secrets.token_urlsafe(_BYTES)}"
    return NewKey(text, begin, sha256_of(text))


def is_key(text: str) -> bool:
    """Say whether *text* has the form of a key: others need not be looked up."""
    return _FORM.fullmatch(text) is not None


def sha256_of(text: str) -> str:
    """Return what is kept of a key."""
    return hashlib.sha256(text.encode()).hexdigest()

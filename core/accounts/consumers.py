"""Add consumers and their tokens: what the command line and the API do, with the rules in one place."""

import re
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.accounts.keys import NewKey, sha256_of
from core.errors import RefusedValue
from core.exports.definitions.words import networks as read_networks
from core.schemas.instant import Instant
from core.store import consumers as rows
from core.store.consumers import Consumer, Token

if TYPE_CHECKING:
    from core.store import Store

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_FORM = re.compile(r"fetch_[0-9a-f]{8}_[A-Za-z0-9_-]{43}")
_BYTES = 32


def is_token(text: str) -> bool:
    """Say whether *text* has the form of a consumer's token: others need not be looked up."""
    return _FORM.fullmatch(text) is not None


def add(
    store: "Store",
    name: str,
    *,
    exports: Iterable[str] = (),
    all_exports: bool = False,
    networks: Iterable[str] = (),
    description: str = "",
    by: str,
    now: Instant,
) -> Consumer:
    """Add a consumer.

    Raises:
        RefusedValue: The name is none.
        DefinitionError: A network is none.
        AlreadyExists: There is a consumer of that name.
        NotFound: There is no such export.
    """
    if not _NAME.fullmatch(name):
        raise RefusedValue(
            "a consumer's name has up to 64 letters, digits and . _ @ -, and begins with a letter or a digit"
        )
    return rows.add_consumer(
        store,
        name,
        description=description,
        networks=read_networks(networks),
        all_exports=all_exports,
        exports=exports,
        by=by,
        now=now,
    )


def change(
    store: "Store",
    name: str,
    *,
    exports: Iterable[str] | None = None,
    networks: Iterable[str] | None = None,
    all_exports: bool | None = None,
    description: str | None = None,
    is_enabled: bool | None = None,
    by: str,
    now: Instant,
) -> Consumer:
    """Change what of a consumer is given.

    Raises:
        DefinitionError: A network is none.
        NotFound: There is no such consumer, or no such export.
    """
    changes = {"all_exports": all_exports, "description": description, "is_enabled": is_enabled}
    return rows.change_consumer(
        store,
        name,
        exports=exports,
        networks=None if networks is None else read_networks(networks),
        by=by,
        now=now,
        **{key: value for key, value in changes.items() if value is not None},
    )


def add_token(
    store: "Store", name: str, *, expires_at: Instant | None = None, by: str, now: Instant
) -> tuple[str, Token]:
    """Make a token for a consumer, and return it as it is shown once, and as it is kept.

    Raises:
        NotFound: There is no such consumer.
        AlreadyExists: It has two already.
        RefusedValue: It would have ended already.
    """
    if expires_at is not None and expires_at <= now:
        raise RefusedValue("that token would have ended already")
    made = _new_token()
    kept = rows.add_token(store, name, begin=made.begin, sha256=made.sha256, expires_at=expires_at, by=by, now=now)
    return made.text, kept


def _new_token() -> NewKey:
    """Make a token: 58 characters, of which no firewall's password field refuses one."""
    begin = f"fetch_{secrets.token_hex(4)}"
    text = f"{begin}_{secrets.token_urlsafe(_BYTES)}"
    return NewKey(text, begin, sha256_of(text))

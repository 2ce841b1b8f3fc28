"""Tokens: who somebody is, signed, for a while (JSON Web Tokens, RFC 7519, with HMAC-SHA-256)."""

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import ConfigError
from core.schemas.instant import SECOND, Instant
from core.store import secrets as kept_secrets
from core.store.users import User

if TYPE_CHECKING:
    from core.store import Store

_ALGORITHM = "HS256"
_ISSUED_AT = "issued_at_us"
LEAST_CHARACTERS = 32
"""Of the key: as many bytes as the hash has, RFC 7518 §3.2."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says.

    Attributes:
        id: Of the token, to end it before its time.
        user: Name.
        issued_at, expires_at: Instants; the latter in whole seconds.
        key: How the key begins that it was given for, since row ids are used again; ``None``: for a password.
    """

    id: str
    user: str
    issued_at: Instant
    expires_at: Instant
    key: str | None


class Tokens:
    """Makes and reads tokens, with one key."""

    def __init__(self, secret: str) -> None:
        """Keep the key.

        Raises:
            ConfigError: It is too short.
        """
        if len(secret) < LEAST_CHARACTERS:
            raise ConfigError(f"auth.secret_key must have {LEAST_CHARACTERS} characters at least")
        self._secret = secret

    def make(self, user: User, now: Instant, lifetime_s: int, *, key: str | None = None) -> str:
        """Return a token for a user."""
        import jwt

        second = now // SECOND
        claims = {"sub": user.name, "enabled": user.is_enabled, "iat": second, "exp": second + lifetime_s}
        # Beside the seconds of ``iat``: a password may be set within the same one.
        claims[_ISSUED_AT] = now
        claims["jti"] = secrets.token_urlsafe(16)
        if key is not None:
            claims["key"] = key
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM)

    def read(self, text: str, now: Instant) -> Claims | None:
        """Return what a token says; ``None`` if it is not ours, was changed, or has expired."""
        import jwt

        try:
            # The instant is compared below, by the clock of whoever asks.
            said = jwt.decode(
                text,
                self._secret,
                algorithms=[_ALGORITHM],
                options={
                    "require": ["sub", "iat", "exp", "jti", _ISSUED_AT],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
            claims = Claims(
                str(said["jti"]),
                str(said["sub"]),
                int(said[_ISSUED_AT]),
                int(said["exp"]) * SECOND,
                None if said.get("key") is None else str(said["key"]),
            )
        except (jwt.InvalidTokenError, ValueError, TypeError):
            return None
        return claims if claims.expires_at > now else None


def tokens_of(store: "Store", configured: str, now: Instant) -> Tokens:
    """Return what makes the tokens of this installation: with the key of the settings, or with the store's own.

    Raises:
        ConfigError: The key of the settings is too short.
    """
    return Tokens(
        configured or kept_secrets.get_or_make(store, "auth.secret_key", lambda: secrets.token_urlsafe(48), now)
    )

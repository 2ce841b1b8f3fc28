"""Consumers as JSON has them, for the command line and the API alike; a token is in none of them."""

from typing import TYPE_CHECKING, Any

from core.schemas.instant import Instant, to_second

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.store.consumers import Consumer, Token
    from core.store.fetches import Lag


def consumer_object(item: "Consumer", tokens: "Iterable[Token]", now: Instant) -> dict[str, Any]:
    """Return a consumer with its own among *tokens*."""
    return {
        "name": item.name,
        "description": item.description,
        "enabled": item.is_enabled,
        "all_exports": item.all_exports,
        "exports": list(item.exports),
        "networks": list(item.networks),
        "created": to_second(item.created_at),
        "tokens": [token_object(token, now) for token in tokens if token.consumer == item.name],
    }


def token_object(token: "Token", now: Instant) -> dict[str, Any]:
    """Return what is known of a token."""
    return {
        "begins": token.begin,
        "created": to_second(token.created_at),
        "expires": None if token.expires_at is None else to_second(token.expires_at),
        "ended": token.expires_at is not None and token.expires_at <= now,
        "last_used": None if token.used_at is None else to_second(token.used_at),
    }


def lag_object(lag: "Lag") -> dict[str, Any]:
    """Return how a consumer stands to an export."""
    return {
        "consumer": lag.consumer,
        "export": lag.export,
        "current": lag.current,
        "version": lag.version,
        "since": None if lag.since is None else to_second(lag.since),
        "last_asked": None if lag.last_at is None else to_second(lag.last_at),
        "state": lag_state(lag),
    }


def lag_state(lag: "Lag") -> str:
    """Return in words how a consumer stands to an export."""
    if lag.last_at is None:
        return "never asked"
    if lag.has_stopped:
        return "stopped asking"
    return "current" if lag.is_current else "behind"

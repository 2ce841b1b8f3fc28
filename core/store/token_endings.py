"""Which tokens of consumers end so that somebody would miss them: one rule for the notices and for the figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from core.schemas.instant import DAY, Instant
from core.store.schema import consumer, consumer_token

IN_USE: Instant = 7 * DAY
"""A token that was used within this long is taken to be in some device still."""


@dataclass(frozen=True, slots=True)
class EndingToken:
    """A token that ends.

    Attributes:
        consumer: Whose it is.
        begin: How it begins.
        used_at: When it last let somebody in; ``None``: never, as far as is known.
        refused_at: When somebody was last turned away with it, since it ended; ``None``: nobody.
    """

    consumer: str
    begin: str
    created_at: Instant
    expires_at: Instant
    used_at: Instant | None
    refused_at: Instant | None


def ending_tokens(connection: Connection, now: Instant) -> list[EndingToken]:
    """Return the tokens that somebody would miss, of consumers that are switched on, by consumer and end.

    Such is one that a device uses, though there may be another that lasts longer: nobody has put that into the device
    yet.  And such is the one that lasts longest, used or not, unless one never ends.
    """
    columns = (consumer_token.c[name] for name in ("begin", "created_at", "expires_at", "used_at", "refused_at"))
    rows = connection.execute(
        select(consumer.c.name, *columns)
        .join(consumer, consumer.c.id == consumer_token.c.consumer_id)
        .where(consumer.c.is_enabled)
        .order_by(consumer.c.name, consumer_token.c.expires_at.nulls_last(), consumer_token.c.id)
    )
    by_consumer: dict[str, list[Row[Any]]] = {}
    for row in rows:
        by_consumer.setdefault(row.name, []).append(row)
    return [
        EndingToken(row.name, row.begin, row.created_at, row.expires_at, row.used_at, row.refused_at)
        for tokens in by_consumer.values()
        for row in tokens
        if row.expires_at is not None and (row is tokens[-1] or _is_used(row, tokens, now))
    ]


def _is_used(item: Row[Any], tokens: Sequence[Row[Any]], now: Instant) -> bool:
    """Say whether some device has it, or had it when it ended and has not been seen with another since."""
    if now < item.expires_at:
        return item.used_at is not None and item.used_at > now - IN_USE
    if item.refused_at is not None:
        return bool(item.refused_at > now - IN_USE)
    if item.used_at is None or item.used_at <= item.expires_at - IN_USE:
        return False
    return not any(other.used_at is not None and other.used_at > item.used_at for other in tokens)

"""What the store knows of exports, consumers, keys and tokens that may be worth telling; nothing is judged here."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from core.schemas.instant import Instant
from core.store.export_facts import ExportFacts, read_exports
from core.store.schema import api_key, export, user
from core.store.standings import Standing, standings
from core.store.token_endings import ending_tokens


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """The key of a user, or a token of a consumer that somebody would miss; only those that end."""

    is_key: bool
    owner: str
    name: str
    created_at: Instant
    expires_at: Instant


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it, of one state of the store; ``all_exports`` are the names also of those that are switched off."""

    exports: tuple[ExportFacts, ...]
    standings: tuple[Standing, ...]
    tokens: tuple[TokenFacts, ...]
    all_exports: frozenset[str]


def read(connection: Connection, now: Instant, known: Collection[tuple[str, str]] = ()) -> Facts:
    """Return what there is to know.

    Args:
        connection: In a transaction, which sees one state.
        now: The present instant.
        known: Kinds and subjects of what is known to be wrong: the start of the others has to be looked for.
    """
    return Facts(
        tuple(read_exports(connection, frozenset(known))),
        tuple(standings(connection)),
        (*_keys(connection), *_consumer_tokens(connection, now)),
        frozenset(connection.scalars(select(export.c.name))),
    )


def _keys(connection: Connection) -> list[TokenFacts]:
    rows = connection.execute(
        select(user.c.name.label("owner"), api_key.c.name, api_key.c.created_at, api_key.c.expires_at)
        .join(user, user.c.id == api_key.c.user_id)
        .where(user.c.is_enabled, api_key.c.is_enabled, api_key.c.expires_at.is_not(None))
        .order_by(user.c.name, api_key.c.name)
    )
    return [TokenFacts(True, row.owner, row.name, row.created_at, row.expires_at) for row in rows]


def _consumer_tokens(connection: Connection, now: Instant) -> list[TokenFacts]:
    return [
        TokenFacts(False, item.consumer, item.begin, item.created_at, item.expires_at)
        for item in ending_tokens(connection, now)
    ]

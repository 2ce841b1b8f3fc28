"""What the store knows of exports, consumers, keys and tokens that may be worth telling; nothing is judged here."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, or_, select, true

from core.schemas.instant import Instant
from core.store.export_facts import ExportFacts, read_exports
from core.store.schema import api_key, consumer, consumer_export, consumer_token, export, fetch, user


@dataclass(frozen=True, slots=True)
class FetchFacts:
    """What a consumer that may still fetch an export did: from when to when it asked, how often, what it has."""

    consumer: str
    export: str
    first_at: Instant
    last_at: Instant
    asked: int
    version: int
    current: int | None


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """The key of a user, or the token of a consumer that lasts longest; only those that end."""

    is_key: bool
    owner: str
    name: str
    created_at: Instant
    expires_at: Instant


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it, of one state of the store; ``all_exports`` are the names also of those that are switched off."""

    exports: tuple[ExportFacts, ...]
    fetches: tuple[FetchFacts, ...]
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
        tuple(_fetches(connection)),
        (*_keys(connection), *_consumer_tokens(connection)),
        frozenset(connection.scalars(select(export.c.name))),
    )


def _fetches(connection: Connection) -> list[FetchFacts]:
    of_both = (fetch.c.consumer_id, fetch.c.export_id)
    total = (
        select(
            *of_both,
            func.min(fetch.c.first_at).label("first_at"),
            func.max(fetch.c.last_at).label("last_at"),
            func.sum(fetch.c.full + fetch.c.unchanged).label("asked"),
        )
        .group_by(*of_both)
        .subquery()
    )
    query = (
        select(
            consumer.c.name.label("consumer"),
            export.c.name.label("export"),
            total.c.first_at,
            total.c.last_at,
            total.c.asked,
            func.max(fetch.c.version).label("version"),
            export.c.current_version,
        )
        .select_from(total)
        .join(consumer, consumer.c.id == total.c.consumer_id)
        .join(export, export.c.id == total.c.export_id)
        .join(
            fetch,
            and_(
                fetch.c.consumer_id == total.c.consumer_id,
                fetch.c.export_id == total.c.export_id,
                fetch.c.last_at == total.c.last_at,
            ),
        )
        .join(
            consumer_export,
            and_(consumer_export.c.consumer_id == consumer.c.id, consumer_export.c.export_id == export.c.id),
            isouter=True,
        )
        .where(
            consumer.c.is_enabled,
            export.c.enabled,
            or_(consumer.c.all_exports == true(), consumer_export.c.export_id.is_not(None)),
        )
        .group_by(
            consumer.c.name,
            export.c.name,
            total.c.first_at,
            total.c.last_at,
            total.c.asked,
            export.c.current_version,
        )
        .order_by(consumer.c.name, export.c.name)
    )
    return [
        FetchFacts(
            row.consumer,
            row.export,
            row.first_at,
            row.last_at,
            int(row.asked),
            row.version,
            row.current_version,
        )
        for row in connection.execute(query)
    ]


def _keys(connection: Connection) -> list[TokenFacts]:
    rows = connection.execute(
        select(user.c.name.label("owner"), api_key.c.name, api_key.c.created_at, api_key.c.expires_at)
        .join(user, user.c.id == api_key.c.user_id)
        .where(user.c.is_enabled, api_key.c.is_enabled, api_key.c.expires_at.is_not(None))
        .order_by(user.c.name, api_key.c.name)
    )
    return [TokenFacts(True, row.owner, row.name, row.created_at, row.expires_at) for row in rows]


def _consumer_tokens(connection: Connection) -> list[TokenFacts]:
    """Return of each consumer the token that lasts longest, unless one never ends: the others were replaced by it."""
    rows = connection.execute(
        select(consumer.c.name, consumer_token.c.begin, consumer_token.c.created_at, consumer_token.c.expires_at)
        .join(consumer, consumer.c.id == consumer_token.c.consumer_id)
        .where(consumer.c.is_enabled)
        .order_by(consumer.c.name, consumer_token.c.id)
    ).all()
    lasting: dict[str, TokenFacts] = {}
    for row in rows:
        if row.expires_at is not None and (
            row.name not in lasting or lasting[row.name].expires_at < row.expires_at
        ):
            lasting[row.name] = TokenFacts(False, row.name, row.begin, row.created_at, row.expires_at)
    for_ever = {row.name for row in rows if row.expires_at is None}
    return [item for name, item in lasting.items() if name not in for_ever]

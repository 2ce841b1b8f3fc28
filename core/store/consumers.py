"""Consumers: machines that fetch what is published, what each may fetch, and its tokens, as rows.

What a name, a network or a token has to be is `core.accounts.consumers`.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, insert, select, update

from core.errors import AlreadyExists, NotFound
from core.schemas.instant import Instant
from core.store.audit import note
from core.store.definitions import export_id
from core.store.schema import consumer, consumer_export, consumer_token, export, fetch
from core.store.store import Store

MOST_TOKENS = 2
"""Of one consumer at a time: the one that is in use, and the one that takes its place."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """One consumer.

    Attributes:
        networks: Where it may ask from, in canonical form; empty is anywhere.
        all_exports: It may fetch every export, those to come too.
        exports: Names of those that it may fetch.
    """

    id: int
    name: str
    description: str
    networks: tuple[str, ...]
    all_exports: bool
    exports: tuple[str, ...]
    is_enabled: bool
    created_at: Instant


@dataclass(frozen=True, slots=True)
class Token:
    """One token, as far as it is kept.

    Attributes:
        begin: How it begins.
        expires_at: ``None`` is never.
        used_at: When it last let somebody in, to some seconds; ``None``: never.
    """

    id: int
    consumer: str
    begin: str
    created_at: Instant
    expires_at: Instant | None
    used_at: Instant | None = None


def add_consumer(
    store: Store,
    name: str,
    *,
    description: str,
    networks: Sequence[str],
    all_exports: bool,
    exports: Iterable[str],
    by: str,
    now: Instant,
) -> Consumer:
    """Add a consumer.

    Raises:
        AlreadyExists: There is one of that name, whatever its case.
        NotFound: There is no such export.
    """
    with store.writing() as connection:
        if connection.scalar(select(consumer.c.id).where(func.lower(consumer.c.name) == name.lower())) is not None:
            raise AlreadyExists(f"there is a consumer {name!r} already")
        connection.execute(
            insert(consumer).values(
                name=name,
                description=description,
                networks=json.dumps(list(networks)),
                all_exports=all_exports,
                is_enabled=True,
                created_at=now,
            )
        )
        made = _consumer(connection, name)
        _grant(connection, made.id, exports)
        made = _consumer(connection, name)
        note(connection, "consumer added", name, _granted(made), by=by, now=now)
        return made


def change_consumer(
    store: Store,
    name: str,
    *,
    exports: Iterable[str] | None = None,
    networks: Sequence[str] | None = None,
    by: str,
    now: Instant,
    **changes: Any,
) -> Consumer:
    """Change what of a consumer is given: ``description``, ``all_exports`` or ``is_enabled``, too.

    Raises:
        NotFound: There is no such consumer, or no such export.
    """
    with store.writing() as connection:
        found = _consumer(connection, name)
        values = changes | ({} if networks is None else {"networks": json.dumps(list(networks))})
        if values:
            connection.execute(update(consumer).where(consumer.c.id == found.id).values(**values))
        if exports is not None:
            connection.execute(delete(consumer_export).where(consumer_export.c.consumer_id == found.id))
            _grant(connection, found.id, exports)
        return _noted(connection, name, by, now)


def grant(store: Store, name: str, export_name: str, *, by: str, now: Instant) -> Consumer:
    """Let a consumer fetch one more export; nothing happens if it may already.

    Raises:
        NotFound: There is no such consumer, or no such export.
    """
    with store.writing() as connection:
        found = _consumer(connection, name)
        if export_name in found.exports:
            return found
        _grant(connection, found.id, [export_name])
        return _noted(connection, found.name, by, now)


def revoke(store: Store, name: str, export_name: str, *, by: str, now: Instant) -> Consumer:
    """Take an export from those that a consumer may fetch; nothing happens if it is none of them.

    Raises:
        NotFound: There is no such consumer, or no such export.
    """
    with store.writing() as connection:
        found, key = _consumer(connection, name), export_id(connection, export_name)
        mine = and_(consumer_export.c.consumer_id == found.id, consumer_export.c.export_id == key)
        if not connection.execute(delete(consumer_export).where(mine)).rowcount:
            return found
        return _noted(connection, found.name, by, now)


def remove_consumer(store: Store, name: str, *, by: str, now: Instant) -> None:
    """Remove a consumer with its tokens, and what it fetched.

    Raises:
        NotFound: There is no such consumer.
    """
    with store.writing() as connection:
        found = _consumer(connection, name)
        connection.execute(delete(fetch).where(fetch.c.consumer_id == found.id))
        connection.execute(delete(consumer).where(consumer.c.id == found.id))
        note(connection, "consumer removed", found.name, by=by, now=now)


def get_consumer(store: Store, name: str) -> Consumer:
    """Return the consumer of that name.

    Raises:
        NotFound: There is none.
    """
    with store.reading() as connection:
        return _consumer(connection, name)


def consumers(store: Store) -> list[Consumer]:
    """Return all consumers, by name."""
    with store.reading() as connection:
        return _consumers(connection)


def add_token(
    store: Store, name: str, *, begin: str, sha256: str, expires_at: Instant | None, by: str, now: Instant
) -> Token:
    """Keep a token of a consumer; those that have expired make room.

    Raises:
        NotFound: There is no such consumer.
        AlreadyExists: It has two already.
    """
    with store.writing() as connection:
        found = _consumer(connection, name)
        own = consumer_token.c.consumer_id == found.id
        connection.execute(delete(consumer_token).where(own, consumer_token.c.expires_at <= now))
        there = _tokens(connection, own)
        if len(there) >= MOST_TOKENS:
            raise AlreadyExists(
                f"{found.name} has two tokens already, which begin {there[0].begin} and {there[1].begin}; "
                f"revoke the one that is no longer used: yetictl consumer revoke {found.name} {there[0].begin}"
            )
        connection.execute(
            insert(consumer_token).values(
                consumer_id=found.id, begin=begin, sha256=sha256, created_at=now, expires_at=expires_at
            )
        )
        note(connection, "consumer token added", found.name, {"begin": begin}, by=by, now=now)
        return _tokens(connection, consumer_token.c.sha256 == sha256)[0]


def remove_token(store: Store, name: str, begin: str, *, by: str, now: Instant) -> None:
    """Revoke a token by how it begins: whoever uses it is turned away from here on.

    Raises:
        NotFound: There is no such consumer, or no such token.
    """
    with store.writing() as connection:
        found = _consumer(connection, name)
        gone = connection.execute(
            delete(consumer_token).where(consumer_token.c.consumer_id == found.id, consumer_token.c.begin == begin)
        )
        if not gone.rowcount:
            raise NotFound(f"{found.name} has no token that begins {begin!r}; yetictl consumer show lists them")
        note(connection, "consumer token revoked", found.name, {"begin": begin}, by=by, now=now)


def tokens(store: Store, name: str | None = None) -> list[Token]:
    """Return the tokens of a consumer, or of all, by consumer, oldest first.

    Raises:
        NotFound: There is no such consumer.
    """
    with store.reading() as connection:
        if name is None:
            return _tokens(connection)
        return _tokens(connection, consumer_token.c.consumer_id == _consumer(connection, name).id)


def _grant(connection: Connection, key: int, exports: Iterable[str]) -> None:
    rows = [{"consumer_id": key, "export_id": export_id(connection, name)} for name in dict.fromkeys(exports)]
    if rows:
        connection.execute(insert(consumer_export), rows)


def _noted(connection: Connection, name: str, by: str, now: Instant) -> Consumer:
    """Put down that a consumer changed, and return it as it is."""
    made = _consumer(connection, name)
    note(connection, "consumer changed", made.name, {**_granted(made), "enabled": made.is_enabled}, by=by, now=now)
    return made


def _granted(item: Consumer) -> dict[str, Any]:
    may = ["all"] if item.all_exports else list(item.exports)
    return {"exports": may, "networks": list(item.networks)}


def _consumer(connection: Connection, name: str) -> Consumer:
    found = _consumers(connection, func.lower(consumer.c.name) == name.lower())
    if not found:
        raise NotFound(f"there is no consumer {name!r}; yetictl consumer list shows them")
    return found[0]


def _consumers(connection: Connection, *conditions: Any) -> list[Consumer]:
    rows = connection.execute(select(consumer).where(*conditions).order_by(consumer.c.name)).all()
    query = (
        select(consumer_export.c.consumer_id, export.c.name)
        .join(export, export.c.id == consumer_export.c.export_id)
        .where(consumer_export.c.consumer_id.in_([row.id for row in rows]))
        .order_by(export.c.name)
    )
    names: dict[int, list[str]] = {row.id: [] for row in rows}
    for key, name in connection.execute(query):
        names[key].append(name)
    return [_consumer_of(row, names[row.id]) for row in rows]


def _consumer_of(row: Row[Any], exports: Sequence[str]) -> Consumer:
    return Consumer(
        row.id,
        row.name,
        row.description,
        tuple(json.loads(row.networks)),
        bool(row.all_exports),
        tuple(exports),
        bool(row.is_enabled),
        row.created_at,
    )


def _tokens(connection: Connection, *conditions: Any) -> list[Token]:
    query = select(consumer_token, consumer.c.name).join(consumer, consumer.c.id == consumer_token.c.consumer_id)
    rows = connection.execute(query.where(*conditions).order_by(consumer.c.name, consumer_token.c.id))
    return [Token(row.id, row.name, row.begin, row.created_at, row.expires_at, row.used_at) for row in rows]

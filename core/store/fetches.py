"""Who fetched which version of which export: a row for each consumer, export and version, not for each request."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, and_, case, delete, func, insert, or_, select, tuple_, update

from core.schemas.instant import SECOND, Instant
from core.store.databases.interface import Lock
from core.store.schema import consumer, consumer_token, export, fetch
from core.store.standings import NO_VERSION, STALE_AFTER, is_stale, standings
from core.store.store import Store

NOBODY = 0
"""In the place of a consumer: whoever fetched an open list without a token."""


ONE_TIME: Instant = 30 * SECOND
"""Requests of a consumer for an export that follow one another within this are one time of asking: pages, parts of a
file, or a look whether it is there and then the file."""

LONGEST_TIME: Instant = 1_800 * SECOND
"""Then it is another one, though no silence was between: some ask every few seconds, and never stop."""


class FetchKey(NamedTuple):
    """Of one row: row ids of consumer and export, and the number of the version, or `NO_VERSION`."""

    consumer: int
    export: int
    version: int


@dataclass(slots=True)
class Fetched:
    """What happened since a row was last written.

    Attributes:
        full: How often the file was sent, or a part of it up to the end.
        unchanged: How often it was said that nothing changed; of `NO_VERSION`, how often it was asked.
        size_bytes: Sent.
        asked: How often the consumer began to ask, see `ONE_TIME`.
        is_after_silence: Its first request was such a beginning, as far as is known to whoever counted.
    """

    first_at: Instant
    last_at: Instant
    full: int = 0
    unchanged: int = 0
    size_bytes: int = 0
    address: str = ""
    agent: str = ""
    asked: int = 0
    is_after_silence: bool = False


@dataclass(slots=True)
class TokenUse:
    """When a token last let somebody in, and when somebody was last turned away with it since it ended."""

    used_at: Instant | None = None
    refused_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Fetch:
    """One row."""

    consumer: str | None
    export: str
    version: int
    first_at: Instant
    last_at: Instant
    full: int
    unchanged: int
    size_bytes: int
    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class Lag:
    """How a consumer stands to an export.

    Attributes:
        consumer, export: Their names.
        current: The current version of the export.
        version: The one that it has; ``None`` if it never fetched one.
        since: When it first got that.
        last_at: When it last asked; ``None``: never.
        has_stopped: It was to ask again long ago; not of an export that is switched off.
    """

    consumer: str
    export: str
    current: int
    version: int | None
    since: Instant | None
    last_at: Instant | None
    has_stopped: bool

    @property
    def is_current(self) -> bool:
        """Whether it has the current version."""
        return self.version == self.current


def record(
    store: Store, found: Iterable[tuple[FetchKey, Fetched]], uses: Mapping[int, TokenUse] | None = None
) -> list[tuple[FetchKey, Fetched]]:
    """Add what was fetched to the rows there are; of exports and consumers that are gone nothing is kept.

    Args:
        store: Where.
        found: What was fetched.
        uses: What happened to tokens, by row id.

    Returns:
        What is to be recorded another time, since somebody removes that export just now, and may not succeed: to wait
        for that would hold up the bookkeeping of everybody.
    """
    rows = list(found)
    wanted = select(export.c.id).where(export.c.id.in_({key.export for key, _ in rows}))
    with store.writing(Lock.BOOKKEEPING) as connection:
        # Whoever removes one of these waits.
        free = set(connection.scalars(wanted.with_for_update(read=True, key_share=True, skip_locked=True)))
        there = set(connection.scalars(wanted))
        consumers = {NOBODY, *connection.scalars(select(consumer.c.id))}
        kept = [(key, item) for key, item in rows if key.export in free and key.consumer in consumers]
        continued = _continued(connection, kept)
        for key, item in kept:
            _add(connection, key, item, item.asked - (key in continued))
        # After the rows of fetches, as whoever removes a consumer does it: none waits for the other in a circle.
        for token, use in sorted((uses or {}).items()):
            _put_down(connection, token, use)
    return [(key, item) for key, item in rows if key.export in there - free]


def fetches(store: Store, name: str | None = None) -> list[Fetch]:
    """Return the rows of an export, or of all, by export and consumer, the latest version first."""
    query = (
        select(fetch, export.c.name.label("export"), consumer.c.name.label("consumer"))
        .join(export, export.c.id == fetch.c.export_id)
        .join(consumer, consumer.c.id == fetch.c.consumer_id, isouter=True)
        .order_by(export.c.name, consumer.c.name.nulls_first(), fetch.c.version.desc())
    )
    if name is not None:
        query = query.where(export.c.name == name)
    with store.reading() as connection:
        return [
            Fetch(
                row.consumer,
                row.export,
                row.version,
                row.first_at,
                row.last_at,
                row.full,
                row.unchanged,
                row.size_bytes,
                row.last_address,
                row.last_agent,
            )
            for row in connection.execute(query)
        ]


def lags(store: Store, now: Instant, stale_after: Instant = STALE_AFTER) -> list[Lag]:
    """Return how every consumer that is switched on stands to what is published, by consumer and export.

    Of a consumer that may fetch every export, those count that it has ever fetched; who stopped asking is judged by
    `core.store.standings.is_stale`.
    """
    with store.reading() as connection:
        found = standings(connection)
    return [
        Lag(
            item.consumer,
            item.export,
            item.current,
            item.version,
            item.since,
            item.last_at,
            is_stale(item, now, stale_after),
        )
        for item in found
        if item.current is not None
    ]


def forget(store: Store, before: Instant, most: int) -> int:
    """Delete up to *most* rows of before an instant, but for the latest of each consumer and export; return how many.

    The latest version that a consumer got stays even if it asked later and got none.
    """
    newer = fetch.alias()
    later = select(newer.c.version).where(
        newer.c.consumer_id == fetch.c.consumer_id,
        newer.c.export_id == fetch.c.export_id,
        newer.c.last_at > fetch.c.last_at,
        or_(newer.c.version != NO_VERSION, fetch.c.version == NO_VERSION),
    )
    key = (fetch.c.consumer_id, fetch.c.export_id, fetch.c.version)
    old = select(*key).where(fetch.c.last_at < before, later.exists()).limit(most)
    with store.writing(Lock.BOOKKEEPING) as connection:
        return connection.execute(delete(fetch).where(tuple_(*key).in_(old))).rowcount


def _continued(connection: Connection, rows: Sequence[tuple[FetchKey, Fetched]]) -> set[FetchKey]:
    """Return those that seem to begin after a silence, and go on with what another process wrote down before."""
    first: dict[tuple[int, int], tuple[FetchKey, Fetched]] = {}
    for key, item in rows:
        pair = (key.consumer, key.export)
        if pair not in first or item.first_at < first[pair][1].first_at:
            first[pair] = key, item
    first = {pair: found for pair, found in first.items() if found[1].is_after_silence}
    if not first:
        return set()
    pairs = tuple_(fetch.c.consumer_id, fetch.c.export_id)
    earliest = min(item.first_at for _, item in first.values())
    lately = connection.execute(
        select(fetch.c.consumer_id, fetch.c.export_id, func.max(fetch.c.last_at))
        .where(pairs.in_(list(first)), fetch.c.last_at >= earliest - ONE_TIME)
        .group_by(fetch.c.consumer_id, fetch.c.export_id)
    )
    last = {(row[0], row[1]): row[2] for row in lately}
    return {key for pair, (key, item) in first.items() if pair in last and item.first_at - last[pair] <= ONE_TIME}


def _put_down(connection: Connection, token: int, use: TokenUse) -> None:
    """Move what is known of a token forward; another process may have written down more."""
    values = {
        column: case((column > at, column), else_=at)
        for column, at in (
            (consumer_token.c.used_at, use.used_at),
            (consumer_token.c.refused_at, use.refused_at),
        )
        if at is not None
    }
    if values:
        connection.execute(update(consumer_token).where(consumer_token.c.id == token).values(values))


def _add(connection: Connection, key: FetchKey, item: Fetched, asked: int) -> None:
    values = {"last_at": item.last_at, "last_address": item.address, "last_agent": item.agent}
    known = and_(
        fetch.c.consumer_id == key.consumer, fetch.c.export_id == key.export, fetch.c.version == key.version
    )
    counts = {
        "full": fetch.c.full + item.full,
        "unchanged": fetch.c.unchanged + item.unchanged,
        "size_bytes": fetch.c.size_bytes + item.size_bytes,
        "asked": fetch.c.asked + asked,
    }
    if connection.execute(update(fetch).where(known).values(**values, **counts)).rowcount:
        return
    connection.execute(
        insert(fetch).values(
            consumer_id=key.consumer,
            export_id=key.export,
            version=key.version,
            first_at=item.first_at,
            full=item.full,
            unchanged=item.unchanged,
            size_bytes=item.size_bytes,
            asked=asked,
            **values,
        )
    )

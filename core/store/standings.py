"""How consumers stand to the exports that they may fetch, and which of them stopped asking: one rule for everybody."""

from dataclasses import dataclass

from sqlalchemy import Connection, Select, and_, case, func, or_, select, true

from core.schemas.instant import DAY, SECOND, Instant
from core.store.schema import consumer, consumer_export, export, fetch

STALE_AFTER: Instant = 3_600 * SECOND
"""So long a consumer may be silent at least, where the settings say nothing else."""

NO_VERSION = 0
"""In the place of a version: of what was asked for, but not got to its end."""

PATIENCE = 4
"""How many times as long as between two requests of before may pass before a consumer has stopped asking."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a consumer that is switched on stands to an export that it may fetch.

    Attributes:
        consumer, export: Their names.
        export_id: Row id of the export.
        is_enabled: Whether the export is switched on.
        current: Its current version; ``None`` before the first.
        version: The one that the consumer got last; ``None`` if it never got one.
        since: When it first got that.
        first_at, last_at: When it first and last asked for any.
        asked: How often it did; requests shortly after another are one time.
    """

    consumer: str
    export: str
    export_id: int
    is_enabled: bool
    current: int | None
    version: int | None = None
    since: Instant | None = None
    first_at: Instant | None = None
    last_at: Instant | None = None
    asked: int = 0


def is_stale(item: Standing, now: Instant, stale_after: Instant = STALE_AFTER) -> bool:
    """Say whether a consumer stopped asking for an export that is switched on.

    Who never asked has not stopped.  Who asked once may be silent for a day; who asked more often, for four times as
    long as between its requests; nobody is stale before *stale_after*.

    Args:
        item: How it stands.
        now: The present instant.
        stale_after: So long everybody may be silent, in microseconds.
    """
    if item.first_at is None or item.last_at is None or not item.is_enabled:
        return False
    usual = DAY if item.asked < 2 else PATIENCE * (item.last_at - item.first_at) // (item.asked - 1)
    return now - item.last_at > max(stale_after, usual)


def standings(connection: Connection) -> list[Standing]:
    """Return how every consumer that is switched on stands to what it may fetch, by consumer and export.

    Of a consumer that may fetch every export, those count that it has ever fetched.
    """
    found: dict[tuple[str, str], Standing] = {}
    for row in connection.execute(_query()):  # of two versions that were asked for at once the newer counts
        found[row.consumer, row.export] = Standing(
            row.consumer,
            row.export,
            row.export_id,
            row.enabled,
            row.current_version,
            row.version,
            row.since,
            row.first_at,
            row.last_at,
            int(row.asked or 0),
        )
    return list(found.values())


def _query() -> Select[tuple[object, ...]]:
    total = (
        select(
            fetch.c.consumer_id,
            fetch.c.export_id,
            func.min(fetch.c.first_at).label("first_at"),
            func.max(fetch.c.last_at).label("last_at"),
            func.sum(fetch.c.asked).label("asked"),
            func.max(case((fetch.c.version != NO_VERSION, fetch.c.last_at))).label("got_at"),
        )
        .group_by(fetch.c.consumer_id, fetch.c.export_id)
        .subquery()
    )
    of_both = and_(total.c.consumer_id == consumer.c.id, total.c.export_id == export.c.id)
    granted = and_(consumer_export.c.consumer_id == consumer.c.id, consumer_export.c.export_id == export.c.id)
    latest = and_(
        fetch.c.consumer_id == total.c.consumer_id,
        fetch.c.export_id == total.c.export_id,
        fetch.c.version != NO_VERSION,
        fetch.c.last_at == total.c.got_at,
    )
    query: Select[tuple[object, ...]] = (
        select(
            consumer.c.name.label("consumer"),
            export.c.name.label("export"),
            export.c.id.label("export_id"),
            export.c.enabled,
            export.c.current_version,
            fetch.c.version,
            fetch.c.first_at.label("since"),
            total.c.first_at,
            total.c.last_at,
            total.c.asked,
        )
        .select_from(consumer)
        .join(export, true())
        .join(consumer_export, granted, isouter=True)
        .join(total, of_both, isouter=True)
        .join(fetch, latest, isouter=True)
        .where(
            consumer.c.is_enabled,
            or_(
                consumer_export.c.export_id.is_not(None),
                and_(consumer.c.all_exports, total.c.last_at.is_not(None)),
            ),
        )
    )
    return query.order_by(consumer.c.name, export.c.name, fetch.c.version)

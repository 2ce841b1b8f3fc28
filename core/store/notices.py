"""What is known to be wrong, what was told of it, and what is still to be told.

A delivery is claimed before it is sent, by moving the time when it is due: if whoever sends it dies, it is due again.
So a notice is told once, and once more after a crash at the wrong moment.  Each channel gets them in order: the oldest
one has to be told, or refused by a channel that works, before the next one is tried.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, insert, select, update

from core.schemas.instant import SECOND, Instant
from core.schemas.notice import Condition, Notice
from core.store.databases.interface import Lock
from core.store.old_rows import forget_before
from core.store.schema import condition, notice, notice_delivery
from core.store.store import Store

CLAIM_S = 300
"""So long whoever sends a notice has it to itself; longer than any channel needs."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice to one channel; ``attempt`` counts this one."""

    notice_id: int
    channel: str
    attempt: int
    notice: Notice


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """How far a delivery has come: told if it is done and there is no message, given up if there is one."""

    channel: str
    attempt: int
    due_at: Instant
    done_at: Instant | None
    message: str


def conditions(connection: Connection) -> dict[tuple[str, str], Condition]:
    """Return what is known to be wrong, by kind and subject."""
    rows = connection.execute(select(condition).order_by(condition.c.kind, condition.c.subject))
    found = (
        Condition(row.kind, row.subject, row.state, row.since, json.loads(row.detail), row.told_by) for row in rows
    )
    return {item.key: item for item in found}


def put(connection: Connection, item: Condition) -> None:
    """Keep a condition instead of the one of its kind and subject."""
    drop(connection, item)
    connection.execute(
        insert(condition).values(
            kind=item.kind,
            subject=item.subject,
            state=item.state,
            since=item.since,
            detail=_json(dict(item.detail)),
            told_by=item.told_by,
        )
    )


def drop(connection: Connection, item: Condition) -> None:
    """Forget a condition, which is over."""
    connection.execute(delete(condition).where(condition.c.kind == item.kind, condition.c.subject == item.subject))


def add(connection: Connection, item: Notice, channels: Iterable[str]) -> None:
    """Keep a notice, to be told by *channels*, at once."""
    made = connection.execute(
        insert(notice).values(
            key=item.key,
            kind=item.kind,
            subject=item.subject,
            state=item.state,
            since=item.since,
            made_at=item.made_at,
            title=item.title,
            message=item.message,
            advice=_json(list(item.advice)),
            detail=_json(dict(item.detail)),
            follows=item.follows,
        )
    )
    key = made.inserted_primary_key
    rows = [
        {
            "notice_id": int(key[0]) if key else 0,
            "channel": channel,
            "attempt": 0,
            "due_at": item.made_at,
            "is_refused": False,
            "message": "",
        }
        for channel in channels
    ]
    if rows:
        connection.execute(insert(notice_delivery), rows)


def claim(store: Store, channel: str, now: Instant) -> Delivery | None:
    """Take what *channel* is to be told next, ``None`` if that is nothing yet."""
    with store.reading() as connection:
        if _next(connection, channel, now) is None:  # asked often, and mostly for nothing
            return None
    with store.writing(Lock.BOOKKEEPING) as connection:
        row = _next(connection, channel, now)
        if row is None:
            return None
        taken = connection.execute(
            update(notice_delivery)
            .where(
                notice_delivery.c.notice_id == row.notice_id,
                notice_delivery.c.channel == channel,
                notice_delivery.c.attempt == row.attempt,
                notice_delivery.c.done_at.is_(None),
            )
            .values(attempt=row.attempt + 1, due_at=now + CLAIM_S * SECOND)
        )
        if not taken.rowcount:
            return None
        found = connection.execute(select(notice).where(notice.c.id == row.notice_id)).one()
        return Delivery(row.notice_id, channel, row.attempt + 1, _notice(found))


def done(store: Store, item: Delivery, now: Instant, *, message: str = "") -> None:
    """Record that a delivery was told, or given up for what *message* says."""
    _change(store, item, done_at=now, message=message)


def put_back(store: Store, item: Delivery, due_at: Instant, *, message: str, is_refused: bool) -> None:
    """Let a delivery wait until *due_at*; those behind it wait, too, unless the channel refused this one alone."""
    _change(store, item, due_at=due_at, message=message, is_refused=is_refused)


def recent(store: Store, *, limit: int = 20) -> list[tuple[Notice, list[DeliveryState]]]:
    """Return the latest notices, newest first, and how far each has come."""
    with store.reading() as connection:
        rows = connection.execute(select(notice).order_by(notice.c.id.desc()).limit(limit)).all()
        states: dict[int, list[DeliveryState]] = {row.id: [] for row in rows}
        query = select(notice_delivery).where(notice_delivery.c.notice_id.in_(list(states)))
        for row in connection.execute(query.order_by(notice_delivery.c.channel)):
            states[row.notice_id].append(
                DeliveryState(row.channel, row.attempt, row.due_at, row.done_at, row.message)
            )
    return [(_notice(row), states[row.id]) for row in rows]


def forget(store: Store, before: Instant, most: int) -> int:
    """Delete up to *most* notices from before an instant, and return how many."""
    return forget_before(store, notice, notice.c.made_at, before, most)


def _next(connection: Connection, channel: str, now: Instant) -> Row[Any] | None:
    mine = and_(notice_delivery.c.channel == channel, notice_delivery.c.done_at.is_(None))
    query = select(notice_delivery).where(mine).order_by(notice_delivery.c.notice_id).limit(1)
    first = connection.execute(query.where(~notice_delivery.c.is_refused)).first()
    if first is not None and first.due_at <= now:
        return first
    return connection.execute(query.where(notice_delivery.c.is_refused, notice_delivery.c.due_at <= now)).first()


def _change(store: Store, item: Delivery, **values: Any) -> None:
    """Change a delivery unless it is another's by now."""
    with store.writing(Lock.BOOKKEEPING) as connection:
        connection.execute(
            update(notice_delivery)
            .where(
                notice_delivery.c.notice_id == item.notice_id,
                notice_delivery.c.channel == item.channel,
                notice_delivery.c.attempt == item.attempt,
                notice_delivery.c.done_at.is_(None),
            )
            .values(**values)
        )


def _notice(row: Row[Any]) -> Notice:
    return Notice(
        row.key,
        row.kind,
        row.subject,
        row.state,
        row.since,
        row.made_at,
        row.title,
        row.message,
        tuple(json.loads(row.advice)),
        json.loads(row.detail),
        row.follows,
    )


def _json(value: Sequence[str] | dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)

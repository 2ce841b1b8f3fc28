"""Who changed what: put down in the transaction of the change, so that there is neither one without the other.

Who acts `core.actor` says: whoever types a command, and whoever sends a request.  What services do by themselves, such
as runs by schedule, has a history of its own.  Decision 0097.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection, insert, select

from core.actor import actor as who_acts
from core.redaction import redact
from core.schemas.instant import Instant
from core.store.old_rows import forget_before
from core.store.schema import audit

if TYPE_CHECKING:
    from core.store.store import Store

MOST_CHARACTERS, MOST_ITEMS = 200, 20
"""Of a text and of a list in a detail; of what is longer the start is kept."""

_ADD = "INSERT INTO audit (at, actor, action, subject, detail) VALUES (?, ?, ?, ?, ?) RETURNING id"


class Driver(Protocol):
    """A connection of the driver itself, in a write transaction."""

    def execute(self, sql: str, parameters: Sequence[Any], /) -> Any:
        """Run a statement."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change: who, what, of what.  ``id`` rises."""

    id: int
    at: Instant
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]


def note(
    connection: Connection | Driver,
    action: str,
    subject: str,
    detail: Mapping[str, Any] | None = None,
    *,
    by: str | None = None,
    now: Instant | None = None,
) -> int:
    """Put down a change, in its write transaction, and return the id of the entry.

    Args:
        connection: In the transaction.
        action: What was done, in the past tense: ``export removed``.
        subject: Of what: a name or a value.
        detail: More of it, in JSON's terms, without secrets: passwords of URLs are masked, long texts cut.
        by: Who; otherwise who acts.
        now: When; otherwise the present.
    """
    row = (
        time.time_ns() // 1_000 if now is None else now,
        by or who_acts(),
        action,
        _bounded(subject),
        _text(detail or {}),
    )
    if isinstance(connection, Connection):
        values = dict(zip(("at", "actor", "action", "subject", "detail"), row, strict=True))
        key = connection.execute(insert(audit).values(values)).inserted_primary_key
        return int(key[0]) if key else 0
    return int(connection.execute(_ADD, row).fetchone()[0])


def amend(connection: Driver, entry_id: int, detail: Mapping[str, Any], action: str | None = None) -> None:
    """Replace the detail, and the action if one is given, of an entry whose change goes on, in a transaction of that."""
    connection.execute("UPDATE audit SET detail = ? WHERE id = ?", (_text(detail), entry_id))
    if action is not None:
        connection.execute("UPDATE audit SET action = ? WHERE id = ?", (action, entry_id))


def entries(
    store: "Store",
    *,
    actor: str | None = None,
    action: str | None = None,
    since: Instant | None = None,
    before_id: int | None = None,
    limit: int = 100,
) -> list[AuditEntry]:
    """Return changes, newest first.

    Args:
        store: Where.
        actor: By this one: a user, with all keys of that user, or a key (``user (key)``).
        action: Whose action begins with this, such as ``export``.
        since: From then on.
        before_id: Older than that entry, for the next page.
        limit: How many at most.
    """
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if actor is not None:
        query = query.where((audit.c.actor == actor) | audit.c.actor.startswith(f"{actor} (", autoescape=True))
    if action is not None:
        query = query.where(audit.c.action.startswith(action, autoescape=True))
    if since is not None:
        query = query.where(audit.c.at >= since)
    if before_id is not None:
        query = query.where(audit.c.id < before_id)
    with store.reading() as connection:
        return [
            AuditEntry(row.id, row.at, row.actor, row.action, row.subject, json.loads(row.detail))
            for row in connection.execute(query)
        ]


def forget(store: "Store", before: Instant, most: int) -> int:
    """Delete up to *most* entries from before an instant, and return how many."""
    return forget_before(store, audit, audit.c.at, before, most)


def _text(detail: Mapping[str, Any]) -> str:
    return json.dumps({key: _bounded(value) for key, value in detail.items()})


def _bounded(value: Any) -> Any:
    """Return *value* without what is secret in a URL, and no longer than people read."""
    match value:
        case str():
            # No database keeps NUL and lone surrogates.
            text = redact(value).replace("\0", "").encode("utf-8", "backslashreplace").decode()
            return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"
        case Mapping():
            return {str(key): _bounded(item) for key, item in value.items()}
        case list() | tuple():
            cut = [_bounded(item) for item in value[:MOST_ITEMS]]
            return cut if len(value) <= MOST_ITEMS else [*cut, f"… {len(value) - MOST_ITEMS} more"]
        case _:
            return value

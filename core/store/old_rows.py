"""Delete what is older than somebody wants to keep it."""

from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Table, delete, select

from core.schemas.instant import Instant
from core.store.databases.interface import Lock

if TYPE_CHECKING:
    from core.store.store import Store


def forget_before(
    store: "Store", table: Table, at: ColumnElement[Instant | None], before: Instant, most: int
) -> int:
    """Delete up to *most* rows of a table with row ids, the oldest first, and return how many.

    Args:
        store: Where.
        table: Of what is kept for a time.
        at: The column with the instant that counts; what has none stays.
        before: What is from before this is to go.
        most: So many at once, since everybody else who writes waits for it.
    """
    old = select(table.c.id).where(at < before).order_by(table.c.id).limit(most)
    with store.writing(Lock.BOOKKEEPING) as connection:
        return connection.execute(delete(table).where(table.c.id.in_(old))).rowcount

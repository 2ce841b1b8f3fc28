"""End what a source lists no longer."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import islice

from core.schemas.instant import LATEST, Instant
from core.store.changes import KEY
from core.store.databases.interface import Connection
from core.store.derive import derive, named_assertions
from core.store.merge import Held, end

BATCH = 20_000

Writing = Callable[[], AbstractContextManager[object]]


def end_unlisted(
    connection: Connection,
    writing: Writing,
    source: str,
    lifetime_s: int,
    *,
    received_before: Instant,
    ends_at: Instant,
) -> int:
    """End the assertions of *source* received before an instant, and return how many ended by that.

    In batches, each in a transaction made by *writing*, so that other writers get their turn.
    """
    listed_before = connection.execute(
        "SELECT a.observable_id FROM assertion a JOIN source s ON s.id = a.source_id"
        " WHERE s.name = ? AND a.received_at < ? AND a.withdrawn_at IS NULL"
        " AND COALESCE(a.valid_until, ?) > ? GROUP BY a.observable_id ORDER BY a.observable_id",
        (source, received_before, LATEST, ends_at),
    )
    # Read to its end first: a statement that is still open would keep the log from being folded in.
    rest = iter([key for (key,) in listed_before])
    ended = 0
    row = connection.execute("SELECT id FROM source WHERE name = ?", (source,)).fetchone()
    source_id = None if row is None else row[0]
    while batch := list(islice(rest, BATCH)):
        with writing():
            tags = dict(connection.execute("SELECT name, id FROM tag"))
            rows = [
                (min(ends_at, end(held, life)), key, source_id, tags[tag])
                for key, named in named_assertions(connection, batch, lifetime_s).items()
                for tag, by, life, held in named
                if by == source and is_open(held, received_before, ends_at)
            ]
            connection.change("assertion", ("valid_until",), KEY, rows)
            derive(connection, batch, received_before, lifetime_s, modified=True)
        ended += len(rows)
    return ended


def is_open(held: Held, received_before: Instant, ends_at: Instant) -> bool:
    """Say whether *held* was listed before, not since, and has no end before *ends_at*."""
    has_end = held.valid_until is not None and held.valid_until <= ends_at
    return held.received_at < received_before and held.withdrawn_at is None and not has_end

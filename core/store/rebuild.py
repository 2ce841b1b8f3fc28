"""Prove that what is derived is what the assertions say, and make it so."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any, Literal, NamedTuple

import msgspec

from core.schemas.instant import Instant
from core.store.clock import last_look, reckon_with, tick
from core.store.databases.interface import Connection
from core.store.derive import Named, derive, derived, named_assertions
from core.store.store import Store

BATCH = 5_000

_UNREADABLE = (LookupError, TypeError, ValueError, ArithmeticError)


What = Literal["summary", "sources", "context"]


class Fault(NamedTuple):
    """One observable that is not as it should be.

    Attributes:
        key: Its row id.
        type, value: The observable.
        what: ``summary``: its derived text is wrong, or its sure bound says too much; it can be made anew.
            ``sources``: what its sources said cannot be read.  ``context``: its context cannot be read.
    """

    key: int
    type: str
    value: str
    what: What


def verify(store: Store, on_rows: Callable[[int], None] = lambda _: None) -> list[Fault]:
    """Return the observables that are not as they should be.

    A sure bound is a promise for every instant from the last write on, with the default lifetime of then.

    Args:
        store: Where they are.
        on_rows: Called with the number of observables just looked at.

    Raises:
        StoreError: The database itself is damaged, or away.
    """
    faults: list[Fault] = []
    with closing(store.connect()) as connection, store.database.errors():
        connection.begin_reading()
        last_instant, reckoned_s = last_look(connection)
        lifetime_s = store.lifetime_s if reckoned_s is None else reckoned_s
        words = connection.words
        # As bytes, since text that was damaged may be none.
        query = (
            f"SELECT id, type, value, {words.as_bytes('assertions')}, sure_until, {words.as_bytes('context')}"  # noqa: S608
            " FROM observable WHERE id > ? ORDER BY id LIMIT ?"
        )
        last = 0
        while rows := connection.execute(query, (last, BATCH)).fetchall():
            held = _held(connection, [row[0] for row in rows], lifetime_s)
            for key, type_, value, text, sure, context in rows:
                what = _fault(held.get(key, []), last_instant, text, sure, context)
                if what is not None:
                    faults.append(Fault(key, type_, value, what))
            last = rows[-1][0]
            on_rows(len(rows))
    return faults


def rebuild(
    store: Store, ids: Sequence[int], now: Instant, on_rows: Callable[[int], None] = lambda _: None
) -> None:
    """Write anew what is derived of observables, in batches; they count as modified, so that lists tell of it.

    Args:
        store: Where they are.
        ids: Their row ids; what the sources said of each can be read.
        now: When they are modified.
        on_rows: Called with the number of observables just written.

    Raises:
        StoreError: The database is damaged, or away.
    """
    with closing(store.connect()) as connection:
        with store.database.writing(connection):
            instant = tick(connection, now, store.lifetime_s)
        for batch in _batches(ids):
            with store.database.writing(connection):
                reckon_with(connection, store.lifetime_s)
                derive(connection, batch, instant, store.lifetime_s, modified=True)
            on_rows(len(batch))


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def _held(connection: Connection, ids: Sequence[int], lifetime_s: int) -> dict[int, list[Named] | None]:
    """Return the assertions of observables, ``None`` for one of which they cannot be read."""
    try:
        return {**named_assertions(connection, ids, lifetime_s)}
    except _UNREADABLE:
        if len(ids) == 1:
            return {ids[0]: None}
    found: dict[int, list[Named] | None] = {}
    for key in ids:
        found.update(_held(connection, [key], lifetime_s))
    return found


def _fault(
    named: Sequence[Named] | None, instant: Instant, text: bytes, sure: Instant, context: bytes
) -> What | None:
    if named is None:
        return "sources"
    try:
        right, bound = derived(named, instant)
    except _UNREADABLE:
        return "sources"
    if text != right.encode() or sure > bound:
        return "summary"
    try:
        msgspec.json.decode(context, type=list[dict[str, Any]])
    except (msgspec.MsgspecError, ValueError):
        return "context"
    return None

"""Prove that what is derived is what the assertions say, and make it so."""

from collections.abc import Callable, Sequence

from sqlalchemy import select

from core.schemas.instant import Instant
from core.store.clock import last_look, reckon_with, tick
from core.store.derive import derive, derived, named_assertions
from core.store.schema import observable
from core.store.store import Store

BATCH = 5_000


def verify(store: Store, on_rows: Callable[[int], None] = lambda _: None) -> list[int]:
    """Return the ids of observables whose derived text is wrong, or whose sure bound says too much.

    A bound is a promise for every instant from the last write on, with the default lifetime of then.

    Args:
        store: Where they are.
        on_rows: Called with the number of observables just looked at.
    """
    connection = store.connect()
    wrong: list[int] = []
    try:
        with store.database.errors():
            connection.begin_reading()
            last_instant, reckoned_s = last_look(connection)
            lifetime_s = store.lifetime_s if reckoned_s is None else reckoned_s
            last = 0
            while rows := connection.execute(
                "SELECT id, assertions, sure_until FROM observable WHERE id > ? ORDER BY id LIMIT ?", (last, BATCH)
            ).fetchall():
                held = named_assertions(connection, [key for key, _, _ in rows], lifetime_s)
                for key, text, sure in rows:
                    right, bound = derived(held.get(key, []), last_instant)
                    if text != right or sure > bound:
                        wrong.append(key)
                last = rows[-1][0]
                on_rows(len(rows))
    finally:
        connection.close()
    return wrong


def values_of(store: Store, ids: Sequence[int]) -> list[str]:
    """Return the values of observables, in order."""
    with store.reading() as connection:
        query = select(observable.c.value).where(observable.c.id.in_(ids)).order_by(observable.c.value)
        return list(connection.scalars(query))


def rebuild(store: Store, now: Instant, on_rows: Callable[[int], None] = lambda _: None) -> None:
    """Write what is derived anew, in batches; *on_rows* is called with the number of observables of each."""
    connection = store.connect()
    try:
        with store.database.writing(connection):
            instant = tick(connection, now, store.lifetime_s)
        last = 0
        while ids := [
            key
            for (key,) in connection.execute(
                "SELECT id FROM observable WHERE id > ? ORDER BY id LIMIT ?", (last, BATCH)
            ).fetchall()
        ]:
            with store.database.writing(connection):
                reckon_with(connection, store.lifetime_s)
                derive(connection, ids, instant, store.lifetime_s, modified=False)
            last = ids[-1]
            on_rows(len(ids))
    finally:
        connection.close()

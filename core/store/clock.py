"""The store's own clock: instants that only rise, for everything that is written."""

import sqlite3

from core.schemas.instant import Instant


def tick(connection: sqlite3.Connection, now: Instant, lifetime_s: int) -> Instant:
    """Return *now*, or just after the last instant given if the clock went back; inside a write transaction.

    ``sure_until`` was reckoned with a default lifetime; if *lifetime_s* is another, it is forgotten here.
    """
    row = connection.execute("SELECT last_instant, lifetime_s FROM clock WHERE id = 1").fetchone()
    if row is None:
        connection.execute("INSERT INTO clock (id, last_instant, lifetime_s) VALUES (1, ?, ?)", (now, lifetime_s))
        return now
    last, known = int(row[0]), row[1]
    instant = max(now, last + 1)
    connection.execute("UPDATE clock SET last_instant = ?, lifetime_s = ? WHERE id = 1", (instant, lifetime_s))
    if known != lifetime_s:
        connection.execute("UPDATE observable SET sure_until = 0 WHERE sure_until > 0")
    return instant

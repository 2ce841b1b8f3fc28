"""The store's own clock: instants that only rise, for everything that is written."""

from core.schemas.instant import Instant
from core.store.databases.interface import Connection


def tick(connection: Connection, now: Instant, lifetime_s: int) -> Instant:
    """Return *now*, or just after the last instant given if the clock went back; inside a write transaction.

    From here on ``sure_until`` is reckoned with the default lifetime *lifetime_s*.
    """
    row = connection.execute("SELECT last_instant FROM clock WHERE id = 1").fetchone()
    if row is None:
        connection.execute("INSERT INTO clock (id, last_instant, lifetime_s) VALUES (1, ?, ?)", (now, lifetime_s))
        return now
    instant = max(now, int(row[0]) + 1)
    connection.execute("UPDATE clock SET last_instant = ? WHERE id = 1", (instant,))
    reckon_with(connection, lifetime_s)
    return instant


def reckon_with(connection: Connection, lifetime_s: int) -> None:
    """Let ``sure_until`` be reckoned with *lifetime_s* from here on; what another lifetime gave is forgotten.

    To be called in each transaction that writes bounds: a process with another setting may have come between.
    """
    if last_look(connection)[1] != lifetime_s:
        connection.execute("UPDATE clock SET lifetime_s = ? WHERE id = 1", (lifetime_s,))
        connection.execute("UPDATE observable SET sure_until = 0 WHERE sure_until > 0")


def last_look(connection: Connection) -> tuple[Instant, int | None]:
    """Return the last instant given, and the default lifetime that ``sure_until`` was reckoned with."""
    row = connection.execute("SELECT last_instant, lifetime_s FROM clock WHERE id = 1").fetchone()
    return (0, None) if row is None else (int(row[0]), row[1])

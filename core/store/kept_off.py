"""Observables that are selected and all the same kept off an export, each with its reason.

They hold for one snapshot: the set is a temporary table of its connection.  A reason is JSON text, an object whose
``reason`` is one word: ``allow-listed``, ``too-broad``, ``never``, ``cut`` or ``split``.
"""

from collections.abc import Iterable

from core.store.databases.interface import Connection, Words

REASONS = "temp.kept_off_reason"
"""Table (id, text)."""

KEPT_OFF = "temp.kept_off"
"""Table (id, reason): the row id of an observable and that of its reason."""


def not_kept_off(words: Words) -> str:
    """Return a condition: ``o`` is not among them."""
    return words.not_among("o.id", KEPT_OFF)


class KeptOff:
    """The set, which is empty at first.

    Attributes:
        number: How many are in it.  As long as it is empty no question has to ask for it, which costs each row a look.
    """

    def __init__(self, connection: Connection) -> None:
        """Make it on the connection of a snapshot."""
        self._connection = connection
        self._ids: dict[str, int] = {}
        self.number = 0
        connection.execute("CREATE TEMP TABLE kept_off_reason (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
        connection.execute("CREATE TEMP TABLE kept_off (id INTEGER PRIMARY KEY, reason INTEGER NOT NULL)")

    def add(self, rows: Iterable[tuple[int, str]]) -> None:
        """Keep observables off, each by its row id and a reason; the first reason of one stays."""
        pairs = ((key, self._reason(reason)) for key, reason in rows)
        self.number += self._connection.put(KEPT_OFF, ("id", "reason"), pairs, ignore=True)

    def add_found(self, query: str, reason: str) -> None:
        """Keep off the observables whose row ids a query gives, all for one reason."""
        into = f"INSERT INTO {KEPT_OFF} (id, reason)"
        found = f"SELECT found.id, {self._reason(reason):d} FROM ({query}) found WHERE TRUE"  # noqa: S608
        self.number += self._connection.execute(f"{into} {found} ON CONFLICT DO NOTHING").rowcount

    def _reason(self, text: str) -> int:
        if text not in self._ids:
            key = self._ids[text] = len(self._ids) + 1
            self._connection.execute(f"INSERT INTO {REASONS} (id, text) VALUES (?, ?)", (key, text))  # noqa: S608
        return self._ids[text]

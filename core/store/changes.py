"""Rows of observables and assertions to be written, and how."""

import sqlite3
from typing import Any

from core.schemas.instant import Instant
from core.store.merge import FIELDS, Held, Pair, differs

COLUMNS = ("observable_id", "source_id", "tag_id", *FIELDS)
ADD_OBSERVABLE = (
    "INSERT INTO observable (id, type, value, created_at, modified_at, sure_until, assertions, context)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
ADD_ASSERTION = f"INSERT INTO assertion ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
_PUT_ASSERTION = (
    f"UPDATE assertion SET {', '.join(f'{name} = ?' for name in FIELDS)}"  # noqa: S608
    " WHERE observable_id = ? AND source_id = ? AND tag_id = ?"
)
_RECEIVE = "UPDATE assertion SET received_at = ? WHERE observable_id = ? AND source_id = ? AND tag_id = ?"
_PUT_OBSERVABLE = "UPDATE observable SET modified_at = ?, sure_until = ?, assertions = ? WHERE id = ?"
_PUT_CONTEXT = "UPDATE observable SET modified_at = ?, context = ? WHERE id = ?"
_PUT_SURE = "UPDATE observable SET sure_until = ? WHERE id = ?"


class Changes:
    """Rows to write for observables that were known."""

    def __init__(self, instant: Instant) -> None:
        """Begin with none."""
        self._instant = instant
        self._added: list[tuple[Any, ...]] = []
        self._changed: list[tuple[Any, ...]] = []
        self._received: list[tuple[int, int, int, int]] = []
        self._observables: list[tuple[Any, ...]] = []
        self._sure: list[tuple[Instant, int]] = []
        self.contexts: list[tuple[Instant, str, int]] = []

    def compare(self, key: int, before: dict[Pair, Held], after: dict[Pair, Held]) -> bool:
        """Note what became of the assertions of observable *key*, and say whether more than receipt moved."""
        has_changed = False
        for pair, new in after.items():
            old = before.get(pair)
            if old is None:
                self._added.append((key, *pair, *new))
                has_changed = True
            elif new is not old and differs(old, new):
                self._changed.append((*new, key, *pair))
                has_changed = True
            elif new is not old and new.received_at != old.received_at:
                self._received.append((new.received_at, key, *pair))
        return has_changed

    def receive(self, rows: list[tuple[Instant, int, int, int]]) -> None:
        """Note assertions of which only the time of receipt moved."""
        self._received += rows

    def put_observable(self, key: int, sure: Instant, text: str) -> None:
        """Note the new text of observable *key*."""
        self._observables.append((self._instant, sure, text, key))

    def put_sure(self, key: int, old: Instant, new: Instant) -> None:
        """Note a later bound, unless the old one serves for most of the time still: it is only a bound."""
        if new - old > (new - self._instant) // 4:
            self._sure.append((new, key))

    def write(self, connection: sqlite3.Connection) -> None:
        """Write all that was noted."""
        connection.executemany(ADD_ASSERTION, self._added)
        connection.executemany(_PUT_ASSERTION, self._changed)
        connection.executemany(_RECEIVE, self._received)
        connection.executemany(_PUT_OBSERVABLE, self._observables)
        connection.executemany(_PUT_CONTEXT, self.contexts)
        connection.executemany(_PUT_SURE, self._sure)

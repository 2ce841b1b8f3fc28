"""Rows of observables and assertions to be written, and how."""

from typing import Any

from core.schemas.instant import Instant
from core.store.databases.interface import Connection
from core.store.merge import FIELDS, Held, Pair, differs

COLUMNS = ("observable_id", "source_id", "tag_id", *FIELDS)
ADD_OBSERVABLE = (
    "INSERT INTO observable (id, type, value, created_at, modified_at, sure_until, assertions, context)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
OBSERVABLE_COLUMNS = (
    "id",
    "type",
    "value",
    "created_at",
    "modified_at",
    "sure_until",
    "assertions",
    "context",
)
KEY = ("observable_id", "source_id", "tag_id")


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

    def write(self, connection: Connection) -> None:
        """Write all that was noted."""
        connection.put("assertion", COLUMNS, self._added)
        connection.change("assertion", FIELDS, KEY, self._changed)
        connection.change("assertion", ("received_at",), KEY, self._received)
        connection.change("observable", ("modified_at", "sure_until", "assertions"), ("id",), self._observables)
        connection.change("observable", ("modified_at", "context"), ("id",), self.contexts)
        connection.change("observable", ("sure_until",), ("id",), self._sure)

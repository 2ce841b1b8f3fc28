"""The write path: take claims in, in big batches, and merge them with what is known.

A session has one instant, later than that of every session before it, whatever the clock says: what carries it
as time of receipt was said in this session.  Claims are buffered and merged per batch in one transaction; the
lock is free between batches.  An exception loses what was not yet written and nothing else.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType, TracebackType
from typing import Any, NamedTuple, Self

from core.schemas.claim import Claim, Refusal
from core.schemas.instant import Instant
from core.store import audit
from core.store.batch import BatchWriter
from core.store.clock import reckon_with, tick
from core.store.collector import collector_off
from core.store.databases.interface import Connection
from core.store.soundness import fault_of
from core.store.store import Store
from core.store.touched import NEW, UNCHANGED, UPDATED

_COUNTED = ("rows", "refused", "new", "updated", "unchanged", "withdrawn", "ended", "stale")

BATCH = 25_000
"""Claims merged in one transaction: larger batches write more in the order of the index, and take more memory."""


@dataclass(slots=True)
class MergeReport:
    """What a session did.  ``rows`` are claims; ``new``, ``updated``, ``unchanged`` are distinct observables."""

    rows: int = 0
    refused: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    observables: dict[str, int] = field(default_factory=dict)
    withdrawn: int = 0
    ended: int = 0
    stale: int = 0


class Told(NamedTuple):
    """What is put down of a session in the record of changes: an action, of what, and more of it beside the counts.

    ``of_known`` is the action where no observable was new; empty: the same.
    """

    action: str = "import"
    subject: str = ""
    detail: Mapping[str, Any] = MappingProxyType({})
    of_known: str = ""


class ImportSession:
    """A context manager; ``report`` is complete when the block has ended."""

    def __init__(
        self,
        store: Store,
        now: Instant,
        on_refusal: Callable[[Refusal], None] | None = None,
        told: Told | None = None,
    ) -> None:
        """Prepare a session; *on_refusal* hears of claims that cannot be kept, as they are added."""
        self.report = MergeReport()
        self.instant = self._now = now
        self._store = store
        self._on_refusal = on_refusal or (lambda refusal: None)
        self._buffer: list[Claim] = []
        self._told = told or Told()
        self._entry: int | None = None

    def __enter__(self) -> Self:
        self._connection = self._store.connect()
        try:
            with self._store.database.writing(self._connection):
                self.instant = tick(self._connection, self.instant, self._store.lifetime_s)
        except BaseException:
            self._connection.close()
            raise
        self._writer = BatchWriter(self._connection, self.instant, self._store.lifetime_s)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.flush()
                if self.report.rows >= BATCH:
                    with self._store.database.errors():
                        self._connection.gather_statistics()
        finally:
            self._connection.close()

    def add(self, claims: Iterable[Claim]) -> None:
        """Take *claims* in; those that no database can keep are refused, the others written in due course.

        Raises:
            StoreError: The database failed.  Batches written before stand.
        """
        rest = iter(claims)
        while chunk := list(islice(rest, BATCH - len(self._buffer))):
            self.report.rows += len(chunk)
            self._buffer += self._sound(chunk)
            if len(self._buffer) >= BATCH:
                self.flush()

    def flush(self) -> None:
        """Write what is buffered."""
        batch, self._buffer = self._buffer, []
        if not batch:
            return
        with collector_off(), self._writing():
            self._writer.write(batch)
            self._count()

    def end_unlisted(self, source: str) -> int:
        """End what *source* listed before this session and did not list in it; return how many assertions ended.

        They are expired, not withdrawn: their end is the time the session began, or an earlier one they had.
        """
        from core.store.ending import end_unlisted

        self.flush()
        ended = end_unlisted(
            self._connection,
            self._writing,
            source,
            self._store.lifetime_s,
            received_before=self.instant,
            # Not the instant of the session: that is ahead of the clock once the clock was ahead of the time.
            ends_at=self._now,
        )
        if ended:
            with self._writing():
                self.report.ended += ended
        return ended

    def _sound(self, chunk: list[Claim]) -> list[Claim]:
        sound = []
        for claim in chunk:
            fault = fault_of(claim)
            if fault is None:
                sound.append(claim)
            else:
                self.report.refused += 1
                self._on_refusal(Refusal(claim.line, fault, printable(claim.value)))
        return sound

    def _count(self) -> None:
        touched = self._writer.touched
        self.report.new = touched.counts[NEW]
        self.report.updated = touched.counts[UPDATED]
        self.report.unchanged = touched.counts[UNCHANGED]
        self.report.observables = dict(touched.types)
        self.report.withdrawn = self._writer.withdrawn
        self.report.stale = self._writer.stale

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._store.database.writing(self._connection):
            reckon_with(self._connection, self._store.lifetime_s)
            yield self._connection
            self._note()

    def _note(self) -> None:
        """Put down what the session did so far, once for all its transactions."""
        action, subject, more, of_known = self._told
        if of_known and not self.report.new:
            action = of_known
        detail = {**more, **{name: number for name in _COUNTED if (number := getattr(self.report, name))}}
        if self._entry is None:
            self._entry = audit.note(self._connection, action, subject, detail, now=self._now)
        else:
            audit.amend(self._connection, self._entry, detail, action)


def printable(text: str, length: int = 80) -> str:
    """Return the start of *text* with what does not print spelt out."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text[:length])[:length]

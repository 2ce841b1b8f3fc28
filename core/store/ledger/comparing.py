"""Compare what an export would list now with what the ledger says it lists, in SQL, and write the changes.

What did not change is only counted: the open rows of the ledger and the rows they are about are read side by side in
the order of row ids.  The changes are a temporary table, so that memory stays flat however many they are.
"""
# ruff: noqa: S608 - the parts of the queries are our own words and whole numbers

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from heapq import merge
from itertools import chain
from typing import Any

from core.schemas.export import Selection
from core.schemas.instant import Instant
from core.store import dialect
from core.store.collector import collector_off
from core.store.conditions import build
from core.store.databases.interface import Rows
from core.store.kept_off import KEPT_OFF, REASONS
from core.store.ledger.lines import ADDED, CHANGED, FREED, REMOVED, WITHDRAWN, encode, line_of, reason, word_of
from core.store.ledger.lines import KEPT_OFF as KEPT
from core.store.ledger.pieces import now_listed, type_of_piece
from core.store.ledger.reasons import Reasons
from core.store.plan import FEW, Plan
from core.store.snapshot import Snapshot

_BATCH = 1_000
_CHANGE = "temp.ledger_change"
_OPEN = "l.export_id = ? AND l.last_version IS NULL"

Out = Callable[[str, int], object]


@dataclass(slots=True)
class Comparison:
    """How many entries are different, and what became of the others.  Pieces of networks are entries, too.

    Attributes:
        added, changed, unchanged: Entries listed now.
        removed: Entries that are not listed any more, by the word of the reason.
        kept_off: Observables that are kept off from now on, or for another reason, by the word of the reason.
        freed: Observables that were kept off, and are not even selected any more.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: Counter[str] = field(default_factory=Counter)
    kept_off: Counter[str] = field(default_factory=Counter)
    freed: int = 0

    @property
    def listed(self) -> int:
        """How many entries there are now."""
        return self.added + self.changed + self.unchanged

    @property
    def withdrawn(self) -> int:
        """How many were withdrawn."""
        return self.removed[WITHDRAWN]

    @property
    def lost(self) -> int:
        """How many went otherwise."""
        return self.removed.total() - self.withdrawn


def compare(
    snapshot: Snapshot,
    export_id: int,
    selection: Selection,
    instant: Instant,
    out: Out,
    *,
    refused: Iterable[tuple[str, str, str]] = (),
) -> Comparison:
    """Write the changes from what the ledger lists to what *selection* takes, and return how many they are.

    Args:
        snapshot: The state of the store; what it keeps off counts, and the pieces it adds.  What is refused it
            keeps off, too, from here on.
        export_id: Row id of the export; 0 lists nothing.
        selection: With types.
        instant: Of the run.
        out: Called with lines, and how many those are; see `lines`.
        refused: Type, value and reason of what the format could not express.
    """
    pieces = dict.fromkeys(snapshot.pieces)
    more = _refused(snapshot, refused, pieces)
    if (first := next(more, None)) is not None:  # else no question after this has to ask what is kept off
        snapshot.keep_off(chain([first], more))
    with snapshot.whole(selection, instant) as (plan, types), _table(snapshot), collector_off():
        comparing = _Comparing(snapshot, export_id, selection, instant)
        comparing.find(plan, types)
        comparing.find_pieces(pieces)
        comparing.write(out)
        return comparing.found


@contextmanager
def _table(snapshot: Snapshot) -> Iterator[None]:
    """Give the table of changes for a block.

    ``kept`` is the reason of what is kept off now, ``was`` that of the open row of the ledger.  ``key`` is what lets
    it in, or else see `Reasons`; that and ``modified_at`` are looked up where they are not put down.
    """
    execute = snapshot.connection.execute
    execute(
        "CREATE TEMP TABLE ledger_change (id INTEGER PRIMARY KEY, change TEXT NOT NULL, kept INTEGER, was INTEGER,"
        " modified_at INTEGER, key TEXT)"
    )
    try:
        yield
    finally:
        snapshot.connection.drop(_CHANGE)


def _refused(
    snapshot: Snapshot, refused: Iterable[tuple[str, str, str]], pieces: dict[Any, None]
) -> Iterator[tuple[int, str]]:
    """Yield row ids and reasons of observables that were refused; take refused pieces out of *pieces*."""
    by_value = {piece[1:]: piece for piece in pieces}
    query = "SELECT id FROM observable WHERE type = ? AND value = ?"
    for type_, value, detail in refused:
        if piece := by_value.get((type_, value)):
            pieces.pop(piece, None)
        elif row := snapshot.connection.execute(query, (type_, value)).fetchone():
            yield row[0], reason("refused", detail=detail)


class _Comparing:
    """Functions that share their arguments."""

    def __init__(self, snapshot: Snapshot, export_id: int, selection: Selection, instant: Instant) -> None:
        self._snapshot, self._export_id = snapshot, export_id
        self._selection, self._instant = selection, instant
        self._connection, self._execute = snapshot.connection, snapshot.connection.execute
        self._words = self._connection.words
        self._pairs = self._words.texts_joined("a.tag_id || '.' || a.source_id", "a.source_id, a.tag_id")
        self._included = build(selection, snapshot.known, instant).included
        self._reasons = Reasons(self._connection, snapshot.known)
        self._pieces: list[tuple[str, str, str]] = []
        self.found = Comparison()

    def find(self, plan: Plan, types: tuple[str, ...]) -> None:
        """Put down which observables changed, and how.

        Args:
            plan: The way to all that is selected, what is kept off too.
            types: Those that are selected.
        """
        listed = f"o.type IN ({', '.join(map(dialect.literal, types)) or 'NULL'}){plan.where}"
        taken = f"o.id IN (SELECT id FROM temp.{plan.picked})" if plan.picked else listed
        before = self._number(f"SELECT count(*) FROM ledger l WHERE {_OPEN} AND l.is_listed", self._export_id)
        self._gone_and_changed(taken)
        kept = self._kept_off(taken)
        self._freed(taken)
        removed = self._number(f"SELECT count(*) FROM {_CHANGE} WHERE change = '{REMOVED}'")
        changed = self._number(f"SELECT count(*) FROM {_CHANGE} WHERE change = '{CHANGED}'")
        now = self._counted(plan, types) - kept
        if added := now - (before - removed):
            self._added(plan, listed, is_much=self._is_much(added), is_first=not before)
        self.found.added, self.found.changed = added, changed
        self.found.unchanged = before - removed - changed
        which = f"change IN ('{REMOVED}', '{FREED}') AND kept IS NULL"
        self._reasons.find(_CHANGE, self._selection, self._instant, types, which)

    def find_pieces(self, pieces: Iterable[tuple[int, str, str]]) -> None:
        """Put down which pieces of networks are new and which are gone."""
        before = now_listed(self._connection, self._export_id)
        now = {(key, value): type_ for key, type_, value in pieces}
        # What is left of one network now may have been left of another one: the list is the same.
        stays = {value for _, value in now.keys() - before} & {value for _, value in before - now.keys()}
        for key, value in sorted(now.keys() - before):
            self._piece(ADDED, key, now[key, value], value, self._let_in(key))
        for key, value in sorted(before - now.keys()):
            why = self._why_gone(key)
            self.found.removed[word_of(why)] += value not in stays
            self._piece(REMOVED, key, type_of_piece(value), value, why)
        self._pieces.sort()
        self.found.added += len(now.keys() - before) - len(stays)
        self.found.unchanged += len(now.keys() & before) + len(stays)

    def write(self, out: Out) -> None:
        """Write all that was put down, in order."""
        waiting = deque(self._pieces)
        with closing(self._rows()) as rows:
            while batch := rows.fetchmany(_BATCH):
                lines = list(map(self._line, batch))
                last = batch[-1][:2]
                due = []
                while waiting and waiting[0][:2] <= last:
                    due.append(waiting.popleft())
                if due:
                    keyed = [(row[0], row[1], line) for row, line in zip(batch, lines, strict=True)]
                    lines = [line for _, _, line in merge(keyed, due)]
                out("".join(lines), len(lines))
        if waiting:
            out("".join([line for _, _, line in waiting]), len(waiting))

    def _gone_and_changed(self, taken: str) -> None:
        self._execute(
            f"INSERT INTO {_CHANGE} (id, change, kept, was) SELECT l.observable_id,"
            f" CASE WHEN o.id IS NULL OR k.id IS NOT NULL THEN '{REMOVED}' ELSE '{CHANGED}' END,"
            f" CASE WHEN o.id IS NOT NULL THEN k.reason END, l.why FROM ledger l"
            f" LEFT JOIN observable o ON o.id = l.observable_id AND {taken}"
            f" LEFT JOIN {KEPT_OFF} k ON k.id = l.observable_id WHERE {_OPEN} AND l.is_listed"
            " AND (o.id IS NULL OR k.id IS NOT NULL OR o.modified_at <> l.modified_at)",
            (self._export_id,),
        )

    def _kept_off(self, taken: str) -> int:
        """Put down what is kept off and was not, or for another reason, and return how many are kept off in all."""
        selected = f"{KEPT_OFF} k CROSS JOIN observable o ON o.id = k.id AND {taken}"
        self._execute(
            f"INSERT INTO {_CHANGE} (id, change, kept) SELECT k.id, '{KEPT}', k.reason FROM {selected}"
            f" JOIN {REASONS} r ON r.id = k.reason"
            f" LEFT JOIN ledger l ON {_OPEN} AND l.observable_id = k.id"
            " LEFT JOIN ledger_text t ON t.id = l.why"
            " WHERE l.is_listed IS NULL OR (NOT l.is_listed AND t.text IS NOT r.text)",
            (self._export_id,),
        )
        return self._number(f"SELECT count(*) FROM {selected}")

    def _freed(self, taken: str) -> None:
        self._execute(
            f"INSERT INTO {_CHANGE} (id, change, was) SELECT l.observable_id, '{FREED}', l.why FROM ledger l"
            f" LEFT JOIN observable o ON o.id = l.observable_id AND {taken}"
            f" WHERE {_OPEN} AND NOT l.is_listed AND o.id IS NULL",
            (self._export_id,),
        )
        self.found.freed = self._number(f"SELECT count(*) FROM {_CHANGE} WHERE change = '{FREED}'")

    def _added(self, plan: Plan, listed: str, *, is_much: bool, is_first: bool) -> None:
        where = f" AND {self._words.not_among('o.id', KEPT_OFF)}"
        if not is_first:
            known = f"{_OPEN} AND l.is_listed AND l.observable_id = o.id".replace("?", str(self._export_id))
            where += f" AND NOT EXISTS (SELECT 1 FROM ledger l WHERE {known})"
        if plan.picked:
            self._add(f"(SELECT id FROM temp.{plan.picked} ORDER BY id) o WHERE TRUE{where}")
            return
        if is_much:
            # What lets them in is read on in one go, and not looked up for each.
            let_in = (
                f"SELECT a.observable_id AS id, {self._pairs} AS pairs FROM assertion a WHERE {self._included}"
                " GROUP BY a.observable_id"
            )
            self._execute(
                f"INSERT INTO {_CHANGE} (id, change, modified_at, key)"
                f" SELECT o.id, '{ADDED}', o.modified_at, x.pairs FROM ({let_in}) x"
                f" CROSS JOIN observable o ON o.id = x.id WHERE {listed}{where}"
            )
            if not self._selection.untagged:
                return
            where += f" AND {self._words.not_among('o.id', _CHANGE)}"
        # Of most of the store: in the order of the table, by which both tables are written and read on.
        self._add(f"observable o{' NOT INDEXED' if is_much else ''} WHERE {listed}{where}")

    def _add(self, source: str) -> None:
        self._execute(f"INSERT INTO {_CHANGE} (id, change) SELECT o.id, '{ADDED}' FROM {source}")

    def _counted(self, plan: Plan, types: tuple[str, ...]) -> int:
        if plan.picked:
            return self._number(f"SELECT count(*) FROM temp.{plan.picked}")
        query = f"SELECT count(*) FROM observable o WHERE o.type = ?{plan.where}"
        return sum(self._number(query, type_) for type_ in types)

    def _rows(self) -> Rows:
        by = f"SELECT {self._pairs} FROM assertion a WHERE a.observable_id = c.id AND {self._included}"
        columns = (
            f"o.type, o.value, {self._words.json_string('o.value')}, c.id, c.change,"
            " COALESCE(c.modified_at, o.modified_at), c.kept,"
            f" CASE WHEN c.key IS NULL AND c.change IN ('{ADDED}', '{CHANGED}') THEN ({by}) ELSE c.key END"
        )
        source = f"{_CHANGE} c CROSS JOIN observable o ON o.id = c.id"
        if self._is_much(self._number(f"SELECT count(*) FROM {_CHANGE}")):
            source = f"observable o INDEXED BY uq_observable_type_value CROSS JOIN {_CHANGE} c ON c.id = o.id"
        return self._connection.scan(f"SELECT {columns} FROM {source} ORDER BY o.type, o.value")

    def _line(self, row: tuple[str, str, str, int, str, int, int | None, str | None]) -> str:
        type_, _, quoted, key, change, modified_at, kept, why = row
        if change in (ADDED, CHANGED):
            text = f'{{"by":"{why or ""}"}}'
            return line_of(change, key, type_, quoted, text, modified_at)
        text = self._reasons.tell(why or "") if kept is None else self._reasons.tell_kept(kept)
        if change != FREED:
            (self.found.removed if change == REMOVED else self.found.kept_off)[word_of(text)] += 1
        return line_of(change, key, type_, quoted, text, None if kept is None else modified_at)

    def _piece(self, change: str, key: int, type_: str, value: str, why: str) -> None:
        line = line_of(change, key, type_, encode(value).decode(), why, piece=True)
        self._pieces.append((type_, value, line))

    def _let_in(self, key: int) -> str:
        query = f"SELECT {self._pairs} FROM assertion a WHERE a.observable_id = ? AND {self._included}"
        return f'{{"by":"{self._execute(query, (key,)).fetchone()[0] or ""}"}}'

    def _why_gone(self, key: int) -> str:
        """Return why a piece is gone: for what its network is kept off now, or is gone; else the network is whole."""
        # The key of what is added or changed is no reason, but who lets it in.
        query = (
            f"SELECT key FROM {_CHANGE} WHERE id = ? AND change IN ('{REMOVED}', '{FREED}') AND key IS NOT NULL"
        )
        row = self._execute(query, (key,)).fetchone()
        if row is not None:
            return self._reasons.tell(row[0])
        row = self._execute(f"SELECT reason FROM {KEPT_OFF} WHERE id = ?", (key,)).fetchone()
        return reason("split") if row is None else self._reasons.tell_kept(row[0])

    def _is_much(self, number: int) -> bool:
        return number * FEW > self._number("SELECT COALESCE(max(id), 0) FROM observable")

    def _number(self, query: str, *values: str | int) -> int:
        return int(self._execute(query, values).fetchone()[0])

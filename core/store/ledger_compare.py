"""Compare what an export would list now with what the ledger says it lists, in SQL, and write the changes.

Sets are temporary tables by row id, so that a million entries cost about a second and no memory.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from heapq import merge

import msgspec

from core.schemas.export import Selection
from core.schemas.instant import Instant
from core.store.conditions import build
from core.store.kept_off import KEPT_OFF, REASONS
from core.store.ledger_lines import ADDED, CHANGED, FREED, REMOVED, WITHDRAWN, line_of, reason, word_of
from core.store.ledger_lines import KEPT_OFF as KEPT
from core.store.ledger_reasons import Reasons
from core.store.plan import FEW
from core.store.snapshot import Snapshot

_BATCH = 1_000
_ORDERED = " ORDER BY o.type, o.value"
_encode = msgspec.json.Encoder().encode

Out = Callable[[str, int], object]


@dataclass(slots=True)
class Comparison:
    """How many entries are different, and what became of the others.

    Attributes:
        added, changed, unchanged: Observables listed now.
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
        snapshot: The state of the store; what it keeps off counts, and the pieces it adds.
        export_id: Row id of the export.
        selection: With types.
        instant: Of the run.
        out: Called with lines, and how many those are; see `ledger_lines`.
        refused: Type, value and reason of what the format could not express.
    """
    return _Comparing(snapshot, export_id, selection, instant, out).done(refused)


class _Comparing:
    """Functions that share their arguments."""

    def __init__(
        self, snapshot: Snapshot, export_id: int, selection: Selection, instant: Instant, out: Out
    ) -> None:
        self._snapshot, self._export_id = snapshot, export_id
        self._selection, self._instant, self._out = selection, instant, out
        self._connection = snapshot.connection
        self._reasons = Reasons(self._connection, snapshot.known)
        self._found = Comparison()

    def done(self, refused: Iterable[tuple[str, str, str]]) -> Comparison:
        self._refuse(refused)
        self._drop()
        self._now()
        self._changes()
        marks = ", ".join(f"'{type_}'" for type_ in self._selection.types) or "o.type"
        which = f"change = '{REMOVED}' AND kept IS NULL"
        self._reasons.find("ledger_change", self._selection, self._instant, marks, which)
        self._write()
        self._drop()
        return self._found

    def _refuse(self, refused: Iterable[tuple[str, str, str]]) -> None:
        query = "SELECT id FROM observable WHERE type = ? AND value = ?"

        def rows() -> Iterator[tuple[int, str]]:
            for type_, value, why in refused:
                found = self._connection.execute(query, (type_, value)).fetchone()
                if found is not None:
                    yield found[0], _encode({"reason": "refused", "detail": why}).decode()

        self._snapshot.keep_off(rows())

    def _now(self) -> None:
        """Find all that is selected, and by what it is kept off."""
        execute = self._connection.execute
        execute(
            "CREATE TEMP TABLE ledger_now (id INTEGER PRIMARY KEY, modified_at INTEGER NOT NULL, kept INTEGER)"
        )
        put = "INSERT INTO temp.ledger_now SELECT o.id, o.modified_at, k.reason FROM"
        kept = f"LEFT JOIN {KEPT_OFF} k ON k.id = o.id"
        with self._snapshot.whole(self._selection, self._instant) as (plan, types):
            if plan.picked:
                execute(f"{put} temp.{plan.picked} p CROSS JOIN observable o ON o.id = p.id {kept} ORDER BY o.id")
                return
            marks = ", ".join("?" * len(types))
            # The table in its own order: each look at a row by the index would be a jump.
            execute(
                f"{put} observable o NOT INDEXED {kept} WHERE o.type IN ({marks}){plan.where} ORDER BY o.id", types
            )

    def _changes(self) -> None:
        """Put down who changed, and how."""
        execute = self._connection.execute
        execute(
            "CREATE TEMP TABLE ledger_change (id INTEGER PRIMARY KEY, change TEXT NOT NULL, modified_at INTEGER,"
            " kept INTEGER, was INTEGER, key TEXT)"
        )
        same_reason = (
            f"l.why = (SELECT t.id FROM {REASONS} r JOIN ledger_text t ON t.text = r.text WHERE r.id = n.kept)"  # noqa: S608
        )
        execute(
            "INSERT INTO temp.ledger_change SELECT id, change, modified_at, kept, why, NULL FROM ("  # noqa: S608
            "SELECT n.id, n.modified_at, n.kept, l.why, CASE"
            f" WHEN n.kept IS NULL AND l.is_listed IS NOT 1 THEN '{ADDED}'"
            f" WHEN n.kept IS NULL AND l.modified_at <> n.modified_at THEN '{CHANGED}'"
            f" WHEN n.kept IS NULL THEN NULL WHEN l.is_listed THEN '{REMOVED}'"
            f" WHEN l.is_listed IS NULL OR NOT COALESCE({same_reason}, 0) THEN '{KEPT}' END AS change"
            " FROM temp.ledger_now n LEFT JOIN ledger l"
            " ON l.export_id = ? AND l.observable_id = n.id AND l.last_version IS NULL) WHERE change IS NOT NULL",
            (self._export_id,),
        )
        execute(
            "INSERT INTO temp.ledger_change SELECT l.observable_id,"
            f" CASE WHEN l.is_listed THEN '{REMOVED}' ELSE '{FREED}' END, NULL, NULL, l.why, NULL FROM ledger l"
            " WHERE l.export_id = ? AND l.last_version IS NULL"
            " AND l.observable_id NOT IN (SELECT id FROM temp.ledger_now)",
            (self._export_id,),
        )
        listed = execute("SELECT count(*) FROM temp.ledger_now WHERE kept IS NULL").fetchone()[0]
        counts = dict(execute("SELECT change, count(*) FROM temp.ledger_change GROUP BY change").fetchall())
        self._found.added, self._found.changed = counts.get(ADDED, 0), counts.get(CHANGED, 0)
        self._found.freed = counts.get(FREED, 0)
        self._found.unchanged = listed - self._found.added - self._found.changed
        self._count = sum(counts.values())

    def _write(self) -> None:
        rows = self._rows()
        pieces = sorted(self._piece_changes())
        lines = merge(rows, pieces) if pieces else rows
        batch: list[str] = []
        for _, _, line in lines:
            batch.append(line)
            if len(batch) == _BATCH:
                self._out("".join(batch), len(batch))
                batch.clear()
        if batch:
            self._out("".join(batch), len(batch))

    def _rows(self) -> Iterator[tuple[str, str, str]]:
        included = build(self._selection, self._snapshot.known, self._instant).included
        by = f"(SELECT group_concat(a.tag_id || '.' || a.source_id, ' ') FROM assertion a WHERE a.observable_id = c.id AND {included})"  # noqa: S608
        columns = (
            "c.change, c.id, o.type, o.value, json_quote(o.value), c.modified_at, r.text, c.key,"
            f" CASE WHEN c.change IN ('{ADDED}', '{CHANGED}') THEN {by} END"
        )
        kept = f"LEFT JOIN {REASONS} r ON r.id = c.kept"
        highest = self._connection.execute("SELECT COALESCE(max(id), 0) FROM observable").fetchone()[0]
        if self._count * FEW > highest:
            source = f"observable o INDEXED BY uq_observable_type_value CROSS JOIN temp.ledger_change c ON c.id = o.id {kept}"
        else:
            source = f"temp.ledger_change c CROSS JOIN observable o ON o.id = c.id {kept}"
        with closing(self._connection.execute(f"SELECT {columns} FROM {source}{_ORDERED}")) as rows:  # noqa: S608
            while batch := rows.fetchmany(_BATCH):
                for row in batch:
                    yield row[2], row[3], self._line(*row)

    def _line(
        self,
        change: str,
        key: int,
        type_: str,
        _: str,
        quoted: str,
        modified_at: int | None,
        kept: str | None,
        why: str | None,
        by: str | None,
    ) -> str:
        if change in (ADDED, CHANGED):
            return line_of(change, key, type_, quoted, self._reasons.tell_by(by or ""), modified_at)
        text = kept if kept is not None else self._reasons.tell(why or FREED)
        if change == REMOVED:
            self._found.removed[word_of(text)] += 1
        elif change == KEPT:
            self._found.kept_off[word_of(text)] += 1
        return line_of(change, key, type_, quoted, text, modified_at)

    def _piece_changes(self) -> Iterator[tuple[str, str, str]]:
        there = set(
            self._connection.execute(
                "SELECT observable_id, value FROM ledger_piece WHERE export_id = ? AND last_version IS NULL",
                (self._export_id,),
            )
        )
        now = {(key, value): type_ for key, type_, value in self._snapshot.pieces}
        for key, value in now.keys() - there:
            self._found.added += 1
            yield now[key, value], value, self._piece_line(ADDED, key, now[key, value], value, '{"by":[]}')
        for key, value in there - now.keys():
            self._found.removed["split"] += 1
            type_ = "cidr" if "/" in value else "ipv6" if ":" in value else "ipv4"
            yield type_, value, self._piece_line(REMOVED, key, type_, value, reason("split"))

    def _piece_line(self, change: str, key: int, type_: str, value: str, why: str) -> str:
        return line_of(change, key, type_, _encode(value).decode(), why, piece=True)

    def _drop(self) -> None:
        for table in ("ledger_now", "ledger_change"):
            self._connection.execute(f"DROP TABLE IF EXISTS temp.{table}")

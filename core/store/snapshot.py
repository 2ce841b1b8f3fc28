"""The read path of exports: one state of the store, selected, in order.

Rows leave ordered by (type, value) in code-point order.  One snapshot is one read transaction: what is written
meanwhile is not in it, and no writer waits for it.  A long one makes SQLite's log grow, so end it with the spool.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from functools import cached_property
from heapq import merge

from msgspec import structs

from core.schemas.claim import TLP
from core.schemas.export import Selection
from core.schemas.instant import Instant
from core.store import dialect
from core.store.clock import last_look
from core.store.conditions import Known, build, has_undated, is_above
from core.store.databases.interface import Connection
from core.store.kept_off import KEPT_OFF, REASONS, KeptOff, not_kept_off
from core.store.letting_in import LettingIn
from core.store.lifetimes import read_lifetimes
from core.store.lines import Column, Lines
from core.store.plan import Plan, Plans
from core.store.rendering import TLP_WORDS
from core.store.rows import BATCH, Row, RowAssertion, RowReader, Visible
from core.store.store import Store
from core.store.tags import read_tags
from core.store.values import read_values, with_pieces

__all__ = ["Column", "Lines", "Piece", "Row", "RowAssertion", "Snapshot"]

Piece = tuple[int, str, str]
"""The row id of a network that was split, and type and value of a part of it that is left."""


# One look at the index for each marking, and one question for all.
_MARKINGS = " UNION ALL ".join(
    f"SELECT * FROM (SELECT tlp FROM assertion WHERE tlp > 0 AND tlp = {tlp:d} LIMIT 1) only_{tlp:d}"  # noqa: S608
    for tlp in TLP
)


class Snapshot:
    """One state of the store; made by ``Store.snapshot``.

    Ask one question at a time: finish or drop an iterator before the next.
    """

    def __init__(self, store: Store) -> None:
        """Begin the read transaction."""
        self._store, self._database = store, store.database
        self._chosen = ""
        self._pieces: list[Piece] = []
        self._connection = store.connect_to_read()
        self._plans = Plans(self._connection)
        try:
            with self._database.errors():
                self._known = self._look(store.lifetime_s)
                self._kept_off = KeptOff(self._connection)
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """End the read transaction."""
        self._store.take_back(self._connection)

    def count(self, selection: Selection, instant: Instant) -> int:
        """Return how many observables *selection* takes at *instant*."""
        with self._planned(selection, instant) as (plan, types):
            return self._counted(plan, types)

    def funnel(self, selection: Selection, instant: Instant) -> list[tuple[str, int]]:
        """Return how many observables are left after each step of *selection*, in the order it narrows."""
        every = Selection(types=selection.types, with_info=selection.with_info, ignore=selection.ignore)
        every = replace(every, untagged=selection.untagged)
        included = replace(every, include=selection.include, require=selection.require, sources=selection.sources)
        undated = replace(selection, max_age_s=None, first_seen_after=None, last_seen_after=None)
        return [
            ("of these types", self._of_types(selection)),
            ("tagged", self._at_any_time(every, selection, instant, with_cleared=True)),
            ("included", self._at_any_time(included, selection, instant, with_cleared=True)),
            ("not excluded", self._at_any_time(replace(included, exclude=selection.exclude), selection, instant)),
            ("valid", self.count(undated, instant)),
            ("exported", self.count(selection, instant)),
        ]

    def hides(self, selection: Selection) -> bool:
        """Say whether rows of *selection* do not show all that is known; the database's own lines would."""
        return self._visible(selection) is not None

    def above(self, selection: Selection, instant: Instant) -> int:
        """Return how many observables *selection* leaves out for their marking alone."""
        if not is_above(selection, self._known):
            return 0
        return self.count(replace(selection, most_tlp=None), instant) - self.count(selection, instant)

    def undated(self, selection: Selection, instant: Instant) -> int:
        """Return how many observables *selection* takes, or drops by its policy, that nothing tells an end of."""
        if not has_undated(self._known):
            return 0
        kept, dropped = (replace(selection, undated=policy) for policy in ("keep", "drop"))
        return self.count(kept, instant) - self.count(dropped, instant)

    def keep_off(self, rows: Iterable[tuple[int, str]]) -> None:
        """From here on leave observables out whatever a selection says: row ids, each with a reason as JSON text."""
        with self._database.errors():
            self._kept_off.add(rows)

    def keep_off_found(self, query: str, reason: str) -> None:
        """As `keep_off`, for the ids that an SQL query gives, in a column ``id``."""
        with self._database.errors():
            self._kept_off.add_found(query, reason)

    def kept_off(self, selection: Selection, instant: Instant) -> list[tuple[str, int]]:
        """Return for which reasons observables that *selection* takes are kept off, and how many for each."""
        with self._planned(selection, instant, with_kept_off=True) as (plan, types):
            return self._grouped(plan, types) if self._kept_off.number else []

    @contextmanager
    def selected(self, selection: Selection, instant: Instant, *, among: str = "") -> Iterator[str]:
        """Give, for a block, a table with the row ids (column ``id``) of what *selection* takes.

        With *among*, an SQL query for row ids, only of those: cheap, if they are few.
        """
        with self._database.errors(), self._planned(selection, instant) as (plan, types):
            self._connection.execute("CREATE TEMP TABLE selected (id INTEGER PRIMARY KEY)")
            try:
                only = f" AND o.id IN ({among})" if among else ""
                if plan.picked:
                    source = f"temp.{plan.picked} o WHERE TRUE{only}"
                    self._connection.execute(f"INSERT INTO temp.selected SELECT o.id FROM {source}")  # noqa: S608
                else:
                    # By the row ids that are asked for, not by the index of types, which is all of them.
                    source = f"observable o{' NOT INDEXED' if among else ''}"
                    marks = dialect.marks(types)
                    query = f"SELECT o.id FROM {source} WHERE o.type IN ({marks}){only}{plan.where}"  # noqa: S608
                    self._connection.execute(f"INSERT INTO temp.selected {query}", types)
                yield "temp.selected"
            finally:
                self._connection.drop("temp.selected")

    def add_pieces(self, pieces: Iterable[Piece]) -> None:
        """From here on add what is left of split networks: row id of the network, type and value of the piece."""
        self._pieces = sorted({*self._pieces, *pieces}, key=lambda piece: piece[1:])

    @property
    def pieces(self) -> Sequence[Piece]:
        """What was added, in order of (type, value)."""
        return self._pieces

    def choose(self, ids: Iterable[int]) -> None:
        """From here on every selection takes the observables with these row ids, and nothing else."""
        connection = self._connection
        with self._database.errors():
            connection.execute("CREATE TEMP TABLE chosen_id (id INTEGER PRIMARY KEY)")
            connection.put("temp.chosen_id", ("id",), ((key,) for key in ids), ignore=True)
            connection.execute("CREATE TEMP TABLE chosen (n INTEGER PRIMARY KEY, id INTEGER NOT NULL)")
            number = connection.words.number("o.type, o.value")
            connection.execute(
                f"INSERT INTO temp.chosen (n, id) SELECT {number}, o.id FROM temp.chosen_id c"  # noqa: S608
                " CROSS JOIN observable o ON o.id = c.id ORDER BY o.type, o.value"
            )
        self._chosen = "chosen"

    def took(self, selection: Selection, instant: Instant, key: int) -> bool:
        """Say whether *selection* takes the observable with this row id, or took it at an instant of the past."""
        with self._planned(selection, instant, past=key) as (plan, types):
            return self._counted(plan, types) > 0

    def takes(self, selection: Selection, instant: Instant, type_: str, value: str) -> bool:
        """Say whether *selection* takes an observable at *instant*, and it is not kept off."""
        query = "SELECT id FROM observable WHERE type = ? AND value = ?"
        with self._database.errors():
            row = self._connection.execute(query, (type_, value)).fetchone()
        if row is None:
            return False
        with self._planned(selection, instant, only=int(row[0])) as (plan, types):
            return self._counted(plan, types) > 0

    def values(
        self, selection: Selection, instant: Instant, types: Iterable[str]
    ) -> Iterator[list[tuple[int, str, str]]]:
        """Yield row id, type and value of what *selection* takes of some types, in order, in batches."""
        wanted = tuple(type_ for type_ in self._types(selection) if type_ in set(types))
        if not wanted:
            return
        with self._planned(replace(selection, types=wanted), instant) as (plan, found):
            if plan.picked:
                marks = dialect.marks(wanted)
                yield from self._batches(
                    f"SELECT o.id, o.type, o.value FROM temp.{plan.picked} p CROSS JOIN observable o ON o.id = p.id"  # noqa: S608
                    f" WHERE o.type IN ({marks}) ORDER BY p.n",
                    *wanted,
                )
                return
            for type_ in found:
                query = f"SELECT o.id, o.type, o.value FROM observable o WHERE o.type = ?{plan.where}"  # noqa: S608
                yield from self._batches(f"{query} ORDER BY o.type, o.value", type_)

    def _batches(self, query: str, *values: str) -> Iterator[list[tuple[int, str, str]]]:
        with closing(self._connection.scan(query, values)) as rows:
            while batch := rows.fetchmany(BATCH):
                yield batch

    @property
    def connection(self) -> Connection:
        """The driver's connection, in the transaction of this snapshot; write to nothing but temporary tables."""
        return self._connection

    @property
    def known(self) -> Known:
        """What it knows of tags, sources and lifetimes."""
        return self._known

    def whole(
        self, selection: Selection, instant: Instant
    ) -> AbstractContextManager[tuple[Plan, tuple[str, ...]]]:
        """Give the way to all that *selection* takes, what is kept off too, and the types, for a block."""
        return self._planned(selection, instant, with_kept_off=True)

    def lines(self, selection: Selection, instant: Instant, line: Sequence[str | Column]) -> Lines:
        """Return an iterator of texts of many whole lines, built by the database.

        Args:
            selection: What to take.
            instant: When it has to be valid.
            line: The parts of one line, its line end among them; what is not a ``Column`` stands for itself.
        """
        return Lines(self._connection, lambda: self._planned(selection, instant), line)

    def plain_values(self, selection: Selection, instant: Instant) -> Iterator[tuple[str, list[str]]]:
        """Yield types, each with some thousand values of it, in order: all that *selection* takes, pieces too."""
        found = read_values(self._connection, lambda: self._planned(selection, instant))
        with self._database.errors():
            yield from with_pieces(found, [piece[1:] for piece in self._pieces])

    def rows(self, selection: Selection, instant: Instant, *, listed_by: int | None = None) -> Iterator[list[Row]]:
        """Yield batches of rows, every assertion judged at *instant*.

        With *listed_by*, the row id of an export or 0 for one that never listed anything, each says when that first
        listed it as it is, and its assertions which of them count.
        """
        reader = self._reader(selection, instant, listed_by)
        with self._planned(selection, instant) as (plan, types):
            batches = reader.read(plan, types)
            yield from _with_pieces(batches, self._piece_rows(reader, listed_by or 0)) if self._pieces else batches

    def rows_of(self, selection: Selection, instant: Instant, ids: Iterable[int]) -> dict[int, Row]:
        """Return the rows with these ids by them, be they taken or not, as `rows` gives them with ``listed_by=0``."""
        with self._database.errors():
            return self._reader(selection, instant, 0).of_ids(sorted(ids))

    def _reader(self, selection: Selection, instant: Instant, listed_by: int | None) -> RowReader:
        letting_in = None if listed_by is None else LettingIn(selection, self._known)
        visible = self._visible(selection)
        return RowReader(self._connection, instant, self._known.lifetimes, visible, letting_in, listed_by or 0)

    def _piece_rows(self, reader: RowReader, listed_by: int) -> list[Row]:
        networks: dict[int, Row] = {}
        for key in {piece[0] for piece in self._pieces}:
            networks.update((key, row) for row in reader.matching("o.id = ?", (key,)))
        listed = self._connection.execute(
            "SELECT p.observable_id, p.value, v.instant FROM ledger_piece p"
            " JOIN version v ON v.export_id = p.export_id AND v.number = p.first_version"
            " WHERE p.export_id = ? AND p.last_version IS NULL",
            (listed_by,),
        )
        moments = {(key, value): moment for key, value, moment in listed}
        found = ((networks.get(key), (key, value), type_) for key, type_, value in self._pieces)
        return [
            structs.replace(row, type=type_, value=piece[1], listed_at=moments.get(piece))
            for row, piece, type_ in found
            if row is not None
        ]

    def _grouped(self, plan: Plan, types: tuple[str, ...]) -> list[tuple[str, int]]:
        """Count what is kept off by reason; that is little, and so where the way begins."""
        source = f"{KEPT_OFF} k CROSS JOIN observable o ON o.id = k.id JOIN {REASONS} r ON r.id = k.reason"
        if plan.picked:
            where = f"o.id IN (SELECT id FROM temp.{plan.picked})"  # noqa: S608
            types = ()
        else:
            where = f"o.type IN ({dialect.marks(types)}){plan.where}"
        query = f"SELECT r.text, count(*) FROM {source} WHERE {where} GROUP BY r.text ORDER BY r.text"  # noqa: S608
        return self._connection.execute(query, types).fetchall()

    def _counted(self, plan: Plan, types: tuple[str, ...]) -> int:
        if plan.picked:
            return self._number(f"SELECT count(*) FROM temp.{plan.picked}")  # noqa: S608
        if not plan.where and set(types).issuperset(self._types(Selection())):
            # Nothing is left out: counting the table whole is ten times as fast as counting it by type.
            return self._number("SELECT count(*) FROM observable")
        query = f"SELECT count(*) FROM observable o WHERE o.type = ?{plan.where}"  # noqa: S608
        return sum(self._number(query, type_) for type_ in types)

    def _of_types(self, selection: Selection) -> int:
        query = "SELECT count(*) FROM observable o WHERE o.type = ?"
        with self._database.errors():
            return sum(self._number(query, type_) for type_ in self._types(selection))

    def _at_any_time(
        self, step: Selection, whole: Selection, instant: Instant, *, with_cleared: bool = False
    ) -> int:
        named = (*whole.include, *whole.require)
        with self._planned(step, instant, fresh=False, named=named, with_cleared=with_cleared) as (plan, types):
            return self._counted(plan, types)

    def _number(self, query: str, *values: str) -> int:
        return int(self._connection.execute(query, values).fetchone()[0])

    @contextmanager
    def _planned(
        self,
        selection: Selection,
        instant: Instant,
        *,
        fresh: bool = True,
        named: Sequence[str] = (),
        with_cleared: bool = False,
        past: int | None = None,
        with_kept_off: bool = False,
        only: int | None = None,
    ) -> Iterator[tuple[Plan, tuple[str, ...]]]:
        types = self._types(selection)
        if self._chosen:
            yield Plan("", self._chosen), types
            return
        conditions = build(
            selection,
            self._known,
            instant,
            fresh=fresh,
            named=named,
            with_cleared=with_cleared,
            as_it_was=past is not None,
        )
        one = only if past is None else past
        if one is not None:
            conditions = replace(conditions, others=(*conditions.others, f"o.id = {one:d}"))
        kept_off = 0 if with_kept_off else self._kept_off.number
        if kept_off:
            conditions = replace(conditions, others=(*conditions.others, not_kept_off(self._connection.words)))
        found = self._plans.planned(conditions, types, kept_off, is_kept=one is None)
        with self._database.errors(), found as plan:
            yield plan, types

    def _types(self, selection: Selection) -> tuple[str, ...]:
        return tuple(sorted(set(selection.types))) if selection.types else self._all_types

    @cached_property
    def _all_types(self) -> tuple[str, ...]:
        found: list[str] = []
        query = "SELECT o.type FROM observable o WHERE o.type > ? ORDER BY o.type LIMIT 1"
        with self._database.errors():
            while row := self._connection.execute(query, (found[-1] if found else "",)).fetchone():
                found.append(row[0])
        return tuple(found)

    def _visible(self, selection: Selection) -> Visible | None:
        if not selection.sources and not is_above(selection, self._known):
            return None
        most = max(TLP) if selection.most_tlp is None else selection.most_tlp
        words = frozenset(word for tlp, word in TLP_WORDS.items() if tlp <= most)
        return Visible(words, frozenset(selection.sources) or None)

    def _look(self, lifetime_s: int) -> Known:
        last_instant, known_s = last_look(self._connection)
        return Known(
            tags=tuple(read_tags(self._connection)),
            sources={name: key for key, name in self._connection.execute("SELECT id, name FROM source")},
            lifetimes=read_lifetimes(self._connection, lifetime_s),
            confidences=dict(
                self._connection.execute(
                    "SELECT source_id, confidence FROM source_setting WHERE confidence IS NOT NULL"
                )
            ),
            tlps=frozenset(TLP(tlp) for (tlp,) in self._connection.execute(_MARKINGS)),
            last_instant=last_instant,
            is_sure=known_s == lifetime_s,
        )


def _with_pieces(batches: Iterator[list[Row]], pieces: list[Row]) -> Iterator[list[Row]]:
    """Put the rows of *pieces*, which are in order, where they belong."""
    waiting = iter(pieces)
    piece = next(waiting, None)
    for batch in batches:
        due = []
        while piece is not None and (piece.type, piece.value) <= (batch[-1].type, batch[-1].value):
            due.append(piece)
            piece = next(waiting, None)
        yield list(merge(batch, due, key=lambda row: (row.type, row.value))) if due else batch
    if rest := [*filter(None, [piece]), *waiting]:
        yield rest

"""How a selection is read: which sets are made first, and in which direction the rows are found.

A list that takes most of the store is *scanned*: the index on (type, value) is read in order, and what is out is
looked up in a small set.  One that takes little is *picked*: the rows are found by the posting list and sorted.
Sets are temporary tables, so that memory stays flat; decision 0013 has the measurements.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import count

from core.store import dialect
from core.store.conditions import Conditions, exists
from core.store.databases.interface import Connection

_NUMBERS = count()
FEW = 4
"""A set is small when it is at most this fraction (a quarter) of the store."""

MOST_KEPT = 32
"""So many plans of a snapshot are kept for when their question comes again."""

MOST_KEPT_ROWS = 2_000_000
"""So many rows their sets may have together: each takes some 50 bytes of a temporary file until the snapshot ends."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A way to the rows.

    Attributes:
        where: Conditions on ``observable o``, each beginning with `` AND ``.
        picked: A temporary table (n, id) of the rows in order; empty for a scan of the index.
    """

    where: str
    picked: str


class Plans:
    """The plans of one snapshot: a question that comes again, as most of a run do, finds its sets made.

    In a snapshot nothing changes but what is kept off, and of that there is only ever more.
    """

    def __init__(self, connection: Connection) -> None:
        """Keep nothing yet."""
        self._connection = connection
        self._sizes = _Sizes(connection)
        self._kept: dict[tuple[Conditions, tuple[str, ...], int], Plan] = {}
        self._kept_rows = 0

    @contextmanager
    def planned(
        self, conditions: Conditions, types: tuple[str, ...], kept_off: int = 0, *, is_kept: bool = True
    ) -> Iterator[Plan]:
        """Give a plan for a block.

        Args:
            conditions: What is asked for.
            types: Of what.
            kept_off: How many observables are kept off, if *conditions* ask for that: then sets are of that number.
            is_kept: The question may come again.
        """
        key = (conditions, types, kept_off)
        if key in self._kept:
            yield self._kept[key]
            return
        maker = _Maker(self._connection, self._sizes, conditions)
        try:
            plan = maker.plan(types)
            if is_kept and len(self._kept) < MOST_KEPT and self._kept_rows + maker.rows <= MOST_KEPT_ROWS:
                self._kept[key] = plan
                self._kept_rows += maker.rows
                # They go with the snapshot: not here, where somebody else may have begun to read them.
                maker.made.clear()
            yield plan
        finally:
            for table in maker.made:
                self._connection.drop(f"temp.{table}")


class _Sizes:
    """How large the tables of a snapshot are, each asked once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._small: dict[tuple[int, ...], bool] = {}

    @cached_property
    def few(self) -> int:
        return int(self._connection.execute("SELECT COALESCE(max(id), 0) FROM observable").fetchone()[0]) // FEW

    def are_few(self, tags: tuple[int, ...]) -> bool:
        """Say whether few assertions have one of *tags*."""
        if tags not in self._small:
            marks = ", ".join(map(str, tags)) or "-1"
            some = f"SELECT 1 FROM assertion WHERE tag_id IN ({marks}) LIMIT {self.few + 1}"  # noqa: S608
            number = self._connection.execute(f"SELECT count(*) FROM ({some}) s").fetchone()[0]  # noqa: S608
            self._small[tags] = number <= self.few
        return self._small[tags]


class _Maker:
    def __init__(self, connection: Connection, sizes: _Sizes, conditions: Conditions) -> None:
        self._connection, self._sizes = connection, sizes
        self._conditions = conditions
        self.made: list[str] = []
        self.rows = 0

    def plan(self, types: tuple[str, ...]) -> Plan:
        few = self._sizes.few
        where = "".join(f" AND {other}" for other in self._conditions.others)
        where += self._not_excluded()
        tags = self._conditions.included_tags
        if tags is not None and self._sizes.are_few(tags):
            return Plan("", self._pick(tags, types, where))
        return Plan(self._counts(few) + where, "")

    def _counts(self, few: int) -> str:
        """Which observables have something that lets them in, without a look at most of them if possible."""
        counts = exists(self._conditions.included)
        if self._conditions.takes_untagged:
            counts = f"({counts} OR {self._conditions.takes_untagged})"
        unsure = self._conditions.unsure
        if not unsure:
            return f" AND {counts}"
        sample = f"SELECT count(*) FROM (SELECT 1 FROM observable o WHERE {unsure} LIMIT {few + 1}) s"  # noqa: S608
        unsure_rows = self._connection.execute(sample).fetchone()[0]
        if unsure_rows > few:
            return f" AND {counts}"
        if not unsure_rows:
            return ""
        rejected, number = self._make(f"SELECT o.id FROM observable o WHERE {unsure} AND NOT {counts}")  # noqa: S608
        return f" AND {self._not_among(rejected)}" if number else ""

    def _not_excluded(self) -> str:
        tags = self._conditions.excluded_tags
        if not tags:
            return ""
        condition = f"a.tag_id IN ({', '.join(map(str, tags))}) AND {self._conditions.excluded}"
        if not self._sizes.are_few(tags):
            return f" AND NOT {exists(condition)}"
        excluded, number = self._make(f"SELECT DISTINCT a.observable_id FROM assertion a WHERE {condition}")  # noqa: S608
        return f" AND {self._not_among(excluded)}" if number else ""

    def _pick(self, tags: tuple[int, ...], types: tuple[str, ...], where: str) -> str:
        found = f"SELECT DISTINCT a.observable_id FROM assertion a WHERE {self._conditions.included}"  # noqa: S608
        marks = dialect.marks(types)
        table, number = self._name(), self._connection.words.number("o.type, o.value")
        self._connection.execute(f"CREATE TEMP TABLE {table} (n INTEGER PRIMARY KEY, id INTEGER NOT NULL)")
        self.rows += self._connection.execute(
            f"INSERT INTO temp.{table} (n, id) SELECT {number}, o.id FROM ({found}) f"  # noqa: S608
            f" CROSS JOIN observable o ON o.id = f.observable_id"
            f" WHERE o.type IN ({marks}){where} ORDER BY o.type, o.value",
            types,
        ).rowcount
        return table

    def _make(self, ids: str) -> tuple[str, int]:
        table = self._name()
        self._connection.execute(f"CREATE TEMP TABLE {table} (id INTEGER PRIMARY KEY)")
        number = self._connection.execute(f"INSERT INTO temp.{table} {ids}").rowcount
        self.rows += number
        return table, number

    def _not_among(self, table: str) -> str:
        return self._connection.words.not_among("o.id", f"temp.{table}")

    def _name(self) -> str:
        self.made.append(f"set_{next(_NUMBERS)}")
        return self.made[-1]

"""How a selection is read: which sets are made first, and in which direction the rows are found.

A list that takes most of the store is *scanned*: the index on (type, value) is read in order, and what is out is
looked up in a small set.  One that takes little is *picked*: the rows are found by the posting list and sorted.
Sets are temporary tables, so that memory stays flat; decision 0013 has the measurements.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

from core.store import dialect
from core.store.conditions import Conditions, exists
from core.store.databases.interface import Connection

_NUMBERS = count()
FEW = 4
"""A set is small when it is at most this fraction (a quarter) of the store."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A way to the rows.

    Attributes:
        where: Conditions on ``observable o``, each beginning with `` AND ``.
        picked: A temporary table (n, id) of the rows in order; empty for a scan of the index.
    """

    where: str
    picked: str


@contextmanager
def planned(connection: Connection, conditions: Conditions, types: tuple[str, ...]) -> Iterator[Plan]:
    """Make the sets that *conditions* need, give the plan, and drop the sets."""
    maker = _Maker(connection, conditions)
    try:
        yield maker.plan(types)
    finally:
        for table in maker.made:
            connection.drop(f"temp.{table}")


class _Maker:
    def __init__(self, connection: Connection, conditions: Conditions) -> None:
        self._connection = connection
        self._conditions = conditions
        self.made: list[str] = []

    def plan(self, types: tuple[str, ...]) -> Plan:
        few = self._connection.execute("SELECT COALESCE(max(id), 0) FROM observable").fetchone()[0] // FEW
        where = "".join(f" AND {other}" for other in self._conditions.others)
        where += self._not_excluded(few)
        tags = self._conditions.included_tags
        if tags is not None and self._has_at_most(few, tags):
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

    def _not_excluded(self, few: int) -> str:
        tags = self._conditions.excluded_tags
        if not tags:
            return ""
        condition = f"a.tag_id IN ({', '.join(map(str, tags))}) AND {self._conditions.excluded}"
        if not self._has_at_most(few, tags):
            return f" AND NOT {exists(condition)}"
        excluded, number = self._make(f"SELECT DISTINCT a.observable_id FROM assertion a WHERE {condition}")  # noqa: S608
        return f" AND {self._not_among(excluded)}" if number else ""

    def _pick(self, tags: tuple[int, ...], types: tuple[str, ...], where: str) -> str:
        found = f"SELECT DISTINCT a.observable_id FROM assertion a WHERE {self._conditions.included}"  # noqa: S608
        marks = dialect.marks(types)
        table, numbered = self._name(), self._connection.words.numbered
        self._connection.execute(f"CREATE TEMP TABLE {table} ({numbered}, id INTEGER NOT NULL)")
        self._connection.execute(
            f"INSERT INTO temp.{table} (id) SELECT o.id FROM ({found}) f"  # noqa: S608
            f" CROSS JOIN observable o ON o.id = f.observable_id"
            f" WHERE o.type IN ({marks}){where} ORDER BY o.type, o.value",
            types,
        )
        return table

    def _make(self, ids: str) -> tuple[str, int]:
        table = self._name()
        self._connection.execute(f"CREATE TEMP TABLE {table} (id INTEGER PRIMARY KEY)")
        return table, self._connection.execute(f"INSERT INTO temp.{table} {ids}").rowcount

    def _not_among(self, table: str) -> str:
        return self._connection.words.not_among("o.id", f"temp.{table}")

    def _name(self) -> str:
        self.made.append(f"set_{next(_NUMBERS)}")
        return self.made[-1]

    def _has_at_most(self, few: int, tags: tuple[int, ...]) -> bool:
        marks = ", ".join(map(str, tags)) or "-1"
        query = f"SELECT count(*) FROM (SELECT 1 FROM assertion WHERE tag_id IN ({marks}) LIMIT {few + 1}) s"  # noqa: S608
        return bool(self._connection.execute(query).fetchone()[0] <= few)

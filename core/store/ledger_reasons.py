"""Why entries left an export, found for many at once.  In this order:

it is kept off now, for a reason that is given; it was cleared, or what let it in was withdrawn; an exclusion meets
it; what let it in has ended; else the definition does not take it any more.
"""

import sqlite3
from collections.abc import Iterable, Iterator

from core.schemas.claim import CLEARED_BY, Kind
from core.schemas.export import Selection
from core.schemas.instant import Instant
from core.store.conditions import CLEARED, Known, active, build, exists
from core.store.ledger_lines import WITHDRAWN, encode, pairs_of, reason
from core.values.tags import tag_key

EXPIRED, EXCLUDED, FILTERED = "expired", "excluded", "filtered"
_PAIRS = "temp.ledger_pair"
_MANY = 50_000


class Reasons:
    """Gives rows of a table (id, was, key) their keys, and tells keys as JSON.

    ``was`` is the ``ledger_text`` an observable was listed for.  A key is what SQL can make of a reason: its word,
    and row ids that stand for names.
    """

    def __init__(self, connection: sqlite3.Connection, known: Known) -> None:
        """Look nothing up yet."""
        self._connection, self._known = connection, known
        self._tags = {tag.id: tag.name for tag in known.tags}
        self._sources = {key: name for name, key in known.sources.items()}
        self._told: dict[str, str] = {}

    def find(self, table: str, selection: Selection, instant: Instant, types: str, which: str) -> None:
        """Give a key to the rows of *table* that meet *which*; *types* is the types of *selection* as SQL."""
        execute = self._connection.execute
        self._put(table, f"'{WITHDRAWN}'", f"{which} AND {self.withdrawn(table, instant, which)}")
        conditions = build(selection, self._known, instant)
        if conditions.excluded_tags:
            tags = ", ".join(map(str, conditions.excluded_tags))
            found = (
                f"(SELECT a.tag_id || '.' || a.source_id FROM assertion a WHERE a.observable_id = {table}.id"  # noqa: S608
                f" AND a.tag_id IN ({tags}) AND {conditions.excluded} ORDER BY a.tag_id, a.source_id LIMIT 1)"
            )
            self._put(table, f"'{EXCLUDED} ' || {found}", which)  # null where no assertion meets it
        at_any_time = build(selection, self._known, instant, fresh=False)
        others = "".join(f" AND {other}" for other in at_any_time.others)
        taken = f"o.type IN ({types}) AND {exists(at_any_time.included)}{others}"
        ended = f"EXISTS (SELECT 1 FROM observable o WHERE o.id = {table}.id AND {taken})"  # noqa: S608
        self._put(table, f"'{EXPIRED}'", f"{which} AND {ended}")
        self._put(table, f"'{FILTERED}'", which)
        execute(f"DROP TABLE {_PAIRS}")

    def withdrawn(self, table: str, instant: Instant, which: str = "1") -> str:
        """Return a condition: the observable was cleared, or of what let it in nothing is left but was withdrawn.

        What let it in and has merely ended does not count.  The pairs of tag and source are put where the condition
        looks for them.
        """
        self._connection.execute(
            "CREATE TEMP TABLE ledger_pair (why INTEGER, source_id INTEGER, tag_id INTEGER,"
            " PRIMARY KEY (why, source_id, tag_id)) WITHOUT ROWID"
        )
        query = f"SELECT DISTINCT was FROM {table} WHERE {which} AND was IS NOT NULL"  # noqa: S608
        texts = self._connection.execute(f"SELECT id, text FROM ledger_text WHERE id IN ({query})")  # noqa: S608
        self._connection.executemany(
            f"INSERT OR IGNORE INTO {_PAIRS} VALUES (?, ?, ?)",  # noqa: S608
            self._pairs(iter(texts)),
        )
        stands = active(self._known, instant)
        own = f"a.observable_id = {table}.id"
        let_in = (
            f"SELECT 1 FROM {_PAIRS} p CROSS JOIN assertion a ON {own} AND a.source_id = p.source_id"  # noqa: S608
            f" AND a.tag_id = p.tag_id WHERE p.why = {table}.was"
        )
        any_ = f"SELECT 1 FROM assertion a WHERE {own}"  # noqa: S608
        return (
            f"(EXISTS ({any_} AND {self._cleared()})"
            f" OR (EXISTS ({let_in} AND a.withdrawn_at IS NOT NULL) AND NOT EXISTS ({let_in} AND {stands}))"
            # Of what was kept off, it is not written down who let it in.
            f" OR (NOT EXISTS (SELECT 1 FROM {_PAIRS} p WHERE p.why = {table}.was)"
            f" AND EXISTS ({any_} AND a.withdrawn_at IS NOT NULL)"
            f" AND NOT EXISTS ({any_} AND a.kind >= {Kind.SUSPICIOUS:d} AND {stands})))"
        )

    def forget_pairs(self) -> None:
        """Drop what `withdrawn` made."""
        self._connection.execute(f"DROP TABLE IF EXISTS {_PAIRS}")

    def tell(self, key: str) -> str:
        """Return the JSON of a key."""
        known = self._told.get(key)
        if known is None:
            if len(self._told) >= _MANY:
                self._told.clear()
            known = self._told[key] = self._tell(key)
        return known

    def tell_by(self, pairs: str) -> str:
        """Return as JSON the assertions that let something in, of row ids ``tag.source`` with blanks between."""
        key = f"by {pairs}"
        known = self._told.get(key)
        if known is None:
            if len(self._told) >= _MANY:
                self._told.clear()
            found = sorted({self._pair(pair) for pair in pairs.split()})
            known = self._told[key] = encode({"by": found}).decode()
        return known

    def _pair(self, pair: str) -> tuple[str, str]:
        tag, _, source = pair.partition(".")
        return self._tags.get(int(tag), ""), self._sources.get(int(source), "")

    def _tell(self, key: str) -> str:
        word, _, rest = key.partition(" ")
        if word != EXCLUDED:
            return reason(word)
        tag, _, source = rest.partition(".")
        return reason(EXCLUDED, tag=self._tags.get(int(tag), ""), source=self._sources.get(int(source), ""))

    def _put(self, table: str, key: str, condition: str) -> None:
        self._connection.execute(f"UPDATE {table} SET key = {key} WHERE key IS NULL AND {condition}")  # noqa: S608

    def _pairs(self, texts: Iterable[tuple[int, str]]) -> Iterator[tuple[int, int, int]]:
        tags = {name: key for key, name in self._tags.items()}
        sources = self._known.sources
        for why, text in texts:
            for tag, source in pairs_of(text):
                if tag in tags and source in sources:
                    yield why, sources[source], tags[tag]

    def _cleared(self) -> str:
        tags = ", ".join(str(tag.id) for tag in self._known.tags if tag.key == tag_key(CLEARED)) or "-1"
        source = self._known.sources.get(CLEARED_BY, -1)
        return f"a.source_id = {source} AND a.tag_id IN ({tags}) AND a.withdrawn_at IS NULL"

"""Why entries left an export, found for many at once.

In this order: it was cleared, or what let it in was withdrawn; an exclusion meets it; what let it in has ended; else
the definition does not take it any more.  What is kept off now has the reason for that, whatever else there is.
"""
# ruff: noqa: S608 - the parts of the queries are our own words and whole numbers

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from core.schemas.claim import CLEARED_BY, Kind
from core.schemas.export import Selection
from core.schemas.instant import Instant
from core.store import dialect
from core.store.conditions import CLEARED, Known, active, build, exists
from core.store.databases.interface import Connection
from core.store.kept_off import REASONS
from core.store.ledger.lines import WITHDRAWN, reason
from core.store.ledger.texts import Named
from core.values.tags import tag_key

EXPIRED, EXCLUDED, FILTERED = "expired", "excluded", "filtered"
_PAIRS = "temp.ledger_pair"
_MANY = 50_000


class Reasons:
    """Gives rows of a table (id, was, key) their keys, and tells keys as JSON.

    ``was`` is the ``ledger_text`` an observable was listed for.  A key is what SQL can make of a reason: its word,
    and row ids that stand for names.
    """

    def __init__(self, connection: Connection, known: Known) -> None:
        """Look nothing up yet."""
        self._connection, self._known = connection, known
        self.named = Named(
            {tag.id: tag.name for tag in known.tags}, {key: name for name, key in known.sources.items()}
        )
        self._told: dict[str | int, str] = {}

    def find(self, table: str, selection: Selection, instant: Instant, types: Sequence[str], which: str) -> None:
        """Give a key to the rows of *table* that meet *which*.

        Args:
            table: With its schema.
            selection: What does not take them any more.
            instant: Of the run.
            types: Of the selection.
            which: A condition on *table*.
        """
        if not self._connection.execute(f"SELECT 1 FROM {table} WHERE {which} LIMIT 1").fetchone():
            return
        conditions = build(selection, self._known, instant)
        tags = ", ".join(map(str, conditions.excluded_tags)) or "-1"
        met = f"a.observable_id = {table}.id AND a.tag_id IN ({tags}) AND {conditions.excluded}"
        excluded = f"(SELECT min(a.tag_id || '.' || a.source_id) FROM assertion a WHERE {met})"
        at_any_time = build(selection, self._known, instant, fresh=False)
        others = "".join(f" AND {other}" for other in at_any_time.others)
        wanted = ", ".join(map(dialect.literal, types)) or "NULL"
        taken = f"o.type IN ({wanted}) AND {exists(at_any_time.included)}{others}"
        ended = f"EXISTS (SELECT 1 FROM observable o WHERE o.id = {table}.id AND {taken})"
        was_withdrawn = self.was_withdrawn(table)
        self.load_pairs(table, f"{which} AND {was_withdrawn}")
        self._connection.execute(
            f"UPDATE {table} SET key = CASE WHEN {was_withdrawn} AND {self.withdrawn(table, instant)}"
            f" THEN '{WITHDRAWN}' ELSE COALESCE('{EXCLUDED} ' || {excluded},"
            f" CASE WHEN {ended} THEN '{EXPIRED}' ELSE '{FILTERED}' END) END WHERE {which}"
        )
        self.forget_pairs()

    def load_pairs(self, table: str, which: str = "TRUE", texts: Iterable[tuple[int, str]] = ()) -> None:
        """Put the tags and sources that let the rows of *table* in where `withdrawn` looks for them.

        Args:
            table: With its schema.
            which: A condition on *table*: no others will be asked for.
            texts: What ``was`` stands for, if it is not in the ledger.
        """
        self.forget_pairs()
        execute = self._connection.execute
        execute(
            "CREATE TEMP TABLE ledger_pair (why INTEGER, source_id INTEGER, tag_id INTEGER,"
            " PRIMARY KEY (why, source_id, tag_id)) WITHOUT ROWID"
        )
        known = execute(f"SELECT id, text FROM ledger_text WHERE id IN (SELECT was FROM {table} WHERE {which})")
        self._connection.put(
            _PAIRS, ("why", "source_id", "tag_id"), self._pairs(chain(known.fetchall(), texts)), ignore=True
        )

    def forget_pairs(self) -> None:
        """Drop what `load_pairs` made."""
        self._connection.drop(_PAIRS)

    def withdrawn(self, table: str, instant: Instant) -> str:
        """Return a condition: the observable was cleared, or what let it in was withdrawn.

        Of several that let it in nothing is left then; what has ended is not left, either.
        """
        stands = active(self._known, instant)
        own = f"a.observable_id = {table}.id"
        let_in = (
            f"SELECT 1 FROM {_PAIRS} p CROSS JOIN assertion a ON {own} AND a.source_id = p.source_id"
            f" AND a.tag_id = p.tag_id WHERE p.why = {table}.was"
        )
        any_ = f"SELECT 1 FROM assertion a WHERE {own}"
        return (
            f"(EXISTS ({any_} AND {self.cleared()})"
            f" OR (EXISTS ({let_in} AND a.withdrawn_at IS NOT NULL) AND NOT EXISTS ({let_in} AND {stands}))"
            # Of what was kept off, it is not written down who let it in.
            f" OR (NOT EXISTS (SELECT 1 FROM {_PAIRS} p WHERE p.why = {table}.was)"
            f" AND EXISTS ({any_} AND a.withdrawn_at IS NOT NULL)"
            f" AND NOT EXISTS ({any_} AND a.kind >= {Kind.SUSPICIOUS:d} AND {stands})))"
        )

    def above(self, table: str, ceiling: int) -> str:
        """Return a condition: all that let the observable in and stands is marked above *ceiling* by now."""
        own = f"a.observable_id = {table}.id AND a.withdrawn_at IS NULL"
        let_in = (
            f"SELECT 1 FROM {_PAIRS} p CROSS JOIN assertion a ON {own} AND a.source_id = p.source_id"
            f" AND a.tag_id = p.tag_id WHERE p.why = {table}.was"
        )
        return (
            f"(EXISTS ({let_in} AND a.tlp > {ceiling:d})"
            f" AND NOT EXISTS ({let_in} AND (a.tlp IS NULL OR a.tlp <= {ceiling:d})))"
        )

    def tell(self, key: str) -> str:
        """Return the JSON of a key."""
        known = self._told.get(key)
        if known is None:
            word, _, pair = key.partition(" ")
            tag, source = self.named.pair(pair) if pair else ("", "")
            known = self._keep(key, reason(word, tag=tag, source=source) if pair else reason(word))
        return known

    def tell_kept(self, key: int) -> str:
        """Return the JSON of a reason for which the snapshot keeps something off."""
        known = self._told.get(key)
        if known is None:
            query = f"SELECT text FROM {REASONS} WHERE id = ?"
            known = self._keep(key, str(self._connection.execute(query, (key,)).fetchone()[0]))
        return known

    def was_withdrawn(self, table: str) -> str:
        """Return a condition: something of the observable was withdrawn, by whomever; few rows meet it."""
        any_ = f"SELECT 1 FROM assertion a WHERE a.observable_id = {table}.id"
        return f"EXISTS ({any_} AND (a.withdrawn_at IS NOT NULL OR {self.cleared()}))"

    def _keep(self, key: str | int, text: str) -> str:
        if len(self._told) >= _MANY:
            self._told.clear()
        self._told[key] = text
        return text

    def _pairs(self, texts: Iterable[tuple[int, str]]) -> Iterator[tuple[int, int, int]]:
        for why, text in texts:
            for pair in () if text.startswith("{") else text.split():
                tag, _, source = pair.partition(".")
                yield why, int(source), int(tag)

    def cleared(self) -> str:
        """Return a condition: assertion ``a`` is that of the false-positive button."""
        tags = ", ".join(str(tag.id) for tag in self._known.tags if tag.key == tag_key(CLEARED)) or "-1"
        source = self._known.sources.get(CLEARED_BY, -1)
        return f"a.source_id = {source} AND a.tag_id IN ({tags}) AND a.withdrawn_at IS NULL"

"""What formats say of an observable beyond its value: tags, sources, dates, kind, confidence, end, marking.

All of them go by the same assertions: tags, sources and dates are those of the fresh ones; kind, confidence and end of
those that let the observable onto the list, which the rows of a format with ``WHOLE_ROWS`` or ``COUNTED_ROWS`` tell;
the marking is that of all which are not withdrawn.  Where none is fresh (an export with ``--any-freshness``), those
count that are not withdrawn.
"""

from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from typing import Generic, TypeVar

from core.exports.formatting.choices import TLPS
from core.schemas.claim import TLP, Kind
from core.schemas.instant import Instant, to_text
from core.store.rows import instant_of
from core.store.snapshot import Row, RowAssertion
from core.values.characters import one_line

JOINER = ";"
CACHED = 4_096

Assertions = Sequence[RowAssertion]
Said = TypeVar("Said")

date = lru_cache(maxsize=65_536)(to_text)

_KINDS = {kind.name.lower(): kind for kind in Kind}
_TLP_WORDS = {tlp: word for word, tlp in TLPS.items()}


class Shown:
    """What is shown of an observable.  Nothing is worked out before it is asked for: tables show few of it.

    Attributes:
        standing: The assertions that are not withdrawn.
        fresh: Those of them that are fresh; if none is, all of them.
        counted: Those that let it onto the list; if it is not known which do, the fresh ones.
    """

    __slots__ = ("_counted", "fresh", "standing")

    def __init__(self, assertions: Assertions) -> None:
        self.standing: Assertions = [item for item in assertions if item.withdrawn_at is None]
        self.fresh: Assertions = [item for item in self.standing if item.fresh] or self.standing
        self._counted: Assertions | None = None

    @property
    def counted(self) -> Assertions:
        """The assertions that let it onto the list."""
        if self._counted is None:
            self._counted = [item for item in self.standing if item.counts] or self.fresh
        return self._counted

    def tags(self) -> Sequence[str]:
        """Return the tags, each once."""
        found = self.fresh
        if len(found) == 1:
            return [found[0].tag] if found[0].tag else []
        return list(dict.fromkeys([item.tag for item in found if item.tag]))

    def sources(self) -> Sequence[str]:
        """Return the sources, each once."""
        found = self.fresh
        return [found[0].source] if len(found) == 1 else list(dict.fromkeys([item.source for item in found]))

    def kinds(self) -> Sequence[str]:
        """Return the words of the kinds that let it onto the list, each once."""
        return list(dict.fromkeys([item.kind for item in self.counted]))

    def kind(self) -> Kind | None:
        """Return the worst of these kinds, ``None`` where nothing is claimed."""
        return max([_KINDS[item.kind] for item in self.counted], default=None)

    def confidence(self) -> int | None:
        """Return the highest confidence of what let it onto the list, 0 to 100; ``None`` if none is stated."""
        return max([item.confidence for item in self.counted if item.confidence is not None], default=None)

    def tlp(self) -> TLP | None:
        """Return the strictest marking of what is not withdrawn, ``None`` if nothing is marked."""
        return max([TLPS[item.tlp] for item in self.standing if item.tlp is not None], default=None)

    def tlp_word(self) -> str:
        """Return the word of the strictest marking, empty if nothing is marked."""
        found = self.tlp()
        return "" if found is None else _TLP_WORDS[found]

    def first_seen(self) -> str:
        """Return the earliest sighting, empty if it is not known."""
        dates = {item.first_seen or "" for item in self.fresh}
        return dates.pop() if len(dates) == 1 else min(filter(None, dates), key=instant_of, default="")

    def last_seen(self) -> str:
        """Return the latest sighting, empty if it is not known."""
        dates = {item.last_seen or "" for item in self.fresh}
        return dates.pop() if len(dates) == 1 else max(filter(None, dates), key=instant_of, default="")

    def valid_from(self) -> Instant | None:
        """Return the earliest beginning that something states which let it onto the list."""
        found = [instant_of(item.valid_from) for item in self.counted if item.valid_from is not None]
        return min(found, default=None)

    def valid_until(self) -> Instant | None:
        """Return the latest end of what let it onto the list, since any one of them suffices; ``None`` is never."""
        ends = [item.counts_until for item in self.counted]
        return None if None in ends else max([end for end in ends if end is not None], default=None)

    def changed_at(self, instant: Instant) -> Instant:
        """Return when time alone last changed it before *instant*: an assertion began or ended; 0 is never."""
        latest = 0
        for item in self.standing:
            moments = [item.expires_at, item.counts_until]
            if item.valid_from is not None:
                moments.append(instant_of(item.valid_from))
            for moment in moments:
                if moment is not None and latest < moment <= instant:
                    latest = moment
        return latest

    def renewed_at(self) -> Instant:
        """Return when an end was last moved by a source saying the same once more; 0 is never."""
        latest = 0
        for item in self.counted:
            until, received_at = item.counts_until, item.received_at or 0
            # Its end is where it is because it was last received then, and not because its source says so.
            is_moved = until is not None and (item.valid_until is None or until < instant_of(item.valid_until))
            if is_moved and received_at > latest:
                latest = received_at
        return latest

    def description(self) -> str:
        """Return one line for people: the tags, and in brackets the sources."""
        if not self.fresh:
            return ""
        return one_line(f"{JOINER.join(self.tags())} ({JOINER.join(self.sources())})")


class SharedBy(Generic[Said]):
    """Works out what to say of rows, once for those whose assertions are one list and whose key is the same."""

    def __init__(self, make: Callable[[Row], Said], keys: Callable[[Sequence[Row]], Sequence[Hashable]]) -> None:
        """Prepare to say what *make* returns of a row; *keys* returns that of each row, with the id of its list."""
        self._make, self._keys = make, keys
        self._known: dict[Hashable, Said] = {}
        self._kept: list[Assertions] = []

    def of_rows(self, rows: Sequence[Row]) -> list[Said]:
        """Return what is said of each of *rows*."""
        known, add = self._known, self._add
        keys = self._keys(rows)
        return [known[key] if key in known else add(key, row) for key, row in zip(keys, rows, strict=True)]

    def _add(self, key: Hashable, row: Row) -> Said:
        said = self._make(row)
        if len(self._known) >= CACHED:
            self._known.clear()
            self._kept.clear()
        # As long as a list is kept, no other has its id.
        self._kept.append(row.tags)
        self._known[key] = said
        return said


class Shared(SharedBy[Said]):
    """Works out what to say of assertions, once for each list of them: many rows share one."""

    def __init__(self, make: Callable[[Shown], Said]) -> None:
        """Prepare to say what *make* returns."""
        super().__init__(lambda row: make(Shown(row.tags)), lambda rows: [id(row.tags) for row in rows])

    def of(self, row: Row) -> Said:
        """Return what is said of the assertions of *row*."""
        return self.of_rows([row])[0]

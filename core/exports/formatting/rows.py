"""What formats say of an observable beyond its value: tags, sources, dates, confidence, marking.

They speak of the assertions that are fresh; if none is (an export with ``--any-freshness``), of all that are not
withdrawn.  Many rows share one list of assertions, so `Shared` works out what to say once for each list.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Generic, TypeVar

from core.schemas.instant import Instant, to_text
from core.store.rows import instant_of
from core.store.snapshot import RowAssertion
from core.values.characters import one_line

JOINER = ";"
TLP_ORDER = ("clear", "green", "amber", "amber+strict", "red")
LARGEST_CACHE = 4_096

Assertions = Sequence[RowAssertion]
Said = TypeVar("Said")

date = lru_cache(maxsize=65_536)(to_text)


def counted(assertions: Assertions) -> Assertions:
    """Return the assertions that a format speaks of."""
    return [item for item in assertions if item.fresh] or [
        item for item in assertions if item.withdrawn_at is None
    ]


class Shared(Generic[Said]):
    """Works out what to say of assertions, once for each list of them."""

    def __init__(self, make: Callable[[Assertions], Said]) -> None:
        """Prepare to say what *make* returns for those assertions that count."""
        self._make = make
        self._known: dict[int, tuple[Assertions, Said]] = {}

    def of(self, assertions: Assertions) -> Said:
        """Return what is said of *assertions*."""
        known = self._known.get(id(assertions))
        if known is not None and known[0] is assertions:
            return known[1]
        said = self._make(counted(assertions))
        if len(self._known) >= LARGEST_CACHE:
            self._known.clear()
        self._known[id(assertions)] = assertions, said
        return said


def tags(found: Assertions) -> str:
    """Return the tags, each once."""
    return found[0].tag if len(found) == 1 else JOINER.join(dict.fromkeys([item.tag for item in found]))


def sources(found: Assertions) -> str:
    """Return the sources, each once."""
    return found[0].source if len(found) == 1 else JOINER.join(dict.fromkeys([item.source for item in found]))


def kinds(found: Assertions) -> str:
    """Return the kinds of assertions, each once."""
    return JOINER.join(dict.fromkeys([item.kind for item in found]))


def first_seen(found: Assertions) -> str:
    """Return the earliest sighting, empty if it is not known."""
    dates = {item.first_seen or "" for item in found}
    return dates.pop() if len(dates) == 1 else min(filter(None, dates), key=instant_of, default="")


def last_seen(found: Assertions) -> str:
    """Return the latest sighting, empty if it is not known."""
    dates = {item.last_seen or "" for item in found}
    return dates.pop() if len(dates) == 1 else max(filter(None, dates), key=instant_of, default="")


def ends_at(found: Assertions) -> Instant | None:
    """Return when the last of them ends: any one keeps an observable listed; ``None`` is never."""
    ends = [item.expires_at for item in found]
    return None if None in ends or not ends else max(end for end in ends if end is not None)


def expires(found: Assertions) -> str:
    """Return when the last of them ends, empty if one never does."""
    end = ends_at(found)
    return "" if end is None else date(end)


def confidence(found: Assertions) -> int | None:
    """Return the highest confidence, ``None`` if none is stated."""
    return max((item.confidence for item in found if item.confidence is not None), default=None)


def tlp(found: Assertions) -> str:
    """Return the strictest marking, empty if there is none."""
    return max((item.tlp for item in found if item.tlp), key=TLP_ORDER.index, default="")


def description(found: Assertions) -> str:
    """Return one line for people: the tags, and in brackets the sources."""
    return one_line(f"{tags(found)} ({sources(found)})") if found else ""

"""What the assertions of a row say together, for formats that have one place for it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from core.exports.formatting.choices import TLPS
from core.schemas.claim import TLP, Kind
from core.schemas.instant import Instant
from core.store.rows import instant_of
from core.store.snapshot import RowAssertion

CACHED = 5_000

Assertions = Sequence[RowAssertion]


class Shown(NamedTuple):
    """What is shown of an observable.

    Attributes:
        tags: Of the assertions that are fresh, each once; if none is, of those that are not withdrawn.
        kind: The worst that those say which let it onto the list.
        confidence: The highest of theirs.
        tlp: The strictest marking of those that are not withdrawn; ``None`` if none is marked.
        valid_from: The earliest beginning that one of those states which let it onto the list.
        valid_until: The latest of their ends, since any one of them suffices; ``None`` is never.
        first_seen, last_seen: The earliest and latest of the sources' own dates.
        changed_at: The last instant at which one began or ended, so that this became something else without any
            source saying so; 0 if there is none.
        renewed_at: The last instant at which an end was moved by the source saying the same once more.
    """

    tags: tuple[str, ...]
    kind: Kind | None
    confidence: int | None
    tlp: TLP | None
    valid_from: Instant | None
    valid_until: Instant | None
    first_seen: Instant | None
    last_seen: Instant | None
    changed_at: Instant
    renewed_at: Instant


class ShownOf:
    """Tells what lists of assertions say; many rows share one, so that it is looked at once."""

    def __init__(self, instant: Instant) -> None:
        """Judge by the *instant* of the run."""
        self._instant = instant
        self._known: dict[int, tuple[Assertions, Shown]] = {}

    def __call__(self, assertions: Assertions) -> Shown:
        """Return what *assertions* say."""
        known = self._known.get(id(assertions))
        if known is not None and known[0] is assertions:
            return known[1]
        shown = _shown(assertions, self._instant)
        if len(self._known) >= CACHED:
            self._known.clear()
        self._known[id(assertions)] = assertions, shown
        return shown


def _shown(assertions: Assertions, instant: Instant) -> Shown:
    standing = [item for item in assertions if item.withdrawn_at is None]
    fresh = [item for item in standing if item.fresh] or standing
    counted = [item for item in standing if item.counts] or fresh
    ends = [item.counts_until for item in counted]
    return Shown(
        tags=tuple(dict.fromkeys(item.tag for item in fresh if item.tag)),
        kind=max((Kind[item.kind.upper()] for item in counted), default=None),
        confidence=max((item.confidence for item in counted if item.confidence is not None), default=None),
        tlp=max((TLPS[item.tlp] for item in standing if item.tlp is not None), default=None),
        valid_from=min(_dates(item.valid_from for item in counted), default=None),
        valid_until=None if None in ends else max((end for end in ends if end is not None), default=None),
        first_seen=min(_dates(item.first_seen for item in fresh), default=None),
        last_seen=max(_dates(item.last_seen for item in fresh), default=None),
        changed_at=max((moment for item in standing for moment in _turns(item) if moment <= instant), default=0),
        renewed_at=max((item.received_at or 0 for item in counted if _is_renewed(item)), default=0),
    )


def _dates(texts: Iterable[str | None]) -> Iterator[Instant]:
    return (instant_of(text) for text in texts if text is not None)


def _turns(item: RowAssertion) -> Iterator[Instant]:
    """Yield when an assertion begins and ends."""
    yield from _dates((item.valid_from,))
    yield from (moment for moment in (item.expires_at, item.counts_until) if moment is not None)


def _is_renewed(item: RowAssertion) -> bool:
    """Say whether its end is where it is because it was last received then, and not because its source says so."""
    until = item.counts_until
    return until is not None and (item.valid_until is None or until < instant_of(item.valid_until))

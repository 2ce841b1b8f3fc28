"""What the assertions of a row say together, for formats that have one place for it."""

from collections.abc import Sequence
from typing import NamedTuple

from core.exports.formatting.choices import TLPS
from core.schemas.claim import TLP, Kind
from core.schemas.instant import Instant
from core.store.rows import instant_of
from core.store.snapshot import RowAssertion

CACHED = 5_000

Assertions = Sequence[RowAssertion]

_KINDS = {kind.name.lower(): kind for kind in Kind}


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
    # Loops, since this is done for nearly every observable where hardly two have the same tags.
    standing = [item for item in assertions if item.withdrawn_at is None]
    fresh = [item for item in standing if item.fresh] or standing
    counted = [item for item in standing if item.counts] or fresh
    kind, confidence, valid_from, valid_until, renewed_at = _of_counted(counted)
    tlp, changed_at = _of_standing(standing, instant)
    first_seen = last_seen = None
    for item in fresh:
        if item.first_seen is not None:
            moment = instant_of(item.first_seen)
            first_seen = moment if first_seen is None or moment < first_seen else first_seen
        if item.last_seen is not None:
            moment = instant_of(item.last_seen)
            last_seen = moment if last_seen is None or moment > last_seen else last_seen
    return Shown(
        tags=tuple(dict.fromkeys([item.tag for item in fresh if item.tag])),
        kind=kind,
        confidence=confidence,
        tlp=tlp,
        valid_from=valid_from,
        valid_until=valid_until,
        first_seen=first_seen,
        last_seen=last_seen,
        changed_at=changed_at,
        renewed_at=renewed_at,
    )


def _of_counted(
    counted: Assertions,
) -> tuple[Kind | None, int | None, Instant | None, Instant | None, Instant]:
    """Return the worst kind, the highest confidence, the first beginning, the last end, and when that was moved."""
    kind, confidence, valid_from, valid_until = None, None, None, None
    renewed_at, has_no_end = 0, False
    for item in counted:
        own = _KINDS[item.kind]
        kind = own if kind is None or own > kind else kind
        if item.confidence is not None and (confidence is None or item.confidence > confidence):
            confidence = item.confidence
        if item.valid_from is not None:
            moment = instant_of(item.valid_from)
            valid_from = moment if valid_from is None or moment < valid_from else valid_from
        until = item.counts_until
        if until is None:
            has_no_end = True
            continue
        valid_until = until if valid_until is None or until > valid_until else valid_until
        received_at = item.received_at or 0
        # Its end is where it is because it was last received then, and not because its source says so.
        if received_at > renewed_at and (item.valid_until is None or until < instant_of(item.valid_until)):
            renewed_at = received_at
    return kind, confidence, valid_from, None if has_no_end else valid_until, renewed_at


def _of_standing(standing: Assertions, instant: Instant) -> tuple[TLP | None, Instant]:
    """Return the strictest marking, and the last instant at which one of them began or ended."""
    tlp, changed_at = None, 0
    for item in standing:
        if item.tlp is not None:
            own = TLPS[item.tlp]
            tlp = own if tlp is None or own > tlp else tlp
        if item.valid_from is not None and changed_at < (moment := instant_of(item.valid_from)) <= instant:
            changed_at = moment
        if item.expires_at is not None and changed_at < item.expires_at <= instant:
            changed_at = item.expires_at
        if item.counts_until is not None and changed_at < item.counts_until <= instant:
            changed_at = item.counts_until
    return tlp, changed_at

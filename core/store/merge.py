"""How what a source says now joins what it said before: the rules of one assertion.  Pure.

Of one (observable, source, tag): first seen and valid from go backwards, last seen forwards, received forwards.
What one session says several times is united (the highest kind, confidence, TLP, the latest end); what a later
session says replaces the earlier kind, confidence, TLP and end, also by silence.  Withdrawn stays withdrawn.
So the result does not depend on where an import is cut into batches.
"""

from typing import NamedTuple

from core.schemas.claim import TLP, Claim, Kind
from core.schemas.instant import LATEST, SECOND, Instant
from core.values.markings import strictest, tlp_of

Pair = tuple[int, int]
"""Source and tag, by row id."""


class Stated(NamedTuple):
    """What one claim states of an assertion."""

    kind: int
    first_seen: Instant | None
    last_seen: Instant | None
    valid_from: Instant | None
    valid_until: Instant | None
    confidence: int | None
    tlp: int | None


class Held(NamedTuple):
    """An assertion as the store holds it: what was stated, and what became of it."""

    kind: int
    first_seen: Instant | None
    last_seen: Instant | None
    valid_from: Instant | None
    valid_until: Instant | None
    confidence: int | None
    tlp: int | None
    withdrawn_at: Instant | None
    withdrawn_reason: str | None
    received_at: Instant
    created_at: Instant


FIELDS = Held._fields
BY_ITS_SOURCE = "withdrawn by its source"
"""The reason of what a source itself took back."""


class Life(NamedTuple):
    """How long one assertion lives where nothing says when it ends, in seconds; -1 is for ever.

    Attributes:
        default_s: Stands in for an end that nobody stated.
        own_s: Was set for its tag, source or type, and bounds a stated end; ``None`` if nothing was set.
        from_last_seen: It lives from the source's own date of last sight, where there is one.
    """

    default_s: int
    own_s: int | None = None
    from_last_seen: bool = False


def marking(claim: Claim) -> TLP | None:
    """Return how *claim* is marked: by itself, or else by the strictest of its tags that are markings."""
    return strictest(map(tlp_of, claim.tags)) if claim.tlp is None and claim.tags else claim.tlp


def stated(claim: Claim) -> Stated:
    """Return what *claim* states, as plain integers."""
    tlp = marking(claim)
    return Stated(
        int(claim.kind),
        claim.first_seen,
        claim.last_seen,
        claim.valid_from,
        claim.valid_until,
        claim.confidence,
        None if tlp is None else int(tlp),
    )


def begun(new: Stated, instant: Instant) -> Held:
    """Return the assertion that *new* begins."""
    return Held(*new, None, None, instant, instant)


def merged(old: Held, new: Stated, instant: Instant) -> Held:
    """Return *old* after a session of *instant* said *new*."""
    if old.received_at == instant:
        latest = (
            max(old.kind, new.kind),
            _later(old.valid_until, new.valid_until),
            _later(old.confidence, new.confidence),
            _later(old.tlp, new.tlp),
        )
    elif old.received_at < instant:
        latest = (new.kind, new.valid_until, new.confidence, new.tlp)
    else:  # a session that began later was quicker: its statement is the newer one
        latest = (old.kind, old.valid_until, old.confidence, old.tlp)
    kind, valid_until, confidence, tlp = latest
    return Held(
        kind,
        _earlier(old.first_seen, new.first_seen),
        _later(old.last_seen, new.last_seen),
        _earlier(old.valid_from, new.valid_from),
        valid_until,
        confidence,
        tlp,
        old.withdrawn_at,
        old.withdrawn_reason,
        max(old.received_at, instant),
        old.created_at,
    )


def differs(old: Held, new: Held) -> bool:
    """Say whether anything but the time of receipt moved."""
    return old[:9] != new[:9]


def end(held: Held, life: Life) -> Instant:
    """Return when *held* stops counting; ``LATEST`` is never."""
    since = held.last_seen if life.from_last_seen and held.last_seen is not None else held.received_at
    return ends_at(held.valid_until, since, life)


def ends_at(valid_until: Instant | None, since: Instant, life: Life) -> Instant:
    """Return the first of the ends there are: as stated, and by its own lifetime; else by the default one."""
    if life.own_s is None:
        return lives_until(since, life.default_s) if valid_until is None else valid_until
    bound = lives_until(since, life.own_s)
    return bound if valid_until is None else min(valid_until, bound)


def lives_until(since: Instant, lifetime_s: int) -> Instant:
    """Return the end of a lifetime; ``LATEST`` is for ever, as is what lies behind it."""
    return LATEST if lifetime_s < 0 else min(LATEST, since + lifetime_s * SECOND)


def sure_until(held: Held, life: Life, instant: Instant) -> Instant:
    """Return until when *held* surely makes its observable count, seen from *instant*; 0 is not at all."""
    begins_later = held.valid_from is not None and held.valid_from > instant
    if held.withdrawn_at is not None or held.kind < Kind.SUSPICIOUS or begins_later:
        return 0
    return max(0, end(held, life))


def _earlier(one: Instant | None, other: Instant | None) -> Instant | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _later(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)

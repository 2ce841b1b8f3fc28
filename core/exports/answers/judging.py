"""Judge one observable by a selection, as `core.store.conditions` does all of them in SQL, and say what decided."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from core.schemas.claim import CLEARED_BY, Kind
from core.schemas.export import Selection
from core.schemas.instant import LATEST, SECOND, Instant
from core.store.conditions import CLEARED, Known
from core.store.databases.interface import Connection
from core.store.merge import ends_at
from core.values.tags import tag_key

Reason = dict[str, str]
"""Why an observable is not listed: its word under ``reason``, and what else there is to say."""


class Fact(NamedTuple):
    """An assertion as the store has it."""

    tag: str
    tag_id: int
    source: str
    source_id: int
    kind: int
    created_at: Instant
    received_at: Instant
    valid_from: Instant | None
    valid_until: Instant | None
    first_seen: Instant | None
    last_seen: Instant | None
    withdrawn_at: Instant | None
    withdrawn_reason: str | None
    confidence: int | None
    tlp: int | None


@dataclass(frozen=True, slots=True)
class Judged:
    """An assertion, and whether it counts.

    Attributes:
        fact: The assertion.
        ends_at: The end of its window; ``None`` is never.
        counts: It is one of those that let the observable in.
        why_not: Else the word for that: ``withdrawn``, ``ignored``, ``benign``, ``info``, ``source``, ``tlp``,
            ``confidence``, ``undated``, ``not-begun``, ``ended`` or ``tag``.
        excludes: It keeps the observable off.
        grace_until: It has ended, and counts until then by the grace alone.
        is_sticky: It keeps the observable off whatever its end: its tag is sticky.
    """

    fact: Fact
    ends_at: Instant | None
    counts: bool
    why_not: str
    excludes: bool
    grace_until: Instant | None = None
    is_sticky: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a selection makes of an observable.

    Attributes:
        assertions: Each with whether it counts.
        reason: Why it is not taken; ``None`` if it is.
    """

    assertions: tuple[Judged, ...]
    reason: Reason | None

    @property
    def takes(self) -> bool:
        """Whether the selection takes it."""
        return self.reason is None


def facts_of(connection: Connection, key: int) -> list[Fact]:
    """Return the assertions of the observable with row id *key*, by tag and source."""
    rows = connection.execute(
        "SELECT t.name, t.id, s.name, s.id, a.kind, a.created_at, a.received_at, a.valid_from, a.valid_until,"
        " a.first_seen, a.last_seen, a.withdrawn_at, a.withdrawn_reason, a.confidence, a.tlp FROM assertion a"
        " JOIN tag t ON t.id = a.tag_id JOIN source s ON s.id = a.source_id"
        " WHERE a.observable_id = ? ORDER BY t.name, s.name",
        (key,),
    )
    return [Fact(*row) for row in rows]


def judge(
    known: Known,
    selection: Selection,
    instant: Instant,
    type_: str,
    facts: list[Fact],
    *,
    as_it_was: bool = False,
) -> Judgement:
    """Return what *selection* makes of an observable at *instant*.

    Args:
        known: What the snapshot knows of tags, sources and lifetimes.
        selection: With types.
        instant: When it has to be valid.
        type_: Of the observable.
        facts: Its assertions.
        as_it_was: What came in, or was withdrawn, only after *instant* is not known yet.
    """
    if as_it_was:
        facts = [fact for fact in facts if fact.created_at <= instant]
    return _Judge(known, selection, instant, type_, as_it_was).judgement(facts)


class _Judge:
    """Functions that share their arguments."""

    def __init__(self, known: Known, selection: Selection, instant: Instant, type_: str, as_it_was: bool) -> None:
        self._known, self._selection, self._instant, self._type = known, selection, instant, type_
        self._as_it_was = as_it_was
        self._include = frozenset(map(tag_key, selection.include))
        self._require = frozenset(map(tag_key, selection.require))
        self._ignore = frozenset(map(tag_key, selection.ignore))
        self._exclude = frozenset(map(tag_key, selection.exclude)) - self._ignore
        self._sticky = known.sticky
        good = {tag for tag in known.tags if tag.is_sticky or tag.key == tag_key(CLEARED)}
        if any(tag.key in self._include | self._require for tag in good):
            good = set()
        self._good = {tag.id for tag in good if tag.key not in self._exclude | self._ignore}

    def judgement(self, facts: list[Fact]) -> Judgement:
        judged = tuple(self._judged(fact) for fact in facts)
        return Judgement(judged, self._reason(facts, judged))

    def _judged(self, fact: Fact) -> Judged:
        end = self._end(fact)
        why_not, excludes = self._why_not(fact), self._excludes(fact)
        is_graced = not why_not and not self._selection.any_freshness and end <= self._instant
        return Judged(
            fact,
            None if end >= LATEST else end,
            not why_not,
            why_not,
            excludes,
            end + self._selection.grace_s * SECOND if is_graced else None,
            excludes and self._never_lapses(fact),
        )

    def _end(self, fact: Fact) -> Instant:
        life = self._known.lifetimes.of(fact.tag_id, fact.source_id, self._type)
        since = fact.last_seen if life.from_last_seen and fact.last_seen is not None else fact.received_at
        return ends_at(fact.valid_until, since, life)

    def _stands(self, fact: Fact) -> bool:
        return fact.withdrawn_at is None or (self._as_it_was and fact.withdrawn_at > self._instant)

    def _has_begun(self, fact: Fact) -> bool:
        return fact.valid_from is None or fact.valid_from <= self._instant

    def _why_not(self, fact: Fact) -> str:
        """Return why an assertion does not count; empty if it does."""
        if not self._stands(fact):
            return "withdrawn"
        if why := self._why_never(fact):
            return why
        if not self._has_begun(fact):
            return "not-begun"
        if not self._selection.any_freshness:
            graced = self._instant - self._selection.grace_s * SECOND
            if self._end(fact) <= graced:
                return "ended"
        asked = self._include | self._require
        return "tag" if self._include and tag_key(fact.tag) not in asked else ""

    def _why_never(self, fact: Fact) -> str:
        """Return why an assertion would not count whatever the time."""
        wanted = self._selection
        key = tag_key(fact.tag)
        if key in self._ignore:
            return "ignored"
        if fact.kind == Kind.BENIGN and key not in (self._include | self._require):
            return "benign"
        if fact.kind == Kind.INFO and not wanted.with_info:
            return "info"
        if wanted.sources and fact.source not in wanted.sources:
            return "source"
        if wanted.most_tlp is not None and fact.tlp is not None and fact.tlp > wanted.most_tlp:
            return "tlp"
        if wanted.least_confidence is not None:
            sure = self._known.confidences.get(fact.source_id) if fact.confidence is None else fact.confidence
            if sure is None or sure < wanted.least_confidence:
                return "confidence"
        return "undated" if wanted.undated == "drop" and self._is_undated(fact) else ""

    def _is_undated(self, fact: Fact) -> bool:
        life = self._known.lifetimes.of(fact.tag_id, fact.source_id, self._type)
        dates = (fact.valid_until, fact.valid_from, fact.first_seen, fact.last_seen)
        return dates == (None, None, None, None) and (life.default_s if life.own_s is None else life.own_s) < 0

    def _excludes(self, fact: Fact) -> bool:
        is_good = fact.tag_id in self._good
        if not (tag_key(fact.tag) in self._exclude or (is_good and fact.kind == Kind.BENIGN)):
            return False
        if not (self._stands(fact) and self._has_begun(fact)):
            return False
        lasts = self._selection.any_freshness or self._never_lapses(fact)
        return lasts or self._end(fact) > self._instant

    def _never_lapses(self, fact: Fact) -> bool:
        return fact.tag_id in self._good | self._sticky

    def _reason(self, facts: list[Fact], judged: tuple[Judged, ...]) -> Reason | None:
        if self._selection.types and self._type not in self._selection.types:
            return {"reason": "type", "type": self._type}
        excluders = [item.fact for item in judged if item.excludes]
        for fact in excluders:
            if fact.source == CLEARED_BY and tag_key(fact.tag) == tag_key(CLEARED):
                return {"reason": "withdrawn", "by": CLEARED_BY, **_said(facts)}
        missing = self._missing(facts, judged)
        if missing is not None and missing["reason"] == "withdrawn":
            return missing
        if excluders:
            return {"reason": "excluded", "tag": excluders[0].tag, "source": excluders[0].source}
        return missing

    def _missing(self, facts: list[Fact], judged: tuple[Judged, ...]) -> Reason | None:
        """Return what an observable lacks to be let in."""
        counting = [item.fact for item in judged if item.counts or item.why_not == "tag"]
        lets_in = [fact for fact in counting if not self._include or self._is_included(fact)]
        if not lets_in:
            return None if self._is_untagged(facts) and self._has_all(()) is None else self._why_nothing(judged)
        return self._has_all(counting)

    def _has_all(self, counting: list[Fact] | tuple[()]) -> Reason | None:
        keys = {tag_key(fact.tag) for fact in counting}
        for name in self._selection.require:
            if tag_key(name) not in keys:
                return {"reason": "lacks", "tag": name}
        return next(self._undated_by(counting), None)

    def _undated_by(self, counting: list[Fact] | tuple[()]) -> Iterator[Reason]:
        wanted = self._selection
        if wanted.max_age_s is not None:
            since = self._instant - wanted.max_age_s * SECOND
            if not any(fact.received_at >= since for fact in counting):
                yield {"reason": "too-old"}
        if wanted.last_seen_after is not None and not any(
            fact.last_seen is not None and fact.last_seen >= wanted.last_seen_after for fact in counting
        ):
            yield {"reason": "last-seen"}
        if wanted.first_seen_after is not None:
            seen = [fact.first_seen for fact in counting if fact.first_seen is not None]
            if not seen or min(seen) < wanted.first_seen_after:
                yield {"reason": "first-seen"}

    def _why_nothing(self, judged: tuple[Judged, ...]) -> Reason:
        """Return why no assertion lets an observable in: of those that would, what became of them."""
        whys = {item.why_not for item in judged if self._would_let_in(item.fact)}
        if "withdrawn" in whys:
            return {"reason": "withdrawn", **_said([item.fact for item in judged if item.why_not == "withdrawn"])}
        if "ended" in whys:
            return {"reason": "expired"}
        if "not-begun" in whys:
            return {"reason": "not-begun"}
        if not judged:
            return {"reason": "untagged"}
        if any(item.counts or item.why_not == "tag" for item in judged):
            return {"reason": "not-included"}
        return {"reason": "nothing-counts"}

    def _would_let_in(self, fact: Fact) -> bool:
        return not self._why_never(fact) and (not self._include or self._is_included(fact))

    def _is_included(self, fact: Fact) -> bool:
        return tag_key(fact.tag) in self._include - self._ignore

    def _is_untagged(self, facts: list[Fact]) -> bool:
        if not self._selection.untagged or self._selection.include:
            return False
        return all(
            tag_key(fact.tag) in self._ignore and fact.withdrawn_at is None and fact.kind != Kind.BENIGN
            for fact in facts
        )


def _said(facts: list[Fact]) -> Reason:
    """Return what was said when assertions were withdrawn, the latest of it."""
    said = [fact for fact in facts if fact.withdrawn_at is not None and fact.withdrawn_reason]
    last = max(said, key=lambda fact: fact.withdrawn_at or 0, default=None)
    return {"said": last.withdrawn_reason} if last is not None and last.withdrawn_reason else {}

"""Which assertions of a row let it onto a list, and until when: what `conditions` asks of the database, of one row."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.schemas.claim import Kind
from core.schemas.export import Selection
from core.schemas.instant import SECOND, Instant
from core.store.conditions import Known
from core.values.tags import tag_key

if TYPE_CHECKING:
    from core.store.rows import RowAssertion

_WORSE = {Kind.SUSPICIOUS.name.lower(), Kind.MALICIOUS.name.lower()}
_INFO, _BENIGN = Kind.INFO.name.lower(), Kind.BENIGN.name.lower()


class LettingIn:
    """Judges the assertions of rows that a selection takes.

    Args:
        selection: What the rows were taken by.
        known: What the snapshot knows of tags and sources.
    """

    def __init__(self, selection: Selection, known: Known) -> None:
        self._selection = selection
        self._kinds = _WORSE | ({_INFO} if selection.with_info else set())
        self._included, self._ignored = _keys(selection.include), _keys(selection.ignore)
        self._named = self._included | _keys(selection.require)
        self._goes_by_tags = bool(self._ignored or self._included)
        # What most selections are: then the kind alone decides.
        drops_undated = selection.undated == "drop"
        self._goes_by_kind = not (self._goes_by_tags or drops_undated or selection.least_confidence is not None)
        names = {key: name for name, key in known.sources.items()}
        self._confidences = {names[key]: value for key, value in known.confidences.items()}

    def judge(
        self, item: "RowAssertion", valid_until: Instant | None, *, has_begun: bool, instant: Instant
    ) -> None:
        """Put down whether *item*, which states that end, counts at *instant*, and until when."""
        until, is_in_time = self._until(item.expires_at, instant)
        if self._selection.any_freshness:
            until = valid_until  # the list keeps it beyond that, and does not hide what its source says
        item.counts = has_begun and is_in_time and self._is_asked_for(item)
        item.counts_until = until

    def judge_alike(self, items: Sequence["RowAssertion"], expires_at: Instant | None, instant: Instant) -> None:
        """Do as `judge` does for assertions that have begun, state no end and all end then."""
        until, is_in_time = self._until(expires_at, instant)
        kinds, by_kind = self._kinds, self._goes_by_kind
        for item in items:
            item.counts = is_in_time and ((by_kind and item.kind in kinds) or self._is_asked_for(item))
            item.counts_until = until

    def _until(self, expires_at: Instant | None, instant: Instant) -> tuple[Instant | None, bool]:
        """Return until when what ends then can count, and whether it still does."""
        if expires_at is None or self._selection.any_freshness:
            return None, True
        until = expires_at + self._selection.grace_s * SECOND
        return until, instant < until

    def bound(self, items: Sequence["RowAssertion"]) -> None:
        """Let none of those that were judged count for longer than the list keeps what nobody has said again."""
        if self._selection.max_age_s is None:
            return
        received = [item.received_at for item in items if item.counts and item.received_at is not None]
        if not received:
            return
        until = max(received) + self._selection.max_age_s * SECOND + 1
        for item in items:
            item.counts_until = until if item.counts_until is None else min(item.counts_until, until)

    def _is_asked_for(self, item: "RowAssertion") -> bool:
        selection = self._selection
        if selection.undated == "drop" and item.expires_at is None and not _has_date(item):
            return False
        if selection.least_confidence is not None:
            confidence = item.confidence
            confidence = self._confidences.get(item.source) if confidence is None else confidence
            if confidence is None or confidence < selection.least_confidence:
                return False
        if not self._goes_by_tags and item.kind in self._kinds:
            return True
        key = tag_key(item.tag)
        if item.kind not in self._kinds and not (item.kind == _BENIGN and key in self._named):
            return False
        return key not in self._ignored and (not self._included or key in self._included)


def _keys(names: tuple[str, ...]) -> set[str]:
    return {tag_key(name) for name in names}


def _has_date(item: "RowAssertion") -> bool:
    return any((item.valid_from, item.valid_until, item.first_seen, item.last_seen))

"""What is not as it should be at an instant.  Pure: facts of the store in, conditions out.

What is known to be wrong counts in three places, so that nothing is over before it is: a failed run does not end that a
list is held, a run that begins ends neither a failure nor a delay.
"""

from collections.abc import Iterable, Iterator, Mapping

from core.notices.settings import NoticeSettings
from core.redaction import redact
from core.schemas.instant import Instant
from core.schemas.notice import (
    EXPIRED,
    EXPIRING,
    EXPIRING_TOKEN,
    FAILED,
    HELD,
    OVERDUE,
    STALE_CONSUMER,
    Condition,
)
from core.store.export_facts import ExportFacts
from core.store.notice_facts import Facts, TokenFacts
from core.store.standings import Standing, is_stale

Known = Mapping[tuple[str, str], Condition]
"""Conditions by kind and subject."""

MOST_WHY = 500
"""Letters of an error that are told; the log has all of it."""

_WITH_EXAMPLES = {
    "check": "the format's own check failed",
    "own-assets": "own assets are on the list",
    "require": "what must be on the list is not",
}
"""Rules of the gate whose reasons name values, and how they are told without."""


def conditions(facts: Facts, known: Known, settings: NoticeSettings, now: Instant) -> list[Condition]:
    """Return what is wrong, each once, in a steady order."""
    found: list[Condition] = []
    for item in facts.exports:
        found += _of_export(item, known, settings, now)
    found += (made for item in facts.standings if (made := _stale(item, settings, now)) is not None)
    found += _first_of_each(made for token in facts.tokens if (made := _ending(token, settings, now)) is not None)
    return found


def _first_of_each(found: Iterable[Condition]) -> list[Condition]:
    """Return of two tokens of a consumer the first to end: one consumer is one condition."""
    first: dict[tuple[str, str], Condition] = {}
    for item in found:
        first.setdefault(item.key, item)
    return list(first.values())


def _of_export(item: ExportFacts, known: Known, settings: NoticeSettings, now: Instant) -> Iterator[Condition]:
    held = _held(item, known.get((HELD, item.name)))
    failed = _failed(item, known.get((FAILED, item.name)))
    overdue = _overdue(item, known.get((OVERDUE, item.name)), settings, now)
    yield from (made for made in (held, failed, overdue) if made is not None)


def _held(item: ExportFacts, before: Condition | None) -> Condition | None:
    last, waiting = item.last, item.waiting
    is_last = last is not None and last.status == HELD
    if waiting is not None:
        detail = {
            "entries": waiting.entries,
            "reasons": [_without_examples(*reason) for reason in waiting.reasons],
            "can_be_released": waiting.can_be_released,
        }
        since = last.since if last is not None and is_last else waiting.made_at
        return Condition(HELD, item.name, HELD, since, detail)
    if last is not None and is_last:
        # What it would publish is published already: there is no candidate, and nothing to release.
        reasons = [_without_examples("", last.message)]
        return Condition(HELD, item.name, HELD, last.since, {"reasons": reasons, "can_be_released": False})
    if before is not None and last is not None and last.status == "failed":
        return before
    return None


def _failed(item: ExportFacts, before: Condition | None) -> Condition | None:
    if item.lost_at is not None:
        return Condition(FAILED, item.name, FAILED, item.lost_at, {"why": _shortened(item.lost_message)})
    last = item.last
    if last is None or last.status != "failed":
        return None
    # One that is tried again soon, or was taken over from a worker that died, may do without anybody.
    if before is None and item.is_trying:
        return None
    return Condition(FAILED, item.name, FAILED, last.since, {"why": _shortened(last.message)})


def _without_examples(rule: str, text: str) -> str:
    if rule in _WITH_EXAMPLES:
        return _WITH_EXAMPLES[rule]
    # Without the rule nobody knows where examples may stand; they do so behind a colon.
    return text if rule else text.partition(": ")[0].partition(" (")[0]


def _shortened(text: str) -> str:
    text = redact(text)
    return text if len(text) <= MOST_WHY else f"{text[:MOST_WHY]}…"


def _overdue(
    item: ExportFacts, before: Condition | None, settings: NoticeSettings, now: Instant
) -> Condition | None:
    if item.due_at is None or item.due_at > now:
        return None
    if before is not None:
        has_run = item.last is not None and item.last.finished_at > before.since
        return None if has_run else before
    if item.due_at + settings.overdue_after >= now:
        return None
    return Condition(OVERDUE, item.name, OVERDUE, item.due_at, {"due_at": item.due_at})


def _stale(item: Standing, settings: NoticeSettings, now: Instant) -> Condition | None:
    if item.last_at is None or not is_stale(item, now, settings.stale_after):
        return None
    detail = {"consumer": item.consumer, "export": item.export, "version": item.version, "current": item.current}
    return Condition(STALE_CONSUMER, f"{item.consumer}: {item.export}", STALE_CONSUMER, item.last_at, detail)


def _ending(item: TokenFacts, settings: NoticeSettings, now: Instant) -> Condition | None:
    # Of a short life half is told of, not all.
    before = min(settings.token_before, (item.expires_at - item.created_at) // 2)
    begins = item.expires_at - before
    subject = f"key {item.owner}: {item.name}" if item.is_key else f"token of {item.owner}"
    detail = {"is_key": item.is_key, "owner": item.owner, "name": item.name, "expires_at": item.expires_at}
    if now < begins or now >= item.expires_at + settings.token_before:
        return None  # one that ended long ago is missed by nobody
    if now < item.expires_at:
        return Condition(EXPIRING_TOKEN, subject, EXPIRING, begins, detail)
    return Condition(EXPIRING_TOKEN, subject, EXPIRED, item.expires_at, detail)

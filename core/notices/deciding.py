"""What of all that is wrong is news, and for whom.  Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from core.notices import texts
from core.notices.settings import NoticeSettings
from core.notices.wrong import Known, conditions
from core.schemas.instant import Instant
from core.schemas.notice import EXPIRED, EXPIRING, EXPIRING_TOKEN, HELD, RECOVERED, RELEASED, Condition, Notice
from core.store.notice_facts import Facts

MOST_AT_ONCE = 5
"""More than so many changes in one look are told in one notice."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be written, all of it or nothing.

    Attributes:
        put: Conditions that are new or changed, as they are to be kept.
        drop: Conditions that are over.
        notices: What is to be told.
    """

    put: tuple[Condition, ...] = ()
    drop: tuple[Condition, ...] = ()
    notices: tuple[Notice, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.put or self.drop or self.notices)


def decide(
    facts: Facts,
    known: Known,
    settings: NoticeSettings,
    now: Instant,
    *,
    has_channels: bool,
    new_key: Callable[[], str],
) -> Decision:
    """Return what changed, and what is to be told of it.

    Args:
        facts: What the store knows.
        known: What was wrong when it was last looked.
        settings: What is told, and when.
        now: The present instant.
        has_channels: Whether anybody can be told.
        new_key: Gives a key that no notice has.
    """
    kinds = settings.kinds if has_channels else frozenset()
    put: list[Condition] = []
    notices: list[Notice] = []
    wrong = conditions(facts, known, settings, now)
    for item in wrong:
        before = known.get(item.key)
        after = in_its_state(item, before)
        told_by = before.told_by if before is not None else ""
        if item.kind in kinds and not after.told_by:
            made = texts.begun(after, new_key(), now, follows=told_by)
            notices.append(made)
            after = replace(after, told_by=made.key)
        if after != before:
            put.append(after)
    gone = [known[key] for key in sorted(known.keys() - {item.key for item in wrong})]
    notices += [texts.over(item, facts, new_key(), now) for item in gone if _is_told(item, facts, kinds, now)]
    if len(notices) <= MOST_AT_ONCE:
        return Decision(tuple(put), tuple(gone), tuple(notices))
    return _at_once(put, gone, notices, new_key(), now)


def in_its_state(item: Condition, before: Condition | None) -> Condition:
    """Return *item* as it goes on from *before*: since then and told then, if its state is the same.

    That another token ends, where that of before was replaced, is another state.
    """
    if before is None or before.state != item.state:
        return item
    if item.kind == EXPIRING_TOKEN and before.detail["name"] != item.detail["name"]:
        return item
    return replace(item, since=before.since, told_by=before.told_by)


def _is_told(item: Condition, facts: Facts, kinds: frozenset[str], now: Instant) -> bool:
    """Say whether its end is news: to those who heard of it, or asked to hear of ends alone."""
    if (RELEASED if item.kind == HELD else RECOVERED) not in kinds:
        return False
    if item.kind == EXPIRING_TOKEN and item.state == EXPIRED and _is_there(item, facts):
        return False  # it is forgotten, not mended
    if item.kind == EXPIRING_TOKEN and item.state == EXPIRING and item.detail["expires_at"] <= now:
        return False  # it ended where nobody uses it, or will be refused soon
    return bool(item.told_by) or item.kind not in kinds


def _is_there(item: Condition, facts: Facts) -> bool:
    return any(
        (token.is_key, token.owner, token.name, token.expires_at)
        == (item.detail["is_key"], item.detail["owner"], item.detail["name"], item.detail["expires_at"])
        for token in facts.tokens
    )


def _at_once(
    put: Sequence[Condition], gone: Sequence[Condition], notices: Sequence[Notice], key: str, now: Instant
) -> Decision:
    together = texts.several(notices, key, now)
    keys = {item.key for item in notices}
    kept = (replace(item, told_by=key) if item.told_by in keys else item for item in put)
    return Decision(tuple(kept), tuple(gone), (together,))

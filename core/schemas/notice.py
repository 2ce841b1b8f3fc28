"""What is not as it should be, and what somebody is told of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.schemas.instant import Instant

HELD, FAILED, OVERDUE = "held", "failed", "overdue"
STALE_CONSUMER, EXPIRING_TOKEN = "stale-consumer", "expiring-token"
KINDS = (HELD, FAILED, OVERDUE, STALE_CONSUMER, EXPIRING_TOKEN)
"""Kinds of conditions: the first three are of exports."""

RELEASED, RECOVERED = "released", "recovered"
"""States of what is over: a held list is released, everything else recovers."""

EXPIRING, EXPIRED = "expiring", "expired"
"""States of a key or token; of the other kinds the state is the kind itself."""

TEST, SEVERAL = "test", "several"
"""Kinds of notices that are of no single condition."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that is not as it should be.

    Attributes:
        kind: One of `KINDS`.
        subject: Name of an export; ``CONSUMER: EXPORT``; a consumer or a key of a user, as `EXPIRING_TOKEN` has them.
        state: The kind, or how far it has come.
        since: When it began.
        detail: What is known of it, in JSON's terms; no secret, and nothing of a list but numbers.
        told_by: Key of the notice that told it; empty: nobody was told.
    """

    kind: str
    subject: str
    state: str
    since: Instant
    detail: Mapping[str, Any] = field(default_factory=dict)
    told_by: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What it is known by."""
        return self.kind, self.subject


@dataclass(frozen=True, slots=True)
class Notice:
    """A change of state, in words.

    Attributes:
        key: What receivers know it by, however often it comes.
        kind: Of the condition; or `TEST`, or `SEVERAL`, which is many at once.
        subject: Of the condition.
        state: What it is now.
        since: When the condition began; of one that is over, when that was.
        made_at: When the change was seen.
        title: One line.
        message: What happened, in one line or several.
        advice: What to do, each one line.
        detail: As of the condition.
        follows: Key of the notice that this one ends; empty: of none.
    """

    key: str
    kind: str
    subject: str
    state: str
    since: Instant
    made_at: Instant
    title: str
    message: str
    advice: tuple[str, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)
    follows: str = ""

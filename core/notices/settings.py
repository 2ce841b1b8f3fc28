"""What the notices need to know of the configuration."""

import socket
from dataclasses import dataclass, field

from core.config import Config
from core.schemas.instant import DAY, SECOND, Instant
from core.schemas.notice import EXPIRING_TOKEN, FAILED, HELD, OVERDUE, RECOVERED, RELEASED, STALE_CONSUMER
from core.store.standings import STALE_AFTER

MINUTE: Instant = 60 * SECOND
EVERYTHING = frozenset({HELD, RELEASED, FAILED, OVERDUE, STALE_CONSUMER, EXPIRING_TOKEN, RECOVERED})


@dataclass(frozen=True, slots=True)
class NoticeSettings:
    """What is told, and when; spans of time are in microseconds.

    Attributes:
        installation: How this installation is called.
        kinds: What is told, of `EVERYTHING`.
        overdue_after: So long after it was due an export that did not run is overdue.
        stale_after: So long, at least, a consumer may be silent.
        token_before: So long before it ends a key or token is told of.
    """

    installation: str
    kinds: frozenset[str] = field(default=EVERYTHING)
    overdue_after: Instant = 60 * MINUTE
    stale_after: Instant = STALE_AFTER
    token_before: Instant = 14 * DAY


def settings_of(config: Config) -> NoticeSettings:
    """Return the settings of the notices as the configuration has them."""
    return NoticeSettings(
        installation=config["notify.installation"] or socket.gethostname(),
        kinds=frozenset(config.words("notify.kinds")),
        overdue_after=config.whole("notify.overdue_after_minutes") * MINUTE,
        stale_after=config.whole("notify.stale_after_minutes") * MINUTE,
        token_before=config.whole("notify.token_days") * DAY,
    )

"""Which versions are kept: the words and the rules of restic's ``forget``, and nothing else decides.

Days and weeks are those of the calendar in UTC, weeks from Monday (ISO 8601); only those that have versions count.
Source: restic's documentation, "Removing snapshots according to a policy".
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from core.schemas.instant import DAY, Instant

_FIRST_MONDAY: Instant = 4 * DAY
"""1970-01-05: weeks begin there, and every seven days before and after."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is kept; a version that one rule keeps is kept.

    Attributes:
        keep_last: So many of the latest versions; at least one.
        keep_daily: The latest version of each day, for the last so many days that have versions.
        keep_weekly: The same for weeks.

    Raises:
        ValueError: A number is negative, or not even the latest version would be kept.
    """

    keep_last: int = 24
    keep_daily: int = 14
    keep_weekly: int = 8

    def __post_init__(self) -> None:
        """Refuse what would keep nothing."""
        if self.keep_last < 1 or self.keep_daily < 0 or self.keep_weekly < 0:
            raise ValueError("at least the latest version is kept, and no number is negative")


def kept(
    versions: Sequence[tuple[int, Instant]], policy: Policy, now: Instant, spared: Collection[int] = ()
) -> set[int]:
    """Return the numbers of the versions that are kept; the others may be deleted.

    A version from the future (the clock was wrong, then or now) is kept and does not count, so that a clock that
    steps back deletes nothing.  While there are fewer days or weeks than asked for, the oldest version is kept too.

    Args:
        versions: Number and instant of each, in any order.  Which of two is the later, the numbers say.
        policy: The rules.
        now: The instant of this run.
        spared: Numbers that stay in any case: current, pinned, rolled back to.
    """
    past = sorted((item for item in versions if item[1] <= now), reverse=True)
    numbers = [number for number, _ in past]
    stay = {number for number, _ in versions} - set(numbers)
    stay.update(number for number, _ in versions if number in set(spared))
    stay.update(numbers[: policy.keep_last])
    stay.update(_latest_of_each(past, policy.keep_daily, lambda instant: instant // DAY))
    stay.update(_latest_of_each(past, policy.keep_weekly, lambda instant: (instant - _FIRST_MONDAY) // (7 * DAY)))
    return stay


def _latest_of_each(
    past: Sequence[tuple[int, Instant]], most: int, period_of: Callable[[Instant], int]
) -> set[int]:
    """Return the latest version of each of the last *most* periods that have one; *past* begins with the latest."""
    if not past or not most:
        return set()
    latest: dict[int, int] = {}
    for number, instant in past:
        latest.setdefault(period_of(instant), number)
    periods = sorted(latest, reverse=True)[:most]
    oldest = {past[-1][0]} if len(latest) < most else set()
    return {latest[period] for period in periods} | oldest

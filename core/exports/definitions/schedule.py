"""When an export is due: every so often, or at the times of a cron expression; in a time zone, spread by a jitter.  Pure.

A schedule is kept as a text: ``every:<seconds>`` or ``cron:<five fields>``; behind that may stand, each after a
semicolon, ``zone=<IANA name>`` (of a cron expression, UTC without) and ``jitter=<seconds>``.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from core.errors import DefinitionError
from core.schemas.instant import LATEST, SECOND, Instant, from_datetime, to_datetime

MOST_JITTER_S = 86_400
HOUR: Instant = 3_600 * SECOND
_SECONDS = re.compile(r"[1-9][0-9]{0,9}")


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule, read.

    Attributes:
        every_s: So often; 0 of a cron expression.
        cron: Five fields; empty if it is an interval.
        zone: IANA name of the time zone that the fields are in.
        jitter_s: Up to so much later, so that not all begin at once.
    """

    every_s: int = 0
    cron: str = ""
    zone: str = "UTC"
    jitter_s: int = 0

    @property
    def text(self) -> str:
        """The text it is kept as."""
        main = f"every:{self.every_s}" if self.every_s else f"cron:{self.cron}"
        zone = f";zone={self.zone}" if self.zone != "UTC" else ""
        return f"{main}{zone}{f';jitter={self.jitter_s}' if self.jitter_s else ''}"


def read_schedule(text: str) -> Schedule:
    """Return the schedule that *text* says.

    Raises:
        DefinitionError: It says none; the message tells what is wrong.
    """
    main, *more = text.split(";")
    kind, _, rest = main.partition(":")
    if kind == "cron" and len(rest.split()) != 5:
        raise DefinitionError(f"{rest!r} is not a cron expression: five fields, as in '30 4 * * *'")
    given = _extras(more)
    jitter_s = _jitter(given.pop("jitter", "0"))
    zone = given.pop("zone", "UTC")
    if given:
        raise DefinitionError(f"a schedule has zone= and jitter= behind it, not {next(iter(given))!r}")
    if kind == "every":
        if not _SECONDS.fullmatch(rest):
            raise DefinitionError(f"a schedule every so many seconds needs a whole number above 0, not {rest!r}")
        if zone != "UTC":
            raise DefinitionError("only a cron expression has a time zone; an interval is the same everywhere")
        if jitter_s >= int(rest):
            raise DefinitionError(f"a jitter of {jitter_s} s is not less than the interval of {rest} s")
        return Schedule(int(rest), jitter_s=jitter_s)
    if kind == "cron":
        found = Schedule(cron=" ".join(rest.split()), zone=zone, jitter_s=jitter_s)
        _check_cron(found)
        return found
    raise DefinitionError(f"a schedule begins with every: or cron:, not {text!r}")


def next_due(schedule: Schedule, before: Instant | None, now: Instant, spread: float) -> tuple[Instant, Instant]:
    """Return when it is due next, without and with jitter; the first is to be given as *before* the next time.

    Args:
        schedule: Of the export.
        before: When it was due last, without jitter; ``None`` if it never was.
        now: The present instant.
        spread: From 0 up to 1, by chance: how much of the jitter it gets.
    """
    at = grid(schedule, before, now)
    return at, at + int(schedule.jitter_s * SECOND * spread)


def grid(schedule: Schedule, before: Instant | None, now: Instant) -> Instant:
    """Return when it is due next, without jitter: at *now* or later.

    However many times were missed, it is due once for them: that is now; the next one is in the future again.
    """
    if schedule.every_s:
        if before is None:
            return now
        step = schedule.every_s * SECOND
        if before > now:  # the clock was set back: the next one is not further than one interval
            return min(before + step, now + step)
        return before + ((now - before) // step + 1) * step
    return _next_cron(schedule, now)


@lru_cache(maxsize=4_096)
def furthest(text: str, hour: int) -> Instant:
    """Return the latest instant at which it can be due next, without jitter, for whoever looks within an hour.

    What is due later was reckoned by a clock that has been set back since.  That is the turn after the next one: a
    clock that goes back a little just after a turn lets none come twice.

    Args:
        text: The schedule.
        hour: Number of the hour since 1970.

    Raises:
        DefinitionError: It is none.
    """
    schedule, end = read_schedule(text), (hour + 1) * HOUR
    if schedule.every_s:
        return end + 2 * schedule.every_s * SECOND
    return _next_cron(schedule, _next_cron(schedule, end))


def is_too_far(text: str, at: Instant, now: Instant) -> bool:
    """Say whether the schedule *text* cannot be due as late as *at*; of one that cannot be read nothing is known."""
    try:
        return at > furthest(text, now // HOUR)
    except DefinitionError:
        return False


def longest_pause(schedule: Schedule, after: Instant) -> Instant:
    """Return the longest time between two of the eight turns that come after an instant, with jitter, in µs."""
    longest = schedule.every_s * SECOND
    if not schedule.every_s:
        turns = [after]
        for _ in range(8):
            turns.append(_next_cron(schedule, turns[-1]))
        longest = max(later - earlier for earlier, later in pairwise(turns[1:]))
    return longest + schedule.jitter_s * SECOND


def _next_cron(schedule: Schedule, after: Instant) -> Instant:
    local = to_datetime(after).astimezone(ZoneInfo(schedule.zone))
    turn = next(CronSim(schedule.cron, local), None)
    return LATEST if turn is None else from_datetime(turn)


def _check_cron(schedule: Schedule) -> None:
    shown = repr(schedule.cron)
    try:
        zone = ZoneInfo(schedule.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise DefinitionError(f"there is no time zone {schedule.zone!r}; names are as in Europe/Berlin") from None
    begin = to_datetime(0).astimezone(zone)
    try:
        first = next(CronSim(schedule.cron, begin), None)
    except CronSimError as error:
        raise DefinitionError(f"{shown} is not a cron expression: {error}") from None
    if first is None:
        raise DefinitionError(f"{shown} never comes")


def _extras(parts: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in parts:
        key, equals, value = part.strip().partition("=")
        if not equals or key in found:
            raise DefinitionError(f"behind a schedule stand zone=NAME and jitter=SECONDS, each once, not {part!r}")
        found[key.strip()] = value.strip()
    return found


def _jitter(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) > MOST_JITTER_S:
        raise DefinitionError(f"a jitter is from 0 to {MOST_JITTER_S:,} seconds, not {text!r}")
    return int(text)

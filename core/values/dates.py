"""Dates as feeds write them.

A date without a time is midnight UTC; a time without a zone is taken as UTC, which is what feeds mean that do
not say (decision 0022).  ``3/4/2024`` is refused unless the order is given: it is never guessed.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from core.errors import RefusedValue
from core.schemas.instant import EARLIEST, LATEST, SECOND, Instant, from_datetime

_MONTH_NAMES = "january february march april may june july august september october november december"
MONTHS = {
    name: number
    for number, long_name in enumerate(_MONTH_NAMES.split(), start=1)
    for name in (long_name, long_name[:3])
} | {"sept": 9}
"""Every spelling that is understood, in lower case."""

MAX_CHARS = 100
_AMERICAN = {
    "EST": -300,
    "EDT": -240,
    "CST": -360,
    "CDT": -300,
    "MST": -420,
    "MDT": -360,
    "PST": -480,
    "PDT": -420,
}
_OFFSETS = {"": 0, "Z": 0, "UTC": 0, "GMT": 0, "UT": 0, **_AMERICAN}
"""Minutes east of UTC; the American ones are RFC 2822's, any other abbreviation has several meanings."""


_CLOCK = (
    r"(?:(?:\s*T\s*|,?\s+(?:at\s+)?)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d+))?)?"
    r"\s*(?P<half>[AP]\.?M\.?)?\s*(?P<zone>Z|[A-Z]{2,4}|(?:UTC|GMT)?[+-]\d{2}:?\d{2}|[+-]\d{2})?(?:\s*\(\w+\))?)?"
)
_MONTH = r"(?P<name>[A-Za-z]{3,9})\.?"
_DAY_NAME = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
_FORMS = tuple(
    re.compile(form + _CLOCK, re.IGNORECASE | re.ASCII).fullmatch
    for form in (
        r"(?P<year>\d{4})([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})",
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
        rf"{_DAY_NAME}(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[\s-]+{_MONTH},?[\s-]+(?P<year>\d{{4}}|\d{{2}})",
        rf"{_DAY_NAME}{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})",
    )
)
_SLASHED = re.compile(
    r"(?P<a>\d{1,2})([/.-])(?P<b>\d{1,2})\2(?P<year>\d{4}|\d{2})" + _CLOCK, re.IGNORECASE | re.ASCII
).fullmatch
_COMPACT = re.compile(
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})T?(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})"
    r"(?:[.,](?P<fraction>\d+))?(?P<zone>Z|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE | re.ASCII,
).fullmatch
_ASCTIME = re.compile(
    rf"{_DAY_NAME}{_MONTH}\s+(?P<day>\d{{1,2}})\s+(?P<hour>\d{{2}}):(?P<minute>\d{{2}}):(?P<second>\d{{2}})"
    r"\s+(?:(?P<zone>[A-Z]{1,4})\s+)?(?P<year>\d{4})",
    re.IGNORECASE | re.ASCII,
).fullmatch
_EPOCH = re.compile(r"-?\d{9,10}(?:\.\d+)?|\d{13}|\d{16}", re.ASCII).fullmatch


def instant(text: str, order: str = "") -> Instant:
    """Return the moment that *text* names, in microseconds since the epoch, UTC.

    Args:
        text: ISO 8601 in its usual forms, ``YYYY/MM/DD``, seconds, milliseconds or microseconds since the epoch,
            RFC 2822, ``Mon DD, YYYY``, ``DD Mon YYYY``; and ``3/4/2024`` if one number cannot be a month.
        order: ``dmy`` or ``mdy``, which decides the ambiguous ones.

    Raises:
        RefusedValue: It is no date, there is no such day, or it may be two days.
    """
    if len(text) > MAX_CHARS:
        raise RefusedValue("not a date")
    return _instant(text, order)


@lru_cache(maxsize=65_536)
def _instant(text: str, order: str) -> Instant:
    value = " ".join(text.split())
    if not value.isascii():
        raise RefusedValue("not a date")
    if _EPOCH(value):
        return _epoch(value)
    for form in _FORMS:
        found = form(value)
        if found:
            return _moment(found.groupdict(), value)
    found = _COMPACT(value) or _ASCTIME(value)
    if found:
        return _moment(found.groupdict(), value)
    found = _SLASHED(value)
    if found:
        return _slashed(found.groupdict(), value, order)
    raise RefusedValue("not a date")


def order_of(texts: "list[str]") -> str:
    """Return ``dmy`` or ``mdy`` if the dates of one column show it beyond doubt, else an empty text."""
    shown = set()
    for text in texts:
        found = _SLASHED(" ".join(text.split()))
        if found and int(found["a"]) > 12 >= int(found["b"]):
            shown.add("dmy")
        elif found and int(found["b"]) > 12 >= int(found["a"]):
            shown.add("mdy")
    return shown.pop() if len(shown) == 1 else ""


def _epoch(value: str) -> Instant:
    whole, _, fraction = value.partition(".")
    scale = {13: 1_000, 16: 1}.get(len(whole), SECOND)
    moment = int(whole) * scale
    if fraction:
        part = int(fraction[:6].ljust(6, "0"))
        moment += -part if moment < 0 else part
    return moment


def _slashed(parts: dict[str, str | None], value: str, order: str) -> Instant:
    a, b = int(parts["a"] or 0), int(parts["b"] or 0)
    if a <= 12 and b <= 12 and a != b and not order:
        raise RefusedValue("a date that may be two days: day before month, or month before day?")
    day_first = order == "dmy" if a <= 12 and b <= 12 else a > 12
    day, month = (a, b) if day_first else (b, a)
    return _moment({**parts, "day": str(day), "month": str(month)}, value)


def _moment(parts: dict[str, str | None], value: str) -> Instant:
    month = _month(parts)
    hour = int(parts.get("hour") or 0)
    half = (parts.get("half") or "")[:1].upper()
    if half:
        if not 1 <= hour <= 12:
            raise RefusedValue("there is no such time")
        hour = hour % 12 + (12 if half == "P" else 0)
    second = int(parts.get("second") or 0)
    fraction = int((parts.get("fraction") or "0")[:6].ljust(6, "0"))
    zone = _zone(parts.get("zone") or "")
    # A leap second and midnight as 24:00 are real times; both are the start of the next minute or day.
    extra = timedelta(seconds=1 if second == 60 else 0, days=1 if hour == 24 else 0)
    if hour == 24 and (parts.get("minute") != "00" or second or fraction):
        raise RefusedValue("there is no such time")
    try:
        moment = datetime(
            _year(parts["year"] or ""), month, int(parts["day"] or 0), hour % 24 if hour == 24 else hour,
            int(parts.get("minute") or 0), min(second, 59) if second == 60 else second, fraction, zone
        )  # fmt: skip
        result = from_datetime(moment) + extra // timedelta(microseconds=1)
    except (ValueError, OverflowError) as error:
        raise RefusedValue("there is no such day or time") from error
    if not EARLIEST <= result <= LATEST:
        raise RefusedValue("a date outside the years 1 to 9999")
    return result


def _year(digits: str) -> int:
    year = int(digits)
    if len(digits) == 4:
        return year
    return year + (1900 if year >= 69 else 2000)


def _month(parts: dict[str, str | None]) -> int:
    name = (parts.get("name") or "").lower()
    if not name:
        return int(parts["month"] or 0)
    if name not in MONTHS:
        raise RefusedValue("not a date")
    return MONTHS[name]


def _zone(text: str) -> timezone:
    name = text.upper()
    if name in _OFFSETS:
        return timezone(timedelta(minutes=_OFFSETS[name])) if _OFFSETS[name] else UTC
    digits = re.sub(r"[^0-9]", "", name).ljust(4, "0")
    if len(digits) != 4 or not re.search(r"[+-]", name):
        raise RefusedValue("a time in a zone that is not known")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    if minutes >= 24 * 60 or int(digits[2:]) >= 60:
        raise RefusedValue("a time in a zone that is not known")
    return timezone(timedelta(minutes=-minutes if "-" in name else minutes))

"""Instants: whole microseconds since 1970-01-01 UTC, in both databases and everywhere in between."""

from datetime import UTC, datetime, timedelta

Instant = int
"""Microseconds since the epoch, UTC."""

SECOND: Instant = 1_000_000
DAY: Instant = 86_400 * SECOND
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST: Instant = -62_135_596_800 * SECOND
LATEST: Instant = 253_402_300_799_999_999
"""Year 1 to year 9999: what a date can be written as."""


def from_datetime(moment: datetime) -> Instant:
    """Return *moment*, which must know its time zone, as an instant.

    Raises:
        ValueError: *moment* has no time zone; a guess could be hours off.
    """
    if moment.tzinfo is None:
        raise ValueError("a date and time without time zone")
    return (moment - EPOCH) // timedelta(microseconds=1)


def to_datetime(instant: Instant) -> datetime:
    """Return *instant* as an aware datetime in UTC."""
    return EPOCH + timedelta(microseconds=instant)


def to_text(instant: Instant) -> str:
    """Return *instant* as RFC 3339 in UTC: ``2026-11-22T10:00:00Z``, with microseconds where there are any."""
    text = to_datetime(instant).replace(tzinfo=None).isoformat()
    return text + "Z"


def to_second(instant: Instant) -> str:
    """Return *instant* as `to_text`, to the second: for people."""
    return to_text(instant // SECOND * SECOND)

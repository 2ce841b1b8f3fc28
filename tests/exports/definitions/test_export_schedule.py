"""Schedules: what they say, what is refused, and when they are due; pure."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DefinitionError
from core.exports.definitions.schedule import Schedule, grid, next_due, read_schedule
from core.schemas.instant import DAY, SECOND, from_datetime

TOKYO = Schedule(cron="*/5 * * * MON-FRI", zone="Asia/Tokyo", jitter_s=5)
HOUR = 3_600 * SECOND
NOW = from_datetime(datetime(2026, 3, 1, 12, tzinfo=UTC))


def at(*parts, zone="UTC"):
    """An instant by its local date and time."""
    return from_datetime(datetime(*parts, tzinfo=ZoneInfo(zone)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("every:90", Schedule(90)),
        ("every:3600;jitter=60", Schedule(3_600, jitter_s=60)),
        ("cron:30 4 * * *", Schedule(cron="30 4 * * *")),
        (
            "cron:  */5  * * * MON-FRI ; zone=Asia/Tokyo ;jitter=5",
            TOKYO,
        ),
    ],
)
def test_what_a_schedule_says(text, expected):
    """Its text, written again, says the same."""
    found = read_schedule(text)

    assert expected == found
    assert found == read_schedule(found.text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hourly", "begins with every: or cron:"),
        ("every:0", "whole number above 0"),
        ("every:1.5", "whole number above 0"),
        ("every:60;zone=Europe/Berlin", "only a cron expression has a time zone"),
        ("every:60;jitter=60", "not less than the interval"),
        ("cron:* * * *", "five fields"),
        ("cron:* * * * * *", "five fields"),
        ("cron:61 * * * *", "is not a cron expression: "),
        ("cron:0 0 30 2 *", "is not a cron expression: "),
        ("cron:0 0 * * *;zone=Mars/Olympus", "no time zone 'Mars/Olympus'"),
        ("cron:0 0 * * *;zone=../../etc/passwd", "no time zone"),
        ("cron:0 0 * * *;jitter=-1", "a jitter is from 0 to 86,400 seconds"),
        ("cron:0 0 * * *;jitter=100000", "a jitter is from 0 to 86,400 seconds"),
        ("cron:0 0 * * *;often=yes", "zone= and jitter= behind it, not 'often'"),
        ("cron:0 0 * * *;zone=UTC;zone=UTC", "each once"),
    ],
)
def test_what_is_no_schedule(text, reason):
    """Each is refused in words."""
    with pytest.raises(DefinitionError, match=reason):
        read_schedule(text)


def test_an_interval_begins_now_and_keeps_its_grid():
    """A run that was late does not move those after it."""
    hourly = Schedule(3_600)

    assert NOW == grid(hourly, None, NOW)
    assert NOW + HOUR == grid(hourly, NOW, NOW)
    assert NOW + HOUR == grid(hourly, NOW, NOW + 20 * 60 * SECOND)


def test_what_was_missed_is_due_once():
    """Ten hours of absence: the next time is the eleventh, not the first of ten."""
    assert NOW + 11 * HOUR == grid(Schedule(3_600), NOW, NOW + 10 * HOUR + 1)
    assert at(2026, 3, 5, 4, 30) == grid(Schedule(cron="30 4 * * *"), NOW, at(2026, 3, 4, 13))


def test_a_clock_that_steps_back_makes_nobody_wait_longer_than_the_interval():
    """It was due in a week, by the clock of then."""
    assert NOW + HOUR == grid(Schedule(3_600), NOW + 7 * DAY, NOW)
    assert at(2026, 3, 2, 4, 30) == grid(Schedule(cron="30 4 * * *"), NOW + 7 * DAY, NOW)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        # Half past two does not exist on the 29th of March: once, at the change; and twice on the 25th of October.
        (at(2026, 3, 28, 12, zone="Europe/Berlin"), at(2026, 3, 29, 3, 0, zone="Europe/Berlin")),
        (at(2026, 3, 29, 12, zone="Europe/Berlin"), at(2026, 3, 30, 2, 30, zone="Europe/Berlin")),
        (at(2026, 10, 24, 12, zone="Europe/Berlin"), at(2026, 10, 25, 2, 30, zone="Europe/Berlin")),
        (at(2026, 10, 25, 4, zone="Europe/Berlin"), at(2026, 10, 26, 2, 30, zone="Europe/Berlin")),
    ],
)
def test_a_time_zone_with_summer_time(before, expected):
    """The local time counts; a day has its run once."""
    assert expected == grid(Schedule(cron="30 2 * * *", zone="Europe/Berlin"), None, before)


@given(every_s=st.integers(1, 10**6), late_s=st.integers(0, 10**7))
def test_an_interval_is_due_on_its_grid_and_soon(every_s, late_s):
    """Whatever was missed: in the future, within one interval, on the grid of before."""
    now = NOW + late_s * SECOND

    found = grid(Schedule(every_s), NOW, now)

    assert now < found <= now + every_s * SECOND
    assert 0 == (found - NOW) % (every_s * SECOND)


@given(spread=st.floats(0, 1, exclude_max=True), jitter_s=st.integers(0, 3_600))
def test_jitter_is_later_and_bounded(spread, jitter_s):
    """It is added, and the next one is reckoned without it."""
    schedule = Schedule(7_200, jitter_s=jitter_s)

    at, due = next_due(schedule, NOW, NOW, spread)

    assert grid(schedule, NOW, NOW) == at
    assert 0 <= due - at <= jitter_s * SECOND

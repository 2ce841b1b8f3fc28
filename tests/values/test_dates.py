"""Dates as feeds write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from core.errors import RefusedValue
from core.schemas.instant import from_datetime
from core.values.dates import instant, order_of


def at(*parts, micro=0, zone=UTC):
    return from_datetime(datetime(*parts, microsecond=micro, tzinfo=zone))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-02-29", at(2024, 2, 29)),
        ("2024-2-9", at(2024, 2, 9)),
        ("2024/02/29", at(2024, 2, 29)),
        ("20240229", at(2024, 2, 29)),
        ("2024-02-29T10:11:12Z", at(2024, 2, 29, 10, 11, 12)),
        ("2024-02-29 10:11:12.123456789", at(2024, 2, 29, 10, 11, 12, micro=123456)),
        ("20240229T101112Z", at(2024, 2, 29, 10, 11, 12)),
        ("20240229T101112.5+0200", at(2024, 2, 29, 8, 11, 12, micro=500000)),
        ("20240229101112", at(2024, 2, 29, 10, 11, 12)),
        ("2024-02-29T10:11", at(2024, 2, 29, 10, 11)),
        ("2024-02-29 10:11:12 UTC", at(2024, 2, 29, 10, 11, 12)),
        ("2024-02-29T10:11:12+02:00", at(2024, 2, 29, 8, 11, 12)),
        ("2024-02-29T10:11:12-0530", at(2024, 2, 29, 10, 11, 12, zone=timezone(-timedelta(hours=5, minutes=30)))),
        ("2024-02-29T24:00:00Z", at(2024, 3, 1)),
        ("2016-12-31T23:59:60Z", at(2017, 1, 1)),
        ("1700000000", at(2023, 11, 14, 22, 13, 20)),
        ("1700000000.5", at(2023, 11, 14, 22, 13, 20, micro=500000)),
        ("1700000000123", at(2023, 11, 14, 22, 13, 20, micro=123000)),
        ("1700000000123456", at(2023, 11, 14, 22, 13, 20, micro=123456)),
        ("Thu, 29 Feb 2024 10:11:12 -0500", at(2024, 2, 29, 15, 11, 12)),
        ("29 Feb 2024 10:11:12 EST", at(2024, 2, 29, 15, 11, 12)),
        ("Feb 29, 2024", at(2024, 2, 29)),
        ("February 29th, 2024 at 3:04 PM", at(2024, 2, 29, 15, 4)),
        ("Feb 29, 2024 12:30 AM", at(2024, 2, 29, 0, 30)),
        ("29-Feb-24", at(2024, 2, 29)),
        ("Thu Feb 29 10:11:12 UTC 2024", at(2024, 2, 29, 10, 11, 12)),
        ("29/02/2024", at(2024, 2, 29)),
        ("2/29/24 3:46", at(2024, 2, 29, 3, 46)),
        ("4/4/2024", at(2024, 4, 4)),
        ("0001-01-01", at(1, 1, 1)),
        ("9999-12-31T23:59:59Z", at(9999, 12, 31, 23, 59, 59)),
    ],
)
def test_the_usual_spellings_are_understood(text, moment):
    """A date is midnight UTC, a time without zone is UTC, and any zone is brought to UTC."""
    assert moment == instant(text)


@pytest.mark.parametrize(
    "text",
    ["2024-02-30", "2023-02-29", "2024-13-01", "2024-00-10", "2024-01-01T25:00:00", "2024-01-01T10:60:00", "13:00 PM",
     "2024-01-01T24:00:01Z", "2024-01-01T10:00:00+25:00", "32 Jan 2024", "Foo 1, 2024", "0000-01-01", "", "soon",
     "2024", "0", "12", "2024-01-01T10:00:00 XYZ", "9999-12-31T23:59:60Z", "9999-12-31T23:59:59-01:00",
     "\uff12\uff10\uff12\uff14-01-01", "2024-01-01" + "0" * 80, "20240230101112",
     "20240101T250000Z"],
)  # fmt: skip
def test_what_is_no_day_is_refused(text):
    """A day that does not exist, and a text that is no date, are refused."""
    with pytest.raises(RefusedValue):
        instant(text)


def test_an_ambiguous_date_is_never_guessed():
    """``3/4/2024`` is refused until it is known whether day or month comes first."""
    with pytest.raises(RefusedValue, match="two days"):
        instant("3/4/2024")

    assert at(2024, 4, 3) == instant("3/4/2024", "dmy")
    assert at(2024, 3, 4) == instant("3/4/2024", "mdy")


def test_the_dates_of_a_column_tell_their_order():
    """One date that can be read one way only tells for its neighbours; contradictions tell nothing."""
    assert order_of(["1/2/2024", "1/13/2024"]) == "mdy"
    assert order_of(["1/2/2024", "13/1/2024"]) == "dmy"
    assert order_of(["1/13/2024", "13/1/2024"]) == ""
    assert order_of(["1/2/2024", "2024-01-13"]) == ""

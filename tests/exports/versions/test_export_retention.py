"""Which versions are kept: restic's rules, and what they must never do."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.exports.versions.retention import Policy, kept
from core.schemas.instant import DAY, SECOND, from_datetime, to_datetime

HOUR = 3_600 * SECOND
NOW = from_datetime(datetime(2026, 11, 25, 12, tzinfo=UTC))

policies = st.builds(Policy, st.integers(1, 6), st.integers(0, 6), st.integers(0, 6))


@st.composite
def histories(draw):
    """Versions with gaps, several in a day, and now and then a clock that steps back or into the future."""
    steps = draw(
        st.lists(st.sampled_from([0, 1, HOUR, 5 * HOUR, DAY, 3 * DAY, 9 * DAY, -HOUR, -2 * DAY]), max_size=40)
    )
    instant = NOW - draw(st.integers(-20, 120)) * DAY
    made = []
    for number, step in enumerate(steps, draw(st.integers(1, 3))):
        instant += step
        made.append((number, instant))
    return draw(st.permutations(made))


def at(text):
    return from_datetime(datetime.fromisoformat(text + "+00:00"))


def model(versions, policy, now, spared):
    """The same, asked for each version by itself: how many periods later than its own have versions?"""

    def is_kept(number, instant):
        if instant > now or number in spared:
            return True
        past = [(other, to_datetime(when)) for other, when in versions if when <= now]
        if sum(other > number for other, _ in past) < policy.keep_last:
            return True
        own = to_datetime(instant)
        for most, period in (
            (policy.keep_daily, lambda when: when.date()),
            (policy.keep_weekly, lambda when: when.isocalendar()[:2]),
        ):
            is_last_of_it = not any(other > number and period(when) == period(own) for other, when in past)
            later = {period(when) for _, when in past if period(when) > period(own)}
            if is_last_of_it and len(later) < most:
                return True
            is_oldest = not any(other < number for other, _ in past)
            if is_oldest and len({period(when) for _, when in past}) < most:
                return True
        return False

    return {number for number, instant in versions if is_kept(number, instant)}


def test_the_defaults_keep_a_day_of_hours_two_weeks_of_days_two_months_of_weeks():
    """An export that changes every hour for half a year keeps 24 versions, then one a day, then one a week."""
    hourly = [(number, NOW - (4_000 - number) * HOUR) for number in range(1, 4_001)]

    stay = kept(hourly, Policy(), NOW)

    days = sorted({to_datetime(instant).date() for number, instant in hourly if number in stay}, reverse=True)
    assert set(range(3_977, 4_001)) <= stay
    assert [days[0] - timedelta(days=back) for back in range(14)] == days[:14]
    assert [6] * len(days[14:]) == [day.weekday() for day in days[14:]]
    # Two of the days are those of the last 24 hours, and three of the weeks end in those days.
    assert (24 + 12 + 5, 14 + 5) == (len(stay), len(days))


def test_only_days_with_versions_count():
    """As in restic's manual: one version every Sunday for twelve weeks, and four days kept, are four Sundays."""
    sundays = [(number, at("2019-09-01T11:00") + (number - 1) * 7 * DAY) for number in range(1, 13)]

    assert {9, 10, 11, 12} == kept(sundays, Policy(1, 4, 0), NOW)


def test_a_day_ends_at_midnight_utc_and_a_week_on_sunday():
    """The last version of each day and of each ISO week stays, also where a week spans two years."""
    versions = [
        (1, at("2025-12-28T23:59:59.999999")),  # Sunday
        (2, at("2025-12-29T00:00")),  # Monday, of the first week of 2026
        (3, at("2026-01-04T23:59")),  # Sunday of that week
        (4, at("2026-01-05T00:00")),
        (5, at("2026-01-05T23:59")),
    ]

    assert {1, 3, 5} == kept(versions, Policy(1, 0, 3), NOW)
    assert {2, 3, 5} == kept(versions, Policy(1, 3, 0), NOW)


def test_while_there_are_too_few_periods_the_oldest_stays():
    """As restic does: what cannot be had in days is had in age."""
    versions = [(number, NOW - (10 - number) * HOUR) for number in range(1, 11)]

    assert {1, 10} == kept(versions, Policy(1, 2, 0), NOW)
    assert {10} == kept(versions, Policy(1, 1, 0), NOW)


def test_a_clock_that_stepped_back_deletes_nothing_of_the_future():
    """A version from the future is kept, and takes nobody's place."""
    versions = [(1, NOW - 2 * DAY), (2, NOW - DAY), (3, NOW + 400 * DAY), (4, NOW + 401 * DAY)]

    assert {2, 3, 4} == kept(versions, Policy(1, 0, 0), NOW)


@pytest.mark.parametrize("numbers", [(0, 1, 1), (-1, 0, 0), (1, -1, 0), (1, 0, -1)])
def test_a_policy_that_keeps_nothing_is_refused(numbers):
    """Restic refuses an empty policy, too."""
    with pytest.raises(ValueError, match="at least the latest"):
        Policy(*numbers)


@given(histories(), policies, st.sets(st.integers(1, 40)))
@example([(1, NOW), (2, NOW)], Policy(1, 2, 2), set())
def test_it_is_what_the_rules_say_of_each_version_by_itself(versions, policy, spared):
    """A model that looks at one version at a time comes to the same."""
    assert model(versions, policy, NOW, spared) == kept(versions, policy, NOW, spared)


@given(histories(), policies, st.sets(st.integers(1, 40)))
def test_what_is_spared_and_the_newest_always_stay(versions, policy, spared):
    """Nothing that is spared is deleted, nor the newest version; and nothing is kept that is not there."""
    stay = kept(versions, policy, NOW, spared)

    numbers = {number for number, _ in versions}
    assert numbers & spared <= stay <= numbers
    assert {max(numbers, default=0)} & numbers <= stay


@given(histories(), policies, st.sampled_from(["keep_last", "keep_daily", "keep_weekly"]), st.integers(1, 4))
def test_a_larger_number_keeps_more(versions, policy, name, more):
    """Raising one number deletes nothing that was kept before."""
    fields = {key: getattr(policy, key) for key in ("keep_last", "keep_daily", "keep_weekly")}
    wider = Policy(**fields | {name: fields[name] + more})

    assert kept(versions, policy, NOW) <= kept(versions, wider, NOW)


@given(histories(), policies)
def test_a_second_look_deletes_no_more(versions, policy):
    """What is kept is kept again by the same policy at the same instant."""
    stay = kept(versions, policy, NOW)

    assert stay == kept([item for item in versions if item[0] in stay], policy, NOW)

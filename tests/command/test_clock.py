"""The clock of a case is exact on real days and never runs backwards."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.command.clock import (
    CalendarUnusable,
    Time,
    WorkingCalendar,
    due_at,
    load_calendar,
    remaining,
    running,
    worked,
)
from zhiyin.kernel import DAY, HOUR, MINUTE, parse_time

CN = load_calendar()
MOMENTS = st.integers(parse_time("2025-12-01 00:00"), parse_time("2027-03-01 00:00"))
LIMITS = st.integers(1, 200 * HOUR)


@pytest.mark.parametrize(
    ("opened", "limit", "time", "due"),
    [
        ("2026-11-23 23:50", 4 * HOUR, Time.URGENT, "2026-11-24 03:50"),
        ("2026-11-23 09:00", 4 * HOUR, Time.HOURS, "2026-11-23 15:00"),
        ("2026-11-23 16:30", 2 * HOUR, Time.HOURS, "2026-11-24 09:30"),
        ("2026-11-27 17:00", HOUR, Time.HOURS, "2026-11-30 09:00"),  # over a week-end
        ("2026-02-14 17:00", HOUR, Time.HOURS, "2026-02-24 09:00"),  # make-up day, then nine off
        ("2026-11-23 09:00", 3 * DAY, Time.DAYS, "2026-11-26 17:30"),
        ("2026-09-30 09:00", 1 * DAY, Time.DAYS, "2026-10-08 17:30"),
        ("2026-10-09 23:00", 1 * DAY, Time.DAYS, "2026-10-10 17:30"),  # a Saturday that is worked
    ],
)
def test_due_on_real_days(opened: str, limit: int, time: Time, due: str) -> None:
    assert due_at(parse_time(opened), limit, time, CN) == parse_time(due)


def test_the_working_clock_stands_still_at_noon() -> None:
    due = due_at(parse_time("2026-11-23 11:00"), 2 * HOUR, Time.HOURS, CN)
    noon, later = parse_time("2026-11-23 12:10"), parse_time("2026-11-23 13:50")
    assert remaining(due, noon, Time.HOURS, CN) == remaining(due, later, Time.HOURS, CN) == HOUR
    assert not running(noon, Time.HOURS, CN)
    assert running(noon, Time.URGENT, CN)


def test_overdue_counts_on_below_nothing() -> None:
    due = parse_time("2026-11-23 17:30")
    assert remaining(due, parse_time("2026-11-24 09:00"), Time.HOURS, CN) == -30 * MINUTE


@given(MOMENTS, LIMITS, st.sampled_from(Time), st.lists(MOMENTS, min_size=2, max_size=2))
def test_it_never_runs_backwards(opened: int, limit: int, time: Time, looks: list[int]) -> None:
    due, (first, second) = due_at(opened, limit, time, CN), sorted(looks)
    assert due > opened
    assert remaining(due, first, time, CN) >= remaining(due, second, time, CN)
    assert remaining(due, due, time, CN) == 0


@given(MOMENTS, LIMITS)
def test_working_hours_until_due_are_the_limit(opened: int, limit: int) -> None:
    assert worked(opened, due_at(opened, limit, Time.HOURS, CN), CN) == limit


@given(MOMENTS, LIMITS, st.integers(0, DAY))
def test_a_case_opened_later_is_not_due_earlier(opened: int, limit: int, later: int) -> None:
    dues = [due_at(at, limit, Time.HOURS, CN) for at in (opened, opened + later)]
    assert dues == sorted(dues)


def test_the_year_is_that_of_the_notice() -> None:
    assert not CN.works(date(2026, 2, 23))
    assert CN.works(date(2026, 2, 28))
    assert CN.knows(date(2026, 12, 31))
    assert not CN.knows(date(2027, 1, 1))


def test_a_calendar_without_duty_is_refused() -> None:
    with pytest.raises(CalendarUnusable):
        WorkingCalendar(key="x", weekdays=frozenset({1}), duty=())

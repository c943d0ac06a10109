"""Time: milliseconds inside, text at the edges, clocks that move as told."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.kernel import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    ManualClock,
    ScaledClock,
    SystemClock,
    clock_of,
    day_of,
    iso,
    millis_of,
    moment_of,
    parse_duration,
    parse_time,
)

MILLIS = st.integers(0, 4_102_444_800_000)  # 1970 to 2100


@given(MILLIS)
def test_text_comes_back_to_the_millisecond(millis: int) -> None:
    assert parse_time(iso(millis)) == millis
    assert millis_of(moment_of(millis)) == millis


@given(MILLIS, MILLIS)
def test_text_sorts_as_time_does(one: int, other: int) -> None:
    assert (iso(one) < iso(other)) == (one < other)


@given(MILLIS, st.integers(-12 * 60, 14 * 60))
def test_the_zone_a_moment_is_told_in_does_not_matter(millis: int, minutes: int) -> None:
    moment = moment_of(millis).astimezone(timezone(timedelta(minutes=minutes)))
    assert parse_time(moment.isoformat()) == millis


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-23T06:05:00Z", "2026-11-23T06:05:00.000Z"),
        ("2026-11-23T14:05:00+08:00", "2026-11-23T06:05:00.000Z"),
        ("2026-11-23 14:05", "2026-11-23T06:05:00.000Z"),
        (" 2026-11-23 14:05:07 ", "2026-11-23T06:05:07.000Z"),
        ("2026-11-23", "2026-11-22T16:00:00.000Z"),
        ("2026-11-23T06:05:00.123456Z", "2026-11-23T06:05:00.123Z"),
    ],
)
def test_known_texts(text: str, utc: str) -> None:
    assert iso(parse_time(text)) == utc


@pytest.mark.parametrize("text", ["", "noon", "2026-13-01", "2026-02-30T00:00:00Z"])
def test_text_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_time(text)


@pytest.mark.parametrize(
    ("text", "millis"),
    [
        ("500ms", 500),
        ("90s", 90 * SECOND),
        ("3min", 3 * MINUTE),
        ("2h", 2 * HOUR),
        ("1d", DAY),
        ("1.5h", 90 * MINUTE),
        (" 0s ", 0),
    ],
)
def test_durations(text: str, millis: int) -> None:
    assert parse_duration(text) == millis


@pytest.mark.parametrize("text", ["", "3", "min", "3 weeks", "3m", "h3"])
def test_text_that_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_duration(text)


def test_the_day_is_that_of_utc() -> None:
    assert day_of(parse_time("2026-11-23 07:59")) == "2026-11-22"
    assert day_of(parse_time("2026-11-23 08:00")) == "2026-11-23"


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(5)
    assert (clock.now(), clock.now()) == (5, 5)
    assert clock.advance(HOUR) == clock.now() == 5 + HOUR


def test_the_system_clock_is_the_machines() -> None:
    before = datetime.now(UTC).timestamp() * 1000
    assert before - 1 <= SystemClock().now() <= before + 10_000


@given(MILLIS, MILLIS, st.sampled_from([0.5, 1, 60, 500]))
def test_a_scaled_clock_is_read_back_from_its_text(start: int, since: int, speed: float) -> None:
    clock = clock_of(str(ScaledClock(start, since, speed)))
    assert isinstance(clock, ScaledClock)
    assert (clock.start, clock.since, clock.speed) == (start, since, speed)


def test_clocks_are_chosen_by_text() -> None:
    assert isinstance(clock_of("system"), SystemClock)
    assert isinstance(clock_of(""), SystemClock)
    assert clock_of("10@20").speed == 1


def test_a_clock_does_not_stand_still() -> None:
    with pytest.raises(ValueError, match="above 0"):
        ScaledClock(0, 0, 0)

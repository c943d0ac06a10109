"""Time of the house: an injected clock, milliseconds since 1970 in UTC, and the district's zone.

Everything inside is an `int` of UTC milliseconds; text appears only at the edges.
"""

import time as _time
from datetime import UTC, datetime, timedelta, timezone
from typing import Protocol

DISTRICT_ZONE = timezone(
    timedelta(hours=8), "Asia/Shanghai"
)  # China has had no summer time since 1991
SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Clock(Protocol):
    """Whatever tells the house what time it is."""

    def now(self) -> int:
        """Return UTC milliseconds since 1970."""
        ...

    @property
    def speed(self) -> float:
        """How many of its seconds pass in one real second."""
        ...


class SystemClock:
    """The machine's own clock."""

    speed = 1.0

    def now(self) -> int:
        return _time.time_ns() // 1_000_000


class ScaledClock:
    """A clock that read `start` when the machine's read `since`, and runs `speed` times as fast.

    It stands still until then. All processes given the same three numbers agree on the time.
    """

    def __init__(self, start: int, since: int, speed: float) -> None:
        if speed <= 0:
            raise ValueError(f"speed is {speed}; it should be above 0")
        self.start, self.since, self._speed = start, since, speed

    @property
    def speed(self) -> float:
        return self._speed

    def now(self) -> int:
        passed = _time.time_ns() // 1_000_000 - self.since
        return self.start + int(max(0, passed) * self._speed)

    def __str__(self) -> str:
        """Return the form that `clock_of` reads: `start@since*speed`."""
        return f"{self.start}@{self.since}*{self._speed:g}"


class ManualClock:
    """A clock that moves only when told to; for tests."""

    speed = 1.0

    def __init__(self, at: int = 0) -> None:
        self.at = at

    def now(self) -> int:
        return self.at

    def advance(self, millis: int) -> int:
        self.at += millis
        return self.at


def clock_of(text: str) -> Clock:
    """Read a clock: "system", or `start@since*speed` as `ScaledClock` writes itself."""
    if text in {"", "system"}:
        return SystemClock()
    start, _, rest = text.partition("@")
    since, _, speed = rest.partition("*")
    return ScaledClock(int(start), int(since), float(speed or 1))


def millis_of(moment: datetime) -> int:
    """Return UTC milliseconds; a moment without a zone is taken as the district's time (UTC+8)."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=DISTRICT_ZONE)
    return round(moment.timestamp() * 1000)


def moment_of(millis: int) -> datetime:
    return datetime.fromtimestamp(millis / 1000, UTC)


def iso(millis: int) -> str:
    """Return RFC 3339 in UTC with milliseconds: `2026-11-23T06:05:00.000Z`."""
    return moment_of(millis).strftime("%Y-%m-%dT%H:%M:%S.") + f"{millis % 1000:03d}Z"


def parse_time(text: str) -> int:
    """Read RFC 3339 or `YYYY-MM-DD HH:MM[:SS]`; without a zone it is the district's time.

    Raises ValueError when the text is no time.
    """
    return millis_of(datetime.fromisoformat(text.strip()))


def parse_duration(text: str) -> int:
    """Read `90s`, `3min`, `2h`, `1d`, `500ms` to milliseconds; ValueError otherwise."""
    units = {"ms": 1, "s": SECOND, "min": MINUTE, "h": HOUR, "d": DAY}
    number = text.strip().rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = text.strip()[len(number) :]
    if unit not in units:
        raise ValueError(f"{text!r} has no unit of {', '.join(units)}")
    return round(float(number) * units[unit])


def day_of(millis: int) -> str:
    """Return the UTC day `YYYY-MM-DD`, the lake's partition key."""
    return moment_of(millis).strftime("%Y-%m-%d")

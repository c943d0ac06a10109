"""Times of the standard: an instant or an interval, in UTC milliseconds; text is ISO 8601."""

from typing import NamedTuple

from zhiyin.kernel import iso, moment_of, parse_time


class When(NamedTuple):
    """An instant (`end` is None) or the interval from `start` to `end`, in UTC ms."""

    start: int
    end: int | None = None

    @property
    def until(self) -> int:
        return self.start if self.end is None else self.end

    def text(self) -> str:
        return iso(self.start) if self.end is None else f"{iso(self.start)}/{iso(self.end)}"


def read_when(said: str, *, interval: bool = True) -> When:
    """Read an instant or, where allowed, an interval; ValueError when it is neither."""
    first, slash, last = said.partition("/")
    if not slash:
        return When(_instant(said))
    if not interval:
        raise ValueError(f"{said!r} is an interval; it should be one instant")
    when = When(_instant(first), _instant(last))
    if when.until < when.start:
        raise ValueError(f"{said!r} ends before it starts")
    return when


def _instant(said: str) -> int:
    try:
        millis = parse_time(said.replace(" ", "+") if "T" in said else said)
        moment_of(millis)  # in UTC it may lie outside the calendar
    except (ValueError, OverflowError) as fault:
        raise ValueError(f"{said!r} is no ISO 8601 time") from fault
    return millis

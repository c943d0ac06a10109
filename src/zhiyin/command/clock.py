"""联动指挥:the clock of a case: when it is due, and how much of its limit is left. Pure.

Three kinds of time (standards §1.9): urgent (紧急工作时) runs 24 hours a day, hours (工作时) run in
duty hours of working days only, days (工作日) end with the duty of the n-th working day after the
opening one: the day of opening does not count and the last day ends with business (Civil Code,
articles 201 and 203). Everything is UTC milliseconds; days are those of the district's zone.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from ruamel.yaml import YAML

from zhiyin.kernel import DAY, DISTRICT_ZONE, MINUTE, PackFault, Words, millis_of, moment_of

CALENDARS = Path(__file__).parent / "calendars"
_FAR = 3_700  # days searched before a calendar without working days is called one


class Time(StrEnum):
    """The three kinds of time a limit may run in."""

    URGENT = "urgent"
    HOURS = "hours"
    DAYS = "days"


class CalendarUnusable(PackFault):
    """A working calendar on which no limit could ever run out."""

    code = "command-019"
    what = Words(
        "日历没有可用的工作时间({found});应有至少一个工作日和一段起早于止的值班时间。",
        "The calendar has no working time ({found}); it should have a working day and duty hours "
        "that start before they end.",
    )
    do = Words("改正 weekdays 与 duty。", "Correct weekdays and duty.")


class WorkingCalendar(msgspec.Struct, frozen=True):
    """Which days are worked, and from when to when.

    Outside `valid_from` … `valid_to` no holiday is known, the weekday rule alone holds; `knows`
    tells which, so that a due time beyond the published year can be shown as provisional.
    """

    key: str
    weekdays: frozenset[int]  # ISO, 1 is Monday
    duty: tuple[tuple[int, int], ...]  # (from, to) in minutes of the day, in order
    holidays: frozenset[date] = frozenset()
    makeup: frozenset[date] = frozenset()
    valid_from: date = date.min
    valid_to: date = date.max

    def __post_init__(self) -> None:
        spans = [minute for span in self.duty for minute in span]
        if not self.duty or spans != sorted(spans) or any(a == b for a, b in self.duty):
            raise CalendarUnusable(self.key, found=self.duty)
        if not self.weekdays <= set(range(1, 8)) or not self.weekdays:
            raise CalendarUnusable(self.key, found=sorted(self.weekdays))

    def knows(self, day: date) -> bool:
        return self.valid_from <= day <= self.valid_to

    def works(self, day: date) -> bool:
        """Tell whether this is a working day; a make-up day beats a holiday beats the weekday."""
        if day in self.makeup:
            return True
        return day not in self.holidays and day.isoweekday() in self.weekdays

    def spans(self, day: date) -> tuple[tuple[int, int], ...]:
        """Return the duty of a day as (from, to) in UTC milliseconds, () on a day off."""
        if not self.works(day):
            return ()
        start = midnight(day)
        return tuple((start + a * MINUTE, start + b * MINUTE) for a, b in self.duty)

    def duty_from(self, at: int) -> Iterator[tuple[int, int]]:
        """Yield the duty spans from `at` on, the first one cut at `at`."""
        day = district_day(at)
        for _ in range(_FAR):
            for start, end in self.spans(day):
                if end > at:
                    yield max(start, at), end
            day += timedelta(days=1)


@cache
def midnight(day: date) -> int:
    """Return when a day of the district begins, in UTC ms."""
    return millis_of(datetime.combine(day, time(), DISTRICT_ZONE))


def district_day(at: int) -> date:
    return moment_of(at).astimezone(DISTRICT_ZONE).date()


def due_at(opened: int, limit: int, time: Time, calendar: WorkingCalendar) -> int:
    """Return when a limit of `limit` ms (for days: working days × 24 h) that began runs out."""
    if time is Time.URGENT:
        return opened + limit
    if time is Time.DAYS:
        return _due_by_days(opened, -(-limit // DAY), calendar)
    left = limit
    for start, end in calendar.duty_from(opened):
        if left <= end - start:
            return start + left
        left -= end - start
    raise CalendarUnusable(calendar.key, found=f"{_FAR} d")


def _due_by_days(opened: int, days: int, calendar: WorkingCalendar) -> int:
    day, left = district_day(opened), days
    for _ in range(_FAR):
        if left <= 0:
            break
        day += timedelta(days=1)
        left -= calendar.works(day)
    return midnight(day) + calendar.duty[-1][1] * MINUTE


def worked(start: int, end: int, calendar: WorkingCalendar) -> int:
    """Return the ms of duty between two moments, negative when `end` is before `start`."""
    if end < start:
        return -worked(end, start, calendar)
    total = 0
    for a, b in calendar.duty_from(start):
        if a >= end:
            break
        total += min(b, end) - a
    return total


def remaining(due: int, now: int, time: Time, calendar: WorkingCalendar) -> int:
    """Return what is left of the limit in ms, negative once overdue; never grows as time passes.

    Urgent and days count every hour until due; hours count duty only and stand still outside it.
    """
    return worked(now, due, calendar) if time is Time.HOURS else due - now


def running(now: int, time: Time, calendar: WorkingCalendar) -> bool:
    """Tell whether the clock moves at this moment."""
    if time is not Time.HOURS:
        return True
    return any(a <= now < b for a, b in calendar.spans(district_day(now)))


def load_calendar(folder: Path = CALENDARS) -> WorkingCalendar:
    """Read every `*.yaml` of a folder as one calendar; weekdays and duty are those of the last."""
    years = [_year(path) for path in sorted(folder.glob("*.yaml"))]
    if not years:
        raise CalendarUnusable(str(folder), found="0 *.yaml")
    last = years[-1]
    return msgspec.structs.replace(
        last,
        holidays=frozenset().union(*(year.holidays for year in years)),
        makeup=frozenset().union(*(year.makeup for year in years)),
        valid_from=min(year.valid_from for year in years),
        valid_to=max(year.valid_to for year in years),
    )


def _year(path: Path) -> WorkingCalendar:
    data: dict[str, Any] = YAML(typ="safe").load(path)
    return WorkingCalendar(
        key=data["calendar"],
        weekdays=frozenset(data["weekdays"]),
        duty=tuple(_span(text) for text in data["duty"]),
        holidays=frozenset(
            day for off in data["holidays"] for day in _days(off["from"], off["to"])
        ),
        makeup=frozenset(data["makeup"]),
        valid_from=data["valid_from"],
        valid_to=data["valid_to"],
    )


def _span(text: str) -> tuple[int, int]:
    start, _, end = text.partition("-")
    a, b = time.fromisoformat(start), time.fromisoformat(end)
    return a.hour * 60 + a.minute, b.hour * 60 + b.minute


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]

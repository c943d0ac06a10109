"""场景包 · `stories.yaml`: given … then …, played through whatever stage the caller builds."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal, Protocol

from msgspec import Meta, Struct

from zhiyin.kernel import convert, known_unit, parse_duration, parse_quantity
from zhiyin.pack.book import Book, Pack, Section, known, remark
from zhiyin.pack.faults import TimesNotRising, UnitUnfit
from zhiyin.pack.model import DurationText, Key, LevelKey, Remark, TimeText, Title

MORNING = 1_780_243_200_000
"""Midnight in the district of the day all stories happen on, Monday 2026-06-01."""

ThingProperty = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]{1,64}\.[a-z][a-z0-9_]{0,47}$",
        examples=["yingwu_underpass.depth"],
        description="物.属性 / thing.property",
    ),
]
Given = tuple[TimeText, float | str]


class Expected(Struct, frozen=True, forbid_unknown_fields=True, order=True):
    """One change of a warning: when its level came to be so; `none` is its end."""

    at: TimeText
    level: LevelKey | Literal["none"]
    rule: Key


class ExpectedCase(Struct, frozen=True, forbid_unknown_fields=True, order=True):
    """One case that was opened."""

    type: Key


class Then(Struct, frozen=True, forbid_unknown_fields=True):
    """All that comes of a story; what is not named must not happen, ends of warnings excepted."""

    warnings: tuple[Expected, ...] | Literal["none"]
    cases: tuple[ExpectedCase, ...] | Literal["none"] = "none"


class Story(Struct, frozen=True, forbid_unknown_fields=True):
    """One story of a pack: readings at times of one day, and what they lead to.

    The clock ticks every `tick` from the first reading to `until` after the last.
    """

    story: Title
    given: dict[ThingProperty, tuple[Given, ...]]
    then: Then
    until: DurationText = "0s"
    tick: DurationText = "1min"


class StoriesFile(Struct, frozen=True, forbid_unknown_fields=True):
    """`stories.yaml`: the pack's own tests."""

    stories: tuple[Story, ...]


class Stage(Protocol):
    """Where a story is played: the rules of one pack with nothing behind them yet."""

    def observe(self, thing: str, property: str, time_ms: int, value: float) -> None:  # noqa: A002
        """Take one reading in the property's unit."""
        ...

    def tick(self, now_ms: int) -> None:
        """Let time pass up to now."""
        ...

    def warnings(self) -> list[tuple[str, str, int]]:
        """Return every change so far: rule, level key (`none` when cleared), event time in ms."""
        ...

    def cases(self) -> list[str]:
        """Return the types of all cases opened so far, in order."""
        ...


class Played(Struct, frozen=True):
    """What a story promised beside what came of it; times are times of the day."""

    story: str
    wanted: tuple[tuple[Expected, ...], tuple[str, ...]]
    got: tuple[tuple[Expected, ...], tuple[str, ...]]

    @property
    def kept(self) -> bool:
        return self.wanted == self.got

    def __str__(self) -> str:
        return f"{self.story}\n  wanted {_told(self.wanted)}\n  got    {_told(self.got)}"


def _told(side: tuple[tuple[Expected, ...], tuple[str, ...]]) -> str:
    changes = ", ".join(f"{one.at} {one.rule} {one.level}" for one in side[0]) or "no warnings"
    return f"{changes}; {', '.join(side[1]) or 'no cases'}"


def play(story: Story, pack: Pack, stage_of: Callable[[Pack], Stage]) -> Played:
    """Play a story on a new stage; nothing in it depends on the machine or its clock."""
    stage = stage_of(pack)
    readings = sorted(_readings(story, pack))
    tick = parse_duration(story.tick)
    start = readings[0][0] // tick * tick
    end = readings[-1][0] + parse_duration(story.until)
    for now in range(start, end + 1, tick):
        while readings and readings[0][0] <= now:
            time, thing, property_, value = readings.pop(0)
            stage.observe(thing, property_, time, value)
        stage.tick(now)
    for time, thing, property_, value in readings:
        stage.observe(thing, property_, time, value)
    return Played(story.story.zh, _wanted(story), _got(story, stage))


def _readings(story: Story, pack: Pack) -> Iterator[tuple[int, str, str, float]]:
    for name, given in story.given.items():
        thing, _, property_ = name.rpartition(".")
        element: Any = pack.book.find("element", thing)
        unit = pack.book.property_unit(element.type, property_) or "1"
        for at, value in given:
            number = convert(parse_quantity(value), unit) if isinstance(value, str) else value
            yield MORNING + millis_of_day(at), thing, property_, number


def _wanted(story: Story) -> tuple[tuple[Expected, ...], tuple[str, ...]]:
    then = story.then
    changes = () if isinstance(then.warnings, str) else then.warnings
    cases = () if isinstance(then.cases, str) else then.cases
    ordered = sorted(Expected(_clock(millis_of_day(x.at)), x.level, x.rule) for x in changes)
    return tuple(ordered), tuple(sorted(one.type for one in cases))


def _got(story: Story, stage: Stage) -> tuple[tuple[Expected, ...], tuple[str, ...]]:
    wanted = _wanted(story)[0]
    ends = {one.rule for one in wanted if one.level == "none"}
    changes = [
        Expected(_clock(time - MORNING), level, rule)  # type: ignore[arg-type]
        for rule, level, time in stage.warnings()
        if level != "none" or rule in ends
    ]
    return tuple(sorted(changes)), tuple(sorted(stage.cases()))


def millis_of_day(text: str) -> int:
    """Read `HH:MM[:SS]` to milliseconds since the day's midnight; hours may go beyond 24."""
    hours, minutes, *seconds = (int(part) for part in text.split(":"))
    return ((hours * 60 + minutes) * 60 + (seconds[0] if seconds else 0)) * 1000


def _clock(millis: int) -> str:
    seconds = millis // 1000
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _check(file: StoriesFile, book: Book) -> Iterator[Remark]:
    for at, story in enumerate(file.stories):
        for name, given in story.given.items():
            yield from _check_given(name, given, ("stories", at, "given", name), book)
        if not isinstance(story.then.warnings, str):
            for place, one in enumerate(story.then.warnings):
                path = ("stories", at, "then", "warnings", place, "rule")
                yield from known(book, "rule", one.rule, path)
        if not isinstance(story.then.cases, str):
            for place, case in enumerate(story.then.cases):
                path = ("stories", at, "then", "cases", place, "type")
                yield from known(book, "case", case.type, path)


def _check_given(
    name: str, given: tuple[Given, ...], path: tuple[str | int, ...], book: Book
) -> Iterator[Remark]:
    thing, _, property_ = name.rpartition(".")
    element = book.find("element", thing)
    if element is None:
        yield from known(book, "element", thing, path)
        return
    watched = f"{element.type}.{property_}"
    unit = book.property_unit(element.type, property_)
    if unit is None:
        yield from known(book, "property", watched, path)
        return
    before = "00:00"
    for at, (time, value) in enumerate(given):
        if millis_of_day(time) < millis_of_day(before):
            yield remark((*path, at, 0), TimesNotRising(at=time, before=before))
        before = time
        if isinstance(value, str) and known_unit(unit) and not _fits(value, unit):
            yield remark((*path, at, 1), UnitUnfit(value=value, unit=unit, of=watched))


def _fits(text: str, unit: str) -> bool:
    try:
        convert(parse_quantity(text), unit)
    except ValueError:
        return False
    return True


def fires(story: Any) -> set[str]:
    """Return the rules whose warning the story expects."""
    warnings = story.then.warnings
    return set() if isinstance(warnings, str) else {one.rule for one in warnings}


SECTION = Section("stories.yaml", StoriesFile, _check)

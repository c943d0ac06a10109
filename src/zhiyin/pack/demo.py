"""场景包 · `demo.yaml`: days to play, as shapes of values; another room plays them."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from zhiyin.kernel import parse_duration
from zhiyin.pack.book import Book, Section, known, remark
from zhiyin.pack.faults import FormWrong
from zhiyin.pack.model import DurationText, Identifier, Key, Remark, TimeText, Title

Share = Annotated[float, Meta(ge=0.0)]


class Pulse(Struct, frozen=True, forbid_unknown_fields=True):
    """One rise, hold and fall above the base; height and start are drawn per thing from the seed.

    `height` is [least, most] in the property's unit; `spread` moves the start by up to so much.
    """

    at: TimeText
    rise: DurationText
    hold: DurationText
    fall: DurationText
    height: tuple[float, float]
    spread: DurationText = "0s"

    @property
    def lasts(self) -> int:
        """Milliseconds from the start of the rise to the end of the fall."""
        return parse_duration(self.rise) + parse_duration(self.hold) + parse_duration(self.fall)


class Daily(Struct, frozen=True, forbid_unknown_fields=True):
    """A cosine over the day: `amplitude` in the property's unit, highest at `peak`."""

    amplitude: float
    peak: TimeText


class Shape(Struct, frozen=True, forbid_unknown_fields=True):
    """How one property of the things of one type runs over the day.

    value = base + daily + pulse + noise·N(0,1), kept within the property's range; a base of
    [least, most] is drawn per thing from the seed.
    """

    type: Key
    property: Key
    base: float | tuple[float, float]
    noise: Share = 0.0
    things: tuple[Identifier, ...] = ()
    pulse: Pulse | None = None
    daily: Daily | None = None


class Fleet(Struct, frozen=True, forbid_unknown_fields=True):
    """So many devices of one template of a field protocol, each with its own connection.

    `corrupt` is the share of reports that the line spoils when they are first sent; `every` is how
    often each reports where that is not as its template says.
    """

    template: Key
    count: Annotated[int, Meta(ge=0, le=100_000)]
    corrupt: Annotated[float, Meta(ge=0, le=1)] = 0.0
    every: DurationText | None = None


class Day(Struct, frozen=True, forbid_unknown_fields=True):
    """One simulated day; `starts` is the district's time of day at which it begins."""

    title: Title
    starts: TimeText
    shapes: tuple[Shape, ...]
    fleets: tuple[Fleet, ...] = ()


class DemoFile(Struct, frozen=True, forbid_unknown_fields=True):
    """`demo.yaml`: the days by name; every pack has `ordinary`."""

    days: dict[Key, Day]


def _check(file: DemoFile, book: Book) -> Iterator[Remark]:
    for name, day in file.days.items():
        for at, fleet in enumerate(day.fleets):
            yield from known(
                book, "device", fleet.template, ("days", name, "fleets", at, "template")
            )
        for at, shape in enumerate(day.shapes):
            path: tuple[str | int, ...] = ("days", name, "shapes", at)
            yield from known(
                book, "property", f"{shape.type}.{shape.property}", (*path, "property")
            )
            for place, thing in enumerate(shape.things):
                yield from known(book, "element", thing, (*path, "things", place))
            if shape.pulse and shape.pulse.height[0] > shape.pulse.height[1]:
                fault = FormWrong(
                    value=list(shape.pulse.height),
                    wanted_zh="[最小, 最大]",
                    wanted_en="[least, most]",
                    example="[8, 14]",
                )
                yield remark((*path, "pulse", "height"), fault)


SECTION = Section("demo.yaml", DemoFile, _check)

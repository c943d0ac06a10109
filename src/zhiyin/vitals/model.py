"""态势:what an indicator and a vital sign are. Pure; no I/O."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from zhiyin.kernel import Words, factor, iso


class How(StrEnum):
    """How the values of many things become one number."""

    MAX = "max"
    MIN = "min"
    MEAN = "mean"
    SUM = "sum"
    COUNT = "count"  # things whose value is not 0
    WORST = "worst"  # the one farthest in the bad direction
    ONLINE = "online"  # the share of series heard of lately among all known; in % or 1


class Direction(StrEnum):
    """Which way is good."""

    LOW_IS_GOOD = "low_is_good"
    HIGH_IS_GOOD = "high_is_good"
    MIDDLE_IS_GOOD = "middle_is_good"


class Freshness(StrEnum):
    """How old a number is against its usual rhythm (fresh to 2 ×, ageing to 5 ×, then lost)."""

    FRESH = "fresh"
    AGEING = "ageing"
    LOST = "lost"
    NONE = "none"  # nothing was ever measured


AGEING, ONLINE, LOST = 2, 3, 5  # times the usual interval


class Indicator(msgspec.Struct, frozen=True):
    """A number the district is measured by, as a pack declares it."""

    key: str
    pack: str
    title: Words
    unit: str
    of: str  # `type.property`; `*` is every series there is
    how: How
    band: tuple[float | None, float | None] | None = None  # where it should be, ends included
    direction: Direction = Direction.LOW_IS_GOOD
    vital: int | None = None  # its place on the wall
    minus: str | None = None  # a number field of the element, subtracted first: 水位 - 汛限
    over_ms: int | None = None  # all values of the last so long instead of the newest
    scale: float = 1.0  # from the property's unit to this one: value × scale + offset
    offset: float = 0.0

    @property
    def thing_and_property(self) -> tuple[str, str]:
        type_, _, property_ = self.of.partition(".")
        return type_, property_ or "*"


class Columns(NamedTuple):
    """Values of one property of all things of a type, row by row, in the property's unit."""

    things: Sequence[str]
    times: NDArray[np.int64]  # UTC ms; 0 where nothing was ever heard
    values: NDArray[np.float64]  # nan where nothing was ever heard
    every: NDArray[np.int64]  # the usual interval in ms


class Latest(Protocol):
    """Where the latest values are; the lake's live state."""

    def of(self, type: str, property: str) -> Columns:  # noqa: A002
        """Return the newest value of each thing; empty columns when there is no such property.

        `*`, `*` asks for every series there is.
        """
        ...

    def since(self, type: str, property: str, since: int) -> Columns:  # noqa: A002
        """Return all values from a moment on (UTC ms), a thing on as many rows as it has."""
        ...


class Limits(Protocol):
    """Where the numbers are that elements carry as fields; the atlas."""

    def field(self, type: str, field: str) -> dict[str, float]:  # noqa: A002
        """Return the field by element id, elements without it left out."""
        ...


class Vital(msgspec.Struct, frozen=True):
    """An indicator's value at a moment, with its age and where it came from."""

    indicator: Indicator
    value: float | None
    time: int | None  # of the data, not of the computation
    source: str  # the thing for an extreme, `type.property` for an aggregate
    state: Freshness
    counted: int  # things that went into it
    known: int  # things there are
    age_ms: int | None
    every_ms: int

    @property
    def in_band(self) -> bool | None:
        band = self.indicator.band
        if band is None or self.value is None:
            return None
        low, high = band
        return (low is None or low <= self.value) and (high is None or self.value <= high)

    def shown(self) -> dict[str, Any]:
        """Return it as JSON, without its line."""
        kind = self.indicator
        return {
            "key": kind.key, "pack": kind.pack, "title": kind.title.zh, "title_en": kind.title.en,
            "value": self.value, "unit": kind.unit,
            "band": None if kind.band is None else list(kind.band),
            "direction": kind.direction.value, "in_band": self.in_band, "how": kind.how.value,
            "of": kind.of, "vital": kind.vital,
            "time": None if self.time is None else iso(self.time), "source": self.source,
            "state": self.state.value,
            "age_s": None if self.age_ms is None else self.age_ms // 1000,
            "every_s": self.every_ms // 1000, "counted": self.counted, "known": self.known,
        }  # fmt: skip


class Titled(Protocol):
    """Words in the house's two languages, as packs and kernel write them."""

    @property
    def zh(self) -> str: ...
    @property
    def en(self) -> str: ...


class DeclaredIndicator(Protocol):
    """An entry of a pack's `indicators.yaml`."""

    @property
    def indicator(self) -> str: ...
    @property
    def title(self) -> Titled: ...
    @property
    def of(self) -> str: ...
    @property
    def how(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def band(self) -> tuple[float | None, float | None] | None: ...
    @property
    def direction(self) -> str: ...
    @property
    def over_ms(self) -> int | None: ...
    @property
    def minus(self) -> str | None: ...
    @property
    def vital(self) -> int | None: ...


def indicators(
    pack: str, declared: Iterable[DeclaredIndicator], units: Mapping[str, str]
) -> list[Indicator]:
    """Return a pack's indicators; `units` has each property's unit by `type.property`."""
    return [_indicator(pack, one, units) for one in declared]


def _indicator(pack: str, one: DeclaredIndicator, units: Mapping[str, str]) -> Indicator:
    how = How(one.how)
    counts = how in {How.COUNT, How.ONLINE}
    scale, offset = (1.0, 0.0) if counts else factor(units.get(one.of, one.unit), one.unit)
    return Indicator(
        key=one.indicator, pack=pack, title=Words(one.title.zh, one.title.en), unit=one.unit,
        of=one.of, how=how, band=one.band,
        direction=Direction(one.direction), vital=one.vital, minus=one.minus,
        over_ms=one.over_ms, scale=scale, offset=offset,
    )  # fmt: skip

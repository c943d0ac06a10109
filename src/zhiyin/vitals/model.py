"""态势:what an indicator and a vital sign are. Pure; no I/O."""

from enum import StrEnum
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from zhiyin.kernel import Words, iso


class How(StrEnum):
    """How the values of many things become one number."""

    MAX = "max"
    MIN = "min"
    MEAN = "mean"
    SUM = "sum"
    COUNT = "count"  # things whose value is not 0
    WORST = "worst"  # the one farthest in the bad direction
    SHARE_ONLINE = "share_online"  # things heard of lately among all known; unit % or 1
    MARGIN = "margin"  # the worst of value minus the element's own field, e.g. its `limit`


class Direction(StrEnum):
    """Which way is good."""

    LOW_IS_GOOD = "low_is_good"
    HIGH_IS_GOOD = "high_is_good"
    IN_BAND = "in_band"


class Freshness(StrEnum):
    """How old a number is against its usual rhythm (fresh to 2 ×, ageing to 5 ×, then lost)."""

    FRESH = "fresh"
    AGEING = "ageing"
    LOST = "lost"
    NONE = "none"  # nothing was ever measured


AGEING, LOST = 2, 5  # times the usual interval


class Indicator(msgspec.Struct, frozen=True):
    """A number the district is measured by, as a pack declares it."""

    key: str
    pack: str
    title: Words
    unit: str
    type: str  # of things
    property: str
    how: How
    band: tuple[float, float] | None = None  # where it should be, both ends included
    direction: Direction = Direction.LOW_IS_GOOD
    vital: int | None = None  # its place on the wall
    field: str = "limit"  # of the element, for `margin`


class Columns(NamedTuple):
    """The latest values of one property of all things of a type, row by row."""

    things: list[str]
    times: NDArray[np.int64]  # UTC ms; 0 where nothing was ever heard
    values: NDArray[np.float64]  # nan where nothing was ever heard
    every_ms: int  # the usual interval


class Latest(Protocol):
    """Where the latest values are; the lake's live state."""

    def of(self, type: str, property: str) -> Columns:  # noqa: A002
        """Return the latest values, empty columns when there is no such property."""
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
        return None if band is None or self.value is None else band[0] <= self.value <= band[1]

    def shown(self) -> dict[str, Any]:
        """Return it as JSON, without its line."""
        kind = self.indicator
        return {
            "key": kind.key, "pack": kind.pack, "title": kind.title.zh, "title_en": kind.title.en,
            "value": self.value, "unit": kind.unit,
            "band": None if kind.band is None else list(kind.band),
            "direction": kind.direction.value, "in_band": self.in_band, "how": kind.how.value,
            "of": f"{kind.type}.{kind.property}", "vital": kind.vital,
            "time": None if self.time is None else iso(self.time), "source": self.source,
            "state": self.state.value,
            "age_s": None if self.age_ms is None else self.age_ms // 1000,
            "every_s": self.every_ms // 1000, "counted": self.counted, "known": self.known,
        }  # fmt: skip

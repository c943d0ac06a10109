"""What a rule, a change of a warning and a derived series are; nothing here judges."""

import hashlib
from typing import Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from zhiyin.kernel import WarningLevel, Words

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Small = npt.NDArray[np.uint8]

NEVER = 1 << 62  # a time that does not come
LONG_AGO = -(1 << 62)  # a time before all others


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule over all series of one property of one type.

    `floors` holds one number per `WarningLevel`, index 0 unused, NaN where a level is unused: in
    the property's unit for `threshold`, in milliseconds of silence for `silent`. `hold_ms` is the
    time a level must have held (`threshold`) or the shortest silence (`silent`).
    """

    key: str
    pack: str
    type: str
    property: str
    floors: tuple[float, float, float, float, float]
    kind: Literal["threshold", "silent"] = "threshold"
    direction: Literal["above", "below"] = "above"
    hold_ms: int = 0
    clears: float = 0.0
    unit: str = "1"
    opens: dict[WarningLevel, str] = msgspec.field(default_factory=dict)
    says: Words = Words("", "")
    version: str = ""

    def __post_init__(self) -> None:
        if self.kind == "threshold" and not self.clears > 0:
            raise ValueError(f"{self.key}: clears is {self.clears}; it should be above 0")
        if not any(floor == floor for floor in self.floors[1:]):  # noqa: PLR0124  (not NaN)
            raise ValueError(f"{self.key} has no level; it should have at least one")
        if not self.version:
            msgspec.structs.force_setattr(self, "version", _digest(self))

    def levels(self) -> list[tuple[WarningLevel, float]]:
        """The levels in use with their floors, lowest level first."""
        pairs = [(WarningLevel(n), floor) for n, floor in enumerate(self.floors) if n]
        return [(level, floor) for level, floor in pairs if floor == floor]  # noqa: PLR0124

    def name(self) -> str:
        """The name no other rule of the house has."""
        return f"{self.pack}/{self.key}"


def _digest(rule: Rule) -> str:
    """Return ten characters that change when the judgement would; wording does not count."""
    parts = (
        rule.kind, rule.type, rule.property, rule.direction, rule.hold_ms, rule.clears, rule.unit,
        [repr(floor) for floor in rule.floors], sorted(rule.opens.items()),
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:10]


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one warning; `time` and `since` are event time in UTC milliseconds.

    A warning is one episode of one rule on one series: raised, any number of `level` changes up or
    down, cleared. `since` is when the value reached the level (rising), or `time` (falling).
    """

    warning: str
    rule: str
    pack: str
    version: str
    series: int
    kind: Literal["raised", "level", "cleared"]
    level: int
    time: int
    value: float
    since: int
    evidence: dict[str, object]


class Judged(NamedTuple):
    """What a batch brought: the changes in order of time, and which rows came too late (mask)."""

    transitions: list[Transition]
    late: Bools


class Derive(msgspec.Struct, frozen=True, kw_only=True):
    """A series made from others: `aqi` of stations of type `source`, every hour or every day.

    `gives` names the property of the AQI; `primary`, when given, that of the primary pollutants as
    a sum of bits: 1 SO₂, 2 NO₂, 4 CO, 8 O₃, 16 PM10, 32 PM2.5.
    """

    key: str
    pack: str
    source: str
    gives: str
    kind: Literal["aqi"] = "aqi"
    every: Literal["1h", "1d"] = "1h"
    primary: str = ""

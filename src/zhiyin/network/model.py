"""What the network knows of devices: the register of series, and what it keeps apart and why."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa
from msgspec import Struct

from zhiyin.lake import Floats
from zhiyin.network.index import SeriesIndex


class Reason(StrEnum):
    """Why an observation was kept apart."""

    MALFORMED = "malformed"
    OVERSIZE = "oversize"
    UNKNOWN_DEVICE = "unknown_device"
    UNKNOWN_PROPERTY = "unknown_property"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    CLOCK_OFF = "clock_off"
    CONTRADICTION = "contradiction"
    CHECKSUM = "checksum"  # the frame's own check does not agree
    LENGTH = "length"  # the frame says another length than it has
    INCOMPLETE = "incomplete"  # the rest never came
    UNSUPPORTED = "unsupported"  # well formed, but nothing the house knows to read
    WRONG_KEY = "wrong_key"  # a device with another's key or without its own


class Series(Struct, frozen=True, gc=False):
    """One property of one thing; `index` is dense and never changes its meaning."""

    index: int
    thing: str
    property: str
    type: str
    unit: str
    floor: float
    ceiling: float
    every: int  # ms between observations, expected
    since: int  # UTC ms at which it was registered; silence counts from here
    lateness: int  # ms that an observation may be late and still be judged in its turn
    boolean: bool = False
    derived: bool = False


class Device(Struct, frozen=True, kw_only=True):
    """A device of the register: who it is, what it senses, and how it comes in.

    `address` is how the protocol of its `gateway` names it (MN, station address, terminal phone);
    with `/part` behind, it is one part of the sender. Over MQTT and HTTP it is the id.
    """

    id: str
    type: str
    thing: str
    template: str = ""
    gateway: str = ""
    address: str = ""
    key: str = ""
    certificate: str = ""  # SHA-256 of the one it shows, or CN=its subject's; see `secure.proof_of`
    settings: dict[str, Any] = {}
    every: int = 0  # ms between its frames, expected; 0 is as the template says, or as learned
    repair: bool = False
    model: str = ""
    firmware: str = ""
    source: str = ""
    created_at: int = 0


class Rejected(Struct, frozen=True):
    """One observation kept apart: why, from where, and as it came."""

    id: str
    reason: Reason
    detail: str
    source: str
    received: int
    thing: str
    property: str
    raw: Any
    state: str = "kept"


@dataclass
class Register:
    """All series of the district, by name and by index; grows while the house runs."""

    series: list[Series] = field(default_factory=list)
    index: SeriesIndex = field(default_factory=SeriesIndex)
    of_thing: dict[str, list[int]] = field(default_factory=dict)
    floor: Floats = field(default_factory=lambda: np.empty(0))
    ceiling: Floats = field(default_factory=lambda: np.empty(0))
    boolean: "np.ndarray[Any, np.dtype[np.bool_]]" = field(
        default_factory=lambda: np.empty(0, bool)
    )
    any_boolean: bool = False
    things: Any = field(default_factory=lambda: pa.array([], pa.string()))
    properties: Any = field(default_factory=lambda: pa.array([], pa.string()))

    def __len__(self) -> int:
        return len(self.series)

    def add(self, rows: Iterable[Series]) -> list[Series]:
        """Take in series, in order of index; return those that were new."""
        fresh = [row for row in rows if row.index >= len(self.series)]
        for row in fresh:
            if row.index != len(self.series):
                raise ValueError(f"series {row.index} comes after {len(self.series) - 1}")
            self.series.append(row)
            self.of_thing.setdefault(row.thing, []).append(row.index)
        if fresh:
            self.index.rebuild(
                {
                    thing: [(self.series[at].property, at) for at in own]
                    for thing, own in self.of_thing.items()
                }
            )
            self.floor = np.append(self.floor, [row.floor for row in fresh])
            self.ceiling = np.append(self.ceiling, [row.ceiling for row in fresh])
            self.boolean = np.append(self.boolean, [row.boolean for row in fresh])
            self.any_boolean = bool(self.boolean.any())
            self.things = pa.array([row.thing for row in self.series], pa.string())
            self.properties = pa.array([row.property for row in self.series], pa.string())
        return fresh

    def find(self, thing: str, property: str) -> Series | None:  # noqa: A002
        """Return the series of a thing's property, None when there is none."""
        at = int(self.index.find([thing], [property])[0])
        return self.series[at] if at >= 0 else None

"""What a device reads at a time: a pure function of who it is, the seed and the time."""

import bisect
import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from zhiyin.kernel import HOUR, MINUTE, parse_time
from zhiyin.server.district.fleet.plan import Kind
from zhiyin.server.district.plan import Sensor
from zhiyin.server.district.values import chance, value

Point = tuple[float, float]  # lon, lat
LEAST, MOST = 15.0, 30.0  # km/h of a vehicle's mean over the day
SURGE = 0.7  # share by which its speed rises above and falls below that mean
SWING = 10 * MINUTE  # from one fast stretch to the next
SINCE = parse_time("2026-01-01T00:00:00Z")  # from when mileages count
_DEGREE = 111.32  # km of a degree of latitude


class Place(NamedTuple):
    """Where a vehicle is, in the units that its properties have."""

    lat: float
    lon: float
    speed: float  # km/h
    direction: float  # degrees from north, clockwise
    mileage: float  # km
    altitude: float = 23.0


class Way:
    """A line on the ground that is driven to and fro."""

    def __init__(self, points: Sequence[Point]) -> None:
        self._points = list(points)
        steps = (_apart(a, b) for a, b in itertools.pairwise(self._points))
        self._at = [0.0, *itertools.accumulate(steps)]

    @property
    def length(self) -> float:
        """Kilometres from end to end."""
        return self._at[-1]

    def place(self, driven: float) -> tuple[Point, float]:
        """Return the point after so many km, and the direction of travel there in degrees."""
        along = driven % (2 * self.length)
        back = along > self.length
        if back:
            along = 2 * self.length - along
        leg = min(max(1, bisect.bisect_right(self._at, along)), len(self._at) - 1)
        a, b = self._points[leg - 1], self._points[leg]
        share = (along - self._at[leg - 1]) / ((self._at[leg] - self._at[leg - 1]) or 1.0)
        point = (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share)
        return point, (_bearing(a, b) + (180 if back else 0)) % 360


class Readings:
    """What the devices of a plan read; `ways` are where its vehicles drive."""

    def __init__(self, seed: int, ways: Sequence[Way]) -> None:
        self._seed = seed
        self._ways = [one for one in ways if one.length > 0.2]
        self._sensors: dict[tuple[str, str], Sensor] = {}

    def of(self, kind: Kind, thing: str, time_ms: int) -> list[tuple[str, str, float]]:
        """Return (name in the report, property, value) of each quantity of the kind."""
        place: Place | None = None
        found = []
        for one in kind.quantities:
            if one.curve is None:
                place = place or self.place(thing, time_ms)
                found.append((one.name, one.property, getattr(place, one.name)))
                continue
            sensor = self._sensors.get((thing, one.property))
            if sensor is None:
                sensor = self._sensors[thing, one.property] = Sensor(
                    thing, kind.type, one.property, kind.every_ms, kind.gateway, one.curve
                )
            found.append((one.name, one.property, value(sensor, self._seed, time_ms)))
        return found

    def place(self, thing: str, time_ms: int) -> Place:
        """Return where a vehicle is; it keeps to its way and its speed rises and falls."""
        way = self._ways[int(chance(self._seed, thing, "way") * len(self._ways))]
        mean = LEAST + (MOST - LEAST) * chance(self._seed, thing, "mean")
        turn = 2 * math.pi * ((time_ms - SINCE) / SWING + chance(self._seed, thing, "turn"))
        # The distance is the speed's integral, so that track, speed and mileage agree.
        swing = SURGE * mean * (SWING / HOUR) / (2 * math.pi)
        driven = mean * (time_ms - SINCE) / HOUR + swing * math.sin(turn)
        speed = mean * (1 + SURGE * math.cos(turn))
        begun = chance(self._seed, thing, "begun") * 2 * way.length
        (lon, lat), direction = way.place(begun + driven)
        return Place(
            round(lat, 6), round(lon, 6), round(speed, 1), float(int(direction)),
            round(1000 * chance(self._seed, thing, "mileage") + driven, 1),
        )  # fmt: skip


def _apart(a: Point, b: Point) -> float:
    """Return the km between two points that are near each other."""
    east = (b[0] - a[0]) * math.cos(math.radians((a[1] + b[1]) / 2))
    return _DEGREE * math.hypot(east, b[1] - a[1])


def _bearing(a: Point, b: Point) -> float:
    east = (b[0] - a[0]) * math.cos(math.radians((a[1] + b[1]) / 2))
    return math.degrees(math.atan2(east, b[1] - a[1]))

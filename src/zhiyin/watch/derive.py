"""Series made from series, in event time. Pure, like the judge: equal input, equal output.

So far one kind, `aqi`: an hourly value is one stamped on a whole hour, which it ends. A value
follows each row that changes it, so late pollutants and repeated hours correct what was given.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from zhiyin.kernel import DAY, HOUR, Quality
from zhiyin.lake import Columns
from zhiyin.watch.aqi import POLLUTANTS, Aqi, aqi_day, aqi_hour
from zhiyin.watch.model import LONG_AGO, Derive, Floats, Ints
from zhiyin.watch.series import Kind, SeriesTable

DAYS_KEPT = 16
_ZONE = 8 * HOUR  # the district's days, UTC+8

Rows = list[tuple[Ints, Ints, Floats, npt.NDArray[np.uint8]]]


class Stations:
    """Hourly values of the stations of one type: the last `DAYS_KEPT` days touched per station."""

    def __init__(self, source: str, derives: Iterable[Derive]) -> None:
        self.source = source
        self.derives = tuple(derives)
        self.slots: dict[tuple[int, int], int] = {}  # (thing, day) -> row, least used first
        self.newest: dict[int, int] = {}
        self.hours = np.zeros((0, 24, len(POLLUTANTS)))
        self.thing = np.zeros(0, np.int64)
        self.day = np.zeros(0, np.int64)
        # what was given, value and completeness in one number: value + 0.5 when incomplete
        self.given_hour = np.zeros((0, 24))
        self.given_day = np.zeros(0)

    def slot(self, thing: int, day: int) -> int:
        """Return the row of a station's day; a new one takes the place of the least used."""
        found = self.slots.pop((thing, day), -1)
        if found < 0:
            own = [key for key in self.slots if key[0] == thing]
            found = self.slots.pop(own[0]) if len(own) >= DAYS_KEPT else self._room()
            self.hours[found], self.given_hour[found] = np.nan, np.nan
            self.given_day[found] = np.nan
            self.thing[found], self.day[found] = thing, day
        self.slots[thing, day] = found
        return found

    def _room(self) -> int:
        count = len(self.slots)
        if count == len(self.day):
            more = max(16, count)
            self.hours = np.concatenate([self.hours, np.full((more, 24, len(POLLUTANTS)), np.nan)])
            self.given_hour = np.concatenate([self.given_hour, np.full((more, 24), np.nan)])
            self.given_day = np.concatenate([self.given_day, np.full(more, np.nan)])
            self.thing = np.concatenate([self.thing, np.zeros(more, np.int64)])
            self.day = np.concatenate([self.day, np.zeros(more, np.int64)])
        return count

    def take(self, thing: Ints, column: Ints, time: Ints, value: Floats) -> tuple[Ints, Ints]:
        """Set hourly values; return (rows, hours) touched."""
        local = time - 1 + _ZONE
        day, hour = local // DAY, local % DAY // HOUR
        pairs, index = np.unique(np.stack([thing, day]), axis=1, return_inverse=True)
        rows = np.array([self.slot(*pair) for pair in pairs.T.tolist()], np.int64)[index.ravel()]
        self.hours[rows, hour, column] = value
        for station in np.unique(thing).tolist():
            last = int(time[thing == station].max())
            self.newest[station] = max(self.newest.get(station, LONG_AGO), last)
        touched = np.unique(rows * 24 + hour)
        return touched // 24, touched % 24

    def hourly(self, row: Ints, hour: Ints) -> tuple[Ints, Ints, Aqi, npt.NDArray[np.bool_]]:
        """Return (thing, time, index, changed) of hours; what is changed counts as given."""
        time = self.day[row] * DAY - _ZONE + (hour + 1) * HOUR
        so2, no2, co, o3, pm10, pm25 = self.hours[row, hour].T
        index = aqi_hour(so2, no2, co, o3, pm10, pm25, time)
        changed = _news(index, self.given_hour[row, hour])
        self.given_hour[row[changed], hour[changed]] = _mark(index)[changed]
        return self.thing[row], time, index, changed

    def daily(self, things: Ints) -> tuple[Ints, Ints, Aqi, npt.NDArray[np.bool_]]:
        """Return (thing, time, index, changed) of the stations' days that are over."""
        over = [
            row
            for (thing, day), row in self.slots.items()
            if thing in set(things.tolist()) and (day + 1) * DAY - _ZONE <= self.newest[thing]
        ]
        row = np.array(over, np.int64)
        time = (self.day[row] + 1) * DAY - _ZONE
        index = aqi_day(self.hours[row], time)
        changed = _news(index, self.given_day[row])
        self.given_day[row[changed]] = _mark(index)[changed]
        return self.thing[row], time, index, changed


class Deriver:
    """All derivations over the series of a table; what it makes goes to series of the same table.

    A result whose series is not in the table is not given; `wanted` names them for the register.
    """

    def __init__(self, derives: Iterable[Derive], table: SeriesTable) -> None:
        self.derives = tuple(derives)
        self.table = table
        sources = dict.fromkeys(derive.source for derive in self.derives)
        self.stations = [
            Stations(source, (one for one in self.derives if one.source == source))
            for source in sources
        ]

    def wanted(self) -> list[tuple[str, str, str]]:
        """Return (thing, type, property) of results whose series the table still lacks."""
        missing: dict[tuple[str, str, str], None] = {}
        for stations in self.stations:
            kinds = [self.table.kind_of(stations.source, name) for name in POLLUTANTS]
            inputs = np.flatnonzero(np.isin(self.table.kind, [kind for kind in kinds if kind >= 0]))
            for thing in np.unique(self.table.thing[inputs]).tolist():
                for derive in stations.derives:
                    for name in filter(None, (derive.gives, derive.primary)):
                        if self._series(thing, derive.source, name) < 0:
                            missing[self.table.things[thing], derive.source, name] = None
        return list(missing)

    def reads(self, rows: Columns) -> bool:
        """Whether any of these rows is of a kind that something is derived from, on the hour."""
        if not self.stations:
            return False
        hourly = rows.series[rows.time % HOUR == 0]
        kinds = self.table.kind[hourly[hourly < len(self.table.kind)]]
        return any((self._columns(one.source)[kinds] >= 0).any() for one in self.stations)

    def step(self, rows: Columns) -> Columns:
        """Take up a batch, late and historic rows too; return the derived rows by series, time."""
        out: Rows = []
        if not self.stations:
            return _joined(out)
        inside = (rows.series >= 0) & (rows.series < len(self.table.kind))
        kinds = np.where(inside, self.table.kind[np.where(inside, rows.series, 0)], -1)
        for stations in self.stations if len(self.table.kind) else ():
            column = self._columns(stations.source)[kinds]
            pick = np.flatnonzero((column >= 0) & (rows.time % HOUR == 0) & (rows.value >= 0))
            pick = pick[np.isfinite(rows.value[pick])]
            if len(pick):
                thing = self.table.thing[rows.series[pick]].astype(np.int64)
                touched = stations.take(thing, column[pick], rows.time[pick], rows.value[pick])
                for derive in stations.derives:
                    made = (
                        stations.hourly(*touched)
                        if derive.every == "1h"
                        else stations.daily(np.unique(thing))
                    )
                    out += self._rows(derive, *made)
        return _joined(out)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Return all that is remembered, stations by name."""
        state: dict[str, npt.NDArray[Any]] = {}
        for one in self.stations:
            keys = list(one.slots)
            row = np.array(list(one.slots.values()), np.int64)
            name = f"aqi/{one.source}"
            state[f"{name}/thing"] = np.array([self.table.things[thing] for thing, _ in keys], "U")
            state[f"{name}/day"] = one.day[row]
            state[f"{name}/hours"] = one.hours[row]
            state[f"{name}/given_hour"], state[f"{name}/given_day"] = (
                one.given_hour[row],
                one.given_day[row],
            )
            state[f"{name}/newest"] = np.array([one.newest[thing] for thing, _ in keys], np.int64)
        return state

    def restore(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Put a state back; stations the table does not know are left out."""
        numbers = {name: number for number, name in enumerate(self.table.things)}
        for one in self.stations:
            name = f"aqi/{one.source}"
            for at, thing in enumerate(state.get(f"{name}/thing", np.array([], "U")).tolist()):
                if thing in numbers:
                    row = one.slot(numbers[thing], int(state[f"{name}/day"][at]))
                    one.hours[row] = state[f"{name}/hours"][at]
                    one.given_hour[row] = state[f"{name}/given_hour"][at]
                    one.given_day[row] = state[f"{name}/given_day"][at]
                    one.newest[numbers[thing]] = int(state[f"{name}/newest"][at])

    def _columns(self, source: str) -> Ints:
        """Return per kind which pollutant it is, -1 none (and for kind -1)."""
        column = np.full(len(self.table.kinds) + 1, -1)
        for number, name in enumerate(POLLUTANTS):
            kind = self.table.kind_of(source, name)
            if kind >= 0:
                column[kind] = number
        return column

    def _series(self, thing: int, source: str, name: str) -> int:
        return self.table.find(thing, self.table.kind_of(*Kind(source, name)))

    def _rows(
        self,
        derive: Derive,
        thing: Ints,
        time: Ints,
        index: Aqi,
        changed: npt.NDArray[np.bool_],
    ) -> Rows:
        quality = np.where(index.complete, Quality.GOOD, Quality.ESTIMATED).astype(np.uint8)
        out: Rows = []
        results = [(derive.gives, index.value), (derive.primary, index.primary.astype(np.float64))]
        for name, value in results if derive.primary else results[:1]:
            series = np.array(
                [self._series(one, derive.source, name) for one in thing.tolist()], np.int64
            )
            kept = changed & (series >= 0)
            out.append((series[kept], time[kept], value[kept], quality[kept]))
        return out


def _mark(index: Aqi) -> Floats:
    marked: Floats = index.value + np.where(index.complete, 0.0, 0.5)
    return marked


def _news(index: Aqi, given: Floats) -> npt.NDArray[np.bool_]:
    news: npt.NDArray[np.bool_] = ~np.isnan(index.value) & (_mark(index) != given)
    return news


def _joined(parts: Rows) -> Columns:
    if not parts:
        return Columns.of([], [], [])
    series, time, value, quality = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((time, series))
    return Columns.of(series[order], time[order], value[order], quality[order])

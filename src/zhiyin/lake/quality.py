"""The quality tests of QARTOD over columns of observations, for all series at once.

Pure: no clock, no files. Equal rows and equal state give equal flags, whichever messages are taken
together, so a replay after a crash comes to the same. No Python loop runs over rows or series.

A row is judged with what came before it in its series when it is newer than all of that (IN_TURN);
a late one by its value alone. `lake.flags` says how flags are kept and what the spike's are about.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

from zhiyin.kernel import HOUR
from zhiyin.lake.flags import IN_TURN, MISSING, Packed, QualityTest, coded
from zhiyin.lake.flat import Runs
from zhiyin.lake.kinds import Kinds
from zhiyin.lake.limits import Limits
from zhiyin.lake.live import NEVER
from zhiyin.lake.model import Columns, Floats, Mask, Millis
from zhiyin.lake.near import MOST, Rows, median_of, within

Index = NDArray[np.intp]
ZONE = 8 * HOUR  # the district's time is UTC+8 the year round
LONG_AGO = NEVER // 2  # what may be subtracted from a time


class _Turn(NamedTuple):
    """Rows judged with what came before: which of the batch, and the row before each."""

    row: Index | slice
    series: NDArray[np.int32]
    kind: NDArray[np.int16]
    time: Millis
    value: Floats
    first: Mask  # of its series in this batch
    before_time: Millis  # at most LONG_AGO: there was none
    before: Floats


class Flagger:
    """All tests over all series; grows as series are added."""

    def __init__(self) -> None:
        self._kinds = Kinds()
        self._kind: NDArray[np.int16] = np.zeros(0, np.int16)
        self._time: Millis = np.zeros(0, np.int64)  # of the newest row in turn
        self._value: Floats = np.zeros(0)
        self._before: Floats = np.zeros(0)  # the value before the newest
        self._place: Index = np.zeros(0, np.intp)  # among the series with a flat-line test
        self._flat_series: Index = np.zeros(0, np.intp)
        self._runs = Runs()
        self._lon: Floats = np.zeros(0)
        self._lat: Floats = np.zeros(0)
        self._members: dict[str, list[Index]] = {}  # with a neighbour test, by name of the kind
        self._around: NDArray[np.int32] = np.zeros((0, MOST), np.int32)
        self._around_of: Index = np.zeros(0, np.intp)
        self._unplaced = False

    def __len__(self) -> int:
        return len(self._kind)

    def add(
        self, name: str, limits: Limits, series: npt.ArrayLike,
        lon: npt.ArrayLike | None = None, lat: npt.ArrayLike | None = None,
    ) -> None:  # fmt: skip
        """Judge series by these limits from now on.

        `name` says which are of the same property (`type.property`) and so may be neighbours;
        `lon`, `lat` are their places in degrees (WGS-84), NaN or left out where not known.
        """
        index = np.asarray(series, np.intp)
        self._grow(int(index.max(initial=-1)) + 1)
        kind = self._kinds.add(name, limits)
        self._kind[index] = kind
        if limits.flat is not None:
            self._place[index] = np.arange(len(index)) + len(self._flat_series)
            self._flat_series = np.append(self._flat_series, index)
            self._runs.grow(len(self._flat_series))
        if limits.near is not None:
            if lon is not None and lat is not None:
                self._lon[index], self._lat[index] = lon, lat
            self._members.setdefault(name, []).append(index)
            self._unplaced = True

    def _grow(self, size: int) -> None:
        have = len(self)
        if size <= have:
            return
        for name, fill in (
            ("_kind", 0), ("_time", LONG_AGO), ("_value", np.nan), ("_before", np.nan),
            ("_place", -1), ("_lon", np.nan), ("_lat", np.nan), ("_around_of", -1),
        ):  # fmt: skip
            array = self.__dict__[name]
            grown = np.full(size, fill, array.dtype)
            grown[:have] = array
            self.__dict__[name] = grown

    def step(self, rows: Columns, part: Millis | None = None) -> Packed:
        """Return the flags of new rows, and remember what the next ones are compared with.

        `rows` are sorted by series, then time, without repetitions; `part` is the number of the
        message that each came with, where several are judged together.
        """
        if not len(rows):
            return np.zeros(0, np.int32)
        kinds, kind = self._kinds, self._kind[rows.series]
        flags = self._gross(kind, rows.value)
        if kinds.climate.any():
            self._climatology(flags, kind, rows)
        turn = self._turn(kind, rows)
        if not len(turn.series):
            return flags
        more = self._gap(turn)
        if kinds.rate.any():
            _rate(kinds, turn, more)
        if kinds.spike.any():
            self._spike(turn, more)
        if kinds.flat.any():
            self._flat(turn, more)
        if kinds.near.any():
            known = np.zeros(len(rows), np.int64) if part is None else part
            self._neighbour(turn, more, known[turn.row])
        number = np.isnan(turn.value)
        if number.any():
            more[number] &= IN_TURN
        flags[turn.row] += more
        self._remember(turn)
        return flags

    def _gross(self, kind: NDArray[np.int16], value: Floats) -> Packed:
        kinds = self._kinds
        out = (value < kinds.low[kind]) | (value > kinds.high[kind])
        usual = out
        if kinds.any_usual:
            usual = out | (value < kinds.usual_low[kind]) | (value > kinds.usual_high[kind])
        flags = coded(QualityTest.GROSS, usual, out)
        flags *= kinds.gross[kind]
        missing = np.isnan(value)
        if missing.any():
            flags[missing] = MISSING
        return flags

    def _climatology(self, flags: Packed, kind: NDArray[np.int16], rows: Columns) -> None:
        kinds = self._kinds
        pick = np.flatnonzero(kinds.climate[kind])
        value, local = rows.value[pick], rows.time[pick] + ZONE
        month = local.astype("M8[ms]").astype("M8[M]").astype(np.int64) % 12
        usual = kinds.calendar[kinds.calendar_of[kind[pick]], month, local // HOUR % 24]
        fail = (value < usual[:, 2]) | (value > usual[:, 3])
        suspect = fail | (value < usual[:, 0]) | (value > usual[:, 1])
        known = np.isfinite(value) & ~np.isnan(usual[:, 0])
        flags[pick] += coded(QualityTest.CLIMATOLOGY, suspect, fail) * known

    def _turn(self, kind: NDArray[np.int16], rows: Columns) -> _Turn:
        series, time, value = rows.series, rows.time, rows.value
        last = self._time[series]
        good = (time > last) & self._kinds.ordered[kind]
        row: Index | slice = slice(None)
        if not good.all():
            row = np.flatnonzero(good)
            series, kind, time = series[row], kind[row], time[row]
            value, last = value[row], last[row]
        first = np.ones(len(series), bool)
        np.not_equal(series[1:], series[:-1], out=first[1:])
        before = self._value[series]
        if not first.all():
            again = np.flatnonzero(~first)
            last[again], before[again] = time[again - 1], value[again - 1]
        return _Turn(row, series, kind, time, value, first, last, before)

    def _gap(self, turn: _Turn) -> Packed:
        limit = self._kinds.gap[turn.kind]
        there = turn.before_time > LONG_AGO
        code = (turn.time - turn.before_time > limit) & there
        flags: Packed = self._kinds.has_gap[turn.kind] * (there.astype(np.int32) + code)
        flags |= IN_TURN
        return flags

    def _spike(self, turn: _Turn, flags: Packed) -> None:
        """Judge the middle of three: the row before each, from its two neighbours in time."""
        kinds = self._kinds
        earlier = np.where(turn.first, self._before[turn.series], np.roll(turn.before, 1))
        pick = np.flatnonzero(kinds.spike[turn.kind])
        kind = turn.kind[pick]
        height = np.abs(turn.before[pick] - (earlier[pick] + turn.value[pick]) / 2)
        code = coded(
            QualityTest.SPIKE, height > kinds.spike_suspect[kind], height > kinds.spike_fail[kind]
        )
        flags[pick] += code * ~np.isnan(height)

    def _flat(self, turn: _Turn, flags: Packed) -> None:
        kinds = self._kinds
        pick = np.flatnonzero(kinds.flat[turn.kind] & ~np.isnan(turn.value))
        if not len(pick):
            return
        kind, time = turn.kind[pick], turn.time[pick]
        gap = kinds.gap[kind]
        cut = (gap > 0) & (time - turn.before_time[pick] > gap)
        begin = self._runs.step(
            self._place[turn.series[pick]], cut, time, turn.value[pick], kinds.tolerance[kind]
        )
        lasted = time - begin
        flags[pick] += coded(
            QualityTest.FLAT, lasted >= kinds.flat_suspect[kind], lasted >= kinds.flat_fail[kind]
        )

    def _neighbour(self, turn: _Turn, flags: Packed, part: Millis) -> None:
        if self._unplaced:
            self._settle()
        kinds = self._kinds
        sensed = np.flatnonzero(kinds.near[turn.kind])
        if not len(sensed):
            return
        series, kind = turn.series[sensed].astype(np.intp), turn.kind[sensed]
        rows = Rows(series, turn.time[sensed], turn.value[sensed], part[sensed])
        others = self._around[self._around_of[series]].astype(np.intp)
        pick = np.flatnonzero(others[:, 0] >= 0)
        if not len(pick):
            return
        kind = kind[pick]
        middle = median_of(rows, pick, others[pick], self._time, self._value, kinds.reach[kind])
        apart = np.abs(rows.value[pick] - middle)
        flags[sensed[pick]] += coded(
            QualityTest.NEIGHBOUR, apart > kinds.differs[kind]
        ) * ~np.isnan(apart)

    def _settle(self) -> None:
        """Find out anew who is whose neighbour."""
        around: list[NDArray[np.int32]] = []
        count = 0
        limits = {name: one.near for name, one in self._kinds.number if one.near}
        for name, parts in self._members.items():
            series, near = np.sort(np.concatenate(parts)), limits[name]
            found = within(self._lon[series], self._lat[series], near.within)
            self._around_of[series] = np.arange(count, count + len(series))
            count += len(series)
            around.append(np.where(found >= 0, series[found], -1).astype(np.int32))
        self._around, self._unplaced = np.concatenate(around), False

    def _remember(self, turn: _Turn) -> None:
        series = turn.series
        last: Index | slice = slice(None)
        if not turn.first.all():
            last = np.flatnonzero(np.append(turn.first[1:], True))
            series = series[last]
        if self._kinds.spike.any():
            self._before[series] = turn.before[last]
        self._time[series], self._value[series] = turn.time[last], turn.value[last]

    def state(self) -> dict[str, NDArray[Any]]:
        """Return copies of all that is remembered."""
        state = {"time": self._time.copy(), "value": self._value.copy()}
        state |= {"before": self._before.copy(), "flat/series": self._flat_series.copy()}
        return state | {f"flat/{name}": one for name, one in self._runs.state().items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over what was remembered, once the series are added; an empty state is none."""
        if not state:
            return
        size = min(len(state["time"]), len(self))
        for name in ("time", "value", "before"):
            self.__dict__[f"_{name}"][:size] = state[name][:size]
        series = state["flat/series"]
        rows = np.flatnonzero(series < len(self))
        rows = rows[self._place[series[rows]] >= 0]
        runs = {name: state[f"flat/{name}"] for name in ("count", "value", "begin")}
        self._runs.restore(runs, rows, self._place[series[rows]])


def _rate(kinds: Kinds, turn: _Turn, flags: Packed) -> None:
    pick = np.flatnonzero(kinds.rate[turn.kind] & (turn.before_time > LONG_AGO))
    kind = turn.kind[pick]
    seconds = (turn.time[pick] - turn.before_time[pick]) / 1000
    rate = np.abs((turn.value[pick] - turn.before[pick]) / seconds)
    code = coded(QualityTest.RATE, rate > kinds.rate_suspect[kind], rate > kinds.rate_fail[kind])
    flags[pick] += code * ~np.isnan(rate)

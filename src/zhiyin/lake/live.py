"""Live state: the latest value of each series, and which observations have been seen before.

An observation is one value of one property of one thing at one time, so (series, time) is its
identity. For each series the last few identities are kept in memory; whatever is older than all
of them is asked of the table. That makes at-least-once delivery effectively once.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zhiyin.lake.model import Columns, Flags, Floats, Ints, Mask, Millis

RING = 8  # identities remembered per series
NEVER = np.iinfo(np.int64).min
Lookup = Callable[[Columns], Floats]  # values already in the table, NaN where there is none


class Admission(NamedTuple):
    """Which rows of a batch are new, were seen before, or contradict what was seen."""

    new: Mask
    duplicate: Mask
    conflict: Mask


class LiveState:
    """Latest values of all series; grows as series are added."""

    def __init__(self, size: int = 0) -> None:
        self.time: Millis = np.full(size, NEVER)
        self.value: Floats = np.full(size, np.nan)
        self.quality: Flags = np.zeros(size, np.uint8)
        self.received: Millis = np.full(size, NEVER)
        self._ring_time: Millis = np.full((size, RING), NEVER)
        self._ring_value: Floats = np.full((size, RING), np.nan)
        self._next: Flags = np.zeros(size, np.uint8)
        self._floor: Millis = np.full(size, NEVER)  # the newest identity that left the ring

    def __len__(self) -> int:
        return len(self.time)

    def grow(self, size: int) -> None:
        """Make room for series indices below `size`."""
        if size <= len(self):
            return
        size = max(size, len(self) * 3 // 2)
        fresh = LiveState(size)
        for name, array in self.state().items():
            fresh.__dict__[name][: len(array)] = array
        self.__dict__.update(fresh.__dict__)

    def state(self) -> dict[str, NDArray[np.generic]]:
        return dict(self.__dict__)

    def restore(self, state: dict[str, NDArray[np.generic]]) -> None:
        for name in self.__dict__:
            self.__dict__[name] = np.array(state[name])

    def admit(self, columns: Columns, lookup: Lookup) -> Admission:
        """Sort the rows into new, duplicate and conflict, and remember the new ones.

        `columns` must be ordered by series, then time; in a tie the one that came first is kept.
        `lookup` is called only for rows older than everything remembered of their series.
        """
        series, time, value = columns.series, columns.time, columns.value
        count = len(columns)
        seen = np.zeros(count, bool)
        earlier = np.full(count, np.nan)
        again = np.zeros(count, bool)
        again[1:] = (series[1:] == series[:-1]) & (time[1:] == time[:-1])
        if again.any():
            first = np.maximum.accumulate(np.where(again, 0, np.arange(count)))
            seen |= again
            earlier[again] = value[first[again]]
        behind = np.flatnonzero((time <= self.time[series]) & ~again)
        if len(behind):
            self._look_back(columns, behind, seen, earlier, lookup)
            if again.any():  # a repeat of a row that itself was seen is judged against the oldest
                earlier[again] = np.where(seen[first[again]], earlier[first[again]], earlier[again])
        same = seen & ((earlier == value) | (np.isnan(earlier) & np.isnan(value)))
        admission = Admission(~seen, same, seen & ~same)
        self._remember(columns.take(admission.new))
        return admission

    def put(self, rows: Columns) -> None:
        """Take over derived rows: a later one of the same time corrects the earlier."""
        newer = rows.time >= self.time[rows.series]
        at = rows.series[newer]
        self.time[at] = rows.time[newer]
        self.value[at] = rows.value[newer]
        self.quality[at] = rows.quality[newer]

    def _look_back(
        self, columns: Columns, rows: NDArray[np.intp], seen: Mask, earlier: Floats, lookup: Lookup
    ) -> None:
        series, time = columns.series[rows], columns.time[rows]
        match = self._ring_time[series] == time[:, None]
        found = match.any(axis=1)
        hit = rows[found]
        seen[hit] = True
        earlier[hit] = self._ring_value[series[found], match[found].argmax(axis=1)]
        deep = rows[~found & (time <= self._floor[series])]
        if len(deep):
            values = lookup(columns.take(deep))
            known = ~np.isnan(values)
            seen[deep[known]] = True
            earlier[deep[known]] = values[known]

    def _take_newest(self, at: Ints, time: Millis, value: Floats, quality: Flags) -> None:
        newer = time > self.time[at]
        if not newer.all():
            at, time, value, quality = at[newer], time[newer], value[newer], quality[newer]
        self.time[at], self.value[at], self.quality[at] = time, value, quality

    def _remember(self, rows: Columns) -> None:
        if not len(rows):
            return
        ends = _ends(rows.series)
        newest = ends if len(ends) < len(rows) else slice(None)
        self._take_newest(rows.series[newest], rows.time[newest], rows.value[newest],
                          rows.quality[newest])  # fmt: skip
        inside = rows.time > self._floor[rows.series]
        if not inside.all():  # older than the ring reaches: the table knows them from now on
            rows = rows.take(inside)
            if not len(rows):
                return
            ends = _ends(rows.series)
        series, time = rows.series, rows.time
        if len(ends) == len(rows):  # one row of each series, as live data mostly is
            slot = self._next[series]
            self._floor[series] = np.maximum(self._floor[series], self._ring_time[series, slot])
            self._ring_time[series, slot] = time
            self._ring_value[series, slot] = rows.value
            self._next[series] = (slot + 1) % RING
            return
        starts = np.append(0, ends[:-1] + 1)
        group = np.repeat(np.arange(len(ends)), ends - starts + 1)
        from_end = ends[group] - np.arange(len(series))
        if from_end.max() >= RING:
            passed = from_end >= RING
            np.maximum.at(self._floor, series[passed], time[passed])
            kept = ~passed
            series, time, value, from_end = (
                series[kept], time[kept], rows.value[kept], from_end[kept]
            )  # fmt: skip
            total = np.minimum(ends - starts + 1, RING)
            rank = total[group[kept]] - 1 - from_end
        else:
            value = rows.value
            rank = np.arange(len(series)) - starts[group]
            total = ends - starts + 1
        slot = (self._next[series] + rank) % RING
        np.maximum.at(self._floor, series, self._ring_time[series, slot])
        self._ring_time[series, slot] = time
        self._ring_value[series, slot] = value
        at = rows.series[ends]
        self._next[at] = ((self._next[at] + total) % RING).astype(np.uint8)


def _ends(series: Ints) -> NDArray[np.intp]:
    """Return the last row of each series, of rows ordered by series."""
    return np.flatnonzero(np.append(series[1:] != series[:-1], True))

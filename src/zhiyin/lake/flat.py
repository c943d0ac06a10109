"""Since when a series has stayed within a narrow band, for whole batches of many series.

The run that ends at a value is the longest one whose largest and smallest value differ by less
than the tolerance, the same that a window sliding over all values finds. Of the past only those
values are kept that can still end a run: each is lower, or higher, than all that followed it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.lake.model import Floats, Ints, Mask, Millis

DEPTH = 16  # values kept per series; with more a run is taken to be shorter than it is
Index = NDArray[np.intp]


class Runs:
    """What is kept of each series, by its place among those that are judged."""

    def __init__(self) -> None:
        self.count: Ints = np.zeros(0, np.int32)
        self.value: Floats = np.zeros((0, DEPTH))
        self.begin: Millis = np.zeros((0, DEPTH), np.int64)

    def grow(self, size: int) -> None:
        """Make room for `size` places."""
        more = max(size - len(self.count), 0)
        self.count = np.concatenate([self.count, np.zeros(more, np.int32)])
        self.value = np.concatenate([self.value, np.zeros((more, DEPTH))])
        self.begin = np.concatenate([self.begin, np.zeros((more, DEPTH), np.int64)])

    def state(self) -> dict[str, NDArray[Any]]:
        return {name: array.copy() for name, array in self.__dict__.items()}

    def restore(self, state: Mapping[str, NDArray[Any]], rows: Index, places: Index) -> None:
        """Take rows of a state over, each to a place."""
        for name, array in self.__dict__.items():
            array[places] = state[name][rows]

    def step(
        self, place: Index, cut: Mask, time: Millis, value: Floats, tolerance: Floats
    ) -> Millis:
        """Return when the run that ends at each row began; rows are sorted by place and time.

        No run reaches across a row where `cut` holds.
        """
        first = np.append(True, place[1:] != place[:-1])
        start = np.flatnonzero(first | cut)
        size = np.diff(np.append(start, len(place)))
        kept = np.where(cut[start] | ~first[start], 0, self.count[place[start]]).astype(np.intp)
        # Line up what is kept of a series before its rows.
        floor = np.cumsum(size + kept) - size - kept
        row = np.arange(len(place)) + np.repeat(np.cumsum(kept), size)
        held = np.repeat(floor, kept) + _counting(kept)
        line, begin = np.empty(len(row) + len(held)), np.empty(len(row) + len(held), np.int64)
        line[row], begin[row] = value, time
        at = np.repeat(place[start], kept)
        line[held], begin[held] = self.value[at, _counting(kept)], self.begin[at, _counting(kept)]
        low, high = _tables(line, int((size + kept).max()))
        head = _reach(row, np.repeat(floor, size), low, high, tolerance)
        last = np.flatnonzero(np.append(place[1:] != place[:-1], True))
        self._keep(place[last], head[last], row[last], low, high, begin)
        return begin[head]

    def _keep(
        self, place: Index, head: Index, end: Index, low: Floats, high: Floats, begin: Millis
    ) -> None:
        """Keep of each last run, from `head` to `end`, what is lower or higher than all after."""
        size = end - head + 1
        at = np.repeat(head, size) + _counting(size)
        stop = np.repeat(end, size)
        level = np.log2(np.maximum(stop - at, 1)).astype(np.intp)
        left, right = np.minimum(at + 1, stop), stop - (1 << level) + 1
        after_low = np.minimum(low[level, left], low[level, right])
        after_high = np.maximum(high[level, left], high[level, right])
        chosen = (at == stop) | (low[0, at] < after_low) | (low[0, at] > after_high)
        owner = np.repeat(np.arange(len(place)), size)[chosen]
        at = at[chosen]
        # What was left out before a kept value counts to its own stretch.
        since = begin[np.append(0, at[:-1] + 1)]
        first = np.append(True, owner[1:] != owner[:-1])
        since[first] = begin[head]
        count = np.bincount(owner, minlength=len(place))
        slot = _counting(count) - np.repeat(np.maximum(count - DEPTH, 0), count)
        fits = slot >= 0
        owner, slot, at, since = owner[fits], slot[fits], at[fits], since[fits]
        self.value[place[owner], slot], self.begin[place[owner], slot] = low[0, at], since
        self.count[place] = np.minimum(count, DEPTH)


def _counting(sizes: Index) -> Index:
    """Return 0, 1, … up to each size, one after the other."""
    return np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def _tables(line: Floats, longest: int) -> tuple[Floats, Floats]:
    """Return the least and the greatest of the 2**k values from each on, by k."""
    levels = max(longest.bit_length(), 1)
    low, high = np.empty((levels, len(line))), np.empty((levels, len(line)))
    low[:], high[:] = line, line
    for k in range(1, levels):
        half = 1 << (k - 1)
        np.minimum(low[k - 1, :-half], low[k - 1, half:], out=low[k, :-half])
        np.maximum(high[k - 1, :-half], high[k - 1, half:], out=high[k, :-half])
    return low, high


def _reach(row: Index, floor: Index, low: Floats, high: Floats, tolerance: Floats) -> Index:
    """Return how far back from each row all values stay within the tolerance, not below `floor`."""
    head, least, greatest = row.copy(), low[0, row], high[0, row]
    for k in range(len(low) - 1, -1, -1):
        further = head - (1 << k)
        inside = further >= floor
        further[~inside] = 0
        lower = np.minimum(least, low[k, further])
        higher = np.maximum(greatest, high[k, further])
        inside &= higher - lower < tolerance
        head = np.where(inside, further, head)
        least, greatest = np.where(inside, lower, least), np.where(inside, higher, greatest)
    return head

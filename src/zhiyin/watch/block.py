"""A batch put in order: sorted by series and time, one row per series and time, in segments."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from zhiyin.watch.model import Bools, Floats, Ints


class Block(NamedTuple):
    """Rows of one class of series, sorted by (place, time); a segment is the rows of one series.

    `start` and `end` are the segments' row bounds, `place` their places in the class, `owner` the
    segment of each row, `gap` the milliseconds since its series was last seen, `position` where in
    the stream each row stood, where that differs.
    """

    series: Ints
    time: Ints
    value: Floats
    start: Ints
    end: Ints
    place: Ints
    owner: Ints
    gap: Ints
    position: Ints | None = None

    @property
    def last_time(self) -> Ints:
        return self.time[self.end - 1]

    def before(self, segment: int, until: int) -> slice:
        """Return the rows of a segment with time < until."""
        start, end = int(self.start[segment]), int(self.end[segment])
        return slice(start, start + int(self.time[start:end].searchsorted(until)))


class Ordered(NamedTuple):
    """Rows sorted by (address, time), equal ones in order of arrival; `row` is where each stood."""

    address: Ints
    time: Ints
    row: Ints


def ordered(address: Ints, time: Ints) -> Ordered:
    """Sort rows by address and time, keeping the order of arrival among equals.

    Address, time and row are packed into one 63-bit key where they fit (a sort of plain integers is
    five times faster than a sort by two columns); otherwise a sort by columns does the same.
    """
    count = len(address)
    first = int(time.min())
    time_bits = (int(time.max()) - first).bit_length()
    row_bits = count.bit_length()
    if int(address.max()).bit_length() + time_bits + row_bits > 62:
        row = np.lexsort((time, address))
        return Ordered(address[row], time[row], row)
    key = (((address << time_bits) | (time - first)) << row_bits) | np.arange(count)
    key.sort()
    row = key & ((1 << row_bits) - 1)
    key >>= row_bits
    return Ordered(key >> time_bits, (key & ((1 << time_bits) - 1)) + first, row)


def segments(address: Ints) -> tuple[Bools, Ints, Ints]:
    """Return (is first of its segment, starts, ends) of rows sorted by address."""
    first = np.ones(len(address), np.bool_)
    np.not_equal(address[1:], address[:-1], out=first[1:])
    start = np.flatnonzero(first)
    end = np.empty_like(start)
    end[:-1], end[-1:] = start[1:], len(address)
    return first, start, end


def blocks(
    series: Ints,
    time: Ints,
    value: Floats,
    address: Ints,
    seen: Ints,
    bounds: Ints,
    position: Ints | None = None,
) -> Iterator[tuple[int, Block]]:
    """Cut rows sorted by (address, time) into one block per class that has any.

    `bounds[c]` is the first address of class c (one more at the end); `seen` holds per row the
    time its series was last seen before this batch.
    """
    first, start, end = segments(address)
    gap = np.empty_like(time)
    gap[1:] = time[1:] - np.maximum(time[:-1], seen[1:])
    gap[start] = time[start] - seen[start]
    owner = np.cumsum(first) - 1
    head = address[start]
    cut = np.searchsorted(head, bounds)
    for number in np.flatnonzero(cut[1:] > cut[:-1]).tolist():
        low, high = int(cut[number]), int(cut[number + 1])
        a, b = int(start[low]), int(end[high - 1])
        yield (
            number,
            Block(
                series[a:b],
                time[a:b],
                value[a:b],
                start[low:high] - a,
                end[low:high] - a,
                head[low:high] - bounds[number],
                owner[a:b] - low,
                gap[a:b],
                None if position is None else position[a:b],
            ),
        )


class Change(NamedTuple):
    """A level left for another at one place of a class; levels count the rule's used ones from 1.

    `until` bounds the evidence: what was observed before it. `segment` is -1 outside a batch.
    `raised` is when the episode's conditions were met; `time` may be later, never earlier, than the
    change before it (a row may belong before a tick that has already been judged).
    """

    place: int
    segment: int
    before: int
    after: int
    time: int
    since: int
    until: int
    raised: int
    value: float | None = None

"""The last few values of every series: what a warning shows as its evidence."""

from typing import Any

import numpy as np

from zhiyin.watch.block import Block
from zhiyin.watch.series import grown

DEPTH = 8


class Recent:
    """A ring of the last `DEPTH` (time, value) per series, arrays indexed by series."""

    def __init__(self) -> None:
        self.time = np.zeros((DEPTH, 0), np.int64)
        self.value = np.zeros((DEPTH, 0), np.float64)
        self.count = np.zeros(0, np.int64)

    def resize(self, size: int) -> None:
        """Make room for `size` series."""
        self.time, self.value = grown(self.time, size), grown(self.value, size)
        self.count = grown(self.count, size)

    def note(self, block: Block) -> None:
        """Take up the last rows of each segment."""
        length = block.end - block.start
        if len(length) == len(block.series):  # one row per series, as live data mostly is
            at = self.count[block.series]
            slot = at & (DEPTH - 1)
            self.time[slot, block.series] = block.time
            self.value[slot, block.series] = block.value
            self.count[block.series] = at + 1
            return
        row = np.arange(len(block.series))
        kept = row >= block.end[block.owner] - DEPTH
        series, owner = block.series[kept], block.owner[kept]
        slot = (self.count[series] + row[kept] - block.start[owner]) & (DEPTH - 1)
        self.time[slot, series], self.value[slot, series] = block.time[kept], block.value[kept]
        self.count[block.series[block.start]] += length

    def values(self, series: int, until: int, block: Block | None, segment: int) -> list[list[Any]]:
        """Return up to `DEPTH` [time, value] with time < until, oldest first.

        `block`, when given, holds rows of the series not yet noted.
        """
        fresh: list[list[Any]] = []
        if block is not None:
            rows = block.before(segment, until)
            rows = slice(max(rows.start, rows.stop - DEPTH), rows.stop)
            times, values = block.time[rows].tolist(), block.value[rows].tolist()
            fresh = [list(pair) for pair in zip(times, values, strict=True)]
        count = int(self.count[series])
        if len(fresh) == DEPTH or not count:
            return fresh
        times, values = self.time[:, series].tolist(), self.value[:, series].tolist()
        slots = [at & (DEPTH - 1) for at in range(max(0, count - DEPTH), count)]
        past = [[times[slot], values[slot]] for slot in slots if times[slot] < until]
        return (past + fresh)[-DEPTH:]

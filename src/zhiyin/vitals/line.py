"""态势:the last 24 hours of an indicator, kept in memory as a ring of ten-minute buckets."""

import numpy as np

from zhiyin.kernel import MINUTE

BUCKET = 10 * MINUTE
BUCKETS = 144


class Line:
    """24 hours of one number; a bucket holds the last value put into its ten minutes."""

    def __init__(self) -> None:
        self._values = np.full(BUCKETS, np.nan)
        self._numbers = np.full(BUCKETS, -1, dtype=np.int64)  # which bucket since 1970 a slot holds

    def put(self, time: int, value: float) -> None:
        """Set the value at a time (UTC ms); a time older than its slot's content is dropped."""
        number = time // BUCKET
        slot = number % BUCKETS
        if number >= self._numbers[slot]:
            self._numbers[slot], self._values[slot] = number, value

    def until(self, now: int) -> list[tuple[int, float]]:
        """Return (start of bucket in UTC ms, value) of the 24 hours up to `now`, oldest first."""
        last = now // BUCKET
        held = np.flatnonzero((self._numbers > last - BUCKETS) & (self._numbers <= last))
        order = held[np.argsort(self._numbers[held])]
        return [(int(self._numbers[i]) * BUCKET, float(self._values[i])) for i in order]

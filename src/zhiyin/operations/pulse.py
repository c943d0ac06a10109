"""一平台:the seven strings: events per ten minutes of today, and warnings as marks. In memory."""

from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zhiyin import command
from zhiyin.kernel import MINUTE, WarningLevel, iso
from zhiyin.operations.model import OWN, StringKind

BUCKET = 10 * MINUTE
_BUCKETS = 2 * 144  # yesterday's stay until their slots are needed, so that midnight loses none
_MARKS = 500


class Mark(NamedTuple):
    """A warning on a string."""

    time: int
    level: WarningLevel


class Pulse:
    """Counts of events per string and ten minutes; times are event times in UTC ms."""

    def __init__(self, strings: Iterable[StringKind] = OWN) -> None:
        self.strings = tuple(strings)
        self._row = {string.key: n for n, string in enumerate(self.strings)}
        self._of_type = {kind: n for n, string in enumerate(self.strings) for kind in string.types}
        shape = (len(self.strings), _BUCKETS)
        self._counts = np.zeros(shape, dtype=np.int64)
        self._numbers = np.full(shape, -1, dtype=np.int64)  # which bucket since 1970 a slot holds
        self._marks: dict[str, deque[Mark]] = {
            string.key: deque(maxlen=_MARKS) for string in self.strings
        }

    def key_of(self, type: str) -> str | None:  # noqa: A002
        """Return which string the observations of a type swing, None for none."""
        row = self._of_type.get(type)
        return None if row is None else self.strings[row].key

    def observed(self, type: str, times: NDArray[np.int64]) -> None:  # noqa: A002
        """Count observations of things of a type; types without a string are left out."""
        row = self._of_type.get(type)
        if row is not None:
            self._count(row, times)

    def happened(self, key: str, time: int, level: WarningLevel | None = None) -> None:
        """Count one event on a string, with a mark when it is a warning."""
        self._count(self._row[key], np.array([time], dtype=np.int64))
        if level is not None:
            self.mark(key, time, level)

    def mark(self, key: str, time: int, level: WarningLevel) -> None:
        self._marks[key].append(Mark(time, level))

    def _count(self, row: int, times: NDArray[np.int64]) -> None:
        numbers, counts = np.unique(times // BUCKET, return_counts=True)
        slots = numbers % _BUCKETS
        held = self._numbers[row, slots]
        older, newer = numbers < held, numbers > held
        self._numbers[row, slots[newer]] = numbers[newer]
        self._counts[row, slots[newer]] = 0
        self._counts[row, slots[~older]] += counts[~older]

    def shown(self, now: int) -> list[dict[str, Any]]:
        """Return each string with the counts of today up to `now` and the marks on it."""
        midnight = command.midnight(command.district_day(now))
        wanted = np.arange(midnight // BUCKET, now // BUCKET + 1)
        slots = wanted % _BUCKETS
        counts = np.where(self._numbers[:, slots] == wanted, self._counts[:, slots], 0)
        return [
            {
                "key": string.key, "title": string.title.zh, "title_en": string.title.en,
                "minutes": counts[row].tolist(),
                "marks": [
                    {"time": iso(mark.time), "level": mark.level.key}
                    for mark in self._marks[string.key]
                    if midnight <= mark.time <= now
                ],
            }
            for row, string in enumerate(self.strings)
        ]  # fmt: skip

"""The limits of every kind of series as arrays, so that rows find theirs by number."""

from collections.abc import Sequence

import numpy as np

from zhiyin.lake.flags import QualityTest
from zhiyin.lake.limits import INFINITE, Limits, Near, Span, Steps, calendar
from zhiyin.lake.model import Floats

NOTHING = Limits(Span(), ordered=False)
NONE = Steps()


class Kinds:
    """The limits of every kind of series, as one array for each limit."""

    def __init__(self) -> None:
        self.number: dict[tuple[str, Limits], int] = {}
        self.add("", NOTHING)

    def add(self, name: str, limits: Limits) -> int:
        """Return the number of a kind, a new one when it is not known."""
        if (name, limits) not in self.number:
            self.number[name, limits] = len(self.number)
            self._build()
        return self.number[name, limits]

    def _build(self) -> None:
        every = [limits for _, limits in self.number]
        judged = [limits is not NOTHING for limits in every]
        self.gross = np.array(judged, np.int32)
        fail = [one.gross for one in every]
        self.low, self.high = _pairs(fail)
        self.usual_low, self.usual_high = _pairs([one.suspect or one.gross for one in every])
        self.any_usual = any(one.suspect for one in every)
        self.ordered = np.array([one.ordered for one in every])
        self.gap = np.array([one.gap for one in every], np.int64)
        self.has_gap = ((self.gap > 0) * (1 << QualityTest.GAP)).astype(np.int32)
        self.climate = np.array([bool(one.climatology) for one in every])
        seasons = [one.climatology for one in every if one.climatology]
        self.calendar = np.stack([calendar(one) for one in seasons]) if seasons else np.empty(0)
        self.calendar_of = np.cumsum(self.climate) - 1
        self.spike = np.array([one.spike is not None for one in every])
        self.spike_suspect, self.spike_fail = _pairs([_steps(one.spike) for one in every])
        self.rate = np.array([one.rate is not None for one in every])
        self.rate_suspect, self.rate_fail = _pairs([_steps(one.rate) for one in every])
        self.flat = np.array([one.flat is not None for one in every])
        self.flat_suspect, self.flat_fail = _pairs(
            [one.flat[:2] if one.flat else NONE for one in every]
        )
        # No difference at all is within every tolerance.
        tolerance = [one.flat.tolerance if one.flat else 0.0 for one in every]
        self.tolerance = np.maximum(np.array(tolerance), np.finfo(float).smallest_subnormal)
        near = [one.near or Near(0, INFINITE, 0) for one in every]
        self.near = np.array([one.near is not None for one in every])
        self.differs = np.array([one.differs for one in near])
        self.reach = np.array([one.reach for one in near], np.int64)


def _pairs(spans: Sequence[tuple[float, ...]]) -> tuple[Floats, Floats]:
    low, high = np.array(spans, np.float64).reshape(-1, 2).T
    return low.copy(), high.copy()


def _steps(steps: Steps | None) -> Steps:
    """Return steps of which the first is never beyond the second."""
    return Steps(min(steps.suspect, steps.fail), steps.fail) if steps else NONE

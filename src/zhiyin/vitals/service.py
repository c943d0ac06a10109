"""态势:the district's vital signs now and over the last 24 hours."""

from collections.abc import Sequence
from typing import Any

from zhiyin.kernel import Clock, iso
from zhiyin.vitals.compute import compute, on_the_wall
from zhiyin.vitals.line import Line
from zhiyin.vitals.model import Freshness, Indicator, Latest, Limits, Vital


class Vitals:
    """All indicators of the packs that are on, computed from live values when asked."""

    def __init__(
        self, indicators: Sequence[Indicator], latest: Latest, limits: Limits, clock: Clock
    ) -> None:
        self.indicators = tuple(indicators)
        self._latest, self._limits, self._clock = latest, limits, clock
        self._lines = {kind.key: Line() for kind in indicators}

    def now(self) -> list[Vital]:
        """Compute all indicators and put them on their lines; a lost number is not drawn on."""
        now = self._clock.now()
        vitals = compute(self.indicators, self._latest, self._limits, now)
        for vital in vitals:
            if vital.value is not None and vital.state is not Freshness.LOST:
                self._lines[vital.indicator.key].put(now, vital.value)
        return vitals

    def put(self, key: str, time: int, value: float) -> None:
        """Fill the line of an indicator, as from history at the start; unknown keys are dropped."""
        if key in self._lines:
            self._lines[key].put(time, value)

    def shown(self) -> list[dict[str, Any]]:
        """Return all as JSON with their lines: those of the wall first, by place."""
        vitals = {vital.indicator.key: vital for vital in self.now()}
        placed = [kind.key for kind in on_the_wall(self.indicators)]
        keys = [*placed, *(key for key in vitals if key not in placed)]
        return [{**vitals[key].shown(), "series": self.series(key)} for key in keys]

    def wall(self, most: int = 5) -> list[dict[str, Any]]:
        """Return those that have a place on the wall, at most `most`."""
        return [vital for vital in self.shown() if vital["vital"] is not None][:most]

    def series(self, key: str) -> list[list[str | float]]:
        line = self._lines[key].until(self._clock.now())
        return [[iso(time), value] for time, value in line]

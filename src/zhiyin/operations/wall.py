"""一平台:the wall's one answer, composed of what every room knows now."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from zhiyin import command, vitals
from zhiyin.kernel import Clock, WarningLevel, iso
from zhiyin.operations.model import (
    CaseDesk,
    District,
    Elements,
    Json,
    OpenWarnings,
    VitalSigns,
    WallScreen,
)
from zhiyin.operations.pulse import Pulse

_OPEN = tuple(state.value for state in command.State if not state.ended)
_LEVELS = tuple(level.key for level in sorted(WarningLevel, reverse=True) if level)


class Wall:
    """Composes the wall; knows nothing itself."""

    def __init__(
        self,
        *,
        clock: Clock,
        district: District,
        latest: vitals.Latest,
        elements: Elements,
        warnings: OpenWarnings,
        cases: CaseDesk,
        vital_signs: VitalSigns,
        pulse: Pulse,
        screen: WallScreen | None = None,
    ) -> None:
        self._clock, self._district, self._screen = clock, district, screen or WallScreen()
        self._latest, self._elements = latest, elements
        self._warnings, self._cases = warnings, cases
        self._vitals, self._pulse = vital_signs, pulse

    async def now(self, most: int = 12) -> Json:
        """Return everything the wall shows; at most `most` cases, the most pressing first."""
        now = self._clock.now()
        wanted = command.CaseFilter(states=_OPEN)
        cases, _ = await self._cases.page(wanted, most)
        return {
            "now": iso(now),
            "speed": self._clock.speed,
            "demo": self._district.demo,
            "district": {"name": self._district.name, "name_en": self._district.name_en},
            **await self._cases.figures(),
            "levels": self._levels(),
            "pumps": self._pumps(),
            "vitals": self._vitals.wall(),
            "warnings": counted(await self._warnings.open()),
            "cases": cases,
            "strings": self._pulse.shown(now),
            "data_age_s": self.data_age_s(),
        }

    def _levels(self) -> list[Json]:
        """Return each thing's level beside its own limit, the highest over it first."""
        panel = self._screen.levels
        if panel is None:
            return []
        columns = self._latest.of(panel.type, panel.property)
        names = self._elements.names(panel.type)
        limits = self._elements.field(panel.type, panel.limit)
        rows = [
            {
                "thing": thing, **_named(names.get(thing), thing), "value": _number(value),
                "limit": limits.get(thing), "unit": "m", "time": _moment(time),
            }
            for thing, time, value in zip(
                columns.things, columns.times.tolist(), columns.values.tolist(), strict=True
            )
        ]  # fmt: skip
        return sorted(rows, key=_over_limit, reverse=True)

    def _pumps(self) -> Json | None:
        panel = self._screen.machines
        if panel is None:
            return None
        running = self._latest.of(panel.type, panel.running)
        flow = self._latest.of(panel.type, panel.flow)
        installed = self._elements.field(panel.type, panel.installed)
        return {
            "running": int(np.nansum(running.values)),
            "total": int(sum(installed.values())),
            "flow": round(float(np.nansum(flow.values)), 2) if len(flow.things) else None,
            "unit": "m³/s",
            "time": _moment(int(running.times.max(initial=0))),
        }

    def data_age_s(self) -> float | None:
        """Return how old the newest observation is, None before the first."""
        newest = int(self._latest.of("*", "*").times.max(initial=0))
        return max(0, self._clock.now() - newest) / 1000 if newest else None


def counted(warnings: Sequence[Json], most: int = 5) -> Json:
    """Return how many are open by level, and the worst: highest level first, then the newest."""
    by_level = Counter(warning["level"] for warning in warnings)
    newest_first = sorted(warnings, key=lambda warning: str(warning["raised_at"]), reverse=True)
    worst = sorted(newest_first, key=lambda warning: _LEVELS.index(warning["level"]))
    return {
        "open": len(warnings),
        "by_level": {level: by_level[level] for level in _LEVELS},
        "worst": worst[:most],
    }


def _named(words: Any, thing: str) -> Json:
    return {"name": words.zh, "name_en": words.en} if words else {"name": thing, "name_en": thing}


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _moment(time: int) -> str | None:
    return iso(time) if time > 0 else None


def _over_limit(row: Json) -> float:
    if row["value"] is None or row["limit"] is None:
        return float("-inf")
    return float(row["value"] - row["limit"])

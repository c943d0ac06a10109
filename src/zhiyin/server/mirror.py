"""The web process's mirror of live state: latest values by series, open levels by thing."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import numpy as np
import structlog
from numpy.typing import NDArray

from zhiyin import cloud, lake, network, vitals
from zhiyin.kernel import DAY, WorldFault, iso
from zhiyin.server.sense import LATEST, SNAPSHOT

log = structlog.get_logger()


class _Kept(NamedTuple):
    """Which series a question is about, for as long as the register stays as it is."""

    series: NDArray[np.int64]
    things: list[str]
    every: NDArray[np.int64]


class Mirror:
    """What the sensing worker tells, kept for whoever asks over HTTP."""

    def __init__(
        self, bus: cloud.Bus, register: network.Register, history: lake.Observations
    ) -> None:
        self._bus, self._register, self._history = bus, register, history
        self._live = lake.LiveState()
        self._by_property: dict[tuple[str, str], list[int]] = {}
        self._grouped = 0
        self._kept: dict[tuple[str, str], _Kept] = {}
        self.heard = 0  # UTC ms of the newest observation heard of
        self.ready = False
        self.on_counts: Callable[[dict[str, int]], None] = lambda _counts: None

    async def open(self) -> None:
        async def changed(message: cloud.Message) -> None:
            columns, _, note = lake.decode(message.data)
            self._put(columns)
            if note and note != "{}":
                self.on_counts(msgspec.json.decode(note))

        await self._bus.listen(LATEST, changed)

    async def follow(self) -> None:
        """Fetch everything once the sensing worker answers, and again whenever it was away."""
        while True:
            try:
                columns, _, _ = lake.decode(await self._bus.ask(SNAPSHOT, within=2))
                self._put(columns)
                self.ready = True
                await asyncio.sleep(5)
            except WorldFault:
                self.ready = False
                await asyncio.sleep(0.5)

    def _put(self, columns: lake.Columns) -> None:
        if not len(columns):
            return
        self._live.grow(int(columns.series.max()) + 1)
        self._live.put(columns)
        self.heard = max(self.heard, int(columns.time.max()))

    def _group(self) -> None:
        if self._grouped == len(self._register):
            return
        self._kept.clear()
        for row in self._register.series[self._grouped :]:
            for key in ((row.type, row.property), (row.type, "*"), ("*", "*")):
                self._by_property.setdefault(key, []).append(row.index)
        self._grouped = len(self._register)
        self._live.grow(self._grouped)

    def of(self, type: str, property: str) -> vitals.Columns:  # noqa: A002
        """Return the newest value of each thing of a type; `*` is any."""
        self._group()
        kept = self._kept.get((type, property))
        if kept is None:
            index = self._by_property.get((type, property), [])
            rows = [self._register.series[n] for n in index]
            kept = _Kept(
                np.array(index, np.int64),
                [row.thing for row in rows],
                np.array([row.every for row in rows], np.int64),
            )
            self._kept[type, property] = kept
        times = self._live.time[kept.series]
        return vitals.Columns(
            kept.things,
            np.where(times == lake.NEVER, 0, times),
            self._live.value[kept.series],
            kept.every,
        )

    def since(self, type: str, property: str, since: int) -> vitals.Columns:  # noqa: A002
        """Return all values of a property from a moment on."""
        rows = self._history.of_things(
            sorted({self._register.series[n].thing for n in self._indices(type, property)}),
            property, since, since + 8 * DAY,
        )  # fmt: skip
        return vitals.Columns(
            [row[0] for row in rows],
            np.array([row[1] for row in rows], np.int64),
            np.array([row[2] for row in rows], np.float64),
            np.zeros(len(rows), np.int64),
        )

    def _indices(self, type_: str, property_: str) -> list[int]:
        self._group()
        return self._by_property.get((type_, property_), [])

    def latest_of(self, thing: str) -> dict[str, Any] | None:
        """Return `{property: {value, time, unit}}` of a thing, None when it has no series."""
        index = self._register.of_thing.get(thing)
        if not index:
            return None
        self._live.grow(len(self._register))
        told = {}
        for n in index:
            row = self._register.series[n]
            at = int(self._live.time[n])
            if at != lake.NEVER:
                value = float(self._live.value[n])
                told[row.property] = {"value": value, "time": iso(at), "unit": row.unit}
        return told

    def latest(self, type_: str | None, thing: str | None) -> list[dict[str, Any]]:
        """Return the latest values as rows."""
        self._group()
        if thing is not None:
            index = self._register.of_thing.get(thing, [])
        else:
            index = self._by_property.get((type_ or "*", "*"), [])
        rows = []
        for n in index:
            row, at = self._register.series[n], int(self._live.time[n])
            if at != lake.NEVER:
                rows.append(
                    {
                        "thing": row.thing, "property": row.property, "type": row.type,
                        "unit": row.unit, "value": float(self._live.value[n]), "time": iso(at),
                        "quality": int(self._live.quality[n]),
                    }
                )  # fmt: skip
        return rows

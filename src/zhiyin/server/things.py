"""What is known of things while the house runs: series by index, names and places by id."""

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zhiyin import cloud, lake, network, watch
from zhiyin.lake import Ints
from zhiyin.server.brain import Brain


class FlagKind(NamedTuple):
    """Series of one property with the same limits, and where they stand (degrees, NaN unknown)."""

    name: str
    limits: lake.Limits
    series: list[int]
    lon: list[float]
    lat: list[float]


def _limited(row: network.Series) -> tuple[str, str, float, float, int]:
    return row.type, row.property, row.floor, row.ceiling, row.every


class ThingBook:
    """The register of series with the names and places of elements; refreshed when it grows."""

    def __init__(self, brain: Brain, database: cloud.Database) -> None:
        self._brain, self._database = brain, database
        self.register = network.Register()
        self._kind_names: list[str] = []
        self._kind: NDArray[np.int32] = np.zeros(0, np.int32)
        self._facts: dict[str, watch.ThingFacts] = {}

    async def refresh(self) -> None:
        async with self._database.read() as session:
            fresh = self.register.add(await network.load_series(session, len(self.register)))
            self._facts = await self._brain.thing_facts(session)
        if fresh:
            numbers = {name: n for n, name in enumerate(self._kind_names)}
            for row in fresh:
                numbers.setdefault(row.type, len(numbers))
            self._kind_names = list(numbers)
            added = np.array([numbers[row.type] for row in fresh], np.int32)
            self._kind = np.concatenate([self._kind, added])

    def facts(self, thing: str) -> watch.ThingFacts:
        return self._facts.get(thing) or watch.ThingFacts(thing, thing, None, None, "", "")

    def series(self, index: int) -> tuple[str, str, str]:
        row = self.register.series[index]
        return row.thing, row.property, row.unit

    def kinds_from(self, start: int) -> Iterator[FlagKind]:
        """Yield the series from index `start` on by what judges their quality."""
        fresh = sorted(self.register.series[start:], key=_limited)
        for (type_, property_, floor, ceiling, every), group in groupby(fresh, key=_limited):
            rows, limits = list(group), self._brain.quality.get((type_, property_))
            if limits is None:  # no pack that is on declares it; the register still knows it
                limits = lake.limits_of(None, "1", floor, ceiling, every, derived=rows[0].derived)
            where = [self.facts(row.thing) for row in rows]
            yield FlagKind(
                f"{type_}.{property_}", limits, [row.index for row in rows],
                [np.nan if one.lon is None else one.lon for one in where],
                [np.nan if one.lat is None else one.lat for one in where],
            )  # fmt: skip

    def kinds(self, series: Ints) -> Iterator[tuple[str, int]]:
        """Yield each type with the number of these rows that are of it."""
        counts = np.bincount(self._kind[series], minlength=len(self._kind_names))
        for n in np.flatnonzero(counts):
            yield self._kind_names[n], int(counts[n])

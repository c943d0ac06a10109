"""What is known of things while the house runs: series by index, names and places by id."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from zhiyin import cloud, network, watch
from zhiyin.lake import Ints
from zhiyin.server.brain import Brain


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

    def kinds(self, series: Ints) -> Iterator[tuple[str, int]]:
        """Yield each type with the number of these rows that are of it."""
        counts = np.bincount(self._kind[series], minlength=len(self._kind_names))
        for n in np.flatnonzero(counts):
            yield self._kind_names[n], int(counts[n])

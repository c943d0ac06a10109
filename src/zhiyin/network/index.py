"""Which series a thing and a property are, for whole columns of names at once.

A dictionary by (thing, property) costs half a microsecond a row: a tuple made, two texts hashed,
and memory all over the place touched. Here each column is looked up by itself, in dictionaries
that are small enough to stay near, and the two numbers are joined by arrays.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat

import numpy as np

from zhiyin.lake import Ints


class SeriesIndex:
    """Series by thing and property.

    Things with the same properties in the same order share a layout; `columns[layout, property]`
    says which of its thing's series a property is. The last layout and the last property stand
    for the unknown, and -1 finds them.
    """

    def __init__(self) -> None:
        self.rebuild({})

    def rebuild(self, of_thing: Mapping[str, Iterable[tuple[str, int]]]) -> None:
        """Take over all things, each with its properties and their series."""
        self._rows: dict[str, int] = {}
        self._names: dict[str, int] = {}
        layouts: dict[tuple[int, ...], int] = {}
        layout: list[int] = []
        start: list[int] = []
        series: list[int] = []
        for thing, pairs in of_thing.items():
            self._rows[thing] = len(layout)
            start.append(len(series))
            own = [(self._names.setdefault(name, len(self._names)), at) for name, at in pairs]
            series += [at for _, at in own]
            layout.append(layouts.setdefault(tuple(name for name, _ in own), len(layouts)))
        self._layout = np.array([*layout, len(layouts)], np.intp)  # of each thing
        self._start = np.array([*start, 0], np.intp)  # where in `_series` a thing's own begin
        self._series = np.array([*series, -1], np.int32)
        self._columns = np.full((len(layouts) + 1, len(self._names) + 1), -1, np.intp)
        for names, number in layouts.items():
            self._columns[number, list(names)] = np.arange(len(names))

    def find(self, things: Sequence[str], properties: Sequence[str]) -> Ints:
        """Return the series of each pair, -1 where there is none."""
        count = len(things)
        row = np.fromiter(map(self._rows.get, things, repeat(-1)), np.intp, count)
        name = np.fromiter(map(self._names.get, properties, repeat(-1)), np.intp, count)
        column = self._columns[self._layout[row], name]
        found: Ints = self._series[self._start[row] + column]
        if column.min(initial=0) < 0:
            found[column < 0] = -1
        return found

"""The series the watch room knows: dense numbers of the register with type, property and thing."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from zhiyin.watch.model import Ints


def grown(array: npt.NDArray[Any], size: int, fill: float = 0) -> npt.NDArray[Any]:
    """Return an array of at least `size` along the last axis, the new places holding `fill`.

    Grows by doubling, so that adding series one by one stays cheap.
    """
    have = array.shape[-1]
    if size <= have:
        return array
    bigger = np.full((*array.shape[:-1], max(size, 2 * have, 64)), fill, array.dtype)
    bigger[..., :have] = array
    return bigger


class Kind(NamedTuple):
    """The class of a series: all series of a kind are watched by the same rules."""

    type: str
    property: str


class SeriesTable:
    """Which series there are; grows while the brain runs and never forgets.

    Arrays are indexed by the series' number; `kind` and `thing` are -1 where there is no series.
    """

    def __init__(self) -> None:
        self.kind = np.full(0, -1, np.int32)
        self.thing = np.full(0, -1, np.int32)
        self.since = np.zeros(0, np.int64)
        self.kinds: list[Kind] = []
        self.lateness: list[int] = []
        self.things: list[str] = []
        self._kind_number: dict[Kind, int] = {}
        self._thing_number: dict[str, int] = {}
        self._series: dict[tuple[int, int], int] = {}
        self._log: list[Ints] = []

    @property
    def version(self) -> int:
        """Grows with every addition."""
        return len(self._log)

    def add(
        self,
        series: int,
        type: str,  # noqa: A002  (the word of the model)
        property: str,  # noqa: A002
        thing: str,
        *,
        lateness: int = 0,
        since: int = 0,
    ) -> None:
        """Add one series; see `add_many`."""
        self.add_many([series], type, property, [thing], lateness=lateness, since=since)

    def add_many(
        self,
        series: npt.ArrayLike,
        type: str,  # noqa: A002
        property: str,  # noqa: A002
        things: Sequence[str],
        *,
        lateness: int = 0,
        since: int = 0,
    ) -> None:
        """Add series of one type and property; those already there are left as they are.

        `lateness` (ms) holds for the whole kind, the last one told counts; silence counts from
        `since`. ValueError when a series is already there with another type or property.
        """
        index = np.asarray(series, np.int64)
        kind = self._number(Kind(type, property), lateness)
        size = int(index.max(initial=-1)) + 1
        self.kind, self.thing = grown(self.kind, size, -1), grown(self.thing, size, -1)
        self.since = grown(self.since, size)
        there = self.kind[index]
        if ((there != -1) & (there != kind)).any():
            wrong = int(index[(there != -1) & (there != kind)][0])
            is_, should = self.kinds[self.kind[wrong]], Kind(type, property)
            raise ValueError(f"series {wrong} is {'.'.join(is_)}; it cannot be {'.'.join(should)}")
        new = index[there == -1]
        names = [name for name, old in zip(things, there.tolist(), strict=True) if old == -1]
        numbers = [self._thing(name) for name in names]
        self.kind[new], self.thing[new], self.since[new] = kind, numbers, since
        self._series.update(
            ((number, kind), at) for number, at in zip(numbers, new.tolist(), strict=True)
        )
        self._log.append(new)

    def added_since(self, version: int) -> Ints:
        """Return the series added after `version`."""
        return np.concatenate([np.zeros(0, np.int64), *self._log[version:]])

    def kind_of(self, type: str, property: str) -> int:  # noqa: A002
        """Return the number of the kind, -1 when no series has it."""
        return self._kind_number.get(Kind(type, property), -1)

    def find(self, thing: int, kind: int) -> int:
        """Return the series of a thing (its number) of a kind, -1 when there is none."""
        return self._series.get((thing, kind), -1)

    def _number(self, kind: Kind, lateness: int) -> int:
        if kind not in self._kind_number:
            self._kind_number[kind] = len(self.kinds)
            self.kinds.append(kind)
            self.lateness.append(lateness)
        number = self._kind_number[kind]
        self.lateness[number] = lateness
        return number

    def _thing(self, name: str) -> int:
        if name not in self._thing_number:
            self._thing_number[name] = len(self.things)
            self.things.append(name)
        return self._thing_number[name]

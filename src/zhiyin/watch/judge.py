"""The judge: rules and derived series over one stream, as one piece with one memory."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy.typing as npt

from zhiyin.lake import Columns
from zhiyin.network import Series
from zhiyin.watch import memory
from zhiyin.watch.derive import Deriver
from zhiyin.watch.engine import Engine, in_order
from zhiyin.watch.model import Bools, Derive, Ints, Rule, Transition
from zhiyin.watch.series import SeriesTable

State = dict[str, npt.NDArray[Any]]


class Outcome(NamedTuple):
    """What a batch brought: changes of warnings, which rows came too late, and derived rows."""

    transitions: list[Transition]
    late: Bools
    derived: Columns


class Judge:
    """Every rule and every derived series of the packs that are on."""

    def __init__(self, rules: Iterable[Rule], derives: Iterable[Derive]) -> None:
        self._table = SeriesTable()
        self._engine = Engine(rules, self._table)
        self._deriver = Deriver(derives, self._table)
        self._known = 0

    def sync(self, series: Sequence[Series]) -> None:
        """Take up the series that the register has gained."""
        fresh = sorted(series[self._known :], key=_kind)
        for (type_, property_, lateness, since), group in groupby(fresh, key=_kind):
            rows = list(group)
            self._table.add_many(
                [row.index for row in rows], type_, property_, [row.thing for row in rows],
                lateness=lateness, since=since,
            )  # fmt: skip
        self._known = len(series)
        self._engine.sync()

    def joins(self, rows: Columns) -> bool:
        """Whether rows of several messages may be judged in one step without a trace.

        Derived values may not: each message that gives to one may give a row of its own.
        """
        return not self._deriver.reads(rows)

    def step(self, rows: Columns, position: int | Ints) -> Outcome:
        """Judge a batch, then what is derived from it.

        `position` is that of the message, or of each row where several are joined.
        """
        judged = self._engine.step(rows, position)
        derived = self._deriver.step(rows)
        if not len(derived):
            return Outcome(judged.transitions, judged.late, derived)
        last = position if isinstance(position, int) else int(position.max())
        further = self._engine.step(derived, last)
        return Outcome(in_order([*judged.transitions, *further.transitions]), judged.late, derived)

    def tick(self, now: int, position: int) -> list[Transition]:
        return self._engine.tick(now, position)

    def state(self) -> State:
        parts = {f"engine.{key}": array for key, array in memory.state_of(self._engine).items()}
        parts.update({f"derive.{key}": array for key, array in self._deriver.state().items()})
        return parts

    def restore(self, state: State, series: Sequence[Series]) -> list[Transition]:
        """Go on from a state; returns the clearing of warnings whose rule is no more."""
        self.sync(series)
        self._deriver.restore(_of(state, "derive."))
        return memory.restore(self._engine, _of(state, "engine."))


def _kind(row: Series) -> tuple[str, str, int, int]:
    return row.type, row.property, row.lateness, row.since


def _of(state: State, prefix: str) -> State:
    return {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}

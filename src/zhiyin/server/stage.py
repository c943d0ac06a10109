"""The stage on which a pack's stories are played: the real engine, with nothing behind it."""

from collections.abc import Sequence
from typing import Any

from zhiyin import pack, watch
from zhiyin.kernel import WarningLevel
from zhiyin.lake import Columns

PLAYED_ON = "2026-06-01"  # stories tell times of one day; rules in force on it are played


class EngineStage:
    """Rules and derived series of one pack; a series is bound when it is first observed."""

    def __init__(self, one: pack.Pack) -> None:
        file = one.sections["rules"]
        rules = watch.rules_of(file, one.book.property_unit, one.key, PLAYED_ON)
        derives = watch.derives_of(file, one.key)
        self._book = one.book
        self._rules = {rule.key: rule for rule in rules}
        self._table = watch.SeriesTable()
        self._engine = watch.Engine(rules, self._table)
        self._deriver = watch.Deriver(derives, self._table)
        self._series: dict[tuple[str, str], int] = {}
        self._position = 0
        self._changes: list[tuple[str, str, int]] = []
        self._opened: dict[tuple[str, str], None] = {}

    def observe(self, thing: str, property: str, time_ms: int, value: float) -> None:  # noqa: A002
        self._position += 1
        rows = Columns.of([self._bind(thing, property, time_ms)], [time_ms], [value])
        for of, _, name in self._deriver.wanted():
            self._bind(of, name, time_ms)
        self._take(self._engine.step(rows, self._position).transitions)
        derived = self._deriver.step(rows)
        if len(derived):
            self._take(self._engine.step(derived, self._position).transitions)

    def tick(self, now_ms: int) -> None:
        self._position += 1
        self._take(self._engine.tick(now_ms, self._position))

    def warnings(self) -> list[tuple[str, str, int]]:
        """Return (rule, level key, time) of each change; `none` is the end of a warning."""
        return self._changes

    def cases(self) -> list[str]:
        """Return the case types opened, one for each warning and type."""
        return [kind for _, kind in self._opened]

    def _bind(self, thing: str, name: str, since: int) -> int:
        if (thing, name) not in self._series:
            element: Any = self._book.find("element", thing)
            kind = element.type
            declared: Any = self._book.find("property", f"{kind}.{name}")
            index = self._series[thing, name] = len(self._series)
            self._table.add(index, kind, name, thing, lateness=declared.lateness_ms, since=since)
        return self._series[thing, name]

    def _take(self, transitions: Sequence[watch.Transition]) -> None:
        for change in transitions:
            level = WarningLevel(change.level)
            self._changes.append((change.rule, level.key, change.time))
            opens = self._rules[change.rule].opens.get(level)
            if opens:
                self._opened[change.warning, opens] = None

"""The judge: rules over columns of observations, in event time. Pure: no clock, no files.

Equal input and equal state give equal changes with equal ids, so a crash is undone by a replay.
One step is one message of the stream (or any grouping that a replay repeats): rows within a step
are put in order, a row older than what an earlier step judged of its series is late.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Literal

import numpy as np
import numpy.typing as npt

from zhiyin.kernel import Quality, fixed_id
from zhiyin.lake import Columns
from zhiyin.watch.block import Block, Change, blocks, ordered
from zhiyin.watch.model import (
    LONG_AGO,
    NEVER,
    Bools,
    Floats,
    Ints,
    Judged,
    Rule,
    Transition,
)
from zhiyin.watch.recent import Recent
from zhiyin.watch.series import Kind, SeriesTable, grown
from zhiyin.watch.silent import Silent
from zhiyin.watch.threshold import Threshold


class Watched:
    """The series of one kind and the rules that watch them; a place is a series' row in it."""

    def __init__(self, kind: Kind, rules: Iterable[Rule]) -> None:
        self.kind = kind
        rules = list(rules)
        self.thresholds = [Threshold(rule) for rule in rules if rule.kind == "threshold"]
        self.silents = [Silent(rule) for rule in rules if rule.kind == "silent"]
        self.lateness = 0
        self.size = 0
        self._series = np.zeros(0, np.int64)

    @property
    def series(self) -> Ints:
        """The series by place."""
        return self._series[: self.size]

    @property
    def states(self) -> Sequence[Threshold | Silent]:
        return [*self.thresholds, *self.silents]

    def add(self, series: Ints) -> Ints:
        """Give places to series and return them."""
        first, self.size = self.size, self.size + len(series)
        self._series = grown(self._series, self.size)
        self._series[first : self.size] = series
        for state in self.states:
            state.resize(self.size)
        return np.arange(first, self.size)


class Held:
    """Observations of series with an allowed lateness, kept until their time has come."""

    def __init__(self) -> None:
        self.rows: list[tuple[Ints, Ints, Floats]] = []
        self.soonest = NEVER

    def add(self, series: Ints, time: Ints, value: Floats, release: Ints) -> None:
        if len(series):
            self.rows.append((series, time, value))
            self.soonest = min(self.soonest, int(release.min()))

    def columns(self) -> tuple[Ints, Ints, Floats]:
        empty = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float64))
        series, time, value = zip(empty, *self.rows, strict=True)
        return np.concatenate(series), np.concatenate(time), np.concatenate(value)

    def released(
        self, frontier: int, lateness: Callable[[Ints], Ints]
    ) -> tuple[Ints, Ints, Floats]:
        """Take out what may be judged at `frontier`, sorted by value so that no order matters."""
        series, time, value = self.columns()
        release = time + lateness(series)
        ready = release <= frontier
        waits = ~ready
        self.rows, self.soonest = [], NEVER
        self.add(series[waits], time[waits], value[waits], release[waits])
        order = np.argsort(value[ready], kind="stable")
        return series[ready][order], time[ready][order], value[ready][order]


class Engine:
    """All rules over all series of a table; the table may grow while the engine runs.

    Judged are rows that are neither HISTORY nor LATE, are numbers, and whose series is watched. Of
    several rows of one series and time the first judged counts (a repeat changes nothing).
    """

    def __init__(self, rules: Iterable[Rule], table: SeriesTable) -> None:
        self.rules = tuple(rules)
        names = [rule.name() for rule in self.rules]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"rule {twice} stands twice; every rule should have its own name")
        self.table = table
        self.frontier = LONG_AGO
        self.position = 0
        self.recent = Recent()
        self.held = Held()
        self.watched: list[Watched] = []
        for kind in dict.fromkeys(Kind(rule.type, rule.property) for rule in self.rules):
            own = [rule for rule in self.rules if (rule.type, rule.property) == kind]
            self.watched.append(Watched(kind, own))
        self._number = {one.kind: number for number, one in enumerate(self.watched)}
        self._table_version = 0
        self.group = np.full(1, -1, np.int32)  # per series: which of `watched`, -1 none
        self.place = np.zeros(1, np.int64)
        self.newest = np.zeros(0, np.int64)  # per series: time of the newest judged
        self.seen = np.zeros(0, np.int64)  # per series: the same, at least the time of binding
        self._lateness = np.zeros(len(self.watched) + 1, np.int64)
        self._bounds = np.zeros(len(self.watched) + 1, np.int64)

    def step(self, rows: Columns, position: int | Ints) -> Judged:
        """Judge a batch in any order; `position` is where in the stream it stands.

        Of joined messages it is given row by row, for the evidence.
        """
        self.sync()
        each = None if isinstance(position, int) else position
        self.position = position if isinstance(position, int) else int(position.max(initial=0))
        late = np.zeros(len(rows.series), np.bool_)
        pick = np.flatnonzero(self._wanted(rows))
        series = rows.series[pick].astype(np.int64)
        time, value = rows.time[pick], rows.value[pick]
        if self._lateness.any():
            lateness = self._lateness[self.group[series]]
            past = time < self.newest[series]
            waits = (lateness > 0) & (time + lateness > self.frontier) & ~past
            self.held.add(series[waits], time[waits], value[waits], (time + lateness)[waits])
            pick, series = pick[~waits], series[~waits]
            time, value = time[~waits], value[~waits]
        of = None if each is None else each[pick]
        transitions, behind = self._judge(series, time, value, of)
        late[pick[behind]] = True
        return Judged(in_order(transitions), late)

    def tick(self, now: int, position: int) -> list[Transition]:
        """Let time pass to `now`: release what was held, mature holds, raise silences."""
        self.sync()
        self.position = position
        self.frontier = max(self.frontier, now)
        transitions: list[Transition] = []
        if self.held.soonest <= self.frontier:
            transitions, _ = self._judge(*self.held.released(self.frontier, self.lateness_of))
        for watched in self.watched:
            until = self.frontier - watched.lateness
            for threshold in watched.thresholds:
                transitions += self._told(watched, threshold, threshold.ripen(until), None)
            seen = self.seen[watched.series] if watched.silents else watched.series
            for silent in watched.silents:
                transitions += self._told(watched, silent, silent.ripen(until, seen), None)
        return in_order(transitions)

    def sync(self) -> None:
        """Take up what was added to the table."""
        if self._table_version == self.table.version:
            return
        new = self.table.added_since(self._table_version)
        self._table_version = self.table.version
        size = len(self.table.kind)
        self.group, self.place = grown(self.group, size, -1), grown(self.place, size)
        self.newest = grown(self.newest, size, LONG_AGO)
        self.seen = grown(self.seen, size, LONG_AGO)
        self.recent.resize(size)
        self.seen[new] = self.table.since[new]
        kinds = self.table.kind[new]
        for kind in np.unique(kinds).tolist():
            number = self._number.get(self.table.kinds[kind], -1)
            if number >= 0:
                own = new[kinds == kind]
                self.group[own], self.place[own] = number, self.watched[number].add(own)
        for number, watched in enumerate(self.watched):
            kind = self.table.kind_of(*watched.kind)
            watched.lateness = self.table.lateness[kind] if kind >= 0 else 0
            self._lateness[number] = watched.lateness
        self._bounds[1:] = np.cumsum([watched.size for watched in self.watched])

    def _wanted(self, rows: Columns) -> Bools:
        inside = (rows.series >= 0) & (rows.series < len(self.group))
        if not inside.all():
            wanted = inside & (self.group[np.where(inside, rows.series, 0)] >= 0)
        else:
            wanted = self.group[rows.series] >= 0
        if rows.quality.any():
            wanted &= (rows.quality != Quality.HISTORY) & (rows.quality != Quality.LATE)
        return wanted & np.isfinite(rows.value)

    def lateness_of(self, series: Ints) -> Ints:
        found: Ints = self._lateness[self.group[series]]
        return found

    def _judge(
        self, series: Ints, time: Ints, value: Floats, position: Ints | None = None
    ) -> tuple[list[Transition], npt.NDArray[np.intp]]:
        """Judge rows whose turn it is; return the changes and which rows came too late."""
        transitions: list[Transition] = []
        if not len(series):
            return transitions, np.zeros(0, np.intp)
        address, time, row = ordered(self._bounds[self.group[series]] + self.place[series], time)
        series, value = series[row], value[row]
        newest = self.newest[series]
        behind = row[time < newest]
        fresh = time > newest
        fresh[1:] &= (time[1:] != time[:-1]) | (address[1:] != address[:-1])
        if not fresh.all():
            series, time, value = series[fresh], time[fresh], value[fresh]
            address, row = address[fresh], row[fresh]
        seen = self.seen[series]
        told = None if position is None else position[row]
        for number, block in blocks(series, time, value, address, seen, self._bounds, told):
            watched = self.watched[number]
            highest, lowest = float(block.value.max()), float(block.value.min())
            for threshold in watched.thresholds:
                changes = threshold.judge(block, highest, lowest)
                transitions += self._told(watched, threshold, changes, block)
            longest = int(block.gap.max()) if watched.silents else 0
            for silent in watched.silents:
                transitions += self._told(watched, silent, silent.judge(block, longest), block)
            self.recent.note(block)
            ended, last = block.series[block.end - 1], block.last_time
            self.newest[ended] = last
            self.seen[ended] = np.maximum(self.seen[ended], last)
        return transitions, behind

    def _told(
        self,
        watched: Watched,
        state: Threshold | Silent,
        changes: Iterable[Change],
        block: Block | None,
    ) -> list[Transition]:
        return [self._transition(watched, state, change, block) for change in changes]

    def _transition(
        self, watched: Watched, state: Threshold | Silent, change: Change, block: Block | None
    ) -> Transition:
        rule, series = state.rule, int(watched.series[change.place])
        values = self.recent.values(series, change.until, block, change.segment)
        at = max(change.before, change.after) - 1
        evidence: dict[str, object] = {
            "rule": rule.key,
            "version": rule.version,
            "level": state.codes[at],
            "floor": state.floors[at],
            "unit": rule.unit if rule.kind == "threshold" else "s",
            "values": values,
            "position": self._position(state, change, block),
        }
        if change.after < change.before:
            evidence["exit"] = state.exits[at]
        value = change.value if change.value is not None else values[-1][1] if values else np.nan
        return Transition(
            warning=warning_id(rule.name(), series, change.raised),
            rule=rule.key,
            pack=rule.pack,
            version=rule.version,
            series=series,
            kind=_kind(change),
            level=state.codes[change.after - 1] if change.after else 0,
            time=change.time,
            value=float(value),
            since=change.since,
            evidence=evidence,
        )

    def _position(self, state: Threshold | Silent, change: Change, block: Block | None) -> int:
        """Return the position of the row that brought the change about."""
        if block is None or block.position is None:
            return self.position
        # A hold or a silence is found out by the first row at or after its end, a crossing is one.
        waited = change.after > change.before and (
            state.rule.hold_ms or state.rule.kind == "silent"
        )
        return int(block.position[block.before(change.segment, change.until - (not waited)).stop])


def _kind(change: Change) -> Literal["raised", "level", "cleared"]:
    if not change.after:
        return "cleared"
    return "level" if change.before else "raised"


def warning_id(rule: str, series: int, raised: int) -> str:
    """Return the id of the warning that `rule` (pack/key) raised on a series at `raised` (ms)."""
    return fixed_id("warning", rule, series, raised)


def in_order(transitions: Iterable[Transition]) -> list[Transition]:
    """Return the changes by time, rule and series; those of one warning keep their order."""
    return sorted(transitions, key=attrgetter("time", "pack", "rule", "series"))

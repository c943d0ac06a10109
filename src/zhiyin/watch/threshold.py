"""Threshold rules: one rule's state over all its series, judged a whole batch at a time.

Nothing runs per observation. A row whose value falls between the same two edges as the row before
changes nothing, so only rows that cross an edge go on. For those the level is a composition of
clamps: a row lets no level above the highest whose exit it has not passed, a matured hold none
below its own; clamps are closed under composition, so a prefix scan gives all levels at once.

A hold matures at `reached + hold` whether or not a row or a tick falls on that moment, and before
any row of that moment: the judgement does not depend on how often ticks come.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from zhiyin.watch.block import Block, Change
from zhiyin.watch.few import walked
from zhiyin.watch.model import LONG_AGO, NEVER, Bools, Ints, Rule, Small
from zhiyin.watch.series import grown

Levels = npt.NDArray[np.int8]


class Crossings(NamedTuple):
    """Rows that crossed an edge, sorted by segment and time; the first of a segment is carried in.

    `segment` counts the touched places, `limit` (one per touched place) is how far time has come.
    """

    segment: Ints
    time: Ints
    bin: Small
    carried: Bools
    place: Ints
    limit: Ints


class Threshold:
    """The state of one threshold rule: arrays over the places of its class.

    `level` counts the used levels from 1 (0: none); `bin` is the gap between edges the last value
    fell into; `since[k]` when level k+1 was reached (NEVER: it is not); `due` when the next hold
    matures; `raised` and `changed` belong to the warning that stands.
    """

    few = 48  # so few crossings are walked one by one sooner than as arrays

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.sign = 1.0 if rule.direction == "above" else -1.0
        self.codes = [int(level) for level, _ in rule.levels()]
        self.floors = [floor for _, floor in rule.levels()]
        self.exits = [tidy(floor - self.sign * rule.clears) for floor in self.floors]
        floors, exits = self.sign * np.array(self.floors), self.sign * np.array(self.exits)
        self.edges = np.unique(np.concatenate([floors, exits]))
        starts = np.concatenate([[-np.inf], self.edges])
        self.reach = (floors[:, None] <= starts).sum(0).astype(np.int8)
        self.stay = (exits[:, None] <= starts).sum(0).astype(np.int8)
        self.active = 0
        self.soonest = NEVER
        self.level = np.zeros(0, np.int8)
        self.bin = np.zeros(0, np.uint8)
        self.raised = np.zeros(0, np.int64)
        self.changed = np.zeros(0, np.int64)
        self.due = np.zeros(0, np.int64)
        self.since = np.zeros((len(self.floors) if rule.hold_ms else 0, 0), np.int64)

    def resize(self, size: int) -> None:
        """Make room for `size` places."""
        self.level, self.bin = grown(self.level, size), grown(self.bin, size)
        self.raised = grown(self.raised, size)
        self.changed = grown(self.changed, size, LONG_AGO)
        self.due = grown(self.due, size, NEVER)
        self.since = grown(self.since, size, NEVER)

    def judge(self, block: Block, highest: float, lowest: float) -> Iterator[Change]:
        """Judge a block whose values lie within lowest..highest; yield changes place by place."""
        top = highest if self.sign > 0 else -lowest
        if not self.active and top < self.edges[0]:
            return
        value = block.value if self.sign > 0 else -block.value
        bins = self.edges.searchsorted(value, "right").astype(np.uint8)
        old, new = self.bin[block.place], bins[block.end - 1]
        before = np.empty_like(bins)
        before[1:] = bins[:-1]
        before[block.start] = old
        crossed = np.flatnonzero(bins != before)
        self.bin[block.place] = new
        self.active += int(np.count_nonzero(new)) - int(np.count_nonzero(old))
        if not self.rule.hold_ms:
            yield from self._at_once(block, crossed, bins)
            return
        touched = self.due[block.place] <= block.last_time
        touched[block.owner[crossed]] = True
        if touched.sum() + len(crossed) <= self.few:
            yield from walked(self, block, crossed, bins, np.flatnonzero(touched))
        elif touched.any():
            yield from self._held(block, crossed, bins, old, np.flatnonzero(touched))

    def ripen(self, now: int) -> Iterator[Change]:
        """Take up the levels whose hold has matured by `now`, with nothing new observed."""
        if self.soonest > now:
            return
        place = np.flatnonzero(self.due <= now)
        count = len(place)
        crossings = Crossings(
            np.arange(count),
            np.full(count, LONG_AGO),
            self.bin[place],
            np.ones(count, np.bool_),
            place,
            np.full(count, now),
        )
        yield from self._walk(crossings, np.full(count, -1))
        self.soonest = int(self.due.min(initial=NEVER))

    def _at_once(self, block: Block, crossed: Ints, bins: Small) -> Iterator[Change]:
        if not len(crossed):
            return
        kind, place = bins[crossed], block.place[block.owner[crossed]]
        time = block.time[crossed]
        yield from self._scan(
            place, time, self.reach[kind], self.stay[kind], time, time + 1, block.owner[crossed]
        )

    def _held(
        self, block: Block, crossed: Ints, bins: Small, old: Small, touched: Ints
    ) -> Iterator[Change]:
        """Set the carried-in state of each touched segment before its crossings, then walk."""
        segment = np.concatenate([touched, block.owner[crossed]])
        time = np.concatenate([np.full(len(touched), LONG_AGO), block.time[crossed]])
        kind = np.concatenate([old[touched], bins[crossed]])
        carried = np.zeros(len(segment), np.bool_)
        carried[: len(touched)] = True
        order = np.argsort(segment, kind="stable")
        number = np.searchsorted(touched, segment[order])
        crossings = Crossings(
            number,
            time[order],
            kind[order],
            carried[order],
            block.place[touched],
            block.last_time[touched],
        )
        yield from self._walk(crossings, touched)
        self.soonest = min(self.soonest, int(self.due[crossings.place].min()))

    def _walk(self, at: Crossings, owner: Ints) -> Iterator[Change]:
        """Join crossings and maturing holds in order of time, scan, and note what is next due."""
        reach, stay = self.reach[at.bin], self.stay[at.bin]
        rows = np.flatnonzero(~at.carried)
        segment, time = [at.segment[rows]], [at.time[rows]]
        low, high = [np.zeros(len(rows), np.int8)], [stay[rows]]
        since, ripe = [at.time[rows]], [np.zeros(len(rows), np.int8)]
        for k in range(len(self.floors)):
            started, began = self._matured(at, reach > k, k)
            count = len(started)
            segment.append(started)
            time.append(began + self.rule.hold_ms)
            since.append(began)
            low.append(np.full(count, k + 1, np.int8))
            high.append(np.full(count, len(self.floors), np.int8))
            ripe.append(np.ones(count, np.int8))
        seg, when, lo = np.concatenate(segment), np.concatenate(time), np.concatenate(low)
        mature = np.concatenate(ripe)
        order = np.lexsort((lo, 1 - mature, when, seg))
        seg, when, mature = seg[order], when[order], mature[order]
        # of several levels maturing at one moment only the highest is taken up
        keep = np.ones(len(order), np.bool_)
        keep[:-1] = (
            (mature[:-1] == 0) | (mature[1:] == 0) | (seg[1:] != seg[:-1]) | (when[1:] != when[:-1])
        )
        order, seg, when, mature = order[keep], seg[keep], when[keep], mature[keep]
        yield from self._scan(
            at.place[seg],
            when,
            lo[order],
            np.concatenate(high)[order],
            np.concatenate(since)[order],
            when + (1 - mature),
            owner[seg],
        )
        self._note_due(at.place)

    def _matured(self, at: Crossings, reached: Bools, k: int) -> tuple[Ints, Ints]:
        """Return (segment, start) of each run of reaching level k+1 that held long enough.

        Also notes in `since` the runs that are still open.
        """
        runs = reached & at.carried
        runs[1:] |= reached[1:] & ~reached[:-1]
        start = np.flatnonzero(runs)
        breaks = np.flatnonzero(~reached | at.carried)
        follow = np.searchsorted(breaks, start, "right")
        stop = np.append(breaks, len(reached))[follow]
        inside = stop < len(reached)
        inside[inside] = ~at.carried[stop[inside]]
        segment = at.segment[start]
        began = np.where(at.carried[start], self.since[k, at.place[segment]], at.time[start])
        limit = at.limit[segment]
        limit[inside] = at.time[stop[inside]]
        self.since[k, at.place] = NEVER
        self.since[k, at.place[segment[~inside]]] = began[~inside]
        held = began + self.rule.hold_ms <= limit
        return segment[held], began[held]

    def _note_due(self, place: Ints) -> None:
        due = np.full(len(place), NEVER)
        level = self.level[place]
        for k in range(len(self.floors)):
            since = self.since[k, place]
            waits = (level <= k) & (since < NEVER)
            due[waits] = np.minimum(due[waits], since[waits] + self.rule.hold_ms)
        self.due[place] = due

    def _scan(
        self,
        place: Ints,
        time: Ints,
        low: Levels,
        high: Levels,
        since: Ints,
        until: Ints,
        segment: Ints,
    ) -> Iterator[Change]:
        """Apply clamps (low, high), sorted by place and time, to the levels; yield the changes."""
        if not len(place):
            return
        first = np.ones(len(place), np.bool_)
        first[1:] = place[1:] != place[:-1]
        start = np.flatnonzero(first)
        carried = self.level[place[start]]
        after = clamped(low, high, start, carried)
        before = np.empty_like(after)
        before[1:] = after[:-1]
        before[start] = carried
        last = np.append(start[1:], len(place)) - 1
        self.level[place[last]] = after[last]
        for at in np.flatnonzero(after != before).tolist():
            where = int(place[at])
            moment = max(int(time[at]), int(self.changed[where]))
            if not before[at]:
                self.raised[where] = time[at]
            self.changed[where] = moment
            rises = after[at] > before[at]
            yield Change(
                where,
                int(segment[at]),
                int(before[at]),
                int(after[at]),
                moment,
                int(since[at]) if rises else moment,
                int(until[at]),
                int(self.raised[where]),
            )


def clamped(low: Levels, high: Levels, start: Ints, carried: Levels) -> Levels:
    """Return the level after each clamp `max(low, min(level, high))`, segment by segment.

    The first clamp of a segment is applied to the carried level and thereby constant; a constant
    swallows whatever is composed before it, so segments need no further care. Hillis and Steele's
    scan, log2 of the longest segment passes.
    """
    low, high = low.copy(), high.copy()
    low[start] = high[start] = np.maximum(low[start], np.minimum(carried, high[start]))
    longest = int(np.diff(np.append(start, len(low))).max())
    step = 1
    while step < longest:
        new_low = np.maximum(low[step:], np.minimum(low[:-step], high[step:]))
        new_high = np.maximum(low[step:], np.minimum(high[:-step], high[step:]))
        low[step:], high[step:] = new_low, new_high
        step *= 2
    return low


def tidy(value: float) -> float:
    """Return the value without the dust of binary arithmetic (0.15 - 0.03 is 0.12)."""
    return float(f"{value:.12g}")

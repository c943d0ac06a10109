"""Silence rules: the level by how long nothing came; one rule's state over all its series."""

from collections.abc import Iterator

import numpy as np

from zhiyin.kernel import SECOND
from zhiyin.watch.block import Block, Change
from zhiyin.watch.model import LONG_AGO, NEVER, Ints, Rule
from zhiyin.watch.series import grown


class Silent:
    """The state of one silence rule: arrays over the places of its class.

    `level` counts the used levels from 1; `waits[k]` is the silence (ms) after which level k+1
    stands, never shorter than the rule's own; a silence found afterwards counts as well.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        steps = {max(int(floor), rule.hold_ms): int(level) for level, floor in rule.levels()}
        self.codes = list(steps.values())
        self.floors = [wait / SECOND for wait in steps]
        self.exits = self.floors
        self.waits = [*steps, NEVER]
        self._waits = np.array(self.waits)
        self.open = 0
        self.soonest = LONG_AGO
        self.level = np.zeros(0, np.int8)
        self.raised = np.zeros(0, np.int64)
        self.changed = np.zeros(0, np.int64)

    def resize(self, size: int) -> None:
        """Make room for `size` places."""
        self.level, self.raised = grown(self.level, size), grown(self.raised, size)
        self.changed = grown(self.changed, size, LONG_AGO)
        self.soonest = LONG_AGO

    def judge(self, block: Block, longest: int) -> Iterator[Change]:
        """Clear what is heard again, after raising what had been silent within the batch."""
        if not self.open and longest < self.waits[0]:
            return
        heard = block.gap >= self.waits[0]
        quiet = np.flatnonzero(self.level[block.place] > 0)
        heard[block.start[quiet]] = True
        for segment in quiet[block.gap[block.start[quiet]] <= 0].tolist():
            # older than the binding: says nothing about the silence since; the first newer one does
            rows = slice(int(block.start[segment]), int(block.end[segment]))
            heard[rows] |= (block.gap[rows] > 0) & (np.cumsum(block.gap[rows] > 0) == 1)
        self.soonest = LONG_AGO
        for row in np.flatnonzero(heard).tolist():
            segment = int(block.owner[row])
            place, time = int(block.place[segment]), int(block.time[row])
            seen = time - int(block.gap[row])
            yield from self._risen(place, segment, seen, time)
            if self.level[place] and time > seen:
                yield self._changed(place, segment, 0, time, time, time - seen)

    def ripen(self, now: int, seen: Ints) -> Iterator[Change]:
        """Raise what is silent at `now`; `seen` holds per place when something last came."""
        if self.soonest > now:
            return
        due = seen + self._waits[self.level[: len(seen)]]
        for place in np.flatnonzero(due <= now).tolist():
            yield from self._risen(place, -1, int(seen[place]), now)
        due = seen + self._waits[self.level[: len(seen)]]
        self.soonest = int(due.min(initial=NEVER))

    def _risen(self, place: int, segment: int, seen: int, now: int) -> Iterator[Change]:
        while seen + self.waits[self.level[place]] <= now:
            level = int(self.level[place])
            yield self._changed(
                place, segment, level + 1, seen + self.waits[level], seen, self.waits[level]
            )

    def _changed(
        self, place: int, segment: int, level: int, time: int, since: int, silence: int
    ) -> Change:
        before, moment = int(self.level[place]), max(time, int(self.changed[place]))
        if not before:
            self.raised[place] = time
        self.open += (level > 0) - (before > 0)
        self.level[place], self.changed[place] = level, moment
        return Change(
            place,
            segment,
            before,
            level,
            moment,
            since if level else moment,
            time if level else time + 1,
            int(self.raised[place]),
            silence / SECOND,
        )

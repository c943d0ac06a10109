"""The walk of a threshold rule with a hold over few crossings, one by one.

Says what the walk over arrays says (`threshold`); that one costs a fifth of a millisecond however
few crossings there are, which small batches of calm data cannot afford.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from zhiyin.watch.block import Block, Change
from zhiyin.watch.model import NEVER, Ints, Small

if TYPE_CHECKING:
    from zhiyin.watch.threshold import Threshold


def walked(
    state: Threshold, block: Block, crossed: Ints, bins: Small, touched: Ints
) -> Iterator[Change]:
    """Judge the touched segments of a block whose rows `crossed` fall into new bins."""
    rows: dict[int, list[int]] = {segment: [] for segment in touched.tolist()}
    for row in crossed.tolist():
        rows[int(block.owner[row])].append(row)
    for segment, crossings in rows.items():
        one = _Place(state, int(block.place[segment]), segment)
        for row in crossings:
            time, kind = int(block.time[row]), int(bins[row])
            yield from one.ripened(time)
            yield from one.crossed(time, int(state.reach[kind]), int(state.stay[kind]))
        yield from one.ripened(int(block.time[block.end[segment] - 1]))
        one.keep()


class _Place:
    """One place of a rule's state, taken out for a walk."""

    def __init__(self, state: Threshold, place: int, segment: int) -> None:
        self.state, self.place, self.segment = state, place, segment
        self.level = int(state.level[place])
        self.since: list[int] = state.since[:, place].tolist()
        self.hold = state.rule.hold_ms

    def ripened(self, now: int) -> Iterator[Change]:
        """Take up what has held by `now`, lowest first; of one moment only the highest."""
        for k in range(self.level, len(self.since)):
            tied = k + 1 < len(self.since) and self.since[k + 1] == self.since[k]
            if self.since[k] + self.hold <= now and not tied:
                mature = self.since[k] + self.hold
                yield self._changed(k + 1, mature, self.since[k], mature)

    def crossed(self, time: int, reach: int, stay: int) -> Iterator[Change]:
        for k, since in enumerate(self.since):
            self.since[k] = min(since, time) if k < reach else NEVER
        if stay < self.level:
            yield self._changed(stay, time, None, time + 1)

    def keep(self) -> None:
        """Put the place back."""
        state, place = self.state, self.place
        state.level[place], state.since[:, place] = self.level, self.since
        waiting = min(self.since[self.level :], default=NEVER)
        due = waiting + self.hold if waiting < NEVER else NEVER
        state.due[place] = due
        state.soonest = min(state.soonest, due)

    def _changed(self, level: int, time: int, since: int | None, until: int) -> Change:
        state, place, before = self.state, self.place, self.level
        if not before:
            state.raised[place] = time
        moment = max(time, int(state.changed[place]))
        state.changed[place], self.level = moment, level
        raised = int(state.raised[place])
        origin = moment if since is None else since
        return Change(place, self.segment, before, level, moment, origin, until, raised)

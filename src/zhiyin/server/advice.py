"""What the advice of `decide` is worked out from: lake, rules and map, each behind its door."""

import asyncio
from collections.abc import Sequence

import numpy as np

from zhiyin import atlas, decide, lake, network
from zhiyin.kernel import DAY, Clock, WarningLevel
from zhiyin.server.brain import Brain
from zhiyin.server.surfaces import ElementFields


class RecentCourses:
    """The last values of a series, from the lake."""

    def __init__(
        self, history: lake.Observations, register: network.Register, clock: Clock
    ) -> None:
        self._history, self._register, self._clock = history, register, clock

    async def last(self, thing: str, property: str, n: int) -> decide.Course | None:  # noqa: A002
        known = self._register.find(thing, property)
        if known is None:
            return None
        until = self._clock.now() + 1
        rows = await asyncio.to_thread(self._history.newest, thing, property, until - DAY, until, n)
        return decide.Course(
            np.array([row[0] for row in rows], np.int64),
            np.array([row[1] for row in rows], np.float64),
            known.unit,
        )


class RuleFloors:
    """The levels of the rules that watch a property of a thing."""

    def __init__(self, brain: Brain, register: network.Register) -> None:
        self._brain, self._register = brain, register

    def of(self, thing: str, property: str) -> Sequence[decide.Floor]:  # noqa: A002
        known = self._register.find(thing, property)
        if known is None:
            return []
        return [
            decide.Floor(rule.key, WarningLevel(level), floor, rule.direction == "above")
            for rule in self._brain.rules
            if rule.kind == "threshold" and (rule.type, rule.property) == (known.type, property)
            for level, floor in rule.levels()
        ]


class ElementsOfType:
    """Elements on the map by type."""

    def __init__(self, fields: ElementFields) -> None:
        self._fields = fields

    def of_type(self, type: str) -> Sequence[atlas.Element]:  # noqa: A002
        return self._fields.of_type(type)

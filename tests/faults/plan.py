"""What one trial sends: drawn from its seed alone, so that a trial can be played again."""

import random
from dataclasses import dataclass, field
from typing import Any

from tests.faults.reference import MINUTE, Observation

HOUR = 60 * MINUTE
SPACING = 8 * HOUR  # between the hours of two trials
METERS, GAUGES, CLOSING = 0, 3 * HOUR, 6 * HOUR  # where in its hours a trial's data lie
DAY = 24 * HOUR


@dataclass(frozen=True)
class Bad:
    """An observation that must be kept apart."""

    reason: str
    thing: str
    property: str
    time: int
    value: Any


@dataclass
class Batch:
    """One request: good rows and bad ones; `tick` is how far time may go once it is in."""

    rows: list[Observation]
    bad: list[Bad] = field(default_factory=list)
    key: str | None = None
    tick: int | None = None
    pause: float = 0.0
    columns: bool = True
    twice: bool = False  # sent again with the same key, as after an answer that got lost


@dataclass
class Plan:
    """Everything one trial sends, by sender; each sender keeps its order."""

    prefix: str
    base: int
    devices: dict[str, str]
    http: list[list[Batch]]
    mqtt: list[Batch]

    @property
    def closing(self) -> int:
        return self.base + CLOSING

    @property
    def sentinels(self) -> tuple[Observation, Observation]:
        """The last over MQTT and the last of all."""
        at = self.closing - 2 * MINUTE
        return (
            Observation(f"{self.prefix}endmqtt", "mark", at, 2.0),
            Observation(f"{self.prefix}endhttp", "mark", at, 2.0),
        )

    def good(self) -> list[Observation]:
        """Return every observation that must be in the lake, once."""
        batches = [batch for line in [*self.http, self.mqtt] for batch in line]
        return [*{row: None for batch in batches for row in batch.rows}, *self.sentinels]

    def bad(self) -> list[Bad]:
        return [bad for line in [*self.http, self.mqtt] for batch in line for bad in batch.bad]


@dataclass(frozen=True)
class Shares:
    """How much of what a trial has."""

    duplicate: float = 0.1
    bad: float = 0.1
    disorder: float = 0.5  # of the lateness
    clock_off: float = 0.0
    size: float = 1.0


def _walk(chance: random.Random, count: int, top: float) -> list[float]:
    """Return values that dwell, rise and fall across the floors."""
    values: list[float] = []
    while len(values) < count:
        level = round(chance.uniform(0, top), 3) if chance.random() < 0.6 else 0.01
        values += [level] * chance.randint(1, 6)
    return values[:count]


def _series(
    chance: random.Random, thing: str, name: str, start: int, count: int, top: float
) -> list[Observation]:
    values = _walk(chance, count, top)
    return [Observation(thing, name, start + n * MINUTE, v) for n, v in enumerate(values)]


def _bad(chance: random.Random, plan: Plan, row: Observation, *, off: bool) -> Bad:
    kind = "clock_off" if off else chance.choice(
        ["unknown_device", "unknown_property", "wrong_type", "out_of_range", "clock_off"]
    )  # fmt: skip
    time = row.time + 1  # a time of its own
    if kind == "unknown_device":
        return Bad(kind, f"{plan.prefix}nobody{chance.randrange(10**9)}", row.property, time, 0.5)
    if kind == "unknown_property":
        return Bad(kind, row.thing, f"p{chance.randrange(10**9)}", time, 0.5)
    if kind == "wrong_type":
        return Bad(kind, row.thing, row.property, time, f"x{chance.randrange(10**9)}")
    if kind == "out_of_range":
        return Bad(kind, row.thing, row.property, time, 6 + chance.randrange(10**6))
    far = chance.choice([-400, 4000]) * DAY + chance.randrange(10**6)
    return Bad(kind, row.thing, row.property, time + far, 0.5)


def _line(
    chance: random.Random, plan: Plan, rows: list[Observation], batches: int, shares: Shares,
    *, mqtt: bool = False,
) -> list[Batch]:  # fmt: skip
    """Cut rows, which are in order of sending, into batches, with repeats and bad rows."""
    size = max(1, -(-len(rows) // batches))
    cut = [rows[at : at + size] for at in range(0, len(rows), size)]
    line: list[Batch] = []
    for n, part in enumerate(cut):
        batch = Batch(part, key=f"{plan.prefix}{chance.randrange(1 << 48):x}",
                      pause=chance.uniform(0.0, 0.12), columns=chance.random() < 0.5)  # fmt: skip
        for row in part:
            if chance.random() < shares.clock_off:
                batch.bad.append(_bad(chance, plan, row, off=True))
            elif chance.random() < shares.bad / 10:
                batch.bad.append(_bad(chance, plan, row, off=False))
        if n and not mqtt and chance.random() < shares.bad:
            told = chance.choice(cut[chance.randrange(n)])
            batch.bad.append(
                Bad("contradiction", told.thing, told.property, told.time,
                    round(told.value + 0.001 * chance.randint(1, 9) + 1e-6 * n, 9))
            )  # fmt: skip
        line.append(batch)
        batch.twice = chance.random() < shares.duplicate
        if chance.random() < shares.duplicate:
            old = cut[chance.randrange(n + 1)]
            key = f"{plan.prefix}{chance.randrange(1 << 48):x}" if chance.random() < 0.5 else None
            line.append(Batch(old, key=key))
    return line


def draw(seed: str, number: int, base: int, shares: Shares) -> Plan:
    """Draw the plan of trial `number`; its data lie in the hours after `base`."""
    chance = random.Random(seed)
    prefix = f"t{number}_"
    plan = Plan(prefix, base, {}, [], [])
    rows = max(4, int(60 * shares.size))

    def things(kind: str, letter: str, count: int) -> list[str]:
        names = [f"{prefix}{letter}{n}" for n in range(count)]
        plan.devices.update(dict.fromkeys(names, kind))
        return names

    def in_order(names: list[str], name: str, top: float, step: int = 1) -> list[Observation]:
        start = base + GAUGES
        all_rows = [_series(chance, thing, name, start, rows, top)[::step] for thing in names]
        return sorted((row for one in all_rows for row in one), key=lambda row: row.time)

    for letter in "ab":
        gauges = in_order(things("gauge", letter, 8), "depth", 0.5)
        beacons = in_order(things("beacon", f"{letter}b", 3), "beat", 1.0)
        beacons = [row for row in beacons if chance.random() < 0.12]
        ordered = sorted([*gauges, *beacons], key=lambda row: row.time)
        plan.http.append(_line(chance, plan, ordered, 20, shares))
    meters = [
        row
        for thing in things("meter", "m", 10)
        for row in _series(chance, thing, "level", base + METERS, rows * 2, 0.8)
    ]
    wide = shares.disorder * 29 * MINUTE
    keyed = sorted((row.time + chance.uniform(0, wide), row) for row in meters)
    line = _line(chance, plan, [row for _, row in keyed], 20, shares)
    reached, newest = {row: at for at, row in keyed}, 0.0
    for batch in line:
        newest = max([newest, *(reached[row] for row in batch.rows)])
        batch.tick = int(newest)
    plan.http.append(line)
    gauges = in_order(things("gauge", "q", 8), "depth", 0.5)
    plan.mqtt = _line(chance, plan, gauges, 20, shares, mqtt=True)
    for sentinel in plan.sentinels:
        plan.devices[sentinel.thing] = "sentinel"
    # A beacon that never spoke has nothing to be compared by; it is not registered.
    spoke = {row.thing for row in plan.good()}
    plan.devices = {name: kind for name, kind in plan.devices.items() if name in spoke}
    return plan

"""What the data imply, worked out plainly: one observation after the other, no engine of ours.

Only the pack `faultland` is spoken of; its numbers are written here again on purpose.
"""

from collections.abc import Iterable
from typing import NamedTuple

MINUTE = 60_000
NAMES = {0: "none", 1: "blue", 2: "yellow", 3: "orange", 4: "red"}


class Observation(NamedTuple):
    thing: str
    property: str
    time: int
    value: float


class Told(NamedTuple):
    """One warning as it must stand: `changes` are (kind, level, time) in their order."""

    rule: str
    thing: str
    raised_at: int
    changes: tuple[tuple[str, int, int], ...]

    @property
    def cleared_at(self) -> int | None:
        kind, _, time = self.changes[-1]
        return time if kind == "cleared" else None

    @property
    def peak(self) -> int:
        return max(level for _, level, _ in self.changes)


class Rule(NamedTuple):
    name: str
    floors: dict[int, float]
    clears: float
    hold: int
    opens: frozenset[int]
    lateness: int = 0


RULES = {
    "depth": Rule("gauge_depth", {2: 0.15, 3: 0.25, 4: 0.40}, 0.03, 2 * MINUTE, frozenset({3, 4})),
    "level": Rule("meter_level", {1: 0.20, 4: 0.60}, 0.05, 0, frozenset({4}), 30 * MINUTE),
    "mark": Rule("sentinel_mark", {4: 1.0}, 0.1, 0, frozenset({4})),
}
SILENCE = 10 * MINUTE  # of a beacon


def threshold(  # noqa: C901  (told in one piece, to be read from top to bottom)
    rows: Iterable[Observation], rule: Rule, until: int
) -> list[Told]:
    """Return the warnings of one thing whose rows are in order of time; time goes to `until`."""
    level, raised = 0, 0
    since: dict[int, int] = {}
    changes: list[tuple[str, int, int]] = []
    told: list[Told] = []
    thing = ""

    def to(new: int, time: int) -> None:
        nonlocal level, raised, changes
        if not level:
            raised, changes = time, []
        kind = "cleared" if not new else "level" if level else "raised"
        changes.append((kind, new, time))
        if not new:
            told.append(Told(rule.name, thing, raised, tuple(changes)))
        level = new

    def mature(now: int) -> None:
        for when in sorted({began + rule.hold for began in since.values()}):
            best = max(n for n, began in since.items() if began + rule.hold == when)
            if when <= now and best > level:
                to(best, when)

    for row in rows:
        thing = row.thing
        if rule.hold:
            mature(row.time)
        for n, floor in rule.floors.items():
            if row.value >= floor:
                since.setdefault(n, row.time)
            else:
                since.pop(n, None)
        stay = max((n for n, f in rule.floors.items() if row.value >= round(f - rule.clears, 9)),
                   default=0)  # fmt: skip
        if stay < level:
            to(stay, row.time)
        if not rule.hold and max(since, default=0) > level:
            to(max(since), row.time)
    if rule.hold:
        mature(until - rule.lateness)
    if level:
        told.append(Told(rule.name, thing, raised, tuple(changes)))
    return told


def silence(rows: Iterable[Observation], since: int, until: int) -> list[Told]:
    """Return the silences of one beacon that was registered at `since`."""
    seen, told, thing = since, [], ""
    for row in rows:
        thing = row.thing
        if row.time - seen >= SILENCE:
            raised = seen + SILENCE
            changes = (("raised", 1, raised), ("cleared", 0, row.time))
            told.append(Told("beacon_silent", thing, raised, changes))
        seen = max(seen, row.time)
    if until - seen >= SILENCE:
        raised = seen + SILENCE
        told.append(Told("beacon_silent", thing, raised, (("raised", 1, raised),)))
    return told


def opens(warning: Told) -> bool:
    """Whether a case is to be opened for it."""
    rule = next((one for one in RULES.values() if one.name == warning.rule), None)
    return rule is not None and any(level in rule.opens for _, level, _ in warning.changes)


def warnings(observations: Iterable[Observation], since: dict[str, int], until: int) -> list[Told]:
    """Return every warning that acknowledged observations imply, in order.

    `since` tells when each beacon was registered; `until` how far time has come.
    """
    series: dict[tuple[str, str], list[Observation]] = {}
    for row in observations:
        series.setdefault((row.thing, row.property), []).append(row)
    told: list[Told] = []
    for (thing, name), rows in series.items():
        rows.sort(key=lambda row: row.time)
        if name == "beat":
            told += silence(rows, since[thing], until)
        else:
            told += threshold(rows, RULES[name], until)
    return sorted(told)

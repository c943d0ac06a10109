"""The judge told plainly, one observation after the other: slow and obviously right."""

from dataclasses import dataclass, field

from zhiyin.watch.engine import warning_id
from zhiyin.watch.model import Rule

Told = tuple[int, str, int, str, int, str, float, int, int]
PAST = -(1 << 62)


@dataclass
class One:
    """One rule on one series."""

    rule: Rule
    series: int
    seen: int
    level: int = 0
    since: dict[int, int] = field(default_factory=dict)
    raised: int = 0
    changed: int = PAST
    value: float = float("nan")
    told: list[Told] = field(default_factory=list)

    def change(self, level: int, time: int, since: int | None, value: float) -> None:
        if self.level == 0:
            self.raised = time
        time = max(time, self.changed)
        kind = "cleared" if level == 0 else "raised" if self.level == 0 else "level"
        self.told.append(
            (
                time, self.rule.key, self.series, kind, level,
                warning_id(self.rule.name(), self.series, self.raised), value,
                time if since is None else since, len(self.told),
            )
        )  # fmt: skip
        self.level, self.changed = level, time

    def pass_time(self, now: int) -> None:
        if self.rule.kind == "silent":
            waits = {max(int(f), self.rule.hold_ms): int(n) for n, f in self.rule.levels()}
            due = sorted((self.seen + w, n, self.seen, w / 1000) for w, n in waits.items())
        else:
            due = sorted(
                (at + self.rule.hold_ms, n, at, self.value) for n, at in self.since.items()
            )
        for position, (when, level, since, value) in enumerate(due):
            tied = position + 1 < len(due) and due[position + 1][0] == when
            if when <= now and level > self.level and not tied:
                self.change(level, when, since, value)

    def observe(self, time: int, value: float) -> None:
        self.pass_time(time)
        if self.rule.kind == "silent":
            if self.level and time > self.seen:
                self.change(0, time, None, (time - self.seen) / 1000)
            self.seen = max(self.seen, time)
            return
        sign = 1 if self.rule.direction == "above" else -1
        stay = 0
        self.value = value
        for level, floor in self.rule.levels():
            if sign * value >= sign * floor:
                self.since.setdefault(int(level), time)
            else:
                self.since.pop(int(level), None)
            if sign * value >= sign * round(floor - sign * self.rule.clears, 9):
                stay = int(level)
        if stay < self.level:
            self.change(stay, time, None, value)
        if self.rule.hold_ms == 0:
            top = max(self.since, default=0)
            if top > self.level:
                self.change(top, time, time, value)


class Reference:
    def __init__(self, rules: list[Rule], series: list[int], lateness: int, since: int) -> None:
        self.ones = {s: [One(rule, s, since) for rule in rules] for s in series}
        self.newest = dict.fromkeys(series, PAST)
        self.lateness = lateness
        self.frontier = PAST
        self.held: list[tuple[int, int, float]] = []

    def step(self, rows: list[tuple[int, int, float]]) -> list[bool]:
        late = [time < self.newest[series] for series, time, _ in rows]
        now = []
        for (series, time, value), behind in zip(rows, late, strict=True):
            if behind:
                continue
            if self.lateness and time + self.lateness > self.frontier:
                self.held.append((series, time, value))
            else:
                now.append((series, time, value))
        self.judge(sorted(now, key=lambda row: row[1]))
        return late

    def judge(self, rows: list[tuple[int, int, float]]) -> None:
        for series, time, value in rows:
            if time > self.newest[series]:
                self.newest[series] = time
                for one in self.ones[series]:
                    one.observe(time, value)

    def tick(self, now: int) -> None:
        self.frontier = max(self.frontier, now)
        ready = [row for row in self.held if row[1] + self.lateness <= self.frontier]
        self.held = [row for row in self.held if row[1] + self.lateness > self.frontier]
        self.judge(sorted(ready, key=lambda row: (row[1], row[2])))
        for ones in self.ones.values():
            for one in ones:
                one.pass_time(self.frontier - self.lateness)

    def told(self) -> list[Told]:
        """All changes so far, by series, rule and order of telling."""
        return [told for ones in self.ones.values() for one in ones for told in one.told]

"""联动指挥 · `cases.yaml`: the types of cases a pack opens, whose they are and by when."""

from collections.abc import Iterator
from datetime import date
from typing import Literal

from msgspec import Struct

from zhiyin import pack
from zhiyin.kernel import PackFault, Words, parse_duration

Step = Literal["accept", "dispatch", "dispose", "check", "close"]
STEPS: tuple[Step, ...] = ("accept", "dispatch", "dispose", "check", "close")


class CaseEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """One type of case from `valid_from` on, until a later entry of the same name takes over.

    `unit` answers for it (牵头), `assist` helps. `limit` runs on `calendar`: `urgent` all day and
    night (紧急工作时), `hours` in duty hours (工作时), `days` on working days (工作日). `closes`
    says what must be so before it may be closed; `basis` where limit and steps come from.
    """

    case: pack.Key
    title: pack.Title
    unit: pack.Title
    limit: pack.DurationText
    calendar: Literal["urgent", "hours", "days"]
    closes: pack.Title
    valid_from: date
    basis: pack.Title
    assist: tuple[pack.Title, ...] = ()
    steps: tuple[Step, ...] = STEPS

    @property
    def limit_ms(self) -> int:
        return parse_duration(self.limit)


class CasesFile(Struct, frozen=True, forbid_unknown_fields=True):
    """`cases.yaml`: the case types of a pack."""

    cases: tuple[CaseEntry, ...]

    def on(self, case: str, day: date) -> CaseEntry | None:
        """Return the entry of this type valid on a day; None before the first."""
        valid = [one for one in self.cases if one.case == case and one.valid_from <= day]
        return max(valid, key=lambda one: one.valid_from, default=None)


class DeclaredTwice(PackFault):
    """Two limits for one case on one day."""

    code = "command-001"
    what = Words(
        "案件类型“{case}”自 {day} 起声明了两次。",
        'Case type "{case}" is declared twice from {day} on.',
    )
    do = Words("改一处的 valid_from,或删去。", "Change one valid_from, or remove one.")


class StepsOutOfOrder(PackFault):
    """Steps that would close a case before it was done."""

    code = "command-002"
    what = Words(
        "步骤是 {steps};应取自 {should},次序不变。",
        "The steps are {steps}; they should be some of {should}, in this order.",
    )
    do = Words("按次序写,dispose 和 close 不可少。", "Keep the order, with dispose and close.")


class UnitAssistsItself(PackFault):
    """One unit in two roles, so that nobody answers."""

    code = "command-003"
    what = Words("“{unit}”既牵头又协同。", '"{unit}" stands both as lead and as assisting unit.')
    do = Words("从 assist 里删去。", "Remove it from assist.")


class LimitNotDays(PackFault):
    """Hours on a calendar that knows only days."""

    code = "command-004"
    what = Words(
        "按工作日(calendar: days)计时,limit 却是 {limit}。",
        "calendar: days counts working days, yet limit is {limit}.",
    )
    do = Words(
        "写成整天,例如 2d,或换 calendar。", "Write whole days such as 2d, or another calendar."
    )


def _check(file: CasesFile, _: pack.Book) -> Iterator[pack.Remark]:
    seen: set[tuple[str, date]] = set()
    for at, one in enumerate(file.cases):
        path = ("cases", at)
        if (one.case, one.valid_from) in seen:
            fault = DeclaredTwice(case=one.case, day=one.valid_from)
            yield pack.remark((*path, "case"), fault)
        seen.add((one.case, one.valid_from))
        ordered = tuple(step for step in STEPS if step in one.steps)
        if one.steps != ordered or not {"dispose", "close"} <= set(one.steps):
            order = StepsOutOfOrder(steps=", ".join(one.steps), should=", ".join(STEPS))
            yield pack.remark((*path, "steps"), order)
        for place, unit in enumerate(one.assist):
            if unit.zh == one.unit.zh:
                yield pack.remark((*path, "assist", place), UnitAssistsItself(unit=unit.zh))
        if one.calendar == "days" and not one.limit.endswith("d"):
            yield pack.remark((*path, "limit"), LimitNotDays(limit=one.limit))


def _offers(file: CasesFile) -> Iterator[tuple[str, str, object]]:
    for one in file.cases:
        yield "case", one.case, one


SECTION = pack.Section("cases.yaml", CasesFile, _check, _offers)

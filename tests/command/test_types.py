"""Case types as packs declare them, each version valid for its time."""

from datetime import date
from typing import Any, NamedTuple

import pytest

from zhiyin.command import CaseType, CaseTypes, Step, Time, case_types
from zhiyin.command.model import State, TwoPacksOneCase
from zhiyin.command.steps import next_steps
from zhiyin.kernel import DAY, HOUR, Words, parse_time


class Entry(NamedTuple):
    """An entry of cases.yaml."""

    case: str
    valid_from: date
    limit_ms: int = 4 * HOUR
    title: Words = Words("积水", "Water")
    unit: Words = Words("水务局", "Water Bureau")
    assist: tuple[Words, ...] = ()
    calendar: str = "urgent"
    steps: tuple[str, ...] = ("accept", "dispatch", "dispose", "check", "close")
    closes: Words = Words("水退", "Water gone")


def test_a_later_entry_takes_over_on_its_day() -> None:
    entries = [Entry("water", date(2026, 7, 1), 2 * HOUR), Entry("water", date(2026, 1, 1))]
    types = CaseTypes(case_types("flood", [*entries, Entry("lid", date(2026, 1, 1), DAY)]))
    before, after = parse_time("2026-06-30 23:59"), parse_time("2026-07-01 00:00")
    limits = [types.require("water", at).limit for at in (before, after)]
    assert limits == [4 * HOUR, 2 * HOUR]
    assert types.at("water", parse_time("2025-12-31 12:00")) is None
    assert types.require("lid", after).calendar is Time.URGENT


def test_two_packs_may_not_declare_one_case() -> None:
    day = date(2026, 1, 1)
    kinds = [case_types(pack, [Entry("water", day)])[0] for pack in ("flood", "grid")]
    with pytest.raises(TwoPacksOneCase):
        CaseTypes(kinds)


@pytest.mark.parametrize(
    ("steps", "state", "ahead"),
    [
        ("accept dispatch dispose check close", "filed", "accept void note"),
        ("accept dispatch dispose check close", "disposed", "check rework void note"),
        ("dispose close", "filed", "dispose void note"),
        ("dispose close", "disposed", "close void note"),
        ("accept close", "accepted", "close void note"),
        ("accept close", "closed", ""),
    ],
)
def test_a_type_goes_only_its_own_steps(steps: str, state: str, ahead: str) -> None:
    base: dict[str, Any] = {"key": "x", "pack": "p", "title": Words("", ""), "limit": 1}
    kind = CaseType(**base, unit=Words("", ""), steps=tuple(Step(step) for step in steps.split()))
    assert " ".join(next_steps(kind, State(state))) == ahead

"""联动指挥:cases with steps, owners and clocks. Does not sense."""

from zhiyin.command.clock import (
    Time,
    WorkingCalendar,
    district_day,
    due_at,
    load_calendar,
    midnight,
    remaining,
)
from zhiyin.command.model import (
    ROAD,
    Axis,
    CaseType,
    CaseTypes,
    Progress,
    State,
    Step,
    StepRecord,
    case_types,
)
from zhiyin.command.service import Cases, NewCase
from zhiyin.command.steps import replay, verify_chain
from zhiyin.command.store import Case, CaseFilter, CaseNumber, CaseStep

__all__ = [
    "ROAD", "Axis", "Case", "CaseFilter", "CaseNumber", "CaseStep", "CaseType", "CaseTypes",
    "Cases", "NewCase", "Progress", "State", "Step", "StepRecord", "Time", "WorkingCalendar",
    "case_types", "district_day", "due_at", "load_calendar", "midnight",
    "remaining", "replay", "verify_chain",
]  # fmt: skip

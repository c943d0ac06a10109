"""监测预警:rules, derived series and warnings. Does not send anybody anywhere."""

from zhiyin.watch.derive import Deriver
from zhiyin.watch.engine import Engine, warning_id
from zhiyin.watch.memory import restore, state_of
from zhiyin.watch.model import Columns, Derive, Judged, Rule, Transition
from zhiyin.watch.section import RulesFile, check, derives_of, rules_of
from zhiyin.watch.series import SeriesTable

__all__ = [
    "Columns", "Derive", "Deriver", "Engine", "Judged", "Rule", "RulesFile", "SeriesTable",
    "Transition", "check", "derives_of", "restore", "rules_of", "state_of", "warning_id",
]  # fmt: skip

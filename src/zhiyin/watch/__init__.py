"""监测预警:rules, derived series and warnings. Does not send anybody anywhere."""

from zhiyin.watch.block import ordered
from zhiyin.watch.checkpoint import load as load_checkpoint
from zhiyin.watch.checkpoint import save as save_checkpoint
from zhiyin.watch.derive import Deriver
from zhiyin.watch.engine import Engine
from zhiyin.watch.judge import Judge, Outcome
from zhiyin.watch.model import Derive, Rule, Transition
from zhiyin.watch.section import derives_of, rules_of
from zhiyin.watch.series import SeriesTable
from zhiyin.watch.service import ThingFacts, attach_case, record
from zhiyin.watch.store import Wanted, page, shown

__all__ = [
    "Derive", "Deriver", "Engine", "Judge", "Outcome", "Rule", "SeriesTable", "ThingFacts",
    "Transition", "Wanted", "attach_case", "derives_of", "load_checkpoint", "ordered", "page",
    "record", "rules_of", "save_checkpoint", "shown",
]  # fmt: skip

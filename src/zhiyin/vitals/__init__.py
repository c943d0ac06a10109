"""态势:indicators of the district. Does not warn."""

from zhiyin.vitals.compute import compute, freshness, on_the_wall
from zhiyin.vitals.line import Line
from zhiyin.vitals.model import (
    Columns,
    Direction,
    Freshness,
    How,
    Indicator,
    Latest,
    Limits,
    Vital,
    indicators,
)
from zhiyin.vitals.service import Vitals

__all__ = [
    "Columns", "Direction", "Freshness", "How", "Indicator", "Latest", "Limits", "Line",
    "Vital", "Vitals", "compute", "freshness", "indicators", "on_the_wall",
]  # fmt: skip

"""决策研判:analyses that advise. Decides nothing by itself."""

from zhiyin.decide.http import Course, Courses, Elements, Floors, router
from zhiyin.decide.model import Floor, Near, Reach, nearest, outlook, time_to_level, trend

__all__ = [
    "Course", "Courses", "Elements", "Floor", "Floors", "Near", "Reach", "nearest", "outlook",
    "router", "time_to_level", "trend",
]  # fmt: skip

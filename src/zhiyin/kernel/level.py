"""The four scales of the house: four types that never mix."""

from enum import IntEnum


class WarningLevel(IntEnum):
    """Warning level (预警级别) of the Emergency Response Law, lowest first; 0 is no warning."""

    NONE = 0
    BLUE = 1
    YELLOW = 2
    ORANGE = 3
    RED = 4

    @property
    def key(self) -> str:
        return self.name.lower()

    @classmethod
    def of(cls, key: str) -> "WarningLevel":
        return cls[key.upper()]


class IncidentGrade(IntEnum):
    """Grade of an incident (事件分级), lowest first."""

    GENERAL = 1  # 一般
    LARGER = 2  # 较大
    MAJOR = 3  # 重大
    EXTRAORDINARY = 4  # 特别重大


class ResponseLevel(IntEnum):
    """Level of an emergency response (应急响应); Ⅰ is the highest."""

    IV = 1
    III = 2
    II = 3
    I = 4  # noqa: E741


class Urgency(IntEnum):
    """Urgency of a work order (工单缓急)."""

    NORMAL = 1  # 一般
    URGENT = 2  # 紧急
    CRITICAL = 3  # 特急


class Quality(IntEnum):
    """Quality flag of an observation."""

    GOOD = 0
    LATE = 1  # arrived after the allowed lateness; kept, not judged
    HISTORY = 2  # loaded as history; kept, derived from, not judged
    ESTIMATED = 3  # derived from incomplete input

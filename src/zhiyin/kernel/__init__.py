"""The words of the house: ids, time, place, quantity, level, errors. Pure; no I/O."""

from zhiyin.kernel.errors import CallerFault, Fault, OurFault, PackFault, Words, WorldFault
from zhiyin.kernel.ids import fixed_id, new_id
from zhiyin.kernel.level import IncidentGrade, Quality, ResponseLevel, Urgency, WarningLevel
from zhiyin.kernel.place import Place, bd09_of, from_bd09, from_gcj02, gcj02_of
from zhiyin.kernel.quantity import Quantity, convert, factor, known_unit, parse_quantity
from zhiyin.kernel.time import (
    DAY,
    DISTRICT_ZONE,
    HOUR,
    MINUTE,
    SECOND,
    Clock,
    ManualClock,
    ScaledClock,
    SystemClock,
    clock_of,
    day_of,
    iso,
    millis_of,
    moment_of,
    parse_duration,
    parse_time,
)

__all__ = [
    "DAY", "DISTRICT_ZONE", "HOUR", "MINUTE", "SECOND", "CallerFault", "Clock", "Fault",
    "IncidentGrade", "ManualClock", "OurFault", "PackFault", "Place", "Quality", "Quantity",
    "ResponseLevel", "ScaledClock", "SystemClock", "Urgency", "WarningLevel", "Words",
    "WorldFault", "bd09_of", "clock_of", "convert", "day_of", "factor", "fixed_id", "from_bd09",
    "from_gcj02", "gcj02_of", "iso", "known_unit", "millis_of", "moment_of", "new_id",
    "parse_duration", "parse_quantity", "parse_time",
]  # fmt: skip

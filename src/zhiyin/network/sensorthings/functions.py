"""The functions and operators of the filter language on plain values; null in, null out.

Texts, times, numbers and geometries as OGC 18-088 tables 21 to 27 name them. Distances and lengths
are in the unit of the coordinates (degrees), as the standard's functions over CRS84 give them.
"""

import math
import operator
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import shapely
from shapely.errors import ShapelyError
from shapely.geometry import shape

from zhiyin.kernel import moment_of
from zhiyin.network.sensorthings.language import ClockTime, Date, Duration, clock_time
from zhiyin.network.sensorthings.when import When, read_when

_MAX = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z
_MIN = -62_135_596_800_000  # 0001-01-01T00:00:00Z


class Function(NamedTuple):
    """What a function takes, and what it does."""

    fewest: int
    most: int
    work: Callable[..., Any]


def _text(said: Any) -> str:
    if not isinstance(said, str):
        raise TypeError
    return said


def _real(said: Any) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise TypeError
    return said


def _moment(said: Any) -> datetime:
    if isinstance(said, str):
        said = read_when(said)
    if isinstance(said, Date):
        said = read_when(said.text + "T00:00:00Z")
    if not isinstance(said, When):
        raise TypeError
    return moment_of(said.start)


def _part(name: str) -> Callable[[Any], int]:
    def of(said: Any) -> int:
        if isinstance(said, ClockTime):
            at = {"hour": 3_600_000, "minute": 60_000, "second": 1000}[name]
            return said.millis // at % (24 if name == "hour" else 60)
        return int(getattr(_moment(said), name))

    return of


def _geometry(said: Any) -> Any:
    if isinstance(said, dict):
        if said.get("type") == "Feature":
            said = said.get("geometry")
        return shape(said)
    if isinstance(said, str):
        return shapely.from_wkt(said)
    if not isinstance(said, shapely.Geometry):
        raise TypeError
    return said


def _spatial(name: str) -> Callable[[Any, Any], Any]:
    def of(left: Any, right: Any) -> Any:
        return getattr(_geometry(left), name)(_geometry(right))

    return of


def _date(said: Any) -> Date:
    return Date(_moment(said).astimezone(UTC).strftime("%Y-%m-%d"))


def _time(said: Any) -> ClockTime:
    return clock_time(_moment(said).strftime("%H:%M:%S.%f"))


def _round(said: Any) -> float:
    """Round half away from zero, as OData does."""
    number = _real(said)
    return math.copysign(math.floor(abs(number) + 0.5), number)


def _substring(text: Any, start: Any, length: Any = None) -> str:
    begin = max(0, int(_real(start)))
    return _text(text)[begin:] if length is None else _text(text)[begin : begin + int(length)]


def _span(said: Any) -> When:
    if isinstance(said, str):
        return read_when(said)
    if not isinstance(said, When):
        raise TypeError
    return said


FUNCTIONS: dict[str, Function] = {
    "substringof": Function(2, 2, lambda part, whole: _text(part) in _text(whole)),
    "contains": Function(2, 2, lambda whole, part: _text(part) in _text(whole)),
    "startswith": Function(2, 2, lambda whole, part: _text(whole).startswith(_text(part))),
    "endswith": Function(2, 2, lambda whole, part: _text(whole).endswith(_text(part))),
    "indexof": Function(2, 2, lambda whole, part: _text(whole).find(_text(part))),
    "length": Function(1, 1, lambda text: len(_text(text))),
    "substring": Function(2, 3, _substring),
    "tolower": Function(1, 1, lambda text: _text(text).lower()),
    "toupper": Function(1, 1, lambda text: _text(text).upper()),
    "trim": Function(1, 1, lambda text: _text(text).strip()),
    "concat": Function(2, 9, lambda *texts: "".join(map(_text, texts))),
    **{
        name: Function(1, 1, _part(name))
        for name in ("year", "month", "day", "hour", "minute", "second")
    },
    "fractionalseconds": Function(1, 1, lambda said: _moment(said).microsecond / 1e6),
    "date": Function(1, 1, _date),
    "time": Function(1, 1, _time),
    "totaloffsetminutes": Function(1, 1, lambda said: _moment(said).minute * 0),  # all is UTC
    "mindatetime": Function(0, 0, lambda: When(_MIN)),
    "maxdatetime": Function(0, 0, lambda: When(_MAX)),
    "round": Function(1, 1, _round),
    "floor": Function(1, 1, lambda said: math.floor(_real(said))),
    "ceiling": Function(1, 1, lambda said: math.ceil(_real(said))),
    "geo.distance": Function(2, 2, _spatial("distance")),
    "geo.length": Function(1, 1, lambda line: _geometry(line).length),
    "geo.intersects": Function(2, 2, _spatial("intersects")),
    **{
        f"st_{name}": Function(2, 2, _spatial(name))
        for name in (
            "equals", "disjoint", "touches", "within", "overlaps", "crosses", "intersects",
            "contains",
        )
    },
    "st_relate": Function(
        3, 3, lambda a, b, pattern: _geometry(a).relate_pattern(_geometry(b), _text(pattern))
    ),
    "before": Function(2, 2, lambda a, b: _span(a).until < _span(b).start),
    "after": Function(2, 2, lambda a, b: _span(a).start > _span(b).until),
    "during": Function(
        2, 2, lambda a, b: _span(b).start <= _span(a).start and _span(a).until <= _span(b).until
    ),
    "overlaps": Function(
        2, 2, lambda a, b: _span(a).start <= _span(b).until and _span(b).start <= _span(a).until
    ),
    "meets": Function(
        2, 2, lambda a, b: _span(a).until == _span(b).start or _span(b).until == _span(a).start
    ),
    "starts": Function(2, 2, lambda a, b: _span(a).start == _span(b).start),
    "finishes": Function(2, 2, lambda a, b: _span(a).until == _span(b).until),
}  # fmt: skip


def apply(name: str, inputs: list[Any]) -> Any:
    """Return what a function makes of values; None where it makes nothing of them."""
    if any(value is None for value in inputs):
        return None
    try:
        return FUNCTIONS[name].work(*inputs)
    except (TypeError, ValueError, KeyError, OverflowError, AttributeError, ShapelyError):
        return None


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv,
    "mod": math.fmod,
}  # fmt: skip


def calculate(name: str, left: Any, right: Any) -> Any:
    """Return `left` name `right` for numbers, or for times and durations; None otherwise."""
    if isinstance(left, When) and isinstance(right, Duration) and name in {"add", "sub"}:
        by = right.millis if name == "add" else -right.millis
        return When(left.start + by, None if left.end is None else left.end + by)
    if isinstance(left, When) and isinstance(right, When) and name == "sub":
        return Duration(left.start - right.start)
    try:
        return _ARITHMETIC[name](_real(left), _real(right))
    except (TypeError, ZeroDivisionError, OverflowError, ValueError):
        return None


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le,
}  # fmt: skip


def compare(by: str, left: Any, right: Any) -> bool:
    """Return whether two values compare so; values of unlike kinds are only ever unequal."""
    if left is None or right is None:
        same = left is None and right is None
        return same if by == "eq" else (not same if by == "ne" else False)
    left, right = _alike(left, right), _alike(right, left)
    if isinstance(left, When) and isinstance(right, When):
        return _compare_times(by, left, right)
    kinds = {_sort(left), _sort(right)}
    if by in {"eq", "ne"}:
        same = len(kinds) == 1 and bool(left == right)
        return same if by == "eq" else not same
    return len(kinds) == 1 and "other" not in kinds and _COMPARE[by](left, right)


def _alike(value: Any, other: Any) -> Any:
    """Take text for a time, or a day for its first moment, where the other side is one."""
    if isinstance(other, When) and isinstance(value, str):
        try:
            return read_when(value)
        except ValueError:
            return value
    if isinstance(other, When) and isinstance(value, Date):
        return read_when(value.text + "T00:00:00Z")
    return value


def _sort(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    return type(value).__name__ if isinstance(value, Date | ClockTime) else "other"


def _compare_times(by: str, left: When, right: When) -> bool:
    if by in {"eq", "ne"}:
        same = (left.start, left.until) == (right.start, right.until)
        return same if by == "eq" else not same
    if by in {"gt", "ge"}:
        left, right = right, left
    if by in {"lt", "gt"}:  # an interval ends where another one starts
        return left.start < right.start and left.until <= right.start
    return left.start <= right.start and left.until <= right.until

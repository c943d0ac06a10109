"""决策研判:advice, each with its method, inputs, confidence and limits. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from zhiyin.kernel import HOUR, MINUTE, CallerFault, Place, WarningLevel, Words, iso

LAST: Final = 30  # values a slope is taken over: 435 pairs
FEWEST: Final = 5
HORIZON: Final = 6 * HOUR  # a straight line is not believed further than this
STEADY: Final = 0.5  # share of pairs that must agree, above chance, for a trend to be one

METHOD: Final = Words(
    "泰尔-森稳健斜率(最近若干值两两斜率的中位数),直线外推到下一级起点。",
    "Theil–Sen slope (median over all pairs of the last values), carried on straight to the next "
    "level's floor.",
)
LIMITS: Final = Words(
    "只看这一个测点最近的走势,不知降雨、泵站与闸门;超过 6 小时不外推。供参考,不自动处置。",
    "Sees only this gauge's recent course, no rain, pumps or gates; not carried on beyond 6 hours. "
    "Advice only; nothing is done by itself.",
)


class Trend(NamedTuple):
    """A robust straight line through values."""

    slope: float  # per ms
    level: float  # the line's value at the last time
    agreement: float  # 0…1: how far pairs agree on the direction beyond chance (|Kendall's τ|)
    n: int


class Reach(NamedTuple):
    """When a floor would be reached."""

    minutes: float
    confidence: float


def trend(times: NDArray[np.int64], values: NDArray[np.float64], last: int = LAST) -> Trend | None:
    """Return the Theil–Sen line of the last finite values, None with fewer than five of them.

    Times in UTC ms, in any order; Sen 1968: the median of the slopes of all pairs with different
    times, and the median of the residuals; up to 29 % of wild values do not move it.
    """
    good = np.isfinite(values)
    order = np.argsort(times[good], kind="stable")[-last:]
    t, v = times[good][order].astype(np.float64), values[good][order]
    if t.size < FEWEST or t[0] == t[-1]:
        return None
    i, j = np.triu_indices(t.size, 1)
    apart = t[j] > t[i]
    rises = v[j][apart] - v[i][apart]
    slope = float(np.median(rises / (t[j][apart] - t[i][apart])))
    level = float(np.median(v - slope * (t - t[-1])))
    return Trend(slope, level, abs(float(np.sign(rises).mean())), int(t.size))


def time_to_level(
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    floor: float,
    last: int = LAST,
    *,
    rising: bool = True,
) -> Reach | None:
    """Return in how many minutes after the last value the floor is reached, and how sure that is.

    None when there is no clear trend towards it or it lies beyond the horizon; 0 when it has been
    reached. `rising=False` is for rules that watch for falling below.
    """
    line = trend(times, values, last)
    if line is None:
        return None
    gap, slope = (floor - line.level, line.slope) if rising else (line.level - floor, -line.slope)
    if gap <= 0:
        return Reach(0.0, line.agreement)
    if slope <= 0 or line.agreement < STEADY or gap / slope > HORIZON:
        return None
    far = gap / slope / HORIZON
    return Reach(gap / slope / MINUTE, round(line.agreement * (1 - far / 2), 2))


class Floor(NamedTuple):
    """Where a level of a rule begins, in the property's unit."""

    rule: str
    level: WarningLevel
    value: float
    rising: bool = True  # False: the level is reached by falling below


def outlook(
    times: NDArray[np.int64], values: NDArray[np.float64], floors: Iterable[Floor], unit: str = ""
) -> dict[str, Any]:
    """Return when each level ahead would be reached, with method, inputs and limits."""
    line = trend(times, values)
    finite = np.flatnonzero(np.isfinite(values))
    newest = finite[times[finite].argmax()] if finite.size else None
    told: dict[str, Any] = {
        "method": METHOD.zh, "method_en": METHOD.en, "limits": LIMITS.zh, "limits_en": LIMITS.en,
        "inputs": {
            "values": 0 if line is None else line.n,
            "from": None if newest is None else iso(int(np.sort(times[finite])[-LAST:][0])),
            "to": None if newest is None else iso(int(times[newest])),
        },
        "value": None if newest is None else float(values[newest]), "unit": unit,
        "slope_per_hour": None if line is None else round(line.slope * HOUR, 6),
        "agreement": None if line is None else round(line.agreement, 2),
    }  # fmt: skip
    ahead = [] if newest is None else _ahead(times, values, floors, told["value"])
    following = min(ahead, key=lambda level: level["minutes"], default=None)
    return {**told, "levels": ahead, "next": following}


def _ahead(
    times: NDArray[np.int64], values: NDArray[np.float64], floors: Iterable[Floor], value: float
) -> list[dict[str, Any]]:
    newest, reached = int(times[np.isfinite(values)].max()), []
    for floor in floors:
        if (value >= floor.value) if floor.rising else (value <= floor.value):
            continue  # already there
        reach = time_to_level(times, values, floor.value, rising=floor.rising)
        if reach is not None:
            reached.append(
                {
                    "rule": floor.rule, "level": floor.level.key, "floor": floor.value,
                    "minutes": round(reach.minutes, 1), "confidence": reach.confidence,
                    "at": iso(newest + round(reach.minutes * MINUTE)),
                }
            )  # fmt: skip
    return reached


class Located(Protocol):
    """Something with a place: an element of the atlas."""

    @property
    def id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def place(self) -> Place: ...


class Near(msgspec.Struct, frozen=True):
    """A thing and how far it is, as the crow flies."""

    id: str
    type: str
    name: str
    place: Place
    metres: float


def nearest(elements: Sequence[Located], place: Place, type: str, k: int = 3) -> list[Near]:  # noqa: A002
    """Return the `k` elements of a type nearest to a place, by straight distance."""
    fitting = [
        Near(one.id, one.type, one.name, one.place, round(place.metres_to(one.place), 1))
        for one in elements
        if one.type == type
    ]
    return sorted(fitting, key=lambda near: (near.metres, near.id))[:k]


class UnknownSeries(CallerFault):
    """A thing or property that nothing is measured of."""

    code = "decide-001"
    status = 404
    what = Words(
        "{thing} 没有属性 {property} 的数据。",
        "There is nothing measured of {property} at {thing}.",
    )
    do = Words("从 GET /series 取部件与属性。", "Take thing and property from GET /series.")

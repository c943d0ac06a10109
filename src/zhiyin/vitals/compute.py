"""态势:compute indicators from latest values. Pure; columns in, one number out."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from zhiyin.vitals.model import (
    AGEING,
    LOST,
    Columns,
    Direction,
    Freshness,
    How,
    Indicator,
    Latest,
    Limits,
    Vital,
)

_AGGREGATE: dict[How, Callable[[NDArray[np.float64]], float]] = {
    How.MEAN: lambda values: float(values.mean()),
    How.SUM: lambda values: float(values.sum()),
    How.COUNT: lambda values: float(np.count_nonzero(values)),
}


def compute(
    indicators: Iterable[Indicator], latest: Latest, limits: Limits, now: int
) -> list[Vital]:
    """Return each indicator's value at `now` (UTC ms), in the order given."""
    return [_vital(kind, latest.of(kind.type, kind.property), limits, now) for kind in indicators]


def freshness(age_ms: int | None, every_ms: int) -> Freshness:
    if age_ms is None:
        return Freshness.NONE
    if age_ms > LOST * every_ms:
        return Freshness.LOST
    return Freshness.AGEING if age_ms > AGEING * every_ms else Freshness.FRESH


def _vital(kind: Indicator, columns: Columns, limits: Limits, now: int) -> Vital:
    if kind.how is How.SHARE_ONLINE:
        return _online(kind, columns, now)
    values = _less_limit(kind, columns, limits) if kind.how is How.MARGIN else columns.values
    used = _usable(columns, values, now)
    if not used.size:
        return _made(kind, columns, now, value=None, time=None, source="", counted=0)
    if kind.how in _AGGREGATE:
        return _made(
            kind, columns, now, value=_AGGREGATE[kind.how](values[used]),
            time=int(columns.times[used].max()), source=f"{kind.type}.{kind.property}",
            counted=used.size,
        )  # fmt: skip
    at = int(used[_extreme(kind, values[used])])
    return _made(
        kind, columns, now, value=float(values[at]), time=int(columns.times[at]),
        source=columns.things[at], counted=used.size,
    )  # fmt: skip


def _usable(columns: Columns, values: NDArray[np.float64], now: int) -> NDArray[np.intp]:
    """Return the rows to count: those not lost, or all that ever spoke when every one is lost.

    One silent gauge stuck at its highest value must not be the district's maximum for ever.
    """
    spoke = np.isfinite(values) & (columns.times > 0)
    alive = spoke & (now - columns.times <= LOST * columns.every_ms)
    return np.flatnonzero(alive if alive.any() else spoke)


def _less_limit(kind: Indicator, columns: Columns, limits: Limits) -> NDArray[np.float64]:
    field = limits.field(kind.type, kind.field)
    own = np.array([field.get(thing, np.nan) for thing in columns.things], dtype=np.float64)
    return columns.values - own


def _extreme(kind: Indicator, values: NDArray[np.float64]) -> int:
    if kind.how is How.MAX:
        return int(values.argmax())
    if kind.how is How.MIN:
        return int(values.argmin())
    if kind.direction is Direction.IN_BAND and kind.band is not None:
        low, high = kind.band
        return int(np.abs(values - (low + high) / 2).argmax())
    return int(values.argmin() if kind.direction is Direction.HIGH_IS_GOOD else values.argmax())


def _online(kind: Indicator, columns: Columns, now: int) -> Vital:
    known = len(columns.things)
    spoke = columns.times > 0
    online = int((spoke & (now - columns.times <= AGEING * columns.every_ms)).sum())
    scale = 100.0 if kind.unit == "%" else 1.0
    return _made(
        kind, columns, now, value=scale * online / known if known else None,
        time=int(columns.times.max()) if spoke.any() else None,
        source=f"{kind.type}.{kind.property}", counted=online,
    )  # fmt: skip


def _made(
    kind: Indicator, columns: Columns, now: int, *, value: float | None, time: int | None,
    source: str, counted: int,
) -> Vital:  # fmt: skip
    age = None if time is None else max(0, now - time)
    return Vital(
        kind, value, time, source, freshness(age, columns.every_ms), counted, len(columns.things),
        age, columns.every_ms,
    )  # fmt: skip


def on_the_wall(indicators: Sequence[Indicator]) -> list[Indicator]:
    """Return those with a place on the wall, by place; ties in the order of the packs."""
    placed = [(kind.vital, n, kind) for n, kind in enumerate(indicators) if kind.vital is not None]
    return [kind for _, _, kind in sorted(placed, key=lambda place: place[:2])]

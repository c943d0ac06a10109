"""态势:compute indicators from latest values. Pure; columns in, one number out."""

from collections.abc import Callable, Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from zhiyin.vitals.model import (
    AGEING,
    LOST,
    ONLINE,
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
    return [_vital(kind, latest, limits, now) for kind in indicators]


def freshness(age_ms: int | None, every_ms: int) -> Freshness:
    if age_ms is None:
        return Freshness.NONE
    if age_ms > LOST * every_ms:
        return Freshness.LOST
    return Freshness.AGEING if age_ms > AGEING * every_ms else Freshness.FRESH


def _vital(kind: Indicator, latest: Latest, limits: Limits, now: int) -> Vital:
    newest = latest.of(*kind.thing_and_property)
    if kind.how is How.ONLINE:
        return _online(kind, newest, now)
    columns = newest
    if kind.over_ms is not None:
        columns = latest.since(*kind.thing_and_property, now - kind.over_ms)
    values = _values(kind, columns, limits)
    used = _usable(columns, values, now, windowed=kind.over_ms is not None)
    known = len(newest.things)
    if not used.size:
        return _made(kind, now, known, columns)
    value, at = _one(kind, values, used)
    if at is None:
        return _made(kind, now, known, columns, used, value, kind.of)
    made = _made(kind, now, known, columns, used[at : at + 1], value, columns.things[used[at]])
    return msgspec.structs.replace(made, counted=used.size)


def _values(kind: Indicator, columns: Columns, limits: Limits) -> NDArray[np.float64]:
    """Return the values in the indicator's unit, less the element's own limit if it says so."""
    values = columns.values
    if kind.minus is not None:
        field = limits.field(kind.thing_and_property[0], kind.minus)
        own = np.array([field.get(thing, np.nan) for thing in columns.things], dtype=np.float64)
        return (values - own) * kind.scale  # a difference has no offset
    return values * kind.scale + kind.offset


def _usable(
    columns: Columns, values: NDArray[np.float64], now: int, *, windowed: bool
) -> NDArray[np.intp]:
    """Return the rows to count: those not lost, or all that ever spoke when every one is lost.

    One silent gauge stuck at its highest value must not be the district's maximum for ever. A
    window is itself the limit of age.
    """
    spoke = np.isfinite(values) & (columns.times > 0)
    alive = spoke & (now - columns.times <= LOST * columns.every)
    return np.flatnonzero(alive if alive.any() and not windowed else spoke)


def _one(
    kind: Indicator, values: NDArray[np.float64], used: NDArray[np.intp]
) -> tuple[float, int | None]:
    """Return the one number, and for an extreme which of the used rows it is."""
    if kind.how in _AGGREGATE:
        return _AGGREGATE[kind.how](values[used]), None
    at = _extreme(kind, values[used])
    return float(values[used[at]]), at


def _extreme(kind: Indicator, values: NDArray[np.float64]) -> int:
    if kind.how is How.MAX:
        return int(values.argmax())
    if kind.how is How.MIN:
        return int(values.argmin())
    if kind.direction is Direction.MIDDLE_IS_GOOD and kind.band is not None:
        low, high = kind.band
        under = values * 0 - np.inf if low is None else low - values
        above = values * 0 - np.inf if high is None else values - high
        return int(np.maximum(under, above).argmax())
    return int(values.argmin() if kind.direction is Direction.HIGH_IS_GOOD else values.argmax())


def _online(kind: Indicator, columns: Columns, now: int) -> Vital:
    known = len(columns.things)
    heard = (columns.times > 0) & (now - columns.times <= ONLINE * columns.every)
    used = np.flatnonzero(columns.times > 0)
    share = heard.sum() / known if known else 0.0
    scale = 100.0 if kind.unit == "%" else 1.0
    value = float(scale * share) if known else None
    made = _made(kind, now, known, columns, used, value, kind.of)
    return msgspec.structs.replace(made, counted=int(heard.sum()))


def _made(
    kind: Indicator, now: int, known: int, columns: Columns,
    used: NDArray[np.intp] | None = None, value: float | None = None, source: str = "",
) -> Vital:  # fmt: skip
    """Return the vital sign; its time is that of the newest value that went into it."""
    if used is None or not used.size:
        every = int(np.median(columns.every)) if columns.every.size else 0
        return Vital(kind, value, None, source, Freshness.NONE, 0, known, None, every)
    newest = used[columns.times[used].argmax()]
    time, every = int(columns.times[newest]), int(columns.every[newest])
    age = max(0, now - time)
    return Vital(
        kind, value, time, source, freshness(age, every), used.size, known, age, every
    )  # fmt: skip


def on_the_wall(indicators: Sequence[Indicator]) -> list[Indicator]:
    """Return those with a place on the wall, by place; ties in the order of the packs."""
    placed = [(kind.vital, n, kind) for n, kind in enumerate(indicators) if kind.vital is not None]
    return [kind for _, _, kind in sorted(placed, key=lambda place: place[:2])]

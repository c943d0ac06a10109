"""What a property's quality is judged by, as numbers: the property's unit, seconds, ms, metres."""

from typing import NamedTuple

import numpy as np

from zhiyin.lake.model import Floats

INFINITE = float("inf")
MONTHS, HOURS = 12, 24


class Span(NamedTuple):
    """A range, ends included."""

    low: float = -INFINITE
    high: float = INFINITE


class Steps(NamedTuple):
    """From where on it is suspect, and from where on it fails (both exclusive)."""

    suspect: float = INFINITE
    fail: float = INFINITE


class Season(NamedTuple):
    """What is usual in some months (1–12) and hours (0–23) of the district's day."""

    months: tuple[int, ...]
    hours: tuple[int, ...]
    suspect: Span
    fail: Span = Span()


class Flat(NamedTuple):
    """How long (ms) a value may stay in a band narrower than `tolerance`."""

    suspect: float
    fail: float
    tolerance: float


class Near(NamedTuple):
    """Neighbours within so many metres may differ so much; values older than `reach` ms not."""

    within: float
    differs: float
    reach: int


class Limits(NamedTuple):
    """All of one property; what is None (or a `gap` of 0) is not evaluated.

    A property that is not `ordered` (derived: its rows may be corrected) is judged by value alone.
    """

    gross: Span
    suspect: Span | None = None
    climatology: tuple[Season, ...] = ()
    spike: Steps | None = None
    rate: Steps | None = None  # per second
    flat: Flat | None = None
    gap: int = 0  # ms
    near: Near | None = None
    ordered: bool = True


def calendar(seasons: tuple[Season, ...]) -> Floats:
    """Return (month, hour, [low, high, fail low, fail high]); NaN where nothing is declared.

    Of several seasons that fit, the last one counts.
    """
    table = np.full((MONTHS, HOURS, 4), np.nan)
    for one in seasons:
        months = np.array(one.months, np.intp) - 1
        table[np.ix_(months, np.array(one.hours, np.intp))] = [*one.suspect, *one.fail]
    return table

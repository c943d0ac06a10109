"""The air quality index of HJ 633 (2012 until 2026-02-28, 2026 after), on arrays.

Concentrations are in µg/m³, CO in mg/m³; NaN or below 0 is missing. They are rounded first, half to
even (GB/T 8170), to integers, CO to one decimal; from there on all is integer arithmetic, so that
rounding up is exact. Above the last limit of a table its last index holds: 500, but 200 for SO₂ 1 h
(above 800 µg/m³ the 24-hour value is to be used) and 300 for O₃ 8 h (above 800: the 1-hour value).
"""

from functools import cache
from importlib import resources
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from zhiyin.kernel import DISTRICT_ZONE, millis_of, moment_of
from zhiyin.watch.model import Bools, Floats, Ints

POLLUTANTS = ("so2", "no2", "co", "o3", "pm10", "pm25")
_HOURLY = ("1h", "1h", "1h", "1h", "24h", "24h")
_DAILY = ("24h", "24h", "24h", "8h", "24h", "24h")
_NONE = -1
_ENOUGH_OF_DAY, _ENOUGH_OF_EIGHT = 20, 6


class Edition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One edition of the standard; `tables` hold the limits at the indices `iaqi`."""

    standard: str
    valid_from: str
    valid_to: str | None
    iaqi: tuple[int, ...]
    tables: dict[str, tuple[int, ...]]


class _Editions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    editions: list[Edition]


class Aqi(NamedTuple):
    """Index, primary pollutants as bits (1 SO₂ … 32 PM2.5) and whether all six were there.

    `value` is NaN where none may be published: a pollutant is missing and the rest reaches no
    more than 100. `primary` is 0 up to 50.
    """

    value: Floats
    primary: Ints
    complete: Bools

    @property
    def level(self) -> Ints:
        """Level 1 (优) to 6 (严重污染); 0 without a value."""
        steps = np.searchsorted([50, 100, 150, 200, 300], np.nan_to_num(self.value)) + 1
        return np.where(np.isnan(self.value), 0, steps)


@cache
def editions() -> tuple[Edition, ...]:
    """Return the editions, oldest first."""
    content = resources.files("zhiyin.watch").joinpath("tables/aqi.json").read_bytes()
    return tuple(msgspec.json.decode(content, type=_Editions).editions)


def edition_of(day: str) -> Edition:
    """Return the edition in force on a day `YYYY-MM-DD` of the district; the first before all."""
    valid = [edition for edition in editions() if edition.valid_from <= day]
    return valid[-1] if valid else editions()[0]


def iaqi(pollutant: str, averaging: str, concentration: npt.ArrayLike, day: str) -> Ints:
    """Return the individual index of each concentration, -1 where it is missing.

    `averaging` is `1h`, `8h` or `24h`; KeyError when the standard has no such table.
    """
    edition = edition_of(day)
    scale = 10 if pollutant == "co" else 1
    limits = np.array(edition.tables[f"{pollutant}_{averaging}"]) * scale
    index = np.array(edition.iaqi)
    value = np.asarray(concentration, np.float64)
    missing = ~(value >= 0)
    # means of decimals carry binary dust: 2.45 must be a tie, so clear it before rounding
    units = np.rint(np.round(np.where(missing, 0, value) * scale, 6)).astype(np.int64)
    units = np.minimum(units, limits[-1])
    upper = np.clip(np.searchsorted(limits, units), 1, len(limits) - 1)
    low, high = limits[upper - 1], limits[upper]
    rise = (index[upper] - index[upper - 1]) * (units - low)
    found: Ints = index[upper - 1] - (-rise // (high - low))
    return np.where(missing, _NONE, found)


def aqi_hour(
    so2: npt.ArrayLike,
    no2: npt.ArrayLike,
    co: npt.ArrayLike,
    o3: npt.ArrayLike,
    pm10: npt.ArrayLike,
    pm25: npt.ArrayLike,
    time: npt.ArrayLike,
) -> Aqi:
    """Return the real-time index of hourly values; `time` (ms) ends the hour measured."""
    return _aqi((so2, no2, co, o3, pm10, pm25), _HOURLY, time)


def aqi_of_day(
    so2: npt.ArrayLike,
    no2: npt.ArrayLike,
    co: npt.ArrayLike,
    o3_8h: npt.ArrayLike,
    pm10: npt.ArrayLike,
    pm25: npt.ArrayLike,
    time: npt.ArrayLike,
) -> Aqi:
    """Return the daily index of 24-hour means and the maximum 8-hour ozone mean."""
    return _aqi((so2, no2, co, o3_8h, pm10, pm25), _DAILY, time)


def aqi_day(hours: Floats, time: npt.ArrayLike) -> Aqi:
    """Return the daily index of hourly values, shape (days, 24, 6), hours 1 to 24 of the day.

    A mean needs 20 of 24 hours; an 8-hour mean, ending at hour 8 to 24 of the same day, 6 of 8.
    """
    good = hours >= 0
    value = np.where(good, hours, 0.0)
    count = good.sum(1)
    mean = np.where(count >= _ENOUGH_OF_DAY, value.sum(1) / np.maximum(count, 1), np.nan)
    ozone, there = value[:, :, 3], good[:, :, 3]
    windows = np.lib.stride_tricks.sliding_window_view
    total, number = windows(ozone, 8, 1).sum(2), windows(there, 8, 1).sum(2)
    eight = np.where(number >= _ENOUGH_OF_EIGHT, total / np.maximum(number, 1), -1.0).max(1)
    columns = [mean[:, n] for n in range(len(POLLUTANTS))]
    columns[3] = eight
    return _aqi(tuple(columns), _DAILY, time)


def _aqi(
    columns: tuple[npt.ArrayLike, ...], averaging: tuple[str, ...], time: npt.ArrayLike
) -> Aqi:
    values = [np.atleast_1d(np.asarray(column, np.float64)) for column in columns]
    moment = np.broadcast_to(np.asarray(time, np.int64), values[0].shape)
    parts = np.full((len(POLLUTANTS), len(values[0])), _NONE, np.int64)
    for edition in editions():
        rows = _in_force(edition, moment)
        for number, pollutant in enumerate(POLLUTANTS if rows.any() else ()):
            concentration = values[number][rows]
            parts[number, rows] = iaqi(
                pollutant, averaging[number], concentration, edition.valid_from
            )
    top = parts.max(0)
    complete = (parts != _NONE).all(0)
    bits = (1 << np.arange(len(POLLUTANTS)))[:, None]
    primary = np.where((parts == top) & (top > 50), bits, 0).sum(0)
    published = complete | (top > 100)
    return Aqi(np.where(published, top, np.nan), np.where(published, primary, 0), complete)


def _in_force(edition: Edition, moment: Ints) -> Bools:
    """Return where an edition holds; a value stamped 00:00 ends the day before."""
    first, last = editions()[0], editions()[-1]
    inside = np.ones(moment.shape, np.bool_)
    if edition is not first:
        inside &= moment > _midnight(edition.valid_from)
    if edition is not last:
        following = editions()[editions().index(edition) + 1]
        inside &= moment <= _midnight(following.valid_from)
    return inside


@cache
def _midnight(day: str) -> int:
    zoned = moment_of(0).fromisoformat(day).replace(tzinfo=DISTRICT_ZONE)
    return millis_of(zoned)

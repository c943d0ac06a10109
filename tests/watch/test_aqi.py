"""The air quality index: the standard's check points, and a week of Wuhan as published."""

import csv
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from math import ceil
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared_data import shared
from zhiyin.kernel import parse_time
from zhiyin.watch.aqi import POLLUTANTS, aqi_day, aqi_hour, edition_of, iaqi

AFTER, BEFORE = "2026-03-01", "2026-02-28"
NAN = float("nan")


@pytest.mark.parametrize(
    ("pollutant", "averaging", "value", "index"),
    [
        ("pm25", "24h", 45, 70), ("pm25", "24h", 60, 100), ("pm25", "24h", 61, 101),
        ("pm10", "24h", 85, 75), ("pm10", "24h", 120, 100), ("o3", "8h", 178, 117),
        ("no2", "24h", 62, 78), ("so2", "1h", 801, 200), ("so2", "1h", 5000, 200),
        ("o3", "8h", 801, 300), ("pm25", "24h", 900, 500), ("co", "1h", 0, 0),
        ("pm25", "24h", 35.5, 52), ("pm25", "24h", 34.5, 49), ("co", "24h", 2.05, 50),
        ("co", "24h", 2.15, 55), ("pm10", "24h", -1, -1), ("pm10", "24h", NAN, -1),
    ],
)  # fmt: skip
def test_check_points_of_2026(pollutant: Any, averaging: Any, value: Any, index: Any) -> None:
    assert iaqi(pollutant, averaging, value, AFTER) == index


def test_the_edition_changes_with_march_2026() -> None:
    assert edition_of(BEFORE).standard == "HJ 633-2012"
    assert edition_of(AFTER).standard == "HJ 633-2026"
    assert iaqi("pm25", "24h", 75, BEFORE) == 100
    assert iaqi("pm25", "24h", 75, AFTER) == 114
    times = [parse_time("2026-03-01 00:00"), parse_time("2026-03-01 01:00")]
    clean = [1.0, 1.0]
    found = aqi_hour(clean, clean, clean, clean, clean, [75.0, 75.0], times)
    assert found.value.tolist() == [100, 114]


@given(
    st.sampled_from(["so2_24h", "no2_1h", "co_1h", "o3_8h", "pm10_24h", "pm25_24h"]),
    st.decimals(0, 4000, places=2),
)
def test_arrays_agree_with_exact_fractions(table: Any, value: Any) -> None:
    edition, pollutant = edition_of(AFTER), table.partition("_")[0]
    limits = edition.tables[table]
    step = Decimal("0.1") if pollutant == "co" else Decimal(1)
    rounded = min(value.quantize(step, ROUND_HALF_EVEN), Decimal(limits[-1]))
    upper = next(n for n in range(1, len(limits)) if rounded <= limits[n])
    low, high = edition.iaqi[upper - 1], edition.iaqi[upper]
    rise = Fraction(high - low, limits[upper] - limits[upper - 1])
    exact = ceil(rise * (Fraction(rounded) - limits[upper - 1])) + low
    assert iaqi(pollutant, table.partition("_")[2], float(value), AFTER) == exact


def test_with_a_pollutant_missing_only_pollution_is_published() -> None:
    clean = aqi_hour([5.0], [10.0], [0.5], [NAN], [40.0], [20.0], [0])
    dirty = aqi_hour([5.0], [10.0], [0.5], [NAN], [40.0], [200.0], [0])
    assert np.isnan(clean.value[0])
    assert (dirty.value[0], dirty.complete[0], dirty.level[0]) == (250, False, 5)


def test_ties_are_all_primary() -> None:
    found = aqi_hour([0.0], [0.0], [0.0], [0.0], [250.0], [115.0], [0])
    assert (found.value[0], found.primary[0]) == (150, 16 + 32)


def test_a_day_needs_twenty_hours_and_six_of_eight() -> None:
    hours = np.full((4, 24, 6), 10.0)
    hours[:, :, 2] = 1.0
    hours[1, :4, 5] = NAN  # 20 hours of PM2.5
    hours[2, :5, 5] = NAN  # 19
    hours[3, :, 3] = NAN
    hours[3, 10:16, 3] = 320.0  # six hours of ozone, one window
    found = aqi_day(hours, np.zeros(4, np.int64))
    assert np.isnan(found.value[2])
    assert found.complete.tolist() == [True, True, False, True]
    assert found.value[3] == iaqi("o3", "8h", 320, BEFORE)
    assert found.primary[3] == 8


NAMES = {"PM2.5": "pm25", "PM10": "pm10", "CO": "co", "NO2": "no2", "O3_1h": "o3", "SO2": "so2"}
PUBLISHED = {
    "so2": "二氧化硫", "no2": "二氧化氮", "co": "一氧化碳", "o3": "臭氧1小时",
    "pm10": "颗粒物(PM10)", "pm25": "细颗粒物(PM2.5)",
}  # fmt: skip


def number(text: str) -> float:
    return float(text) if text.replace(".", "", 1).isdigit() else NAN


class Week(NamedTuple):
    columns: dict[str, npt.NDArray[np.float64]]
    time: list[int]
    aqi: npt.NDArray[np.float64]
    primary: list[str]


@pytest.fixture(scope="module")
def week() -> Week:
    path = shared("wuhan-air-hourly-stations-2020/wuhan.csv")
    with path.open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    columns = {NAMES[name]: np.array([number(row[name]) for row in rows]) for name in NAMES}
    day = [f"{row['Date'][:4]}-{row['Date'][4:6]}-{row['Date'][6:]}" for row in rows]
    time = [parse_time(f"{d} {row['Hour']}:00") for d, row in zip(day, rows, strict=True)]
    aqi = np.array([number(row["AQI"]) for row in rows])
    return Week(columns, time, aqi, [row["PrimaryPollution"] for row in rows])


def test_a_week_of_wuhan_equals_the_published(week: Week) -> None:
    found = aqi_hour(**week.columns, time=week.time)
    complete = found.complete & ~np.isnan(week.aqi)
    assert complete.sum() == 928  # all six and the index; 46 more have an index and a gap
    assert (found.value[complete] == week.aqi[complete]).all()
    bits = [
        sum(1 << n for n, name in enumerate(POLLUTANTS) if PUBLISHED[name] in text)
        for text in week.primary
    ]
    assert found.primary[complete].tolist() == np.array(bits)[complete].tolist()


def test_rows_of_wuhan_with_a_gap_equal_the_published_above_100(week: Week) -> None:
    found = aqi_hour(**week.columns, time=week.time)
    partial = ~found.complete & ~np.isnan(week.aqi)
    assert partial.sum() == 46
    polluted = partial & (week.aqi > 100)
    assert (found.value[polluted] == week.aqi[polluted]).all()
    assert np.isnan(found.value[partial & (week.aqi <= 100)]).all()

"""AQI as a series: made when the hour arrives, corrected when more does, whatever the order."""

import dataclasses
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.kernel import DAY, HOUR, Quality, parse_time
from zhiyin.lake import Columns
from zhiyin.watch.aqi import POLLUTANTS
from zhiyin.watch.derive import DAYS_KEPT, Deriver
from zhiyin.watch.model import Derive
from zhiyin.watch.series import SeriesTable

MIDNIGHT = parse_time("2026-06-01 00:00")
HOURLY = Derive(key="aqi_hour", pack="t", source="air", gives="aqi", primary="aqi_primary")
DAILY = Derive(key="aqi_day", pack="t", source="air", gives="aqi_day", every="1d")
CLEAN = [10.0, 20.0, 0.5, 60.0, 40.0, 30.0]
AQI, PRIMARY, OF_DAY = 6, 7, 8
NAMES = [*POLLUTANTS, "aqi", "aqi_primary", "aqi_day"]


def deriver(names: list[str] = NAMES) -> Deriver:
    table = SeriesTable()
    for number, name in enumerate(names):
        table.add_many([number, number + 10], "air", name, ["a", "b"])
    return Deriver([HOURLY, DAILY], table)


def hour(number: int, values: list[float], start: int = 0) -> list[tuple[int, int, float]]:
    return [(start + n, MIDNIGHT + number * HOUR, value) for n, value in enumerate(values)]


def told(rows: Columns) -> list[tuple[int, int, float, int]]:
    when = ((rows.time - MIDNIGHT) / HOUR).tolist()
    return list(
        zip(rows.series.tolist(), when, rows.value.tolist(), rows.quality.tolist(), strict=True)
    )


def step(deriver: Deriver, rows: list[tuple[int, int, float]], quality: int = 0) -> list[Any]:
    columns = Columns.of(*zip(*rows, strict=True))
    return told(
        deriver.step(dataclasses.replace(columns, quality=np.full(len(rows), quality, np.uint8)))
    )


def test_an_hour_is_given_once_it_is_whole() -> None:
    one = deriver()
    assert step(one, hour(8, CLEAN[:5])) == []
    assert step(one, hour(8, CLEAN)[5:]) == [(AQI, 8, 43, 0), (PRIMARY, 8, 0, 0)]
    assert step(one, hour(8, CLEAN)) == []


def test_pollution_is_given_before_the_hour_is_whole_and_corrected() -> None:
    one = deriver()
    first = step(one, hour(8, [*CLEAN[:4], 200.0]))
    assert first == [(AQI, 8, 131, Quality.ESTIMATED), (PRIMARY, 8, 16, Quality.ESTIMATED)]
    assert step(one, hour(8, [*CLEAN[:4], 200.0, 150.0])) == [(AQI, 8, 200, 0), (PRIMARY, 8, 32, 0)]


def test_history_and_late_rows_are_derived_from_too() -> None:
    assert step(deriver(), hour(8, CLEAN), Quality.HISTORY)[0] == (AQI, 8, 43, 0)
    assert step(deriver(), hour(8, CLEAN), Quality.LATE)[0] == (AQI, 8, 43, 0)


def test_values_between_hours_and_of_others_are_left_alone() -> None:
    rows = [(n, MIDNIGHT + 60_000, value) for n, value in enumerate(CLEAN)]
    assert step(deriver(), [*rows, (77, MIDNIGHT, 1.0), (-1, MIDNIGHT, 1.0)]) == []


def test_a_day_is_given_when_it_is_over() -> None:
    one = deriver()
    rows = [row for number in range(1, 24) for row in hour(number, CLEAN)]
    assert all(series != OF_DAY for series, *_ in step(one, rows))
    assert (OF_DAY, 24, 43, 0) in step(one, hour(24, CLEAN))


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 400))
def test_history_in_any_order_ends_in_the_same_values(random: Any, size: Any) -> None:
    source = np.random.default_rng(7)
    rows = [
        row
        for start in (0, 10)
        for number in range(1, 50)
        for row in hour(number, (source.random(6) * [20, 50, 2, 200, 300, 200]).tolist(), start)
    ]
    expected = last(told(deriver().step(Columns.of(*zip(*rows, strict=True)))))
    random.shuffle(rows)
    one = deriver()
    found = [row for at in range(0, len(rows), size) for row in step(one, rows[at : at + size])]
    assert last(found) == expected


def last(rows: list[Any]) -> dict[Any, Any]:
    """The last word on each series and time."""
    return {row[:2]: row[2:] for row in rows}


def test_a_restored_deriver_goes_on_alike() -> None:
    whole, resumed = deriver(), deriver()
    step(whole, [row for number in range(1, 24) for row in hour(number, CLEAN)])
    step(whole, hour(24, [*CLEAN[:4], 200.0]))
    resumed.restore(whole.state())
    rest = hour(24, [*CLEAN[:4], 200.0, 200.0])[5:]
    assert step(resumed, rest) == step(whole, rest) != []


def test_what_the_table_lacks_is_wanted() -> None:
    one = deriver([*POLLUTANTS, "aqi"])
    assert one.wanted() == [
        ("a", "air", "aqi_primary"), ("a", "air", "aqi_day"),
        ("b", "air", "aqi_primary"), ("b", "air", "aqi_day"),
    ]  # fmt: skip
    assert step(one, hour(8, CLEAN)) == [(AQI, 8, 43, 0)]


def test_only_the_last_days_are_kept() -> None:
    one = deriver()
    for day in range(3 * DAYS_KEPT):
        step(one, hour(day * DAY // HOUR + 8, CLEAN))
    assert len(one.stations[0].slots) == DAYS_KEPT

"""Vital signs: one number from many things, with age, source and line."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import AsyncTestClient

from zhiyin.kernel import DAY, MINUTE, ManualClock, Words, iso, parse_time
from zhiyin.vitals import (
    Columns,
    Direction,
    Freshness,
    How,
    Indicator,
    Line,
    Vitals,
    compute,
    freshness,
    indicators,
)
from zhiyin.vitals.http import router

NOW = parse_time("2026-11-23 14:00")


class Here:
    """Latest values and limits that a test holds in its hand."""

    def __init__(self, **things: tuple[float, int]) -> None:
        self.things = things  # value and age in minutes
        self.limits: dict[str, float] = {}

    def of(self, type: str, property: str) -> Columns:  # noqa: A002
        ages = [age for _, age in self.things.values()]
        times = np.array([NOW - age * MINUTE if age >= 0 else 0 for age in ages], dtype=np.int64)
        values = np.array([value for value, _ in self.things.values()], dtype=np.float64)
        return Columns(list(self.things), times, values, np.full(len(ages), MINUTE))

    def since(self, type: str, property: str, since: int) -> Columns:  # noqa: A002
        every = np.full(3, MINUTE)
        times = np.array([since, since + MINUTE, NOW])
        return Columns(["a", "b", "a"], times, np.array([5.0, 7.0, 1.0]), every)

    def field(self, type: str, field: str) -> dict[str, float]:  # noqa: A002
        return self.limits


def indicator(how: How, direction: Direction = Direction.LOW_IS_GOOD, **over: object) -> Indicator:
    base = {
        "key": how.value, "pack": "flood", "title": Words("深", "depth"), "unit": "m",
        "of": "ponding_point.depth", "how": how, "direction": direction,
    }  # fmt: skip
    return Indicator(**{**base, **over})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("how", "direction", "value", "source"),
    [
        (How.MAX, Direction.LOW_IS_GOOD, 3.0, "b"),
        (How.MIN, Direction.LOW_IS_GOOD, 0.0, "c"),
        (How.WORST, Direction.LOW_IS_GOOD, 3.0, "b"),
        (How.WORST, Direction.HIGH_IS_GOOD, 0.0, "c"),
        (How.MEAN, Direction.LOW_IS_GOOD, 4 / 3, "ponding_point.depth"),
        (How.SUM, Direction.LOW_IS_GOOD, 4.0, "ponding_point.depth"),
        (How.COUNT, Direction.LOW_IS_GOOD, 2.0, "ponding_point.depth"),
    ],
)
def test_many_become_one(how: How, direction: Direction, value: float, source: str) -> None:
    here = Here(a=(1.0, 0), b=(3.0, 1), c=(0.0, 2))
    (vital,) = compute([indicator(how, direction)], here, here, NOW)
    assert vital.value == pytest.approx(value)
    assert vital.source == source
    assert (vital.counted, vital.known) == (3, 3)


def test_the_worst_of_a_band_is_the_farthest_from_it() -> None:
    here = Here(a=(7.0, 0), b=(5.9, 0), c=(8.0, 0))
    kind = indicator(How.WORST, Direction.MIDDLE_IS_GOOD, band=(6.5, 8.5))
    (vital,) = compute([kind], here, here, NOW)
    assert (vital.source, vital.in_band) == ("b", False)


def test_a_margin_is_the_value_less_the_elements_own_limit() -> None:
    here = Here(lake_1=(19.5, 0), lake_2=(20.0, 0), no_limit=(99.0, 0))
    here.limits = {"lake_1": 19.0, "lake_2": 20.5}
    (vital,) = compute([indicator(How.MAX, minus="limit", unit="cm", scale=100.0)], here, here, NOW)
    assert (vital.value, vital.source, vital.counted) == (50.0, "lake_1", 2)


def test_a_lost_gauge_is_not_the_maximum_but_all_lost_still_show_their_last() -> None:
    here = Here(stuck=(9.0, 60), alive=(1.0, 0))
    (vital,) = compute([indicator(How.MAX)], here, here, NOW)
    assert (vital.value, vital.counted, vital.known) == (1.0, 1, 2)
    here = Here(stuck=(9.0, 60))
    (vital,) = compute([indicator(How.MAX)], here, here, NOW)
    assert (vital.value, vital.state) == (9.0, Freshness.LOST)


def test_share_online_counts_those_never_heard() -> None:
    here = Here(a=(1.0, 0), b=(1.0, 3), c=(float("nan"), -1), d=(0.0, 4))
    (vital,) = compute([indicator(How.ONLINE, unit="%")], here, here, NOW)
    assert vital.value == 50.0


def test_a_window_takes_all_values_of_its_time_and_names_the_highest() -> None:
    here = Here(a=(1.0, 0), b=(0.0, 0))
    (vital,) = compute([indicator(How.MAX, over_ms=60 * MINUTE)], here, here, NOW)
    assert (vital.value, vital.source, vital.counted, vital.known) == (7.0, "b", 3, 2)
    assert vital.time == NOW - 59 * MINUTE


class Entry(NamedTuple):
    """An entry of indicators.yaml."""

    indicator: str
    of: str
    how: str = "max"
    unit: str = "cm"
    title: Words = Words("深", "depth")
    band: tuple[float | None, float | None] | None = (None, 10)
    direction: str = "middle_is_good"
    over_ms: int | None = None
    minus: str | None = None
    vital: int | None = 1


def test_what_a_pack_declares_becomes_indicators_in_its_own_unit() -> None:
    declared = [Entry("depth", "ponding_point.depth"), Entry("alive", "*", "online", "%")]
    depth, alive = indicators("flood", declared, {"ponding_point.depth": "m"})
    here = Here(a=(0.12, 0))
    vitals = compute([depth, alive], here, here, NOW)
    assert [vital.value for vital in vitals] == [12.0, 100.0]
    assert [vital.in_band for vital in vitals] == [False, False]
    assert alive.of == "*"


def test_nothing_measured_is_none_and_not_zero() -> None:
    here = Here()
    vitals = compute([indicator(how) for how in How], here, here, NOW)
    assert {vital.value for vital in vitals} == {None}
    assert {vital.state for vital in vitals} == {Freshness.NONE}


@pytest.mark.parametrize(
    ("age", "state"),
    [(0, "fresh"), (2 * MINUTE, "fresh"), (2 * MINUTE + 1, "ageing"), (5 * MINUTE, "ageing"),
     (5 * MINUTE + 1, "lost"), (None, "none")],
)  # fmt: skip
def test_age_against_the_usual_rhythm(age: int | None, state: str) -> None:
    assert freshness(age, MINUTE) == state


@given(st.lists(st.tuples(st.integers(0, 3 * DAY), st.floats(-9, 9)), max_size=60))
def test_a_line_keeps_24_hours_in_order(points: list[tuple[int, float]]) -> None:
    line = Line()
    for time, value in sorted(points):
        line.put(NOW + time, value)
    drawn = line.until(NOW + 3 * DAY)
    times = [time for time, _ in drawn]
    assert times == sorted(set(times))
    assert all(time > NOW + 2 * DAY - 10 * MINUTE for time in times)


async def test_the_route_tells_age_unit_source_and_line() -> None:
    here, clock = Here(a=(0.2, 0)), ManualClock(NOW)
    kinds = [indicator(How.MEAN), indicator(How.MAX, vital=1, band=(0, 0.1))]
    vitals = Vitals(kinds, here, here, clock)
    vitals.put("max", NOW - 30 * MINUTE, 0.1)
    async with AsyncTestClient(Litestar([router(vitals)], openapi_config=None)) as client:
        first, second = (await client.get("/vitals")).json()
    assert (first["key"], second["key"]) == ("max", "mean")
    assert first["series"] == [[iso(NOW - 30 * MINUTE), 0.1], [iso(NOW), 0.2]]
    told = ("value", "unit", "source", "age_s", "state", "in_band", "direction")
    assert [first[key] for key in told] == [0.2, "m", "a", 0, "fresh", False, "low_is_good"]

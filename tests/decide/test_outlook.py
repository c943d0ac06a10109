"""Advice on what comes: sure where the course is clear, silent where it is not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar, Request, Response
from litestar.testing import AsyncTestClient
from numpy.typing import NDArray

from zhiyin.decide import Course, Floor, nearest, router, time_to_level, trend
from zhiyin.decide.model import Near
from zhiyin.kernel import MINUTE, Fault, Place, WarningLevel, iso, parse_time

NOW = parse_time("2026-11-23 14:00")
TIMES = NOW + np.arange(-29, 1) * MINUTE
RISING: NDArray[np.float64] = np.linspace(
    0.10, 0.129, 30
)  # a centimetre in ten minutes, 0.129 m now


def test_a_steady_rise_reaches_the_floor_when_it_should() -> None:
    reach = time_to_level(TIMES, RISING, 0.25)
    assert reach is not None
    assert reach.minutes == pytest.approx(121)
    assert 0.7 < reach.confidence < 1


def test_wild_values_do_not_move_it() -> None:
    wild = RISING.copy()
    wild[[3, 11, 20, 27]] = [5.0, -3.0, 9.0, 4.0]
    reach = time_to_level(TIMES, wild, 0.25)
    assert reach is not None
    assert reach.minutes == pytest.approx(121, rel=0.05)


@pytest.mark.parametrize(
    "values",
    [
        RISING[::-1],  # falling
        np.full(30, 0.1),  # still
        0.1 + np.array([0.01, -0.01] * 15),  # to and fro
        0.1 + np.arange(30) * 1e-6,  # beyond the horizon
        np.where(np.arange(30) < 4, RISING, np.nan),  # too few
    ],
)
def test_no_clear_course_gives_no_time(values: NDArray[np.float64]) -> None:
    assert time_to_level(TIMES, values, 0.25) is None


def test_reached_is_now_and_falling_is_its_mirror() -> None:
    reached = time_to_level(TIMES, RISING, 0.12)
    assert reached is not None
    assert reached.minutes == 0
    falling = time_to_level(TIMES, RISING[::-1], 0.05, rising=False)
    assert falling is not None
    assert falling.minutes == pytest.approx(50)


@given(st.floats(-1e-3, 1e-3), st.floats(-10, 10), st.permutations(range(30)), st.floats(-100, 100))
def test_the_line_is_found_in_any_order_and_moves_with_the_values(
    slope: float, start: float, order: list[int], shift: float
) -> None:
    values = start + slope * np.arange(30, dtype=np.float64)
    line, moved = trend(TIMES[order], values[order]), trend(TIMES, values + shift)
    assert line is not None
    assert moved is not None
    assert line.slope * MINUTE == pytest.approx(slope, abs=1e-9)
    assert moved.level == pytest.approx(line.level + shift, abs=1e-6)


class City:
    """One gauge, its rule and two pumps."""

    async def last(self, thing: str, property: str, n: int) -> Course | None:  # noqa: A002
        return Course(TIMES, RISING, "m") if thing == "pp-1" else None

    def of(self, thing: str, property: str) -> list[Floor]:  # noqa: A002
        levels = {WarningLevel.BLUE: 0.1, WarningLevel.YELLOW: 0.15, WarningLevel.ORANGE: 0.25}
        return [Floor("ponding_depth", level, value) for level, value in levels.items()]

    def of_type(self, type: str) -> list[Near]:  # noqa: A002
        places = {"far": Place(114.30, 30.5), "near": Place(114.21, 30.5)}
        return [Near(id, "pump", id, place, 0) for id, place in places.items()]  # noqa: A001


def problem(_request: Request[object, object, object], fault: Fault) -> Response[object]:  # type: ignore[type-var]
    return Response(fault.problem(), status_code=fault.status)


async def test_the_outlook_says_method_inputs_and_limits() -> None:
    city = City()
    app = Litestar(
        [router(city, city, city)], exception_handlers={Fault: problem}, openapi_config=None
    )
    async with AsyncTestClient(app) as client:
        told = (await client.get("/decide/outlook?thing=pp-1&property=depth")).json()
        none = await client.get("/decide/outlook?thing=pp-2&property=depth")
        near = (await client.get("/decide/nearest?lon=114.2&lat=30.5&type=pump&k=1")).json()
    assert told["next"]["level"] == "yellow"
    assert told["next"]["at"] == iso(NOW + 21 * MINUTE)
    assert [level["level"] for level in told["levels"]] == ["yellow", "orange"]
    assert told["inputs"] == {"values": 30, "from": iso(NOW - 29 * MINUTE), "to": iso(NOW)}
    assert "泰尔-森" in told["method"]
    assert "pumps" in told["limits_en"]
    assert (none.status_code, none.json()["code"]) == (404, "decide-001")
    assert near[0]["id"] == "near"
    assert near[0]["metres"] == pytest.approx(958, abs=5)


def test_nearest_takes_only_the_type_asked_for() -> None:
    assert nearest(City().of_type("pump"), Place(114.2, 30.5), "hospital") == []

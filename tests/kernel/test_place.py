"""Coordinates: the check points of the standards, real pairs of Wuhan, and round trips."""

import csv
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared_data import shared
from zhiyin.kernel import Place, bd09_of, from_bd09, from_gcj02, gcj02_of

CHINA = st.builds(Place, st.floats(73.5, 134.5), st.floats(18.5, 53.5))

CHECK_POINTS = [
    ((114.218, 30.553), (114.2234576, 30.5505407), (114.2298881, 30.5567600)),
    ((114.270, 30.556), (114.2754109, 30.5535312), (114.2819240, 30.5594320)),
    ((116.391349, 39.907375), (116.3975902, 39.9087763), (116.4039630, 39.9151198)),
    ((116.377817, 39.911954), (116.3840472, 39.9133455), (116.3904547, 39.9195756)),
    ((121.5272106, 31.1774276), (121.5315419, 31.1753040), (121.5380157, 31.1813286)),
    ((113.912316, 22.543847), (113.9171765, 22.5407961), (113.9236847, 22.5466674)),
]


@pytest.mark.parametrize(("wgs", "gcj", "bd"), CHECK_POINTS)
def test_check_points(
    wgs: tuple[float, float], gcj: tuple[float, float], bd: tuple[float, float]
) -> None:
    assert gcj02_of(Place(*wgs)) == pytest.approx(gcj, abs=1e-7)
    assert bd09_of(Place(*wgs)) == pytest.approx(bd, abs=1e-7)
    assert from_gcj02(*gcj) == pytest.approx(wgs, abs=1e-7)
    assert from_bd09(*bd) == pytest.approx(wgs, abs=2e-6)


@given(CHINA)
def test_gcj02_comes_back_to_a_billionth_of_a_degree(place: Place) -> None:
    assert from_gcj02(*gcj02_of(place)) == pytest.approx(place, abs=1e-9)


@given(CHINA)
def test_bd09_comes_back_to_a_metre(place: Place) -> None:
    assert from_bd09(*bd09_of(place)).metres_to(place) < 1


@pytest.mark.parametrize("place", [(0.0, 0.0), (-73.9, 40.7), (151.2, -33.9), (114.0, 60.0)])
def test_outside_china_nothing_is_shifted(place: tuple[float, float]) -> None:
    assert gcj02_of(Place(*place)) == place
    assert from_gcj02(*place) == place


def test_metro_stations_of_wuhan_convert_within_two_metres() -> None:
    path = shared("wuhan-metro") / "wgs84_gcj02_station_pairs.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        pairs = list(csv.DictReader(file))
    off = [
        Place(float(row["lon_wgs84"]), float(row["lat_wgs84"])).metres_to(
            from_gcj02(float(row["lon_gcj02"]), float(row["lat_gcj02"]))
        )
        for row in pairs
    ]
    assert len(pairs) == 149
    assert median(off) < 2


@given(CHINA, CHINA)
def test_distance_is_the_same_both_ways(one: Place, other: Place) -> None:
    assert one.metres_to(other) == pytest.approx(other.metres_to(one), rel=1e-9, abs=1e-6)
    assert one.metres_to(one) == 0


@given(CHINA, CHINA, CHINA)
def test_no_detour_is_shorter(a: Place, b: Place, c: Place) -> None:
    assert a.metres_to(c) <= a.metres_to(b) + b.metres_to(c) + 1e-3


def test_a_degree_of_latitude_is_known() -> None:
    assert Place(114, 30).metres_to(Place(114, 31)) == pytest.approx(111_195, abs=1)

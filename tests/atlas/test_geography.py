"""The gazetteer names places; the arithmetic of places holds."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.atlas.geography import box_around, gazetteer, metres_between, middle_and_box
from zhiyin.atlas.model import BoxUnreadable, PlaceOutOfRange, box_of, place_of
from zhiyin.kernel import Place

LON = st.floats(114.0, 114.4)
LAT = st.floats(30.4, 30.7)


def test_a_known_place_gets_its_areas() -> None:
    found = gazetteer().at(Place(114.2607, 30.5518))  # Zhongjiacun metro station
    assert found.district
    assert found.street
    assert found.community
    assert (found.district.code, found.street.name) == ("420105", "建桥街道")
    assert found.community.short_name == "钟家村社区"
    assert found.community_m == pytest.approx(0, abs=50)
    assert found.smallest == "420105002"


@pytest.mark.parametrize(
    "place", [(114.3160, 30.5447), (114.2600, 30.5900), (114.15, 30.45), (0.0, 0.0)]
)
def test_places_over_the_rivers_lie_outside(place: tuple[float, float]) -> None:
    assert gazetteer().at(Place(*place)).smallest == ""


@given(LON, LAT)
def test_one_point_and_many_agree(lon: float, lat: float) -> None:
    many = gazetteer().streets_at(np.array([lon, 114.2607]), np.array([lat, 30.5518]))
    assert [gazetteer().at(Place(lon, lat)).smallest, "420105002"] == list(many)


def test_a_point_on_the_edge_of_two_streets_has_one_of_them() -> None:
    edge = gazetteer().geometry_of("420105002")["coordinates"][0][0]
    assert str(gazetteer().streets_at(np.array([edge[0]]), np.array([edge[1]]))[0]) != "?"


def test_no_points_are_no_streets() -> None:
    assert len(gazetteer().streets_at(np.array([]), np.array([]))) == 0


def test_a_point_costs_less_than_20_microseconds_among_many() -> None:
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(114.11, 114.3, 50_000), rng.uniform(30.45, 30.61, 50_000)
    gazetteer().streets_at(lon[:10], lat[:10])
    since = time.process_time()
    gazetteer().streets_at(lon, lat)
    assert (time.process_time() - since) / 50_000 < 20e-6


def test_areas_are_found_by_either_name_and_by_code() -> None:
    places = gazetteer()
    assert [area.code for area in places.find("street", "sixin")] == ["420105012"]
    assert [area.code for area in places.find("community", "钟家村")] == ["420105002001"]
    assert len(places.find(None, "420105002")) == 13


def test_every_area_has_a_geometry() -> None:
    kinds = {gazetteer().geometry_of(code)["type"] for code in gazetteer().areas}
    assert kinds == {"Polygon", "Point"}


@given(LON, LAT, LON, LAT)
def test_distance_is_that_of_the_kernel(a: float, b: float, c: float, d: float) -> None:
    one, other = Place(a, b), Place(c, d)
    away = metres_between(one, np.array([c]), np.array([d]))[0]
    assert away == pytest.approx(one.metres_to(other), abs=1e-3)


@given(LON, LAT, st.floats(1, 20_000), st.floats(0, 2 * np.pi))
def test_the_box_holds_all_within(lon: float, lat: float, metres: float, way: float) -> None:
    west, south, east, north = box_around(Place(lon, lat), metres)
    corner = metres_between(Place(lon, lat), np.array([east, lon]), np.array([lat, north]))
    assert west < lon < east
    assert south < lat < north
    assert np.all(corner > metres * 0.999)


def test_the_middle_of_a_bent_thing_lies_on_it() -> None:
    bend = {"type": "LineString", "coordinates": [[0, 0], [0, 2], [2, 2]]}
    place, box = middle_and_box(bend)
    assert place.lon == 0 or place.lat == 2
    assert box == (0, 0, 2, 2)


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"type": "Point"},
        {"type": "Point", "coordinates": []},
        {"type": "Point", "coordinates": [1]},
        {"type": "Point", "coordinates": ["a", "b"]},
        {"type": "Point", "coordinates": [114, 930]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]},
        {"type": "Circle", "coordinates": [0, 0]},
        {"type": "Point", "coordinates": [float("nan"), 30]},
    ],
)
def test_a_broken_geometry_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        middle_and_box(broken)


@given(LON, LAT, LON, LAT)
def test_a_box_is_read_as_written(a: float, b: float, c: float, d: float) -> None:
    box = min(a, c), min(b, d), max(a, c), max(b, d)
    assert box_of(",".join(map(repr, box))) == box


@pytest.mark.parametrize("text", ["", "1,2,3", "a,b,c,d", "3,0,1,1", "0,0,0,91", "nan,0,1,1"])
def test_a_box_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BoxUnreadable):
        box_of(text)


@pytest.mark.parametrize("pair", [(181.0, 0.0), (0.0, -91.0), (float("nan"), 0.0)])
def test_a_place_off_the_earth_is_refused(pair: tuple[float, float]) -> None:
    with pytest.raises(PlaceOutOfRange):
        place_of(*pair)

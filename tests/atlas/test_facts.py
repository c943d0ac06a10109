"""The facts shipped with the project agree with one another and with the official lists."""

import csv
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import shapely
from shapely.geometry import Point, shape
from shapely.geometry.base import BaseGeometry

from tests.shared_data import shared
from zhiyin.atlas.geography import LAYERS, Gazetteer, fact, gazetteer, layer
from zhiyin.atlas.model import LayerUnknown
from zhiyin.kernel import Place, from_gcj02


def _features(name: str) -> list[dict[str, Any]]:
    features: list[dict[str, Any]] = msgspec.json.decode(layer(name))["features"]
    return features


def _shapes(name: str, kind: str | None = None) -> dict[str, BaseGeometry]:
    return {
        feature["properties"]["name"]: shape(feature["geometry"])
        for feature in _features(name)
        if kind in {None, feature["properties"].get("kind")}
    }


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


DISTRICT = _shapes("district")["汉阳区"]
STREETS = _shapes("streets")
AREAS = list(gazetteer().areas.values())


def _of(kind: str) -> list[str]:
    return [area.code for area in AREAS if area.kind == kind]


def test_there_are_one_district_eleven_streets_and_118_communities() -> None:
    assert (_of("district"), len(_of("street")), len(_of("community"))) == (["420105"], 11, 118)


def test_codes_grow_from_their_parents() -> None:
    codes = {area.code for area in AREAS}
    assert len(codes) == len(AREAS)
    assert all(area.parent in codes for area in AREAS if area.kind != "district")
    assert all(area.code.startswith(area.parent or "") for area in AREAS)
    assert {len(area.code) for area in AREAS if area.kind == "community"} == {12}


def test_names_and_codes_are_the_official_ones() -> None:
    folder = shared("hanyang-divisions")
    rows = _rows(folder / "hanyang_streets.csv") + _rows(folder / "hanyang_communities.csv")
    assert {(row["code"], row["name"]) for row in rows} == {
        (area.code, area.name) for area in AREAS if area.kind != "district"
    }


def test_district_and_streets_have_english_names() -> None:
    assert all(area.name_en for area in AREAS if area.kind != "community")


def test_the_outline_is_simple_enough() -> None:
    assert DISTRICT.is_valid
    assert len(shapely.get_coordinates(DISTRICT)) - 1 <= 80


def test_streets_tile_the_district() -> None:
    polygons = list(STREETS.values())
    union = shapely.union_all(polygons)
    assert all(polygon.is_valid and polygon.geom_type == "Polygon" for polygon in polygons)
    assert union.intersection(DISTRICT).area / DISTRICT.area > 0.999
    assert union.difference(DISTRICT).area / DISTRICT.area < 1e-4
    overlap = sum(polygon.area for polygon in polygons) - union.area
    assert overlap / DISTRICT.area < 1e-6


def test_every_label_point_lies_in_its_own_area() -> None:
    places = gazetteer()
    found = {
        area.code: places.at(Place(*area.place)).smallest
        for area in AREAS
        if area.kind != "district"
    }
    assert found == {code: code[:9] for code in found}


def test_lakes_lie_in_or_at_the_district() -> None:
    lakes = _shapes("water", "lake")
    assert set(lakes) == {"墨水湖", "龙阳湖", "南太子湖", "北太子湖", "三角湖", "月湖", "莲花湖"}
    assert all(lake.is_valid and lake.distance(DISTRICT) < 0.01 for lake in lakes.values())
    inside = ["墨水湖", "龙阳湖", "北太子湖", "月湖", "莲花湖"]
    assert all(DISTRICT.covers(lakes[name]) for name in inside)


def test_the_rivers_run_along_the_north_and_the_east() -> None:
    rivers = _shapes("water", "river")
    west, south, east, north = DISTRICT.bounds
    assert rivers["汉江"].intersects(Point(114.170, north))
    assert rivers["长江"].intersects(Point(east, 30.569))
    assert not rivers["汉江"].intersects(Point(west, south))
    assert rivers["长江"].intersects(rivers["汉江"].buffer(1e-4))


def test_every_bridge_crosses_its_river() -> None:
    rivers = shapely.union_all(list(_shapes("water", "river").values()))
    bridges = _shapes("roads", "bridge")
    assert len(bridges) == 11
    ends = [
        Point(shapely.get_coordinates(bridge)[end])
        for bridge in bridges.values()
        for end in (0, -1)
    ]
    assert all(bridge.intersects(rivers) for bridge in bridges.values())
    assert not any(end.within(rivers.buffer(-0.001)) for end in ends)


@pytest.mark.parametrize("name", LAYERS)
def test_every_feature_says_where_it_is_from_and_how_exact_it_is(name: str) -> None:
    told = [feature["properties"] for feature in _features(name)]
    assert all(p["precision_m"] > 0 and p["source"] and p["approximate"] for p in told)
    assert all(p["name"] and p["name_en"] for p in told)


def test_roads_name_openstreetmap_where_it_was_looked_at() -> None:
    assert b"OpenStreetMap contributors" in fact("roads.geojson")


def test_labels_name_all_that_is_drawn() -> None:
    labels = set(_shapes("labels"))
    assert set(_shapes("water")) | set(_shapes("roads")) | set(STREETS) == labels


def test_a_layer_that_is_not_there_is_named() -> None:
    with pytest.raises(LayerUnknown, match="district, streets, water, roads, labels"):
        layer("../areas")


def _gcj(row: dict[str, str], lon: str, lat: str) -> Place:
    return from_gcj02(float(row[lon]), float(row[lat]))


def test_the_public_toilets_fall_inside() -> None:
    rows = _rows(shared("hanyang-poi-small") / "public_toilets_hanyang_21.csv")
    points = [_gcj(row, "approx_lon", "approx_lat") for row in rows]
    assert len(points) == 21
    assert all(gazetteer().at(point).district for point in points)


def test_the_street_label_points_fall_into_their_streets() -> None:
    rows = _rows(shared("hanyang-poi-small") / "street_label_points_gcj02.csv")
    places: Gazetteer = gazetteer()
    found = {
        row["street"]: places.name_of(places.at(_gcj(row, "lon_gcj02", "lat_gcj02")).smallest)
        for row in rows
    }
    assert len(found) == 11
    assert found == {street: f"{street}道" for street in found}


def test_the_outline_is_near_the_published_one() -> None:
    path = shared("hanyang-boundary") / "420105_datav2022_gcj02.geojson"
    published = shape(msgspec.json.decode(path.read_bytes())["features"][0]["geometry"])
    turned = shapely.transform(published, lambda a: np.array([from_gcj02(*p) for p in a]))
    assert DISTRICT.intersection(turned).area / DISTRICT.union(turned).area > 0.96

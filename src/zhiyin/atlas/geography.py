"""一张图:the district's own geography, from the facts shipped with the project."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import shapely
from shapely.errors import ShapelyError
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from zhiyin.atlas.model import Area, AreaKind, Box, Geometry, LayerUnknown
from zhiyin.kernel import Place

LAYERS = ("district", "streets", "water", "roads", "labels")
_EARTH = 6371008.8  # mean radius in metres
Floats = npt.NDArray[np.float64]


@cache
def fact(name: str) -> bytes:
    """Return a file of the facts as it stands."""
    return (files("zhiyin.atlas") / "facts" / name).read_bytes()


def layer(name: str) -> bytes:
    """Return a layer of the base map as GeoJSON; LayerUnknown when there is none so named."""
    if name not in LAYERS:
        raise LayerUnknown("layer", layer=name, wanted=", ".join(LAYERS))
    return fact(f"{name}.geojson")


class _Areas(msgspec.Struct):
    areas: list[Area]


@dataclass(frozen=True, slots=True)
class Located:
    """The areas a point lies in; the community is the one whose label is nearest, a guess."""

    district: Area | None
    street: Area | None
    community: Area | None
    community_m: float | None  # metres to that label

    @property
    def smallest(self) -> str:
        """Return the code of the street or district; communities are too unsure to be kept."""
        known = self.street or self.district
        return known.code if known else ""


class Gazetteer:
    """Names places: from a point to its areas, from a code to its area.

    Streets are the sketched polygons (±1 km near their edges); a point outside all of them lies
    outside the district.
    """

    def __init__(self, areas: Sequence[Area], streets: Any) -> None:
        self.areas = {area.code: area for area in areas}
        codes = [feature["properties"]["code"] for feature in streets["features"]]
        self._streets = [self.areas[code] for code in codes]
        self._shapes = np.array([shape(feature["geometry"]) for feature in streets["features"]])
        self._tree = shapely.STRtree(self._shapes)
        self._communities = [area for area in areas if area.kind == "community"]
        self._labels = np.array([area.place for area in self._communities])
        self._parents = np.array([area.parent for area in self._communities])

    @cached_property
    def district(self) -> Area:
        return next(area for area in self.areas.values() if area.kind == "district")

    @cached_property
    def bounds(self) -> Box:
        west, south, east, north = shapely.total_bounds(self._shapes)
        return float(west), float(south), float(east), float(north)

    def streets_at(self, lon: Floats, lat: Floats) -> npt.NDArray[np.str_]:
        """Return the street code of each point, "" outside; arrays of equal length n."""
        points: Any = shapely.points(np.asarray(lon, float), np.asarray(lat, float))
        found = np.full(len(points), "", dtype="U9")
        codes = np.array([area.code for area in self._streets], dtype="U9")
        which, tile = self._tree.query(points, predicate="intersects")
        # of two tiles that meet at the point the first wins, whatever the tree's order
        order = np.argsort(-tile, kind="stable")
        found[which[order]] = codes[tile[order]]
        return found

    def at(self, place: Place) -> Located:
        """Return the areas of one point; all None outside the district."""
        code = str(self.streets_at(np.array([place.lon]), np.array([place.lat]))[0])
        if not code:
            return Located(None, None, None, None)
        mine = np.flatnonzero(self._parents == code)
        away = metres_between(place, self._labels[mine, 0], self._labels[mine, 1])
        nearest = int(np.argmin(away))
        return Located(
            self.district,
            self.areas[code],
            self._communities[int(mine[nearest])],
            float(away[nearest]),
        )

    def find(self, kind: AreaKind | None = None, q: str = "") -> list[Area]:
        """Return the areas of a kind whose name (either language) or code holds `q`."""
        low = q.lower()
        return [
            area
            for area in self.areas.values()
            if kind in {None, area.kind}
            and (low in area.name.lower() or low in area.name_en.lower() or low in area.code)
        ]

    def geometry_of(self, code: str) -> Geometry:
        """Return the area's polygon, or its label point for a community."""
        if code == self.district.code:
            return _one(fact("district.geojson"))
        for area, polygon in zip(self._streets, self._shapes, strict=True):
            if area.code == code:
                return dict(mapping(polygon))
        return {"type": "Point", "coordinates": list(self.areas[code].place)}

    def name_of(self, code: str) -> str:
        """Return the short name of an area, "" for an unknown code."""
        area = self.areas.get(code)
        return area.short_name if area else ""


def _one(content: bytes) -> Geometry:
    geometry: Geometry = msgspec.json.decode(content)["features"][0]["geometry"]
    return geometry


@cache
def gazetteer() -> Gazetteer:
    """Return the district's gazetteer, read from the facts at first use."""
    areas = msgspec.json.decode(fact("areas.json"), type=_Areas).areas
    return Gazetteer(areas, msgspec.json.decode(fact("streets.geojson")))


def metres_between(place: Place, lon: Floats, lat: Floats) -> Floats:
    """Return the distance in metres from `place` to each point (haversine on the mean sphere)."""
    east, north = np.radians(lon - place.lon), np.radians(lat - place.lat)
    slant = np.cos(np.radians(place.lat)) * np.cos(np.radians(lat)) * np.sin(east / 2) ** 2
    h = np.sin(north / 2) ** 2 + slant
    return np.asarray(2 * _EARTH * np.arcsin(np.sqrt(h)))


def box_around(place: Place, metres: float) -> Box:
    """Return a box that holds every point within `metres` of the place (not near the poles)."""
    north = np.degrees(metres / _EARTH)
    east = north / np.cos(np.radians(min(abs(place.lat) + north, 89.0)))
    return (
        float(place.lon - east),
        float(place.lat - north),
        float(place.lon + east),
        float(place.lat + north),
    )


def middle_and_box(geometry: Geometry) -> tuple[Place, Box]:
    """Return a point on the thing (itself, or one surely on it) and the box around it.

    Raises ValueError when the geometry is empty, broken, not finite or not on Earth.
    """
    try:
        form = shape(geometry)
    except (KeyError, TypeError, IndexError, AttributeError, ShapelyError) as fault:
        raise ValueError(f"{type(fault).__name__}: {fault}") from fault
    if form.is_empty or not np.isfinite(shapely.get_coordinates(form)).all():
        raise ValueError("the geometry is empty or not finite")
    west, south, east, north = map(float, form.bounds)
    if min(west + 180, 180 - east, south + 90, 90 - north) < 0:
        raise ValueError(f"its box {west},{south},{east},{north} is not in degrees")
    lon, lat = shapely.get_coordinates(_middle(form))[0]
    return Place(float(lon), float(lat)), (west, south, east, north)


def _middle(form: BaseGeometry) -> BaseGeometry:
    """Return the point halfway along a line (the longest of several), else one surely inside."""
    lines = [part for part in shapely.get_parts(form) if part.geom_type == "LineString"]
    if lines and form.geom_type in {"LineString", "MultiLineString"}:
        longest = max(lines, key=lambda line: float(line.length))
        halfway: BaseGeometry = longest.interpolate(0.5, normalized=True)
        return halfway
    return form.representative_point()

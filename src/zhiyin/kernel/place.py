"""Places: CGCS2000/WGS-84 longitude and latitude in degrees, converted once at the edge.

GCJ-02 and BD-09 exist only outside; formulas and check points: standards of Chinese web maps,
a = 6378245 m, e² = 0.00669342162296594323.
"""

from math import atan2, cos, hypot, pi, sin, sqrt
from typing import NamedTuple

_A, _EE = 6378245.0, 0.00669342162296594323
_EARTH = 6371008.8  # mean radius in metres
_BD = pi * 3000.0 / 180.0


class Place(NamedTuple):
    """A point in CGCS2000, which equals WGS-84 for this purpose (within decimetres)."""

    lon: float
    lat: float

    def metres_to(self, other: "Place") -> float:
        """Return the distance in metres on the mean sphere (haversine; within 0.5 %)."""
        rad = pi / 180
        dlat, dlon = (other.lat - self.lat) * rad, (other.lon - self.lon) * rad
        h = sin(dlat / 2) ** 2 + cos(self.lat * rad) * cos(other.lat * rad) * sin(dlon / 2) ** 2
        return 2 * _EARTH * atan2(sqrt(h), sqrt(1 - h))


def gcj02_of(place: Place) -> tuple[float, float]:
    """Return GCJ-02 (lon, lat); outside the rectangle of China the place itself."""
    lon, lat = place
    if not (72.004 <= lon <= 137.8347 and 0.8293 <= lat <= 55.8271):
        return lon, lat
    x, y = lon - 105.0, lat - 35.0
    common = (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3
    dlat = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + common
    dlat += (20 * sin(y * pi) + 40 * sin(y / 3 * pi)) * 2 / 3
    dlat += (160 * sin(y / 12 * pi) + 320 * sin(y * pi / 30)) * 2 / 3
    dlon = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + common
    dlon += (20 * sin(x * pi) + 40 * sin(x / 3 * pi)) * 2 / 3
    dlon += (150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3
    phi = lat / 180 * pi
    m = 1 - _EE * sin(phi) ** 2
    dlat = dlat * 180 / (_A * (1 - _EE) / (m * sqrt(m)) * pi)
    dlon = dlon * 180 / (_A / sqrt(m) * cos(phi) * pi)
    return lon + dlon, lat + dlat


def from_gcj02(lon: float, lat: float) -> Place:
    """Return the place whose GCJ-02 is (lon, lat), to 1e-9 degrees, by fixed-point iteration."""
    guess = Place(lon, lat)
    for _ in range(10):
        glon, glat = gcj02_of(guess)
        guess = Place(guess.lon - (glon - lon), guess.lat - (glat - lat))
    return guess


def bd09_of(place: Place) -> tuple[float, float]:
    x, y = gcj02_of(place)
    z = hypot(x, y) + 0.00002 * sin(y * _BD)
    theta = atan2(y, x) + 0.000003 * cos(x * _BD)
    return z * cos(theta) + 0.0065, z * sin(theta) + 0.006


def from_bd09(lon: float, lat: float) -> Place:
    """Return the place whose BD-09 is (lon, lat), to about 1e-6 degrees."""
    x, y = lon - 0.0065, lat - 0.006
    z = hypot(x, y) - 0.00002 * sin(y * _BD)
    theta = atan2(y, x) - 0.000003 * cos(x * _BD)
    return from_gcj02(z * cos(theta), z * sin(theta))

"""一张图:areas and elements on the map. Does not know what is measured there."""

from zhiyin.atlas.geography import Gazetteer, Located, gazetteer
from zhiyin.atlas.imports import Defaults, Reading, read_csv, read_geojson
from zhiyin.atlas.model import Area, Brain, Element, Imported, Version, box_of, place_of
from zhiyin.atlas.service import (
    as_geojson,
    count_by_street,
    elements,
    put_element,
    remove_element,
    require_element,
    seed,
    take,
    versions,
)

__all__ = [
    "Area", "Brain", "Defaults", "Element", "Gazetteer", "Imported", "Located", "Reading",
    "Version", "as_geojson", "box_of", "count_by_street", "elements", "gazetteer", "place_of",
    "put_element", "read_csv", "read_geojson", "remove_element", "require_element", "seed",
    "take", "versions",
]  # fmt: skip

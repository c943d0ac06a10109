"""一张图:elements to GeoJSON (RFC 7946) and CSV; import brings them back as they were."""

import csv
import io
from collections.abc import Iterable
from typing import Any

import shapely
from shapely.geometry import shape

from zhiyin.atlas.cells import cell, trapped
from zhiyin.atlas.geography import gazetteer
from zhiyin.atlas.model import Element
from zhiyin.kernel import iso

_COLUMNS = [
    "id", "type", "name", "name_en", "lon", "lat", "area", "area_name", "owner", "source",
    "precision_m", "valid_from", "valid_to", "version", "geometry",
]  # fmt: skip


def properties_of(element: Element) -> dict[str, Any]:
    """Return what GeoJSON says of an element; times are RFC 3339, None where open."""
    start, end = (None if moment is None else iso(moment) for moment in element.valid)
    return {
        "id": element.id,
        "type": element.type,
        "name": element.name,
        "name_en": element.name_en,
        "area": element.area,
        "area_name": gazetteer().name_of(element.area),
        "fields": dict(element.fields),
        "owner": element.owner,
        "source": element.source,
        "precision_m": element.precision_m,
        "valid_from": start,
        "valid_to": end,
        "version": element.version,
    }


def feature_of(element: Element, **more: Any) -> dict[str, Any]:
    """Return the element as a GeoJSON Feature, `more` added to its properties."""
    return {
        "type": "Feature",
        "id": element.id,
        "geometry": element.shape,
        "properties": properties_of(element) | more,
    }


def write_csv(elements: Iterable[Element]) -> bytes:
    """Return CSV in UTF-8 with a BOM (for Excel), one column per field.

    Cells a spreadsheet would take for a formula carry an apostrophe, which import takes off.
    """
    rows = [_cells_of(element) for element in elements]
    fields = sorted({key for row in rows for key in row} - set(_COLUMNS))
    page = io.StringIO(newline="")
    columns = [*_COLUMNS, *fields]
    writer = csv.DictWriter(page, columns, restval="")
    writer.writerow({key: trapped(key) for key in columns})
    writer.writerows(rows)
    return b"\xef\xbb\xbf" + page.getvalue().encode()


def _cells_of(element: Element) -> dict[str, str]:
    told = properties_of(element) | {"lon": element.place.lon, "lat": element.place.lat}
    fields = told.pop("fields")
    wkt = shapely.to_wkt(shape(element.geometry), rounding_precision=-1) if element.geometry else ""
    own = {key: "" if value is None else str(value) for key, value in told.items()}
    more = {
        f"field.{key}" if key in _COLUMNS else key: cell(value) for key, value in fields.items()
    }
    return {key: trapped(text) for key, text in (more | own | {"geometry": wkt}).items()}

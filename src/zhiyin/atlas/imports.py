"""一张图:elements from GeoJSON (RFC 7946) and CSV. Reads bytes, writes nothing.

A row that cannot be read is kept apart with its reason; the others go through.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeGuard

import msgspec
import numpy as np
import shapely
from shapely.geometry import mapping, shape

from zhiyin.atlas.cells import plain, untrapped
from zhiyin.atlas.geography import gazetteer, middle_and_box
from zhiyin.atlas.model import BadRow, Element, Geometry, ImportUnreadable
from zhiyin.kernel import Place, Words, from_bd09, from_gcj02, parse_time

Crs = Literal["WGS84", "GCJ02", "BD09"]

_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TYPE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_TEXTS = {"name_en": 200, "area": 12, "owner": 100, "source": 300}
_OWN = {"id", "type", "name", "fields", "precision_m", "valid_from", "valid_to", *_TEXTS}
_TOLD = {"area_name", "version", "latest", "level", "lon", "lat", "geometry"}  # not fields
_INTO: dict[Crs, Callable[[float, float], Place]] = {
    "WGS84": Place,
    "GCJ02": from_gcj02,
    "BD09": from_bd09,
}


class _Refused(ValueError):
    """One row cannot be taken, for the reason given."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(zh, en)


@dataclass(frozen=True, slots=True)
class Defaults:
    """What rows that say nothing get: type, source, and the system their coordinates are in."""

    type: str = ""
    source: str = ""
    crs: Crs = "WGS84"


@dataclass(frozen=True, slots=True)
class Reading:
    """What an import holds: elements with ids all different, and the rows kept apart."""

    elements: tuple[Element, ...]
    bad: tuple[BadRow, ...]


def read_geojson(content: bytes | Mapping[str, Any], defaults: Defaults | None = None) -> Reading:
    """Read a FeatureCollection or one Feature; ImportUnreadable when it is neither."""
    wanted = "GeoJSON FeatureCollection"
    try:
        told = msgspec.json.decode(content) if isinstance(content, bytes) else content
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise ImportUnreadable("body", problem=fault, wanted=wanted) from fault
    kind = told.get("type") if isinstance(told, Mapping) else type(told).__name__
    features = [told] if kind == "Feature" else told.get("features") if _maps(told) else None
    if kind not in {"Feature", "FeatureCollection"} or not isinstance(features, list):
        raise ImportUnreadable("body", problem=f"type: {kind}", wanted=wanted)
    return _read(features, _from_feature, defaults or Defaults())


def read_csv(content: bytes, defaults: Defaults | None = None) -> Reading:
    """Read CSV in UTF-8 (with or without BOM) or GB 18030; the first row names the columns.

    Needed: id, name, and lon with lat or geometry as WKT. Columns not known become fields; a cell
    that is JSON is read as such. ImportUnreadable when there is no such header.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030", errors="replace")
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", strict=True)
    try:
        reader.fieldnames = [untrapped(name) for name in reader.fieldnames or ()]
        if not {"id", "name"} <= set(reader.fieldnames):
            problem = f"header: {', '.join(reader.fieldnames)[:200]}"
            raise ImportUnreadable("body", problem=problem, wanted="CSV: id,name,lon,lat")
        rows = list(reader)
    except csv.Error as fault:
        raise ImportUnreadable("body", problem=fault, wanted="CSV") from fault
    return _read(rows, _from_cells, defaults or Defaults())


def _maps(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _read(
    rows: Sequence[Any], take: Callable[[Any, Defaults], Element], defaults: Defaults
) -> Reading:
    elements: dict[str, Element] = {}
    bad = []
    for number, row in enumerate(rows, 1):
        try:
            element = take(row, defaults)
            _first(element.id in elements, element.id)
        except _Refused as refusal:
            bad.append(BadRow(number, refusal.words, row))
        else:
            elements[element.id] = element
    return Reading(tuple(_in_areas(list(elements.values()))), tuple(bad))


def _first(known: bool, id: str) -> None:  # noqa: A002, FBT001
    if known:
        raise _Refused(f"编号 {id} 重复。", f"The id {id} comes twice.")


def _in_areas(elements: list[Element]) -> Iterable[Element]:
    """Fill in the street of those that say no area, all at once."""
    open_ones = [element for element in elements if not element.area]
    lon = np.array([element.place.lon for element in open_ones])
    lat = np.array([element.place.lat for element in open_ones])
    streets = gazetteer().streets_at(lon, lat) if open_ones else ()
    found = {element.id: str(code) for element, code in zip(open_ones, streets, strict=True)}
    return (
        replace(element, area=found[element.id]) if element.id in found else element
        for element in elements
    )


def _from_feature(feature: Any, defaults: Defaults) -> Element:
    if not (_maps(feature) and _maps(feature.get("geometry"))):
        raise _Refused("没有几何。", "There is no geometry.")
    properties = feature.get("properties")
    told = dict(properties) if _maps(properties) else {}
    told.setdefault("id", feature.get("id"))
    return _element(told, dict(feature["geometry"]), defaults)


def _from_cells(row: Mapping[str, Any], defaults: Defaults) -> Element:
    if any(row.get("") or ()):
        raise _Refused("格数多于表头。", "There are more cells than columns.")
    cells = {key: untrapped(value.strip()) for key, value in row.items() if key and value}
    told: dict[str, Any] = {key: value for key, value in cells.items() if key in _OWN}
    told["fields"] = {
        key.removeprefix("field."): plain(value)
        for key, value in cells.items()
        if key not in _OWN | _TOLD
    }
    return _element(told, _geometry_of(cells), defaults)


def _geometry_of(cells: Mapping[str, str]) -> Geometry:
    if text := cells.get("geometry"):
        try:
            return dict(mapping(shapely.from_wkt(text)))
        except shapely.errors.ShapelyError as fault:
            raise _Refused(
                f"geometry 不是 WKT:{fault}。", f"geometry is no WKT: {fault}."
            ) from fault
    try:
        point = [float(cells[key]) for key in ("lon", "lat")]
    except (KeyError, ValueError) as fault:
        raise _Refused("lon、lat 不是数。", "lon and lat are no numbers.") from fault
    return {"type": "Point", "coordinates": point}


def _element(told: dict[str, Any], geometry: Geometry, defaults: Defaults) -> Element:
    try:
        geometry = _moved(geometry, defaults.crs)
        place, _ = middle_and_box(geometry)
    except ValueError as fault:
        raise _Refused(
            f"几何读不出来:{fault}。", f"The geometry cannot be read: {fault}."
        ) from fault
    nested = told.get("fields")
    fields = dict(nested) if _maps(nested) else {}
    fields |= {key: told[key] for key in told if key not in _OWN | _TOLD}
    if defaults.crs != "WGS84":
        fields["source_crs"] = defaults.crs
    texts = {key: _text(told, key, most) for key, most in _TEXTS.items()}
    return Element(
        id=_matching(told, "id", _ID),
        type=_matching({"type": told.get("type") or defaults.type}, "type", _TYPE),
        name=_text(told, "name", 200, needed=True),
        place=place,
        geometry=None if geometry["type"] == "Point" else geometry,
        fields=fields,
        precision_m=_metres(told.get("precision_m")),
        valid=(_moment(told, "valid_from"), _moment(told, "valid_to")),
        name_en=texts["name_en"],
        area=texts["area"],
        owner=texts["owner"],
        source=texts["source"] or defaults.source,
    )


def _moved(geometry: Geometry, crs: Crs) -> Geometry:
    """Return the geometry in WGS-84, its coordinates as lists; heights are dropped."""
    try:
        form = shapely.force_2d(shape(geometry))
    except (KeyError, TypeError, IndexError, AttributeError, shapely.errors.ShapelyError) as fault:
        raise ValueError(f"{type(fault).__name__} {fault}") from fault
    if crs != "WGS84":
        form = shapely.transform(form, lambda points: np.array([_INTO[crs](*p) for p in points]))
    plain: Geometry = msgspec.json.decode(msgspec.json.encode(mapping(form)))
    return plain


def _matching(told: Mapping[str, Any], key: str, pattern: re.Pattern[str]) -> str:
    value = str(told.get(key) if told.get(key) is not None else "")
    if not pattern.fullmatch(value):
        raise _Refused(
            f"{key} 是“{value[:80]}”,应合 {pattern.pattern}。",
            f"{key} is {value[:80]!r}; it should match {pattern.pattern}.",
        )
    return value


def _text(told: Mapping[str, Any], key: str, most: int, *, needed: bool = False) -> str:
    value = "" if told.get(key) is None else str(told[key])
    if len(value) > most or (needed and not value):
        raise _Refused(
            f"{key} 有 {len(value)} 个字,应为 {int(needed)} 到 {most} 个。",
            f"{key} has {len(value)} characters; it should have {int(needed)} to {most}.",
        )
    return value


def _metres(value: Any) -> float | None:
    try:
        metres = None if value in {None, ""} else float(value)
    except (TypeError, ValueError) as fault:
        raise _Refused("precision_m 不是数。", "precision_m is no number.") from fault
    if metres is not None and not 0 <= metres < 1e6:
        raise _Refused("precision_m 应在 0 到 1e6 米。", "precision_m should be 0 to 1e6 metres.")
    return metres


def _moment(told: Mapping[str, Any], key: str) -> int | None:
    if not told.get(key):
        return None
    try:
        return parse_time(str(told[key]))
    except ValueError as fault:
        raise _Refused(
            f"{key} 不是 RFC 3339 时间。", f"{key} is not a time as in RFC 3339."
        ) from fault

"""From the JSON of a client to the values of a row; what does not fit is refused by name."""

from typing import Any

from shapely.errors import ShapelyError
from shapely.geometry import shape

from zhiyin.network.sensorthings.faults import BadEntity
from zhiyin.network.sensorthings.model import GEOJSON, Field, Kind
from zhiyin.network.sensorthings.when import When, read_when

Body = dict[str, Any]


def fault(kind: Kind, reason: str) -> BadEntity:
    return BadEntity(kind.name, kind=kind.name, reason=reason)


def read_fields(kind: Kind, body: Any, *, whole: bool = True) -> dict[str, Any]:
    """Return the values by the names of the wire, times as `When`.

    `whole`: what is required must be there. Names that the kind does not have are refused,
    annotations (`@iot.…`) and what the server computes itself are passed over.
    """
    if not isinstance(body, dict):
        raise fault(kind, f"it is {type(body).__name__}; it should be a JSON object")
    for name in body:
        known = name in kind.field_of or name in kind.link_of
        if not known and "@iot." not in name and name != "id":
            has = ", ".join([*kind.field_of, *kind.link_of])
            raise fault(kind, f"it has no property {name!r}; it has {has}")
    values = {}
    for field in kind.fields:
        if field.name in body and not field.computed:
            values[field.name] = _read(kind, field, body)
        elif field.required and whole:
            raise fault(kind, f"{field.name} is missing")
    return values


def _read(kind: Kind, field: Field, body: Body) -> Any:
    said = body[field.name]
    if said is None:
        if field.required and field.form != "any":
            raise fault(kind, f"{field.name} is null")
        return None
    if field.form == "text" and not isinstance(said, str):
        raise fault(kind, f"{field.name} is {said!r:.80}; it should be text")
    if field.form == "object" and not isinstance(said, dict):
        raise fault(kind, f"{field.name} is {said!r:.80}; it should be an object")
    if field.form == "unit":
        _check_unit(kind, said)
    if field.form in {"when", "instant"}:
        return _when(kind, field, said)
    if field.form == "geometry":
        _check_geometry(kind, field, said, body.get("encodingType"))
    return said


def _check_unit(kind: Kind, said: Any) -> None:
    wanted = {"name", "symbol", "definition"}
    good = isinstance(said, dict) and wanted >= set(said)
    if not good or not all(part is None or isinstance(part, str) for part in said.values()):
        raise fault(kind, "unitOfMeasurement should be an object of name, symbol and definition")


def _when(kind: Kind, field: Field, said: Any) -> When:
    if not isinstance(said, str):
        raise fault(kind, f"{field.name} is {said!r:.80}; it should be ISO 8601 text")
    try:
        return read_when(said, interval=field.form == "when")
    except ValueError as broken:
        raise fault(kind, f"{field.name}: {broken}") from broken


def _check_geometry(kind: Kind, field: Field, said: Any, encoding: Any) -> None:
    if encoding is not None and encoding not in GEOJSON:
        return  # another encoding; nothing here reads it
    if encoding is None and not isinstance(said, dict):
        return
    try:
        geometry = said.get("geometry") if said.get("type") == "Feature" else said
        shape(geometry)
    except (
        ShapelyError, AttributeError, KeyError, TypeError, ValueError, IndexError
    ) as broken:  # fmt: skip
        raise fault(kind, f"{field.name} is no GeoJSON geometry ({broken})") from broken


def columns(kind: Kind, values: dict[str, Any]) -> dict[str, Any]:
    """Return values by the attributes of the row."""
    told = {}
    for name, value in values.items():
        field = kind.field_of[name]
        told[field.attribute] = value.start if isinstance(value, When) else value
    return told


def merged(kind: Kind, earlier: dict[str, Any], body: Body) -> Body:
    """Return a PATCH body with objects merged into the earlier ones (RFC 7396).

    Geometries, results and metadata are replaced whole.
    """
    told = dict(body)
    for name, said in body.items():
        field = kind.field_of.get(name)
        if field is not None and field.form in {"object", "unit"} and isinstance(said, dict):
            told[name] = _merge(earlier.get(name), said)
    return told


def _merge(earlier: Any, said: Any) -> Any:
    if not isinstance(said, dict):
        return said
    result = dict(earlier) if isinstance(earlier, dict) else {}
    for key, value in said.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merge(result.get(key), value)
    return result

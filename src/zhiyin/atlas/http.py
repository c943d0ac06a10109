"""一张图 over HTTP: areas, elements, the base map. Routes only; the work is in `service`."""

import hashlib
from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, get_args

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, HeaderParameter, SkipValidation

from zhiyin.atlas import service, store
from zhiyin.atlas.exports import write_csv
from zhiyin.atlas.geography import gazetteer, layer
from zhiyin.atlas.imports import Crs, Defaults, read_csv, read_geojson
from zhiyin.atlas.model import (
    Area,
    AreaKind,
    AreaKindUnknown,
    Brain,
    Element,
    LimitOutOfRange,
    Version,
    box_of,
    place_of,
)
from zhiyin.kernel import iso

GEOJSON = "application/geo+json"
MOST = 10_000
Asked = Request[Any, Any, State]
TheBrain = NamedDependency[SkipValidation[Brain]]
Actor = Annotated[str, HeaderParameter(name="X-Zhiyin-User")]


def within(name: str, value: int, least: int, most: int) -> int:
    """Return the value; LimitOutOfRange when it is not between both."""
    if not least <= value <= most:
        raise LimitOutOfRange(name, name=name, value=value, least=least, most=most)
    return value


def steady(request: Asked, content: bytes, media_type: str = GEOJSON) -> Response[bytes]:
    """Answer with what changes only with a release: ETag, an hour in caches, 304 when known."""
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "public, max-age=3600"}
    known = request.headers.get("If-None-Match", "")
    if etag in {mark.strip().removeprefix("W/") for mark in known.split(",")}:
        return Response(b"", status_code=304, headers=headers, media_type=media_type)
    return Response(content, headers=headers, media_type=media_type)


def area_json(area: Area | None) -> dict[str, Any] | None:
    if area is None:
        return None
    return {**msgspec.to_builtins(area), "short_name": area.short_name}


@cache
def _areas(kind: AreaKind | None, q: str) -> bytes:
    places = gazetteer()
    features = [
        {
            "type": "Feature",
            "id": area.code,
            "geometry": places.geometry_of(area.code),
            "properties": area_json(area),
        }
        for area in places.find(kind, q)
    ]
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


@get("/areas", sync_to_thread=False, summary="Areas: district, streets, communities")
def areas(
    request: Asked, kind: FromQuery[str | None] = None, q: FromQuery[str] = ""
) -> Response[bytes]:
    if kind is not None and kind not in get_args(AreaKind):
        raise AreaKindUnknown("kind", kind=kind)
    known: AreaKind | None = kind  # type: ignore[assignment]  # checked above
    content = _areas(known, "") if not q else _areas.__wrapped__(known, q)
    return steady(request, content)


@get("/areas/at", sync_to_thread=False, summary="The areas a point lies in")
def areas_at(lon: FromQuery[float], lat: FromQuery[float]) -> dict[str, Any]:
    found = gazetteer().at(place_of(lon, lat))
    return {
        "district": area_json(found.district),
        "street": area_json(found.street),
        "community": area_json(found.community),
        "community_distance_m": found.community_m and round(found.community_m, 1),
        "approximate": True,
    }


@get("/map/{name:str}", sync_to_thread=False, summary="A layer of the base map")
def map_layer(request: Asked, name: FromPath[str]) -> Response[bytes]:
    return steady(request, layer(name))


def _shown(brain: Brain, found: Sequence[Element], **more: Any) -> dict[str, Any]:
    latest = {element.id: brain.latest_of(element.id) for element in found}
    levels = {element.id: brain.level_of(element.id) for element in found}
    return service.as_geojson(found, latest, levels, **more)


@get("/elements", media_type=GEOJSON, summary="Elements, filtered, page by page")
async def list_elements(
    brain: TheBrain,
    type: FromQuery[str | None] = None,  # noqa: A002
    bbox: FromQuery[str | None] = None,
    area: FromQuery[str] = "",
    q: FromQuery[str] = "",
    limit: FromQuery[int] = 1000,
    offset: FromQuery[int] = 0,
) -> dict[str, Any]:
    within("limit", limit, 1, MOST)
    within("offset", offset, 0, 2**31)
    box = box_of(bbox) if bbox else None
    async with brain.database.read() as session:
        found = await store.page(
            session, type=type, bbox=box, area=area, q=q, limit=limit, offset=offset
        )
        total = await store.count(session, type=type, bbox=box, area=area, q=q)
    return _shown(brain, found, numberMatched=total, numberReturned=len(found))


@get("/elements.csv", summary="The same elements as CSV for a spreadsheet")
async def elements_csv(
    brain: TheBrain,
    type: FromQuery[str | None] = None,  # noqa: A002
    bbox: FromQuery[str | None] = None,
    area: FromQuery[str] = "",
    q: FromQuery[str] = "",
) -> Response[bytes]:
    box = box_of(bbox) if bbox else None
    async with brain.database.read() as session:
        found = await service.elements(session, type=type, bbox=box, area=area, q=q)
    headers = {"Content-Disposition": 'attachment; filename="elements.csv"'}
    return Response(write_csv(found), headers=headers, media_type="text/csv; charset=utf-8")


@get("/elements/{id:str}", media_type=GEOJSON, summary="One element")
async def one_element(brain: TheBrain, id: FromPath[str]) -> dict[str, Any]:  # noqa: A002
    async with brain.database.read() as session:
        element = await service.require_element(session, id)
    feature: dict[str, Any] = _shown(brain, [element])["features"][0]
    return feature


def _version_json(kept: Version) -> dict[str, Any]:
    feature = service.as_geojson([kept.element])["features"][0]
    told = {"since": iso(kept.since), "by": kept.by, "removed": kept.removed}
    return {"version": kept.element.version, **told, "element": feature}


@get("/elements/{id:str}/versions", summary="Every version of one element, newest first")
async def element_versions(brain: TheBrain, id: FromPath[str]) -> list[dict[str, Any]]:  # noqa: A002
    async with brain.database.read() as session:
        return [_version_json(kept) for kept in await service.versions(session, id)]


@post("/elements", status_code=200, summary="Import elements from GeoJSON or CSV")
async def import_elements(
    request: Asked,
    brain: TheBrain,
    user: Actor = "user:duty",
    type: FromQuery[str] = "",  # noqa: A002
    crs: FromQuery[Crs] = "WGS84",
    source: FromQuery[str] = "",
) -> dict[str, Any]:
    """Keep good rows, hand back bad ones; `type` and `source` serve rows that say none."""
    content, defaults = await request.body(), Defaults(type, source, crs)
    is_csv = request.content_type[0] in {"text/csv", "application/vnd.ms-excel"}
    reading = (read_csv if is_csv else read_geojson)(content, defaults)
    async with brain.database.write(user) as session:
        done = await service.take(session, reading, at=brain.clock.now(), by=user)
    bad = [
        {
            "row": row.row,
            "reason": row.reason.zh,
            "reason_en": row.reason.en,
            "content": row.content,
        }
        for row in done.bad
    ]
    told = {"created": done.created, "changed": done.changed, "unchanged": done.unchanged}
    return {**told, "bad": bad}


def router(brain: Brain) -> Router:
    """Return the routes of this room, to be mounted where the API lives."""
    return Router(
        path="/",
        route_handlers=[
            areas, areas_at, map_layer, list_elements, elements_csv, one_element,
            element_versions, import_elements,
        ],
        dependencies={"brain": Provide(lambda: brain, sync_to_thread=False)},
        tags=["atlas"],
    )  # fmt: skip

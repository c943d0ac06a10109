"""一张图:OGC API – Features 1.0 Part 1, classes core and geojson, over the elements.

Each type of element is a collection. Only what the two classes ask; standard: OGC 17-069r4.
"""

from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Response, Router, get
from litestar.di import Provide
from litestar.params import FromPath, FromQuery, QueryParameter

from zhiyin.atlas import service, store
from zhiyin.atlas.geography import gazetteer
from zhiyin.atlas.http import GEOJSON, MOST, Asked, TheBrain, within
from zhiyin.atlas.model import (
    Brain,
    CollectionUnknown,
    Element,
    ElementUnknown,
    ParameterUnknown,
    TimeUnreadable,
    box_of,
)
from zhiyin.kernel import iso, parse_time

_CONFORMS = [
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
]
_CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_ITEMS = {"bbox", "datetime", "limit", "offset"}
Link = dict[str, str]


def _link(root: str, rel: str, path: str, media_type: str = "application/json") -> Link:
    return {"href": root + path, "rel": rel, "type": media_type}


def _root(request: Asked) -> str:
    """Return the absolute address of the landing page, wherever the router is mounted."""
    before, _, _ = request.url.path.partition("/ogc")
    return f"{str(request.base_url).rstrip('/')}{before}/ogc"


def _only(request: Asked, known: set[str]) -> None:
    """Refuse query parameters the server does not know (requirement query-param-unknown)."""
    for name in request.query_params:
        if name not in known:
            raise ParameterUnknown(name, name=name, wanted=", ".join(sorted(known)) or "-")


def span_of(text: str | None) -> store.Span:
    """Read an instant, `start/end`, `../end` or `start/..`; TimeUnreadable otherwise."""
    if not text:
        return None, None
    first, slash, last = text.partition("/")
    try:
        ends = [
            None if end in {"", ".."} else parse_time(end)
            for end in (first, last if slash else first)
        ]
    except ValueError as fault:
        raise TimeUnreadable("datetime", text=text) from fault
    start, end = ends
    if start is not None and end is not None and start > end:
        raise TimeUnreadable("datetime", text=text)
    return start, end


@get("/", sync_to_thread=False, summary="Landing page")
def landing(request: Asked) -> dict[str, Any]:
    _only(request, set())
    root, base = _root(request), str(request.base_url).rstrip("/")
    openapi = "application/vnd.oai.openapi+json;version=3.1"
    return {
        "title": "知音 · 汉阳区治理要素",
        "description": "Elements of Hanyang District, Wuhan",
        "links": [
            _link(root, "self", "/"),
            _link(base, "service-desc", "/schema/openapi.json", openapi),
            _link(root, "conformance", "/conformance"),
            _link(root, "data", "/collections"),
        ],
    }


@get("/conformance", sync_to_thread=False, summary="Conformance classes")
def conformance(request: Asked) -> dict[str, Any]:
    _only(request, set())
    return {"conformsTo": _CONFORMS}


def _collection(root: str, name: str) -> dict[str, Any]:
    return {
        "id": name,
        "title": name,
        "extent": {"spatial": {"bbox": [gazetteer().bounds], "crs": _CRS84}},
        "itemType": "feature",
        "crs": [_CRS84],
        "links": [
            _link(root, "self", f"/collections/{name}"),
            _link(root, "items", f"/collections/{name}/items", GEOJSON),
        ],
    }


@get("/collections", summary="Collections: the types of elements")
async def collections(request: Asked, brain: TheBrain) -> dict[str, Any]:
    _only(request, set())
    root = _root(request)
    async with brain.database.read() as session:
        names = await store.types(session)
    links = [_link(root, "self", "/collections")]
    return {"links": links, "collections": [_collection(root, name) for name in names]}


async def _require(brain: Brain, name: str) -> None:
    async with brain.database.read() as session:
        if name not in await store.types(session):
            raise CollectionUnknown("collection", collection=name)


@get("/collections/{name:str}", summary="One collection")
async def one_collection(request: Asked, brain: TheBrain, name: FromPath[str]) -> dict[str, Any]:
    _only(request, set())
    await _require(brain, name)
    return _collection(_root(request), name)


@get("/collections/{name:str}/items", media_type=GEOJSON, summary="Features of a collection")
async def items(
    request: Asked,
    brain: TheBrain,
    name: FromPath[str],
    bbox: FromQuery[str | None] = None,
    span: Annotated[str | None, QueryParameter(name="datetime")] = None,
    limit: FromQuery[int] = 10,
    offset: FromQuery[int] = 0,
) -> dict[str, Any]:
    """Return a page; a limit above the most served gets the most (permission in 7.15.2)."""
    _only(request, _ITEMS)
    within("limit", limit, 1, 2**31)
    within("offset", offset, 0, 2**31)
    await _require(brain, name)
    box, valid, most = box_of(bbox) if bbox else None, span_of(span), min(limit, MOST)
    async with brain.database.read() as session:
        total = await store.count(session, type=name, bbox=box, valid=valid)
        found = await store.page(
            session, type=name, bbox=box, valid=valid, limit=most, offset=offset
        )
    links = _page_links(request, name, most, offset, total)
    return service.as_geojson(
        found,
        links=links,
        timeStamp=iso(brain.clock.now()),
        numberMatched=total,
        numberReturned=len(found),
    )


def _page_links(request: Asked, name: str, limit: int, offset: int, total: int) -> list[Link]:
    root, path = _root(request), f"/collections/{name}"
    asked = {key: request.query_params[key] for key in request.query_params}

    def page(start: int) -> str:
        return f"{path}/items?{urlencode(asked | {'limit': limit, 'offset': start})}"

    links = [_link(root, "self", page(offset), GEOJSON), _link(root, "collection", path)]
    if offset + limit < total:
        links.append(_link(root, "next", page(offset + limit), GEOJSON))
    return links


@get("/collections/{name:str}/items/{id:str}", media_type=GEOJSON, summary="One feature")
async def item(
    request: Asked,
    brain: TheBrain,
    name: FromPath[str],
    id: FromPath[str],  # noqa: A002
) -> Response[dict[str, Any]]:
    _only(request, set())
    async with brain.database.read() as session:
        element: Element = await service.require_element(session, id)
    if element.type != name:
        raise ElementUnknown("id", id=id)
    root, path = _root(request), f"/collections/{name}"
    feature: dict[str, Any] = service.as_geojson([element])["features"][0]
    links = [
        _link(root, "self", f"{path}/items/{id}", GEOJSON),
        _link(root, "collection", path),
    ]
    return Response({**feature, "links": links}, media_type=GEOJSON)


def ogc_router(brain: Brain) -> Router:
    """Return the routes under `/ogc`, to be mounted at the root or under the API."""
    return Router(
        path="/ogc",
        route_handlers=[landing, conformance, collections, one_collection, items, item],
        dependencies={"brain": Provide(lambda: brain, sync_to_thread=False)},
        tags=["ogc"],
    )

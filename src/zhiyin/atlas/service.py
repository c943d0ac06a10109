"""一张图:keep elements with their versions, find them, show them. Knows no HTTP."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from zhiyin.atlas import store
from zhiyin.atlas.exports import feature_of
from zhiyin.atlas.geography import gazetteer, middle_and_box
from zhiyin.atlas.imports import Reading
from zhiyin.atlas.model import Box, Element, ElementUnknown, Imported, Version

_ACTOR = "system:atlas"


async def seed(
    session: AsyncSession, elements: Iterable[Element], *, at: int, by: str = _ACTOR
) -> Imported:
    """Keep the packs' elements; seeding the same ones again makes no version.

    Of two elements with one id the later counts. Elements no pack names any more stay.
    Raises ValueError when a geometry is broken.
    """
    return await take(session, Reading(tuple(elements), ()), at=at, by=by)


async def take(session: AsyncSession, reading: Reading, *, at: int, by: str) -> Imported:
    """Keep what an import holds; its bad rows are handed on."""
    unique = {element.id: _placed(element) for element in reading.elements}
    told = await store.write(session, list(unique.values()), at=at, by=by)
    return Imported(told["created"], told["changed"], told["unchanged"], reading.bad)


async def put_element(session: AsyncSession, element: Element, *, at: int, by: str) -> Element:
    """Keep one element and return it with the version it now has."""
    await store.write(session, [_placed(element)], at=at, by=by)
    return await require_element(session, element.id)


async def remove_element(session: AsyncSession, id: str, *, at: int, by: str) -> None:  # noqa: A002
    """Take it off the map; its versions stay. ElementUnknown when it is not there."""
    row = await store.find(session, id)
    if row is None:
        raise ElementUnknown("id", id=id)
    await store.remove(session, row, at=at, by=by)


async def require_element(session: AsyncSession, id: str) -> Element:  # noqa: A002
    row = await store.find(session, id)
    if row is None:
        raise ElementUnknown("id", id=id)
    return store.element_of(row)


async def versions(session: AsyncSession, id: str) -> list[Version]:  # noqa: A002
    """Return every version, newest first, also of what was removed; ElementUnknown if none."""
    kept = await store.versions(session, id)
    if not kept:
        raise ElementUnknown("id", id=id)
    return kept


async def elements(
    session: AsyncSession,
    *,
    type: str | None = None,  # noqa: A002
    bbox: Box | None = None,
    area: str = "",
    q: str = "",
    limit: int | None = None,
    offset: int = 0,
) -> list[Element]:
    """Return elements on the map by id; `area` is a code, `q` any part of id or either name."""
    return await store.page(
        session, type=type, bbox=bbox, area=area, q=q, limit=limit, offset=offset
    )


def as_geojson(
    found: Sequence[Element],
    latest: Mapping[str, Any] | None = None,
    levels: Mapping[str, str | None] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return a FeatureCollection; `latest` and `levels` are by element id.

    `latest` is {property: {value, time, unit}}; a level is a key such as "orange" or None.
    """
    latest, levels = latest or {}, levels or {}
    features = [
        feature_of(element, latest=latest.get(element.id) or {}, level=levels.get(element.id))
        for element in found
    ]
    return {"type": "FeatureCollection", "features": features, **more}


def count_by_street(found: Iterable[Element]) -> dict[str, int]:
    """Return how many elements each street holds, by code; "" counts those outside."""
    return dict(Counter(element.area[:9] for element in found))


def _placed(element: Element) -> Element:
    """Return the element with the place its geometry gives, and its area when it says none."""
    if element.geometry:
        element = replace(element, place=middle_and_box(element.geometry)[0])
    if element.area:
        return element
    return replace(element, area=gazetteer().at(element.place).smallest)

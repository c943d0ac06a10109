"""一张图:tables of elements and of every version they ever had."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Select, String, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from zhiyin.atlas.geography import middle_and_box
from zhiyin.atlas.model import Box, Element, Geometry, Version
from zhiyin.cloud import Row
from zhiyin.kernel import Place

Outcome = Literal["created", "changed", "unchanged"]
Span = tuple[int | None, int | None]  # UTC milliseconds, None where open


class ElementRow(Row):
    """An element as it is now; `removed_at` set once it is off the map."""

    __tablename__ = "atlas_element"
    __table_args__ = (
        Index("atlas_element_by_type", "type", "id"),
        Index("atlas_element_by_place", "west", "east"),
        Index("atlas_element_by_area", "area"),
    )
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    type: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200), default="")
    lon: Mapped[float]
    lat: Mapped[float]
    west: Mapped[float]  # the box around the geometry, for map windows
    south: Mapped[float]
    east: Mapped[float]
    north: Mapped[float]
    geometry: Mapped[Geometry | None] = mapped_column(JSON(none_as_null=True))
    area: Mapped[str] = mapped_column(String(12), default="")
    fields: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    owner: Mapped[str] = mapped_column(String(100), default="")
    source: Mapped[str] = mapped_column(String(300), default="")
    precision_m: Mapped[float | None]
    valid_from: Mapped[int | None] = mapped_column(BigInteger)
    valid_to: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[int] = mapped_column(BigInteger)
    removed_at: Mapped[int | None] = mapped_column(BigInteger)


class ElementVersionRow(Row):
    """One version of an element, kept for ever; `content` is the element as it then was."""

    __tablename__ = "atlas_element_version"
    element: Mapped[str] = mapped_column(ForeignKey("atlas_element.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    since: Mapped[int] = mapped_column(BigInteger)
    by: Mapped[str] = mapped_column(String(120))
    removed: Mapped[bool] = mapped_column(default=False)


def content_of(element: Element) -> dict[str, Any]:
    """Return the columns that make an element what it is, without its version."""
    return {
        "type": element.type,
        "name": element.name,
        "name_en": element.name_en,
        "lon": element.place.lon,
        "lat": element.place.lat,
        "geometry": element.geometry,
        "area": element.area,
        "fields": dict(element.fields),
        "owner": element.owner,
        "source": element.source,
        "precision_m": element.precision_m,
        "valid_from": element.valid[0],
        "valid_to": element.valid[1],
    }


def element_from(id: str, version: int, content: dict[str, Any]) -> Element:  # noqa: A002
    rest = dict(content)
    place = Place(rest.pop("lon"), rest.pop("lat"))
    valid = (rest.pop("valid_from"), rest.pop("valid_to"))
    return Element(id=id, place=place, valid=valid, version=version, **rest)


def element_of(row: ElementRow) -> Element:
    content = {key: getattr(row, key) for key in _CONTENT}
    return element_from(row.id, row.version, content)


_CONTENT = tuple(content_of(Element(id="", type="", name="", place=Place(0, 0))))


_CHUNK = 400  # ids in one query; SQLite's oldest limit on variables is 999


async def write(
    session: AsyncSession, elements: Sequence[Element], *, at: int, by: str
) -> dict[Outcome, int]:
    """Keep the elements (ids all different); what is unchanged makes no version."""
    earlier = await _by_id(session, [element.id for element in elements])
    told: dict[Outcome, int] = {"created": 0, "changed": 0, "unchanged": 0}
    touched = []
    for element in elements:
        outcome, row = _put(earlier.get(element.id), element, at)
        told[outcome] += 1
        if outcome != "unchanged":
            session.add(row)
            touched.append(row)
    await session.flush()  # versions refer to their elements
    for row in touched:
        _keep(session, row, at=at, by=by)
    return told


async def _by_id(session: AsyncSession, ids: Sequence[str]) -> dict[str, ElementRow]:
    found = {}
    for start in range(0, len(ids), _CHUNK):
        query = select(ElementRow).where(ElementRow.id.in_(ids[start : start + _CHUNK]))
        found.update({row.id: row for row in await session.scalars(query)})
    return found


def _put(row: ElementRow | None, element: Element, at: int) -> tuple[Outcome, ElementRow]:
    # as JSON keeps it: what comes back must compare equal (tuples are lists, NaN is null)
    content: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(content_of(element)))
    if row and row.removed_at is None and content == content_of(element_of(row)):
        return "unchanged", row
    _, (west, south, east, north) = middle_and_box(element.shape)
    content |= {"west": west, "south": south, "east": east, "north": north}
    if row is None:
        fresh = ElementRow(id=element.id, version=1, created_at=at, changed_at=at, **content)
        return "created", fresh
    for key, value in content.items():
        setattr(row, key, value)
    row.version, row.changed_at, row.removed_at = row.version + 1, at, None
    return "changed", row


async def remove(session: AsyncSession, row: ElementRow, *, at: int, by: str) -> None:
    """Take it off the map as a version of its own; the row and its versions stay."""
    row.version, row.changed_at, row.removed_at = row.version + 1, at, at
    _keep(session, row, at=at, by=by)


def _keep(session: AsyncSession, row: ElementRow, *, at: int, by: str) -> None:
    session.add(
        ElementVersionRow(
            element=row.id,
            version=row.version,
            content=content_of(element_of(row)),
            since=at,
            by=by,
            removed=row.removed_at is not None,
        )
    )


async def find(session: AsyncSession, id: str) -> ElementRow | None:  # noqa: A002
    """Return the row of an element that is on the map."""
    row = await session.get(ElementRow, id)
    return row if row is not None and row.removed_at is None else None


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _filtered(
    query: Select[Any], kind: str | None, bbox: Box | None, area: str, q: str, valid: Span
) -> Select[Any]:
    row = ElementRow
    query = query.where(row.removed_at.is_(None))
    if kind:
        query = query.where(row.type == kind)
    if bbox:
        west, south, east, north = bbox
        query = query.where(row.west <= east, row.east >= west)
        query = query.where(row.south <= north, row.north >= south)
    start, end = valid
    if start is not None:
        query = query.where(or_(row.valid_to.is_(None), row.valid_to > start))
    if end is not None:
        query = query.where(or_(row.valid_from.is_(None), row.valid_from <= end))
    if area:
        query = query.where(row.area.startswith(area, autoescape=True))
    if q:
        like = _like(q)
        columns = (row.name, row.name_en, row.id)
        query = query.where(or_(*(column.ilike(like, escape="\\") for column in columns)))
    return query


async def page(
    session: AsyncSession,
    *,
    type: str | None = None,  # noqa: A002
    bbox: Box | None = None,
    area: str = "",
    q: str = "",
    valid: Span = (None, None),
    limit: int | None = None,
    offset: int = 0,
) -> list[Element]:
    """Return elements on the map, by id.

    `area` matches the code and every code under it; `bbox` the boxes it touches; `q` any part of
    id or name; `valid` the elements valid at some time from its start to its end, both included.
    """
    query = _filtered(select(ElementRow), type, bbox, area, q, valid).order_by(ElementRow.id)
    rows = await session.scalars(query.limit(limit).offset(offset))
    return [element_of(row) for row in rows]


async def count(
    session: AsyncSession,
    *,
    type: str | None = None,  # noqa: A002
    bbox: Box | None = None,
    area: str = "",
    q: str = "",
    valid: Span = (None, None),
) -> int:
    query = _filtered(select(func.count()).select_from(ElementRow), type, bbox, area, q, valid)
    return await session.scalar(query) or 0


async def types(session: AsyncSession) -> dict[str, int]:
    """Return how many elements of each type are on the map."""
    row = ElementRow
    query = select(row.type, func.count()).where(row.removed_at.is_(None)).group_by(row.type)
    found = await session.execute(query.order_by(row.type))
    return {str(kind): int(number) for kind, number in found}


async def versions(session: AsyncSession, id: str) -> list[Version]:  # noqa: A002
    """Return every version, newest first; empty when the element never was."""
    row = ElementVersionRow
    query = select(row).where(row.element == id).order_by(row.version.desc())
    return [
        Version(element_from(id, kept.version, kept.content), kept.since, kept.by, kept.removed)
        for kept in await session.scalars(query)
    ]

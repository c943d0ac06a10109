"""一张图:what areas and elements are, and what can be wrong about them. No store, no HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import msgspec

from zhiyin import cloud
from zhiyin.kernel import CallerFault, Clock, Place, Words

AreaKind = Literal["district", "street", "community"]
Box = tuple[float, float, float, float]  # west, south, east, north in degrees
Geometry = dict[str, Any]  # a GeoJSON geometry, longitude first


class Brain(Protocol):
    """What this room needs of the process that carries it.

    `latest_of` gives `{property: {value, time, unit}}` of a thing, `level_of` its open warning's
    level as a key (`"orange"`); both give None when there is nothing to say.
    """

    @property
    def database(self) -> cloud.Database: ...
    @property
    def clock(self) -> Clock: ...
    def latest_of(self, thing: str) -> dict[str, Any] | None: ...
    def level_of(self, thing: str) -> str | None: ...


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """One area of the national list of divisions; `place` is where its name stands."""

    code: str
    kind: AreaKind
    parent: str | None
    name: str
    place: tuple[float, float]
    precision_m: float
    source: str
    name_en: str = ""
    approximate: bool = True

    @property
    def short_name(self) -> str:
        """The name people say: 钟家村社区 for 钟家村社区居委会."""
        return self.name.removesuffix("居委会")


@dataclass(frozen=True, slots=True)
class Element:
    """Something that lasts (治理要素) with its place, fields and owner.

    `geometry` is GeoJSON in WGS-84; None means the point `place`. `area` is the code of the
    smallest area known for it, "" when outside the district. `valid` is [from, to) in UTC
    milliseconds, None where open. `version` counts from 1.
    """

    id: str
    type: str
    name: str
    place: Place
    name_en: str = ""
    geometry: Geometry | None = None
    area: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    owner: str = ""
    source: str = ""
    precision_m: float | None = None
    valid: tuple[int | None, int | None] = (None, None)
    version: int = 1

    @property
    def shape(self) -> Geometry:
        return self.geometry or {"type": "Point", "coordinates": [*self.place]}


@dataclass(frozen=True, slots=True)
class Version:
    """One kept version of an element; `removed` when this version took it off the map."""

    element: Element
    since: int
    by: str
    removed: bool


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row of an import that was kept apart: which, why in two languages, and what it said."""

    row: int
    reason: Words
    content: Any


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did; `unchanged` rows made no version."""

    created: int
    changed: int
    unchanged: int
    bad: tuple[BadRow, ...]


class ElementUnknown(CallerFault):
    """No element has this id."""

    code = "atlas-001"
    status = 404
    what = Words(
        "没有编号为 {id} 的治理要素,应是列表里的编号。",
        "There is no element {id}; it should be an id from the list.",
    )
    do = Words(
        "核对编号,或在 /elements?q= 里按名称找。", "Check the id, or search /elements?q= by name."
    )


class BoxUnreadable(CallerFault):
    """A bbox is not four ordered degrees."""

    code = "atlas-002"
    what = Words(
        "bbox 是“{text}”,应是 西,南,东,北 四个经纬度,且西≤东、南≤北。",
        "bbox is {text!r}; it should be west,south,east,north in degrees, west ≤ east, "
        "south ≤ north.",
    )
    do = Words("写成 114.1,30.4,114.3,30.6 的样子。", "Write it like 114.1,30.4,114.3,30.6.")


class PlaceOutOfRange(CallerFault):
    """A longitude or latitude is no place on Earth."""

    code = "atlas-003"
    what = Words(
        "坐标是 {lon},{lat},应是经度 −180…180、纬度 −90…90。",
        "The place is {lon},{lat}; it should be longitude −180…180, latitude −90…90.",
    )
    do = Words("核对经纬度的先后与小数点。", "Check the order and the decimal points.")


class ImportUnreadable(CallerFault):
    """A whole import cannot be read."""

    code = "atlas-004"
    status = 422
    what = Words(
        "导入的内容读不出来({problem}),应是 {wanted}。",
        "The import cannot be read ({problem}); it should be {wanted}.",
    )
    do = Words(
        "按导出文件的样子改好再导入。", "Make it look like an exported file and import again."
    )


class LayerUnknown(CallerFault):
    """The base map has no such layer."""

    code = "atlas-005"
    status = 404
    what = Words(
        "底图没有“{layer}”这一层,应是 {wanted} 之一。",
        "The base map has no layer {layer!r}; it should be one of {wanted}.",
    )
    do = Words("换成上面的层名。", "Use one of these names.")


class LimitOutOfRange(CallerFault):
    """A page is larger than is served, or starts before the first."""

    code = "atlas-006"
    what = Words(
        "{name} 是 {value},应在 {least} 到 {most} 之间。",
        "{name} is {value}; it should be between {least} and {most}.",
    )
    do = Words("改小一些,分页取。", "Ask for less, page by page.")


class AreaKindUnknown(CallerFault):
    """Areas are districts, streets and communities."""

    code = "atlas-007"
    what = Words(
        "kind 是“{kind}”,应是 district、street、community 之一。",
        "kind is {kind!r}; it should be district, street or community.",
    )
    do = Words("换成其中之一,或不写。", "Use one of these, or leave it out.")


class CollectionUnknown(CallerFault):
    """No elements of this type are there."""

    code = "atlas-008"
    status = 404
    what = Words(
        "没有“{collection}”这一类要素,应是 /ogc/collections 列出的。",
        "There is no collection {collection!r}; it should be one listed at /ogc/collections.",
    )
    do = Words("先取 /ogc/collections。", "Fetch /ogc/collections first.")


class ParameterUnknown(CallerFault):
    """A query parameter the resource does not have."""

    code = "atlas-009"
    what = Words(
        "参数“{name}”不认识,应是 {wanted} 之一。",
        "The parameter {name!r} is not known; it should be one of {wanted}.",
    )
    do = Words("去掉它,或改成上面的名字。", "Leave it out, or use one of these.")


class TimeUnreadable(CallerFault):
    """A datetime is neither an instant nor an interval."""

    code = "atlas-010"
    what = Words(
        "datetime 是“{text}”,应是 RFC 3339 时刻,或 起/止、../止、起/..。",
        "datetime is {text!r}; it should be an RFC 3339 instant, or start/end, ../end, start/...",
    )
    do = Words("写成 2026-11-23T06:00:00Z 的样子。", "Write it like 2026-11-23T06:00:00Z.")


def box_of(text: str) -> Box:
    """Read `west,south,east,north` (or the six numbers of a box with heights, which are dropped).

    Raises BoxUnreadable.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
        if len(numbers) == 6:
            numbers = [*numbers[:2], *numbers[3:5]]
        west, south, east, north = numbers
    except ValueError as fault:
        raise BoxUnreadable("bbox", text=text) from fault
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise BoxUnreadable("bbox", text=text)
    return west, south, east, north


def place_of(lon: float, lat: float) -> Place:
    """Return the place; PlaceOutOfRange when it is none (also for NaN)."""
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise PlaceOutOfRange("lon,lat", lon=lon, lat=lat)
    return Place(lon, lat)

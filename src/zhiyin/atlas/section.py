"""一张图 · `elements.yaml`: the things of a pack that lie on the map, each with its point."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from zhiyin import pack
from zhiyin.kernel import PackFault, Place, Words

Lon = Annotated[float, Meta(ge=-180, le=180)]
Lat = Annotated[float, Meta(ge=-90, le=90)]


class Element(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that lasts, at a WGS-84 (CGCS2000) point known to within `precision_m` metres.

    `source` says where the point comes from. One that is not `inside` the district is shown for
    comparison and opens no cases. Its readings come under its id, or under those of `devices`.
    """

    id: pack.Identifier
    type: pack.Key
    name: pack.Title
    at: tuple[Lon, Lat]
    precision_m: Annotated[float, Meta(gt=0)]
    source: Literal["surveyed", "published", "map", "approximate"] = "approximate"
    inside: bool = True
    fields: dict[pack.Key, str | float] = {}
    devices: tuple[pack.Identifier, ...] = ()

    @property
    def place(self) -> Place:
        return Place(*self.at)


class ElementsFile(Struct, frozen=True, forbid_unknown_fields=True):
    """`elements.yaml`: the elements of a pack."""

    elements: tuple[Element, ...]


class FieldUnknown(PackFault):
    """A field the type does not declare."""

    code = "atlas-021"
    what = Words(
        "类型 {type} 没有字段“{field}”;它有:{known}。",
        'Type {type} has no field "{field}"; it has: {known}.',
    )
    do = Words(
        "改名,或在 model.yaml 声明这个字段。", "Rename it, or declare the field in model.yaml."
    )


class FieldKindWrong(PackFault):
    """A field's value of another kind than declared."""

    code = "atlas-022"
    what = Words(
        "字段 {field} 的值“{value}”应是{should_zh}。",
        'Field {field} is "{value}"; it should be {should_en}.',
    )
    do = Words("改写这个值。", "Write the value so.")


_SHOULD = {"number": Words("数", "a number"), "choice": Words("所列之一", "one of its choices")}


def _check(file: ElementsFile, book: pack.Book) -> Iterator[pack.Remark]:
    ids = [one.id for one in file.elements]
    paths = [("elements", at, "id") for at in range(len(ids))]
    yield from pack.once("element", ids, paths)
    for at, one in enumerate(file.elements):
        yield from pack.known(book, "type", one.type, ("elements", at, "type"))
        type_: Any = book.find("type", one.type)
        if type_ is not None:
            yield from _check_fields(one, type_, ("elements", at, "fields"))


def _shown(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _check_fields(
    element: Element, type_: Any, path: tuple[str | int, ...]
) -> Iterator[pack.Remark]:
    for name, value in element.fields.items():
        field = type_.field(name)
        if field is None:
            fault = FieldUnknown(
                type=element.type, field=name, known=", ".join(type_.fields) or "—"
            )
            yield pack.remark((*path, name), fault)
        elif (field.type == "number") is isinstance(value, str) or (
            field.type == "choice" and value not in field.choices
        ):
            should = _SHOULD.get(field.type, Words("文字", "text"))
            wrong = FieldKindWrong(
                field=name, value=_shown(value), should_zh=should.zh, should_en=should.en
            )
            yield pack.remark((*path, name), wrong)


def _offers(file: ElementsFile) -> Iterator[tuple[str, str, object]]:
    for one in file.elements:
        yield "element", one.id, one


SECTION = pack.Section("elements.yaml", ElementsFile, _check, _offers)

"""一个湖 · `model.yaml`: the types of things a pack knows, with their fields and properties."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, Struct

from zhiyin import pack
from zhiyin.kernel import PackFault, Words, known_unit, parse_duration
from zhiyin.lake.limits import Limits
from zhiyin.lake.quality_section import Declared, QualitySection, RangeNotRising, limits_of
from zhiyin.lake.quality_section import check as check_quality

FieldKind = Literal["text", "number", "date", "choice"]


class Field(Struct, frozen=True, forbid_unknown_fields=True):
    """Something lasting about a thing: a capacity, a road; `choices` only for `choice`."""

    type: FieldKind
    title: pack.Title | None = None
    unit: str = "1"
    choices: tuple[str, ...] = ()


class Property(Struct, frozen=True, forbid_unknown_fields=True):
    """Something observed again and again about a thing.

    `range` is [floor, ceiling] in `unit`; a value outside is kept apart. `every` is how often one
    is due, `lateness` how late one may come and still be judged. A `derived` one comes in by no
    device: the watch room works it out. `quality` says how good a value is; all of it is
    marked, none is left out.
    """

    title: pack.Title
    range: tuple[float, float]
    every: pack.DurationText
    unit: str = "1"
    lateness: pack.DurationText = "0s"
    derived: bool = False
    quality: QualitySection | None = None

    @property
    def limits(self) -> Limits:
        """What the quality of its observations is judged by."""
        return limits_of(self.quality, self.unit, *self.range, self.every_ms, derived=self.derived)

    @property
    def every_ms(self) -> int:
        return parse_duration(self.every)

    @property
    def lateness_ms(self) -> int:
        return parse_duration(self.lateness)


class ThingType(Struct, frozen=True, forbid_unknown_fields=True):
    """One type of thing; a field may be written by its kind alone, `road: text`."""

    title: pack.Title
    properties: Annotated[dict[pack.Key, Property], Meta(min_length=1)]
    fields: dict[pack.Key, FieldKind | Field] = {}

    def field(self, name: str) -> Field | None:
        """Return the field, also when it is written by its kind alone; None when unknown."""
        found = self.fields.get(name)
        return Field(found) if isinstance(found, str) else found


class ModelFile(Struct, frozen=True, forbid_unknown_fields=True):
    """`model.yaml`: types by key."""

    types: dict[pack.Key, ThingType]


class UnitUnknown(PackFault):
    """A unit that cannot be converted to anything."""

    code = "lake-002"
    what = Words("单位“{unit}”不认识。", 'The unit "{unit}" is not known.')
    do = Words(
        "写成国际单位的符号,例如 m、m³/s、µg/m³。", "Write a symbol such as m, m³/s or µg/m³."
    )


class ChoicesMissing(PackFault):
    """A choice with nothing to choose from."""

    code = "lake-003"
    what = Words(
        "字段“{field}”是 choice,却没有 choices。", 'Field "{field}" is a choice without choices.'
    )
    do = Words("补上 choices: […]。", "Add choices: […].")


def _check(file: ModelFile, _: pack.Book) -> Iterator[pack.Remark]:
    for key, type_ in file.types.items():
        for name, one in type_.properties.items():
            path = ("types", key, "properties", name)
            floor, ceiling = one.range
            if floor >= ceiling:
                fault = RangeNotRising(floor=f"{floor:g}", ceiling=f"{ceiling:g}")
                yield pack.remark((*path, "range"), fault)
            if not known_unit(one.unit):
                yield pack.remark((*path, "unit"), UnitUnknown(unit=one.unit))
            elif one.quality is not None:
                declared = Declared(one.range, one.unit, one.derived)
                yield from check_quality(one.quality, declared, (*path, "quality"))
        for name, field in type_.fields.items():
            inner = ("types", key, "fields", name)
            if field == "choice" or (isinstance(field, Field) and field.type == "choice"):
                if isinstance(field, str) or not field.choices:
                    yield pack.remark(inner, ChoicesMissing(field=name))
            elif isinstance(field, Field) and not known_unit(field.unit):
                yield pack.remark((*inner, "unit"), UnitUnknown(unit=field.unit))


def _offers(file: ModelFile) -> Iterator[tuple[str, str, object]]:
    for key, type_ in file.types.items():
        yield "type", key, type_
        for name, one in type_.properties.items():
            yield "property", f"{key}.{name}", one


SECTION = pack.Section("model.yaml", ModelFile, _check, _offers)

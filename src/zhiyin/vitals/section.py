"""态势 · `indicators.yaml`: the numbers a pack measures the district by."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from zhiyin import pack
from zhiyin.kernel import PackFault, Words, factor, known_unit, parse_duration

How = Literal["max", "mean", "min", "sum", "count", "worst", "online"]


class Indicator(Struct, frozen=True, forbid_unknown_fields=True):
    """One number, worked out over the newest readings of all things of a type.

    `of` is `type.property`, or `*` for every series (only with `online`: the share of series, in
    %, whose newest reading is no older than three times its `every`). `over` takes the readings of
    the last so long instead of the newest. `minus` subtracts a number field of the thing first.
    `band` is where the number is as it should be; `vital` is its place on the wall, from 1.
    """

    indicator: pack.Key
    title: pack.Title
    of: Annotated[str, Meta(pattern=r"^(\*|[a-z0-9_]+\.[a-z0-9_]+)$", examples=["lake.level"])]
    how: How
    unit: str = "1"
    band: tuple[float | None, float | None] | None = None
    direction: Literal["low_is_good", "high_is_good", "middle_is_good"] = "low_is_good"
    over: pack.DurationText | None = None
    minus: pack.Key | None = None
    vital: Annotated[int, Meta(ge=1, le=12)] | None = None

    @property
    def over_ms(self) -> int | None:
        return parse_duration(self.over) if self.over else None


class IndicatorsFile(Struct, frozen=True, forbid_unknown_fields=True):
    """`indicators.yaml`: the indicators of a pack."""

    indicators: tuple[Indicator, ...]


class UnitUnfit(PackFault):
    """Units that measure different things."""

    code = "vitals-001"
    what = Words(
        "指标 {indicator} 的单位 {unit} 与 {of} 的单位 {should} 不相容。",
        "Indicator {indicator} is in {unit}, which does not fit {should}, the unit of {of}.",
    )
    do = Words("写成能换算的单位。", "Write a unit that can be turned into it.")


class StarOnlyOnline(PackFault):
    """A number over unlike things."""

    code = "vitals-002"
    what = Words(
        "of: '*' 只与 how: online 同用,这里是 {how}。",
        "of: '*' goes with how: online only; this is {how}.",
    )
    do = Words("写成 类型.属性,或 how: online。", "Write type.property, or how: online.")


class FieldUnfit(PackFault):
    """A subtraction of something that is no number."""

    code = "vitals-003"
    what = Words("类型 {type} 没有数字段“{field}”。", 'Type {type} has no number field "{field}".')
    do = Words("在 model.yaml 声明它,或改名。", "Declare it in model.yaml, or rename it.")


class BandNotRising(PackFault):
    """A band no value can lie in."""

    code = "vitals-004"
    what = Words("范围 {band} 的下限高于上限。", "The band {band} starts above its end.")
    do = Words("写成 [下限, 上限]。", "Write [lowest, highest].")


def _check(file: IndicatorsFile, book: pack.Book) -> Iterator[pack.Remark]:
    names = [one.indicator for one in file.indicators]
    paths = [("indicators", at, "indicator") for at in range(len(names))]
    yield from pack.once("indicator", names, paths)
    for at, one in enumerate(file.indicators):
        path = ("indicators", at)
        if one.band and None not in one.band and one.band[0] > one.band[1]:  # type: ignore[operator]
            yield pack.remark(
                (*path, "band"), BandNotRising(band=f"[{one.band[0]:g}, {one.band[1]:g}]")
            )
        if one.of == "*":
            if one.how != "online":
                yield pack.remark((*path, "of"), StarOnlyOnline(how=one.how))
            continue
        yield from pack.known(book, "property", one.of, (*path, "of"))
        if one.how not in {"online", "count"}:
            yield from _check_unit(one, book, path)
        yield from _check_minus(one, book, path)


def _check_unit(
    one: Indicator, book: pack.Book, path: tuple[str | int, ...]
) -> Iterator[pack.Remark]:
    unit = book.units().get(one.of)
    if unit is None or not known_unit(unit):
        return  # what the model says is its own room's to put right
    try:
        factor(unit, one.unit)
    except ValueError:
        fault = UnitUnfit(indicator=one.indicator, unit=one.unit, of=one.of, should=unit)
        yield pack.remark((*path, "unit"), fault)


def _check_minus(
    one: Indicator, book: pack.Book, path: tuple[str | int, ...]
) -> Iterator[pack.Remark]:
    type_: Any = book.find("type", one.of.partition(".")[0])
    if one.minus is None or type_ is None:
        return
    field = type_.field(one.minus)
    if field is None or field.type != "number":
        fault = FieldUnfit(type=one.of.partition(".")[0], field=one.minus)
        yield pack.remark((*path, "minus"), fault)


def _offers(file: IndicatorsFile) -> Iterator[tuple[str, str, object]]:
    for one in file.indicators:
        yield "indicator", one.indicator, one


SECTION = pack.Section("indicators.yaml", IndicatorsFile, _check, _offers)

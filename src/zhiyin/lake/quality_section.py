"""一个湖 · `quality:` of a property in `model.yaml`: its form, its check, its limits as numbers."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, NamedTuple

from msgspec import Meta, Struct

from zhiyin import pack
from zhiyin.kernel import SECOND, PackFault, Words, convert, parse_duration, parse_quantity
from zhiyin.lake.limits import HOURS, INFINITE, MONTHS, Flat, Limits, Near, Season, Span, Steps

Amount = str | float  # a quantity with its unit; a bare number where the unit is 1
Pair = tuple[float, float]
Month = Annotated[int, Meta(ge=1, le=MONTHS)]
Hour = Annotated[int, Meta(ge=0, lt=HOURS)]
GAP = 3  # times `every`


class StepsSection(Struct, frozen=True, forbid_unknown_fields=True):
    """Beyond `suspect` it is suspect, beyond `fail` it fails; a rate is written `0.1 m/min`."""

    suspect: Amount | None = None
    fail: Amount | None = None


class FlatSection(Struct, frozen=True, forbid_unknown_fields=True):
    """How long a value may differ by less than `tolerance`; 0: how long it may stay the same."""

    suspect: pack.DurationText | None = None
    fail: pack.DurationText | None = None
    tolerance: Amount = 0.0


class SeasonSection(Struct, frozen=True, forbid_unknown_fields=True):
    """What is usual in some months and hours (of the district's day); all, where none are named.

    Outside `range` it is suspect, outside `fail` it fails. The last season that fits counts.
    """

    range: Pair
    fail: Pair | None = None
    months: tuple[Month, ...] = ()
    hours: tuple[Hour, ...] = ()


class NeighbourSection(Struct, frozen=True, forbid_unknown_fields=True):
    """How much it may differ from the median of its like within a distance, `2km`."""

    within: str
    differs: Amount


class QualitySection(Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of the quality tests (QARTOD). Ranges are in the property's unit.

    `gross` is what the sensor can say, `range` where it is left out; outside `suspect` it is
    suspect. `gap` is how many times `every` may pass between two values; 0 switches the test off.
    """

    gross: Pair | None = None
    suspect: Pair | None = None
    climatology: tuple[SeasonSection, ...] = ()
    spike: StepsSection | None = None
    rate: StepsSection | None = None
    flat: FlatSection | None = None
    gap: Annotated[float, Meta(ge=0)] = GAP
    neighbour: NeighbourSection | None = None


def limits_of(
    section: QualitySection | None, unit: str, floor: float, ceiling: float, every: int, *,
    derived: bool = False,
) -> Limits:  # fmt: skip
    """Return a checked section as numbers; `every` in ms. What is not declared stays None.

    A derived property is judged by its value alone: its rows may be corrected.
    """
    one = section or QualitySection()
    values = Limits(
        gross=Span(*(one.gross or (floor, ceiling))),
        suspect=Span(*one.suspect) if one.suspect else None,
        climatology=tuple(_season(season) for season in one.climatology),
        ordered=not derived,
    )
    if derived:
        return values
    gap = round(one.gap * every)
    return values._replace(
        spike=_steps(one.spike, unit, amount), rate=_steps(one.rate, unit, per_second),
        flat=_flat(one.flat, unit), gap=gap, near=_near(one.neighbour, unit, gap or GAP * every),
    )  # fmt: skip


def amount(said: Amount, unit: str) -> float:
    """Read a quantity; ValueError when it has not a unit that fits."""
    return convert(parse_quantity(str(said)), unit)


def per_second(said: Amount, unit: str) -> float:
    """Read `0.1 m/min` or `0.1 m/10min`; ValueError when it is no quantity and duration."""
    quantity, _, span = str(said).rpartition("/")
    duration = parse_duration(span if span[:1].isdigit() else f"1{span}")
    if duration <= 0:
        raise ValueError(f"{said!r} is no rate")
    return amount(quantity, unit) * SECOND / duration


def _steps(
    section: StepsSection | None, unit: str, read: Callable[[Amount, str], float]
) -> Steps | None:
    if section is None:
        return None
    both = [INFINITE if one is None else read(one, unit) for one in (section.suspect, section.fail)]
    return Steps(*both)


def _flat(section: FlatSection | None, unit: str) -> Flat | None:
    if section is None:
        return None
    suspect, fail = (
        float(parse_duration(one)) if one else INFINITE for one in (section.suspect, section.fail)
    )
    return Flat(min(suspect, fail), fail, _tolerance(section.tolerance, unit))


def _tolerance(said: Amount, unit: str) -> float:
    return 0.0 if said in {0, "0"} else amount(said, unit)


def _season(section: SeasonSection) -> Season:
    return Season(
        section.months or tuple(range(1, MONTHS + 1)), section.hours or tuple(range(HOURS)),
        Span(*section.range), Span(*section.fail) if section.fail else Span(),
    )  # fmt: skip


def _near(section: NeighbourSection | None, unit: str, reach: int) -> Near | None:
    if section is None:
        return None
    return Near(amount(section.within, "m"), amount(section.differs, unit), reach)


class RangeNotRising(PackFault):
    """A range from which every value would fall out."""

    code = "lake-001"
    what = Words(
        "范围 [{floor}, {ceiling}] 的下限不低于上限。",
        "The range [{floor}, {ceiling}] does not rise from floor to ceiling.",
    )
    do = Words("写成 [下限, 上限]。", "Write [floor, ceiling].")


class LimitUnfit(PackFault):
    """A limit that cannot be compared with the values."""

    code = "lake-004"
    what = Words("“{said}”换算不成 {unit}。", '"{said}" cannot be turned into {unit}.')
    do = Words(
        "写成带单位的数,例如 {example}。", "Write a number with its unit, such as {example}."
    )


class LimitsCrossed(PackFault):
    """A value would fail that is not even suspect, or one never comes so far."""

    code = "lake-005"
    what = Words("{inner} 没有落在 {outer} 以内。", "{inner} does not lie within {outer}.")
    do = Words(
        "由宽到窄是:range、gross、suspect;suspect 的限值不大于 fail。",
        "From wide to narrow they are range, gross and suspect; suspect comes no later than fail.",
    )


class NoLimit(PackFault):
    """A test without a limit."""

    code = "lake-006"
    what = Words("{test} 没有写限值。", "{test} has no limit.")
    do = Words("写 suspect、fail 或两者,或删去它。", "Write suspect, fail or both, or remove it.")


class OrderOfDerived(PackFault):
    """A test in order of time for values that are corrected later."""

    code = "lake-007"
    what = Words(
        "{test} 要按时间先后比较,推算的(derived)属性会被改正,不能用。",
        "{test} compares in order of time; a derived property is corrected and cannot have it.",
    )
    do = Words("推算的属性只写 gross、suspect、climatology。",
               "Give a derived property gross, suspect and climatology only.")  # fmt: skip


class Declared(NamedTuple):
    """What the check has to know of the property."""

    range: Pair
    unit: str
    derived: bool


def check(section: QualitySection, of: Declared, path: tuple[str | int, ...]) -> Iterator[Any]:
    """Remark what is wrong in a `quality:` at `path`."""
    gross = section.gross or of.range
    if section.gross:
        yield from _inside((*path, "gross"), section.gross, of.range, "range")
    if section.suspect:
        yield from _inside((*path, "suspect"), section.suspect, gross, "gross")
    for at, season in enumerate(section.climatology):
        where = (*path, "climatology", at)
        yield from _inside((*where, "range"), season.range, season.fail or gross, "fail")
        if season.fail:
            yield from _inside((*where, "fail"), season.fail, of.range, "range")
    if of.derived:
        for name in ("spike", "rate", "flat", "neighbour"):
            if getattr(section, name) is not None:
                yield pack.remark((*path, name), OrderOfDerived(test=name))
        return
    unit = of.unit
    yield from _check_steps((*path, "spike"), section.spike, unit, amount, f"0.3 {unit}")
    yield from _check_steps((*path, "rate"), section.rate, unit, per_second, f"0.3 {unit}/min")
    if section.flat:
        flat = (*path, "flat")
        yield from _check_steps(flat, section.flat, "ms", _duration, "30min")
        yield from _check_amount(
            (*flat, "tolerance"), section.flat.tolerance, unit, _tolerance, f"0.01 {unit}"
        )
    if section.neighbour:
        near = section.neighbour
        yield from _check_amount((*path, "neighbour", "within"), near.within, "m", amount, "2km")
        yield from _check_amount(
            (*path, "neighbour", "differs"), near.differs, unit, amount, f"15 {unit}"
        )


def _duration(said: Amount, _unit: str) -> float:
    return parse_duration(str(said))


def _inside(
    path: tuple[str | int, ...], inner: Pair, outer: Pair, name: str
) -> Iterator[pack.Remark]:
    if inner[0] >= inner[1]:
        yield pack.remark(path, RangeNotRising(floor=f"{inner[0]:g}", ceiling=f"{inner[1]:g}"))
    elif inner[0] < outer[0] or inner[1] > outer[1]:
        spans = [f"[{low:g}, {high:g}]" for low, high in (inner, outer)]
        yield pack.remark(path, LimitsCrossed(inner=spans[0], outer=f"{name} {spans[1]}"))


def _check_amount(
    path: tuple[str | int, ...], said: Amount, unit: str,
    read: Callable[[Amount, str], float], example: str,
) -> Iterator[pack.Remark]:  # fmt: skip
    try:
        good = read(said, unit) >= 0
    except ValueError:
        good = False
    if not good:
        yield pack.remark(path, LimitUnfit(said=str(said), unit=unit, example=example))


def _check_steps(
    path: tuple[str | int, ...], section: StepsSection | FlatSection | None, unit: str,
    read: Callable[[Amount, str], float], example: str,
) -> Iterator[pack.Remark]:  # fmt: skip
    if section is None:
        return
    found: list[pack.Remark] = []
    said = [(name, getattr(section, name)) for name in ("suspect", "fail")]
    said = [(name, one) for name, one in said if one is not None]
    for name, one in said:
        found += _check_amount((*path, name), one, unit, read, example)
    yield from found
    if not said:
        yield pack.remark(path, NoLimit(test=str(path[-1])))
    elif len(said) > 1 and not found and read(said[0][1], unit) > read(said[1][1], unit):
        fault = LimitsCrossed(inner=f"suspect {said[0][1]}", outer=f"fail {said[1][1]}")
        yield pack.remark((*path, "suspect"), fault)

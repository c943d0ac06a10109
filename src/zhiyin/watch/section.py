"""The watch room's file in a pack, `rules.yaml`: its form, its checks, and the rules it makes."""

from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise
from typing import Literal

import msgspec

from zhiyin import pack
from zhiyin.kernel import (
    SECOND,
    WarningLevel,
    Words,
    convert,
    factor,
    parse_duration,
    parse_quantity,
)
from zhiyin.watch.aqi import POLLUTANTS
from zhiyin.watch.findings import (
    LEVELS,
    Finding,
    Where,
    empty,
    no_clears,
    no_date,
    no_duration,
    no_fit,
    no_level,
    not_rising,
    other_kind,
    too_deep,
    twice,
    unknown,
    unused,
)
from zhiyin.watch.model import Derive, Rule
from zhiyin.watch.threshold import tidy

NAN = float("nan")
Units = Callable[[str, str], str | None]


class Title(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sentence in both languages."""

    zh: str = msgspec.field(name="zh-CN", default="")
    en: str = ""

    @property
    def words(self) -> Words:
        return Words(self.zh or self.en, self.en or self.zh)


class RuleSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule as written; quantities and durations are text with their unit."""

    rule: str
    watches: str
    levels: dict[str, str | float] = {}
    kind: Literal["threshold", "silent"] = "threshold"
    direction: Literal["above", "below"] = "above"
    hold: str = msgspec.field(name="for", default="0s")
    clears: str | float = ""
    after: str = ""
    opens: dict[str, str] = {}
    says: Title = Title()
    valid_from: str = ""

    @property
    def watched(self) -> tuple[str, str]:
        """The type and the property watched."""
        type_, _, property_ = self.watches.partition(".")
        return type_, property_


class DeriveSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One derived series as written."""

    derive: str
    source: str = msgspec.field(name="from")
    gives: str
    kind: Literal["aqi"] = "aqi"
    every: Literal["1h", "1d"] = "1h"
    primary: str = ""


class RulesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of `rules.yaml`."""

    rules: list[RuleSection] = []
    derive: list[DeriveSection] = []


def rules_of(file: RulesFile, units: Units, owner: str, on: str = "9999-12-31") -> list[Rule]:
    """Return the rules in force on a day `YYYY-MM-DD`, quantities in the property's unit.

    Of several of one name the one with the latest `valid_from` up to that day is in force. Expects
    a file in which `check` found nothing; ValueError otherwise.
    """
    valid = [section for section in file.rules if section.valid_from <= on]
    newest = {one.rule: one for one in sorted(valid, key=lambda one: one.valid_from)}
    return [_rule(section, units, owner) for section in newest.values()]


def derives_of(file: RulesFile, owner: str) -> list[Derive]:
    return [
        Derive(
            key=one.derive,
            pack=owner,
            source=one.source,
            gives=one.gives,
            kind=one.kind,
            every=one.every,
            primary=one.primary,
        )
        for one in file.derive
    ]


def _check(file: RulesFile, book: pack.Book) -> Iterator[pack.Remark]:
    for path, code, what, do in check(file, book.property_unit):
        yield pack.Remark(path, code, what, do)


def check(file: RulesFile, units: Units) -> Iterator[Finding]:
    """Yield what cannot be: (path in the file, code, what is wrong, what to do)."""
    names: set[tuple[str, str]] = set()
    for number, section in enumerate(file.rules):
        path: Where = ("rules", number)
        if (section.rule, section.valid_from) in names:
            yield twice((*path, "rule"), section.rule)
        names.add((section.rule, section.valid_from))
        yield from _check_rule(path, section, units)
    for number, derive in enumerate(file.derive):
        yield from _check_derive(("derive", number), derive, units)


def _rule(section: RuleSection, units: Units, pack: str) -> Rule:
    type_, property_ = section.watched
    unit = units(type_, property_)
    if unit is None:
        raise ValueError(f"{section.watches} is no property of the pack's model")
    silent = section.kind == "silent"
    levels = section.levels or ({"blue": section.after} if silent else {})
    floors = [NAN] * len(WarningLevel)
    for key, text in levels.items():
        value = float(parse_duration(str(text))) if silent else amount(text, unit)
        floors[WarningLevel.of(key)] = value
    return Rule(
        key=section.rule,
        pack=pack,
        type=type_,
        property=property_,
        floors=(floors[0], floors[1], floors[2], floors[3], floors[4]),
        kind=section.kind,
        direction=section.direction,
        hold_ms=parse_duration((section.after or "0s") if silent else section.hold),
        clears=0.0 if silent else span(section.clears, unit),
        unit=unit,
        opens={WarningLevel.of(key): case for key, case in section.opens.items()},
        says=section.says.words,
    )


def amount(text: str | float, unit: str) -> float:
    """Return a quantity in `unit`, free of binary dust; ValueError when its unit does not fit."""
    return tidy(convert(parse_quantity(str(text)), unit))


def span(text: str | float, unit: str) -> float:
    """Return a difference in `unit`: 2 °F is 1.11 °C of it, wherever the scales start."""
    quantity = parse_quantity(str(text))
    return tidy(quantity.value * factor(quantity.unit, unit)[0])


def _check_rule(path: Where, section: RuleSection, units: Units) -> Iterator[Finding]:
    type_, property_ = section.watched
    unit = units(type_, property_)
    if unit is None:
        yield unknown((*path, "watches"), section.watches)
        return
    for key in ("levels", "opens"):
        for name in getattr(section, key):
            if name not in LEVELS:
                yield no_level((*path, key, name), name)
    yield from _check_opens(path, section)
    yield from _check_date((*path, "valid_from"), section.valid_from)
    if section.kind == "silent":
        yield from _check_silent(path, section)
    else:
        yield from _check_threshold(path, section, unit)


def _check_threshold(path: Where, section: RuleSection, unit: str) -> Iterator[Finding]:
    if section.after:
        yield other_kind((*path, "after"), "after", "silent")
    if not section.levels:
        yield empty((*path, "levels"), section.rule)
    yield from _check_duration((*path, "for"), section.hold)
    floors: list[tuple[str, float]] = []
    for key in (name for name in LEVELS if name in section.levels):
        try:
            floors.append((key, amount(section.levels[key], unit)))
        except ValueError:
            yield no_fit((*path, "levels", key), str(section.levels[key]), unit)
    sign = 1 if section.direction == "above" else -1
    yield from _check_rising(path, section, floors, sign)
    yield from _check_clears(path, section, floors, unit)


def _check_clears(
    path: Where, section: RuleSection, floors: list[tuple[str, float]], unit: str
) -> Iterator[Finding]:
    if section.clears == "":
        yield no_clears(path, section.rule)
        return
    try:
        clears = span(section.clears, unit)
    except ValueError:
        yield no_fit((*path, "clears"), str(section.clears), unit)
        return
    if clears <= 0:
        yield no_clears((*path, "clears"), section.rule)
    steps = [abs(high - low) for (_, low), (_, high) in pairwise(floors) if high != low]
    # two steps deep a red warning would outlast yellow's own floor: levels lose their meaning
    if steps and clears >= 2 * min(steps):
        yield too_deep((*path, "clears"), str(section.clears), min(steps), unit)


def _check_silent(path: Where, section: RuleSection) -> Iterator[Finding]:
    if section.clears != "":
        yield other_kind((*path, "clears"), "clears", "threshold")
    if section.hold != "0s":
        yield other_kind((*path, "for"), "for", "threshold")
    if not section.after and not section.levels:
        yield empty((*path, "levels"), section.rule)
    if section.after:
        yield from _check_duration((*path, "after"), section.after)
    floors: list[tuple[str, float]] = []
    for key in (name for name in LEVELS if name in section.levels):
        bad = list(_check_duration((*path, "levels", key), str(section.levels[key])))
        yield from bad
        if not bad:
            floors.append((key, parse_duration(str(section.levels[key])) / SECOND))
    yield from _check_rising(path, section, floors, 1)


def _check_rising(
    path: Where, section: RuleSection, floors: list[tuple[str, float]], sign: int
) -> Iterator[Finding]:
    for (low, below), (high, above) in pairwise(floors):
        if sign * above <= sign * below:
            here, there = section.levels[high], section.levels[low]
            yield not_rising((*path, "levels", high), section.rule, high, here, low, there, sign)


def _check_opens(path: Where, section: RuleSection) -> Iterator[Finding]:
    used = section.levels or ({"blue": ""} if section.kind == "silent" else {})
    for name in section.opens:
        if name in LEVELS and name not in used:
            yield unused((*path, "opens", name), name)


def _check_date(path: Where, text: str) -> Iterator[Finding]:
    try:
        good = not text or date.fromisoformat(text).isoformat() == text
    except ValueError:
        good = False
    if not good:
        yield no_date(path, text)


def _check_duration(path: Where, text: str) -> Iterator[Finding]:
    try:
        good = parse_duration(text) >= 0
    except ValueError:
        good = False
    if not good:
        yield no_duration(path, text)


def _check_derive(path: Where, derive: DeriveSection, units: Units) -> Iterator[Finding]:
    for name in POLLUTANTS:
        should = "mg/m³" if name == "co" else "µg/m³"
        unit = units(derive.source, name)
        if unit is None:
            yield unknown((*path, "from"), f"{derive.source}.{name}")
        elif not _same(unit, should):
            yield no_fit((*path, "from"), f"{derive.source}.{name}: {unit}", should)
    for key in ("gives", "primary"):
        name = getattr(derive, key)
        if name and units(derive.source, name) is None:
            yield unknown((*path, key), f"{derive.source}.{name}")


def _same(unit: str, should: str) -> bool:
    try:
        return tidy(factor(unit, should)[0]) == 1
    except ValueError:
        return False


SECTION = pack.Section("rules.yaml", RulesFile, _check)

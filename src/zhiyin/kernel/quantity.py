"""Quantities: a number with its unit, read from text such as `0.10 m`; units are those of pint."""

import re
from functools import cache
from typing import Any, NamedTuple

_FORM = re.compile(r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*$")


class Quantity(NamedTuple):
    """A value and its unit as written; `1` is the unit of a bare number."""

    value: float
    unit: str

    def __str__(self) -> str:
        return f"{self.value:g}" if self.unit == "1" else f"{self.value:g} {self.unit}"


@cache
def _registry() -> Any:
    import pint  # noqa: PLC0415  (half a second; only pack checks and replay need it)

    registry: Any = pint.UnitRegistry(autoconvert_offset_to_baseunit=True)
    registry.define("ppb = 1e-9")
    registry.define("level = 1")
    return registry


def parse_quantity(text: str) -> Quantity:
    """Read `0.10 m`, `27 µg/m³`, `5`; ValueError when there is no number in front."""
    match = _FORM.match(str(text))
    if not match:
        raise ValueError(f"{text!r} does not start with a number")
    return Quantity(float(match[1]), match[2] or "1")


@cache
def known_unit(unit: str) -> bool:
    if unit in {"1", ""}:
        return True
    try:
        _registry().parse_units(unit)
    except Exception:  # noqa: BLE001  (pint raises many kinds for text that is no unit)
        return False
    return True


@cache
def factor(unit: str, to: str) -> tuple[float, float]:
    """Return (scale, offset) with `to_value = value * scale + offset`.

    Raises ValueError when either unit is unknown or they measure different things.
    """
    if unit == to:
        return 1.0, 0.0
    if not (known_unit(unit) and known_unit(to)):
        raise ValueError(f"{unit!r} or {to!r} is no known unit")
    registry = _registry()
    one, other = unit if unit != "1" else "", to if to != "1" else ""
    try:
        zero = registry.Quantity(0.0, one).to(other).magnitude
        span = registry.Quantity(1.0, one).to(other).magnitude
    except Exception as fault:
        raise ValueError(f"{unit!r} cannot be turned into {to!r}") from fault
    return float(span - zero), float(zero)


def convert(quantity: Quantity, to: str) -> float:
    """Return the value in unit `to`; ValueError when the units do not fit."""
    scale, offset = factor(quantity.unit, to)
    return quantity.value * scale + offset

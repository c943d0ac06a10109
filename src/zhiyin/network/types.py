"""What packs say of the properties of each type of thing, as far as the register needs it."""

from collections.abc import Mapping

import msgspec


class PropertyType(msgspec.Struct, frozen=True):
    """A property of a type, as a pack declares it."""

    unit: str
    floor: float
    ceiling: float
    every: int
    lateness: int = 0
    boolean: bool = False
    derived: bool = False


Types = Mapping[str, Mapping[str, PropertyType]]

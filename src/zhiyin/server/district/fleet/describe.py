"""Turn the packs' files into a fleet: which devices there are, and what they read on a day."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from zhiyin.kernel import parse_duration
from zhiyin.server.district.describe import Files, curve_of, days_of, listed, types_of
from zhiyin.server.district.fleet.plan import PROTOCOLS, Identity, Kind, Quantity
from zhiyin.server.district.fleet.readings import Place


def fleet_of(packs: Sequence[Files], day: str) -> tuple[Kind, ...]:
    """Return the devices of field protocols that a day plays: the bound ones, and its fleets.

    A value that has no shape on that day and is not a place of a vehicle is not sent; a template
    of which nothing is sent has no devices.
    """
    wanted = {one["template"]: one for files in packs for one in _fleets(files, day)}
    types = {name: one for files in packs for name, one in types_of(files).items()}
    last: dict[str, int] = {}
    kinds = []
    for files in packs:
        bound = listed(files, "devices", "bound")
        for template in listed(files, "devices", "devices"):
            if template["by"] not in PROTOCOLS:
                continue
            own = wanted.get(template["device"], {})
            kind = Kind(
                template=template["device"], gateway=template["by"], type=template["for"],
                every_ms=parse_duration(own.get("every") or template["every"]),
                quantities=tuple(_quantities(packs, day, types, template)),
                count=own.get("count", 0), first=last.get(template["by"], 0) + 1,
                bound=tuple(_bound(bound, template["device"])),
                corrupt=own.get("corrupt", 0.0),
            )  # fmt: skip
            last[kind.gateway] = kind.first + kind.count - 1
            if kind.quantities:
                kinds.append(kind)
    return tuple(kinds)


def sized(kinds: Sequence[Kind], size: int) -> tuple[Kind, ...]:
    """Return the same fleet with `size` numbered devices in all, shared out as they were."""
    whole = sum(kind.count for kind in kinds)
    changed, given, so_far = [], 0, 0
    for kind in kinds:
        so_far += kind.count
        count = (size * so_far // whole if whole else 0) - given
        given += count
        changed.append(msgspec.structs.replace(kind, count=count))
    return tuple(changed)


def _fleets(files: Files, day: str) -> list[Any]:
    return list((days_of(files).get(day) or {}).get("fleets") or ())


def _bound(bound: Sequence[Mapping[str, Any]], template: str) -> Iterator[Identity]:
    for one in bound:
        if one["template"] == template and one.get("address"):
            yield Identity(one["device"], one["thing"], one["address"], one.get("key", ""))


def _quantities(
    packs: Sequence[Files], day: str, types: Mapping[str, Any], template: Mapping[str, Any]
) -> Iterator[Quantity]:
    for told, read in (template.get("reads") or {}).items():
        name = told.rpartition(".")[2]
        prop = read if isinstance(read, str) else read["property"]
        curve = curve_of(packs, day, types, template["for"], prop)
        if curve is not None:
            yield Quantity(name, prop, curve)
        elif template["by"] == "jt808" and name in Place._fields:
            yield Quantity(name, prop)

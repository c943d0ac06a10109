"""Turn the packs' files into the sensors the district plays: plain values in, plain values out.

Takes the files as they are written (parsed YAML); that they are right is for `zhiyin pack check`.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from zhiyin.kernel import DAY, HOUR, MINUTE, SECOND, CallerFault, Words, parse_duration
from zhiyin.server.district.plan import Curve, Pulse, Sensor

Files = Mapping[str, Any]  # model, devices, elements, demo: the value of each file of one pack
ORDINARY = "ordinary"


class DayUnknown(CallerFault):
    """No pack has the day asked for."""

    code = "server-101"
    what = Words("没有叫“{day}”的演示日;有:{known}。", "No demo day “{day}”; there are: {known}.")
    do = Words("选其中之一。", "Choose one of these.")


def read_packs(folders: Sequence[Path]) -> list[Files]:
    """Read of each pack's folder the four files the district needs; absent ones are empty."""
    return [
        {
            "model": _yaml(folder / "model.yaml"),
            "devices": _yaml(folder / "devices.yaml"),
            "elements": {"elements": list(_elements(folder))},
            "demo": _yaml(folder / "demo.yaml"),
        }
        for folder in folders
    ]


def describe(packs: Sequence[Files], day: str) -> list[Sensor]:
    """Return the sensors of all packs for one day; a pack without that day plays its ordinary one.

    A property without a shape has no sensor. Raises DayUnknown when no pack has the day.
    """
    _require_day(packs, day)
    sensors: dict[tuple[str, str], Sensor] = {}
    elements = [one for files in packs for one in listed(files, "elements", "elements")]
    types = {name: one for files in packs for name, one in types_of(files).items()}
    bound = {
        (one["thing"], one["template"]): one
        for files in packs
        for one in listed(files, "devices", "bound")
    }
    for files in packs:
        for device in listed(files, "devices", "devices"):
            if device["by"] not in {"mqtt", "http"}:
                continue  # comes in by replay or by a protocol of its own
            mine = [one for one in elements if one["type"] == device["for"]]
            for element in mine:
                binding = bound.get((element["id"], device["device"]), {})
                for one in _sensors(packs, day, types, device, element["id"], binding):
                    sensors[one.thing, one.property] = one
    return list(sensors.values())


def start_of(packs: Sequence[Files], day: str) -> int:
    """Return the time of day (ms, UTC+8) at which the day starts, by the first pack that has it."""
    _require_day(packs, day)
    return next(time_of_day(days[day]["starts"]) for days in map(days_of, packs) if day in days)


def time_of_day(text: str) -> int:
    """Read `14:20` or `14:20:30` to milliseconds of the day."""
    hours, minutes, seconds = (*map(int, text.split(":")), 0)[:3]
    return (hours * HOUR + minutes * MINUTE + seconds * SECOND) % DAY


def _sensors(
    packs: Sequence[Files],
    day: str,
    types: Mapping[str, Any],
    device: Mapping[str, Any],
    thing: str,
    binding: Mapping[str, Any],
) -> Iterator[Sensor]:
    said = {name: word for word, name in (binding.get("renames") or {}).items()}
    for name in device["properties"]:
        shapes = _shapes(packs, day, device["for"], name, thing)
        told = types.get(device["for"], {}).get("properties", {}).get(name)
        if told is None or not shapes:
            continue
        yield Sensor(
            thing=binding.get("device", thing),
            type=device["for"],
            property=said.get(name, name),
            every_ms=parse_duration(device.get("every") or told["every"]),
            by="mqtt" if device["by"] == "mqtt" else "http",
            shape=_curve(shapes, told.get("range") or (None, None)),
            steady=any(one.get("things") and one.get("pulse") for one in shapes),
        )


def curve_of(
    packs: Sequence[Files], day: str, types: Mapping[str, Any], type_: str, name: str
) -> Curve | None:
    """Return how a property of a type runs over a day, None when nothing says it."""
    shapes = _shapes(packs, day, type_, name, "")
    told = types.get(type_, {}).get("properties", {}).get(name)
    return _curve(shapes, told.get("range") or (None, None)) if shapes and told else None


def _shapes(
    packs: Sequence[Files], day: str, type_: str, name: str, thing: str
) -> list[Mapping[str, Any]]:
    """Return the shapes that hold: naming the thing, or of its type; else the ordinary day's."""
    for wanted in (day, ORDINARY):
        shapes = [
            one
            for files in packs
            for one in (days_of(files).get(wanted) or {}).get("shapes", ())
            if one["type"] == type_ and one["property"] == name
        ]
        named = [one for one in shapes if thing in (one.get("things") or ())]
        general = [one for one in shapes if not one.get("things")]
        if named or general:
            return named or general
    return []


def _curve(shapes: Sequence[Mapping[str, Any]], span: Sequence[float | None]) -> Curve:
    """Make one curve of the shapes of one property: the last one's base, and all their pulses."""
    last = shapes[-1]
    base, daily = last.get("base", 0.0), last.get("daily") or {}
    low, high = base if isinstance(base, list | tuple) else (base, base)
    pulses = tuple(_pulse(one["pulse"]) for one in shapes if one.get("pulse"))
    floor, ceiling = span
    return Curve(
        low=low,
        high=high,
        amplitude=daily.get("amplitude", 0.0),
        peak_ms=time_of_day(daily.get("peak", "00:00")),
        noise=last.get("noise", 0.0),
        pulses=pulses,
        floor=floor,
        ceiling=ceiling,
        decimals=_decimals(last, floor, ceiling),
    )


def _pulse(told: Mapping[str, Any]) -> Pulse:
    low, high = told["height"]
    return Pulse(
        at_ms=time_of_day(told["at"]),
        rise_ms=parse_duration(told["rise"]),
        hold_ms=parse_duration(told["hold"]),
        fall_ms=parse_duration(told["fall"]),
        low=low,
        high=high,
        spread_ms=parse_duration(told.get("spread", "0s")),
    )


def _decimals(shape: Mapping[str, Any], floor: float | None, ceiling: float | None) -> int:
    """Return how many decimals such an instrument shows: about one in 10,000 of its range.

    A shape with whole base and heights and without noise or daily wave is a count: none.
    """
    levels = [shape.get("base", 0), *(shape.get("pulse") or {}).get("height", ())]
    smooth = shape.get("noise") or shape.get("daily")
    if not smooth and all(isinstance(one, int) for one in levels):
        return 0
    if floor is None or ceiling is None or ceiling <= floor:
        return 2
    return max(0, min(3, 4 - math.ceil(math.log10(ceiling - floor))))


def _require_day(packs: Sequence[Files], day: str) -> None:
    known = {name for files in packs for name in days_of(files)}
    if day not in known:
        raise DayUnknown(day=day, known=", ".join(sorted(known)) or "-")


def days_of(files: Files) -> dict[str, Any]:
    return (files.get("demo") or {}).get("days") or {}


def types_of(files: Files) -> dict[str, Any]:
    return (files.get("model") or {}).get("types") or {}


def listed(files: Files, file: str, key: str) -> list[Any]:
    return (files.get(file) or {}).get(key) or []


def _yaml(file: Path) -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load(file) or {} if file.exists() else {}


def _elements(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield id and type of every element, from elements.yaml and elements/*.geojson."""
    for one in _yaml(folder / "elements.yaml").get("elements") or ():
        yield {"id": one["id"], "type": one["type"]}
    for file in sorted((folder / "elements").glob("*.geojson")):
        for feature in json.loads(file.read_text("utf-8"))["features"]:
            told = feature["properties"]
            yield {"id": told.get("id") or feature["id"], "type": told["type"]}

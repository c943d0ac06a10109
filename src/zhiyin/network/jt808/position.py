"""The position of JT/T 808 §8.12: its bits, its items, and the readings it brings.

Readings are made from the bytes, without the fields: it is the hot path of the gateway.
"""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from struct import Struct as Packed
from typing import Any, NamedTuple

from zhiyin.network.frame import FrameFault, Happening, Reading
from zhiyin.network.jt808.parameters import Kind, load_kinds
from zhiyin.network.jt808.values import millis
from zhiyin.network.model import Reason

GROUP = "0200"
SIZE = 28
ACC, LOCATED, SOUTH, WEST, ENCRYPTED = 1, 2, 4, 8, 32
ALARM_HAPPENINGS = ("emergency", "collision", "rollover", "illegal_door")

FIXED = Packed(">IIIIHHH")
_READ_ITEMS = {0x01, 0x02, 0x03, 0x06, 0x2A, 0x30, 0x31}


@cache
def items() -> dict[int, Kind]:
    """Return the additional items of the standard, by id."""
    return load_kinds("items.csv")


class Bit(NamedTuple):
    """One bit of the alarm or the status word."""

    bit: int
    name: str
    title: str


@cache
def bits(word: str) -> tuple[Bit, ...]:
    """Return the bits of `alarm` or `status` that have a name."""
    rows = files(__package__).joinpath("bits.csv").read_text(encoding="utf-8").splitlines()
    return tuple(
        Bit(int(row["bit"]), row["name"], row["title"])
        for row in csv.DictReader(rows)
        if row["word"] == word
    )


@cache
def _quick() -> dict[int, tuple[str, int, bool, str]]:
    """Items that become readings: id and length → name, divisor, signed, unit."""
    return {
        key << 8 | kind.size: (kind.name, round(1 / kind.scale), kind.signed, kind.unit)
        for key, kind in items().items()
        if key in _READ_ITEMS
    }


class Mapped(NamedTuple):
    """One value that a vendor packs into an item: a bit, or a number with a scale."""

    name: str
    size: int  # bytes that the whole item has; 0: any
    start: int
    width: int
    bit: int  # -1: a number
    scale: float
    unit: str


class Wanted(NamedTuple):
    """What a device's settings say about its positions."""

    mapped: Mapping[int, tuple[Mapped, ...]] = {}
    bits: tuple[tuple[int, int, str], ...] = ()  # word (0 alarm, 1 status), bit, name
    alarms: tuple[Bit, ...] = ()


def _mapped(said: Mapping[str, Any]) -> Mapped:
    size, start = int(said.get("bytes", 0)), int(said.get("at", 0))
    width = int(said.get("width", size - start if size else 0))
    bit = int(said["bit"]) if "bit" in said else -1
    scale, unit = float(said.get("scale", 1)), str(said.get("unit", ""))
    return Mapped(str(said["name"]), size, start, width, bit, scale, unit)


def wanted(settings: Mapping[str, Any]) -> Wanted:
    """Read the settings `items`, `bits` and `alarm_happenings`; ValueError for what is none.

    `items`: {"E1": {"name": "cover", "bytes": 1, "bit": 0}} or `scale` and `unit`, with `at` and
    `width` (bytes) for a part of the item; a list of these for several values in one item.
    `bits`: names of status bits, or of alarm bits with `alarm_` before them, that are readings.
    `alarm_happenings`: names or numbers of the alarm bits whose rise is a happening.
    """
    said = settings.get("items") or {}
    found = {
        int(str(key), 16): tuple(
            _mapped(one) for one in (value if isinstance(value, list) else [value])
        )
        for key, value in said.items()
    }
    names = {f"alarm_{bit.name}": (0, bit.bit, f"alarm_{bit.name}") for bit in bits("alarm")}
    names |= {bit.name: (1, bit.bit, bit.name) for bit in bits("status")}
    chosen = tuple(names[str(name)] for name in settings.get("bits") or ())
    rising = {str(one) for one in settings.get("alarm_happenings", ALARM_HAPPENINGS) or ()}
    alarms = tuple(bit for bit in bits("alarm") if rising & {bit.name, str(bit.bit)})
    return Wanted(found, chosen, alarms)


class Seen(NamedTuple):
    """What the readings of a position leave over for whoever follows the alarms."""

    alarm: int
    time: int
    place: tuple[float, float] | None


def signed(status: int, lat: int, lon: int) -> tuple[float, float]:
    """Return degrees, negative in the south and in the west."""
    return (-lat if status & SOUTH else lat) / 1e6, (-lon if status & WEST else lon) / 1e6


def readings_of(body: bytes, at: int, end: int, want: Wanted, out: list[Reading]) -> Seen:
    """Add the readings of one position to `out`; FrameFault when it is none."""
    if end - at < SIZE:
        raise FrameFault(Reason.LENGTH, f"the position has {end - at} bytes; it should have 28")
    alarm, status, lat, lon, altitude, speed, direction = FIXED.unpack_from(body, at)
    time = millis(body, at + 22)
    place = None
    located = bool(status & LOCATED)
    if located and not status & ENCRYPTED:
        north, east = signed(status, lat, lon)
        out.append(Reading(GROUP, "lat", time, north, "°"))
        out.append(Reading(GROUP, "lon", time, east, "°"))
        if lat <= 90_000_000 and lon <= 180_000_000:
            place = (east, north)
    load = status >> 8 & 3
    out += (
        Reading(GROUP, "altitude", time, altitude, "m"),
        Reading(GROUP, "speed", time, speed / 10, "km/h"),
        Reading(GROUP, "direction", time, direction, "°"),
        Reading(GROUP, "acc", time, bool(status & ACC)),
        Reading(GROUP, "located", time, located),
        Reading(GROUP, "load", time, load),
    )
    for word, bit, name in want.bits:
        out.append(Reading(GROUP, name, time, bool((status if word else alarm) >> bit & 1)))
    _item_readings(body, at + SIZE, end, time, want, out)
    return Seen(alarm, time, place)


def _item_readings(
    body: bytes, at: int, end: int, time: int, want: Wanted, out: list[Reading]
) -> None:
    quick, mapped = _quick(), want.mapped
    while at + 2 <= end:
        item, size = body[at], body[at + 1]
        start, at = at + 2, at + 2 + size
        if at > end:
            return
        known = quick.get(item << 8 | size)
        if known:
            name, divisor, signed, unit = known
            number = int.from_bytes(body[start:at], "big", signed=signed)
            value = number / divisor if divisor > 1 else number
            out.append(Reading(GROUP, name, time, value, unit))
        if item in mapped:
            _mapped_readings(body[start:at], time, mapped[item], out)


def _mapped_readings(data: bytes, time: int, specs: tuple[Mapped, ...], out: list[Reading]) -> None:
    for one in specs:
        if one.size and one.size != len(data):
            continue
        part = data[one.start : one.start + one.width] if one.width else data[one.start :]
        number = int.from_bytes(part, "big")
        value = bool(number >> one.bit & 1) if one.bit >= 0 else number * one.scale
        out.append(Reading(GROUP, one.name, time, value, one.unit))


def risen(seen: Seen, before: int, want: Wanted) -> list[Happening]:
    """Return one happening for each alarm bit that is set and was not `before`."""
    fresh = seen.alarm & ~before
    return [
        Happening("alarm", seen.time, bit.name, seen.place, {"alarm": bit.name, "title": bit.title})
        for bit in want.alarms
        if fresh >> bit.bit & 1
    ]

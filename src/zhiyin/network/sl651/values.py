"""The readings in the body of a report of SL 651-2014 (6.6.4, annexes C and E)."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from zhiyin.network.frame import Happening, Reading
from zhiyin.network.sl651 import tables, times
from zhiyin.network.sl651.body import (
    CLASS,
    HEAD,
    OF_PARAMETERS,
    SERIES,
    ST,
    STEP,
    TAIL,
    TT,
    Group,
    groups,
    malformed,
)
from zhiyin.network.sl651.numbers import number

FIVE_MINUTES = 300_000
DAY, HOUR, MINUTE = 86_400_000, 3_600_000, 60_000
GATE_STATES = frozenset({444.0, 555.0, 888.0, 999.0})  # shut, none, above water, open (E.3.2.2)
_POWERS = tuple(10**n for n in range(8))
_SILENT = frozenset({"text", "picture", "rest", "step", "time", "station"})


class Station(NamedTuple):
    """What one station of a report says; mostly a report is of one."""

    address: str
    readings: list[Reading]


class Said(NamedTuple):
    """What a report says: its stations, and in words what of it could not be read."""

    stations: list[Station]
    unread: list[str]

    def of(self, address: str) -> list[Reading]:
        """Return where the readings of the station go that is spoken of from here on."""
        if self.stations[-1].address != address:
            self.stations.append(Station(address, []))
        return self.stations[-1].readings


@cache
def _kinds() -> dict[int, tuple[str, str, str]]:
    return {lead: (one.kind, one.name, one.unit) for lead, one in tables.elements().items()}


def said(
    body: bytes, function: int, station: str, settings: Mapping[str, Any] | None = None
) -> Said:
    """Return what each station of a report says.

    `settings["datum"]` (m, or one for each of DRZ1 to DRZ8) is added to relative levels.
    FrameFault when the body breaks off or a value has no time.
    """
    found = Said([Station(station, [])], [])
    if function in OF_PARAMETERS:
        return found
    group, kinds, into = f"{function:02X}", _kinds(), found.stations[0].readings
    time, step = 0, 0
    for one in groups(body, function):  # written for speed: each report passes here
        lead, definition, start, stop = one
        if lead == TT:
            time = time_of(body[start:stop], start)
            continue
        if lead == ST:
            into, time = found.of(body[start:stop].hex().upper()), 0
            continue
        if lead in {STEP, CLASS}:
            step = step_of(body[start:stop]) if lead == STEP else step
            continue
        time = time or sent(body)
        kind, name, unit = kinds.get(lead) or ("", "", "")
        if kind == "number" and definition < SERIES:
            digits = body[start:stop].hex()
            if digits.isdecimal():
                value = int(digits) / _POWERS[definition & 7]
                into.append(Reading(group, name, time, value, unit))
                continue
        try:
            for at, label, value, of in _read(body, one, time, step, function, settings or {}):
                into.append(Reading(group, label, at, value, of))
        except ValueError as fault:
            found.unread.append(f"{name or tables.name_of(lead)} at body byte {start}: {fault}")
    return found


_Value = tuple[int, str, float | bool, str]  # UTC ms, name, value, unit


def _read(
    body: bytes, one: Group, time: int, step: int, function: int, settings: Mapping[str, Any]
) -> Iterator[_Value]:
    """Yield the values of one group; ValueError for what is no value and not marked invalid."""
    lead, definition, start, stop = one
    data = body[start:stop]
    if lead == TAIL:
        yield from ((time, *item) for item in tail(function, data))
        return
    kind, name, unit = _kinds().get(lead) or ("", tables.name_of(lead), "")
    if definition >= SERIES:
        for at, each in _series(data, definition, kind):
            yield time + at * step, name, each, unit
    elif kind in {"rains", "levels"}:
        yield from hour(data, name, unit, time, settings)
    elif kind == "state":
        for label, on in states(data):
            yield time, label, on, ""
    elif kind not in _SILENT:
        value = _number(data, definition, kind)
        if value is not None:
            yield time, name, value, unit


def _series(data: bytes, definition: int, kind: str) -> Iterator[tuple[int, float]]:
    """Yield the place in the series and the value of each that is there."""
    size = definition >> 3 & 31
    if not size or len(data) % size:
        raise ValueError(f"{len(data)} bytes of values; they should be {size} each")
    for n in range(0, len(data), size):
        value = _number(data[n : n + size], definition, kind)
        if value is not None:
            yield n // size, value


def _number(data: bytes, definition: int, kind: str) -> float | None:
    value = number(data, definition & 7)
    if value is None:
        return None
    if isinstance(value, str) and value.startswith("0x"):
        if not kind:  # an element of the user's own need not be a number
            return None
        raise ValueError(f"{data.hex().upper()} has digits that are none; BCD should stand here")
    return worth(float(value), kind)


def worth(value: float, kind: str) -> float | None:
    """Return what a number is worth: a duration HH.mm in hours; no height for a gate's state."""
    if kind == "duration":
        hours, minutes = divmod(round(value * 100), 100)
        return hours + minutes / 60
    return None if kind == "gate" and value in GATE_STATES else value


def hour(
    data: bytes, name: str, unit: str, time: int, settings: Mapping[str, Any]
) -> Iterator[_Value]:
    """Yield the values of an hour, one each 5 minutes from `time`; FF is none (table C.1)."""
    datum = _datum(settings, name)
    for n, value in enumerate(hour_values(data, name)):
        if value is not None:
            level = round(value + datum, 3) if datum else value
            yield time + n * FIVE_MINUTES, name, level, unit


def hour_values(data: bytes, name: str) -> list[float | None]:
    """Return the values of a DRP (mm) or DRZ (m) group; None where FF says there is none."""
    width, most, scale = (1, 0xFF, 10) if name == "DRP" else (2, 0xFFFF, 100)
    if len(data) % width:
        raise ValueError(f"{len(data)} bytes; {width} each should stand here")
    numbers = [int.from_bytes(data[n : n + width]) for n in range(0, len(data), width)]
    return [None if value == most else value / scale for value in numbers]


def _datum(settings: Mapping[str, Any], name: str) -> float:
    datum = settings.get("datum", 0) if name != "DRP" else 0
    if isinstance(datum, list):
        number = int(name[3:]) - 1
        datum = datum[number] if number < len(datum) else 0
    return float(datum) if isinstance(datum, int | float) else 0.0


def states(data: bytes) -> Iterator[tuple[str, bool]]:
    """Yield the bits of the state word by name (table 58); a name without doubt: true is so."""
    word = int.from_bytes(data)
    for bit, code in tables.codes("state").items():
        on = bool(word >> bit & 1)
        yield code.name.lstrip("!"), on != code.name.startswith("!")


def tail(function: int, data: bytes) -> Iterator[tuple[str, float | bool, str]]:
    """Yield what stands without identifiers in 4C to 50 (tables 71, 74, 77, 80 and 82)."""
    if function in {0x4C, 0x4D}:
        what = "pump" if function == 0x4C else "valve"
        for n, on in enumerate(switches(data)):
            yield f"{what}_{n + 1}", on, ""
    elif function == 0x4E:
        opened, openings = gates(data)
        for n, on in enumerate(opened):
            yield f"gate_{n + 1}", on, ""
        for n, height in enumerate(openings):
            if height is not None:
                yield f"gate_{n + 1}_opening", height, "cm"
    elif function == 0x4F and data in {b"\x00", b"\xff"}:
        yield "quota_control", data == b"\xff", ""
    elif function == 0x50:
        for n in range(0, len(data) - 1, 2):
            yield f"ERC{n // 2 + 1}", float(int.from_bytes(data[n : n + 2])), ""


def switches(data: bytes) -> list[bool]:
    """Return which of the pumps or valves are on; the first byte counts those that follow."""
    if not data or len(data) != data[0] + 1:
        raise ValueError(f"{len(data)} bytes of switches; the first should count the others")
    return [bool(byte >> bit & 1) for byte in data[1:] for bit in range(8)]


def gates(data: bytes) -> tuple[list[bool], list[float | None]]:
    """Return which gates are open, and how far (cm)."""
    count = data[0] if data else 0
    flags = (count + 7) // 8
    rest = data[1 + flags :]
    if not count or len(data) < 1 + flags or len(rest) not in {0, 2 * count}:
        raise ValueError(f"{len(data)} bytes of gates; a count, its bits and 2 bytes each")
    opened = [bool(data[1 + n // 8] >> n % 8 & 1) for n in range(count)]
    heights = [number(rest[n : n + 2], 0) for n in range(0, len(rest), 2)]
    if any(isinstance(height, str) for height in heights):
        raise ValueError(f"{rest.hex().upper()} has openings that are no BCD")
    return opened, [None if height is None else float(height) for height in heights]


def picture(data: bytes, time: int) -> Happening:
    """Return the happening of a picture (36H)."""
    kind = "image/jpeg" if data[:2] == b"\xff\xd8" else "application/octet-stream"
    return Happening("picture", time, picture=data, picture_type=kind)


def step_of(data: bytes) -> int:
    """Return the time step in ms: a byte each of days, hours and minutes (table C.3)."""
    digits = data.hex()
    if len(digits) != 6 or not digits.isdecimal():
        raise malformed(HEAD, f"time step {digits.upper()}; it should be 3 BCD bytes")
    return int(digits[:2]) * DAY + int(digits[2:4]) * HOUR + int(digits[4:]) * MINUTE


def time_of(data: bytes, at: int) -> int:
    try:
        return times.millis(data.hex())
    except ValueError as fault:
        raise malformed(at, f"observation time {fault}") from fault


def sent(body: bytes) -> int:
    try:
        return times.millis(body[2:8].hex())
    except ValueError as fault:
        raise malformed(2, f"values without a time, and time of sending {fault}") from fault

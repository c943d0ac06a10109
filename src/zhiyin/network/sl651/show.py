"""The body of a HEX/BCD frame as fields with their standard names (SL 651-2014, 6.6).

`part` of a field is its identifier as transmitted; a field that only explains another has the
name of that one as `part` and is not written back.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from zhiyin.network.frame import Field, FrameFault
from zhiyin.network.model import Reason
from zhiyin.network.sl651 import tables, times, values
from zhiyin.network.sl651.body import (
    CLASS,
    HEAD,
    OF_PARAMETERS,
    PERIOD,
    SERIES,
    ST,
    TAIL,
    TT,
    Group,
    groups,
)
from zhiyin.network.sl651.numbers import number
from zhiyin.network.sl651.write import gates_packed

DURATION = "HH.mm"  # how table C.1 writes a duration; readings have it in hours


def fields_of(body: bytes, function: int, *, down: bool) -> list[Field]:
    """Return the fields of a whole body; FrameFault when it breaks off."""
    if len(body) < HEAD:
        raise FrameFault(
            Reason.MALFORMED, f"body has {len(body)} bytes; serial number and time are {HEAD}"
        )
    told = start_of(body)
    for group in groups(body, function, down=down):
        told.extend(_fields(body, group, function))
    return told


def start_of(body: bytes) -> list[Field]:
    """Return serial number and time of sending, which begin each body."""
    return [
        Field("serial", int.from_bytes(body[:2]), title="流水号"),
        Field("time", times.shown(body[2:HEAD].hex()), title="发报时间"),
    ]


def _fields(body: bytes, group: Group, function: int) -> Iterator[Field]:
    lead, definition, start, stop = group
    data = body[start:stop]
    digits = data.hex()
    if lead == CLASS:
        known = tables.codes("class").get(data[0])
        yield Field("class", known.name if known else f"0x{digits}", title="遥测站分类码")
    elif lead == PERIOD:
        yield Field("from", times.shown(digits[:8]), title="起始时间")
        yield Field("to", times.shown(digits[8:]), title="结束时间")
    elif lead == TAIL:
        yield from _tail(function, data)
    elif lead in {ST, TT} and definition == lead:
        title = tables.elements()[lead].zh
        value = digits.upper() if lead == ST else times.shown(digits)
        yield Field(tables.name_of(lead), value, title=title, part=f"{lead:02X}{lead:02X}")
    else:
        yield from _value(lead, definition, data, function)


def _value(lead: int, definition: int, data: bytes, function: int) -> Iterator[Field]:
    of_parameters = function in OF_PARAMETERS
    known = (tables.parameters() if of_parameters else tables.elements()).get(lead)
    kind = known.kind if known else "number"
    name = (
        (f"{lead:02X}" if of_parameters else tables.name_of(lead)) if known is None else known.name
    )
    part = f"{lead:02X}{definition & 0xFF:02X}"
    unit, title = (known.unit, known.zh) if known else ("", "")
    if kind == "duration":
        unit = DURATION  # 1.30 is an hour and a half
    value: Any
    if definition >= SERIES:
        size = definition >> 3 & 31 or 1
        value = [number(data[n : n + size], definition & 7) for n in range(0, len(data), size)]
        if len(data) % size:
            value = "0x" + data.hex()
        yield Field(name, value, unit, title, part)
        return
    value = shown(kind, data, definition, name)
    yield Field(name, value, unit, title, part)
    if kind == "state":
        names = {code.name.lstrip("!"): code.zh for code in tables.codes("state").values()}
        for label, on in values.states(data):
            yield Field(label, on, title=names[label], part=name)


def shown(kind: str, data: bytes, definition: int, name: str) -> Any:
    """Return data of a kind as an engineer reads them."""
    if kind in {"rains", "levels"} and len(data) % 2 == 0:
        return values.hour_values(data, name)
    if kind in _SHOWN:
        return _SHOWN[kind](data)
    return number(data, definition & 7)


def _raw(data: bytes) -> str:
    return "0x" + data.hex()


def text_shown(data: bytes) -> str:
    """Return text of a body, GB 18030; `0x…` when it is none that could be written back."""
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return "0x" + data.hex()
    fits = text.isprintable() and not text.startswith("0x") and text.encode("gb18030") == data
    return text if fits else "0x" + data.hex()


def _step(data: bytes) -> str:
    digits = data.hex()
    return step_shown(digits) if len(digits) == 6 and digits.isdecimal() else _raw(data)


def step_shown(digits: str) -> str:
    """Return `1d`, `2h`, `5min`, several of them, or `0` of a time step (table C.3)."""
    units = zip((digits[:2], digits[2:4], digits[4:]), ("d", "h", "min"), strict=True)
    return "".join(f"{int(count)}{unit}" for count, unit in units if int(count)) or "0"


def channel_shown(digits: str) -> str:
    """Return kind and address of a channel (table D.1): `2 218.094.153.172:009708` is IPv4."""
    kind, address = digits[:2], digits[2:]
    if kind == "02" and len(address) == 18 and address.isdecimal():
        parts = [address[n : n + 3] for n in range(0, 12, 3)]
        return f"2 {'.'.join(parts)}:{address[12:]}"
    return "0x" + digits


def _tail(function: int, data: bytes) -> list[Field]:
    """Return what stands without identifiers in 45, 4C to 4F and 50; as bytes what does not fit."""
    try:
        told = _TAILS[function](data)
    except ValueError:
        told = []
    return told or [Field("body", "0x" + data.hex())]


def _version(data: bytes) -> list[Field]:
    if data[:1] != bytes([len(data) - 1 & 0xFF]):
        return []
    return [Field("version", text_shown(data[1:]), title="软件版本")]


def _gates(data: bytes) -> list[Field]:
    opened, heights = values.gates(data)
    if data != gates_packed(opened, heights):
        return []  # bits of gates that there are not
    told = [Field("gates", opened, title="闸门")]
    return told + ([Field("openings", heights, "cm", "闸门开度")] if heights else [])


def _quota(data: bytes) -> list[Field]:
    known = data in {b"\x00", b"\xff"}
    return [Field("quota", data == b"\xff", title="水量定值控制投入")] if known else []


def _events(data: bytes) -> list[Field]:
    known, told = tables.codes("event"), []
    for n in range(0, len(data) - len(data) % 2, 2):
        event = known.get(n // 2 + 1)
        count = int.from_bytes(data[n : n + 2])
        told.append(Field(f"ERC{n // 2 + 1}", count, title=event.zh if event else "备用"))
    return [] if len(data) % 2 else told


_TAILS: Mapping[int, Callable[[bytes], list[Field]]] = {
    0x45: _version,
    0x4C: lambda data: [Field("pumps", values.switches(data), title="水泵")],
    0x4D: lambda data: [Field("valves", values.switches(data), title="阀门")],
    0x4E: _gates,
    0x4F: _quota,
    0x50: _events,
}
_SHOWN: Mapping[str, Callable[[bytes], Any]] = {
    "bytes": list,
    "digits": lambda data: data.hex().upper(),
    "channel": lambda data: channel_shown(data.hex()),
    "text": text_shown,
    "time": lambda data: times.shown(data.hex()),
    "step": _step,
    **dict.fromkeys(("state", "picture", "rest", "relay", "mark", "rains", "levels"), _raw),
}

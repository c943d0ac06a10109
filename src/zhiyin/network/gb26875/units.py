"""Data units of GB/T 26875.3-2011 (8.2, 8.3): bytes to objects, and objects to bytes."""

from collections.abc import Mapping, Sequence
from struct import Struct, error
from typing import Any, NamedTuple

from zhiyin.network.frame import FrameFault
from zhiyin.network.gb26875 import times
from zhiyin.network.model import Reason

LONGEST = 1024  # bytes of a data unit (6.6.2)
TEXT = 31  # bytes of a component's text


class Layout(NamedTuple):
    """One kind of object: its fields in order, and how many one frame may have.

    Kinds of fields: B, H, h (low byte first), address (4 bytes), text (31 bytes), time (6 bytes),
    said (a length byte and so many bytes of text; only as the last).
    """

    fields: tuple[tuple[str, str], ...]
    most: int
    fixed: Struct | None
    size: int  # bytes, of the fixed part


_CODES = {"B": "B", "H": "H", "h": "h", "address": "4s", "text": "31s", "time": "6s", "said": "B"}


def _layout(most: int, text: str) -> Layout:
    fields = tuple(
        (name, kind or "B") for name, _, kind in (item.partition(":") for item in text.split())
    )
    packed = Struct("<" + "".join(_CODES[kind] for _, kind in fields))
    return Layout(fields, most, None if fields[-1][1] == "said" else packed, packed.size)


_SYSTEM = "system_type system_address"
_COMPONENT = f"{_SYSTEM} component_type component_address:address"
_ASKED = f"{_SYSTEM} component_address:address"
LAYOUTS: Mapping[int, Layout] = {
    1: _layout(102, f"{_SYSTEM} state:H time:time"),
    2: _layout(22, f"{_COMPONENT} state:H text:text time:time"),
    3: _layout(63, f"{_COMPONENT} analogue_type value:h time:time"),
    4: _layout(102, f"{_SYSTEM} operation operator time:time"),
    5: _layout(1, f"{_SYSTEM} main_version sub_version"),
    6: _layout(3, f"{_SYSTEM} description:said"),
    7: _layout(26, f"{_COMPONENT} text:text"),
    8: _layout(1, f"{_SYSTEM} time:time"),
    21: _layout(1, "state time:time"),
    24: _layout(127, "operation operator time:time"),
    25: _layout(1, "main_version sub_version"),
    26: _layout(1, "description:said"),
    28: _layout(1, "time:time"),
    61: _layout(102, _SYSTEM),
    62: _layout(22, _ASKED),
    63: _layout(63, _ASKED),
    64: _layout(1, f"{_SYSTEM} count time:time"),
    65: _layout(1, _SYSTEM),
    66: _layout(3, _SYSTEM),
    67: _layout(26, _ASKED),
    68: _layout(1, _SYSTEM),
    81: _layout(1, "reserved"),
    84: _layout(1, "count time:time"),
    85: _layout(1, "reserved"),
    86: _layout(1, "reserved"),
    88: _layout(1, "reserved"),
    89: _layout(1, "reserved"),
    90: _layout(1, "time:time"),
    91: _layout(1, "minutes"),
}


class Unit(NamedTuple):
    """A data unit: its type, and its objects as their fields stand in the layout, raw."""

    kind: int
    objects: list[tuple[Any, ...]]


def unit(data: bytes) -> Unit:
    """Return the objects of a data unit; FrameFault LENGTH, or UNSUPPORTED for other types."""
    if len(data) < 2:
        raise FrameFault(Reason.LENGTH, f"data unit has {len(data)} bytes; type and count are 2")
    kind, count = data[0], data[1]
    layout = LAYOUTS.get(kind)
    if layout is None:
        raise FrameFault(Reason.UNSUPPORTED, f"data unit of type {kind}, which is not defined")
    objects: list[tuple[Any, ...]] = []
    at = 2
    for n in range(count):
        if layout.fixed is not None:
            if at + layout.size > len(data):
                raise _short(kind, n, count, len(data))
            objects.append(layout.fixed.unpack_from(data, at))
            at += layout.size
        else:
            end = at + layout.size
            if end > len(data) or end + data[end - 1] > len(data):
                raise _short(kind, n, count, len(data))
            objects.append((*data[at : end - 1], data[end : end + data[end - 1]]))
            at = end + data[end - 1]
    if at != len(data):
        raise FrameFault(
            Reason.LENGTH, f"{len(data) - at} bytes behind the {count} objects of type {kind}"
        )
    return Unit(kind, objects)


def _short(kind: int, n: int, count: int, size: int) -> FrameFault:
    return FrameFault(
        Reason.LENGTH, f"object {n + 1} of {count} of type {kind} does not fit {size} bytes"
    )


def packed(kind: int, objects: Sequence[Sequence[Any]]) -> bytes:
    """Return a data unit; FrameFault when a value does not fit, or there are too many."""
    layout = LAYOUTS.get(kind)
    if layout is None:
        raise FrameFault(Reason.UNSUPPORTED, f"data unit of type {kind}, which is not defined")
    if not 0 < len(objects) <= layout.most:
        raise FrameFault(
            Reason.MALFORMED, f"{len(objects)} objects of type {kind}; 1 to {layout.most} may be"
        )
    parts = [bytes([kind, len(objects)])]
    try:
        for one in objects:
            if layout.fixed is not None:
                parts.append(layout.fixed.pack(*one))
            else:
                parts.append(bytes([*one[:-1], len(one[-1])]) + one[-1])
    except (ValueError, TypeError, error) as fault:
        raise FrameFault(Reason.MALFORMED, f"type {kind}: {fault}") from fault
    data = b"".join(parts)
    if len(data) > LONGEST:
        raise FrameFault(Reason.OVERSIZE, f"data unit of {len(data)} bytes; {LONGEST} is the most")
    return data


def text_shown(data: bytes) -> str:
    """Return text (GB 18030) without the zeros behind it; `0x…` when it is none."""
    bare = data.rstrip(b"\x00")
    try:
        text = bare.decode("gb18030")
        fits = text.encode("gb18030") == bare and not text.startswith("0x")
    except UnicodeError:
        fits = False
    return text if fits else "0x" + data.hex()


def text_read(text: str) -> bytes:
    return bytes.fromhex(text[2:]) if text.startswith("0x") else text.encode("gb18030")


def shown(kind: str, value: Any) -> Any:
    """Return a raw value as an engineer reads it."""
    if kind == "time":
        return times.shown(value)
    if kind == "address":
        return f"{int.from_bytes(value, 'little'):08X}"
    return text_shown(value) if kind in {"text", "said"} else value


def read(kind: str, value: Any) -> Any:
    """Return the raw value of what `shown` gave; ValueError."""
    if kind == "time":
        return times.read(str(value))
    if kind == "address":
        return int(str(value), 16).to_bytes(4, "little")
    if kind in {"text", "said"}:
        data = text_read(str(value))
        if kind == "text" and len(data) > TEXT:
            raise ValueError(f"{value!r} has {len(data)} bytes; {TEXT} are the most")
        return data
    return int(value)

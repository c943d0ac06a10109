"""Fields, as decoding tells them, written as the body of a HEX/BCD frame (SL 651-2014, 6.6.3)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from zhiyin.network.frame import FrameFault
from zhiyin.network.model import Reason
from zhiyin.network.sl651 import tables, times
from zhiyin.network.sl651.body import ASKING, DATA, OF_PARAMETERS, PIC, RGZS, ST, STEP, TT
from zhiyin.network.sl651.numbers import packed, raw


def body_of(fields: Iterable[Mapping[str, Any]], function: int, *, down: bool) -> bytes:
    """Return the body that fields say; FrameFault when one cannot be written."""
    parts: list[bytes] = []
    for n, field in enumerate(fields):
        name = str(field.get("name", ""))
        try:
            parts.append(
                _written(name, field.get("value"), str(field.get("part", "")), function, down)
            )
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as fault:
            raise FrameFault(Reason.MALFORMED, f"field {n} {name}: {fault}") from fault
    return b"".join(parts)


def _written(name: str, value: Any, part: str, function: int, down: bool) -> bytes:  # noqa: FBT001
    plain = _plain(name, value)
    if plain is not None:
        return plain
    if part and not _is_identifier(part):
        return b""  # explains another field
    if name in {"ST", "TT"}:
        return _fixed(ST if name == "ST" else TT, value)
    if function in OF_PARAMETERS:
        lead = int(name, 16)
        known = tables.parameters().get(lead)
    else:
        found = tables.lead_of(name)
        if found is None:
            raise ValueError("no such element")
        lead, known = found, tables.elements().get(found)
    asked = down and function in ASKING and lead != STEP
    definition = int(part[-2:], 16) if part else None
    kind = known.kind if known else "number"
    if kind in {"station", "time", "text", "picture", "rest"} and lead >= TT:
        return _fixed(lead, value)
    if asked or value is None:
        if definition is None and known is None:
            raise ValueError("the table has no definition of it; state its identifier as part")
        byte = definition if definition is not None else known.definition if known else 0
        return _identifier(lead, byte) + (b"" if asked else packed(None, byte >> 3, 0))
    if isinstance(value, list) and kind not in {"rains", "levels", "bytes"}:
        byte = definition if definition is not None else known.definition if known else 0
        return _identifier(lead, byte) + b"".join(packed(one, byte >> 3, byte & 7) for one in value)
    data, byte = _data(kind, value, definition, known, name)
    return _identifier(lead, byte) + data


def _is_identifier(part: str) -> bool:
    return len(part) in {4, 6} and not part.strip("0123456789ABCDEFabcdef")


def _identifier(lead: int, definition: int) -> bytes:
    return lead.to_bytes(2 if lead > 0xFF else 1) + bytes([definition])


def _plain(name: str, value: Any) -> bytes | None:
    """Return what stands without identifier; None when the name is none of these."""
    if name.startswith("ERC") and name[3:].isdecimal():
        return int(value).to_bytes(2)
    write = _PLAIN.get(name)
    return write(value) if write else None


def _class(value: Any) -> bytes:
    code = tables.named("class").get(value)
    return raw(str(value)) if code is None else bytes([code])


def _version(value: Any) -> bytes:
    text = text_read(str(value))
    return bytes([len(text)]) + text


def _fixed(lead: int, value: Any) -> bytes:
    if lead == ST:
        address = bytes.fromhex(str(value))
        if len(address) != 5:
            raise ValueError(f"{value!r}; a station's address is 10 hex digits")
        return b"\xf1\xf1" + address
    if lead == TT:
        return b"\xf0\xf0" + bytes.fromhex(times.read(str(value), 10))
    if lead == RGZS:
        return b"\xf2\xf2" + text_read(str(value))
    return (b"\xf3\xf3" if lead == PIC else bytes([DATA, 0xF6])) + raw(str(value))


def _data(
    kind: str, value: Any, definition: int | None, known: tables.Element | None, name: str
) -> tuple[bytes, int]:
    """Return data and definition byte of an element or parameter."""
    if kind in {"rains", "levels"} and isinstance(value, list):
        data = hour_packed(value, name)
    elif kind == "bytes" and isinstance(value, list):
        data = bytes(value)
    elif kind == "digits":
        data = bytes.fromhex(str(value))
    elif kind == "step":
        data = step_read(str(value))
    elif kind == "channel":
        data = channel_read(str(value))
    elif kind == "text":
        data = text_read(str(value))
    elif isinstance(value, str) and value.startswith("0x"):
        data = raw(value)
    else:
        return _number(value, definition, known)
    byte = len(data) if kind == "relay" else len(data) << 3
    if definition is not None and (kind == "relay" or definition >> 3 == len(data)):
        byte = definition
    return data, byte.to_bytes(1)[0]


def _number(value: Any, definition: int | None, known: tables.Element | None) -> tuple[bytes, int]:
    if definition is None:
        if known is None:
            raise ValueError("the table has no definition of it; state its identifier as part")
        definition = known.definition + (8 if float(value) < 0 else 0)
    return packed(value, definition >> 3, definition & 7), definition


def hour_packed(hour: list[float | None], name: str) -> bytes:
    """Return the bytes of an hour of rain (mm) or levels (m); ValueError."""
    width, scale = (1, 10) if name == "DRP" else (2, 100)
    invalid = 256**width - 1
    counts = [invalid if value is None else round(value * scale) for value in hour]
    if any(
        value is not None and count >= invalid for value, count in zip(hour, counts, strict=True)
    ):
        raise ValueError(f"{hour} does not fit {width} bytes each")
    return b"".join(count.to_bytes(width) for count in counts)


def text_read(text: str) -> bytes:
    return raw(text) if text.startswith("0x") else text.encode("gb18030")


def step_read(text: str) -> bytes:
    """Return the bytes of what `step_shown` gave; ValueError."""
    if text.startswith("0x"):
        return raw(text)
    left, found = text, {"d": 0, "h": 0, "min": 0}
    for unit in found:
        count, mark, rest = left.partition(unit)
        if mark and count.isdecimal():
            found[unit], left = int(count), rest
    if left not in {"", "0"} or max(found.values()) > 99:
        raise ValueError(f"{text!r} is no time step; it should be like 5min, 1h or 0")
    return bytes.fromhex("".join(f"{count:02d}" for count in found.values()))


def channel_read(text: str) -> bytes:
    if text.startswith("0x"):
        return raw(text)
    kind, _, address = text.partition(" ")
    place, _, port = address.partition(":")
    if kind != "2":
        raise ValueError(f"{text!r} is no channel; it should be 2 and an IPv4 address, or 0x…")
    parts = [int(part) for part in place.split(".")]
    return bytes.fromhex("02" + "".join(f"{part:03d}" for part in parts) + f"{int(port):06d}")


def switches_packed(on: Iterable[bool]) -> bytes:
    """Return the bytes of pumps or valves (tables 71 and 74); ValueError above 2040 of them."""
    flags = _bits(list(on))
    return bytes([len(flags)]) + flags


def gates_packed(opened: Iterable[bool], heights: Iterable[float | None] = ()) -> bytes:
    """Return the bytes of gates (table 77); heights in whole cm; ValueError."""
    gates = list(opened)
    openings = b"".join(packed(height, 2, 0) for height in heights)
    return bytes([len(gates)]) + _bits(gates) + openings


def _bits(on: list[bool]) -> bytes:
    return bytes(
        sum(1 << bit for bit, value in enumerate(on[n : n + 8]) if value)
        for n in range(0, len(on), 8)
    )


_PLAIN: Mapping[str, Callable[[Any], bytes]] = {
    "serial": lambda value: int(value).to_bytes(2),
    "time": lambda value: bytes.fromhex(times.read(str(value), 12)),
    "from": lambda value: bytes.fromhex(times.read(str(value), 8)),
    "to": lambda value: bytes.fromhex(times.read(str(value), 8)),
    "class": _class,
    "body": lambda value: raw(str(value)),
    "version": _version,
    "pumps": switches_packed,
    "valves": switches_packed,
    "gates": gates_packed,
    "openings": lambda value: b"".join(packed(height, 2, 0) for height in value),
    "quota": lambda value: b"\xff" if value else b"\x00",
}

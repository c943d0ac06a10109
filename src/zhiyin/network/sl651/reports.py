"""What a whole report means (SL 651-2014, 6.6.4): its fields, readings and happenings."""

from collections.abc import Mapping
from typing import Any

from zhiyin.network.frame import Decoded, Field, FrameFault, Happening, Turn
from zhiyin.network.model import Reason
from zhiyin.network.sl651 import plain, tables, values
from zhiyin.network.sl651.body import HEAD, PIC, RGZS, TT, groups
from zhiyin.network.sl651.codec import Head
from zhiyin.network.sl651.show import fields_of, start_of, text_shown
from zhiyin.network.sl651.values import Said

LINK_KEEP = 0x2F
MANUAL = frozenset({0x35, 0x39})
PICTURE = 0x36
KNOWN = frozenset(range(0x2F, 0x3B)) | frozenset(range(0x40, 0x52))


def turns(frame: bytes, found: Head, body: bytes, settings: Mapping[str, Any]) -> list[Turn]:
    """Return a turn for each station of a report, and one for what of it could not be read.

    Fields are not told here: `decode` does, for those who look. FrameFault for a body that
    breaks off or that nothing here knows.
    """
    said = _said(found, body, settings)
    kind = f"{found.function:02X}"
    header = {
        "function": kind,
        "serial": plain.serial(body) if found.text else body[0] << 8 | body[1],
        "encoding": "ASCII" if found.text else "HEX",
    }
    stations = [one for one in said.stations if one.readings] or said.stations[:1]
    told = [
        Turn(frame, Decoded("sl651", one.address, kind, header, (), tuple(one.readings)))
        for one in stations
    ]
    if found.function in MANUAL or found.function == PICTURE:
        happened = tuple(happenings(found, body))
        told[-1].decoded = Decoded(
            "sl651", found.station, kind, header, (), tuple(stations[-1].readings), happened
        )
    if said.unread:
        fault = FrameFault(Reason.MALFORMED, "; ".join(said.unread)[:400], found.told())
        told.insert(0, Turn(frame, fault=fault))
    return told


def decoded(found: Head, body: bytes, end: int) -> Decoded:
    """Return a frame with its fields; of one packet of several the fields are its bytes.

    `complaint` in the header tells of single values that could not be read.
    """
    header = found.told() | {"end": tables.codes("end")[end].name}
    kind = f"{found.function:02X}"
    if found.many and found.packets > 1:
        return Decoded("sl651", found.station, kind, header, tuple(_packet(found, body)))
    if found.down or found.function not in KNOWN:
        unknown = _unknown(found) if found.function not in KNOWN else ""
        return Decoded(
            "sl651", found.station, kind, header, tuple(_fields(found, body)), unknown=unknown
        )
    said = _said(found, body, {})
    if said.unread:
        header["complaint"] = "; ".join(said.unread)[:400]
    readings = [reading for one in said.stations for reading in one.readings]
    happened = tuple(happenings(found, body))
    return Decoded(
        "sl651", found.station, kind, header, tuple(_fields(found, body)), tuple(readings), happened
    )


def _said(found: Head, body: bytes, settings: Mapping[str, Any]) -> Said:
    head = 16 if found.text else HEAD
    if len(body) < head:
        raise FrameFault(
            Reason.MALFORMED, f"body has {len(body)} bytes; serial number and time are {head}"
        )
    if found.function not in KNOWN:
        raise FrameFault(Reason.UNSUPPORTED, _unknown(found))
    if found.text:
        return plain.said(body, found.function, found.station, settings)
    return values.said(body, found.function, found.station, settings)


def _unknown(found: Head) -> str:
    whose = "the user's own" if found.function >= 0xE0 else "reserved"
    return f"function code {found.function:02X} is {whose}"


def _fields(found: Head, body: bytes) -> list[Field]:
    if found.text:
        return plain.fields_of(body, found.function, down=found.down)
    if found.function not in KNOWN:
        if len(body) < HEAD:
            return [Field("body", "0x" + body.hex())]
        return [*start_of(body), Field("body", "0x" + body[HEAD:].hex())]
    return fields_of(body, found.function, down=found.down)


def _packet(found: Head, body: bytes) -> list[Field]:
    if found.packet == 1 and len(body) >= HEAD and not found.text:
        return [*start_of(body), Field("body", "0x" + body[HEAD:].hex())]
    return [Field("body", "0x" + body.hex())]


def answer(found: Head, body: bytes) -> dict[str, Any]:
    """Return what a station answered to an order, by field name."""
    try:
        told = _fields(found, body)
    except FrameFault:
        return {}
    hidden = {"serial", "class", "ST", "PIC"}
    return {field.name: field.value for field in told if field.name not in hidden}


def happenings(found: Head, body: bytes) -> list[Happening]:
    """Return the picture (36H) or the manual values (35H, 39H) of a report."""
    if found.function not in MANUAL and found.function != PICTURE:
        return []
    if found.text:
        return plain.happenings(body)
    time = 0
    found_now: list[Happening] = []
    for lead, definition, start, stop in groups(body, found.function):
        data = body[start:stop]
        if lead == TT:
            time = values.time_of(data, start)
        elif lead == PIC == definition:
            found_now.append(values.picture(data, time or values.sent(body)))
        elif lead == RGZS == definition:
            text = text_shown(data)
            found_now.append(
                Happening("manual_values", time or values.sent(body), data={"text": text})
            )
    return found_now


def in_text(body: bytes, function: int) -> bytes:
    """Return the ASCII form of a HEX/BCD body that goes down; FrameFault."""
    told = fields_of(body, function, down=True)
    items = [{"name": field.name, "value": field.value, "part": field.part} for field in told]
    return plain.body_of(items, function, down=True)

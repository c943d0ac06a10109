"""JT/T 808: one frame to what it says, and back. Pure: no clock, no connection, no register."""

from collections.abc import Mapping
from typing import Any

from zhiyin.network.frame import Decoded, Field, FrameFault, Happening, Reading
from zhiyin.network.jt808.framing import Header, read_frame, shown, write_frame
from zhiyin.network.jt808.layout import (
    Message,
    Values,
    flatten,
    gather,
    messages,
    read_body,
    write_body,
)  # fmt: skip
from zhiyin.network.jt808.position import Wanted, readings_of, risen, wanted
from zhiyin.network.jt808.values import millis
from zhiyin.network.model import Reason

KEY = "jt808"
PACKET = "packet"  # field of a frame that is one packet of a set

# Where the one position of a message begins; 0704 has its own.
_POSITION_AT = {0x0200: 0, 0x0201: 2, 0x0500: 2}
BATCH = 0x0704
MEDIA = 0x0801
_PICTURES = {0: "image/jpeg", 1: "image/tiff", 2: "audio/mpeg", 3: "audio/wav", 4: "video/x-ms-wmv"}
_SHORTEST_0100_OF_2013 = 37


def edition_of(header: Header, body: bytes) -> int:
    """Return the edition of the body: 2011 is told from 2013 by the shorter registration only."""
    short = header.message == 0x0100 and len(body) < _SHORTEST_0100_OF_2013
    return 2011 if short and header.year == 2013 else header.year


def message_of(kind: str, edition: int, layout: int = 1) -> Message | None:
    """Return the layout of a message in an edition, None for one that has none.

    `layout` 2 is the one that is read where the first does not fit.
    """
    known, behind = messages(), "/2" if layout == 2 else ""
    return known.get(f"{kind}@{edition}{behind}") or known.get(kind + behind)


def refuse(header: Header) -> None:
    """Raise FrameFault for what the house cannot read: ciphers, messages without a layout."""
    if header.encryption:
        raise FrameFault(
            Reason.UNSUPPORTED,
            f"the body is encrypted (bits 10-12 are {header.encryption}); only 0 can be read",
            shown(header),
        )
    if message_of(header.kind, header.year) is None:
        raise FrameFault(
            Reason.UNSUPPORTED, f"message {header.kind} has no known layout", shown(header)
        )


def values_of(header: Header, body: bytes) -> tuple[Values, Message, int]:
    """Return the body's values, its layout and which one it is; FrameFault with the header."""
    refuse(header)
    edition = edition_of(header, body)
    first = message_of(header.kind, edition)
    assert first is not None
    try:
        return read_body(first.body, body), first, 1
    except FrameFault as fault:
        other = message_of(header.kind, edition, 2)
        if other is not None:
            try:
                return read_body(other.body, body), other, 2
            except FrameFault:
                pass
        raise FrameFault(fault.reason, fault.detail, shown(header)) from fault


def _batch(body: bytes, want: Wanted) -> tuple[list[Reading], list[Happening]]:
    if len(body) < 3:
        raise FrameFault(
            Reason.LENGTH, f"the batch has {len(body)} bytes; it should have 3 or more"
        )
    count, at = int.from_bytes(body[:2], "big"), 3
    readings: list[Reading] = []
    happenings: list[Happening] = []
    before = 0
    for number in range(1, count + 1):
        start = at + 2
        end = start + int.from_bytes(body[at:start], "big")
        if start > len(body) or end > len(body):
            raise FrameFault(
                Reason.LENGTH,
                f"body byte {at}: position {number} of {count} is not whole; "
                f"{len(body) - at} bytes are left",
            )
        seen = readings_of(body, start, end, want, readings)
        if want.alarms:
            happenings += risen(seen, before, want)
            before = seen.alarm
        at = end
    return readings, happenings


def media_of(body: bytes) -> Happening | None:
    """Return the picture, sound or film of a whole 0801 as a happening; None when it has no place.

    Its time is that of its position; FrameFault when that is none.
    """
    if len(body) < 36:
        raise FrameFault(Reason.LENGTH, f"the medium has {len(body)} bytes; it should have 36")
    seen = readings_of(body, 8, 36, Wanted(), [])
    data = {
        "media": int.from_bytes(body[:4], "big"), "media_type": body[4], "format": body[5],
        "event": body[6], "channel": body[7],
    }  # fmt: skip
    kind = _PICTURES.get(body[5], "application/octet-stream")
    return Happening("media", millis(body, 30), str(body[7]), seen.place, data, body[36:], kind)


def meaning(
    header: Header, body: bytes, want: Wanted, before: int = 0
) -> tuple[list[Reading], list[Happening], int]:
    """Return readings, happenings and the alarm word that a body brings (`before` if it has none).

    Alarms of a batch rise within the batch: its positions may be of yesterday.
    """
    at = _POSITION_AT.get(header.message, -1)
    if at >= 0:
        readings: list[Reading] = []
        seen = readings_of(body, at, len(body), want, readings)
        fresh = risen(seen, before, want) if seen.alarm & ~before else []
        return readings, fresh, seen.alarm
    if header.message == BATCH:
        return (*_batch(body, want), before)
    if header.message == MEDIA:
        found = media_of(body)
        return [], [found] if found else [], before
    return [], [], before


def header_of(header: Header, body: bytes) -> dict[str, Any]:
    """Return the header as printed: with the body's edition and length, and of a batch its type.

    `blind` is true for positions that were kept while there was no network (type 1 of 0704).
    """
    found = shown(header) | {"year": edition_of(header, body), "length": len(body)}
    if message := message_of(header.kind, found["year"]):
        found["title"] = message.title
    if header.message == BATCH and header.total < 2 and len(body) > 2:
        found |= {"batch_type": body[2], "blind": body[2] == 1}
    return found


def decode(frame: bytes) -> Decoded:
    """Return all that one frame says; FrameFault when it is not as JT/T 808 has it.

    A packet of a set gives its header and its bytes: only a session puts sets together.
    """
    header, body = read_frame(frame)
    if header.total > 1:
        refuse(header)
        fields: tuple[Field, ...] = (Field(PACKET, body.hex().upper(), title="分包内容"),)
        return Decoded(KEY, header.address, header.kind, header_of(header, body), fields)
    return decode_body(header, body)


def decode_body(header: Header, body: bytes) -> Decoded:
    """Return what a whole body says, be it of one frame or of a set of packets."""
    values, message, layout = values_of(header, body)
    try:
        readings, happenings, _ = meaning(header, body, wanted({}))
    except FrameFault as fault:
        raise FrameFault(fault.reason, fault.detail, shown(header)) from fault
    head = header_of(header, body) | ({"layout": layout} if layout > 1 else {})
    return Decoded(
        KEY, header.address, header.kind, head,
        tuple(flatten(message.body, values)), tuple(readings), tuple(happenings),
    )  # fmt: skip


def _said_header(said: Mapping[str, Any]) -> Header:
    try:
        message, phone = int(str(said["message"]), 16), str(said["phone"])
        year = int(said.get("year", 2013))
        header = Header(
            message, phone, int(said.get("serial", 0)), 2019 if year == 2019 else 2013,
            int(said.get("version", 1)) if year == 2019 else 0, int(said.get("encryption", 0)),
            int(said.get("total", 0)), int(said.get("index", 0)), int(said.get("reserved", 0)),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as fault:
        raise FrameFault(Reason.MALFORMED, f"header: {fault!r}") from fault
    digits = 20 if header.year == 2019 else 12
    fits = (
        phone.isdecimal() and phone.isascii() and len(phone) <= digits and message < 1 << 16
        and 0 <= header.serial < 1 << 16 and 0 <= header.version < 1 << 8
        and 0 <= header.encryption < 8 and 0 <= header.total < 1 << 16
        and 0 <= header.number < 1 << 16 and header.reserved in {0, 0x8000}
    )  # fmt: skip
    if not fits or min(message, 0) < 0:
        raise FrameFault(
            Reason.MALFORMED,
            f"header: message {message:04X}, phone {phone!r}, serial {header.serial}; the phone "
            f"should have up to {digits} digits, the numbers should fit two bytes",
        )
    return header


def encode(said: Mapping[str, Any]) -> bytes:
    """Return the frame of what `decode` printed: `header` and `fields`; FrameFault otherwise."""
    head = said.get("header")
    if not isinstance(head, Mapping):
        raise FrameFault(Reason.MALFORMED, "header: it should be an object")
    header = _said_header(head)
    values = gather(said.get("fields") or ())
    if header.total > 1 or PACKET in values:
        try:
            return write_frame(header, bytes.fromhex(str(values.get(PACKET, ""))))
        except ValueError as fault:
            raise FrameFault(Reason.MALFORMED, f"{PACKET}: {fault}") from fault
    message = message_of(
        header.kind, int(head.get("year", 2013)), 2 if head.get("layout") == 2 else 1
    )
    if message is None:
        raise FrameFault(Reason.UNSUPPORTED, f"message {header.kind} has no known layout")
    return write_frame(header, write_body(message.body, values))


def body_of(kind: str, year: int, values: Mapping[str, Any]) -> bytes:
    """Return the bytes of a body; FrameFault when values are missing or do not fit."""
    message = message_of(kind, year)
    if message is None:
        raise FrameFault(Reason.UNSUPPORTED, f"message {kind} has no known layout")
    return write_body(message.body, values)

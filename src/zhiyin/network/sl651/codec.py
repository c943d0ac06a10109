"""Frames of SL 651-2014 (6.2 to 6.5), HEX/BCD and ASCII: bytes to header and body, and back."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from zhiyin.network.frame import FrameFault
from zhiyin.network.model import Reason
from zhiyin.network.sl651 import tables
from zhiyin.network.sl651.check import crc16

SOH, SOH_HEX = b"\x01", b"\x7e\x7e"
STX, SYN = 0x02, 0x16
ETX, ETB, ENQ, ACK, NAK, EOT, ESC = 0x03, 0x17, 0x05, 0x06, 0x15, 0x04, 0x1B
UP, DOWN = frozenset({ETX, ETB}), frozenset({ENQ, ACK, NAK, EOT, ESC})
HEX, ASCII = False, True
HEAD, HEAD_ASCII = 14, 24  # bytes up to and with STX or SYN
HEX_DIGITS = "0123456789ABCDEFabcdef"


class Head(NamedTuple):
    """The header of a frame, and where its body lies (`start` to `stop`)."""

    text: bool  # ASCII encoding
    down: bool
    centre: int
    station: str
    password: str
    function: int
    length: int
    many: bool  # one packet of several (SYN)
    packets: int
    packet: int
    start: int
    stop: int
    total: int

    def told(self) -> dict[str, Any]:
        """Return the header as an engineer reads it; `address` is the station's."""
        code = tables.codes("function").get(self.function)
        shown: dict[str, Any] = {
            "address": self.station,
            "encoding": "ASCII" if self.text else "HEX",
            "direction": "down" if self.down else "up",
            "centre": self.centre,
            "station": self.station,
            "password": self.password,
            "function": f"{self.function:02X}",
            "title": f"{code.zh} {code.en}" if code else "",
            "length": self.length,
            "start": "SYN" if self.many else "STX",
        }
        if self.many:
            shown |= {"packets": self.packets, "packet": self.packet}
        return shown


def head(data: bytes | bytearray) -> Head | None:
    """Return the header of the frame that `data` begins with, None when too little is there yet.

    FrameFault when it is no header.
    """
    if data[:2] == SOH_HEX:
        return _head_hex(data)
    if data[:1] == SOH:
        return _head_text(data)
    if data == b"\x7e" or not data:
        return None
    raise FrameFault(Reason.MALFORMED, f"byte 0 is {data[0]:02X}; 7E7E or 01 should begin a frame")


def _head_hex(data: bytes | bytearray) -> Head | None:
    if len(data) < HEAD:
        return None
    word, mark = data[11] << 8 | data[12], data[13]
    down = word >> 12 == 8
    many = mark == SYN
    if (mark != STX and not many) or (not many and word >> 12 not in {0, 8}):
        what = f"direction and length {word:04X}, body mark {mark:02X}"
        raise FrameFault(
            Reason.MALFORMED,
            f"bytes 11 to 13: {what}; 0xxx or 8xxx and 02 (or 16) should stand here",
            {"address": data[3:8].hex().upper(), "function": f"{data[10]:02X}"},
        )
    length = word if many and not down else word & 0xFFF
    packets = packet = 0
    start = HEAD
    if many:
        if len(data) < HEAD + 3:
            return None
        packets, packet = data[14] << 4 | data[15] >> 4, (data[15] & 15) << 8 | data[16]
        start += 3
    centre, station = (data[7], data[2:7]) if down else (data[2], data[3:8])
    return Head(
        HEX, down, centre, station.hex().upper(), data[8:10].hex().upper(), data[10], length,
        many, packets, packet, start, HEAD + length, HEAD + length + 3,
    )  # fmt: skip


def _head_text(data: bytes | bytearray) -> Head | None:
    if len(data) < HEAD_ASCII:
        return None
    digits = bytes(data[1:23])
    mark = data[23]
    many = mark == SYN
    try:
        text = digits.decode("ascii")
        word, function = int(text[18:], 16), int(text[16:18], 16)
        down = word >> 12 == 8
        centre = int(text[10:12] if down else text[:2], 16)
        fine = (mark == STX or many) and word >> 12 in {0, 8} and not text.strip(HEX_DIGITS)
    except ValueError:
        fine = False
    if not fine:
        raise FrameFault(
            Reason.MALFORMED, "bytes 1 to 23: 22 hex characters and 02 or 16 should stand here"
        )
    station = text[:10] if down else text[2:12]
    length = word & 0xFFF
    packets = packet = 0
    start = HEAD_ASCII
    if many:
        if len(data) < HEAD_ASCII + 6:
            return None
        both = hexadecimal(data[24:30])
        if both < 0:
            raise FrameFault(
                Reason.MALFORMED, "bytes 24 to 29: count and number of packets should be hex"
            )
        packets, packet = both >> 12, both & 0xFFF
        start += 6
    return Head(
        ASCII, down, centre, station.upper(), text[12:16].upper(), function, length, many, packets,
        packet, start, HEAD_ASCII + length, HEAD_ASCII + length + 5,
    )  # fmt: skip


def check(frame: bytes, found: Head) -> int:
    """Check a whole frame behind its header and return its end mark.

    FrameFault: LENGTH for a length that does not lead to an end mark, CHECKSUM.
    """
    size = found.total
    if len(frame) != size:
        reason = Reason.LENGTH
        if len(frame) < size and not _whole(frame, found):
            reason = Reason.INCOMPLETE
        raise FrameFault(reason, f"{len(frame)} bytes; the header says {size}", found.told())
    if found.stop < found.start:
        raise FrameFault(
            Reason.LENGTH, f"length {found.length}; the packet numbers alone are more", found.told()
        )
    end = frame[found.stop]
    own, stated = _checks(frame, found.text)
    if end not in (DOWN if found.down else UP):
        should = "05, 06, 15, 04 or 1B" if found.down else "03 or 17"
        raise FrameFault(
            Reason.MALFORMED if own == stated else Reason.LENGTH,
            f"byte {found.stop} is {end:02X}; the end mark {should} should stand there",
            found.told(),
        )
    if own != stated:
        raise FrameFault(
            Reason.CHECKSUM,
            f"check {f'{stated:04X}' if stated >= 0 else 'no hex'}; it should be {own:04X}",
            found.told(),
        )
    if found.many and not 0 < found.packet <= found.packets:
        raise FrameFault(
            Reason.MALFORMED,
            f"packet {found.packet} of {found.packets}; it should be 1 to their count",
            found.told(),
        )
    return end


def _whole(frame: bytes, found: Head) -> bool:
    """Tell whether a frame is whole by its own check although its length says otherwise."""
    if len(frame) < found.start + (5 if found.text else 3):
        return False
    own, stated = _checks(frame, found.text)
    return own == stated


def _checks(frame: bytes, text: bool) -> tuple[int, int]:  # noqa: FBT001 - the encoding
    if not text:
        return crc16(frame[:-2]), frame[-2] << 8 | frame[-1]
    return crc16(frame[:-4]), hexadecimal(frame[-4:])


def hexadecimal(letters: bytes | bytearray) -> int:
    """Return the number of hex digits in ASCII, -1 when there are others."""
    text = bytes(letters).decode("latin-1")
    return -1 if not text or text.strip(HEX_DIGITS) else int(text, 16)


def framed(
    station: str, centre: int, password: str, function: int, body: bytes, end: int, *,
    down: bool, text: bool = False, packets: int = 0, packet: int = 0,
) -> bytes:  # fmt: skip
    """Return a frame; FrameFault when a part of the header is not as it should be.

    `packets` above 0 makes it one packet of several (SYN, 6.4.3 and 6.5.3).
    """
    try:
        place, key = _hexed(station, 5, "station"), _hexed(password, 2, "password")
        sides = [centre.to_bytes(1), place]
        numbers = (packets << 12 | packet).to_bytes(3) if packets else b""
        length = len(body) + len(numbers) * (2 if text else 1)
        most = 0xFFFF if packets and not (down or text) else 0xFFF
        if length > most or (packets and length >> 12 == 8):
            raise FrameFault(Reason.OVERSIZE, f"{length} bytes of body; {most} is the most")
        word = length | (0x8000 if down else 0)
        header = b"".join(sides[::-1] if down else sides)
        header += key + function.to_bytes(1) + word.to_bytes(2)
    except (ValueError, OverflowError, TypeError, AttributeError) as fault:
        raise FrameFault(Reason.MALFORMED, f"header: {fault}") from fault
    mark = bytes([SYN if packets else STX])
    if not text:
        frame = SOH_HEX + header + mark + numbers + body + bytes([end])
        return frame + crc16(frame).to_bytes(2)
    letters = header.hex().upper().encode()
    frame = SOH + letters + mark + numbers.hex().upper().encode() + body + bytes([end])
    return frame + f"{crc16(frame):04X}".encode()


def _hexed(text: str, size: int, what: str) -> bytes:
    data = bytes.fromhex(text)
    if len(data) != size:
        raise ValueError(f"{what} {text!r}; it should be {2 * size} hex digits")
    return data


def end_named(name: Any, *, down: bool) -> int:
    """Return the end mark of a name; FrameFault when there is none in this direction."""
    end = tables.named("end").get(str(name))
    if end is None or end not in (DOWN if down else UP):
        known = ", ".join(
            code.name for n, code in tables.codes("end").items() if (n in DOWN) == down
        )
        raise FrameFault(Reason.MALFORMED, f"end {name!r}; it should be one of {known}")
    return end


def header_of(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return the header of what `told` gave, as keywords of `framed`; FrameFault."""
    down = mapping.get("direction", "up") == "down"
    try:
        return {
            "station": str(mapping["station"]),
            "centre": int(mapping.get("centre", 1)),
            "password": str(mapping.get("password", "0000")),
            "function": int(str(mapping["function"]), 16),
            "end": end_named(mapping.get("end", "ENQ" if down else "ETX"), down=down),
            "down": down,
            "text": mapping.get("encoding", "HEX") == "ASCII",
            "packets": int(mapping.get("packets", 0)),
            "packet": int(mapping.get("packet", 0)),
        }
    except (KeyError, ValueError, TypeError) as fault:
        raise FrameFault(Reason.MALFORMED, f"header: {fault!r}") from fault

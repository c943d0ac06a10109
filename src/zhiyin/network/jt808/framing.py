"""JT/T 808 §4.4: marks, escape, check, header of 2011/2013 and of 2019. Bytes only, no meaning.

`7E | escaped(header + body + check) | 7E`; all numbers are big-endian.
"""

from typing import Any, NamedTuple

from zhiyin.network.frame import FrameFault
from zhiyin.network.model import Reason

MARK = 0x7E
LONGEST_BODY = 0x3FF
# Header of 2019 with packet numbers 21, body 1023, check 1, every byte escaped, two marks.
LONGEST = 2 * (21 + LONGEST_BODY + 1) + 2

_SPLIT, _VERSIONED, _ENCRYPTED = 0x2000, 0x4000, 0x1C00


class Header(NamedTuple):
    """Header of a message; `phone` has all digits of the frame (12, in 2019 20)."""

    message: int
    phone: str
    serial: int
    year: int  # 2013 (as 2011) or 2019
    version: int = 0  # the 2019 header's protocol version; 0 without it
    encryption: int = 0  # bits 10-12: 0 none, 1 RSA
    total: int = 0  # packets of the set; 0 when the message is whole
    number: int = 0  # of this packet, from 1
    reserved: int = 0  # bits 14-15 of 2013 that are set though reserved (bit 15 only)

    @property
    def kind(self) -> str:
        """The message id as the standard writes it: four hexadecimal digits."""
        return f"{self.message:04X}"

    @property
    def address(self) -> str:
        """The terminal's canonical address: the phone's digits without leading zeros."""
        return self.phone.lstrip("0") or "0"


def shown(header: Header) -> dict[str, Any]:
    """Return the header as `zhiyin decode` prints it."""
    found: dict[str, Any] = {
        "message": header.kind, "address": header.address, "phone": header.phone,
        "serial": header.serial, "year": header.year,
    }  # fmt: skip
    if header.year == 2019:
        found["version"] = header.version
    if header.encryption:
        found["encryption"] = header.encryption
    if header.total:
        found |= {"total": header.total, "index": header.number}
    if header.reserved:
        found["reserved"] = header.reserved
    return found


def check_of(data: bytes) -> int:
    """Return the XOR of all bytes (folded in halves, which is quick for long integers)."""
    value = int.from_bytes(data, "big")
    width = 1 << max(3, (len(data) * 8 - 1).bit_length())
    while width > 8:
        width >>= 1
        value = (value >> width) ^ (value & ((1 << width) - 1))
    return value


def unescape(data: bytes) -> bytes:
    """Undo the escape between the marks; FrameFault for a 7D followed by neither 1 nor 2."""
    if 0x7D not in data:
        return data
    parts = data.split(b"\x7d")
    out = bytearray(parts[0])
    for at, part in enumerate(parts[1:]):
        if not part or part[0] not in {1, 2}:
            place = sum(map(len, parts[: at + 1])) + at + 1
            found = f"{part[0]:02X}" if part else "the end"
            raise FrameFault(
                Reason.MALFORMED, f"byte {place}: 7D is followed by {found}; it should be 01 or 02"
            )
        out.append(0x7D if part[0] == 1 else MARK)
        out += part[1:]
    return bytes(out)


def escape(data: bytes) -> bytes:
    """Escape header, body and check, and put the marks around them."""
    return b"\x7e" + data.replace(b"\x7d", b"\x7d\x01").replace(b"\x7e", b"\x7d\x02") + b"\x7e"


def _phone(digits: bytes, header: dict[str, Any]) -> str:
    phone = digits.hex()
    if not phone.isdecimal():
        raise FrameFault(
            Reason.MALFORMED, f"header: the phone is {phone}; it should be BCD digits", header
        )
    return phone


def _strip(frame: bytes) -> bytes:
    if len(frame) > LONGEST:
        raise FrameFault(
            Reason.OVERSIZE, f"the frame has {len(frame)} bytes; at most {LONGEST} are taken"
        )
    if len(frame) < 2 or frame[0] != MARK or frame[-1] != MARK:
        raise FrameFault(Reason.INCOMPLETE, "the frame should begin and end with 7E")
    inner = frame[1:-1]
    if MARK in inner:
        at = inner.index(MARK) + 1
        raise FrameFault(Reason.MALFORMED, f"byte {at}: a bare 7E within the frame")
    return unescape(inner)


def read_frame(frame: bytes) -> tuple[Header, bytes]:
    """Return header and body of one frame with its marks; FrameFault when it is none."""
    data = _strip(frame)
    if len(data) < 13:
        raise FrameFault(
            Reason.LENGTH, f"the message has {len(data)} bytes; header and check alone have 13"
        )
    if check_of(data):
        should = check_of(data[:-1])
        raise FrameFault(
            Reason.CHECKSUM,
            f"the last byte is {data[-1]:02X}; the XOR of the others is {should:02X}",
            {"message": data[:2].hex().upper()},
        )
    return _header(data)


def _header(data: bytes) -> tuple[Header, bytes]:
    message = data[0] << 8 | data[1]
    properties = data[2] << 8 | data[3]
    start = 12
    version = 0
    if properties & _VERSIONED:
        year, start = 2019, 17
        if len(data) < 18:
            raise FrameFault(
                Reason.LENGTH,
                f"the message has {len(data)} bytes; a header of 2019 and the check have 18",
                {"message": f"{message:04X}"},
            )
        version, digits = data[4], data[5:15]
    else:
        year, digits = 2013, data[4:10]
    serial = data[start - 2] << 8 | data[start - 1]
    total = index = 0
    if properties & _SPLIT and len(data) >= start + 5:
        total, index = (
            int.from_bytes(data[start : start + 2], "big"),
            int.from_bytes(data[start + 2 : start + 4], "big"),
        )
        start += 4
    length = properties & LONGEST_BODY
    if len(data) - start - 1 != length:
        raise FrameFault(
            Reason.LENGTH,
            f"the header says {length} bytes of body; there are {len(data) - start - 1}",
            {
                "message": f"{message:04X}",
                "address": digits.hex().lstrip("0"),
                "phone": digits.hex(),
                "serial": serial,
                "year": year,
            },
        )
    phone = digits.hex()
    if not phone.isdecimal():
        phone = _phone(digits, {"message": f"{message:04X}", "serial": serial, "year": year})
    header = Header(
        message, phone, serial, year, version, (properties & _ENCRYPTED) >> 10, total, index,
        properties & 0x8000,
    )  # fmt: skip
    if properties & _SPLIT and not 1 <= index <= total:
        raise FrameFault(
            Reason.MALFORMED,
            f"header: packet {index} of {total}; it should be 1 to the total",
            shown(header),
        )
    return header, data[start:-1]


def write_frame(header: Header, body: bytes) -> bytes:
    """Return the frame of a header and a body of up to 1023 bytes; FrameFault for a longer one."""
    if len(body) > LONGEST_BODY:
        raise FrameFault(
            Reason.OVERSIZE, f"the body has {len(body)} bytes; a packet holds {LONGEST_BODY}"
        )
    properties = len(body) | header.encryption << 10 | header.reserved
    numbers = b""
    if header.total:
        properties |= _SPLIT
        numbers = header.total.to_bytes(2, "big") + header.number.to_bytes(2, "big")
    head = header.message.to_bytes(2, "big")
    if header.year == 2019:
        head += (properties | _VERSIONED).to_bytes(2, "big") + bytes((header.version,))
        head += bytes.fromhex(header.phone.zfill(20))
    else:
        head += properties.to_bytes(2, "big") + bytes.fromhex(header.phone.zfill(12))
    data = head + header.serial.to_bytes(2, "big") + numbers + body
    return escape(data + bytes((check_of(data),)))


def write_frames(header: Header, body: bytes) -> list[bytes]:
    """Return the frames of a body of any length: split in packets of 1023 bytes where needed.

    Each packet has its own serial number, counted on from the header's.
    """
    if len(body) <= LONGEST_BODY:
        return [write_frame(header, body)]
    parts = [body[at : at + LONGEST_BODY] for at in range(0, len(body), LONGEST_BODY)]
    return [
        write_frame(
            header._replace(
                serial=(header.serial + at) & 0xFFFF, total=len(parts), number=at + 1
            ),
            part,
        )
        for at, part in enumerate(parts)
    ]  # fmt: skip

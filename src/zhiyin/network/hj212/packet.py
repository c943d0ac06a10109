"""The data segment of HJ 212: its head items and the CP text, checked, decrypted, put together.

HJ 212-2017 §6.3.2; the RF item and SM4 are of HJ 212-2025.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from zhiyin.network.frame import Facts, FrameFault
from zhiyin.network.hj212.crc import crc
from zhiyin.network.hj212.framing import Piece
from zhiyin.network.hj212.sm4 import BLOCK, decrypted, encrypted
from zhiyin.network.hj212.tables import tables
from zhiyin.network.model import Reason

ORDER = ("QN", "ST", "CN", "PW", "MN", "Flag", "PNUM", "PNO", "RF")
SENT_LIMIT = 1024  # bytes of a data segment that the standard lets one send
ASKS, NUMBERED = 1, 2  # the A and D bits of Flag
_OPEN, _CLOSE = b"CP=&&", b"&&"
_NAME = re.compile(r"\s*[A-Za-z0-9_]{1,40}(-[A-Za-z0-9]{1,20})?\s*=")
_PRINTED = re.compile(rb"[\x20-\x7e]{16}")
_HEX32 = re.compile(r"[0-9A-Fa-f]{32}")
_SAFE = re.compile(r"[!-%'-:<>-~]+")  # printed, and none of the marks & ; =


class Packet(Struct, gc=False):
    """One data segment taken apart: `head` as it was written, `cp` the text between the marks."""

    head: dict[str, str]
    cp: str
    cn: str
    mn: str
    flag: int = 0
    secret: bool = False  # its CP came encrypted

    @property
    def asks(self) -> bool:
        """Whether an answer is wanted (bit A)."""
        return bool(self.flag & ASKS)

    @property
    def version(self) -> str:
        """The edition that the version bits of Flag name."""
        return tables().versions.get(str(self.flag >> 2), "")


def read_head(text: bytes) -> dict[str, str]:
    """Return the items before CP, as far as they can be told."""
    head = {}
    for item in text.decode("ascii", "replace").split(";"):
        name, equals, value = item.partition("=")
        if equals:
            head[name.strip()] = value.strip()
    return head


def flag_of(head: Mapping[str, str]) -> int:
    """Return Flag as a number, 0 where it is absent (HJ/T 212-2005) or no number."""
    text = head.get("Flag", "0")
    return int(text) & 0xFF if text.isascii() and text.isdigit() and len(text) <= 3 else 0


def is_safe(text: str) -> bool:
    """Whether a head item's value can be sent: printed characters, none of them a mark."""
    return _SAFE.fullmatch(text) is not None


def _checked(head: dict[str, str], cp: str, *, secret: bool) -> Packet:
    cn, mn = head.get("CN", ""), head.get("MN", "")
    flag = flag_of(head)
    why = ""
    if not (len(cn) == 4 and cn.isascii() and cn.isdigit()):
        why = f"CN · {cn[:16]!r} · four digits should be"
    elif not is_safe(mn) or len(mn) > 64:
        why = f"MN · {mn[:32]!r} · 1 to 64 printed characters should be"
    elif "Flag" in head and flag != _number(head["Flag"]):
        why = f"Flag · {head['Flag'][:16]!r} · a number of 0–255 should be"
    if why:
        raise FrameFault(Reason.MALFORMED, why, head)
    return Packet(head, cp, cn, mn, flag, secret)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else -1


def _worded(raw: bytes) -> str | None:
    """Return the CP text: UTF-8 by the standard, GB 18030 from older loggers, None if neither."""
    for coding in ("utf-8", "gb18030"):
        try:
            return raw.decode(coding)
        except UnicodeDecodeError:
            continue
    return None


def open_piece(piece: Piece, facts_of: Callable[[str], Facts | None]) -> Packet:
    """Check and take apart a frame; `facts_of` tells the SM4 key of a device by its MN.

    Raises FrameFault: CHECKSUM, MALFORMED, or WRONG_KEY for text that no key of ours opens.
    """
    if piece.fault:
        raise piece.fault
    segment = piece.segment
    cut = segment.find(_OPEN)
    head = read_head(segment if cut < 0 else segment[:cut])
    has = crc(segment)
    right = piece.crc.upper() == b"%04X" % has
    end = segment.rfind(_CLOSE)
    if cut >= 0 and end >= cut + len(_OPEN):
        raw = segment[cut + len(_OPEN) : end]
        if right and raw.isascii():
            return _checked(head, raw.decode("ascii"), secret=False)
        facts = facts_of(head.get("MN", ""))
        key = str(facts.settings.get("sm4_key", "")) if facts else ""
        if key or not right:
            plain = _opened(piece, raw, key, head)
            if plain is not None:
                return _checked(head, plain, secret=True)
        text = _worded(raw) if right else None
        if text is not None:
            return _checked(head, text, secret=False)
    if right:
        raise FrameFault(Reason.MALFORMED, "CP · no text between `&&` and `&&` · should be", head)
    said = piece.crc.decode("latin1")
    detail = f"CRC · {said!r} · {has:04X} is that of the segment"
    raise FrameFault(Reason.CHECKSUM, detail, head)


def _opened(piece: Piece, raw: bytes, key: str, head: dict[str, str]) -> str | None:
    """Return the plain CP text when the key opens it; None when it is not encrypted.

    The CRC is that of the plain segment (HJ 212-2025): it tells whether the key was right.
    """
    if len(raw) < BLOCK or _has_text(raw) or not _is_2025(head):
        return None  # text somewhere: plain, and spoilt if the CRC says so
    if not _HEX32.fullmatch(key):
        detail = "CP · encrypted or no text · the device's `sm4_key` of 32 hex digits should be set"
        raise FrameFault(Reason.WRONG_KEY, detail, head)
    plain = decrypted(raw, key)
    at = piece.segment.find(raw)
    whole = piece.segment[:at] + plain + piece.segment[at + len(raw) :]
    text = _worded(plain)
    if piece.crc.upper() == b"%04X" % crc(whole) and text is not None and _NAME.match(text):
        return text
    if _has_text(plain):
        return None  # the key is right: the frame is spoilt
    raise FrameFault(Reason.WRONG_KEY, "CP · the device's `sm4_key` does not open it", head)


def _has_text(data: bytes) -> bool:
    """Whether a whole cipher block of it is printed characters; of a secret one none is."""
    ends = range(0, len(data) - BLOCK + 1, BLOCK)
    return any(_PRINTED.match(data, at) is not None for at in ends)


def _is_2025(head: Mapping[str, str]) -> bool:
    return flag_of(head) >> 2 >= 2


def compose(head: Mapping[str, Any], cp: str, key: str = "") -> bytes:
    """Return a frame with CR LF; strict in what it sends. With `key` the CP text is encrypted.

    Raises FrameFault for head items or a text that no frame can carry.
    """
    items = []
    for name in ORDER:
        value = str(head[name]) if head.get(name) is not None else None
        if value is None:
            continue
        if not is_safe(value):
            detail = f"{name} · {value[:64]!r} · printed characters without ; = & should be"
            raise FrameFault(Reason.MALFORMED, detail, head)
        items.append(f"{name}={value}")
    if "CN" not in head or "MN" not in head:
        raise FrameFault(Reason.MALFORMED, "head · CN and MN should be given", head)
    if "\r" in cp or "\n" in cp or "&&" in cp:
        raise FrameFault(Reason.MALFORMED, "CP · no line end and no `&&` may be in it", head)
    if flag_of(head) & NUMBERED and not ("PNUM" in head and "PNO" in head):
        raise FrameFault(Reason.MALFORMED, "Flag · bit D asks for PNUM and PNO", head)
    return sealed(";".join(items), cp, key)


def sealed(items: str, cp: str, key: str = "") -> bytes:
    """Return the frame of head items already joined, and a CP text."""
    first, text = f"{items};CP=&&".encode(), cp.encode()
    segment = first + text + _CLOSE
    if len(segment) > SENT_LIMIT:
        detail = f"data segment · {len(segment)} bytes · at most {SENT_LIMIT} may be sent"
        raise FrameFault(Reason.OVERSIZE, detail)
    check = crc(segment)
    if key:
        if not _HEX32.fullmatch(key):
            detail = f"key · {len(key)} characters · 32 hex digits should be"
            raise FrameFault(Reason.MALFORMED, detail)
        segment = first + encrypted(text, key) + _CLOSE
    return b"##%04d%b%04X\r\n" % (len(segment), segment, check)

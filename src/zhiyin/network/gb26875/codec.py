"""Frames of GB/T 26875.3-2011 (6.6): bytes to header and data unit, and back."""

from collections.abc import Mapping
from struct import Struct
from typing import Any, NamedTuple

from zhiyin.network.frame import FrameFault
from zhiyin.network.gb26875 import tables, times
from zhiyin.network.gb26875.units import LONGEST
from zhiyin.network.model import Reason

START, END = b"@@", b"##"
HEAD = 27  # bytes up to and with the command
OVER = 30  # bytes of a frame without a data unit
CONTROL, SEND, CONFIRM, REQUEST, ANSWER, DENY = 1, 2, 3, 4, 5, 6
_HEAD = Struct("<2xHBB6s6s6sHB")


class Head(NamedTuple):
    """The control unit of a frame; addresses are hex digits in the order of transmission."""

    serial: int
    version: int
    user_version: int
    time: bytes
    source: str
    destination: str
    length: int
    command: int

    @property
    def total(self) -> int:
        return self.length + OVER

    @property
    def stop(self) -> int:
        return self.length + OVER - 2

    @property
    def address(self) -> str:
        """Return the transmitter: control and request go to it, all else comes from it."""
        return self.destination if self.command in {CONTROL, REQUEST} else self.source

    def told(self) -> dict[str, Any]:
        return {
            "address": self.address,
            "serial": self.serial,
            "version": f"{self.version}.{self.user_version}",
            "time": times.shown(self.time),
            "source": self.source,
            "destination": self.destination,
            "length": self.length,
            "command": self.command,
            "title": tables.told("command", self.command),
        }


def head(data: bytes | bytearray) -> Head | None:
    """Return the header of the frame that `data` begins with, None when too little is there yet.

    FrameFault when it is none: MALFORMED, or OVERSIZE for a data unit over 1024 bytes.
    """
    if data[:2] != START:
        if not data or data == b"@":
            return None
        raise FrameFault(
            Reason.MALFORMED, f"byte 0 is {bytes(data[:2]).hex()}; 4040 should begin a frame"
        )
    if len(data) < HEAD:
        return None
    serial, version, user, time, source, destination, length, command = _HEAD.unpack_from(data)
    found = Head(
        serial, version, user, time, source.hex().upper(), destination.hex().upper(), length,
        command,
    )  # fmt: skip
    if length > LONGEST:
        raise FrameFault(
            Reason.OVERSIZE,
            f"bytes 24 to 25: data unit of {length} bytes; {LONGEST} is the most",
            found.told(),
        )
    return found


def check(frame: bytes, found: Head) -> None:
    """Check a whole frame behind its header; FrameFault INCOMPLETE, LENGTH, MALFORMED, CHECKSUM."""
    size = found.total
    if len(frame) != size:
        reason = Reason.INCOMPLETE if len(frame) < size and not _whole(frame) else Reason.LENGTH
        raise FrameFault(reason, f"{len(frame)} bytes; the header says {size}", found.told())
    own, stated = sum(frame[2:-3]) & 0xFF, frame[-3]
    if frame[-2:] != END:
        raise FrameFault(
            Reason.MALFORMED if own == stated else Reason.LENGTH,
            f"byte {size - 2}: {frame[-2:].hex()}; the end 2323 should stand there",
            found.told(),
        )
    if own != stated:
        raise FrameFault(Reason.CHECKSUM, f"sum {stated:02X}; it should be {own:02X}", found.told())


def _whole(frame: bytes) -> bool:
    """Tell whether a frame is whole by its sum and end although its length says otherwise."""
    return len(frame) >= OVER and frame[-2:] == END and sum(frame[2:-3]) & 0xFF == frame[-3]


def framed(
    serial: int, version: tuple[int, int], time: bytes, source: str, destination: str,
    command: int, data: bytes = b"",
) -> bytes:  # fmt: skip
    """Return a frame; FrameFault when a part is not as it should be."""
    if len(data) > LONGEST:
        raise FrameFault(Reason.OVERSIZE, f"data unit of {len(data)} bytes; {LONGEST} is the most")
    try:
        places = bytes.fromhex(source), bytes.fromhex(destination)
        if len(places[0]) != 6 or len(places[1]) != 6:
            raise FrameFault(
                Reason.MALFORMED, f"addresses {source}, {destination}; they have 12 hex digits"
            )
        control = b"".join(
            (serial.to_bytes(2, "little"), bytes(version), time, *places,
             len(data).to_bytes(2, "little"), bytes([command]), data)
        )  # fmt: skip
    except (ValueError, OverflowError, TypeError) as fault:
        raise FrameFault(Reason.MALFORMED, f"header: {fault}") from fault
    return b"".join((START, control, bytes([sum(control) & 0xFF]), END))


def header_of(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return the header of what `told` gave, as keywords of `framed`; FrameFault."""
    try:
        main, _, user = str(mapping.get("version", "1.0")).partition(".")
        return {
            "serial": int(mapping.get("serial", 0)),
            "version": (int(main), int(user or 0)),
            "time": times.read(str(mapping["time"])),
            "source": str(mapping["source"]),
            "destination": str(mapping.get("destination", "0" * 12)),
            "command": int(mapping.get("command", SEND)),
        }
    except (KeyError, ValueError, TypeError) as fault:
        raise FrameFault(Reason.MALFORMED, f"header: {fault!r}") from fault

"""How a device of each field protocol speaks, from its own side of the line.

Frames are made and read by the protocols' own codecs; a frame sent again is the same frame.
"""

from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple, Protocol

from zhiyin.kernel import DISTRICT_ZONE, MINUTE, SECOND
from zhiyin.network.frame import FrameFault, Wire
from zhiyin.network.jt808.position import items
from zhiyin.network.protocols import wire
from zhiyin.server.district.values import chance

Said = tuple[str, str, float]  # name in the report, property, value


class Heard(Enum):
    """What an answer means to the device that waits for it."""

    NOTHING = 0
    READY = 1  # it may report
    CONFIRMED = 2
    REFUSED = 3
    STRANGER = 4  # it has to register anew


class Report(NamedTuple):
    """One report as it goes out, and by what its confirmation is known."""

    frame: bytes
    mark: str


class Speaker(Protocol):
    """The memory of one device that its protocol needs."""

    address: str
    key: str
    serial: int
    mark: str


class Speech(Protocol):
    """One protocol, as devices speak it."""

    step: int  # ms that its times are told in
    shift: int  # ms by which a device may send after the time that it tells

    def address(self, number: int) -> str: ...
    def key(self, seed: int, number: int) -> str: ...
    def hello(self, speaker: Speaker, *, stranger: bool) -> bytes:
        """Return what opens a connection; empty where a device just reports."""

    def report(self, speaker: Speaker, time_ms: int, said: list[Said]) -> Report: ...
    def cut(self, buffer: bytearray) -> list[bytes]:
        """Take whole answers out of what has come."""

    def heard(self, speaker: Speaker, answer: bytes) -> tuple[Heard, bytes]:
        """Return what an answer means, and what is said to it at once."""


def _moment(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, DISTRICT_ZONE)


def _fields(named: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in named.items()]


class Hj212:
    """A data logger that reports real-time values (2011) and wants an answer (9014)."""

    step, shift = SECOND, 0

    def __init__(self) -> None:
        self._wire: Wire = wire("hj212")

    def address(self, number: int) -> str:
        return f"420105F1{number:016d}"

    def key(self, seed: int, number: int) -> str:
        return f"{int(chance(seed, number, 'hj212') * 1_000_000):06d}"

    def hello(self, speaker: Speaker, *, stranger: bool) -> bytes:  # noqa: ARG002
        return b""

    def report(self, speaker: Speaker, time_ms: int, said: list[Said]) -> Report:
        told = _moment(time_ms).strftime("%Y%m%d%H%M%S")
        header = {
            "QN": f"{told}{speaker.serial % 1000:03d}", "ST": "22", "CN": "2011",
            "PW": speaker.key, "MN": speaker.address, "Flag": "5",
        }  # fmt: skip
        fields: list[dict[str, Any]] = [{"name": "DataTime", "value": told}]
        for name, _, value in said:
            fields.append({"name": name, "value": value})
            if name.endswith("-Rtd"):
                fields.append({"name": f"{name.removesuffix('Rtd')}Flag", "value": "N"})
        return Report(self._wire.encode({"header": header, "fields": fields}), header["QN"])

    def cut(self, buffer: bytearray) -> list[bytes]:
        *whole, rest = bytes(buffer).split(b"\r\n")
        buffer[:] = rest
        return whole

    def heard(self, speaker: Speaker, answer: bytes) -> tuple[Heard, bytes]:
        try:
            header = self._wire.decode(answer).header
        except FrameFault:
            return Heard.NOTHING, b""
        if header.get("QN") != speaker.mark:
            # A refusal of a spoilt frame may repeat what the line made of its number.
            return (Heard.REFUSED if header["CN"] == "9011" else Heard.NOTHING), b""
        return (Heard.CONFIRMED if header["CN"] == "9014" else Heard.REFUSED), b""


class Sl651:
    """A station that sends its timed report (32H) in mode M2: it waits for the confirmation."""

    step, shift = MINUTE, 20 * SECOND

    def __init__(self) -> None:
        self._wire: Wire = wire("sl651")

    def address(self, number: int) -> str:
        return f"42{number:08d}"

    def key(self, seed: int, number: int) -> str:
        return f"{int(chance(seed, number, 'sl651') * 10_000):04d}"

    def hello(self, speaker: Speaker, *, stranger: bool) -> bytes:  # noqa: ARG002
        return b""

    def report(self, speaker: Speaker, time_ms: int, said: list[Said]) -> Report:
        moment = _moment(time_ms)
        serial = speaker.serial % 0xFFFF + 1
        header = {"station": speaker.address, "password": speaker.key, "function": "32"}
        named: dict[str, Any] = {
            "serial": serial, "time": moment.strftime("%Y-%m-%d %H:%M:%S"),
            "ST": speaker.address, "class": "H", "TT": moment.strftime("%Y-%m-%d %H:%M"),
        }  # fmt: skip
        named |= {name: value for name, _, value in said}
        frame = self._wire.encode({"header": header, "fields": _fields(named)})
        return Report(frame, str(serial))

    def cut(self, buffer: bytearray) -> list[bytes]:
        found = []
        while len(buffer) >= 14:
            size = 17 + ((buffer[11] << 8 | buffer[12]) & 0xFFF)
            if len(buffer) < size:
                break
            found.append(bytes(buffer[:size]))
            del buffer[:size]
        return found

    def heard(self, speaker: Speaker, answer: bytes) -> tuple[Heard, bytes]:
        try:
            decoded = self._wire.decode(answer)
        except FrameFault:
            return Heard.NOTHING, b""
        serial = next((one.value for one in decoded.fields if one.name == "serial"), None)
        if str(serial) != speaker.mark:
            return Heard.NOTHING, b""
        return (Heard.REFUSED if decoded.header["end"] == "NAK" else Heard.CONFIRMED), b""


class Jt808:
    """A terminal that registers, authenticates, and says where it is (0200)."""

    step, shift = SECOND, 0

    def __init__(self) -> None:
        self._wire: Wire = wire("jt808")
        self._items = {one.name: f"items.{key:02X}" for key, one in items().items()}

    def address(self, number: int) -> str:
        return f"159{number:08d}"

    def key(self, seed: int, number: int) -> str:
        return f"{int(chance(seed, number, 'jt808') * 16**10):010x}"

    def _encode(
        self, speaker: Speaker, message: str, serial: int, fields: list[dict[str, Any]]
    ) -> bytes:
        header = {"message": message, "phone": speaker.address.zfill(12), "serial": serial}
        return self._wire.encode({"header": header, "fields": fields})

    def hello(self, speaker: Speaker, *, stranger: bool) -> bytes:
        if not stranger:
            return self._authentication(speaker, speaker.key)
        named = {
            "province": 42, "city": 105, "maker": "ZHIYN", "model": "FLEET",
            "terminal": speaker.address[-7:], "plate_colour": 1, "plate": "",
        }  # fmt: skip
        return self._encode(speaker, "0100", 0, _fields(named))

    def _authentication(self, speaker: Speaker, token: str) -> bytes:
        return self._encode(speaker, "0102", 0, _fields({"token": token or "none"}))

    def report(self, speaker: Speaker, time_ms: int, said: list[Said]) -> Report:
        serial = speaker.serial % 0xFFFF + 1
        named: dict[str, Any] = {
            "alarm": 0, "status": 3, "lat": 0.0, "lon": 0.0, "altitude": 0, "speed": 0.0,
            "direction": 0, "time": _moment(time_ms).isoformat(timespec="seconds"),
        }  # fmt: skip
        more = []
        for name, _, value in said:
            if name in named:
                named[name] = int(value) if name in {"direction", "altitude"} else value
            else:
                more.append({"name": name, "value": value, "part": self._items[name]})
        frame = self._encode(speaker, "0200", serial, _fields(named) + more)
        return Report(frame, str(serial))

    def cut(self, buffer: bytearray) -> list[bytes]:
        *whole, rest = bytes(buffer).split(b"\x7e")
        buffer[:] = b"\x7e" + rest if rest else b""
        return [b"\x7e" + one + b"\x7e" for one in whole if one]

    def heard(self, speaker: Speaker, answer: bytes) -> tuple[Heard, bytes]:
        try:
            decoded = self._wire.decode(answer)
        except FrameFault:
            return Heard.NOTHING, b""
        said = {one.name: one.value for one in decoded.fields}
        if decoded.kind == "8100":
            if said["result"] != 0:
                return Heard.REFUSED, b""
            return Heard.NOTHING, self._authentication(speaker, str(said["token"]))
        if decoded.kind != "8001":
            return Heard.NOTHING, b""
        good = said["result"] == 0
        if said["answered_message"] == "0102":
            return (Heard.READY if good else Heard.STRANGER), b""
        if str(said["answered"]) == speaker.mark:
            return (Heard.CONFIRMED if good else Heard.REFUSED), b""
        return Heard.NOTHING, b""


SPEECHES: dict[str, type[Speech]] = {"hj212": Hj212, "sl651": Sl651, "jt808": Jt808}

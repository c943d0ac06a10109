"""A terminal as the tests play it, and a register with a few vehicles."""

from collections.abc import Mapping
from typing import Any

from zhiyin.network.frame import Decoded, Facts, Turn
from zhiyin.network.jt808 import WIRE
from zhiyin.network.jt808.codec import body_of
from zhiyin.network.jt808.framing import Header, write_frame, write_frames
from zhiyin.network.jt808.session import Terminal

PHONE = "13912345678"
NOW = 1_782_864_930_000  # 2026-07-01 08:15:30 in the district


class Vehicles:
    """Peers with one vehicle, or as given."""

    def __init__(self, **vehicles: Facts) -> None:
        self.known = {name.removeprefix("v"): facts for name, facts in vehicles.items()}

    def find(self, address: str) -> Facts | None:
        return self.known.get(address)


def one(key: str = "", **settings: Any) -> Vehicles:
    return Vehicles(**{f"v{PHONE}": Facts(key, settings)})


class Truck:
    """Speaks to a session and reads what it answers."""

    def __init__(self, peers: Vehicles, year: int = 2013, phone: str = PHONE) -> None:
        self.session, self.year, self.phone, self.serial = Terminal(peers), year, phone, 0
        self.turns: list[Turn] = []

    def frame(self, kind: str, values: Mapping[str, Any] | bytes = b"") -> bytes:
        return b"".join(self.frames(kind, values))

    def frames(self, kind: str, values: Mapping[str, Any] | bytes = b"") -> list[bytes]:
        body = values if isinstance(values, bytes) else body_of(kind, self.year, values)
        version = 1 if self.year == 2019 else 0
        found = write_frames(
            Header(int(kind, 16), self.phone, self.serial + 1, self.year, version), body
        )
        self.serial += len(found)
        return found

    def hears(self, data: bytes, now: int = NOW) -> list[Decoded]:
        self.turns = self.session.receive(data, now)
        return [said for turn in self.turns for said in heard(turn.reply)]

    def says(self, kind: str, values: Mapping[str, Any] | bytes = b"") -> list[Decoded]:
        return self.hears(self.frame(kind, values))

    def login(self, token: str | None = None) -> "Truck":
        if token is None:
            registered = {
                "province": 42, "city": 105, "maker": "ZY", "model": "T1", "terminal": "0000001",
                "plate_colour": 2, "plate": "鄂A12345",
            }  # fmt: skip
            token = values(self.says("0100", registered)[0])["token"]
        said = {"token": token, "imei": "123456789012345", "software": "1.0"}
        assert values(self.says("0102", said)[0])["result"] == 0
        return self


def heard(reply: bytes) -> list[Decoded]:
    return [WIRE.decode(b"\x7e" + part + b"\x7e") for part in reply.split(b"\x7e") if part]


def values(decoded: Decoded) -> dict[str, Any]:
    return {field.name: field.value for field in decoded.fields}


def place(**more: Any) -> dict[str, Any]:
    """Values of a position on the way in the district."""
    return {
        "alarm": 0, "status": 3, "lat": 30.553, "lon": 114.218, "altitude": 26, "speed": 30.5,
        "direction": 92, "time": "2026-07-01T08:15:30+08:00", "items": {"01": 12345.6}, **more,
    }  # fmt: skip


__all__ = ["NOW", "PHONE", "Truck", "Vehicles", "heard", "one", "place", "values", "write_frame"]

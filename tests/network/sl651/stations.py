"""Frames and registers for the tests of SL 651."""

import json
from typing import Any

from tests.shared_data import shared
from zhiyin.kernel import parse_time
from zhiyin.network.frame import Facts
from zhiyin.network.sl651 import WIRE
from zhiyin.network.sl651.session import Sl651Session

NOW = parse_time("2026-07-01 08:00:01")
TIMED = bytes.fromhex(
    "7E7E 01 4201050001 1234 32 002B 02 0001 260701080000 F1F1 4201050001 48 F0F0 2607010800"
    "2019 000125 2619 001530 3923 00021456 3812 1236 03 76C6"
)
CONFIRM = bytes.fromhex("7E7E 4201050001 01 1234 32 8008 02 0001 260701080001 04 B021")
HOURLY = bytes.fromhex(
    "7E7E0142010500011234340063020002260701090005F1F1420105000148F0F02607010805F46000050A1E3C28"
    "1400000000FFF0F026070109002619001675F0F02607010805F5C0085C085E0862086A087808840889088B088A"
    "08880886FFFFF0F026070109003923000214203812123403211D"
)
KEEP = bytes.fromhex("7E7E 01 4201050001 12 34 2F 0008 02 0003 260701100000 03 5E4E")
STATION = "4201050001"


class Register:
    """A register with the stations that it is given."""

    def __init__(self, **facts: Facts) -> None:
        self.facts = {name.removeprefix("s"): one for name, one in facts.items()}

    def find(self, address: str) -> Facts | None:
        return self.facts.get(address)


def session(key: str = "", **settings: Any) -> Sl651Session:
    return Sl651Session(Register(**{f"s{STATION}": Facts(key, settings)}))


def real_frames() -> list[dict[str, Any]]:
    path = shared("protocol-frames") / "sl651_frames.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def told(frame: bytes) -> dict[str, Any]:
    """Return what `zhiyin decode` prints of a frame."""
    decoded = WIRE.decode(frame)
    fields = [{"name": one.name, "value": one.value, "part": one.part} for one in decoded.fields]
    return dict(json.loads(json.dumps({"header": decoded.header, "fields": fields})))


def body_frame(function: int, body: str, **header: Any) -> bytes:
    """Return an upward frame of a body in hex, blanks allowed, behind serial number and time."""
    head = {"station": STATION, "password": "1234", "function": f"{function:02X}", **header}
    fields = [
        {"name": "serial", "value": 7},
        {"name": "time", "value": "2026-07-01 08:00:00"},
        {"name": "body", "value": "0x" + body.replace(" ", "")},
    ]
    return WIRE.encode({"header": head, "fields": fields})


HEADER = f"F1F1 {STATION} 48 F0F0 2607010800"

"""Frames and registers for the tests of GB/T 26875.3."""

import json
from typing import Any

from tests.shared_data import shared
from zhiyin.kernel import parse_time
from zhiyin.network.frame import Facts
from zhiyin.network.gb26875 import WIRE
from zhiyin.network.gb26875.codec import SEND, framed
from zhiyin.network.gb26875.session import Gb26875Session
from zhiyin.network.gb26875.times import label

NOW = parse_time("2026-07-01 08:15:30")
SMOKE = bytes.fromhex(
    "4040010001011E0F0801071A010000000000020000000000300002020101012A03010200030033BAC5C2A532B2E3"
    "D1CCB8D0000000000000000000000000000000000000001E0F0801071A232323"
)
CONFIRM = bytes.fromhex("4040010001011E0F0801071A020000000000010000000000000003602323")
DEVICE, CENTRE = "010000000000", "020000000000"


class Register:
    """A register of one transmitter."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    def find(self, address: str) -> Facts | None:
        return self.facts if address == DEVICE else None


def session(**settings: Any) -> Gb26875Session:
    return Gb26875Session(Register(Facts("", settings)))


def frame(data: str, command: int = SEND, serial: int = 7, at: int = NOW) -> bytes:
    """Return a transmitter's frame of a data unit in hex."""
    return framed(serial, (1, 1), label(at), DEVICE, CENTRE, command, bytes.fromhex(data))


def real_frames() -> list[dict[str, Any]]:
    path = shared("protocol-frames") / "gb26875_frames.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def told(data: bytes) -> dict[str, Any]:
    """Return what `zhiyin decode` prints of a frame."""
    decoded = WIRE.decode(data)
    fields = [{"name": one.name, "value": one.value, "part": one.part} for one in decoded.fields]
    return dict(json.loads(json.dumps({"header": decoded.header, "fields": fields})))

"""Fuzz entry of JT/T 808: any bytes, in any cuts, through a session and through the decoder."""

import json
import random

import msgspec

from zhiyin.network.frame import Facts, FrameFault
from zhiyin.network.jt808 import WIRE
from zhiyin.network.jt808.framing import read_frame

_NOW = 1_782_864_930_000
_FACTS = Facts("", {"open": True, "require_authentication": False, "bits": ["alarm_fatigue"]})


class _Anybody:
    def find(self, address: str) -> Facts | None:
        return None if address.endswith("9") else _FACTS


def one(data: bytes) -> None:
    """Raise on anything but turns and FrameFaults; what decodes must encode again."""
    cuts = random.Random(len(data) + sum(data[:16]))  # where to cut, no secret
    session = WIRE.session(_Anybody())
    at, taken = 0, 0
    while at < len(data):
        end = at + cuts.randint(1, 64)
        for turn in session.receive(data[at:end], _NOW):
            assert turn.fault is None or turn.decoded is None or not turn.decoded.readings
            assert len(turn.frame) <= 4096
            taken += 1
            for part in turn.reply.split(b"\x7e"):
                if part:
                    read_frame(b"\x7e" + part + b"\x7e")
        at = end
    session.ended(_NOW)
    for frame in {data, *(b"\x7e" + part + b"\x7e" for part in data.split(b"\x7e") if part)}:
        try:
            decoded = WIRE.decode(frame)
        except FrameFault as fault:
            assert fault.detail  # noqa: PT017
            continue
        said = json.loads(msgspec.json.encode({"header": decoded.header, "fields": decoded.fields}))
        try:
            again = WIRE.decode(WIRE.encode(said))
        except FrameFault as fault:
            # Text that is no GBK comes back longer than it was, which may not fit.
            assert "\\x" in json.dumps(said) or "fit" in fault.detail, frame  # noqa: PT017
            continue
        assert again.kind == decoded.kind

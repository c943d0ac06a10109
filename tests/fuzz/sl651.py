"""Fuzz entry of SL 651: any bytes, in any pieces, through a session; every frame decoded."""

from zhiyin.network.frame import FrameFault
from zhiyin.network.sl651 import WIRE

NOW = 1_782_864_001_000


class _Nobody:
    def find(self, address: str) -> None:
        return None


def one(data: bytes) -> None:
    """Raise for anything but a FrameFault; the first byte tells how the rest is cut up."""
    session = WIRE.session(_Nobody())
    size, rest = (data[0] or 256, data[1:]) if data else (1, b"")
    turns = []
    for at in range(0, len(rest), size):
        turns += session.receive(rest[at : at + size], NOW + at)
    turns += session.ended(NOW)
    for turn in turns:
        if turn.fault is None and turn.decoded is None:
            raise AssertionError("a turn says nothing")
    for frame in (rest, *(turn.frame for turn in turns)):
        try:
            told = WIRE.decode(frame)
        except FrameFault:
            continue
        fields = [
            {"name": field.name, "value": field.value, "part": field.part} for field in told.fields
        ]
        try:
            WIRE.encode({"header": told.header, "fields": fields})
        except FrameFault:
            continue

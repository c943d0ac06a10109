"""Any bytes through an HJ 212 session and its decoder: only faults with a reason may come out."""

import random

from zhiyin.network.frame import SHOWN, Facts, FrameFault
from zhiyin.network.hj212 import WIRE


class _Peers:
    def find(self, address: str) -> Facts | None:
        settings = {"sm4_key": "30" * 16} if address.endswith("S") else {}
        return Facts("123456" if address.endswith("K") else "", settings) if address else None


def one(data: bytes) -> None:
    """Split `data` at random through a session, then decode what it called frames."""
    chance = random.Random(data)
    session = WIRE.session(_Peers())
    turns = []
    at = 0
    while at < len(data):
        size = chance.choice((1, 3, 17, 300, 5000))
        turns += session.receive(data[at : at + size], 1_782_864_000_000 + at)
        at += size
    turns += session.ended(0)
    for turn in turns:
        assert turn.decoded is not None or turn.fault is not None
        assert len(turn.frame) <= SHOWN + 64
        try:
            WIRE.decode(turn.frame)
        except FrameFault:
            continue
    try:
        WIRE.decode(data)
    except FrameFault:
        return

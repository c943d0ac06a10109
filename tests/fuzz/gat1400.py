"""Any bytes as what a camera pushes: objects of every kind, and city events."""

from zhiyin.network.frame import FrameFault
from zhiyin.network.gat1400.events import event_of
from zhiyin.network.gat1400.limits import Limits
from zhiyin.network.gat1400.objects import KINDS, happening_of, objects_of, parse

_LIMITS = Limits(people=True)


def _nowhere(_camera: str) -> None:
    return


def one(data: bytes) -> None:
    """Raise on anything but happenings and FrameFaults."""
    try:
        body = parse(data, _LIMITS)
    except FrameFault:
        return
    for kind in KINDS.values():
        try:
            for found in objects_of(body, kind, _LIMITS):
                told = happening_of(found, kind, 1_782_864_000_000, _nowhere, _LIMITS)
                assert not (kind.people and told.picture)
        except FrameFault:
            continue
    try:
        event_of(body, 1_782_864_000_000, _nowhere, _LIMITS, {"events": {"garbage": "0201"}})
    except FrameFault:
        return

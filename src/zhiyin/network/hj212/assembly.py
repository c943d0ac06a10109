"""Packets of one message (PNUM, PNO of HJ 212-2017 §6.3.2), put together in any order.

A packet that stands on its own (its DataTime first, whole items to its end) is taken at once and
may be answered at once. Others are held until the set is whole: only then is what they say known
and kept, so only then may they be answered.
"""

import re
from typing import NamedTuple

from msgspec import Struct, field

from zhiyin.kernel import MINUTE
from zhiyin.network.frame import SHOWN, FrameFault
from zhiyin.network.hj212.packet import Packet
from zhiyin.network.model import Reason

PATIENCE = 10 * MINUTE  # ms that the rest of a set is waited for since its last packet
SETS = 8  # sets begun, per connection
PACKETS = 64  # packets of a set
HELD = 65536  # bytes of CP text held, per connection

_WHOLE_END = re.compile(r"-Flag=[A-Za-z];?\s*\Z")
_ITEM = re.compile(r"\s*[^=;,\s]{1,64}=")

_Key = tuple[str, str, str]


class Held(NamedTuple):
    """A packet that waits, with the bytes of its frame."""

    packet: Packet
    frame: bytes


class Set(Struct):
    """What has come of one message."""

    total: int
    touched: int
    seen: set[int] = field(default_factory=set)
    held: dict[int, Held] = field(default_factory=dict)
    time: str = ""  # the DataTime of a packet already taken

    @property
    def size(self) -> int:
        return sum(len(one.packet.cp) for one in self.held.values())


class Outcome(NamedTuple):
    """What a packet came to: a packet to understand (or none yet), and how many may be answered."""

    packet: Packet | None
    answer: int
    faults: tuple[tuple[bytes, FrameFault], ...] = ()


class Assembly:
    """The sets begun on one connection; bounded in number, size and time."""

    def __init__(self) -> None:
        self._sets: dict[_Key, Set] = {}
        self._done: dict[_Key, int] = {}

    def take(self, packet: Packet, frame: bytes, now: int) -> Outcome:
        """Take a packet of a set; raises FrameFault for numbers that cannot be."""
        total, at = _numbers(packet)
        if total == 1:
            return Outcome(packet, int(packet.asks))
        key = (packet.mn, packet.cn, packet.head.get("QN", ""))
        faults = self._room(key, now)
        alone = _stands_alone(packet.cp, last=at == total)
        if alone and key in self._done and key not in self._sets:
            return Outcome(packet, int(packet.asks), faults)  # sent anew; the set was whole
        found = self._sets.setdefault(key, Set(total, now))
        if found.total != total:
            detail = f"PNUM · {total} · the set's other packets say {found.total}"
            raise FrameFault(Reason.MALFORMED, detail, packet.head)
        found.touched = now
        if at in found.seen:  # sent anew: its sender goes on only when it is answered
            return Outcome(packet if alone else None, int(packet.asks), faults)
        found.seen.add(at)
        if alone:
            found.time = found.time or packet.cp[:64].partition(";")[0]
        else:
            found.held[at] = Held(packet, frame)
            if sum(one.size for one in self._sets.values()) > HELD:
                faults += self._drop(key, f"more than {HELD} bytes wait")
                return Outcome(None, 0, faults)
        if len(found.seen) < total:
            return Outcome(packet if alone else None, int(alone and packet.asks), faults)
        del self._sets[key]
        self._done[key] = now
        if len(self._done) > SETS:
            del self._done[next(iter(self._done))]
        asking = sum(one.packet.asks for one in found.held.values()) + int(alone and packet.asks)
        whole = _joined(found, packet if alone else None, at)
        return Outcome(whole, asking, faults)

    def expired(self, now: int) -> tuple[tuple[bytes, FrameFault], ...]:
        """Return and forget the sets whose rest has not come in time."""
        if not self._sets:
            return ()
        late = [key for key, one in self._sets.items() if now - one.touched > PATIENCE]
        return tuple(fault for key in late for fault in self._drop(key, "the rest never came"))

    def end(self) -> tuple[tuple[bytes, FrameFault], ...]:
        """Return and forget all sets: nothing more will come."""
        keys = list(self._sets)
        return tuple(fault for key in keys for fault in self._drop(key, "then the end"))

    def _room(self, key: _Key, now: int) -> tuple[tuple[bytes, FrameFault], ...]:
        faults = self.expired(now)
        if key not in self._sets and len(self._sets) >= SETS:
            oldest = min(self._sets, key=lambda one: self._sets[one].touched)
            faults += self._drop(oldest, f"{SETS} other sets are begun")
        return faults

    def _drop(self, key: _Key, why: str) -> tuple[tuple[bytes, FrameFault], ...]:
        found = self._sets.pop(key)
        missing = sorted(set(range(1, found.total + 1)) - found.seen)
        shown = ", ".join(map(str, missing[:8]))
        detail = f"PNO · {shown or 'none'} of {found.total} missing · {why}"
        head = dict(zip(("MN", "CN", "QN"), key, strict=True))
        frame = b"".join(one.frame for _, one in sorted(found.held.items()))[:SHOWN]
        return ((frame, FrameFault(Reason.INCOMPLETE, detail, head)),)


def _numbers(packet: Packet) -> tuple[int, int]:
    total, at = packet.head.get("PNUM", ""), packet.head.get("PNO", "")
    right = all(text.isascii() and text.isdigit() and len(text) <= 5 for text in (total, at))
    if not right or not 1 <= int(at) <= int(total):
        detail = f"PNUM, PNO · {total[:16]!r}, {at[:16]!r} · PNO of 1 to PNUM should be"
        raise FrameFault(Reason.MALFORMED, detail, packet.head)
    if int(total) > PACKETS:
        detail = f"PNUM · {total} · at most {PACKETS} packets are put together"
        raise FrameFault(Reason.OVERSIZE, detail, packet.head)
    return int(total), int(at)


def _stands_alone(cp: str, *, last: bool) -> bool:
    """Whether no item of it can be torn: it begins with DataTime and ends with a whole flag."""
    return cp.startswith("DataTime=") and (last or _WHOLE_END.search(cp[-24:]) is not None)


def _joined(found: Set, alone: Packet | None, at: int) -> Packet:
    """Return one packet that says what all held ones say, and the last one that stood alone."""
    if alone:
        found.held[at] = Held(alone, b"")
    text, before = "", 0
    for number, one in sorted(found.held.items()):
        cp = one.packet.cp
        torn = number == before + 1 and _torn(text, cp)
        text += cp if torn or not text else ";" + cp
        before = number
    if not text.lstrip().startswith("DataTime=") and found.time:
        text = f"{found.time};{text}"
    first = found.held[min(found.held)].packet
    return Packet(first.head, text, first.cn, first.mn, first.flag, first.secret)


def _torn(text: str, follows: str) -> bool:
    """Whether the last item of one packet goes on in the next."""
    if not text or text.endswith((";", ",")) or follows.startswith((";", ",")):
        return True  # the mark itself is there already
    last = re.split("[;,]", text[-200:])[-1]
    return "=" not in last or _ITEM.match(follows) is None

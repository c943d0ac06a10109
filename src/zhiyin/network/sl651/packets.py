"""Packets of one report sent one after another (M3, 6.3.1.2 c): put together, bounded in all."""

from typing import NamedTuple

from zhiyin.network.frame import SHOWN, Decoded, FrameFault, Turn
from zhiyin.network.model import Reason
from zhiyin.network.sl651.codec import ETX, Head

LONG = 600_000  # ms from the first packet of a set to its last
LARGE = 2 * 1024 * 1024  # bytes of a set
SETS = 4  # of one connection at a time
ASKED = 2  # times that one packet is asked for again


class Set:
    """The packets of one report as far as they came."""

    __slots__ = ("asked", "began", "head", "last", "parts", "size")

    def __init__(self, head: Head, began: int) -> None:
        self.head, self.began = head, began
        self.parts: dict[int, bytes] = {}
        self.size = 0
        self.asked: dict[int, int] = {}
        self.last = b""

    def missing(self) -> int:
        """Return the first packet that is not there, 0 when all are."""
        if len(self.parts) == self.head.packets:
            return 0
        return next(n for n in range(1, self.head.packets + 1) if n not in self.parts)


class Step(NamedTuple):
    """What came of one packet: the whole body, or the packet to ask for again, or neither."""

    turns: list[Turn]
    body: bytes | None = None
    missing: int = 0
    start: bytes = b"\x00\x00"  # what the body begins with, as far as it is known


class Packets:
    """The unfinished sets of a connection."""

    def __init__(self) -> None:
        self._sets: dict[tuple[str, int], Set] = {}

    def taken(self, frame: bytes, found: Head, end: int, now: int) -> Step:
        """Take one good packet."""
        key = (found.station, found.function)
        part = frame[found.start : found.stop]
        turns: list[Turn] = []
        own = self._sets.get(key)
        if own is not None and _is_other(own, found, part):
            turns.append(self._dropped(key, "another began"))
            own = None
        if own is None:
            if len(self._sets) >= SETS:
                turns.append(self._dropped(next(iter(self._sets)), "too many at a time"))
            own = self._sets[key] = Set(found, now)
        own.size += len(part) - len(own.parts.get(found.packet, b""))
        own.parts[found.packet] = part
        own.last = frame
        if own.size > LARGE:
            turns.append(self._dropped(key, f"over {LARGE} bytes", Reason.OVERSIZE))
            return Step(turns)
        missing = own.missing()
        if not missing:
            del self._sets[key]
            body = b"".join(own.parts[n] for n in range(1, found.packets + 1))
            return Step(turns, body)
        if end == ETX and own.asked.get(missing, 0) >= ASKED:
            turns.append(self._dropped(key, f"packet {missing} never came"))
            return Step(turns)
        header = {"packets": found.packets, "packet": found.packet, "encoding": _encoding(found)}
        decoded = Decoded("sl651", found.station, f"{found.function:02X}", header)
        turns.append(Turn(frame, decoded))
        if end != ETX:
            return Step(turns)
        own.asked[missing] = own.asked.get(missing, 0) + 1
        empty = b"0000" if found.text else b"\x00\x00"
        return Step(turns, None, missing, own.parts.get(1, empty))

    def expired(self, now: int, *, all_of_them: bool = False) -> list[Turn]:
        """Return a turn for each set that is not waited for any longer."""
        if not self._sets:
            return []
        late = [key for key, one in self._sets.items() if all_of_them or now - one.began > LONG]
        return [self._dropped(key, "the rest never came") for key in late]

    def _dropped(self, key: tuple[str, int], why: str, reason: Reason = Reason.INCOMPLETE) -> Turn:
        own = self._sets.pop(key)
        detail = f"{len(own.parts)} of {own.head.packets} packets came: {why}"
        return Turn(own.last[:SHOWN], fault=FrameFault(reason, detail, own.head.told()))


def _encoding(found: Head) -> str:
    return "ASCII" if found.text else "HEX"


def _is_other(own: Set, found: Head, part: bytes) -> bool:
    """Tell whether a packet is of another report than those before it."""
    if own.head.packets != found.packets:
        return True
    return found.packet == 1 and own.parts.get(1, part) != part

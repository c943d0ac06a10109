"""Messages in several packets (bit 13 of the header's properties), put together within bounds."""

from dataclasses import dataclass, field

from zhiyin.kernel import MINUTE
from zhiyin.network.frame import SHOWN, FrameFault, Turn
from zhiyin.network.jt808.framing import Header, shown
from zhiyin.network.model import Reason

SETS = 4  # unfinished sets of one connection
BYTES = 1024 * 1024  # of all its unfinished sets
LIFE = 5 * MINUTE  # after which an unfinished set is given up


@dataclass
class _Set:
    header: Header
    frame: bytes  # the first that came, to be kept when the rest does not
    born: int
    first_serial: int
    parts: dict[int, bytes] = field(default_factory=dict)
    asked: bool = False
    size: int = 0


class Packets:
    """The unfinished sets of one connection."""

    def __init__(self) -> None:
        self._sets: dict[tuple[str, int, int], _Set] = {}

    def __len__(self) -> int:
        return len(self._sets)

    def add(self, header: Header, body: bytes, frame: bytes, now: int) -> bytes | None:
        """Take one packet; return the whole body when it was the last that lacked.

        FrameFault (OVERSIZE) when the set would be larger than is kept; the set is given up.
        """
        key = (header.address, header.message, header.total)
        found = self._sets.get(key)
        if found is None:
            serial = (header.serial - header.number + 1) & 0xFFFF
            found = self._sets[key] = _Set(header, frame[:SHOWN], now, serial)
        if header.number not in found.parts:
            found.parts[header.number] = body
            found.size += len(body)
        if header.number == 1:
            found.first_serial = header.serial
        if len(found.parts) == header.total:
            del self._sets[key]
            return b"".join(found.parts[at] for at in range(1, header.total + 1))
        if sum(one.size for one in self._sets.values()) > BYTES:
            del self._sets[key]
            raise FrameFault(
                Reason.OVERSIZE,
                f"the packets of message {header.kind} have more than {BYTES} bytes together",
                shown(header),
            )
        return None

    def repeated(self, header: Header, body: bytes) -> bool:
        """Return whether this place of the set is taken by other bytes: a new set has begun."""
        found = self._sets.get((header.address, header.message, header.total))
        return found is not None and found.parts.get(header.number, body) != body

    def missing(self, header: Header) -> tuple[int, list[int]]:
        """Return the first packet's serial and what lacks, once, when the last packet has come."""
        found = self._sets.get((header.address, header.message, header.total))
        if found is None or header.number != header.total or found.asked:
            return 0, []
        found.asked = True
        lacking = [at for at in range(1, header.total + 1) if at not in found.parts]
        return found.first_serial, lacking[:250]

    def give_up(self, header: Header) -> Turn | None:
        """Give up the set that this packet would belong to."""
        found = self._sets.pop((header.address, header.message, header.total), None)
        return None if found is None else _turn(found, "another set of it has begun")

    def expire(self, now: int, *, room: bool = False) -> list[Turn]:
        """Give up what is too old, and with `room` the oldest when there are too many."""
        turns = []
        for key, one in list(self._sets.items()):
            if now - one.born > LIFE:
                turns.append(
                    _turn(self._sets.pop(key), f"the rest did not come in {LIFE // 1000} s")
                )
        while room and len(self._sets) >= SETS:
            oldest = min(self._sets, key=lambda key: self._sets[key].born)
            turns.append(_turn(self._sets.pop(oldest), f"more than {SETS} sets are unfinished"))
        return turns

    def holds(self, header: Header) -> bool:
        """Return whether a packet belongs to a set that is already begun."""
        return (header.address, header.message, header.total) in self._sets

    def end(self) -> list[Turn]:
        """Give up everything: the connection has ended."""
        turns = [_turn(one, "the connection ended") for one in self._sets.values()]
        self._sets.clear()
        return turns


def _turn(one: _Set, why: str) -> Turn:
    header = one.header
    detail = f"{len(one.parts)} of {header.total} packets of message {header.kind} came; {why}"
    return Turn(one.frame, fault=FrameFault(Reason.INCOMPLETE, detail, shown(header)))

"""One connection of stations (SL 651-2014): frames out of bytes, confirms, packets, orders."""

import re
from collections import deque

from zhiyin.network.cutter import Cutter
from zhiyin.network.frame import (
    SHOWN,
    Answer,
    Facts,
    FrameFault,
    Order,
    Peers,
    Turn,
)
from zhiyin.network.model import Reason
from zhiyin.network.sl651 import codec, reports, times
from zhiyin.network.sl651.codec import Head, framed
from zhiyin.network.sl651.orders import WrongOrder, ordered
from zhiyin.network.sl651.packets import Packets

SMALL = 4_200  # bytes of the longest frame that is looked for inside another
STATIONS = 256  # of one connection whose last header and open orders are kept
_START = re.compile(rb"~~|~\Z|\x01(?=[0-9A-Fa-f]{22}[\x02\x16])|\x01[0-9A-Fa-f]{0,22}\Z")


class Sl651Session:
    """One connection, without I/O; several stations may speak on it (a relay)."""

    def __init__(self, peers: Peers) -> None:
        self.address = ""
        self._peers = peers
        self._cutter = Cutter(codec.SOH_HEX, _START, codec.head, codec.check, SMALL)
        self._packets = Packets()
        self._waiting: dict[tuple[str, int], deque[str]] = {}
        self._last: dict[str, Head] = {}

    def receive(self, data: bytes, now: int) -> list[Turn]:
        turns = self._packets.expired(now)
        for found in self._cutter.cut(data, now):
            if isinstance(found, Turn):
                turns.append(found)
            else:
                turns += self._taken(*found, now)
        return turns

    def _taken(self, frame: bytes, found: Head, now: int) -> list[Turn]:
        """Understand a good frame and answer it."""
        end = frame[found.stop]
        if found.down:
            fault = FrameFault(
                Reason.MALFORMED, "direction 8 is down; a station speaks up, 0", found.told()
            )
            return [Turn(frame, fault=fault)]
        facts = self._peers.find(found.station) or Facts()
        if facts.key and facts.key.upper() != found.password:
            fault = FrameFault(Reason.WRONG_KEY, "the password is not the station's", found.told())
            return [Turn(frame[:SHOWN], fault=fault)]
        self.address = self.address or found.station
        self._last[found.station] = found
        if len(self._last) > STATIONS:
            self._last.pop(next(iter(self._last)))
        if not found.many:
            return self._reported(frame, found, frame[found.start : found.stop], end, facts, now)
        step = self._packets.taken(frame, found, end, now)
        if step.body is not None:
            return step.turns + self._reported(frame, found, step.body, end, facts, now)
        turn = step.turns[-1]
        if step.missing:
            turn.reply = confirm(found, step.start, codec.NAK, now, step.missing)
        return step.turns

    def _reported(
        self, frame: bytes, found: Head, body: bytes, end: int, facts: Facts, now: int
    ) -> list[Turn]:
        try:
            turns = reports.turns(frame, found, body, facts.settings)
        except FrameFault as fault:
            header = {**found.told(), **fault.header}
            refused = FrameFault(fault.reason, fault.detail, header)
            turn = Turn(frame[:SHOWN], fault=refused)
            if fault.reason is Reason.UNSUPPORTED:
                turn.reply = self._confirmed(found, body, end, facts, now)
            return [turn]
        last = turns[-1]
        if found.function != reports.LINK_KEEP:
            last.reply = self._confirmed(found, body, end, facts, now)
        waiting = self._waiting.get((found.station, found.function)) if self._waiting else None
        if waiting:
            data = reports.answer(found, body)
            last.answers.append(Answer(waiting.popleft(), done=True, data=data))
        return turns

    @staticmethod
    def _confirmed(found: Head, body: bytes, end: int, facts: Facts, now: int) -> bytes:
        mark = codec.ESC if facts.settings.get("end") == "ESC" else codec.EOT
        if end == codec.ETB and not found.many:
            mark = codec.ACK
        return confirm(found, body, mark, now, found.packets)

    def order(self, order: Order, now: int) -> bytes:
        """Return the frame of an order (6.6.4.9 to 6.6.4.31); WrongOrder for one that cannot be."""
        function, body = ordered(order.verb, order.parameters, now)
        facts = self._peers.find(order.address) or Facts()
        last = self._last.get(order.address)
        password = facts.key or (last.password if last else "0000")
        centre = last.centre if last else int(facts.settings.get("centre", 1))
        text = last.text if last else facts.settings.get("encoding") == "ASCII"
        try:
            if text:
                body = reports.in_text(body, function)
            frame = framed(
                order.address, centre, password, function, body, codec.ENQ, down=True, text=text
            )
        except FrameFault as fault:
            raise WrongOrder(verb=order.verb, detail=fault.detail) from fault
        waiting = self._waiting.setdefault((order.address, function), deque(maxlen=16))
        waiting.append(order.id)
        if len(self._waiting) > STATIONS:
            self._waiting.pop(next(iter(self._waiting)))
        return frame

    def ended(self, now: int) -> list[Turn]:
        return self._cutter.ended() + self._packets.expired(now, all_of_them=True)


def confirm(found: Head, body: bytes, end: int, now: int, packet: int) -> bytes:
    """Return the answer to a report: its serial number and our time (tables 29 to 41)."""
    if found.text:
        said = body[:4] + times.digits_of(now).encode()
    else:
        said = body[:2] + bytes.fromhex(times.digits_of(now))
    return framed(
        found.station, found.centre, found.password, found.function, said, end, down=True,
        text=found.text, packets=found.packets, packet=packet,
    )  # fmt: skip

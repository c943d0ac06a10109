"""One connection of stations (SL 651-2014): frames out of bytes, confirms, packets, orders."""

import re
from collections import deque
from typing import Any

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

SILENCE = 30_000  # ms within a frame after which its rest is not waited for (6.3.2.1 has none)
JUNK = 65_536  # bytes without a start mark after which a peer is no station
SMALL = 4_200  # bytes of the longest frame that is looked for inside another
LOOKS = 8  # frames looked for inside another, each time bytes come
_START = re.compile(rb"~~|~\Z|\x01(?=[0-9A-Fa-f]{22}[\x02\x16])|\x01[0-9A-Fa-f]{0,22}\Z")


class Sl651Session:
    """One connection, without I/O; several stations may speak on it (a relay)."""

    def __init__(self, peers: Peers) -> None:
        self.address = ""
        self._peers = peers
        self._buffer = bytearray()
        self._heard = 0  # when bytes came last, UTC ms
        self._probe = 2  # from where a frame is looked for inside an unfinished one
        self._junk = bytearray()
        self._skipped = 0
        self._why = ""
        self._packets = Packets()
        self._waiting: dict[tuple[str, int], deque[str]] = {}
        self._last: dict[str, Head] = {}

    def receive(self, data: bytes, now: int) -> list[Turn]:
        turns: list[Turn] = []
        buffer = self._buffer
        if buffer and now - self._heard > SILENCE:
            self._give_up(turns, f"silent for {(now - self._heard) // 1000} s")
        self._heard = now
        turns += self._packets.expired(now)
        buffer += data
        while buffer:
            if not buffer.startswith(codec.SOH_HEX) and not self._to_start():
                break
            try:
                found = codec.head(buffer)
            except FrameFault as fault:
                self._skip(1, fault.detail)
                continue
            if found is None:
                break
            if len(buffer) < found.total:
                if not self._inside(turns, found):
                    break
                continue
            self._whole(turns, found, now)
        if self._skipped > JUNK:
            self._told_junk(turns)
            turns[-1].close = True
        return turns

    def _whole(self, turns: list[Turn], found: Head, now: int) -> None:
        """Take the frame that the buffer begins with and holds to its end."""
        buffer = self._buffer
        self._told_junk(turns)
        self._probe = 2
        frame = bytes(buffer[: found.total])
        try:
            end = codec.check(frame, found)
        except FrameFault as fault:
            frame = bytes(buffer[: self._bad(found, fault.reason)])
            del buffer[: len(frame)]
            turns.append(Turn(frame[:SHOWN], fault=fault))
            return
        del buffer[: found.total]
        turns += self._taken(frame, found, end, now)

    def _bad(self, found: Head, reason: Reason) -> int:
        """Return how many bytes a bad frame has: to the next start mark that may be one.

        A frame that came without its end is followed by another where its check should stand.
        """
        buffer = self._buffer
        if reason is Reason.LENGTH:
            following = buffer.find(codec.SOH_HEX, 2)
            return following if following > 0 else len(buffer)
        at = buffer.find(codec.SOH_HEX, 2, found.total + 1)
        for _ in range(LOOKS):
            if at < 0:
                break
            try:
                inner = codec.head(bytes(buffer[at : at + 32]))
                if at >= found.stop:
                    return at
                if inner and inner.total <= min(SMALL, len(buffer) - at):
                    codec.check(bytes(buffer[at : at + inner.total]), inner)
                    return at
            except FrameFault:
                pass
            at = buffer.find(codec.SOH_HEX, at + 1, found.total + 1)
        return found.total

    def _to_start(self) -> bool:
        """Skip to the next start mark; False when there is none."""
        start = _START.search(self._buffer)
        at = start.start() if start else len(self._buffer)
        if at:
            self._skip(at, "no start mark 7E7E or 01")
        return start is not None

    def _skip(self, count: int, why: str) -> None:
        self._why = self._why or why
        self._skipped += count
        self._junk += self._buffer[: min(count, SHOWN - len(self._junk))]
        self._probe = 2
        del self._buffer[:count]

    def _told_junk(self, turns: list[Turn]) -> None:
        if self._skipped:
            fault = FrameFault(Reason.MALFORMED, f"{self._skipped} bytes skipped: {self._why}")
            turns.append(Turn(bytes(self._junk), fault=fault))
            self._skipped, self._why = 0, ""
            self._junk.clear()

    def _inside(self, turns: list[Turn], outer: Head) -> bool:
        """Look whether a whole good frame lies in one that is not finished; cut there if so."""
        buffer = self._buffer
        at = buffer.find(codec.SOH_HEX, self._probe)
        for _ in range(LOOKS):
            if at < 0:
                self._probe = max(2, len(buffer) - 1)
                return False
            self._probe = at
            try:
                inner = codec.head(bytes(buffer[at : at + 32]))
                if inner is None or (inner.total <= SMALL and at + inner.total > len(buffer)):
                    return False  # it may become whole
                if inner.total <= SMALL:
                    codec.check(bytes(buffer[at : at + inner.total]), inner)
                    self._cut(turns, at, outer)
                    return True
            except FrameFault:
                pass
            at = buffer.find(codec.SOH_HEX, at + 1)
        return False

    def _cut(self, turns: list[Turn], at: int, outer: Head) -> None:
        self._told_junk(turns)
        detail = f"the next frame begins after {at} bytes; the header says {outer.total}"
        frame = bytes(self._buffer[: min(at, SHOWN)])
        turns.append(Turn(frame, fault=FrameFault(Reason.LENGTH, detail, outer.told())))
        del self._buffer[:at]
        self._probe = 2

    def _give_up(self, turns: list[Turn], why: str) -> None:
        """Tell of what is in the buffer as a frame that never came to its end."""
        header: dict[str, Any] = {}
        self._told_junk(turns)
        try:
            found = codec.head(self._buffer)
            header = found.told() if found else {}
            size = f" of {found.total}" if found else ""
        except FrameFault:
            size = ""
        detail = f"{len(self._buffer)} bytes{size} came: {why}"
        frame = bytes(self._buffer[:SHOWN])
        turns.append(Turn(frame, fault=FrameFault(Reason.INCOMPLETE, detail, header)))
        self._buffer.clear()
        self._probe = 2

    def _taken(self, frame: bytes, found: Head, end: int, now: int) -> list[Turn]:
        """Understand a good frame and answer it."""
        if found.down:
            fault = FrameFault(
                Reason.MALFORMED, "direction 8 is down; a station speaks up, 0", found.told()
            )
            return [Turn(frame, fault=fault)]
        facts = self._peers.find(found.station) or Facts()
        if facts.key and facts.key.upper() != found.password:
            fault = FrameFault(
                Reason.WRONG_KEY, f"password {found.password} is not the station's", found.told()
            )
            return [Turn(frame[:SHOWN], fault=fault)]
        self.address = self.address or found.station
        self._last[found.station] = found
        if len(self._last) > 256:
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
        if len(self._waiting) > 256:
            self._waiting.pop(next(iter(self._waiting)))
        return frame

    def ended(self, now: int) -> list[Turn]:
        turns: list[Turn] = []
        self._told_junk(turns)
        if self._buffer:
            self._give_up(turns, "the connection ended")
        return turns + self._packets.expired(now, all_of_them=True)


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

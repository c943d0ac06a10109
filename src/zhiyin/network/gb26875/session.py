"""One connection of transmitters (GB/T 26875.3-2011, 6.2 to 6.5): confirms, clocks, orders."""

import re

from zhiyin.network.cutter import Cutter
from zhiyin.network.frame import (
    SHOWN,
    Answer,
    Decoded,
    Facts,
    FrameFault,
    Order,
    Peers,
    Turn,
)
from zhiyin.network.gb26875 import codec, reports, times, units
from zhiyin.network.gb26875.codec import ANSWER, CONFIRM, CONTROL, DENY, SEND, Head, framed
from zhiyin.network.gb26875.orders import WrongOrder, ordered
from zhiyin.network.model import Reason

_START = re.compile(rb"@@|@\Z")
CLOCK_OFF = 60.0  # seconds a transmitter's clock may be off
CLOCK_AGAIN = 600_000  # ms between two settings of one clock
OPEN = 64  # orders of a connection that wait for an answer
STATIONS = 256  # transmitters of a connection whose last header is kept


class Gb26875Session:
    """One connection, without I/O."""

    def __init__(self, peers: Peers) -> None:
        self.address = ""
        self._peers = peers
        self._cutter = Cutter(codec.START, _START, codec.head, codec.check, 1100)
        self._serial = 0
        self._orders: dict[tuple[str, int], str] = {}
        self._last: dict[str, Head] = {}
        self._set: dict[str, int] = {}  # when a transmitter's clock was set last, UTC ms

    def receive(self, data: bytes, now: int) -> list[Turn]:
        turns: list[Turn] = []
        for found in self._cutter.cut(data, now):
            if isinstance(found, Turn):
                self._refuse(found, now)
                turns.append(found)
            else:
                turns.append(self._taken(*found, now))
        return turns

    def ended(self, now: int) -> list[Turn]:  # noqa: ARG002 - as every session's
        return self._cutter.ended()

    @staticmethod
    def _refuse(turn: Turn, now: int) -> None:
        """Deny a frame with a wrong sum (6.5): the transmitter sends it again."""
        if turn.fault and turn.fault.reason is Reason.CHECKSUM:
            found = codec.head(turn.frame)
            if found and found.command == SEND:
                turn.reply = answer(found, DENY, now)

    def _taken(self, frame: bytes, found: Head, now: int) -> Turn:
        """Understand a good frame and answer it."""
        address, command = found.source, found.command
        self.address = self.address or address
        self._last[address] = found
        if len(self._last) > STATIONS:
            self._last.pop(next(iter(self._last)))
        facts = self._peers.find(address) or Facts()
        if command in {CONFIRM, DENY}:
            turn = Turn(frame, _decoded(found, None, now))
            self._answered(turn, found, done=command == CONFIRM)
            return turn
        if command not in {SEND, ANSWER}:
            what = f"command {command} does not come from a transmitter"
            fault = FrameFault(Reason.UNSUPPORTED, what, found.told())
            kept = CONFIRM if command >= 128 else DENY
            return Turn(frame[:SHOWN], fault=fault, reply=answer(found, kept, now))
        try:
            unit = units.unit(frame[codec.HEAD : -3]) if found.length else None
        except FrameFault as fault:
            kept = CONFIRM if fault.reason is Reason.UNSUPPORTED else DENY
            refused = FrameFault(fault.reason, fault.detail, found.told())
            reply = answer(found, kept, now) if command == SEND else b""
            return Turn(frame[:SHOWN], fault=refused, reply=reply)
        turn = Turn(frame, _decoded(found, unit, now))
        if command == SEND:
            turn.reply = answer(found, CONFIRM, now) + self._clock(found, facts, now)
        else:
            self._answered(turn, found, done=True, unit=unit)
        return turn

    def _answered(
        self, turn: Turn, found: Head, *, done: bool, unit: units.Unit | None = None
    ) -> None:
        order = self._orders.pop((found.source, found.serial), None) if self._orders else None
        if order:
            told = reports.fields_of(unit) if unit else []
            data = {"fields": [[field.name, field.value, field.part] for field in told]}
            detail = "" if done else "denied"
            turn.answers.append(Answer(order, done, detail, data if told else {}))

    def _clock(self, found: Head, facts: Facts, now: int) -> bytes:
        """Return the frame that sets a clock which is off, where the device's settings want so."""
        if not facts.settings.get("set_clock", False):
            return b""
        sent = times.millis(found.time)
        most = float(facts.settings.get("clock_off_s", CLOCK_OFF)) * 1000
        if sent is not None and abs(sent - now) <= most:
            return b""
        if now - self._set.get(found.source, -CLOCK_AGAIN) < CLOCK_AGAIN:
            return b""
        if len(self._set) >= STATIONS:
            self._set.clear()
        self._set[found.source] = now
        return self._ordering(found, CONTROL, units.packed(90, [(times.label(now),)]), now)

    def _ordering(self, last: Head, command: int, data: bytes, now: int) -> bytes:
        self._serial = self._serial % 65535 + 1
        version = (last.version, last.user_version)
        return framed(
            self._serial, version, times.label(now), last.destination, last.source, command, data
        )

    def order(self, order: Order, now: int) -> bytes:
        """Return the frame of an order (8.3.2); WrongOrder for one that cannot be."""
        command, data = ordered(order.verb, order.parameters, now)
        facts = self._peers.find(order.address) or Facts()
        last = self._last.get(order.address)
        if last is None:
            centre = str(facts.settings.get("centre", "0" * 12))
            last = Head(0, 1, 0, b"", order.address, centre, 0, SEND)
        try:
            frame = self._ordering(last, command, data, now)
        except FrameFault as fault:
            raise WrongOrder(verb=order.verb, detail=fault.detail) from fault
        self._orders[order.address, self._serial] = order.id
        if len(self._orders) > OPEN:
            self._orders.pop(next(iter(self._orders)))
        return frame


def _decoded(found: Head, unit: units.Unit | None, now: int) -> Decoded:
    header = {"serial": found.serial, "command": found.command, "time": times.shown(found.time)}
    if unit is None:
        return Decoded("gb26875", found.source, f"command {found.command}", header)
    said = reports.said(unit, times.millis(found.time) or now)
    return Decoded(
        "gb26875", found.source, str(unit.kind), header, (), tuple(said.readings),
        tuple(said.happenings),
    )  # fmt: skip


def answer(found: Head, command: int, now: int) -> bytes:
    """Return the confirm or denial of a frame: its serial number, the addresses turned round."""
    version = (found.version, found.user_version)
    return framed(found.serial, version, times.label(now), found.destination, found.source, command)

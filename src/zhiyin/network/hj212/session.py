"""What one connection of an HJ 212 device says and is answered. No I/O.

Answers carry ST 91, the request's QN, and its version bits in Flag (HJ 212-2017 §6.4).
"""

import hmac
from collections.abc import Mapping

from zhiyin.network.frame import Decoded, Facts, FrameFault, Order, Peers, Turn
from zhiyin.network.hj212.assembly import Assembly
from zhiyin.network.hj212.codec import KEY, command_of, understood
from zhiyin.network.hj212.exchange import Exchange, OrderFault
from zhiyin.network.hj212.framing import Piece, Scanner
from zhiyin.network.hj212.packet import (
    ASKS,
    NUMBERED,
    Packet,
    compose,
    flag_of,
    is_safe,
    open_piece,
    sealed,
)
from zhiyin.network.hj212.tables import tables
from zhiyin.network.model import Reason

_TALK = "91"  # the ST of answers
_FIRST_PASSWORD = "123456"  # the standard's own, of a device that has said none  # noqa: S105
_REFUSALS = {  # QnRtn
    Reason.CHECKSUM: 9, Reason.WRONG_KEY: 3, Reason.UNSUPPORTED: 8, Reason.MALFORMED: 100,
    Reason.OVERSIZE: 100,
}  # fmt: skip
_ANSWERS = frozenset({"9011", "9012", "9013", "9014"})


class Hj212Session:
    """One connection; a forwarder may speak for several devices, each under its own MN."""

    def __init__(self, peers: Peers) -> None:
        self.address = ""
        self._peers = peers
        self._scanner = Scanner()
        self._sets = Assembly()
        self._exchange = Exchange()
        self._system = ""  # ST, PW and Flag that `address` said last
        self._password = ""
        self._flag = -1

    def receive(self, data: bytes, now: int) -> list[Turn]:
        turns = [Turn(frame, fault=fault) for frame, fault in self._sets.expired(now)]
        for piece in self._scanner.feed(data):
            self._piece(piece, now, turns)
        return turns

    def ended(self, now: int) -> list[Turn]:  # noqa: ARG002
        left = [Turn(piece.frame, fault=piece.fault) for piece in self._scanner.end()]
        return left + [Turn(frame, fault=fault) for frame, fault in self._sets.end()]

    def order(self, order: Order, now: int) -> bytes:
        facts = self._peers.find(order.address) or Facts()
        flag = self._version_bits(facts) | ASKS
        spoken = order.address == self.address
        system = str(facts.settings.get("st", "")) or (self._system if spoken else "") or _TALK
        password = facts.key or (self._password if spoken else "") or _FIRST_PASSWORD

        def frame_of(qn: str, cn: str, cp: str) -> bytes:
            head = {"QN": qn, "ST": system, "CN": cn, "PW": password}
            head |= {"MN": order.address, "Flag": str(flag)}
            command = tables().by_cn[cn]
            hidden = command.secret and flag >> 2 >= 2
            return compose(head, cp, str(facts.settings.get("sm4_key", "")) if hidden else "")

        try:
            return self._exchange.ordered(order, now, frame_of)
        except FrameFault as fault:
            raise OrderFault(fault.detail) from None

    def _version_bits(self, facts: Facts) -> int:
        """Return the edition's bits: as set for the device, else as it speaks, else 2017."""
        version = str(facts.settings.get("version", ""))
        for bits, name in tables().versions.items():
            if name == version:
                return int(bits) << 2
        return self._flag & ~3 if self._flag >= 0 else 1 << 2

    def _piece(self, piece: Piece, now: int, turns: list[Turn]) -> None:
        if piece.fault:
            turns.append(Turn(piece.frame, fault=piece.fault))
            return
        try:
            packet = open_piece(piece, self._peers.find)
            facts = self._peers.find(packet.mn)
            _admit(packet, facts)
            self._know(packet)
            turns.append(self._turn(piece.frame, packet, facts, now, turns))
        except FrameFault as fault:
            turns.append(Turn(piece.frame, fault=fault, reply=_refusal(fault)))

    def _know(self, packet: Packet) -> None:
        self.address = packet.mn
        self._flag = packet.flag
        self._password = packet.head.get("PW", "")
        system = packet.head.get("ST", "")
        if system != _TALK:
            self._system = system

    def _turn(
        self, frame: bytes, packet: Packet, facts: Facts | None, now: int, turns: list[Turn]
    ) -> Turn:
        command = command_of(packet)
        count = int(packet.asks)
        whole: Packet | None = packet
        if "PNUM" in packet.head or "PNO" in packet.head:
            whole, count, lost = self._sets.take(packet, frame, now)
            turns.extend(Turn(left, fault=fault) for left, fault in lost)
        if whole is None:
            decoded, complaint = Decoded(KEY, packet.mn, packet.cn, packet.head), ""
        else:
            decoded, complaint = understood(whole, facts)
        heard = self._exchange.heard(packet)
        if heard is None and not command.up:
            detail = f"CN · {packet.cn} · an order of the host; a device does not send it"
            raise FrameFault(Reason.UNSUPPORTED, detail, packet.head)
        reply = b""
        if count:
            reply = _reply(packet, _answer_cn(packet.cn, command.answer, facts)) * count
        turn = Turn(frame, decoded, reply=reply, answers=[heard] if heard else [])
        if complaint:
            turn.fault = FrameFault(Reason.MALFORMED, f"CP · {complaint}", packet.head)
        return turn


def _answer_cn(cn: str, usual: str, facts: Facts | None) -> str:
    """Return the CN of the answer; how a heartbeat is answered is no settled matter."""
    if cn == "9015" and facts is not None:
        return str(facts.settings.get("heartbeat_answer", usual))
    return usual


def _admit(packet: Packet, facts: Facts | None) -> None:
    """Raise WRONG_KEY when the device has a password and the packet another."""
    if facts is None or not facts.key:
        return
    given = packet.head.get("PW", "")
    if not hmac.compare_digest(given.encode(), facts.key.encode()):
        raise FrameFault(Reason.WRONG_KEY, "PW · not the one the device has", packet.head)


def _reply(packet: Packet, cn: str) -> bytes:
    return _answered(packet.head, packet.flag, cn, "") if cn else b""


def _refusal(fault: FrameFault) -> bytes:
    """Return 9011 with what was wrong, where the frame asks for an answer and names its sender."""
    head = fault.header
    flag = flag_of(head)
    code = _REFUSALS.get(fault.reason)
    if not flag & ASKS or code is None or head.get("CN") in _ANSWERS:
        return b""
    return _answered(head, flag, "9011", f"QnRtn={code}")


def _answered(head: Mapping[str, str], flag: int, cn: str, cp: str) -> bytes:
    """Return an answer to the frame of `head`; nothing where that head cannot be repeated."""
    qn, mn = head.get("QN", ""), head.get("MN", "")
    if not (len(qn) <= 20 and qn.isascii() and qn.isdigit()) or not is_safe(mn):
        return b""
    items = f"QN={qn};ST={_TALK};CN={cn}"
    password = head.get("PW")
    if password and is_safe(password):
        items += f";PW={password}"
    try:
        return sealed(f"{items};MN={mn};Flag={flag & ~(ASKS | NUMBERED)}", cp)
    except (FrameFault, UnicodeError):
        return b""

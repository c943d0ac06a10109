"""One terminal's connection (JT/T 808 §6, §8): who it is, what it says, what it is answered.

Sans-I/O. A terminal registers (0100), is given a token, authenticates with it (0102), and then
sends positions. Its address is the phone number without leading zeros.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

from zhiyin.network.frame import (
    Answer,
    Decoded,
    Facts,
    Field,
    FrameFault,
    Order,
    Peers,
    Turn,
)  # fmt: skip
from zhiyin.network.jt808.codec import (
    BATCH,
    KEY,
    MEDIA,
    header_of,
    meaning,
    refuse,
    values_of,
)  # fmt: skip
from zhiyin.network.jt808.framing import Header, read_frame, shown, write_frames
from zhiyin.network.jt808.layout import Values, flatten
from zhiyin.network.jt808.orders import NoOrder, message_for
from zhiyin.network.jt808.packets import Packets
from zhiyin.network.jt808.position import Wanted, wanted
from zhiyin.network.jt808.replies import OK, SAYS, Replies
from zhiyin.network.jt808.stream import Stream
from zhiyin.network.model import Reason

PENDING = 256  # orders of one connection that still wait for an answer
TRIES = 5  # wrong tokens after which the connection is closed

_QUICK = {0x0002, 0x0200, BATCH, MEDIA}  # whose fields only `decode` builds
_BEFORE_AUTHENTICATION = {0x0003, 0x0004, 0x0100, 0x0102}

# Tokens of devices without a key of their own hold as long as this process: a terminal whose
# token is refused registers again.
_SECRET = secrets.token_bytes(32)


def token_of(address: str, facts: Facts) -> str:
    """Return the token a terminal is given: its key, or one derived from its address."""
    if facts.key:
        return facts.key
    secret = str(facts.settings.get("token_secret") or "").encode() or _SECRET
    return hmac.new(secret, address.encode(), hashlib.sha256).hexdigest()[:24]


class _Pending(NamedTuple):
    order: str
    answer: int  # the message that answers it in the end


class Terminal:
    """A Session of JT/T 808."""

    def __init__(self, peers: Peers) -> None:
        self.address = ""
        self.authenticated = False
        self._peers = peers
        self._stream = Stream()
        self._packets = Packets()
        self._replies = Replies()
        self._alarm = 0
        self._wrong = 0
        self._last: Header | None = None
        self._pending: dict[int, _Pending] = {}
        self._settings: Mapping[str, Any] | None = None
        self._want = Wanted()
        self._settings_fault = ""

    # Seam ------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: int) -> list[Turn]:
        """Take bytes as they came; one turn for each frame or run of garbage."""
        turns: list[Turn] = []
        for found in self._stream.cut(data):
            if isinstance(found, Turn):
                turns.append(found)
            else:
                self._take(found, now, turns)
        if len(self._packets):
            turns += self._packets.expire(now)
        return turns

    def ended(self, now: int) -> list[Turn]:  # noqa: ARG002
        """Return half a frame and unfinished sets of packets, as faults."""
        return [*self._stream.end(), *self._packets.end()]

    def order(self, order: Order, now: int) -> bytes:  # noqa: ARG002
        """Return the frames of an order; NoOrder when it cannot be or nobody is there for it."""
        if self._last is None or not self._may_receive():
            raise NoOrder("address", reason="the terminal has not authenticated")
        if order.address != self.address:
            raise NoOrder("address", reason=f"{order.address} is not here; {self.address} is")
        message, body, answer = message_for(order, self._last.year)
        header = self._replies.header(message, self._last)
        frames = write_frames(header, body)
        self._replies.serial = (header.serial + len(frames) - 1) & 0xFFFF
        while len(self._pending) >= PENDING:
            self._pending.pop(next(iter(self._pending)))
        self._pending[self._replies.serial] = self._pending[header.serial] = _Pending(
            order.id, answer
        )
        return b"".join(frames)

    def _may_receive(self) -> bool:
        if self.authenticated:
            return True
        facts = self._peers.find(self.address)
        return facts is not None and not facts.settings.get("require_authentication", True)

    # Frames ----------------------------------------------------------------------------------

    def _take(self, frame: bytes, now: int, turns: list[Turn]) -> None:
        header: Header | None = None
        try:
            header, body = read_frame(frame)
            facts = self._admit(header)
            if header.total > 1:
                whole = self._packet(header, body, frame, now, turns)
                if whole is None:
                    return
                header, body = header._replace(total=0, number=0), whole
            turns.append(self._understand(header, body, facts, frame, now))
        except FrameFault as fault:
            turns.append(self._refusal(frame, header, fault))

    def _admit(self, header: Header) -> Facts:
        """Return what is known of the sender; FrameFault for a stranger or one without its key."""
        if self.authenticated and header.address != self.address:
            raise FrameFault(
                Reason.WRONG_KEY,
                f"the connection is {self.address}'s; a frame names {header.address}",
                shown(header),
            )
        if self.address != header.address:
            self.address, self._alarm = header.address, 0
        self._last = header
        facts = self._peers.find(header.address)
        if facts is None:
            self.authenticated = False
            raise FrameFault(
                Reason.UNKNOWN_DEVICE, f"no device has the phone {header.address}", shown(header)
            )
        if (
            not self.authenticated
            and header.message not in _BEFORE_AUTHENTICATION
            and facts.settings.get("require_authentication", True)
        ):
            raise FrameFault(
                Reason.WRONG_KEY,
                f"message {header.kind} came before an authentication (0102)",
                shown(header),
            )
        if header.encryption or header.message >= 0x8000:
            refuse(header)
            raise FrameFault(
                Reason.UNSUPPORTED, f"message {header.kind} is a platform's", shown(header)
            )
        return facts

    def _packet(
        self, header: Header, body: bytes, frame: bytes, now: int, turns: list[Turn]
    ) -> bytes | None:
        refuse(header)
        if self._packets.repeated(header, body):
            turns += filter(None, [self._packets.give_up(header)])
        if not self._packets.holds(header):
            turns += self._packets.expire(now, room=True)
        whole = self._packets.add(header, body, frame, now)
        if whole is None:
            reply = self._replies.general(header, OK)
            serial, lacking = self._packets.missing(header)
            if lacking:
                reply += self._replies.again(header, serial, lacking)
            turns.append(Turn(frame, reply=reply))
        return whole

    def _understand(
        self, header: Header, body: bytes, facts: Facts, frame: bytes, now: int
    ) -> Turn:
        want = self._wanted(facts)
        values: Values = {}
        fields: tuple[Field, ...] = ()
        if header.message not in _QUICK:
            values, message, _ = values_of(header, body)
            fields = tuple(flatten(message.body, values))
        try:
            readings, happenings, alarm = meaning(header, body, want, self._alarm)
        except FrameFault as fault:
            raise FrameFault(fault.reason, fault.detail, shown(header)) from fault
        self._alarm = alarm
        head = header_of(header, body)
        if self._settings_fault:
            head["settings_fault"] = self._settings_fault
        decoded = Decoded(
            KEY, self.address, header.kind, head, fields, tuple(readings), tuple(happenings)
        )
        done = self._do(header, values, facts, now)
        turn = Turn(frame, decoded, reply=self._reply(header, body) if done is None else done)
        if "answered" in values or header.message in {0x0107, 0x0702}:
            turn.answers = self._answers(header, values)
        return turn

    def _wanted(self, facts: Facts) -> Wanted:
        if facts.settings is not self._settings:
            self._settings, self._settings_fault = facts.settings, ""
            try:
                self._want = wanted(facts.settings)
            except (ValueError, TypeError, KeyError, AttributeError) as fault:
                self._want, self._settings_fault = wanted({}), f"not understood: {fault!r}"
        return self._want

    # What is answered ------------------------------------------------------------------------

    def _reply(self, header: Header, body: bytes) -> bytes:
        if header.message == 0x0001:
            return b""
        if header.message == MEDIA:
            return self._replies.message(0x8800, {"media": int.from_bytes(body[:4], "big")}, header)
        return self._replies.general(header, OK)

    def _refusal(self, frame: bytes, header: Header | None, fault: FrameFault) -> Turn:
        turn = Turn(frame, fault=fault, reply=self._replies.refused(header, fault))
        if fault.reason is Reason.UNKNOWN_DEVICE and header is not None:
            # Nothing of it is read, but whoever keeps the register sees who asks to be in it.
            turn.decoded = Decoded(KEY, header.address, header.kind, shown(header))
        if fault.reason is Reason.WRONG_KEY:
            self._wrong += 1
            turn.close = self._wrong >= TRIES
        return turn

    def _do(self, header: Header, values: Values, facts: Facts, now: int) -> bytes | None:
        """Do what a message asks of the connection itself; None for one that asks nothing."""
        match header.message:
            case 0x0003:
                self.authenticated = False
                return self._replies.general(header, OK)
            case 0x0004:
                return self._replies.time(header, facts, now)
            case 0x0100:
                return self._register(header, values, facts)
            case 0x0102:
                return self._authenticate(header, values, facts)
        return None

    def _register(self, header: Header, values: Values, facts: Facts) -> bytes:
        """0100 → 8100 with the token; settings `terminal` and `plate`, where given, must agree."""
        for name in ("terminal", "plate"):
            should = facts.settings.get(name)
            if should is not None and str(should).strip() != str(values[name]).strip():
                raise FrameFault(
                    Reason.WRONG_KEY,
                    f"{name} is {values[name]!r}; the register has another",
                    shown(header),
                )
        return self._replies.registered(header, token_of(self.address, facts))

    def _authenticate(self, header: Header, values: Values, facts: Facts) -> bytes:
        token = str(values["token"]).encode()
        given = hmac.compare_digest(token, token_of(self.address, facts).encode())
        if not given and (facts.key or not facts.settings.get("open", False)):
            self.authenticated = False
            raise FrameFault(
                Reason.WRONG_KEY, "the token is not the one of this device", shown(header)
            )
        self.authenticated, self._wrong = True, 0
        return self._replies.general(header, OK)

    def _answers(self, header: Header, values: Values) -> list[Answer]:
        if "answered" in values:
            serial = int(values["answered"])
        else:  # 0107 and 0702 do not say which question they answer
            ours = (key for key, one in self._pending.items() if one.answer == header.message)
            serial = next(ours, -1)
        found = self._pending.get(serial)
        if found is None:
            return []
        result = int(values.get("result", OK))
        more = header.message == 0x0001 and found.answer != 0x0001 and result == OK
        if not more:
            kept = {key: one for key, one in self._pending.items() if one.order != found.order}
            self._pending = kept
        detail = SAYS.get(result, f"result {result}") if result else ""
        data = {key: value for key, value in values.items() if key != "answered"}
        return [Answer(found.order, None if more else result == OK, detail, data)]

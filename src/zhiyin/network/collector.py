"""From the frames of many connections to the stream, in micro-batches; then they are answered.

A device's frame is confirmed only after everything read from it is kept: readings are on the
stream, happenings in the store, what could not be read in quarantine with its reason.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

import msgspec
import prometheus_client
import structlog
from sqlalchemy.exc import SQLAlchemyError

from zhiyin.kernel import Clock, WorldFault, new_id
from zhiyin.network.contacts import Contacts, Heard, frame_text
from zhiyin.network.directory import Directory, Row
from zhiyin.network.frame import SHOWN, Answer, Happening, Session, Turn, Wire
from zhiyin.network.intake import Message
from zhiyin.network.model import Device, Reason, Rejected
from zhiyin.network.service import Door

log = structlog.get_logger()

MOST = 2_000  # frames in one batch
WAIT = 0.02  # seconds that a batch waits for company
ASK_AGAIN = 2.0  # seconds between two looks into the register for strangers

frames_in = prometheus_client.Counter("zhiyin_gateway_frames", "Frames taken", ["gateway", "fate"])
unread = prometheus_client.Counter(
    "zhiyin_gateway_values_unread", "Values that no template reads", ["gateway"]
)


class Link(Protocol):
    """A connection, as what it said comes back to it."""

    peer: str
    session: Session

    def answered(self, turn: Turn) -> None:
        """What was read of the turn is kept; the reply may go."""


class Said(NamedTuple):
    """One turn, where it came from and when (UTC ms)."""

    link: Link
    turn: Turn
    at: int
    known: bool  # whether the session could ask the register about the sender


class Found(NamedTuple):
    """A happening with the device that told of it."""

    device: Device
    happening: Happening


class Keep(Protocol):
    """Where happenings and answers to orders go; each may be told twice."""

    async def happenings(self, gateway: str, found: Sequence[Found]) -> None: ...
    async def answers(self, answers: Sequence[Answer]) -> None: ...


class Collector:
    """The one way from sessions to the stream, of one gateway."""

    def __init__(
        self, wire: Wire, door: Door, directory: Directory, keep: Keep, clock: Clock,
        reload: Callable[[], Awaitable[None]],
    ) -> None:  # fmt: skip
        self._wire, self._door, self._directory, self._clock = wire, door, directory, clock
        self._keep, self._reload, self._asked = keep, reload, 0.0
        self._waiting: deque[Said] = deque()
        self._some = asyncio.Event()
        self._unread = unread.labels(wire.key)
        self.contacts = Contacts()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, link: Link, turns: Sequence[Turn], at: int) -> None:
        """Take what came of a connection; never waits."""
        find = self._directory.device
        for turn in turns:
            known = turn.decoded is None or find(turn.decoded.address) is not None
            self._waiting.append(Said(link, turn, at, known))
        self._some.set()

    async def run(self) -> None:
        """Work for ever."""
        while True:
            await self._some.wait()
            if len(self._waiting) < MOST:
                await asyncio.sleep(WAIT)
            self._some.clear()
            while self._waiting:
                count = min(MOST, len(self._waiting))
                await self._until_kept([self._waiting.popleft() for _ in range(count)])

    async def _until_kept(self, batch: list[Said]) -> None:
        wait, key = 0.1, f"{self._wire.key}-{new_id()}"
        await self._meet_strangers(batch)
        while True:
            try:
                await self._take(batch, key)
            except (WorldFault, SQLAlchemyError, OSError) as fault:
                log.warning("gateway waits", gateway=self._wire.key, fault=str(fault))
                await asyncio.sleep(wait)
                wait = min(wait * 2, 5)
            else:
                break
        for said in batch:
            said.link.answered(said.turn)

    async def _meet_strangers(self, batch: list[Said]) -> None:
        """Look once into the register for senders that it did not have when it was loaded."""
        now = time.monotonic()
        if now - self._asked < ASK_AGAIN:
            return
        for said in batch:
            if not said.known:
                self._asked = now
                try:
                    await self._reload()
                except SQLAlchemyError as fault:
                    log.warning("register waits", fault=str(fault))
                return

    async def _take(self, batch: list[Said], key: str) -> None:
        rows: list[Row] = []
        rejected: list[Rejected] = []
        found: list[Found] = []
        answers: list[Answer] = []
        for n, said in enumerate(batch):
            answers += said.turn.answers
            trouble = self._read(said, rows, found)
            if trouble is not None:
                rejected.append(self._kept(said, f"{key}-{n}", *trouble))
        things, properties, times, values = zip(*rows, strict=True) if rows else ((), (), (), ())
        checked = await self._door.look(Message(things, properties, times, values), self._wire.key)
        if found:
            await self._keep.happenings(self._wire.key, found)
        if answers:
            await self._keep.answers(answers)
        refused = [
            msgspec.structs.replace(item, id=f"{key}v{n}")
            for n, item in enumerate(checked.rejected)
        ]
        await self._door.hand_over(checked, rejected + refused, self._wire.key, key)
        self._remember(batch)

    def _read(self, said: Said, rows: list[Row], found: list[Found]) -> tuple[Reason, str] | None:
        """Add what a turn brings; return why its frame is to be kept apart, None if it is not."""
        decoded, fault = said.turn.decoded, said.turn.fault
        trouble = (fault.reason, fault.detail) if fault is not None else None
        if decoded is None:
            return trouble
        directory, address = self._directory, decoded.address
        device = directory.device(address)
        if device is None or not said.known:  # its key was not looked at
            why = f"no {self._wire.key} device has the address {address}"
            return trouble or (Reason.UNKNOWN_DEVICE, why)
        own = directory.rows(address, decoded.readings)
        if decoded.readings and not own and trouble is None:
            why = f"template {device.template or '(none)'} of {device.id} reads none of its values"
            return Reason.UNKNOWN_PROPERTY, why
        if len(own) < len(decoded.readings):
            self._unread.inc(len(decoded.readings) - len(own))
        rows += own
        found += [
            Found(directory.device(address, one.part) or device, one) for one in decoded.happenings
        ]
        return trouble

    def _sender(self, said: Said) -> str:
        """Return who sent the turn, as far as it or its connection tells."""
        decoded, fault = said.turn.decoded, said.turn.fault
        if decoded is not None and decoded.address:
            return decoded.address
        named = str(fault.header.get(self._wire.sender, "")) if fault is not None else ""
        if named and self._directory.device(named) is not None:
            return named
        return said.link.session.address or named  # what is cut off may be half a name

    def _kept(self, said: Said, key: str, reason: Reason, why: str) -> Rejected:
        address, frame = self._sender(said)[:128], said.turn.frame
        device = self._directory.device(address) if address else None
        raw = {
            "protocol": self._wire.key, "address": address, "peer": said.link.peer,
            "frame": frame_text(frame[:SHOWN], text=self._wire.text), "bytes": len(frame),
        }  # fmt: skip
        thing = device.thing if device else address
        return Rejected(key, reason, why[:400], self._wire.key, said.at, thing, "", raw)

    def _remember(self, batch: list[Said]) -> None:
        good = bad = 0
        for said in batch:
            fault = said.turn.fault
            good, bad = good + (fault is None), bad + (fault is not None)
            address = self._sender(said)
            if not address:
                self.contacts.nameless(said.at)
                continue
            device = self._directory.device(address)
            contact = self.contacts.of(address, device.id if device else "")
            contact.peer = said.link.peer
            if fault is None or said.turn.decoded is not None:
                contact.link = said.link  # orders go where it was understood, not where it is named
            reason, detail = (fault.reason.value, fault.detail) if fault else ("", "")
            if fault is None and device is None:
                reason = Reason.UNKNOWN_DEVICE.value
            self.contacts.note(contact, Heard(said.at, said.turn.frame[:SHOWN], reason, detail))
        frames_in.labels(self._wire.key, "good").inc(good)
        frames_in.labels(self._wire.key, "bad").inc(bad)

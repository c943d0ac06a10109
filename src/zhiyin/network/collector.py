"""From the frames of many connections to the stream, in micro-batches; then they are answered.

A device's frame is confirmed only after everything read from it is kept: readings are on the
stream, happenings in the store, what could not be read in quarantine with its reason.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
import prometheus_client
import structlog
from sqlalchemy.exc import SQLAlchemyError

from zhiyin.kernel import Clock, WorldFault, new_id
from zhiyin.network.contacts import Contacts, Heard, frame_text
from zhiyin.network.directory import Directory
from zhiyin.network.frame import SHOWN, Answer, Happening, Turn, Wire
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

    def answered(self, turn: Turn) -> None:
        """What was read of the turn is kept; the reply may go."""


class Said(NamedTuple):
    """One turn, where it came from and when (UTC ms)."""

    link: Link
    turn: Turn
    at: int


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
        self.contacts = Contacts()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, link: Link, turns: Sequence[Turn], at: int) -> None:
        """Take what came of a connection; never waits."""
        self._waiting.extend(Said(link, turn, at) for turn in turns)
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
            decoded = said.turn.decoded
            if decoded is not None and self._directory.device(decoded.address) is None:
                self._asked = now
                try:
                    await self._reload()
                except SQLAlchemyError as fault:
                    log.warning("register waits", fault=str(fault))
                return

    async def _take(self, batch: list[Said], key: str) -> None:
        things: list[str] = []
        properties: list[str] = []
        times: list[Any] = []
        values: list[Any] = []
        rejected: list[Rejected] = []
        found: list[Found] = []
        answers: list[Answer] = []
        for n, (link, turn, at) in enumerate(batch):
            answers += turn.answers
            said = self._read(turn, link, at, f"{key}-{n}")
            if isinstance(said, Rejected):
                rejected.append(said)
                continue
            rows, told = said
            found += told
            for row in rows:
                things.append(row.thing)
                properties.append(row.property)
                times.append(row.time)
                values.append(row.value)
        message = Message(things, properties, times, values)
        checked = await self._door.look(message, self._wire.key)
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

    def _read(
        self, turn: Turn, link: Link, at: int, key: str
    ) -> "Rejected | tuple[list[Any], list[Found]]":
        decoded, fault = turn.decoded, turn.fault
        if fault is not None:
            address = decoded.address if decoded else str(fault.header.get("address", ""))
            return self._kept(turn, address, link, at, key, fault.reason, fault.detail)
        if decoded is None:
            return [], []
        device = self._directory.device(decoded.address)
        if device is None:
            why = f"no {self._wire.key} device has the address {decoded.address}"
            return self._kept(turn, decoded.address, link, at, key, Reason.UNKNOWN_DEVICE, why)
        rows = self._directory.rows(decoded.address, decoded.readings)
        if decoded.readings and not rows:
            why = f"template {device.template or '(none)'} of {device.id} reads none of its values"
            return self._kept(turn, decoded.address, link, at, key, Reason.UNKNOWN_PROPERTY, why)
        unread.labels(self._wire.key).inc(len(decoded.readings) - len(rows))
        told = [
            Found(self._directory.device(decoded.address, one.part) or device, one)
            for one in decoded.happenings
        ]
        return rows, told

    def _kept(
        self, turn: Turn, address: str, link: Link, at: int, key: str, reason: Reason, why: str
    ) -> Rejected:
        device = self._directory.device(address) if address else None
        raw = {
            "protocol": self._wire.key, "address": address, "peer": link.peer,
            "frame": frame_text(turn.frame[:SHOWN], text=self._wire.text),
            "bytes": len(turn.frame),
        }  # fmt: skip
        thing = device.thing if device else address[:256]
        return Rejected(key, reason, why[:400], self._wire.key, at, thing, "", raw)

    def _remember(self, batch: list[Said]) -> None:
        good = bad = 0
        for link, turn, at in batch:
            fault, decoded = turn.fault, turn.decoded
            if fault is None and decoded is None:
                continue
            good, bad = good + (fault is None), bad + (fault is not None)
            address = (
                decoded.address
                if decoded
                else str((fault.header if fault else {}).get("address", ""))
            )
            if not address:
                self.contacts.nameless(at)
                continue
            device = self._directory.device(address)
            contact = self.contacts.of(address, device.id if device else "")
            contact.link, contact.peer = link, link.peer
            reason, detail = (fault.reason.value, fault.detail) if fault else ("", "")
            if not fault and device is None:
                reason = Reason.UNKNOWN_DEVICE.value
            self.contacts.note(contact, Heard(at, turn.frame[:SHOWN], reason, detail))
        frames_in.labels(self._wire.key, "good").inc(good)
        frames_in.labels(self._wire.key, "bad").inc(bad)

"""One device of the fleet: its connection, its report on the way, and what becomes of it."""

import asyncio
from typing import Protocol, cast

from zhiyin.server.district.fleet.plan import Identity, Kind
from zhiyin.server.district.fleet.speech import Heard, Speech
from zhiyin.server.district.fleet.spoil import WAYS, clear, spoilt
from zhiyin.server.district.fleet.tally import FleetTally
from zhiyin.server.district.values import chance

TRIES = 3  # transmissions without an answer after which a device connects anew


class Company(Protocol):
    """What a device may ask of the fleet."""

    seed: int
    tally: FleetTally

    def said(self, device: "Device", time_ms: int) -> list[tuple[str, str, float]]:
        """Return what a device reads at a time."""

    def rest(self, device: "Device") -> None:
        """The device has nothing under way; it is called when its next report is due."""

    def wait(self, device: "Device") -> None:
        """The device waits for an answer; `overdue` is called when none comes."""

    def served(self, device: "Device") -> None:
        """The device no longer waits."""

    def connect(self, device: "Device", *, failed: bool) -> None:
        """Connect a device, after a while when it failed."""


class Device(asyncio.Protocol):
    """One device; at any time it has at most one report that is not confirmed."""

    __slots__ = (
        "_buffer", "_company", "_frame", "_fresh", "_speech", "_spoilt", "_tries", "_unproven",
        "_values", "address", "due", "failures", "id", "key", "kind", "mark", "open", "ready",
        "serial", "thing", "told",
    )  # fmt: skip

    def __init__(
        self, company: Company, kind: Kind, who: Identity, speech: Speech, first: int
    ) -> None:
        self._company, self.kind, self._speech = company, kind, speech
        self.id, self.thing, self.address, self.key = who.id, who.thing, who.address, who.key
        self.due = first  # UTC ms at which its next report is sent
        self.told = 0  # the time that this report tells
        self.serial = 0
        self.mark = ""
        self.failures = 0
        self.ready = False  # connected and, where that is asked, authenticated
        self.open: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._frame = b""  # on the way, whole; empty: nothing is
        self._values = 0
        self._tries = 0
        self._fresh = False  # it has not been sent yet
        self._spoilt = ""  # how the last transmission was spoilt
        self._unproven: list[str] = []  # what this connection has spoilt since its last answer

    # The line ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.open = cast("asyncio.Transport", transport)
        self.failures = 0
        self._company.tally.connections += 1
        self._greet(stranger=False)

    def connection_lost(self, _exc: Exception | None) -> None:
        if self.open is not None:  # not by us
            self._company.tally.lost += 1
        self.open, self.ready = None, False
        self._buffer.clear()
        self._unproven.clear()
        self._company.served(self)
        self._company.connect(self, failed=True)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        for answer in self._speech.cut(self._buffer):
            heard, reply = self._speech.heard(self, answer)
            if reply and self.open is not None:
                self.open.write(reply)
            if heard is not Heard.NOTHING:
                self._hear(heard)

    def hang_up(self) -> None:
        """End the connection; `connection_lost` opens another."""
        transport, self.open = self.open, None
        if transport is not None:
            transport.close()

    # The talk ----------------------------------------------------------------------------------

    def _greet(self, *, stranger: bool) -> None:
        hello = self._speech.hello(self, stranger=stranger)
        if not hello:
            self._begin()
        elif self.open is not None:
            self.open.write(hello)
            self._company.wait(self)

    def _begin(self) -> None:
        self.ready = True
        if self._frame:
            self._send()
        else:
            self._company.rest(self)

    def _hear(self, heard: Heard) -> None:
        tally = self._company.tally
        if heard is Heard.STRANGER:
            self._greet(stranger=True)
        elif heard is Heard.READY:
            self._company.served(self)
            self._begin()
        elif not self._frame:
            return  # the second answer to what was sent twice
        elif heard is Heard.REFUSED:
            if self._spoilt:
                self._send()
            else:
                tally.refused += 1  # `overdue` tries again
        else:
            self._confirmed(tally)

    def _confirmed(self, tally: FleetTally) -> None:
        for name in self._unproven:
            tally.proven[name] = tally.proven.get(name, 0) + 1
        self._unproven.clear()
        tally.confirmed += 1
        tally.values += self._values
        tally.by[self.kind.gateway] = tally.by.get(self.kind.gateway, 0) + 1
        self._frame, self._tries = b"", 0
        self.serial += 1
        self.due += self.kind.every_ms
        self._company.served(self)
        self._company.rest(self)

    def report(self) -> None:
        """Send the report that is due."""
        time_ms = self.told = self.due // self._speech.step * self._speech.step
        said = self._company.said(self, time_ms)
        self._frame, self.mark = self._speech.report(self, time_ms, said)
        self._values, self._fresh = len(said), True
        self._send()

    def overdue(self) -> None:
        """Send again what was not answered; after some tries over a new connection."""
        if self.open is None:
            return
        self._company.tally.silences += 1
        if not self.ready or self._tries >= TRIES:
            self._tries = 0
            self.hang_up()
        else:
            self._send()

    @property
    def reporting(self) -> bool:
        """Whether a report is on the way."""
        return bool(self._frame)

    def _send(self) -> None:
        if self.open is None or not self.ready:
            return
        tally, frame = self._company.tally, self._frame
        fresh, self._fresh, self._spoilt = self._fresh, False, ""
        self._tries += 1
        tally.sent += 1
        if fresh and self.kind.corrupt and clear(self.kind.gateway, frame):
            self._spoilt = self._way()
        if not self._spoilt:
            tally.again += not fresh
            self.open.write(frame)
            self._company.wait(self)
            return
        name = f"{self.kind.gateway}.{self._spoilt}"
        turn = chance(self._company.seed, self.id, self.told, "where")
        tally.corrupt[name] = tally.corrupt.get(name, 0) + 1
        self.open.write(spoilt(self.kind.gateway, self._spoilt, frame, turn))
        if self._spoilt == "cut":
            self.hang_up()
            return
        self._unproven.append(name)
        self._company.wait(self)

    def _way(self) -> str:
        """Return how the line spoils this report's first transmission; mostly not at all."""
        turn = chance(self._company.seed, self.id, self.told, "line")
        if turn >= self.kind.corrupt:
            return ""
        return WAYS[int(turn / self.kind.corrupt * len(WAYS))]

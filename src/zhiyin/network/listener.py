"""The TCP server of a field protocol: connections, their limits, and bytes to and from sessions."""

import asyncio
import resource
import socket
from typing import cast

import prometheus_client
import structlog

from zhiyin.cloud import GatewaySettings, PortTaken
from zhiyin.kernel import Clock, parse_duration
from zhiyin.network.collector import Collector
from zhiyin.network.directory import Directory
from zhiyin.network.frame import SHOWN, FrameFault, Order, Turn, Wire
from zhiyin.network.model import Reason

log = structlog.get_logger()

PENDING = 256  # turns of one connection that may wait to be kept; then it is not read on
BACKLOG = 50_000  # turns of all connections; then none is read on
ACCEPT = 64  # connections taken in at a time
SWEEP = 1.0  # seconds between two looks for silent connections
AGAIN = 2.0  # seconds between two tries to have a port that another program has

open_links = prometheus_client.Gauge(
    "zhiyin_gateway_connections", "Connections open", ["gateway"], multiprocess_mode="livesum"
)
ended_links = prometheus_client.Counter(
    "zhiyin_gateway_ended", "Connections that the gateway ended", ["gateway", "why"]
)


class Connection(asyncio.Protocol):
    """One device's connection."""

    __slots__ = (
        "_faults",
        "_held",
        "_listener",
        "_pending",
        "_transport",
        "peer",
        "seen",
        "session",
        "spoke",
    )

    def __init__(self, listener: "Listener") -> None:
        self._listener = listener
        self._pending = self._faults = 0
        self._held = False
        self._transport: asyncio.Transport | None = None
        self.session = listener.wire.session(listener.directory)
        self.peer = ""
        self.seen = asyncio.get_running_loop().time()  # when it last completed a frame
        self.spoke = False  # whether it ever completed one

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        host, port = (transport.get_extra_info("peername") or ("", 0))[:2]
        self.peer = f"{host}:{port}"
        if not self._listener.admit(self):
            self.end("too_many")

    def data_received(self, data: bytes) -> None:
        listener = self._listener
        now = listener.clock.now()
        try:
            turns = self.session.receive(data, now)
        except Exception:
            # Whatever it is, one connection must not stop the others.
            log.exception("session", gateway=listener.wire.key, peer=self.peer)
            fault = FrameFault(Reason.MALFORMED, "nothing here could read it")
            turns = [Turn(data[:SHOWN], fault=fault, close=True)]
        if turns:
            self.spoke = self.spoke or any(turn.fault is None for turn in turns)
            if self.spoke:
                self.seen = asyncio.get_running_loop().time()
            self._count_faults(turns)
            self._pending += len(turns)
            listener.collector.put(self, turns, now)
            if self._pending > PENDING or len(listener.collector) > BACKLOG:
                self._hold()

    def _count_faults(self, turns: list[Turn]) -> None:
        """End a connection that says nothing but what cannot be read; what it said is kept."""
        for turn in turns:
            self._faults = 0 if turn.fault is None else self._faults + 1
        if self._faults >= self._listener.faults:
            self.end("nothing_but_faults")

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, _exc: Exception | None) -> None:
        self._transport = None
        listener = self._listener
        listener.forget(self)
        try:
            turns = self.session.ended(listener.clock.now())
        except Exception:
            log.exception("session", gateway=listener.wire.key, peer=self.peer)
            return
        if turns:
            listener.collector.put(self, turns, listener.clock.now())

    def answered(self, turn: Turn) -> None:
        """Send the reply: what was read of this turn is kept."""
        self._pending -= 1
        if turn.reply:
            self.send(turn.reply)
        if turn.close:
            self.end("refused")
        if self._held and self._pending <= PENDING // 2:
            self._held = False
            if self._transport is not None:
                self._transport.resume_reading()

    def send(self, data: bytes) -> bool:
        """Send bytes; False when the connection is gone or the other side does not read."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        if transport.get_write_buffer_size() > 1024 * 1024:
            self.end("does_not_read")
            return False
        transport.write(data)
        return True

    def order(self, order: Order) -> bool:
        """Send an order; CallerFault when the protocol cannot say it."""
        return self.send(self.session.order(order, self._listener.clock.now()))

    def end(self, why: str) -> None:
        if self._transport is not None and not self._transport.is_closing():
            ended_links.labels(self._listener.wire.key, why).inc()
            self._transport.close()

    def _hold(self) -> None:
        if not self._held and self._transport is not None:
            self._held = True
            self._transport.pause_reading()


class Listener:
    """One port of one protocol."""

    def __init__(
        self, wire: Wire, settings: GatewaySettings, directory: Directory, collector: Collector,
        clock: Clock,
    ) -> None:  # fmt: skip
        self.wire, self.directory, self.collector = wire, directory, collector
        self.clock = clock
        self.host = settings.host
        self.port = port_of(wire, settings)
        self._most, self.faults = settings.connections, settings.faults
        self._first = parse_duration(settings.first) / 1000
        self._idle = parse_duration(settings.idle) / 1000
        self._links: set[Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self.listening = False

    def __len__(self) -> int:
        return len(self._links)

    def admit(self, link: Connection) -> bool:
        """Count a new connection in; False when there are too many."""
        if len(self._links) >= self._most:
            return False
        self._links.add(link)
        open_links.labels(self.wire.key).set(len(self._links))
        return True

    def forget(self, link: Connection) -> None:
        self._links.discard(link)
        open_links.labels(self.wire.key).set(len(self._links))
        if link.session.address:
            contact = self.collector.contacts.find(link.session.address)
            if contact is not None and contact.link is link:
                contact.link = None
                self.collector.contacts.touch(contact)

    async def serve(self) -> None:
        """Listen for ever, as soon as no other program has the port."""
        self._make_room()
        while True:
            try:
                server = self._bind()
            except PortTaken as fault:
                log.warning("cannot listen", gateway=self.wire.key, fault=str(fault))
                await asyncio.sleep(AGAIN)
            else:
                await self._listen(server)

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            server = socket.create_server((self.host, self.port), family=family, backlog=4096)
        except OSError as fault:
            name = f"gateways.{self.wire.key}"
            raise PortTaken(name, host=self.host, port=self.port, setting=name) from fault
        server.settimeout(0)
        return server

    async def _listen(self, server: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self.port = server.getsockname()[1]
        loop.add_reader(server, self._accept, server)
        self.listening = True
        log.info("listening", gateway=self.wire.key, host=self.host, port=self.port)
        try:
            while True:
                await asyncio.sleep(SWEEP)
                loop.add_reader(server, self._accept, server)  # should it have been removed
                self._sweep(loop.time())
        finally:
            loop.remove_reader(server)
            server.close()
            for link in list(self._links):
                link.end("closing")

    def _accept(self, server: socket.socket) -> None:
        """Take in those who wait at the door.

        uvloop's own server takes one in each turn of the loop: when all devices come back at once
        while others report, they give up waiting, come again, and never get in.
        """
        loop = asyncio.get_running_loop()
        for _ in range(ACCEPT):
            try:
                taken, _ = server.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as fault:  # no files or no memory: the next sweep looks again
                log.warning("cannot accept", gateway=self.wire.key, fault=str(fault))
                loop.remove_reader(server)
                return
            taken.settimeout(0)
            opening = loop.create_task(self._open(taken))
            self._opening.add(opening)
            opening.add_done_callback(self._opening.discard)

    async def _open(self, taken: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(lambda: Connection(self), taken)
        except OSError:  # gone already
            taken.close()

    def _make_room(self) -> None:
        """Let this process open as many files as all its gateways may have connections."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = soft + self._most
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        if most < wanted:
            log.warning("few files may be open", gateway=self.wire.key, most=most, should_be=wanted)

    def _sweep(self, now: float) -> None:
        """End connections that say nothing, or never finish what they say."""
        for link in list(self._links):
            if now - link.seen > (self._idle if link.spoke else self._first):
                link.end("silent")


def port_of(wire: Wire, settings: GatewaySettings) -> int:
    """Return where a protocol listens; one without a setting of its own takes any free port."""
    return int(getattr(settings, wire.key, 0))

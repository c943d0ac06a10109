"""The TCP server of a field protocol: connections, their limits, and bytes to and from sessions."""

import asyncio
import resource
import time
from typing import Any, cast

import prometheus_client
import structlog

from zhiyin.cloud import GatewaySettings
from zhiyin.kernel import Clock, parse_duration
from zhiyin.network.collector import Collector
from zhiyin.network.directory import Directory
from zhiyin.network.frame import SHOWN, FrameFault, Order, Turn, Wire
from zhiyin.network.model import Reason
from zhiyin.network.ports import Port
from zhiyin.network.secure import Certificate, Credentials, certificate_of

log = structlog.get_logger()

PENDING = 256  # turns of one connection that may wait to be kept; then it is not read on
BACKLOG = 50_000  # turns of all connections; then none is read on
SWEEP = 1.0  # seconds between two looks for silent connections

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
        "certificate",
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
        self.certificate: Certificate | None = None
        self.seen = asyncio.get_running_loop().time()  # when it last completed a frame
        self.spoke = False  # whether it ever completed one

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        host, port = (transport.get_extra_info("peername") or ("", 0))[:2]
        self.peer = f"{host}:{port}"
        self.certificate = certificate_of(transport.get_extra_info("ssl_object"))
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
        if listener.directory.guarded:
            turns = [self._proven(turn) for turn in turns]
        if turns:
            self.spoke = self.spoke or any(turn.fault is None for turn in turns)
            if self.spoke:
                self.seen = asyncio.get_running_loop().time()
            self._count_faults(turns)
            self._pending += len(turns)
            listener.collector.put(self, turns, now)
            if self._pending > PENDING or len(listener.collector) > BACKLOG:
                self._hold()

    def _proven(self, turn: Turn) -> Turn:
        """Return a turn, without what it says when its sender's certificate is not this one's."""
        decoded, fault = turn.decoded, turn.fault
        header = decoded.header if decoded is not None else fault.header if fault else {}
        listener = self._listener
        named = str(header.get(listener.wire.sender, ""))
        senders = {decoded.address if decoded is not None else named, self.session.address}
        for sender in senders:
            proof = listener.directory.proof(sender)
            trouble = proof.trouble(self.certificate) if proof is not None else ""
            if trouble:
                why = fault or FrameFault(Reason.WRONG_KEY, f"{sender} · {trouble}", header)
                return Turn(turn.frame[:SHOWN], fault=why, close=True)
        return turn

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
        if listener.directory.guarded:
            turns = [self._proven(turn) for turn in turns]
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
    """The connections of one protocol, over its plain port and its port with TLS."""

    def __init__(
        self, wire: Wire, settings: GatewaySettings, directory: Directory, collector: Collector,
        clock: Clock, credentials: Credentials | None = None,
    ) -> None:  # fmt: skip
        self.wire, self.directory, self.collector = wire, directory, collector
        self.clock = clock
        self.host = settings.host
        self._most, self.faults = settings.connections, settings.faults
        self._first = parse_duration(settings.first) / 1000
        self._idle = parse_duration(settings.idle) / 1000
        self._links: set[Connection] = set()
        key = wire.key
        self._plain = Port(
            key, self.host, port_of(wire, settings), f"gateways.{key}", self, self._first
        )
        self._secure: Port | None = None
        if credentials is not None:
            self._secure = Port(
                key, self.host, credentials.port(key), f"tls.{key}", self, self._first, credentials
            )

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

    def full(self, opening: int) -> bool:
        if len(self._links) + opening < self._most:
            return False
        ended_links.labels(self.wire.key, "too_many").inc()
        return True

    def connection(self) -> Connection:
        return Connection(self)

    @property
    def port(self) -> int:
        return self._plain.port

    @property
    def listening(self) -> bool:
        return self._plain.listening

    def told_of_tls(self) -> dict[str, Any] | None:
        """Return how its port with TLS fares, None when it has none."""
        return self._secure.told() if self._secure is not None else None

    async def tried(self) -> None:
        """Return once the plain port listens, or has said why it does not."""
        await self._plain.tried.wait()

    async def serve(self) -> None:
        """Listen for ever on every port, as soon as no other program has it."""
        self._make_room()
        ports = [one for one in (self._plain, self._secure) if one is not None]
        try:
            async with asyncio.TaskGroup() as tasks:
                for one in ports:
                    tasks.create_task(one.serve())
                tasks.create_task(self._watch())
        finally:
            for link in list(self._links):
                link.end("closing")

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            self._sweep(asyncio.get_running_loop().time())

    def _make_room(self) -> None:
        """Let this process open as many files as all its gateways may have connections."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = soft + self._most
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        if most < wanted:
            log.warning("few files may be open", gateway=self.wire.key, most=most, should_be=wanted)

    def _sweep(self, now: float) -> None:
        """End connections that say nothing, or never finish what they say, or may no longer."""
        today = time.time()
        for link in list(self._links):
            if link.certificate is not None and link.certificate.until < today:
                link.end("expired")
            if now - link.seen > (self._idle if link.spoke else self._first):
                link.end("silent")


def port_of(wire: Wire, settings: GatewaySettings) -> int:
    """Return where a protocol listens; one without a setting of its own takes any free port."""
    return int(getattr(settings, wire.key, 0))

"""The ports of a gateway: listening, and taking connections in, plain or over TLS."""

import asyncio
import socket
from typing import Any, Protocol

import structlog

from zhiyin.cloud import PortTaken
from zhiyin.network.secure import Credentials, Refusals, TlsUnusable, why_refused

log = structlog.get_logger()

ACCEPT = 64  # connections taken in at a time
SWEEP = 1.0  # seconds between two looks at the port and its certificates
AGAIN = 2.0  # seconds between two tries to have a port that another program has
FAREWELL = 2.0  # seconds that the other side has to agree to the end of TLS


class Host(Protocol):
    """Whoever has the connections of a port."""

    def full(self, opening: int) -> bool:
        """Say whether there are too many, with so many on their way in."""

    def connection(self) -> asyncio.Protocol: ...


class Port:
    """One port; with `credentials` nothing but TLS is spoken on it."""

    def __init__(
        self, gateway: str, host: str, port: int, setting: str, links: Host, first: float,
        credentials: Credentials | None = None,
    ) -> None:  # fmt: skip
        self.gateway, self.host, self.port, self._setting = gateway, host, port, setting
        self._links, self._first, self._credentials = links, first, credentials
        self._opening: set[asyncio.Task[None]] = set()
        self._refusals = Refusals(gateway)
        self.listening = False
        self.tried = asyncio.Event()  # set once it listens, or has said why not

    def told(self) -> dict[str, Any]:
        """Return what there is to say of a port with TLS."""
        assert self._credentials is not None
        return {
            "port": self.port, "listening": self.listening, "refused": self._refusals.count,
            **self._credentials.told(),
        }  # fmt: skip

    async def serve(self) -> None:
        """Listen for ever, as soon as no other program has the port."""
        while True:
            try:
                server = await self._ready()
            except (PortTaken, TlsUnusable) as fault:
                log.warning("cannot listen", gateway=self.gateway, fault=str(fault))
                self.tried.set()
                await asyncio.sleep(AGAIN)
            else:
                await self._listen(server)

    async def _ready(self) -> socket.socket:
        while self._credentials is not None:
            self._credentials.look()
            if self._credentials.context is not None:
                break
            await asyncio.sleep(SWEEP)  # it has said in the log what is wrong with them
        return self._bind()

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            server = socket.create_server((self.host, self.port), family=family, backlog=4096)
        except OSError as fault:
            name = self._setting
            raise PortTaken(name, host=self.host, port=self.port, setting=name) from fault
        server.settimeout(0)
        return server

    async def _listen(self, server: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self.port = server.getsockname()[1]
        loop.add_reader(server, self._accept, server)
        self.listening = True
        self.tried.set()
        tls = self._credentials is not None
        log.info("listening", gateway=self.gateway, host=self.host, port=self.port, tls=tls)
        try:
            while True:
                await asyncio.sleep(SWEEP)
                loop.add_reader(server, self._accept, server)  # should it have been removed
                if self._credentials is not None:
                    self._credentials.look()
        finally:
            loop.remove_reader(server)
            server.close()
            self.listening = False

    def _accept(self, server: socket.socket) -> None:
        """Take in those who wait at the door.

        uvloop's own server takes one in each turn of the loop: when all devices come back at once
        while others report, they give up waiting, come again, and never get in.
        """
        loop = asyncio.get_running_loop()
        for _ in range(ACCEPT):
            try:
                taken, peer = server.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as fault:  # no files or no memory: the next sweep looks again
                log.warning("cannot accept", gateway=self.gateway, fault=str(fault))
                loop.remove_reader(server)
                return
            if self._credentials is not None and self._links.full(len(self._opening)):
                taken.close()  # one more handshake would cost more than it brings
                continue
            taken.settimeout(0)
            opening = loop.create_task(self._open(taken, str(peer[0])))
            self._opening.add(opening)
            opening.add_done_callback(self._opening.discard)

    async def _open(self, taken: socket.socket, host: str) -> None:
        loop, make = asyncio.get_running_loop(), self._links.connection
        if self._credentials is None:
            try:
                await loop.connect_accepted_socket(make, taken)
            except OSError:  # gone already
                taken.close()
            return
        try:
            await loop.connect_accepted_socket(
                make, taken, ssl=self._credentials.context, ssl_handshake_timeout=self._first,
                ssl_shutdown_timeout=FAREWELL,
            )  # fmt: skip
        except OSError as fault:  # ssl.SSLError is one; the transport has closed the socket
            self._refusals.note(why_refused(fault), host, str(fault))
            taken.close()

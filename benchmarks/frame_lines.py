"""Frames made beforehand, and connections that send them: light beside what they load."""

import contextlib
import select
import socket
import time
from collections.abc import Iterable
from types import TracebackType
from typing import NamedTuple, Self

import psutil

from zhiyin.kernel import MINUTE
from zhiyin.server.district.fleet.speech import SPEECHES

DEVICES = 200  # that send at a time
WINDOW = 16  # frames of one connection that wait for their answer
VALUES = {
    "hj212": {"a34001-Rtd": 120.5, "a34002-Rtd": 78.1, "LA-Rtd": 61.5},
    "sl651": {"Z": 18.4, "PJ": 1.5, "VT": 12.6},
    "jt808": {"lat": 30.551234, "lon": 114.212345, "speed": 36.5, "direction": 90, "mileage": 99.5},
}


class Said(NamedTuple):
    """What one device says: how it opens its connection, and its frames; `at` is UTC ms."""

    address: str
    key: str
    hello: bytes
    frames: list[bytes]
    at: int


class _Speaker:
    def __init__(self, address: str, key: str) -> None:
        self.address, self.key, self.serial, self.mark = address, key, 0, ""


def frames_of(protocol: str, devices: int, each: int, first: int = 1) -> list[Said]:
    """Return `each` frames of so many devices, the newest of a minute ago."""
    speech = SPEECHES[protocol]()
    now = time.time_ns() // 1_000_000 // MINUTE * MINUTE
    values = [(name, name, value) for name, value in VALUES[protocol].items()]
    found = []
    for number in range(first, first + devices):
        speaker = _Speaker(speech.address(number), speech.key(1, number))
        frames = []
        for n in range(each):
            speaker.serial = n
            frames.append(speech.report(speaker, now - (each - n) * speech.step, values).frame)
        hello = speech.hello(speaker, stranger=False)
        found.append(Said(speaker.address, speaker.key, hello, frames, now))
    return found


class Told(NamedTuple):
    """How long a run took, in seconds, and the CPU seconds of the sender."""

    seconds: float
    cpu: float


def _answers(protocol: str, data: bytes) -> int:
    """Return how many answers lie in these bytes, times two."""
    if protocol == "hj212":
        return 2 * data.count(b"\r\n")
    return data.count(b"\x7e") if protocol == "jt808" else data.count(b"\x7e\x7e") * 2


class _Line:
    """One connection with what it still has to say."""

    def __init__(self, place: tuple[str, int], protocol: str, said: Said) -> None:
        self.socket = socket.create_connection(place, timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if said.hello:
            self.socket.sendall(said.hello)
            assert self.socket.recv(4096), "no answer to the greeting"
        self._protocol, self._frames = protocol, said.frames
        self._sent = self._back = 0

    def fill(self) -> None:
        """Send as many frames as may wait for their answer."""
        until = min(len(self._frames), self._back // 2 + WINDOW)
        if until > self._sent:
            self.socket.sendall(b"".join(self._frames[self._sent : until]))
            self._sent = until

    def take(self) -> bool:
        """Take what has come; return whether all is answered."""
        data = self.socket.recv(65_536)
        assert data, "the other side ended the connection"
        self._back += _answers(self._protocol, data)
        return self._back // 2 >= len(self._frames)


class Lines:
    """Connections that send their frames as fast as they are answered."""

    def __init__(self, place: tuple[str, int], protocol: str, said: list[Said]) -> None:
        self._lines = [_Line(place, protocol, one) for one in said]

    def run(self) -> Told:
        """Send all; return when all is answered."""
        poll, by_file = select.epoll(), {one.socket.fileno(): one for one in self._lines}
        for number in by_file:
            poll.register(number, select.EPOLLIN)
        me = psutil.Process()
        before, begun, open_ = me.cpu_times(), time.monotonic(), len(by_file)
        for line in self._lines:
            line.fill()
        while open_:
            ready = poll.poll(30)
            assert ready, f"{open_} connections were not answered for 30 s"
            for number, _ in ready:
                line = by_file[number]
                if line.take():
                    poll.unregister(number)
                    open_ -= 1
                else:
                    line.fill()
        took, after = time.monotonic() - begun, me.cpu_times()
        for line in self._lines:
            line.socket.close()
        return Told(took, after.user + after.system - before.user - before.system)

    @staticmethod
    def one_by_one(place: tuple[str, int], frames: Iterable[bytes]) -> list[float]:
        """Send HJ 212 frames one by one; return the seconds that each answer took."""
        waits = []
        with socket.create_connection(place, timeout=30) as line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for frame in frames:
                begun = time.perf_counter()
                line.sendall(frame)
                back = b""
                while not back.endswith(b"\r\n"):
                    back += line.recv(4096)
                waits.append(time.perf_counter() - begun)
        return waits


class Held:
    """Connections that are opened and held."""

    def __init__(self, place: tuple[str, int], count: int) -> None:
        self._place, self._count = place, count
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        for _ in range(self._count):
            self._sockets.append(socket.create_connection(self._place, timeout=30))
        return self

    def each_says(self, frames: list[bytes]) -> None:
        """Let each connection send one frame and take its answer."""
        for line, frame in zip(self._sockets, frames, strict=True):
            line.sendall(frame)
        for line in self._sockets:
            assert line.recv(4096)

    def check(self) -> None:
        """AssertionError when one of them has been ended."""
        for line in self._sockets:
            line.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                assert line.recv(1, socket.MSG_PEEK), "ended"

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        for line in self._sockets:
            line.close()

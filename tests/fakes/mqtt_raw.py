"""A small, fast MQTT 3.1.1 publisher: QoS 1 with a window of packets on the way, nothing else.

OASIS MQTT 3.1.1, sections 3.1 (CONNECT), 3.3 (PUBLISH), 3.4 (PUBACK), 3.12 (PINGREQ). A packet
that was not acknowledged when the connection broke is sent again with DUP set (4.4).
"""

import socket
import struct
from collections import deque
from collections.abc import Callable


def packet(first: int, body: bytes) -> bytes:
    """Return a control packet: first byte, remaining length in 7-bit groups, body."""
    left, length = len(body), bytearray()
    while True:
        left, seven = divmod(left, 128)
        length.append(seven | (0x80 if left else 0))
        if not left:
            return bytes([first]) + bytes(length) + body


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("!H", len(raw)) + raw


class Publisher:
    """One connection. `acknowledged(token)` is called for every message the broker has taken.

    Raises OSError when the connection breaks; `connect` again sends what is still open.
    """

    def __init__(
        self, address: str, client_id: str, acknowledged: Callable[[int], None], window: int = 1_000
    ) -> None:
        host, _, port = address.rpartition(":")
        self._address, self._client_id = (host, int(port)), client_id
        self._acknowledged, self._window = acknowledged, window
        self.open: dict[int, tuple[int, bytes]] = {}  # packet id → token, topic and payload
        self._free = deque(range(1, min(window, 65_535) + 1))
        self._out = bytearray()
        self._in = bytearray()
        self._socket: socket.socket | None = None

    @property
    def full(self) -> bool:
        return not self._free

    def connect(self, timeout: float = 5.0) -> None:
        self.close()
        self._out.clear()
        self._in.clear()
        self._socket = socket.create_connection(self._address, timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        clean_session, keep_alive = 0x02, 0
        hello = text("MQTT") + struct.pack("!BBH", 4, clean_session, keep_alive)
        self._socket.sendall(packet(0x10, hello + text(self._client_id)))
        answer = self._exactly(4)
        if answer[0] != 0x20 or answer[3] != 0:
            raise ConnectionRefusedError(f"CONNACK {answer.hex()}")
        for number, (_, body) in self.open.items():
            self._put(0x3A, number, body)

    def publish(self, topic: str, payload: bytes, token: int) -> None:
        """Queue a message; the window must not be full."""
        number = self._free.popleft()
        body = text(topic) + b"\0\0" + payload
        self.open[number] = (token, body)
        self._put(0x32, number, body)

    def exchange(self, *, wait: float | None) -> None:
        """Send what is queued, then take in acknowledgements; `wait` seconds for the first."""
        if self._socket is None:
            raise ConnectionResetError("not connected")
        if self._out:
            self._socket.settimeout(5.0)
            self._socket.sendall(self._out)
            self._out.clear()
        self._socket.settimeout(wait)
        try:
            got = self._socket.recv(65_536)
        except (TimeoutError, BlockingIOError):
            return
        if not got:
            raise ConnectionResetError("closed by the broker")
        self._in += got
        self._take_in()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _put(self, first: int, number: int, body: bytes) -> None:
        end = 2 + struct.unpack_from("!H", body)[0]
        numbered = body[:end] + struct.pack("!H", number) + body[end + 2 :]
        self._out += packet(first, numbered)

    def _take_in(self) -> None:
        data, at = self._in, 0
        while len(data) - at >= 2 and len(data) - at >= 2 + data[at + 1]:
            if data[at] == 0x40:
                number = data[at + 2] << 8 | data[at + 3]
                known = self.open.pop(number, None)
                if known is not None:
                    self._free.append(number)
                    self._acknowledged(known[0])
            at += 2 + data[at + 1]  # a publisher is only sent packets below 128 bytes
        del data[:at]

    def _exactly(self, count: int) -> bytes:
        assert self._socket is not None
        got = b""
        while len(got) < count:
            more = self._socket.recv(count - len(got))
            if not more:
                raise ConnectionResetError("closed by the broker")
            got += more
        return got

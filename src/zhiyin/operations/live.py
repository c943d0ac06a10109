"""一平台:what changes, told live (server-sent events).

Changes are gathered per topic and told every tenth of a second, encoded once for everybody. Each
listener has one slot: who has not taken the last frame when the next one comes gets, once there is
room again, the whole of the topics missed instead of every step, so a slow line costs no memory.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

import msgspec

from zhiyin.kernel import Clock, iso, new_id
from zhiyin.operations.model import Json, TooManyListeners, UnknownTopic

TOPICS: Final = ("warnings", "cases", "vitals")
CLOCK: Final = "clock"
TICK, HEARTBEAT, SECOND = 0.1, 15.0, 1.0
HEADERS: Final = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
_encode = msgspec.json.Encoder().encode


class Listener:
    """One open stream: its topics, the frame waiting for it, and what it has missed."""

    def __init__(self, topics: frozenset[str]) -> None:
        self.topics = topics
        self.slot: bytes | None = None
        self.missed: set[str] = set()
        self.wake = asyncio.Event()


class Hub:
    """The newest state of every topic by id, and everybody who listens to it."""

    def __init__(
        self, clock: Clock, topics: Iterable[str] = TOPICS, *, most: int = 2000,
        heartbeat: float = HEARTBEAT,
    ) -> None:  # fmt: skip
        self.epoch, self.seq = new_id(), 0
        self._clock, self._most, self._heartbeat = clock, most, heartbeat
        self._items: dict[str, dict[str, Json]] = {topic: {} for topic in topics}
        self._changed: dict[str, dict[str, Json]] = {topic: {} for topic in topics}
        self._said: bytes = b""  # the last frame of the clock
        self._snapshots: dict[str, bytes] = {}
        self._listeners: set[Listener] = set()
        self._closed = False

    @property
    def topics(self) -> tuple[str, ...]:
        return (*self._items, CLOCK)

    @property
    def listeners(self) -> int:
        return len(self._listeners)

    def put(self, topic: str, id: str, item: Json, *, keep: bool = True) -> None:  # noqa: A002
        """Set the newest state of one item; with `keep=False` it is told once and then forgotten.

        That is for what has ended: a cleared warning, a closed case.
        """
        if keep:
            self._items[topic][id] = item
        else:
            self._items[topic].pop(id, None)
        self._changed[topic][id] = item
        self._snapshots.pop(topic, None)

    def fill(self, topic: str, items: Mapping[str, Json]) -> None:
        """Set a topic's whole state, as at the start; told to those who listen already."""
        self._items[topic] = dict(items)
        self._snapshots.pop(topic, None)
        for listener in self._listeners:
            self._hand(listener, None, {topic} & listener.topics)

    def tick(self) -> None:
        """Tell what changed since the last tick."""
        frames = {}
        for topic, changed in self._changed.items():
            if changed:
                self.seq += 1
                items = list(changed.values())
                frames[topic] = self._frame(topic, {"kind": "patch", "items": items})
                self._changed[topic] = {}
        self._tell(frames)

    def tell_clock(self, told: Json) -> None:
        """Tell the time, with whatever belongs beside it (`data_age_s`, `gateways`)."""
        data = {"now": iso(self._clock.now()), "speed": self._clock.speed, **told}
        self._said = self._frame(CLOCK, data)
        self._tell({CLOCK: self._said})

    def _tell(self, frames: dict[str, bytes]) -> None:
        joined: dict[frozenset[str], bytes] = {}  # one frame per set of topics, however many listen
        for listener in self._listeners:
            heard = listener.topics.intersection(frames)
            if not heard:
                continue
            if heard not in joined:
                joined[heard] = b"".join(frames[topic] for topic in frames if topic in heard)
            self._hand(listener, joined[heard], heard)

    @staticmethod
    def _hand(listener: Listener, frame: bytes | None, heard: Iterable[str]) -> None:
        if frame is None or listener.slot is not None or listener.missed:
            listener.missed.update(heard)
        else:
            listener.slot = frame
        listener.wake.set()

    def _frame(self, event: str, data: Any) -> bytes:
        head = f"id: {self.epoch}-{self.seq}\nevent: {event}\ndata: ".encode()
        return head + _encode(data) + b"\n\n"

    def _snapshot(self, topic: str) -> bytes:
        if topic == CLOCK:
            return self._said
        if topic not in self._snapshots:
            items = list(self._items[topic].values())
            self._snapshots[topic] = self._frame(topic, {"kind": "snapshot", "items": items})
        return self._snapshots[topic]

    def listen(self, topics: Iterable[str]) -> AsyncIterator[bytes]:
        """Return a stream of frames; no topics means all. UnknownTopic, TooManyListeners.

        The refusals come at the call, before a byte is sent; the place is taken at the first frame.
        """
        wanted = frozenset(topics) or frozenset(self.topics)
        for topic in wanted - set(self.topics):
            raise UnknownTopic("topics", found=topic, known=", ".join(self.topics))
        if self.listeners >= self._most:
            raise TooManyListeners("live", most=self._most)
        return self._stream(Listener(wanted))

    async def _stream(self, listener: Listener) -> AsyncIterator[bytes]:
        self._listeners.add(listener)
        try:
            order = [topic for topic in self.topics if topic in listener.topics]
            yield self._hello() + b"".join(self._snapshot(topic) for topic in order)
            while not self._closed:
                yield await self._next(listener, order)
        finally:
            self._listeners.discard(listener)

    async def _next(self, listener: Listener, order: list[str]) -> bytes:
        try:
            async with asyncio.timeout(self._heartbeat):
                await listener.wake.wait()
        except TimeoutError:
            return b": still here\n\n"
        listener.wake.clear()
        frame, listener.slot = listener.slot or b"", None
        missed, listener.missed = listener.missed, set()
        return frame + b"".join(self._snapshot(topic) for topic in order if topic in missed)

    def _hello(self) -> bytes:
        now = {"now": iso(self._clock.now()), "speed": self._clock.speed}
        return b"retry: 2000\n" + self._frame(
            "hello", {"epoch": self.epoch, "seq": self.seq, **now}
        )

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        self._closed = True
        for listener in self._listeners:
            listener.wake.set()

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            self.tick()
            await asyncio.sleep(TICK)

"""How devices speak: real MQTT 3.1.1 and real HTTP, each keeping what is not acknowledged yet.

A carrier never drops a message: it keeps it until the other side has answered for it.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Protocol

import httpx
import msgspec
import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import CallbackAPIVersion

from zhiyin.server.district.schedule import Message
from zhiyin.server.district.values import chance

log = structlog.get_logger("zhiyin.district")
_IN_FLIGHT = 200  # QoS 1 messages of one connection on the way at a time
_POST_MOST = 500  # observations in one request when a backlog is sent
_RETRY = frozenset({408, 425, 429, 500, 502, 503, 504})


class Acknowledged(Protocol):
    """Told once for each message: `refused` when the other side will never take it."""

    def __call__(self, message: Message, *, refused: bool = False) -> None: ...


class Carrier(Protocol):
    """One line out of the district."""

    waiting: int  # messages put and not acknowledged
    retries: int

    async def open(self) -> None: ...
    def put(self, message: Message) -> None: ...
    async def close(self) -> None: ...


class MqttCarrier:
    """One MQTT connection of one device, or of several that share a modem. QoS 1.

    The client library keeps unacknowledged messages and sends them again after a reconnect.
    """

    def __init__(self, address: str, name: str, acknowledged: Acknowledged) -> None:
        self.waiting = self.retries = 0
        self._host, _, port = address.rpartition(":")
        self._port, self._name = int(port), name
        self._acknowledged = acknowledged
        self._open: dict[int, Message] = {}

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._client = client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=self._name, protocol=paho.MQTTv311
        )
        client.max_inflight_messages_set(_IN_FLIGHT)
        client.reconnect_delay_set(1, 15)

        # Both run in the client's own thread; everything of ours stays in the loop's.
        def published(_c: Any, _u: Any, mid: int, _r: Any, _p: Any) -> None:
            loop.call_soon_threadsafe(self._published, mid)

        def disconnected(_c: Any, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
            if reason.is_failure:
                loop.call_soon_threadsafe(self._lost, str(reason))

        client.on_publish, client.on_disconnect = published, disconnected
        client.connect_async(self._host, self._port, keepalive=30)
        client.loop_start()

    def put(self, message: Message) -> None:
        if len(message.observations) == 1:
            one = message.observations[0]
            body: dict[str, Any] = {"property": one.property, "value": one.value, "time": one.time}
        else:
            values = {one.property: one.value for one in message.observations}
            body = {"time": message.observations[0].time, "values": values}
        topic = f"v1/observations/{message.thing}"
        sent = self._client.publish(topic, msgspec.json.encode(body), qos=1)
        self._open[sent.mid] = message
        self.waiting += 1

    async def close(self) -> None:
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    def _published(self, mid: int) -> None:
        message = self._open.pop(mid, None)
        if message is not None:
            self.waiting -= 1
            self._acknowledged(message)

    def _lost(self, reason: str) -> None:
        self.retries += 1
        log.warning("district.mqtt_lost", line=self._name, reason=reason, waiting=self.waiting)


class HttpCarrier:
    """One keep-alive HTTP client that posts observations; the same key for every retry.

    Back-off doubles from `retry_ms` to 50 times that, or is what `Retry-After` says.
    """

    def __init__(
        self,
        address: str,
        name: str,
        acknowledged: Acknowledged,
        quarantined: Callable[[int], None],
        retry_ms: int = 200,
    ) -> None:
        self._first = retry_ms / 1000
        self.waiting = self.retries = 0
        self._address, self._name = address.rstrip("/"), name
        self._acknowledged, self._quarantined = acknowledged, quarantined
        self._queue: deque[Message] = deque()
        self._some = asyncio.Event()

    async def open(self) -> None:
        self._client = httpx.AsyncClient(timeout=10, trust_env=False)
        self._task = asyncio.create_task(self._work(), name=self._name)

    def put(self, message: Message) -> None:
        self._queue.append(message)
        self.waiting += 1
        self._some.set()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._client.aclose()

    async def _work(self) -> None:
        while True:
            await self._some.wait()
            together = self._next()
            refused = await self._post(together)
            for message in together:
                self.waiting -= 1
                self._acknowledged(message, refused=refused)

    def _next(self) -> list[Message]:
        together, count = [self._queue.popleft()], 0
        # A duplicate goes in a request of its own, as a device that missed the answer sends it.
        while self._queue and self._queue[0].kind != "duplicate" and count < _POST_MOST:
            count += len(together[-1].observations)
            together.append(self._queue.popleft())
        if not self._queue:
            self._some.clear()
        return together

    async def _post(self, together: list[Message]) -> bool:
        """Send until it is answered for; return whether the answer was a refusal for ever."""
        rows = [
            {"thing": message.thing, "property": one.property, "time": one.time, "value": one.value}
            for message in together
            for one in message.observations
        ]
        body = msgspec.json.encode(rows)
        key = blake2b(body, digest_size=16).hexdigest()
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        for attempt in range(1_000_000):
            pause = self._first * min(50, 2 ** min(attempt, 6)) * (0.5 + chance(key, attempt) / 2)
            try:
                answer = await self._client.post(
                    f"{self._address}/api/v1/observations", content=body, headers=headers
                )
            except httpx.TransportError as fault:
                reason = type(fault).__name__
            else:
                if answer.is_success:
                    self._quarantined(answer.json().get("quarantined", 0))
                    return False
                if answer.status_code not in _RETRY:
                    log.error("district.refused", status=answer.status_code, said=answer.text[:300])
                    return True
                reason = str(answer.status_code)
                after = answer.headers.get("Retry-After", "")
                pause = min(float(after), 60.0) if after.isdigit() else pause
            self.retries += 1
            if attempt in {0, 5} or attempt % 50 == 49:
                log.warning("district.retry", line=self._name, reason=reason, attempt=attempt)
            await asyncio.sleep(pause)
        return True  # a million attempts take some hundred days

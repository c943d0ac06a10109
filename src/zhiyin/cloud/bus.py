"""The bus: NATS JetStream behind one door, so that another can take its place.

Streams: OBSERVATIONS (what devices said, as Arrow batches, and ticks of the clock), QUARANTINE
(what was kept apart), EVENTS (what happened in the house). MQTT messages wait in the broker's own
stream, which a durable consumer of ours holds open from before the MQTT port is.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import nats
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError, NoRespondersError
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeout
from nats.js.errors import APIError, NotFoundError

from zhiyin.cloud.settings import Settings
from zhiyin.kernel import Words, WorldFault, parse_duration

log = structlog.get_logger()

OBSERVATIONS, QUARANTINE, EVENTS = "OBSERVATIONS", "QUARANTINE", "EVENTS"
MQTT_STREAM = "$MQTT_msgs"  # nats-server's own name for what QoS 1 publishers have handed over
MQTT_CONSUMER = "zhiyin-interest"
MQTT_ALL = "$MQTT.msgs.>"
MQTT_SUBJECT = "$MQTT.msgs.v1.observations.>"  # topic v1/observations/<thing>
PAYLOAD = 8 * 1024 * 1024


class BusDown(WorldFault):
    """The bus does not answer."""

    code = "cloud-010"
    what = Words("总线没有应答({reason})。", "The bus does not answer ({reason}).")
    do = Words(
        "稍后重发;没有收到确认的就没有入库。", "Send again later; nothing unacknowledged is in."
    )


class BusFull(WorldFault):
    """The stream has no room left."""

    code = "cloud-011"
    what = Words("总线已满({reason})。", "The bus is full ({reason}).")
    do = Words(
        "稍后重发;入湖赶上后会腾出空间。", "Send again later; room returns as the lake catches up."
    )


class Message(NamedTuple):
    """One message of a stream."""

    seq: int
    subject: str
    headers: dict[str, str]
    data: bytes
    time: int  # UTC ms at which the stream took it


def _message(msg: Msg) -> Message:
    # $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time ns>.<pending>
    tokens = msg.reply.split(".")
    seq, nanos = (
        (int(tokens[5]), int(tokens[7])) if len(tokens) <= 9 else (int(tokens[7]), int(tokens[9]))
    )
    return Message(seq, msg.subject, msg.headers or {}, msg.data, nanos // 1_000_000)


def _delivery(msg: Msg) -> int:
    """Return the how-manieth message of its consumer this is."""
    tokens = msg.reply.split(".")
    return int(tokens[6] if len(tokens) <= 9 else tokens[8])


def _ended(msg: Msg, stream: str) -> int:
    """Return how many messages an ended request still stood for; BusDown: no consumer."""
    headers = msg.headers or {}
    if headers.get("Status") in {"404", "408"}:
        return int(headers.get("Nats-Pending-Messages", 0))
    raise BusDown(stream, reason=headers.get("Description", "consumer gone"))


def _heed() -> None:
    """Take up a cancellation that nats-py swallowed; its flush does, and the task would go on."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class Bus:
    """One process's connection to the bus; reconnects by itself for ever."""

    def __init__(self, client: Client) -> None:
        self._nc = client
        self._js = client.jetstream(timeout=5)
        self._readers: set[Callable[[], None]] = set()  # called when the connection is a new one

    @classmethod
    async def connect(cls, url: str, name: str) -> "Bus":
        """Connect, waiting at most 15 s for a bus that is just starting; BusDown after that."""

        async def quiet(fault: Exception) -> None:
            log.debug("bus connection", fault=str(fault))

        bus: Bus | None = None

        async def back() -> None:
            for wake in bus._readers if bus is not None else ():
                wake()

        for attempt in range(60):
            try:
                client = await nats.connect(
                    url,
                    name=name,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=0.1,
                    ping_interval=5,
                    pending_size=64 * 1024 * 1024,
                    error_cb=quiet,
                    reconnected_cb=back,
                    allow_reconnect=True,
                    connect_timeout=2,
                )
            except (TimeoutError, OSError, NatsError) as fault:
                if attempt == 59:
                    raise BusDown(url, reason=str(fault)) from fault
                await asyncio.sleep(0.25)
            else:
                bus = cls(client)
                return bus
        raise BusDown(url, reason="no answer")

    @property
    def connected(self) -> bool:
        return bool(self._nc.is_connected)

    async def publish(
        self,
        subject: str,
        payload: bytes,
        *,
        msg_id: str | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = 5.0,  # noqa: ASYNC109
    ) -> int:
        """Put one message on its stream and return its sequence once the stream has it.

        The same `msg_id` within `bus.duplicates` is taken once. Raises BusFull, BusDown; after
        BusDown the message may or may not be in: send it again with the same id.
        """
        head = dict(headers or {})
        if msg_id is not None:
            head["Nats-Msg-Id"] = msg_id
        try:
            ack = await self._js.publish(subject, payload, timeout=timeout, headers=head or None)
        except APIError as fault:
            raise BusFull(subject, reason=fault.description or str(fault)) from fault
        except (TimeoutError, NatsError, NatsTimeout, OSError) as fault:
            raise BusDown(subject, reason=type(fault).__name__) from fault
        _heed()
        return int(ack.seq)

    async def notify(self, subject: str, payload: bytes = b"") -> None:
        """Tell whoever listens now; nobody keeps it."""
        with contextlib.suppress(NatsError, OSError):
            await self._nc.publish(subject, payload)
        _heed()

    async def listen(self, subject: str, hear: Callable[[Message], Awaitable[None]]) -> None:
        async def each(msg: Msg) -> None:
            await hear(Message(0, msg.subject, msg.headers or {}, msg.data, 0))

        await self._nc.subscribe(subject, cb=each)
        _heed()

    async def answer(self, subject: str, reply: Callable[[bytes], Awaitable[bytes]]) -> None:
        """Answer requests on a subject."""

        async def each(msg: Msg) -> None:
            await msg.respond(await reply(msg.data))

        await self._nc.subscribe(subject, cb=each)
        _heed()

    async def ask(self, subject: str, payload: bytes = b"", within: float = 5.0) -> bytes:
        """Return the answer to a request; BusDown when nobody gives one."""
        try:
            answer = await self._nc.request(subject, payload, timeout=within)
        except (TimeoutError, NatsError, NoRespondersError, OSError) as fault:
            raise BusDown(subject, reason=type(fault).__name__) from fault
        _heed()
        return bytes(answer.data)

    async def api(self, call: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call the JetStream API; the answer as JSON, with `error` when it refuses."""
        data = await self.ask(f"$JS.API.{call}", json.dumps(body or {}).encode())
        answer: dict[str, Any] = json.loads(data)
        return answer

    async def last(self, stream: str, subject: str) -> Message | None:
        """Return the newest message of a subject, None when there is none."""
        try:
            raw = await self._js.get_last_msg(stream, subject)
        except NotFoundError:
            return None
        except (TimeoutError, APIError, NatsError) as fault:
            raise BusDown(stream, reason=str(fault)) from fault
        _heed()
        return Message(raw.seq or 0, raw.subject or "", raw.headers or {}, raw.data or b"", 0)

    async def read_from(
        self, stream: str, start: int, subject: str = ">", batch: int = 256, wait: float = 0.0
    ) -> AsyncIterator[list[Message]]:
        """Yield messages in order from sequence `start` on, for ever; an empty list when idle.

        What has arrived is yielded `wait` seconds after the first of it, or when it is `batch`.
        The reader keeps its own position, so nothing is acknowledged; after a break of the
        connection or of the server it goes on behind the last message it yielded.
        """
        position = start
        while True:
            try:
                async for messages in self._read(stream, position, subject, batch, wait):
                    if messages:
                        position = messages[-1].seq + 1
                    yield messages
            except (NatsError, BusDown, OSError) as fault:
                log.info("reader starts anew", stream=stream, position=position, fault=str(fault))
                yield []
                await asyncio.sleep(0.2)

    async def _read(
        self, stream: str, start: int, subject: str, batch: int, wait: float
    ) -> AsyncIterator[list[Message]]:
        config: dict[str, Any] = {
            "ack_policy": "none",
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": max(1, start),
            "inactive_threshold": 30_000_000_000,
            "mem_storage": True,
            "num_replicas": 1,
        }
        if subject != ">":
            config["filter_subject"] = subject
        body = {"stream_name": stream, "config": config}
        made = await self.api(f"CONSUMER.CREATE.{stream}", body)
        if "error" in made:
            raise BusDown(stream, reason=made["error"].get("description", "refused"))
        async for messages in self._drain(stream, made["name"], batch, wait):
            yield messages

    async def _drain(  # noqa: C901  (one loop, close to the protocol)
        self, stream: str, consumer: str, batch: int, wait: float
    ) -> AsyncIterator[list[Message]]:
        # Close to the protocol, because this runs once for each message of each device.
        arrived: list[Msg] = []
        some, full, lost = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def hear(msg: Msg) -> None:
            arrived.append(msg)
            some.set()
            if len(arrived) >= batch:
                full.set()

        def wake() -> None:
            for event in (lost, some, full):
                event.set()

        inbox = self._nc.new_inbox()
        subscription = await self._nc.subscribe(
            inbox, cb=hear, pending_msgs_limit=-1, pending_bytes_limit=-1
        )
        _heed()
        ask = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        want = json.dumps({"batch": batch, "expires": 2_000_000_000}).encode()
        asked = delivered = 0
        self._readers.add(wake)
        try:
            while True:
                if asked <= batch // 2:
                    await self._nc.publish(ask, want, inbox)
                    _heed()
                    asked += batch
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(4):  # requests end after 2 s with a status
                        await some.wait()
                if wait and not full.is_set() and arrived:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(wait):
                            await full.wait()
                if lost.is_set() or not arrived:  # silence: the server has lost our requests
                    raise ConnectionClosedError
                taken = arrived[:]
                arrived.clear()
                some.clear()
                full.clear()
                messages = [_message(msg) for msg in taken if msg.reply]
                if messages:
                    # What a connection lost on its way is not sent again: the numbers tell.
                    newest = _delivery([msg for msg in taken if msg.reply][-1])
                    if newest != delivered + len(messages):
                        raise ConnectionClosedError
                    delivered = newest
                asked -= len(messages)
                for msg in taken:
                    if not msg.reply:
                        asked -= _ended(msg, stream)
                yield messages
        finally:
            self._readers.discard(wake)
            with contextlib.suppress(NatsError, OSError):
                await subscription.unsubscribe()

    async def forget(self, stream: str, upto: int, subject: str | None = None) -> None:
        """Remove the messages of a stream up to and including `upto`."""
        body: dict[str, Any] = {"seq": upto + 1}
        if subject:
            body["filter"] = subject
        answer = await self.api(f"STREAM.PURGE.{stream}", body)
        if "error" in answer:
            raise BusDown(stream, reason=answer["error"].get("description", "refused"))

    async def identity(self, stream: str) -> str:
        """Return a name for this very stream, which another of the same name would not have."""
        answer = await self.api(f"STREAM.INFO.{stream}")
        if "error" in answer:
            raise BusDown(stream, reason=answer["error"].get("description", "refused"))
        return f"{stream}@{answer['created'][:19]}"

    async def state(self, stream: str) -> dict[str, Any]:
        """Return the stream's `messages`, `bytes`, `first_seq`, `last_seq`."""
        answer = await self.api(f"STREAM.INFO.{stream}")
        if "error" in answer:
            raise BusDown(stream, reason=answer["error"].get("description", "refused"))
        return dict(answer["state"])

    async def close(self) -> None:
        with contextlib.suppress(NatsError, OSError, asyncio.TimeoutError):
            async with asyncio.timeout(2):
                await self._nc.close()


async def prepare(bus: Bus, settings: Settings) -> None:
    """Make the streams that are missing, and bring the limits of the others up to the settings."""
    duplicates = parse_duration(settings.bus.duplicates) * 1_000_000
    limit = settings.bus.stream_mib * 1024 * 1024
    common = {"storage": "file", "num_replicas": 1, "duplicate_window": duplicates}
    streams: list[dict[str, Any]] = [
        # New messages are refused when one is full: back-pressure, never a silent loss. Whoever
        # brings a stream's messages to where they stay removes them.
        {"name": OBSERVATIONS, "subjects": ["observations.>"], "retention": "limits",
         "discard": "new", "max_bytes": limit, "max_age": 0, "allow_direct": True, **common},
        {"name": QUARANTINE, "subjects": ["quarantine.>"], "retention": "limits",
         "discard": "new", "max_bytes": limit // 4, "max_age": 0, **common},
        {"name": EVENTS, "subjects": ["events.>"], "retention": "limits",
         "discard": "new", "max_bytes": limit // 4, "max_age": 0, **common},
        {"name": MQTT_STREAM, "subjects": ["$MQTT.msgs.>"], "retention": "interest",
         "discard": "new", "max_bytes": limit // 4, "storage": "file", "num_replicas": 1},
    ]  # fmt: skip
    for config in streams:
        name = config["name"]
        answer = await bus.api(f"STREAM.INFO.{name}")
        call = "CREATE" if "error" in answer else "UPDATE"
        answer = await bus.api(f"STREAM.{call}.{name}", config)
        if "error" in answer:
            raise BusDown(name, reason=answer["error"].get("description", "refused"))
    await _hold_mqtt(bus)


async def _hold_mqtt(bus: Bus) -> None:
    # The broker's stream keeps a message only while somebody is interested in it. This consumer
    # is that somebody; it outlives both the broker and us, so a PUBACK means the message is kept.
    # Nobody reads by it: the gateway reads in order by position and purges what it has taken.
    config = {
        "durable_name": MQTT_CONSUMER,
        "ack_policy": "explicit",
        "deliver_policy": "all",
        "filter_subject": MQTT_ALL,
    }
    body = {"stream_name": MQTT_STREAM, "config": config}
    answer = await bus.api(f"CONSUMER.DURABLE.CREATE.{MQTT_STREAM}.{MQTT_CONSUMER}", body)
    if "error" in answer:
        raise BusDown(MQTT_STREAM, reason=answer["error"].get("description", "refused"))

"""The MQTT gateway: takes what QoS 1 publishers have handed to the broker, in micro-batches.

A PUBACK means that the message is in the broker's stream. The gateway reads that stream in
order; each batch it puts on ours carries the position it reached, so after a crash it goes on
exactly there. Only then are the broker's messages removed.

Topics `v1/observations/<thing>` are ours; others are read when a declared mapping expects them.
What no mapping expects is counted and left: the broker may serve others too.
"""

import asyncio
import time

import msgspec
import prometheus_client
import structlog

from zhiyin.cloud import MQTT_ALL, MQTT_STREAM, MQTT_SUBJECT, OBSERVATIONS, Bus, Settings
from zhiyin.cloud import Message as BusMessage
from zhiyin.kernel import WorldFault, fixed_id, parse_duration
from zhiyin.network.intake import Message
from zhiyin.network.model import Reason, Rejected
from zhiyin.network.payload.topics import read_topic
from zhiyin.network.service import Door
from zhiyin.network.wire import Bad, read_mqtt

log = structlog.get_logger()
SOURCE = "mqtt"
ACCEPTED = "observations.mqtt"
POSITION = "Zhiyin-Mqtt-Position"
OURS = MQTT_SUBJECT.removesuffix(">")
CLEAN = 2.0  # seconds between removals of what has been taken

unexpected = prometheus_client.Counter(
    "zhiyin_mqtt_unexpected", "MQTT messages on topics that no mapping expects"
)


async def run_gateway(settings: Settings, bus: Bus, door: Door) -> None:
    """Take MQTT messages for ever."""
    wait = parse_duration(settings.mqtt.wait) / 1000
    limit = settings.observations.text_bytes
    last = await bus.last(OBSERVATIONS, ACCEPTED)
    position = int(last.headers.get(POSITION, "0")) if last else 0
    cleaned = time.monotonic()
    # The whole stream: with a filter the broker searches all topics anew for each message.
    reader = bus.read_from(MQTT_STREAM, position + 1, ">", settings.mqtt.batch, wait)
    async for messages in reader:
        if messages:
            await _until_taken(door, messages, limit)
            position = messages[-1].seq
        if position and time.monotonic() - cleaned > CLEAN:
            cleaned = time.monotonic()
            try:
                # The last one stays: an emptied stream may count anew when the broker crashes.
                await bus.forget(MQTT_STREAM, position - 1, MQTT_ALL)
            except WorldFault as fault:
                log.info("broker keeps what was taken", fault=str(fault))


async def _until_taken(door: Door, messages: list[BusMessage], limit: int) -> None:
    wait = 0.1
    while True:
        try:
            await _take(door, messages, limit)
        except WorldFault as fault:
            log.warning("gateway waits", fault=str(fault))
            await asyncio.sleep(wait)
            wait = min(wait * 2, 5)
        except Exception:
            # Whatever it is, one message must not stop all that come after it.
            log.exception("gateway", first=messages[0].seq, count=len(messages))
            if len(messages) > 1:
                for message in messages:
                    await _until_taken(door, [message], limit)
            else:
                await _set_aside(door, messages[0])
            return
        else:
            return


async def _set_aside(door: Door, message: BusMessage) -> None:
    thing = message.subject.rpartition(".")[2]
    item = _kept(door, message, thing, "nothing here could read it", Reason.MALFORMED)
    while True:
        try:
            await door.keep([item])
        except WorldFault as fault:
            log.warning("gateway waits", fault=str(fault))
            await asyncio.sleep(1)
        else:
            return


async def _take(door: Door, messages: list[BusMessage], limit: int) -> None:
    things: list[str] = []
    found: list[tuple[str, object, object]] = []
    bad: list[Rejected] = []
    topics: list[BusMessage] = []
    for message in messages:
        if not message.subject.startswith(OURS):
            topics.append(message)
            continue
        thing = message.subject.rpartition(".")[2]
        try:
            if len(message.data) > limit:
                why = f"{len(message.data)} bytes; it should be at most {limit}"
                bad.append(_kept(door, message, thing, why, Reason.OVERSIZE))
                continue
            readings = read_mqtt(message.data)
        except (msgspec.DecodeError, RecursionError) as fault:
            bad.append(_kept(door, message, thing, str(fault), Reason.MALFORMED))
            continue
        for prop, value, said in readings:
            things.append(thing)
            found.append((prop, value, said if said is not None else message.time))
    for message in topics:
        read = await read_topic(door, message, limit, SOURCE)
        if read is None:
            unexpected.inc()
            continue
        bad += read.apart
        things += read.message.thing
        found += zip(read.message.property, read.message.value, read.message.time, strict=True)
    properties, values, times = zip(*found, strict=True) if found else ((), (), ())
    checked = await door.look(Message(things, properties, times, values), SOURCE)
    # One id for the same rejected message however often it is taken.
    rejected = [
        msgspec.structs.replace(
            item, id=fixed_id(SOURCE, item.thing, msgspec.json.encode(item.raw))
        )
        for item in checked.rejected
    ]
    # The same batch again, when the bus did not say that it has it, has the same id.
    key = f"{SOURCE}-{messages[0].time}-{messages[0].seq}-{messages[-1].seq}"
    await door.hand_over(
        checked, bad + rejected, SOURCE, key, ACCEPTED, {POSITION: str(messages[-1].seq)}
    )


def _kept(door: Door, message: BusMessage, thing: str, why: str, reason: Reason) -> Rejected:
    raw = message.data[:4096].decode(errors="backslashreplace")
    item = door.malformed(Bad({"thing": thing, "payload": raw}, why), SOURCE, reason)
    return msgspec.structs.replace(item, id=fixed_id(SOURCE, message.seq, message.time))

"""MQTT topics by declared mapping: one message of the broker to rows and what is kept apart."""

from typing import NamedTuple

from msgspec.structs import replace

from zhiyin.cloud import Message as BusMessage
from zhiyin.kernel import fixed_id
from zhiyin.network.frame import FrameFault
from zhiyin.network.intake import Message
from zhiyin.network.model import Reason, Rejected
from zhiyin.network.payload.decode import Context, decode, mapping_of
from zhiyin.network.payload.rows import kept_message, troubles_of
from zhiyin.network.service import Door

_ALL = "$MQTT.msgs."


class TopicRead(NamedTuple):
    """What one message brought."""

    message: Message
    apart: list[Rejected]


def topic_of(subject: str) -> str:
    """Return the MQTT topic of a subject of the broker's stream: levels are parted by dots there.

    A dot of the topic is `//` in the subject; no topic a mapping may name has one.
    """
    return subject.removeprefix(_ALL).replace(".", "/")


async def read_topic(door: Door, message: BusMessage, limit: int, source: str) -> TopicRead | None:
    """Read a message by the mapping that expects its topic; None when none does."""
    topic = topic_of(message.subject)
    mapping = mapping_of(door.declared.payloads, topic)
    if mapping is None:
        return None
    item, context = fixed_id(source, message.seq, message.time), Context(topic)
    try:
        read = decode(mapping, message.data, context, limit, door.xml)
    except FrameFault as fault:
        kept = kept_message(
            mapping, message.data, context, fault.reason, fault.detail, source, message.time, item
        )
        return TopicRead(Message([], [], [], []), [kept])
    placed = await door.place(read.rows, message.time, source)
    # One id for the same rejected row however often its message is taken.
    apart = [replace(one, id=fixed_id(item, n)) for n, one in enumerate(placed.apart)]
    if read.trouble_count:
        detail = troubles_of(read)
        apart.append(
            kept_message(
                mapping, message.data, context, Reason.MALFORMED, detail, source, message.time, item
            )
        )
    return TopicRead(placed.message, apart)

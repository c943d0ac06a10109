"""What devices write: the JSON forms of HTTP and MQTT, decoded to columns.

A form that the strict decoder refuses is taken apart item by item, so that one bad item does not
take its neighbours with it.
"""

from typing import Any

import msgspec

from zhiyin.network.intake import Message

Value = float | bool | str | None
Time = int | str | float | None


class Observation(msgspec.Struct, gc=False):
    """`{"thing", "property", "time", "value"}`; without `time` it is now."""

    thing: str
    property: str
    value: Any
    time: Time = None


class Batch(msgspec.Struct, gc=False):
    """The same as an object of equally long lists: a third of the bytes and of the work."""

    thing: list[str]
    property: list[str]
    value: list[Any]
    time: list[Time] | None = None


class Reading(msgspec.Struct, gc=False):
    """An MQTT payload; the topic names the thing. `values` gives several properties of one time."""

    property: str | None = None
    value: Any = None
    time: Time = None
    values: dict[str, Any] | None = None


class Bad(msgspec.Struct):
    """An item that has no known form."""

    raw: Any
    why: str


_list = msgspec.json.Decoder(list[Observation])
_batch = msgspec.json.Decoder(Batch)
_any = msgspec.json.Decoder()
_reading = msgspec.json.Decoder(Reading)
_readings = msgspec.json.Decoder(list[Reading])


def read_http(body: bytes) -> tuple[Message, list[Bad]]:
    """Read a body: an array, an object of lists, or one object.

    Raises msgspec.DecodeError when it is no JSON at all.
    """
    bad: list[Bad] = []
    start = body[:64].lstrip()[:1]
    if start == b"[":
        try:
            rows = _list.decode(body)
        except msgspec.ValidationError:
            rows, bad = _one_by_one(_any.decode(body))
    else:
        try:
            return _of_batch(_batch.decode(body)), []
        except msgspec.ValidationError as fault:
            whole = _any.decode(body)
            if isinstance(whole, dict) and isinstance(whole.get("thing"), list):
                return Message([], [], [], []), [Bad(_short(whole), str(fault))]
            rows, bad = _one_by_one([whole])
    message = Message(
        [row.thing for row in rows],
        [row.property for row in rows],
        [row.time for row in rows],
        [row.value for row in rows],
    )
    return message, bad


def _of_batch(batch: Batch) -> Message:
    count = len(batch.thing)
    times = batch.time if batch.time is not None else [None] * count
    if not count == len(batch.property) == len(batch.value) == len(times):
        raise msgspec.ValidationError(
            f"lists of {count} things, {len(batch.property)} properties, {len(batch.value)} values"
            f" and {len(times)} times; they should be equally long"
        )
    return Message(batch.thing, batch.property, times, batch.value)


def _one_by_one(items: Any) -> tuple[list[Observation], list[Bad]]:
    rows, bad = [], []
    for item in items if isinstance(items, list) else [items]:
        try:
            rows.append(msgspec.convert(item, Observation))
        except msgspec.ValidationError as fault:
            bad.append(Bad(_short(item), str(fault)))
    return rows, bad


def _short(item: Any) -> Any:
    """Return the item, or its first part as text when it is large."""
    text = msgspec.json.encode(item)
    return item if len(text) <= 4096 else text[:4096].decode(errors="replace")


def read_mqtt(payload: bytes) -> list[tuple[str, Any, Time]]:
    """Return (property, value, time) of each value in an MQTT payload.

    Raises msgspec.DecodeError (or its ValidationError) when it has none of the known forms.
    """
    readings = _readings.decode(payload) if payload[:1] == b"[" else [_reading.decode(payload)]
    found: list[tuple[str, Any, Time]] = []
    for reading in readings:
        if reading.values is not None:
            found += [(name, value, reading.time) for name, value in reading.values.items()]
        elif reading.property is not None:
            found.append((reading.property, reading.value, reading.time))
        else:
            raise msgspec.ValidationError("neither `property` and `value` nor `values` is given")
    return found

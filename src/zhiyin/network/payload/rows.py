"""Rows of a platform to what the front door takes: bound devices, units, and what is kept apart."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from zhiyin.kernel import factor, new_id
from zhiyin.network.frame import FrameFault
from zhiyin.network.intake import Message
from zhiyin.network.model import Reason, Register, Rejected
from zhiyin.network.payload.decode import Context, PayloadRow, Read, decode
from zhiyin.network.payload.model import PayloadMapping
from zhiyin.network.payload.strict_xml import XmlLimits
from zhiyin.network.section import Binding

KEPT_WHOLE = 65_536  # bytes of a message kept for replay; of a longer one the beginning
SHOWN = 4_096


class Placed(NamedTuple):
    """Rows under the ids and in the units of the register, and what has no unit to fit."""

    message: Message
    apart: list[Rejected]
    unknown: bool  # whether a unit could not be turned because the register lacks the series


def place(
    rows: Iterable[PayloadRow], bound: Mapping[str, Binding], register: Register,
    received: int, source: str,
) -> Placed:  # fmt: skip
    """Turn rows into a batch; a row without a time is of `received`."""
    things: list[str] = []
    properties: list[str] = []
    times: list[Any] = []
    values: list[Any] = []
    apart: list[Rejected] = []
    unknown = False
    for row in rows:
        binding = bound.get(row.device)
        thing = binding.thing if binding else row.device
        prop = binding.renames.get(row.property, row.property) if binding else row.property
        time = received if row.time is None else row.time
        value = row.value
        if row.unit:
            trouble, value = turned(register, thing, prop, value, row.unit)
            if trouble:
                unknown |= trouble[0] in {Reason.UNKNOWN_DEVICE, Reason.UNKNOWN_PROPERTY}
                raw = {"thing": thing, "property": prop, "time": time, "value": row.value,
                       "unit": row.unit}  # fmt: skip
                apart.append(Rejected(new_id(), *trouble, source, received, thing, prop, raw))
                continue
        things.append(thing)
        properties.append(prop)
        times.append(time)
        values.append(value)
    return Placed(Message(things, properties, times, values), apart, unknown)


def turned(
    register: Register, thing: str, prop: str, value: Any, unit: str
) -> tuple[tuple[Reason, str] | None, Any]:
    """Return the value in its property's unit, or why it cannot be."""
    series = register.find(thing, prop)
    if series is None:
        if thing not in register.of_thing:
            return (Reason.UNKNOWN_DEVICE, f"no device {thing[:80]!r} is registered"), value
        return (Reason.UNKNOWN_PROPERTY, f"{thing} has no property {prop[:80]!r}"), value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None, value  # the front door says that it is no number
    try:
        scale, offset = factor(unit, series.unit)
        return None, float(f"{value * scale + offset:.12g}")
    except (ValueError, OverflowError):
        detail = f"unit {unit} cannot be turned into {series.unit} of {prop}"
        return (Reason.WRONG_TYPE, detail), value


def kept_message(
    mapping: PayloadMapping, body: bytes, context: Context, reason: Reason, detail: str,
    source: str, received: int, item: str,
) -> Rejected:  # fmt: skip
    """Return a message as an item of the quarantine, to be read again from there when it fits.

    Of header and query only that is kept by which the mapping knows the device: the rest may
    hold a secret. `item` is its id.
    """
    raw: dict[str, Any] = {"mapping": mapping.payload, "topic": context.topic}
    for form in mapping.forms:
        kind, _, name = form.device.partition(":")
        if kind == "query" and name in context.query:
            raw["query"] = {name: context.query[name]}
        elif kind == "header" and name.lower() in context.headers:
            raw["headers"] = {name.lower(): context.headers[name.lower()]}
    try:
        raw["payload"] = body.decode() if len(body) <= KEPT_WHOLE else None
    except UnicodeDecodeError:
        raw["payload"] = None
    if raw["payload"] is None and len(body) <= KEPT_WHOLE:  # GB 18030, say
        raw["base64"] = base64.b64encode(body).decode()
    if raw["payload"] is None:
        raw["beginning"] = body[:SHOWN].decode(errors="backslashreplace")
        raw["bytes"] = len(body)
    device = next(iter({**raw.get("query", {}), **raw.get("headers", {})}.values()), "")
    return Rejected(item, reason, detail[:400], source, received, device[:256], "", raw)


def troubles_of(read: Read) -> str:
    """Return in a sentence what of a message could not be read."""
    more = f" and {read.trouble_count - len(read.troubles)} more"
    told = "; ".join(read.troubles)
    return told + (more if read.trouble_count > len(read.troubles) else "")


def read_again(
    mappings: Mapping[str, PayloadMapping], raw: Mapping[str, Any], xml: XmlLimits
) -> Sequence[PayloadRow]:
    """Return the rows of a kept message by the mapping of today; none when it is still unread."""
    mapping, text = mappings.get(str(raw.get("mapping"))), raw.get("payload")
    packed = raw.get("base64")
    body = base64.b64decode(packed) if packed else text.encode() if isinstance(text, str) else None
    if mapping is None or body is None:
        return ()
    context = Context(str(raw.get("topic", "")), raw.get("headers") or {}, raw.get("query") or {})
    try:
        read = decode(mapping, body, context, KEPT_WHOLE, xml)
    except FrameFault:
        return ()
    return () if read.trouble_count else read.rows

"""The body of an ASCII frame of SL 651-2014 (6.6.2): identifier, blank, data, blank."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from zhiyin.network.frame import Field, FrameFault, Happening, Reading
from zhiyin.network.model import Reason
from zhiyin.network.sl651 import tables, times, values
from zhiyin.network.sl651.body import ASKING, OF_PARAMETERS, WITH_CLASS
from zhiyin.network.sl651.codec import hexadecimal
from zhiyin.network.sl651.show import DURATION, step_shown, text_shown
from zhiyin.network.sl651.values import DAY, HOUR, MINUTE, Said, Station
from zhiyin.network.sl651.write import hour_packed, step_read, text_read

HEAD = 16  # characters of serial number and time of sending
_STEP = re.compile(r"DR([DHN])(\d\d)")
_NUMBER = re.compile(r"-?\d{1,40}(\.\d{1,40})?")
_UNITS = {"D": DAY, "H": HOUR, "N": MINUTE}
_RAW = (b"RGZS ", b"PIC ", b"DATA ")


class Entry(NamedTuple):
    """One group: its identifier and its data as they stand; `series` has a value each step."""

    name: str
    data: str = ""
    series: tuple[str, ...] | None = None
    raw: bytes = b""


def serial(body: bytes) -> int:
    """Return the serial number that a body begins with; FrameFault when it is none."""
    found = hexadecimal(body[:4])
    if found < 0 or len(body) < HEAD:
        raise malformed("bytes 0 to 15 should be a serial number in hex and a time")
    return found


def malformed(detail: str) -> FrameFault:
    return FrameFault(Reason.MALFORMED, f"body: {detail}")


def entries(body: bytes, function: int, *, down: bool = False) -> list[Entry]:
    """Return the groups behind serial number and time; FrameFault where they are none."""
    rest, tail = body[HEAD:], []
    for mark in _RAW:
        at = 0 if rest.startswith(mark) else rest.find(b" " + mark) + 1
        if at or rest.startswith(mark):
            name = mark[:-1].decode()
            tail = [Entry(name, raw=rest[at + len(mark) :])]
            rest = rest[:at]
            break
    try:
        words = [word for word in rest.decode("ascii").split(" ") if word]
    except UnicodeDecodeError as fault:
        raise malformed(f"byte {HEAD + fault.start} is no ASCII character") from fault
    return list(_entries(words, function, down=down)) + tail


def _entries(words: list[str], function: int, *, down: bool) -> Iterator[Entry]:
    at = 0
    if down and function == 0x38 and len(words) > 1:
        yield Entry("from", words[0])
        yield Entry("to", words[1])
        at = 2
    asked = down and function in ASKING
    while at < len(words):
        word = words[at]
        step = _STEP.fullmatch(word) if function not in OF_PARAMETERS else None
        if step and (step[2] == "00" or asked):
            yield Entry("DR", word)
            at += 1
        elif step:
            yield Entry("DR", word)
            yield from _series(words[at + 1 :])
            return
        elif asked:
            yield Entry(word)
            at += 1
        elif at + 1 == len(words):
            raise malformed(f"{word[:20]} has no data behind it")
        else:
            yield Entry(word, words[at + 1])
            at += 2
            if word == "ST" and function in WITH_CLASS and words[at : at + 1] not in ([], ["TT"]):
                yield Entry("class", words[at])
                at += 1


def _series(words: list[str]) -> Iterator[Entry]:
    known = tables.leads()
    count = next((n for n, word in enumerate(words) if word not in known), len(words))
    names, data = words[:count], words[count:]
    if not names or len(data) % len(names):
        raise malformed(f"{len(data)} values of a series of {len(names)} elements")
    for n, name in enumerate(names):
        yield Entry(name, series=tuple(data[n :: len(names)]))


def said(
    body: bytes, function: int, station: str, settings: Mapping[str, Any] | None = None
) -> Said:
    """Return what each station of a report says; FrameFault as `values.said`."""
    found = Said([Station(station, [])], [])
    if function in OF_PARAMETERS:
        return found
    time, step, into = 0, 0, found.stations[0].readings
    for entry in entries(body, function):
        if entry.name == "TT":
            time = _time(entry.data)
        elif entry.name == "ST":
            into, time = found.of(entry.data.upper()), 0
        elif entry.name == "DR":
            code = _STEP.fullmatch(entry.data)
            step = int(code[2]) * _UNITS[code[1]] if code else 0
        elif entry.name != "class" and not entry.raw:
            time = time or _time(body[4:HEAD].decode("ascii", "replace"))
            try:
                into.extend(_readings(entry, f"{function:02X}", time, step, settings or {}))
            except ValueError as fault:
                found.unread.append(f"{entry.name[:20]}: {fault}")
    return found


def _readings(
    entry: Entry, group: str, time: int, step: int, settings: Mapping[str, Any]
) -> Iterator[Reading]:
    lead = tables.lead_of(entry.name)
    known = tables.elements().get(lead or 0)
    kind = known.kind if known else ""
    name, unit = (known.name, known.unit) if known else (entry.name[:20], "")
    if kind in {"rains", "levels"}:
        data = bytes.fromhex(entry.data)
        for at, label, value, of in values.hour(data, name, unit, time, settings):
            yield Reading(group, label, at, value, of)
    elif kind == "state":
        for label, on in values.states(bytes.fromhex(entry.data)):
            yield Reading(group, label, time, on)
    else:
        every = entry.series if entry.series is not None else (entry.data,)
        for n, text in enumerate(every):
            worth = _value(text, kind)
            if worth is not None:
                yield Reading(group, name, time + n * step, worth, unit)


def _value(text: str, kind: str) -> float | None:
    """Return a value as it is read; None for M, which says that there is none (6.6.4.4 d)."""
    if text == "M":
        return None
    if not _NUMBER.fullmatch(text):
        if not kind:  # the user's own
            return None
        raise ValueError(f"{text[:40]!r} is no number")
    return values.worth(float(text), kind)


def _time(digits: str) -> int:
    try:
        return times.millis(digits)
    except ValueError as fault:
        raise malformed(f"time {fault}") from fault


def happenings(body: bytes) -> list[Happening]:
    """Return picture and manual values of a report."""
    time, found = 0, []
    for entry in entries(body, 0x36):
        if entry.name == "TT":
            time = _time(entry.data)
        elif entry.raw:
            at = time or _time(body[4:HEAD].decode("ascii", "replace"))
            if entry.name == "PIC":
                found.append(values.picture(entry.raw, at))
            elif entry.name == "RGZS":
                text = text_shown(entry.raw.removesuffix(b" "))
                found.append(Happening("manual_values", at, data={"text": text}))
    return found


def fields_of(body: bytes, function: int, *, down: bool) -> list[Field]:
    """Return the fields of a whole body; FrameFault when it is none."""
    sent = body[4:HEAD].decode("ascii", "replace")
    told = [
        Field("serial", serial(body), title="流水号"),
        Field("time", times.shown(sent), title="发报时间"),
    ]
    for entry in entries(body, function, down=down):
        told.extend(_fields(entry, function))
    return told


def _fields(entry: Entry, function: int) -> Iterator[Field]:
    if entry.name in {"TT", "from", "to"}:
        yield Field(entry.name, times.shown(entry.data))
        return
    of_parameters = function in OF_PARAMETERS
    lead = tables.lead_of(entry.name)
    known = (tables.parameters() if of_parameters else tables.elements()).get(lead or 0)
    kind = known.kind if known and not of_parameters else ""
    value: Any
    if entry.raw or kind in {"text", "picture", "rest"}:
        value = text_shown(entry.raw) if kind == "text" else "0x" + entry.raw.hex()
    elif entry.series is not None:
        value = [_shown(text, "number") for text in entry.series]
    elif entry.name == "DR":
        code = _STEP.fullmatch(entry.data)
        count = f"{code[2]}0000" if code and code[1] == "D" else ""
        count = count or (f"00{code[2]}00" if code and code[1] == "H" else "")
        value = step_shown(count or (f"0000{code[2]}" if code else "000000"))
    else:
        value = _shown(entry.data, kind, entry.name)
    title, unit = (known.zh, known.unit) if known else ("", "")
    unit = DURATION if kind == "duration" else unit
    yield Field(entry.name, value, unit, title, entry.data if entry.name == "DR" else "")
    if kind == "state" and isinstance(value, str) and value.startswith("0x"):
        for label, on in values.states(bytes.fromhex(entry.data)):
            yield Field(label, on, part="ZT")


def _shown(text: str, kind: str, name: str = "") -> Any:
    """Return data as an engineer reads them, and so that they can be written back as they were."""
    if kind in {"rains", "levels", "state"}:
        try:
            data = bytes.fromhex(text)
            if data.hex().upper() == text:
                return f"0x{text}" if kind == "state" else values.hour_values(data, name)
        except ValueError:
            pass
        return text
    if kind == "number" or (kind and kind not in {"station", "class"}):
        if text == "M":
            return None
        if _NUMBER.fullmatch(text):
            value: int | float = float(text) if "." in text else int(text)
            if _written(value) == text:
                return value
    return text


def _written(value: Any) -> str:
    return "M" if value is None else str(value)


def body_of(items: Iterable[Mapping[str, Any]], function: int, *, down: bool) -> bytes:
    """Return the body that fields say; FrameFault when one cannot be written."""
    told, series = bytearray(), []
    asked = down and function in ASKING
    for n, item in enumerate(items):
        name, value, part = str(item.get("name", "")), item.get("value"), str(item.get("part", ""))
        if part == "ZT":
            continue  # explains the state word
        try:
            if isinstance(value, list) and name[:3] not in {"DRP", "DRZ"}:
                series.append((name, [_written(one) for one in value]))
            else:
                told += _word(name, value, part, function, asked=asked)
        except (ValueError, TypeError, AttributeError, OverflowError) as fault:
            raise FrameFault(Reason.MALFORMED, f"field {n} {name}: {fault}") from fault
    if series:
        words = [name for name, _ in series]
        words += [
            word for row in zip(*(texts for _, texts in series), strict=False) for word in row
        ]
        told += (" ".join(words) + " ").encode()
    return bytes(told)


def _word(name: str, value: Any, part: str, function: int, *, asked: bool) -> bytes:
    if name == "serial":
        return f"{int(value):04X}".encode()
    if name == "time":
        return times.read(str(value), 12).encode()
    if name == "RGZS":
        return b"RGZS " + text_read(str(value))
    if name in {"PIC", "DATA"}:
        return f"{name} ".encode() + bytes.fromhex(str(value).removeprefix("0x"))
    if name in {"from", "to", "TT"}:
        text = times.read(str(value), 10 if name == "TT" else 8)
        text = f"TT {text}" if name == "TT" else text
    elif name == "DR":
        text = part if _STEP.fullmatch(part) else _step_code(str(value))
    elif name == "class":
        text = str(value)
    elif asked:
        text = name
    elif isinstance(value, list):
        text = f"{name} {hour_packed(value, name).hex().upper()}"
    else:
        text = _written(value)
        text = f"{name} {text if function in OF_PARAMETERS else text.removeprefix('0x')}"
    return f"{text} ".encode("ascii")


def _step_code(text: str) -> str:
    days, hours, minutes = step_read(text)
    for letter, count in (("D", days), ("H", hours), ("N", minutes)):
        if count:
            return f"DR{letter}{count:02x}"
    return "DRH00"

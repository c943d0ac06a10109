"""A message by its mapping: bytes and what came with them to rows. Pure; nothing is kept here."""

import base64
import binascii
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from zhiyin.kernel import millis_of
from zhiyin.network.frame import FrameFault
from zhiyin.network.mapping import zone_of
from zhiyin.network.model import Reason
from zhiyin.network.payload.model import Form, PayloadMapping, Scalar, Slot, TimeAt
from zhiyin.network.payload.path import MISSING, Record, at, records
from zhiyin.network.payload.strict_json import read_json
from zhiyin.network.payload.strict_xml import TEXT, XmlLimits, read_xml, read_xml_text

ROWS = 100_000  # of one message
_TOLD = 3  # records whose trouble is told; the others are counted
_NUMBER = re.compile(r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$")
_SIZES = {
    "u8": "B",
    "i8": "b",
    "u16": "H",
    "i16": "h",
    "u32": "I",
    "i32": "i",
    "f32": "f",
    "f64": "d",
}


class Context(NamedTuple):
    """What came with a message: its topic or its request; header names in lower case."""

    topic: str = ""
    headers: Mapping[str, str] = {}
    query: Mapping[str, str] = {}


class PayloadRow(NamedTuple):
    """One value as the platform named it, already under our property; `time` None is now.

    `unit` is the one it was sent in, empty when it is the property's own.
    """

    device: str
    property: str
    time: int | None
    value: Any
    unit: str = ""


class Read(NamedTuple):
    """What a message said, and what of it could not be read: the first troubles and their count."""

    rows: list[PayloadRow]
    troubles: list[str]
    trouble_count: int


class _Trouble(ValueError):
    """A record, or one value of it, that is not as the mapping says."""


def topic_match(pattern: str, topic: str) -> dict[str, str] | None:
    """Return what the marked levels of a pattern hold in this topic, None when it is another."""
    wanted, levels = pattern.split("/"), topic.split("/")
    if len(wanted) != len(levels):
        return None
    found: dict[str, str] = {}
    for want, level in zip(wanted, levels, strict=True):
        if want.startswith("{"):
            found[want[1:-1]] = level
        elif want != level:
            return None
    return found


def mapping_of(mappings: Mapping[str, PayloadMapping], topic: str) -> PayloadMapping | None:
    """Return the first mapping that expects messages on this topic."""
    for mapping in mappings.values():
        if any(
            topic_match(one, topic) is not None for form in mapping.forms for one in form.topics
        ):
            return mapping
    return None


def decode(
    mapping: PayloadMapping, body: bytes, context: Context, limit: int,
    xml: XmlLimits = XmlLimits(),  # noqa: B008  (it is frozen)
) -> Read:  # fmt: skip
    """Return the rows of a message of at most `limit` bytes; FrameFault when it is unreadable.

    A message with some unreadable records gives its other rows and tells of these.
    """
    is_xml = mapping.format == "xml"
    top: Any = read_xml(body, limit, xml) if is_xml else read_json(body, limit)
    _open(mapping, top, xml)
    if mapping.skip and _holds(mapping.skip, top, text=is_xml):
        return Read([], [], 0)
    for form in mapping.forms:
        marks = _marks(form, context.topic)
        if marks is None or not _holds(form.when, top, text=is_xml):
            continue
        first = next(records(form.each, top), None)
        if first is not None:
            return _Reader(mapping, form, context, marks, top).read()
    forms = len(mapping.forms)
    raise FrameFault(Reason.UNSUPPORTED, f"none of the {forms} forms of {mapping.payload}")


def _marks(form: Form, topic: str) -> dict[str, str] | None:
    """Return the marked levels of the topic; None when the form is for other topics."""
    if not topic:
        return None if form.device == "topic" else {}
    found = (topic_match(pattern, topic) for pattern in form.topics)
    return next((marks for marks in found if marks is not None), None)


def _holds(when: Mapping[str, tuple[Scalar, ...]], top: Any, *, text: bool) -> bool:
    """Whether each path has one of its values; where all is text, as it is written."""
    return all(
        any((str(one) if text else one) == found and (text or type(one) is type(found))
            for one in wanted)
        for path, wanted in when.items()
        for found in [at(path, top, top)]
    )  # fmt: skip


def _open(mapping: PayloadMapping, top: Any, xml: XmlLimits) -> None:
    """Open what is packed in the message; it stays as it was where it cannot be."""
    for one in mapping.open:
        packed = at(one.at, top, top)
        if not isinstance(packed, str):
            continue
        raw = _base64(packed) if one.as_ == "base64_json" else packed.encode()
        parent, _, key = one.at.removeprefix("$.").rpartition(".")
        holder = at(parent, top, top)
        if raw is not None and isinstance(holder, dict):
            try:
                inner = read_xml_text(packed, xml) if one.as_ == "xml" else read_json(raw, len(raw))
            except FrameFault:
                continue  # the form's `when`, or its records, then tell what is missing
            holder[key] = inner


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


class _Reader:
    """One message being read by one form."""

    def __init__(
        self, mapping: PayloadMapping, form: Form, context: Context, marks: dict[str, str], top: Any
    ) -> None:
        self._mapping, self._form, self._context = mapping, form, context
        self._marks, self._top = marks, top
        self._xml = mapping.format == "xml"
        self._rows: list[PayloadRow] = []
        self._troubles: list[str] = []
        self._count = 0

    def read(self) -> Read:
        for number, record in enumerate(records(self._form.each, self._top), 1):
            try:
                self._record(record)
            except _Trouble as fault:
                self._tell(f"record {number}: {fault}")
        return Read(self._rows, self._troubles, self._count)

    def _tell(self, trouble: str) -> None:
        self._count += 1
        if len(self._troubles) < _TOLD:
            self._troubles.append(trouble[:300])

    def _record(self, record: Record) -> None:
        device = self._device(record)
        time = self._form.time
        said = self._stands(time.at, record) if time and time.at else MISSING
        moment = None if said is MISSING or time is None else moment_of_text(time, said)
        for name, when, value in _VALUES[self._form.values.as_](self, record):
            named = self._mapping.named(name)
            if named is None:
                continue
            try:
                stamp = moment if when is MISSING else moment_of_text(time or _MS, when)
            except _Trouble as fault:
                self._tell(f"{device} {name}: {fault}")
                continue
            if len(self._rows) >= ROWS:
                raise FrameFault(Reason.OVERSIZE, f"more than {ROWS} values in one message")
            number = self._number(value)
            self._rows.append(PayloadRow(device, named.property, stamp, number, named.unit))

    def _stands(self, path: str, record: Record) -> Any:
        found = at(path, record.value, self._top)
        return found.get(TEXT, found) if self._xml and isinstance(found, dict) else found

    def _number(self, value: Any) -> Any:
        if self._xml:
            return _of_text(value)
        if self._mapping.text_numbers and isinstance(value, str) and _NUMBER.match(value.strip()):
            return float(value)
        return value

    def _device(self, record: Record) -> str:
        source = self._form.device
        kind, _, name = source.partition(":")
        if source == "topic":
            found: Any = self._marks["device"]
        elif source == "key":
            found = record.key
        elif kind == "header":
            found = self._context.headers.get(name.lower(), MISSING)
        elif kind == "query":
            found = self._context.query.get(name, MISSING)
        else:
            found = self._stands(source, record)
        if isinstance(found, int) and not isinstance(found, bool):
            found = str(found)
        if not isinstance(found, str) or not 0 < len(found) <= 256:
            raise _Trouble(f"no device id at {source!r}")
        return found

    def _at(self, record: Record, kind: Any, words: str) -> Any:
        values = self._form.values
        found = at(values.at, record.value, self._top)
        if found is MISSING and values.or_itself and isinstance(record.value, dict):
            own = self._form.time.at if self._form.time else ""
            return {name: value for name, value in record.value.items() if name != own}
        if not isinstance(found, kind):
            raise _Trouble(f"at {values.at or 'the record'!r} should be {words}")
        return found

    def object(self, record: Record) -> Iterator[tuple[str, Any, Any]]:
        for name, value in self._at(record, dict, "an object of names and values").items():
            # Of XML, attributes and text are values only where the mapping names them.
            if not self._xml or name[:1] not in {"@", "#"} or name in self._mapping.names:
                yield name, MISSING, value

    def nested(self, record: Record) -> Iterator[tuple[str, Any, Any]]:
        keys = self._form.values
        for name, inner in self._at(record, dict, "an object of names").items():
            if isinstance(inner, dict) and keys.value in inner:
                yield name, inner.get(keys.time, MISSING), inner[keys.value]
            elif self._mapping.named(name) is not None:
                self._tell(f"{name[:80]}: no {keys.value!r} in it")

    def list(self, record: Record) -> Iterator[tuple[str, Any, Any]]:
        keys = self._form.values
        found = self._at(record, list | dict, "a list of names and values")
        for inner in found if isinstance(found, list) else [found]:
            name = inner.get(keys.name) if isinstance(inner, dict) else None
            if isinstance(inner, dict) and isinstance(name, str) and keys.value in inner:
                yield name, inner.get(keys.time, MISSING), inner[keys.value]
            else:
                self._tell(f"an item without {keys.name!r} and {keys.value!r}")

    def columns(self, record: Record) -> Iterator[tuple[str, Any, Any]]:
        keys = self._form.values
        found = self._at(record, list, "a list of rows")
        for row in found if found and isinstance(found[0], list) else [found]:
            if not isinstance(row, list) or len(row) != len(keys.columns):
                self._tell(f"a row that has not {len(keys.columns)} columns")
                continue
            named = dict(zip(keys.columns, row, strict=True))
            when = named.pop(keys.time, MISSING)
            for name, value in named.items():
                if name != "-":
                    yield name, when, value

    def bytes(self, record: Record) -> Iterator[tuple[str, Any, Any]]:
        text = self._at(record, str, f"text in {self._form.values.encoding}")
        if self._form.values.encoding == "base64":
            raw = _base64(text)
        else:
            raw = bytes.fromhex(text) if re.fullmatch(r"(?:[0-9A-Fa-f]{2})*", text) else None
        if raw is None:
            raise _Trouble(f"the payload is no {self._form.values.encoding}")
        for slot in self._form.values.layout:
            yield slot.name, MISSING, _slot(slot, raw)

    def bare(self, record: Record) -> Iterator[tuple[str, Any, Any]]:
        yield self._marks.get("property", "value"), MISSING, record.value


_VALUES: dict[str, Callable[[_Reader, Record], Iterator[tuple[str, Any, Any]]]] = {
    "object": _Reader.object, "nested": _Reader.nested, "list": _Reader.list,
    "columns": _Reader.columns, "bytes": _Reader.bytes, "bare": _Reader.bare,
}  # fmt: skip
_MS = TimeAt()
_WORDS = {"true": True, "false": False}


def _of_text(value: Any) -> Any:
    """Return what an element says: a number, a truth, or its text; of a list nothing is made."""
    if isinstance(value, dict):
        value = value.get(TEXT, value)
    if not isinstance(value, str):
        return value
    return float(value) if _NUMBER.match(value) else _WORDS.get(value, value)


def _slot(slot: Slot, raw: bytes) -> float:
    form = (">" if slot.order == "big" else "<") + _SIZES[slot.as_]
    if slot.at + struct.calcsize(form) > len(raw):
        raise _Trouble(f"{slot.name} is at byte {slot.at}; there are {len(raw)} bytes")
    number = struct.unpack_from(form, raw, slot.at)[0]
    # 12 digits: what scaling adds in the last binary places is no measurement.
    return float(f"{number * slot.scale + slot.offset:.12g}")


def moment_of_text(how: TimeAt, said: Any) -> int | None:
    """Return the time in UTC ms; None where the sender says nothing; _Trouble when it is none."""
    if said is None:
        return None
    try:
        if how.format in {"ms", "s"}:
            return _count(said) * (1 if how.format == "ms" else 1000) // 1
        text = str(said) if isinstance(said, str | int) and not isinstance(said, bool) else ""
        if how.format == "iso":
            moment = datetime.fromisoformat(text.strip())
        else:
            moment = datetime.strptime(text.strip(), how.format)  # noqa: DTZ007  (the zone comes next)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone_of(how.zone))
        return millis_of(moment)
    except (ValueError, OverflowError, OSError):
        raise _Trouble(f"time {str(said)[:60]!r} is not {how.format}") from None


def _count(said: Any) -> int:
    if isinstance(said, str) and re.fullmatch(r"-?\d{1,14}", said.strip()):
        return int(said)
    if isinstance(said, int | float) and not isinstance(said, bool) and abs(said) < 1e14:
        return int(said) if isinstance(said, int) else round(said)
    raise ValueError("no count")

"""The codec as an algebra: values to frame and back, and any bytes at all."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.jt808 import one
from zhiyin.network.frame import FrameFault
from zhiyin.network.jt808 import WIRE
from zhiyin.network.jt808.codec import body_of
from zhiyin.network.jt808.framing import (
    Header,
    check_of,
    escape,
    read_frame,
    unescape,
    write_frame,
)
from zhiyin.network.jt808.kinds import INLINE
from zhiyin.network.jt808.layout import Part, messages
from zhiyin.network.model import Reason

EXAMPLES = settings(max_examples=60, deadline=None)

GBK = st.text(st.sampled_from("鄂A12345 测试车辆qwe-0"), max_size=20).filter(
    lambda text: not text.endswith("\0")
)
TIMES = st.datetimes(
    min_value=__import__("datetime").datetime(2000, 1, 1),
    max_value=__import__("datetime").datetime(2099, 12, 31),
).map(lambda moment: moment.isoformat(timespec="seconds") + "+08:00")
ITEMS = st.fixed_dictionaries(
    {},
    optional={
        "01": st.integers(0, 2**32 - 1).map(lambda n: n / 10),
        "02": st.integers(0, 65535).map(lambda n: n / 10),
        "06": st.integers(-(2**15), 2**15 - 1),
        "30": st.integers(0, 255),
        "31": st.integers(0, 255),
        "E1": st.binary(max_size=6).map(lambda data: data.hex().upper()),
    },
)
PLACES = st.fixed_dictionaries(
    {
        "alarm": st.integers(0, 2**32 - 1),
        "status": st.integers(0, 2**32 - 1).map(lambda n: n & ~0b1100),
        "lat": st.integers(0, 90_000_000).map(lambda n: n / 1e6),
        "lon": st.integers(0, 180_000_000).map(lambda n: n / 1e6),
        "altitude": st.integers(0, 65535),
        "speed": st.integers(0, 65535).map(lambda n: n / 10),
        "direction": st.integers(0, 359),
        "time": TIMES,
    }
)


def hexes(size: int | None = None) -> st.SearchStrategy[str]:
    binary = st.binary(max_size=30) if size is None else st.binary(min_size=size, max_size=size)
    return binary.map(lambda data: data.hex().upper())


def simple(kind: str) -> st.SearchStrategy[Any]:
    sizes = {"u8": 1, "u16": 2, "u32": 4}
    if kind in sizes:
        return st.integers(0, 2 ** (8 * sizes[kind]) - 1)
    if "[" in kind and kind.partition("[")[0] in sizes:
        return st.lists(simple(kind.partition("[")[0]), max_size=9)
    if kind == "time":
        return st.none() | TIMES
    if kind == "deg":
        return st.integers(0, 2**32 - 1).map(lambda n: n / 1e6)
    if kind.startswith("hex"):
        return hexes(int(kind[3:]) if kind[3:].isdecimal() else None)
    if kind.startswith("bcd"):
        return st.text("0123456789", min_size=int(kind[3:]) * 2, max_size=int(kind[3:]) * 2)
    if kind == "parameters":
        known = {"0001": st.integers(0, 2**32 - 1), "0013": GBK, "F364": hexes(3)}
        return st.fixed_dictionaries({}, optional=known)
    room = int(kind[4:]) if kind[4:].isdecimal() else 40
    return GBK.filter(lambda text: len(text.encode("gbk")) <= room)


@st.composite
def bodies(draw: st.DrawFn, parts: tuple[Part, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for part in parts:
        if part.kind == "count":
            continue
        if part.only and part.only != "more":
            name, _, bit = part.only.partition(".")
            if not values[name] >> int(bit) & 1:
                continue
        if part.kind == "list":
            values[part.name] = draw(st.lists(bodies(part.of), max_size=3))
        elif part.kind in INLINE:
            values |= draw(PLACES)
            values["items"] = draw(ITEMS) if part.kind != "position" else {}
        else:
            values[part.name] = draw(simple(part.kind))
    return values


def same(values: Any) -> Any:
    """Drop what leaves no trace: empty lists, empty mappings and what is derived."""
    if isinstance(values, dict):
        kept = {key: same(value) for key, value in values.items()}
        return {
            key: value
            for key, value in kept.items()
            if value not in ([], {}) and key not in {"alarms_", "states", "load"}
        }
    return [same(value) for value in values] if isinstance(values, list) else values


@EXAMPLES
@given(st.sampled_from(sorted(messages())).flatmap(
    lambda key: st.tuples(st.just(key), bodies(messages()[key].body))
))  # fmt: skip
def test_values_to_frame_to_values(case: tuple[str, dict[str, Any]]) -> None:
    key, values = case
    kind, _, edition = key.partition("/")[0].partition("@")
    if "/2" in key or key == "0100@2011":
        return
    year = int(edition or 2013)
    frame = write_frame(Header(int(kind, 16), "013912345678", 7, year, year // 2019), b"")
    if len(body_of(kind, year, values)) > 1023:
        return
    frame = write_frame(
        Header(int(kind, 16), "013912345678", 7, year, year // 2019), body_of(kind, year, values)
    )
    try:
        decoded = WIRE.decode(frame)
    except FrameFault as fault:
        assert "no time" in fault.detail  # noqa: PT017
        return
    said = json.loads(msgspec.json.encode({"header": decoded.header, "fields": decoded.fields}))
    assert WIRE.encode(said) == frame


@EXAMPLES
@given(st.binary(max_size=300), st.integers(0, 65535), st.booleans())
def test_escape_check_and_header_come_back(body: bytes, serial: int, new: bool) -> None:
    header = Header(0x0900, "7" * (20 if new else 12), serial, 2019 if new else 2013, int(new))
    frame = write_frame(header, body)
    assert frame[1:-1].count(b"\x7e") == 0
    assert read_frame(frame) == (header, body)
    assert unescape(escape(body)[1:-1]) == body
    check = 0
    for byte in body:
        check ^= byte
    assert check_of(body) == check


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=400)
    | st.lists(st.sampled_from([0x7E, 0x7D, 1, 2, 0, 0x40]), max_size=80).map(bytes)
)
def test_any_bytes_at_all(data: bytes) -> None:
    one(data)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([0x0100, 0x0102, 0x0104, 0x0200, 0x0704, 0x0702, 0x0801, 0x8606, 0x1205]),
       st.binary(max_size=120), st.booleans())  # fmt: skip
def test_any_body_behind_a_good_check(message: int, body: bytes, new: bool) -> None:
    one(write_frame(Header(message, "13912345678", 1, 2019 if new else 2013, int(new)), body))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, "header"),
        ({"header": {"message": "0200"}}, "phone"),
        ({"header": {"message": "0200", "phone": "12x"}}, "digits"),
        ({"header": {"message": "10200", "phone": "12"}}, "two bytes"),
        ({"header": {"message": "0091", "phone": "12"}}, "no known layout"),
        ({"header": {"message": "8202", "phone": "12"}}, "interval is not given"),
        ({"header": {"message": "8202", "phone": "12"}, "fields": [{"name": "interval"}]}, "value"),
        (
            {
                "header": {"message": "8202", "phone": "12"},
                "fields": [{"name": "interval", "value": 70000}],
            },
            "interval",
        ),
    ],
)
def test_what_cannot_be_encoded(said: dict[str, Any], why: str) -> None:
    with pytest.raises(FrameFault, match=why):
        WIRE.encode(said)


def test_an_oversized_frame() -> None:
    with pytest.raises(FrameFault) as fault:
        WIRE.decode(b"\x7e" + bytes(5000) + b"\x7e")
    assert fault.value.reason is Reason.OVERSIZE

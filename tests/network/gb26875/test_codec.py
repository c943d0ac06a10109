"""Frames of GB/T 26875.3-2011 decoded and encoded."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.network.gb26875.transmitters import (
    CENTRE,
    CONFIRM,
    DEVICE,
    NOW,
    SMOKE,
    frame,
    real_frames,
    told,
)
from zhiyin.kernel import parse_time
from zhiyin.network.frame import FrameFault
from zhiyin.network.gb26875 import WIRE, tables, times, units
from zhiyin.network.gb26875.units import LAYOUTS
from zhiyin.network.model import Reason

PART = "1.1/00020103"


def test_a_smoke_detector_on_fire() -> None:
    decoded = WIRE.decode(SMOKE)
    assert (decoded.address, decoded.kind) == (DEVICE, "2")
    fields = {one.name: one.value for one in decoded.fields}
    assert fields["component_address"] == "00020103"
    assert fields["text"] == "3号楼2层烟感"
    assert fields["fire"] is True
    readings = {one.name: one.value for one in decoded.readings}
    assert (readings["normal"], readings["fire"], readings["fault"]) == (True, True, False)
    assert {(one.group, one.part, one.time) for one in decoded.readings} == {("2", PART, NOW)}
    (happening,) = decoded.happenings
    assert (happening.kind, happening.part, happening.time) == ("fire", PART, NOW)
    assert happening.data["text"] == "3号楼2层烟感"
    assert happening.data["component"].startswith("点型光电感烟火灾探测器")


@pytest.mark.parametrize("data", [SMOKE, CONFIRM])
def test_what_is_decoded_is_encoded_to_the_same_frame(data: bytes) -> None:
    assert WIRE.encode(told(data)) == data


FRAMES = {
    "test ack": Reason.INCOMPLETE,
    "test encode": Reason.INCOMPLETE,
    "test not enouth": Reason.INCOMPLETE,
    "test size not enough": Reason.INCOMPLETE,
    "test when close cron will return": Reason.INCOMPLETE,
    "test invalid tail flag": Reason.MALFORMED,
    "test check sum fail": Reason.CHECKSUM,
}


def test_real_frames() -> None:
    for one in real_frames():
        data = bytes.fromhex(one["hex"])
        if one["kind"] == "frame" and one["test"] in FRAMES:
            with pytest.raises(FrameFault) as refused:
                WIRE.decode(data)
            assert refused.value.reason is FRAMES[one["test"]], one["id"]
        elif one["kind"] == "frame":
            decoded = WIRE.decode(data)
            assert decoded.header["serial"] == one["serial"]
            assert decoded.header["command"] == one["command"]
            assert WIRE.encode(told(data)) == data
    good = next(one for one in real_frames() if "expected" in one)
    decoded = WIRE.decode(bytes.fromhex(good["hex"]))
    fields = {field.name: field.value for field in decoded.fields}
    assert decoded.header["destination"] == "060504030201"
    assert fields["system_address"] == 3
    assert fields["component_address"] == "000600D9"
    assert fields["text"] == "Ａ区１层呷哺走廊"
    assert decoded.readings[0].time == parse_time("2020-08-01 19:18:48")


def test_real_data_units() -> None:
    refused = read = 0
    for one in real_frames():
        data = bytes.fromhex(one["hex"])
        if one["kind"] == "frame" or (len(data) == 6 and data[3] in range(1, 32) and data[5] > 19):
            continue  # frames, and time labels by themselves
        if one["test"] == "test invalid length":
            with pytest.raises(FrameFault) as fault:
                units.unit(data)
            assert fault.value.reason is Reason.LENGTH
            refused += 1
        elif one["test"].startswith("test decode"):
            unit = units.unit(data)
            assert len(unit.objects) == data[1]
            read += 1
    assert (refused, read) == (3, 28)


def test_a_description_and_an_analogue_value() -> None:
    config = units.unit(bytes.fromhex("1A0104B2E2CAD4"))
    assert units.text_shown(config.objects[0][-1]) == "测试"
    decoded = WIRE.decode(frame("0301010104000102000301FF040009020715"))
    (reading,) = decoded.readings
    assert (reading.name, reading.value, reading.unit) == ("temperature", -25.5, "°C")
    assert reading.part == "1.1/00020100"


@pytest.mark.parametrize(
    ("data", "happenings"),
    [
        ("150108 1E0F0801071A", ["fault"]),  # main power of the transmitter
        ("150102 1E0F0801071A", ["fire"]),
        ("180120 01 1E0F0801071A", ["duty_answer"]),
        ("180121 01 1E0F0801071A", ["duty_answer", "operation"]),
        ("0401 0102 01 05 1E0F0801071A", ["operation"]),
        ("0101 0102 0300 1E0F0801071A", ["fire"]),
        ("0101 0102 0100 1E0F0801071A", []),
    ],
)
def test_happenings(data: str, happenings: list[str]) -> None:
    decoded = WIRE.decode(frame(data))
    assert [one.kind for one in decoded.happenings] == happenings


def test_an_alarm_without_a_time_has_that_of_its_frame() -> None:
    decoded = WIRE.decode(frame("0101 0102 0300 000000000000"))
    assert decoded.happenings[0].time == NOW


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (SMOKE[:-3] + b"\x00##", Reason.CHECKSUM),
        (SMOKE[:50], Reason.INCOMPLETE),
        (SMOKE + b"#", Reason.LENGTH),
        (SMOKE[:24] + b"\x2f" + SMOKE[25:], Reason.LENGTH),
        (SMOKE[:24] + b"\x01\x04" + SMOKE[26:], Reason.OVERSIZE),
        (b"", Reason.INCOMPLETE),
        (b"@#", Reason.MALFORMED),
        (frame("0105 0102 0300 1E0F0801071A"), Reason.LENGTH),  # five objects are said
        (frame("0101 0102 0300 1E0F0801071A 00"), Reason.LENGTH),
    ],
)
def test_bad_frames_are_refused_with_their_reason(data: bytes, reason: Reason) -> None:
    with pytest.raises(FrameFault) as refused:
        WIRE.decode(data)
    assert refused.value.reason is reason


def test_tables_are_whole() -> None:
    sizes = {"system": 17, "component": 66, "analogue": 12, "system_state": 14, "type": 29}
    for name, size in sizes.items():
        assert len(tables.codes(name)) == size, name
    assert all(one.zh and one.en for name in sizes for one in tables.codes(name).values())
    assert set(LAYOUTS) == set(tables.codes("type"))


moments = st.integers(946_656_000, 4_102_000_000).map(lambda second: times.label(second * 1000))
raw = {
    "B": st.integers(0, 255),
    "H": st.integers(0, 65535),
    "h": st.integers(-32768, 32767),
    "address": st.binary(min_size=4, max_size=4),
    "text": st.text("烟感号楼层AB12 ", max_size=15).map(
        lambda text: text.encode("gb18030").ljust(31, b"\x00")
    ),
    "said": st.text("烟感号楼层AB12 ", max_size=60).map(lambda text: text.encode("gb18030")),
    "time": moments,
}


@st.composite
def unit_of(draw: st.DrawFn) -> tuple[int, list[tuple[Any, ...]]]:
    kind = draw(st.sampled_from(sorted(LAYOUTS)))
    layout = LAYOUTS[kind]
    count = draw(st.integers(1, min(layout.most, 4)))
    return kind, [tuple(draw(raw[sort]) for _, sort in layout.fields) for _ in range(count)]


@settings(max_examples=300, deadline=None)
@given(unit_of(), st.integers(0, 65535), st.sampled_from([1, 2, 4, 5]))
def test_objects_come_back_from_their_frame(
    given_unit: tuple[int, list[tuple[Any, ...]]], serial: int, command: int
) -> None:
    kind, objects = given_unit
    data = units.packed(kind, objects)
    assert units.unit(data) == (kind, objects)
    whole = frame(data.hex(), command, serial)
    assert WIRE.encode(told(whole)) == whole
    assert WIRE.decode(whole).address == (CENTRE if command in {1, 4} else DEVICE)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_break_it(data: bytes) -> None:
    for one in (data, b"@@" + data, frame(data.hex())):
        with suppress(FrameFault):
            WIRE.decode(one)


def test_every_field_has_the_standard_s_name() -> None:
    decoded = WIRE.decode(SMOKE)
    titled = {one.name: one.title for one in decoded.fields}
    assert all(titled.values())
    assert titled["system_type"].startswith("系统类型:")
    assert titled["component_address"] == "部件地址"

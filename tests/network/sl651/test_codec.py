"""Frames of SL 651-2014 decoded and encoded: the standard's, the real ones, and made ones."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.network.sl651.stations import (
    CONFIRM,
    HEADER,
    HOURLY,
    KEEP,
    STATION,
    TIMED,
    body_frame,
    real_frames,
    told,
)
from zhiyin.kernel import parse_time
from zhiyin.network.frame import FrameFault
from zhiyin.network.model import Reason
from zhiyin.network.sl651 import WIRE, alias, tables
from zhiyin.network.sl651.check import crc16
from zhiyin.network.sl651.show import step_shown
from zhiyin.network.sl651.write import step_read

EIGHT = parse_time("2026-07-01 08:00")


def test_a_timed_report_is_read_by_its_standard_names() -> None:
    decoded = WIRE.decode(TIMED)
    assert (decoded.address, decoded.kind) == (STATION, "32")
    assert {one.name: one.value for one in decoded.fields} == {
        "serial": 1, "time": "2026-07-01 08:00:00", "ST": STATION, "class": "H",
        "TT": "2026-07-01 08:00", "PJ": 12.5, "PT": 153.0, "Z": 21.456, "VT": 12.36,
    }  # fmt: skip
    assert [(one.group, one.name, one.value, one.unit) for one in decoded.readings] == [
        ("32", "PJ", 12.5, "mm"), ("32", "PT", 153.0, "mm"), ("32", "Z", 21.456, "m"),
        ("32", "VT", 12.36, "V"),
    ]  # fmt: skip
    assert {one.time for one in decoded.readings} == {EIGHT}


def test_an_hour_of_values_is_spread_over_the_hour() -> None:
    readings = WIRE.decode(HOURLY).readings
    rain = [one for one in readings if one.name == "DRP"]
    assert [one.value for one in rain] == [0, 0.5, 1, 3, 6, 4, 2, 0, 0, 0, 0]
    assert rain[0].time == parse_time("2026-07-01 08:05")
    assert rain[-1].time == parse_time("2026-07-01 08:55")
    level = [one for one in readings if one.name == "DRZ1"]
    assert (len(level), level[0].value, level[1].time - level[0].time) == (11, 21.4, 300_000)
    assert {one.time for one in readings if one.name == "Z"} == {parse_time("2026-07-01 09:00")}


@pytest.mark.parametrize("frame", [TIMED, HOURLY, KEEP, CONFIRM])
def test_what_is_decoded_is_encoded_to_the_same_frame(frame: bytes) -> None:
    assert WIRE.encode(told(frame)) == frame


def test_real_frames() -> None:
    for one in real_frames():
        frame = bytes.fromhex(one["hex"])
        if not one["crc_ok"]:
            whole = len(frame) == 17 + int(one["dir_len"], 16)
            with pytest.raises(FrameFault) as refused:
                WIRE.decode(frame)
            assert refused.value.reason is (Reason.CHECKSUM if whole else Reason.INCOMPLETE)
        elif one["id"] == "sl651-022":  # upward by its direction, with a downward end mark
            with pytest.raises(FrameFault) as refused:
                WIRE.decode(frame)
            assert refused.value.reason is Reason.MALFORMED
        else:
            decoded = WIRE.decode(frame)
            assert decoded.address == one["station"]
            assert decoded.kind == one["func"]
            assert decoded.header["password"] == one["password"]
            assert decoded.header["centre"] == int(one["center"], 16)
            assert WIRE.encode(told(frame)) == frame, one["id"]


def test_real_values() -> None:
    frames = {one["id"]: bytes.fromhex(one["hex"]) for one in real_frames()}
    values = {
        name: {one.name: one.value for one in WIRE.decode(frames[name]).fields}
        for name in ("sl651-011", "sl651-015", "sl651-016", "sl651-017", "sl651-044")
    }
    assert values["sl651-011"]["04"] == "2 218.094.153.172:009708"
    assert values["sl651-011"]["01"] == [5, 0, 0, 0]
    assert values["sl651-015"]["VTA"] == 2200.3
    assert values["sl651-016"]["version"] == "DATA86-SW-V1.2(H)"
    assert values["sl651-017"]["door_open"] is True
    assert values["sl651-017"]["pump_running"] is False
    assert (values["sl651-044"]["PN05"], values["sl651-044"]["Z"]) == (4.0, 0.55)


def values_of(body: str, function: int = 0x32) -> dict[str, object]:
    return {one.name: one.value for one in WIRE.decode(body_frame(function, body)).readings}


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ("3923 00021456", {"Z": 21.456}),
        ("392B FF00001234", {"Z": -1.234}),  # even count of digits: FF in front
        ("0219 FF0125", {"AI": -12.5}),  # odd: FF0
        ("3923 FFFFFFFF", {}),  # invalid
        ("2019 000125 3812 FFFF", {"PJ": 12.5}),
        ("0512 0230", {"DT": 2.5}),  # 2 h 30 min
        ("091A 044400", {}),  # 444: all gates shut, no height
        ("091A 000150", {"GH": 1.5}),
        ("7619 000125", {"76": 12.5}),  # reserved lead byte
        ("AC19 000125", {"ACH": 12.5}),  # AC is the name of 01
        ("FF0119 000125", {"FF01": 12.5}),
        ("2011 0125", {"PJ": 12.5}),  # the definition byte rules, not the table
        ("3502 0035", {}),  # empty data
    ],
)
def test_elements(element: str, expected: dict[str, float]) -> None:
    if element.startswith("3502"):
        element = "3500"
    assert values_of(f"{HEADER} {element}") == expected


def test_states_are_readings() -> None:
    states = values_of(f"{HEADER} 4520 00000003")
    assert (states["mains_lost"], states["battery_low"], states["level_alarm"]) == (
        True,
        True,
        False,
    )
    assert (states["door_open"], states["pump_running"]) == (True, True)


def test_times_of_observation_are_those_of_their_group() -> None:
    frame = body_frame(0x33, f"{HEADER} 2019 000125 F0F0 2607010755 3923 00021456")
    times = {one.name: one.time for one in WIRE.decode(frame).readings}
    assert times == {"PJ": EIGHT, "Z": EIGHT - 300_000}


def test_even_intervals() -> None:
    frame = body_frame(0x31, f"{HEADER} 0418 000100 3923 00021456 FFFFFFFF 00021470")
    readings = WIRE.decode(frame).readings
    assert [(one.name, one.time, one.value) for one in readings] == [
        ("Z", EIGHT, 21.456), ("Z", EIGHT + 2 * 3_600_000, 21.47),
    ]  # fmt: skip
    assert WIRE.encode(told(frame)) == frame


@pytest.mark.parametrize(
    ("function", "tail", "expected"),
    [
        (0x4C, "01 05", {"pump_1": True, "pump_2": False, "pump_3": True}),
        (0x4D, "01 80", {"valve_1": False, "valve_8": True}),
        (0x4E, "02 01 0150 0000", {"gate_1": True, "gate_2": False, "gate_1_opening": 150.0}),
        (0x4F, "FF", {"quota_control": True}),
        (0x50, "0003" + "0000" * 31, {"ERC1": 3.0, "ERC32": 0.0}),
    ],
)
def test_answers_without_identifiers(function: int, tail: str, expected: dict[str, object]) -> None:
    frame = body_frame(function, f"F1F1 {STATION} {tail}")
    found = {one.name: one.value for one in WIRE.decode(frame).readings}
    assert expected.items() <= found.items()
    assert WIRE.encode(told(frame)) == frame


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (TIMED[:-1] + b"\x00", Reason.CHECKSUM),
        (TIMED[:-2], Reason.INCOMPLETE),
        (TIMED + b"\x00", Reason.LENGTH),
        (b"", Reason.INCOMPLETE),
        (TIMED[:9], Reason.INCOMPLETE),
        (b"GET / HTTP/1.1\r\n", Reason.MALFORMED),
        (TIMED[:13] + b"\x05" + TIMED[14:], Reason.MALFORMED),
        (TIMED[:11] + b"\x40" + TIMED[12:], Reason.MALFORMED),
    ],
)
def test_bad_frames_are_refused_with_their_reason(frame: bytes, reason: Reason) -> None:
    with pytest.raises(FrameFault) as refused:
        WIRE.decode(frame)
    assert refused.value.reason is reason


def test_a_wrong_length_is_told_from_a_frame_cut_short() -> None:
    longer = bytearray(TIMED)
    longer[12] += 5
    longer[-2:] = crc16(bytes(longer[:-2])).to_bytes(2)
    with pytest.raises(FrameFault) as refused:
        WIRE.decode(bytes(longer))
    assert refused.value.reason is Reason.LENGTH


@pytest.mark.parametrize("body", ["F1F1 42", "2019 0001", "20", "F0F0 2613010800 2019 000125"])
def test_bodies_that_break_off_are_malformed(body: str) -> None:
    with pytest.raises(FrameFault) as refused:
        WIRE.decode(body_frame(0x32, body))
    assert refused.value.reason is Reason.MALFORMED


def test_names_and_lead_bytes_mean_the_same() -> None:
    assert [alias(name) for name in ("PJ", "20", "20H", "35", "76", "mains_lost")] == [
        "PJ", "PJ", "PJ", "US", "76", "mains_lost",
    ]  # fmt: skip
    assert len(tables.elements()) == 131
    assert len(tables.parameters()) == 15 + 0xA8 - 0x20 + 1
    assert all(one.zh and one.en for one in tables.elements().values())


number_elements = st.sampled_from(
    [one for one in tables.elements().values() if one.kind == "number"]
)


@st.composite
def elements(draw: st.DrawFn) -> dict[str, object]:
    one = draw(number_elements)
    most = 10**one.digits - 1
    whole = draw(st.integers(-most, most))
    value = whole / 10**one.decimals if one.decimals else whole
    return {"name": one.name, "value": draw(st.sampled_from([value, value, value, None]))}


@settings(max_examples=200, deadline=None)
@given(st.lists(elements(), max_size=12), st.integers(0, 65535), st.sampled_from(["HEX", "ASCII"]))
def test_values_come_back_from_their_frame(
    items: list[dict[str, Any]], serial: int, encoding: str
) -> None:
    header = {"station": STATION, "password": "1234", "function": "32", "encoding": encoding}
    fields: list[dict[str, Any]] = [
        {"name": "serial", "value": serial},
        {"name": "time", "value": "2026-07-01 08:00:00"},
        {"name": "ST", "value": STATION},
        {"name": "class", "value": "H"},
        {"name": "TT", "value": "2026-07-01 08:00"},
        *items,
    ]
    frame = WIRE.encode({"header": header, "fields": fields})
    decoded = WIRE.decode(frame)
    found = [(one.name, one.value) for one in decoded.fields]
    assert found == [(one["name"], one["value"]) for one in fields]
    assert WIRE.encode(told(frame)) == frame


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_break_it(data: bytes) -> None:
    for frame in (data, b"\x7e\x7e" + data, b"\x01" + data, TIMED[:13] + b"\x02" + data):
        with suppress(FrameFault):
            WIRE.decode(frame)


@given(st.integers(0, 31), st.integers(0, 23), st.integers(0, 59))
def test_steps(days: int, hours: int, minutes: int) -> None:
    digits = f"{days:02d}{hours:02d}{minutes:02d}"
    assert step_read(step_shown(digits)).hex() == digits


def _report(elements: str) -> bytes:
    body = "0001 260701080000 F1F1 4201050001 48 F0F0 2607010800" + elements
    frame = bytes.fromhex(f"7E7E 01 4201050001 1234 32 {len(bytes.fromhex(body)):04X} 02 {body} 03")
    return frame + crc16(frame).to_bytes(2)


def test_a_duration_is_told_as_it_is_written_and_read_in_hours() -> None:
    decoded = WIRE.decode(_report("0512 0130"))
    assert [(one.value, one.unit) for one in decoded.fields if one.name == "DT"] == [(1.3, "HH.mm")]
    assert [(one.value, one.unit) for one in decoded.readings] == [(1.5, "h")]


def test_a_value_that_is_no_number_is_told_beside_the_others() -> None:
    decoded = WIRE.decode(_report("2019 0A0125 3812 1236"))
    assert "PJ" in decoded.header["complaint"]
    assert [(one.name, one.value) for one in decoded.readings] == [("VT", 12.36)]


def test_a_body_that_breaks_off_still_tells_who_sent_it() -> None:
    with pytest.raises(FrameFault) as caught:
        WIRE.decode(_report("2019 0001"))
    assert caught.value.reason is Reason.MALFORMED
    assert caught.value.header["station"] == "4201050001"

"""Connections of SL 651 stations: bytes in any pieces, confirms, packets, keys, orders."""

import random
from typing import Any

import pytest

from tests.network.sl651.stations import (
    CONFIRM,
    HEADER,
    HOURLY,
    KEEP,
    NOW,
    STATION,
    TIMED,
    body_frame,
    real_frames,
    session,
)
from zhiyin.kernel import CallerFault
from zhiyin.network.frame import FrameFault, Order, Turn
from zhiyin.network.model import Reason
from zhiyin.network.sl651 import WIRE
from zhiyin.network.sl651.codec import framed


def reasons(turns: list[Turn]) -> list[Reason | None]:
    return [turn.fault.reason if turn.fault else None for turn in turns]


def test_a_report_is_confirmed_with_its_serial_number_and_our_time() -> None:
    (turn,) = session("1234").receive(TIMED, NOW)
    assert turn.reply == CONFIRM
    assert turn.decoded
    assert [one.name for one in turn.decoded.readings] == ["PJ", "PT", "Z", "VT"]


def test_the_station_stays_on_line_where_its_settings_say_so() -> None:
    (turn,) = session(end="ESC").receive(TIMED, NOW)
    assert WIRE.decode(turn.reply).header["end"] == "ESC"


def test_link_keep_is_not_answered() -> None:
    (turn,) = session().receive(KEEP, NOW)
    assert (turn.reply, turn.fault) == (b"", None)


@pytest.mark.parametrize("size", [1, 2, 7, 59, 61, 1000])
def test_frames_in_any_pieces(size: int) -> None:
    own, stream = session(), TIMED + KEEP + HOURLY + TIMED
    turns = [
        turn
        for at in range(0, len(stream), size)
        for turn in own.receive(stream[at : at + size], NOW)
    ]
    assert [turn.frame for turn in turns] == [TIMED, KEEP, HOURLY, TIMED]
    assert own.ended(NOW) == []


def test_after_garbage_it_goes_on_at_the_next_start() -> None:
    own = session()
    turns = own.receive(b"\x00\x01\x02~garbage" + TIMED + b"~~junk" + TIMED, NOW)
    assert reasons(turns) == [Reason.MALFORMED, None, Reason.MALFORMED, None]
    assert turns[0].frame == b"\x00\x01\x02~garbage"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (TIMED[:30] + b"\xff" + TIMED[31:], Reason.CHECKSUM),
        (TIMED[:-2], Reason.CHECKSUM),  # without its check: the next start stands there
        (TIMED[:12] + b"\x2e" + TIMED[13:], Reason.LENGTH),
        (TIMED[:12] + b"\x20" + TIMED[13:], Reason.LENGTH),
        (TIMED[:12] + b"\xff" + TIMED[13:], Reason.LENGTH),
        (TIMED[:40], Reason.LENGTH),
    ],
)
def test_a_bad_frame_does_not_take_the_next_with_it(bad: bytes, reason: Reason) -> None:
    for chunks in ([bad + TIMED + TIMED], [bad, TIMED, TIMED]):
        own = session()
        turns = [turn for chunk in chunks for turn in own.receive(chunk, NOW)]
        good = [turn for turn in turns if turn.fault is None]
        assert len(good) == 2
        assert turns[0].fault
        assert turns[0].fault.reason is reason


def test_half_a_frame_then_the_end_or_silence() -> None:
    own = session()
    own.receive(TIMED[:40], NOW)
    (turn,) = own.ended(NOW)
    assert reasons([turn]) == [Reason.INCOMPLETE]
    assert turn.fault
    assert turn.fault.header["address"] == STATION
    own = session()
    own.receive(TIMED[:40], NOW)
    assert reasons(own.receive(TIMED, NOW + 60_000)) == [Reason.INCOMPLETE, None]


def test_another_password_is_refused_and_not_answered() -> None:
    (turn,) = session("4321").receive(TIMED, NOW)
    assert (reasons([turn]), turn.reply) == ([Reason.WRONG_KEY], b"")


def test_a_peer_that_never_begins_a_frame_is_left() -> None:
    own, turns = session(), []
    for _ in range(100):
        turns += own.receive(b"x" * 1000, NOW)
    assert turns[0].close
    assert len(turns[0].frame) == 4096


@pytest.mark.parametrize("function", [0xE0, 0xFF, 0x3B, 0x60])
def test_the_users_own_functions_are_kept_apart_and_confirmed(function: int) -> None:
    (turn,) = session().receive(body_frame(function, "0102"), NOW)
    assert reasons([turn]) == [Reason.UNSUPPORTED]
    assert WIRE.decode(turn.reply).header["end"] == "EOT"


def test_more_to_follow_is_answered_with_go_on() -> None:
    (turn,) = session().receive(body_frame(0x32, f"{HEADER} 2019 000125", end="ETB"), NOW)
    assert WIRE.decode(turn.reply).header["end"] == "ACK"


def test_what_cannot_be_read_is_told_and_the_rest_is_taken() -> None:
    turns = session().receive(body_frame(0x32, f"{HEADER} 2019 00AB25 3923 00021456"), NOW)
    assert reasons(turns) == [Reason.MALFORMED, None]
    assert turns[1].decoded
    assert [one.name for one in turns[1].decoded.readings] == ["Z"]
    assert [bool(turn.reply) for turn in turns] == [False, True]


def test_a_report_of_two_stations_is_two_turns() -> None:
    body = f"{HEADER} 2019 000125 F1F1 4201050002 48 F0F0 2607010800 3923 00021456"
    turns = session().receive(body_frame(0x32, body), NOW)
    assert [turn.decoded.address for turn in turns if turn.decoded] == [STATION, "4201050002"]
    assert [bool(turn.reply) for turn in turns] == [False, True]


def test_the_datum_is_added_to_relative_levels() -> None:
    (turn,) = session(datum=20).receive(HOURLY, NOW)
    assert turn.decoded
    assert next(one.value for one in turn.decoded.readings if one.name == "DRZ1") == 41.4


def picture_packets(count: int = 4, encoding: str = "HEX") -> tuple[list[bytes], bytes]:
    picture = b"\xff\xd8" + random.Random(651).randbytes(2000)
    if encoding == "HEX":
        head = bytes.fromhex(f"0007 260701080000 {HEADER} F3F3".replace(" ", ""))
    else:
        head = f"0007260701080000ST {STATION} H TT 2607010800 PIC ".encode()
    body = head + picture
    size = -(-len(body) // count)
    return [
        framed(
            STATION, 1, "1234", 0x36, body[n * size : (n + 1) * size],
            0x03 if n == count - 1 else 0x17, down=False, text=encoding == "ASCII",
            packets=count, packet=n + 1,
        )
        for n in range(count)
    ], picture  # fmt: skip


@pytest.mark.parametrize("encoding", ["HEX", "ASCII"])
def test_a_picture_in_packets(encoding: str) -> None:
    packets, picture = picture_packets(4, encoding)
    own = session()
    turns = [turn for packet in packets for turn in own.receive(packet, NOW)]
    assert [bool(turn.reply) for turn in turns] == [False, False, False, True]
    assert turns[-1].decoded
    (happening,) = turns[-1].decoded.happenings
    assert (happening.kind, happening.picture_type) == ("picture", "image/jpeg")
    assert happening.picture == picture
    header = WIRE.decode(turns[-1].reply).header
    assert (header["end"], header["packets"], header["packet"]) == ("EOT", 4, 4)


def test_a_missing_packet_is_asked_for_again() -> None:
    packets, picture = picture_packets()
    own = session()
    turns = [turn for n in (0, 2, 3) for turn in own.receive(packets[n], NOW)]
    header = WIRE.decode(turns[-1].reply).header
    assert (header["end"], header["packet"]) == ("NAK", 2)
    again = packets[1][:-3]  # the packet asked for ends with ETX (6.3.1.2 c)
    resent = framed(STATION, 1, "1234", 0x36, again[17:], 0x03, down=False, packets=4, packet=2)
    (turn,) = own.receive(resent, NOW)
    assert turn.decoded
    assert turn.decoded.happenings[0].picture == picture


def test_a_set_that_never_ends_is_told_and_forgotten() -> None:
    packets, _ = picture_packets()
    own = session()
    own.receive(packets[0], NOW)
    assert reasons(own.receive(TIMED, NOW + 601_000)) == [Reason.INCOMPLETE, None]
    own.receive(packets[0], NOW)
    assert reasons(own.ended(NOW)) == [Reason.INCOMPLETE]
    turns = [turn for _ in range(4) for turn in own.receive(packets[3], NOW)]
    assert reasons(turns) == [None, None, Reason.INCOMPLETE, None]


def test_a_set_is_bounded() -> None:
    own, turns = session(), []
    for n in range(1, 200):
        packet = framed(
            STATION, 1, "1234", 0x36, bytes(30_000), 0x17, down=False, packets=4095, packet=n
        )
        turns += own.receive(packet, NOW)
    assert Reason.OVERSIZE in reasons(turns)


def test_the_real_picture() -> None:
    frames = [bytes.fromhex(one["hex"]) for one in real_frames() if one["func"] == "36"]
    own = session()
    turns = [turn for frame in frames for turn in own.receive(frame, NOW)]
    assert len(turns) == 13
    assert turns[-1].decoded
    (happening,) = turns[-1].decoded.happenings
    assert happening.picture.startswith(b"\xff\xd8\xff\xe0")
    assert len(happening.picture) == 3313
    header = WIRE.decode(turns[-1].reply).header
    assert (header["packets"], header["packet"], header["end"]) == (13, 13, "EOT")


@pytest.mark.parametrize(
    ("verb", "parameters", "function", "tail"),
    [
        ("query", {}, 0x37, ""),
        ("take_picture", {}, 0x36, ""),
        (
            "query_period",
            {"from": "2026-07-01 08:00", "to": "2026-07-01 20", "step": "1h", "element": "Z"},
            0x38, "26070108 26070120 0418 000100 3923",
        ),
        ("query_elements", {"elements": ["PJ", "39", "VT"]}, 0x3A, "2019 3923 3812"),
        ("set_base", {"values": {"0C": 2, "02": "4201050002"}}, 0x40, "0C08 02 0228 4201050002"),
        ("read_base", {"names": ["03", "0C"]}, 0x41, "0310 0C08"),
        ("set_run", {"values": {"28": -1.5, "20": 1}}, 0x42, "282B FF00001500 2008 01"),
        ("read_run", {"names": ["20", "28"]}, 0x43, "2008 2823"),
        ("query_version", {}, 0x45, ""),
        ("query_state", {}, 0x46, ""),
        ("set_clock", {}, 0x4A, ""),
        ("switch_pumps", {"on": [True, False, True]}, 0x4C, "01 05"),
        ("switch_valves", {"on": [True] * 9}, 0x4D, "02 FF01"),
        ("switch_gates", {"open": [True, False], "openings": [150, 0]}, 0x4E, "02 01 0150 0000"),
        ("set_quota", {"on": True}, 0x4F, "FF"),
        ("query_events", {}, 0x50, ""),
        ("query_clock", {}, 0x51, ""),
    ],
)  # fmt: skip
def test_orders(verb: str, parameters: dict[str, Any], function: int, tail: str) -> None:
    own = session("1234")
    own.receive(TIMED, NOW)
    frame = own.order(Order("o1", STATION, verb, parameters), NOW)
    body = bytes.fromhex("0000 260701080001" + tail)
    assert frame == framed(STATION, 1, "1234", function, body, 0x05, down=True)
    decoded = WIRE.decode(frame)
    told = {"header": decoded.header, "fields": [
        {"name": one.name, "value": one.value, "part": one.part} for one in decoded.fields
    ]}  # fmt: skip
    assert WIRE.encode(told) == frame


@pytest.mark.parametrize(
    ("verb", "parameters"),
    [
        ("dance", {}),
        ("query_period", {"from": "2026"}),
        ("query_elements", {"elements": ["nothing"]}),
        ("set_run", {"values": {"20": 1234}}),
        ("switch_gates", {"open": [True], "openings": [1, 2]}),
        ("switch_pumps", {"on": 3}),
        ("set_base", {"values": []}),
    ],
)
def test_orders_that_cannot_be(verb: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(CallerFault):
        session().order(Order("o1", STATION, verb, parameters), NOW)
    with pytest.raises(CallerFault):
        session().order(Order("o1", "not an address", "query", {}), NOW)


def test_an_answer_is_matched_to_its_order() -> None:
    own = session()
    own.order(Order("o1", STATION, "query_state"), NOW)
    (turn,) = own.receive(body_frame(0x46, f"F1F1 {STATION} 4520 00000001"), NOW)
    (answer,) = turn.answers
    assert (answer.order, answer.done, answer.data["mains_lost"]) == ("o1", True, True)
    assert WIRE.decode(turn.reply).header["end"] == "EOT"
    (turn,) = own.receive(body_frame(0x46, f"F1F1 {STATION} 4520 00000001"), NOW)
    assert turn.answers == []


def ascii_frame(body: str, function: int = 0x32) -> bytes:
    return framed(STATION, 1, "1234", function, body.encode(), 0x03, down=False, text=True)


ASCII = f"0001260701080000ST {STATION} H TT 2607010800 PJ 12.5 PT 153.0 Z 21.456 VT 12.36 "


def test_ascii_reports() -> None:
    frame = ascii_frame(ASCII)
    (turn,) = session("1234").receive(b"junk" + frame, NOW)[1:]
    assert turn.decoded
    assert turn.decoded.readings == WIRE.decode(TIMED).readings
    reply = WIRE.decode(turn.reply)
    assert (reply.header["encoding"], reply.header["end"]) == ("ASCII", "EOT")
    assert [one.value for one in reply.fields] == [1, "2026-07-01 08:00:01"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("DRH01 Z PT 21.4 1.0 M 1.5 ", [("Z", 0, 21.4), ("PT", 0, 1.0), ("PT", 1, 1.5)]),
        ("Z -1.25 ", [("Z", 0, -1.25)]),
        ("VT M ", []),
    ],
)
def test_ascii_series(body: str, expected: list[tuple[str, int, float]]) -> None:
    frame = ascii_frame(f"0001260701080000ST {STATION} H TT 2607010800 {body}", 0x31)
    decoded = WIRE.decode(frame)
    start = WIRE.decode(TIMED).readings[0].time
    found = [(one.name, (one.time - start) // 3_600_000, one.value) for one in decoded.readings]
    assert sorted(found) == sorted(expected)
    fields = [{"name": one.name, "value": one.value, "part": one.part} for one in decoded.fields]
    assert WIRE.encode({"header": decoded.header, "fields": fields}) == frame


def test_ascii_hours_and_states() -> None:
    body = f"0001260701090005ST {STATION} H TT 2607010805 DRH00 DRP 00050A1E3C281400000000FF "
    body += "TT 2607010900 ZT 00000001 "
    frame = ascii_frame(body, 0x34)
    decoded = WIRE.decode(frame)
    rain = [one.value for one in decoded.readings if one.name == "DRP"]
    assert rain == [0, 0.5, 1, 3, 6, 4, 2, 0, 0, 0, 0]
    assert ("mains_lost", True) in [(one.name, one.value) for one in decoded.readings]
    fields = [{"name": one.name, "value": one.value, "part": one.part} for one in decoded.fields]
    assert WIRE.encode({"header": decoded.header, "fields": fields}) == frame


def test_orders_to_a_station_that_speaks_ascii() -> None:
    own = session("1234")
    own.receive(ascii_frame(ASCII), NOW)
    frame = own.order(Order("o1", STATION, "query_elements", {"elements": ["PJ", "Z"]}), NOW)
    assert frame.startswith(f"\x01{STATION}0112343A80".encode())
    assert b"0000260701080001PJ Z \x05" in frame


@pytest.mark.parametrize("body", [ASCII[:-7], ASCII[:20] + "\x80", "00", "x" * 30])
def test_ascii_bodies_that_are_none(body: str) -> None:
    frame = framed(STATION, 1, "1234", 0x32, body.encode("latin-1"), 0x03, down=False, text=True)
    with pytest.raises(FrameFault):
        WIRE.decode(frame)
    (turn,) = session().receive(frame, NOW)
    assert reasons([turn]) == [Reason.MALFORMED]
